"""What was redacted is nowhere: values at every place of a row, followed from import to export."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.changing.apply import apply
from curate.changing.redact import at_pointer, with_pointer
from curate.checks.contradiction import Contradiction
from curate.checks.exact_duplicate import ExactDuplicate
from curate.checks.pii import Pii
from curate.deciding.review import accept_safe, open_blocking, record, review
from curate.example import frame, pointers, strings, with_ids
from curate.runs.outgoing import export_version
from curate.runs.steps import Reading, apply_decisions, import_files, scan_version
from curate.scanning.scan import scan
from curate.workspace import Workspace

MAIL = "jane.roe@example.com"
PHONE, CARD = 14155552671, 4111111111111111
REVIEWED = {
    "prompt": "hello there",
    "completion": "hi",
    "phone": PHONE,
    "card": CARD,
    "by": {MAIL: f"mail {MAIL}"},
}


def version(workspace: Workspace, folder: Path, rows: list[dict[str, object]], **how: str) -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return import_files(workspace, [str(path)], Reading(**how)).made.outputs["dataset"]


def cleaned(workspace: Workspace, dataset: str) -> str:
    """Scanned, all safe proposals taken, applied, and scanned again."""
    scan_version(workspace, dataset)
    record(workspace, accept_safe(review(workspace, dataset)))
    clean = apply_decisions(workspace, dataset).made.outputs["dataset"]
    scan_version(workspace, clean)
    return clean


def told(workspace: Workspace, raw: str, clean: str, out: Path, formats: list[str]) -> str:
    """All that may be read by others: the clean version, findings, changes, card and exported files."""
    export_version(workspace, clean, str(out), formats, allow_blocking=True)
    parts = [str(workspace.examples(clean).to_dicts())]
    tables = workspace.ledger.rows("select digest from artifact where kind in ('findings', 'changes')")
    parts += [str(workspace.table(row["digest"]).to_dicts()) for row in tables]
    for path in sorted(out.rglob("*")):
        if path.suffix == ".parquet":
            parts.append(str(pl.read_parquet(path).to_dicts()))
        elif path.is_file():
            parts.append(path.read_text())
    parts += [str(review(workspace, each).to_dicts()) for each in (raw, clean)]
    return "\n".join(parts)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    return Workspace.open(create=True)


def test_numbers_and_keys_of_the_other_columns_are_redacted(workspace: Workspace, tmp_path: Path):
    raw = version(workspace, tmp_path, [REVIEWED, {**REVIEWED, "prompt": "another", "card": float(CARD)}])
    clean = cleaned(workspace, raw)
    assert open_blocking(review(workspace, clean)).is_empty()
    said = told(workspace, raw, clean, tmp_path / "out", ["original", "parquet"])
    for value in (MAIL, "jane.roe", str(PHONE), str(CARD)):
        assert value not in said
    row = json.loads((tmp_path / "out" / "original" / "rows.jsonl").read_text().splitlines()[0])
    assert row == {
        "prompt": "hello there",
        "completion": "hi",
        "phone": "[PHONE_NUMBER]",
        "card": "[CREDIT_CARD]",
        "by": {"[EMAIL_ADDRESS]": "mail [EMAIL_ADDRESS]"},
    }


def test_a_column_named_by_an_address_comes_back_under_its_placeholder(workspace: Workspace, tmp_path: Path):
    """The layout, which gives a row its columns back, must not remember the name; nor lose the column."""
    row = {
        "prompt": "hello",
        "completion": "hi",
        MAIL: {"x": math.nan, MAIL: [1]},
        "bob@example.com": "b",
        "a": 1,
    }
    raw = version(workspace, tmp_path, [row], group="bob@example.com")
    clean = cleaned(workspace, raw)
    said = told(workspace, raw, clean, tmp_path / "out", ["original"])
    assert "example.com" not in said
    back = json.loads((tmp_path / "out" / "rows.jsonl").read_text())
    assert list(back) == ["prompt", "completion", "[EMAIL_ADDRESS]", "[EMAIL_ADDRESS]_2", "a"]
    assert math.isnan(back["[EMAIL_ADDRESS]"]["x"]) and back["[EMAIL_ADDRESS]_2"] == "b"


PLACES = (
    "content",
    "system",
    "name",
    "calls",
    "call id",
    "label",
    "group",
    "string",
    "number",
    "float",
    "key",
    "deep",
)
SECRETS = (
    MAIL,
    "+49 171 2345678",
    "DE89370400440532013000",
    "192.0.2.44",
    "AKIAIOSFODNN7EXAMPLE",
    "4111 1111 1111 1111",
)


def row_with(value: str, number: int, places: frozenset[str], at: int) -> dict[str, object]:
    """A chat with the value at these places."""

    def here(place: str, otherwise: str) -> str:
        return value if place in places else otherwise

    arguments = json.dumps({"to": here("calls", "x"), here("calls", "k"): 1})
    call = {
        "id": here("call id", "c1"),
        "type": "function",
        "function": {"name": "f", "arguments": arguments},
    }
    meta: dict[str, object] = {"plain": here("string", "nothing"), "list": [{"deep": [here("deep", "x")]}, 3]}
    if "number" in places:
        meta |= {"phone": number, "Mobile Number": number}
    if "float" in places:
        meta["customerPhone"] = float(number)
    if "key" in places:
        meta |= {value: {f"<{value}>": value, f"~/ {value}": {value: number % 10}}}
    return {
        "messages": [
            {"role": "system", "content": f"Be kind. {here('system', '')}"},
            {
                "role": "user",
                "content": f"row {at}: please see {here('content', 'this')}",
                "name": here("name", "u"),
            },
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "ok", "tool_call_id": here("call id", "c1")},
            {"role": "assistant", "content": "done"},
        ],
        "queue": here("label", "oak"),
        "who": here("group", f"c{at}"),
        **meta,
    }


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(SECRETS),
            st.integers(14155552600, 14155552699),
            st.frozensets(st.sampled_from(PLACES), min_size=1),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_after_applying_no_raw_value_stands_anywhere(
    monkeypatch: pytest.MonkeyPatch, drawn: list[tuple[str, int, frozenset[str]]]
):
    """For rows with values at any places: the clean version, findings, changes, card and exports."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        monkeypatch.setenv("SEATRIAL_HOME", str(folder / "ws"))
        workspace = Workspace.open(create=True)
        rows = [row_with(*each, at) for at, each in enumerate(drawn)]
        raw = version(workspace, folder, rows, label="queue", group="who")
        clean = cleaned(workspace, raw)
        assert open_blocking(review(workspace, clean).filter(check="pii")).is_empty()
        said = told(workspace, raw, clean, folder / "out", ["original", "parquet"])
        for value, number, places in drawn:
            assert value not in said, (value, sorted(places))
            assert not {"number", "float"} & places or str(number) not in said, sorted(places)
        workspace.close()


# the parts of it


def test_places_name_plain_keys_and_count_the_others():
    value = {"a_b": "x", MAIL: {"c": "y", "e-mail": [PHONE, 12, True, 1.5]}, "card": float(CARD)}
    assert list(pointers(value)) == [
        ("/a_b", "x"),
        ("/#1#", MAIL),
        ("/#1/c", "y"),
        ("/#1/#1#", "e-mail"),
        ("/#1/#1/0", str(PHONE)),
        ("/card", str(CARD)),
    ]
    for place, text in pointers(value):
        assert at_pointer(value, place) == text
        assert at_pointer(with_pointer(value, place, "NEW"), place.removesuffix("#")) in ("NEW", None)


def test_keys_that_become_equal_are_told_apart():
    value = {"a@x.example": 1, "b@x.example": 2, "[E]_2": 3}
    for place in ("/#0#", "/#1#"):
        value = with_pointer(value, place, "[E]")
    assert value == {"[E]": 1, "[E]_3": 2, "[E]_2": 3}


@pytest.mark.parametrize(
    ("meta", "found"),
    [
        ({"phone": PHONE}, {"meta:/phone"}),
        ({"customerPhone": str(PHONE)}, {"meta:/customerPhone"}),
        ({"Phone Numbers": [PHONE]}, {"meta:/Phone Numbers/0"}),
        ({"card": CARD}, {"meta:/card"}),
        ({"order_id": PHONE, "calls": PHONE, "hotel": PHONE, "registered": 1700000000}, set()),
        ({"phone": 123456, "loss": 0.12345678901234567}, set()),
    ],
)
def test_the_name_of_a_column_tells_what_its_number_is(meta: dict[str, object], found: set[str]):
    row = {"messages": [{"role": "user", "content": "hi"}], "source": "s", "meta": json.dumps(meta)}
    table = with_ids(frame([row]), ["o"])
    findings = scan(table, [Pii()]).findings
    assert set(findings["field"]) == found
    texts = {(field): text for _, _, field, text in strings(table)}
    for place, start, end in findings.select("field", "start", "end").iter_rows():
        assert (start, end) == (0, len(texts[place]))
    decided = findings.with_columns(decided=pl.lit("redact"))
    assert str(PHONE) not in str(apply(table, decided).clean.to_dicts()) or not found


def test_evidence_of_disagreeing_labels_holds_no_label():
    rows = [
        {
            "messages": [
                {"role": "user", "content": "who gets this"},
                {"role": "assistant", "content": "see"},
            ],
            "label": label,
            "source": "s",
            "meta": "{}",
        }
        for label in (MAIL, "bob@example.com")
    ]
    found = scan(with_ids(frame(rows), ["1", "2"]), [ExactDuplicate(), Contradiction()]).findings
    assert set(found["check"]) == {"exact-duplicate", "contradiction"}
    assert "example.com" not in str(found.to_dicts())
