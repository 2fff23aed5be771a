"""A word that is taken for a person in very many rows: told as doubtful, decided once, and never taken unasked."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from curate.commands.main import apply, import_, review, scan
from curate.deciding.review import review as table_of
from curate.deciding.review import safe
from curate.example import frame, with_ids
from curate.finding import stamp
from curate.names.spread import told
from curate.workspace import Workspace

ROWS = 40


def found(texts: list[tuple[str, str]], groups: int = ROWS) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(findings, examples): rows of (text, the person found in it), spread over so many customers."""
    rows = [
        {
            "messages": [{"role": "user", "content": text, "name": None, "tool_calls": None, "tool_call_id": None}],
            "source": "t.jsonl", "source_row": n, "group": f"c{n % groups}",
        }
        for n, (text, _) in enumerate(texts)
    ]  # fmt: skip
    examples = with_ids(frame(rows), [json.dumps(row) for row in rows])
    places = [
        {
            "example_id": name, "label": "PERSON", "message": 0, "field": "content", "start": text.index(value),
            "end": text.index(value) + len(value), "score": 0.9, "action": "redact", "evidence": '{"kind": "PERSON"}',
        }
        for name, (text, value) in zip(examples["example_id"], texts, strict=True)
    ]  # fmt: skip
    hashes = dict(examples.select("example_id", "content_hash").iter_rows())
    return stamp(pl.DataFrame(places), hashes, check="pii", version=1), examples


@pytest.mark.parametrize(
    ("text", "value", "groups", "doubted"),
    [
        ("yesterday Vaultly told me {}", "Vaultly", ROWS, True),
        ("yesterday Moss told me {}", "Moss", ROWS, True),
        (
            "what does the Tessa stroller cost in {}?",
            "Tessa",
            ROWS,
            True,
        ),  # an article makes a given name a thing's
        ("was kostet das Gerät Tessa {}?", "Gerät Tessa", ROWS, True),
        ("Will Vaultly tell me {}?", "Vaultly", ROWS, True),  # a word that begins a sentence is no given name
        ("yesterday Vaultly told me {}", "Vaultly", 4, False),  # four customers may have one agent
        ("yesterday Ms. Moss told me {}", "Moss", ROWS, False),
        ("yesterday Priya Moss told me {}", "Moss", ROWS, False),
        ("yesterday Priya told me {}", "Priya", ROWS, False),  # who signs each answer is a person
        ("yesterday vaultly told me {}", "vaultly", ROWS, False),
        ("yesterday Lena Vaultly told me {}", "Lena Vaultly", ROWS, False),
    ],
)
def test_a_word_in_many_rows_of_many_customers_is_doubtful(
    text: str, value: str, groups: int, doubted: bool
) -> None:
    """Told in the evidence, with a lower score; said twice it is the same, and in few rows it is taken back."""
    findings, examples = found([(text.format(n), value) for n in range(ROWS)], groups)
    table = told(findings, examples)
    assert (set(table["score"]) == {0.3}) is doubted
    assert ("perhaps" in table["evidence"][0]) is doubted
    assert told(table, examples).equals(table)
    assert table["finding_id"].equals(findings["finding_id"])
    few = examples.head(5)
    here = pl.col("example_id").is_in(few["example_id"].implode())
    assert told(table.filter(here), few).equals(findings.filter(here))


def test_a_word_in_a_longer_name_somewhere_is_a_person() -> None:
    texts = [(f"yesterday Moss told me {n}", "Moss") for n in range(ROWS)]
    findings, examples = found([*texts, ("I am Ada Moss", "Ada Moss")])
    assert told(findings, examples).equals(findings)


def test_a_word_that_mostly_stands_as_nobody_is_doubtful() -> None:
    """Three of a thousand rows are taken for a person's, in twenty others the same word is not."""
    plain = pl.Series([f"we use Vaultly{'' if n < 20 else 'n'} for order {n}" for n in range(1_000)])
    findings, examples = found([(f"yesterday Vaultly told me {n}", "Vaultly") for n in range(8)])
    _, others = found([(text, "we") for text in plain])
    table = told(findings, pl.concat([examples, others]))
    assert all(json.loads(said).get("rows") == 28 for said in table["evidence"])
    assert told(findings, examples.vstack(others.slice(20))).equals(findings)


@pytest.mark.parametrize(
    ("text", "value", "label", "bearers", "doubted"),
    [
        ("sierra: sorry {}", "sierra", "sierra", ROWS, True),
        ("Sierra told me {}", "Sierra", "sierra", ROWS, True),
        ("I am Sierra {}", "Sierra", "sierra", 7, False),  # a class of so few rows may be a slip
        ("I am Sierra {}", "Sierra", "oak", ROWS, False),
        ("I asked Mrs Sierra {}", "Sierra", "sierra", ROWS, False),
        ("I asked Priya Keller {}", "Priya Keller", "Priya Keller", ROWS, False),  # whose rows they are
    ],
)
def test_a_label_is_rather_a_class(text: str, value: str, label: str, bearers: int, doubted: bool) -> None:
    """The name of a class in an answer is what the rows teach, and is told so; of few rows, a full name is a person's."""
    findings, examples = found([(text.format(n), value) for n in range(ROWS)])
    labels = [label if n < bearers else "other" for n in range(ROWS)]
    examples = examples.with_columns(pl.Series("label", labels))
    table = told(findings, examples)
    assert {json.loads(said).get("perhaps") for said in table["evidence"]} == {
        "a label of these rows" if doubted else None
    }
    assert told(table, examples).equals(table)


def test_an_initial_is_somebodys() -> None:
    findings, examples = found([(f"yesterday S. Moss told me {n}", "S. Moss") for n in range(ROWS)])
    assert told(findings, examples).equals(findings)


@pytest.mark.parametrize(("height", "field"), [(40, True), (200, False)])
def test_a_key_that_most_rows_have_is_a_field(height: int, field: bool) -> None:
    _, examples = found([(f"hello {n}", "hello") for n in range(height)])
    meta = pl.Series("meta", ['{"a": {"Moss, no.": 1}}'] * ROWS + ["{}"] * (height - ROWS))
    examples = examples.with_columns(meta)
    row = {"label": "PERSON", "field": "meta:/a/#0#", "start": 0, "end": 4, "score": 0.9, "action": "redact"}
    hashes = dict(examples.select("example_id", "content_hash").iter_rows())
    places = [row | {"example_id": name, "evidence": "{}"} for name in examples["example_id"][:ROWS]]
    table = told(stamp(pl.DataFrame(places), hashes, check="pii", version=1), examples)
    assert {json.loads(said).get("perhaps") for said in table["evidence"]} == {
        "the name of a field" if field else None
    }


def test_it_is_decided_once_in_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan names the word, --also leaves it alone and says so, and one line rejects all its rows."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    path = tmp_path / "t.jsonl"
    rows = [
        {
            "prompt": f"Yesterday I asked Vaultly about it, and parcel {n * 7919} is late. I am Priya Keller.",
            "completion": "yes",
        }
        for n in range(12)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_([str(path)])
    lines = scan(check=["structure", "pii"]).lines
    assert any("`Vaultly` 12 rows" in line for line in lines)
    assert any('seatrial review t --value "Vaultly" --reject-all' in line for line in lines)
    here = Workspace.open()
    taken = safe(table_of(here, here.dataset()), ["pii/PERSON"])
    assert 0 < taken.height == 24 - review(value="vaultly").data["fitting"]  # type: ignore[operator]
    applied = apply(safe=True, also=["pii/PERSON"])
    assert any(
        "perhaps a product, a company or a label, not a person: `Vaultly` 12 rows" in x for x in applied.lines
    )
    raw = str(applied.data["from"])
    done = review(raw, value=" VAULTLY ", reject_all=True)
    assert done.data["decided"] == 12 and done.data["open"] == 0
    assert review(raw, value="nobody").data["fitting"] == 0
