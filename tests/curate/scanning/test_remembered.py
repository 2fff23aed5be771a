"""A scan of a version with a few new rows looks at the new rows only, and finds the same."""

from __future__ import annotations

import json

import polars as pl
import pytest

from curate.checks.near_duplicate import NearDuplicate
from curate.runs.steps import Reading, import_files, scan_version
from curate.scanning import kept, looking, remembered
from curate.workspace import Workspace

CHECKS = ["structure", "exact-duplicate", "near-duplicate"]


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    return Workspace.open(create=True)


def told(number: int) -> str:
    answer = (
        ""
        if number % 7 == 0
        else f"It is thing {number % 5} of the long shelf, as the list on the wall says."
    )
    return json.dumps(
        {
            "messages": [
                {"role": "user", "content": f"What is {number // 2} there?"},
                {"role": "assistant", "content": answer},
            ]
        }
    )


def dataset(workspace, tmp_path, count: int, name: str = "rows") -> str:
    file = tmp_path / f"{name}.jsonl"
    file.write_text("\n".join(told(number) for number in range(count)))
    return import_files(workspace, [str(file)], Reading(), name="rows").made.outputs["dataset"]


def counted(monkeypatch) -> dict[str, int]:
    """Rows looked at, by check, from here on."""
    seen: dict[str, int] = {}
    look = looking._Work._look

    def counting(work, batch):
        seen[work.check.name] = seen.get(work.check.name, 0) + batch.height
        return look(work, batch)

    monkeypatch.setattr(looking._Work, "_look", counting)
    return seen


@pytest.mark.parametrize("name", ["rows", "another"])
def test_only_new_rows_are_looked_at_and_the_findings_are_those_of_a_whole_scan(
    workspace, tmp_path, monkeypatch, name
):
    scan_version(workspace, dataset(workspace, tmp_path, 100), names=CHECKS)
    grown = dataset(workspace, tmp_path, 104, name)
    seen = counted(monkeypatch)
    quick = scan_version(workspace, grown, names=CHECKS)
    assert seen["structure"] == 4
    assert seen["exact-duplicate"] <= (4 if name == "rows" else 104)
    whole = scan_version(workspace, grown, names=CHECKS, again=True)
    tables = [workspace.table(done.made.outputs["findings"]) for done in (quick, whole)]
    assert tables[0].equals(tables[1])
    assert tables[0].height > 10


def test_another_setting_looks_at_all_rows(workspace, tmp_path, monkeypatch):
    rows = dataset(workspace, tmp_path, 30)
    scan_version(workspace, rows, names=["exact-duplicate"])
    seen = counted(monkeypatch)
    scan_version(
        workspace, rows, names=["exact-duplicate"], settings={"exact-duplicate": {"compare": "answer"}}
    )
    assert seen == {"exact-duplicate": 30}


def test_an_edited_row_is_looked_at_again(workspace, tmp_path, monkeypatch):
    rows = dataset(workspace, tmp_path, 30)
    scan_version(workspace, rows, names=["structure"])
    table = workspace.examples(rows)
    edited = table.with_columns(
        content_hash=pl.when(pl.int_range(pl.len()) == 3).then(pl.lit("0" * 32)).otherwise("content_hash")
    )
    seen = counted(monkeypatch)
    scan_version(workspace, workspace.put_dataset(edited), names=["structure"])
    assert seen == {"structure": 1}


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:20],
        lambda raw: b"",
        lambda raw: b"{}",
        lambda raw: raw[:1500] + bytes([raw[1500] ^ 1]) + raw[1501:],  # one bit of a key
        lambda data: bytes(8),  # the checksum of nothing
        "none",
        "older",
    ],
)
def test_a_damaged_file_of_sketches_is_put_away_and_made_again(workspace, tmp_path, capsys, damage):
    rows = dataset(workspace, tmp_path, 30)
    scan_version(workspace, rows, names=["exact-duplicate"])
    (file,) = (workspace.root / "sketches").glob("exact-duplicate-*.kept")
    if damage == "none":
        kept.write(file, pl.DataFrame({"other": [1]}))
    elif damage == "older":  # as a version of the program wrote it that kept less
        kept.write(file, kept.read(file, []).drop("verbatim"))
    else:
        file.write_bytes(damage(file.read_bytes()))
    more = dataset(workspace, tmp_path, 31)
    made = scan_version(workspace, more, names=["exact-duplicate"]).made.outputs
    said = capsys.readouterr().err
    assert file.name in said and "is made again" in said
    assert scan_version(workspace, more, names=["exact-duplicate"], again=True).made.outputs == made


def added_to(workspace, tmp_path, *, harm=None):
    """(how often the pairs of the version before told those of one with new rows, what it finds; from nothing)."""
    told = []
    known = NearDuplicate.relinked

    def asked(check, sketches, rows, before):
        found = known(check, sketches, rows, before)
        told.append(found is not None)
        return found

    rows = pairs_of_copies(workspace, tmp_path, 77)
    scan_version(workspace, rows, names=["near-duplicate"])
    if harm is not None:
        for file in (workspace.root / "sketches").glob("*.linked.kept"):
            harm(file)
    more = pairs_of_copies(workspace, tmp_path, 80)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NearDuplicate, "relinked", asked)
        found = scan_version(workspace, more, names=["near-duplicate"]).made.outputs
    return told, found, scan_version(workspace, more, names=["near-duplicate"], again=True).made.outputs


def test_pairs_of_old_rows_are_not_looked_for_again(workspace, tmp_path):
    told, found, whole = added_to(workspace, tmp_path)
    assert told == [True] and found == whole


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-9]),
        lambda file: kept.write(file, pl.DataFrame({"other": [1]})),
        lambda file: file.unlink(),
        lambda file: file.rename(file.with_name(file.name.replace(".77.", ".76."))),
        lambda file: file.rename(file.with_name(f"{file.name.split('.')[0]}.{'0' * 32}.77.linked.kept")),
    ],
)
def test_pairs_that_are_damaged_or_of_other_rows_are_looked_for_anew(workspace, tmp_path, capsys, harm):
    told, found, whole = added_to(workspace, tmp_path, harm=harm)
    assert told == [] and found == whole


def test_deleting_the_sketches_changes_nothing(workspace, tmp_path):
    rows = dataset(workspace, tmp_path, 30)
    one = scan_version(workspace, rows, names=["exact-duplicate"])
    for file in (workspace.root / "sketches").iterdir():
        file.unlink()
    two = scan_version(workspace, rows, names=["exact-duplicate"], again=True)
    assert one.made.outputs == two.made.outputs


def pairs_of_copies(workspace, tmp_path, count: int = 80) -> str:
    """Forty texts, each with a copy of which more or fewer words are others; so many rows of these."""
    words = [
        f"{a}{b}{c}" for a in "bdfglm" for b in ("ar", "el", "im", "od") for c in ("os", "una", "ik", "eto")
    ]
    texts = []
    for number in range(40):
        text = [words[(number * 13 + at * 7) % 96] + "abcdefgh"[number % 8] for at in range(40)]
        texts += [
            text,
            [f"other{at}{word}" if at % 40 < number % 9 else word for at, word in enumerate(text)],
        ]
    rows = [
        {"messages": [{"role": "user", "content": " ".join(text)}, {"role": "assistant", "content": "Yes."}]}
        for text in texts
    ]
    file = tmp_path / "copies.jsonl"
    file.write_text("\n".join(map(json.dumps, rows[:count])))
    return import_files(workspace, [str(file)], Reading(), name="copies").made.outputs["dataset"]


def test_a_higher_threshold_takes_the_scores_that_were_kept(workspace, tmp_path, monkeypatch):
    rows = pairs_of_copies(workspace, tmp_path)
    low, high = ({"near-duplicate": {"threshold": at}} for at in (0.6, 0.9))
    scan_version(workspace, rows, names=["near-duplicate"], settings=low)
    seen = counted(monkeypatch)
    quick = scan_version(workspace, rows, names=["near-duplicate"], settings=high)
    assert seen == {}
    whole = scan_version(workspace, rows, names=["near-duplicate"], settings=high, again=True)
    assert seen == {"near-duplicate": 80}
    tables = [workspace.table(done.made.outputs["findings"]) for done in (quick, whole)]
    assert tables[0].equals(tables[1])
    assert 0 < tables[0].height < 80


def test_a_lower_threshold_looks_again(workspace, tmp_path, monkeypatch):
    rows = dataset(workspace, tmp_path, 40)
    scan_version(workspace, rows, names=["near-duplicate"], settings={"near-duplicate": {"threshold": 0.8}})
    seen = counted(monkeypatch)
    scan_version(workspace, rows, names=["near-duplicate"], settings={"near-duplicate": {"threshold": 0.6}})
    assert seen == {"near-duplicate": 40}


def test_pairs_that_met_at_another_threshold_are_not_taken_for_all(workspace, tmp_path):
    few, more = (pairs_of_copies(workspace, tmp_path, count) for count in (77, 80))
    high, low = ({"near-duplicate": {"threshold": at}} for at in (0.95, 0.5))
    scan_version(workspace, few, names=["near-duplicate"], settings=high)
    quick, whole = (
        scan_version(workspace, more, names=["near-duplicate"], settings=low, again=again).made.outputs
        for again in (False, True)
    )
    assert quick == whole


def test_findings_of_an_earlier_scan_go_by_their_checksum_without_being_digested(
    workspace, tmp_path, monkeypatch
):
    scan_version(workspace, dataset(workspace, tmp_path, 40), names=["structure"])
    more = dataset(workspace, tmp_path, 42)
    monkeypatch.setattr(remembered, "table_digest", lambda *_: pytest.fail("a digest is made"))
    made = scan_version(workspace, more, names=["structure"]).made.outputs
    assert scan_version(workspace, more, names=["structure"], again=True).made.outputs == made


def test_what_goes_by_the_layout_is_not_taken_over_from_a_row_that_says_the_same(workspace, tmp_path):
    """A conversation may lose its end, a prompt of the same words may not."""
    chat = [{"role": role, "content": role} for role in ("user", "assistant", "user")]
    more = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello there"}]
    lines = {"a": [{"messages": chat}, {"messages": more}], "b": [{"prompt": chat}]}
    for name, rows in lines.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def found(*names, again=False):
        files = [str(tmp_path / f"{name}.jsonl") for name in names]
        digest = import_files(workspace, files, Reading()).made.outputs["dataset"]
        made = scan_version(workspace, digest, names=["structure"], again=again).made.outputs["findings"]
        return sorted(workspace.table(made)["action"])

    assert found("a") == ["edit"]
    assert found("b", "a") == found("b", "a", again=True) == ["drop", "edit"]


def test_without_their_checksum_findings_are_digested_and_taken_over(workspace, tmp_path, monkeypatch):
    scan_version(workspace, dataset(workspace, tmp_path, 40), names=["structure"])
    (workspace.root / "sketches" / "findings.kept").unlink()
    seen = counted(monkeypatch)
    scan_version(workspace, dataset(workspace, tmp_path, 42), names=["structure"])
    assert seen == {"structure": 2}


def test_a_table_that_was_read_stays_when_its_file_is_written_anew(tmp_path):
    place, table = tmp_path / "some.kept", pl.DataFrame({"key": [1, 2, 3], "words": ["a", None, "c"]})
    kept.write(place, table)
    found = kept.read(place, ["key"])
    kept.write(place, table.head(1))
    assert found is not None and found.equals(table)


def test_findings_that_were_damaged_before_they_were_found_again_are_not_vouched_for(workspace, tmp_path):
    rows = dataset(workspace, tmp_path, 40)
    digest = scan_version(workspace, rows, names=["structure"]).made.outputs["findings"]
    (workspace.root / "sketches" / "findings.kept").unlink()
    file = workspace.store.path(digest) / "table.parquet"
    pl.read_parquet(file).head(1).write_parquet(file)
    other = {"structure": {"max_characters": 19_999}}
    assert (
        scan_version(workspace, rows, names=["structure"], settings=other).made.outputs["findings"] == digest
    )
    more = dataset(workspace, tmp_path, 42)
    made = scan_version(workspace, more, names=["structure"], settings=other).made.outputs
    assert scan_version(workspace, more, names=["structure"], settings=other, again=True).made.outputs == made
