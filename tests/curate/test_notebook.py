"""The checks on rows in memory."""

from __future__ import annotations

import json

import polars as pl
import pytest

import curate
from curate import examine
from curate.errors import ConfigError, SourceError

QUICK = ["structure", "exact-duplicate", "near-duplicate"]
ROWS = [
    {"instruction": f"Name thing {n} of the shelf by the door.", "output": f"It is the {w} box on the left."}
    for n, w in enumerate(["red", "blue", "green", "heavy"])
]
ROWS += [dict(ROWS[0]), {"instruction": "What now?", "output": ""}]


def dataset(rows):
    from datasets import Dataset  # a second of imports, of each process that collects this file

    return Dataset.from_list(rows)


@pytest.mark.parametrize("kind", [list, pl.DataFrame, dataset])
def test_frames_datasets_and_lists_give_the_same_findings_by_row(kind):
    found = examine(kind(ROWS), checks=QUICK)
    told = {
        (row["check"], row["label"], row["row"])
        for row in found.findings.iter_rows(named=True)
        if row["action"] == "drop"
    }
    assert told == {("exact-duplicate", "exact", 4), ("structure", "empty-answer", 5)}


def test_clean_rows_come_back_with_the_columns_that_they_came_with():
    clean = examine(pl.DataFrame(ROWS), checks=QUICK).clean()
    assert clean.frame().to_dicts() == ROWS[:4]
    assert clean.dataset().to_list() == ROWS[:4]
    assert clean.changes is not None
    assert clean.changes["change"].to_list() == ["drop", "drop"]


def test_safe_edits_are_carried_out_as_apply_safe_does():
    rows = [
        {"text": f"the parcel {n} came late", "label": each}
        for n, each in enumerate(["late", "late", "LATE ", "lost"])
    ]
    rows.append({"text": "the cafÃ© parcel came", "label": "lost"})
    cleaned = examine(rows, label="label", checks=["label-spelling", "quality"]).clean()
    assert [row["label"] for row in cleaned.rows()] == ["late"] * 3 + ["lost"] * 2
    assert cleaned.rows()[-1]["text"] == "the café parcel came"
    assert cleaned.findings.filter(pl.col("action") == "edit").is_empty()


def test_only_what_was_chosen_is_carried_out():
    found = examine(ROWS, checks=QUICK)
    chosen = found.findings.filter(check="structure")
    assert found.clean(chosen).rows() == ROWS[:5]


def test_a_file_is_read_as_by_import(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, ROWS)))
    assert (
        examine(str(file), checks=["structure"]).summary.to_dicts()
        == examine(ROWS, checks=["structure"]).summary.to_dicts()
    )


def test_protected_rows_are_looked_for():
    found = examine(
        ROWS,
        checks=["leak"],
        protect=[{"instruction": ROWS[2]["instruction"], "output": "x"}],
        encoder="none",
    )
    assert 2 in found.findings.filter(label="protected")["row"].to_list()


def test_what_was_not_looked_for_is_said():
    found = examine(ROWS, checks=["leak"], encoder="none")
    assert [each.check for each in found.not_run] == ["leak"]


def test_a_check_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match="structur"):
        examine(ROWS, checks=["structur"])


def test_rows_of_no_known_shape_are_refused():
    with pytest.raises(SourceError):
        examine([{"a": 1}, {"a": 2}])


def test_the_package_has_no_other_names():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = curate.nothing_of_the_kind


def test_a_pandas_frame_is_read_and_what_is_missing_is_null():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"text": ["one two", "three"], "label": ["a", None], "n": [1.5, float("nan")], "more": [[1], None]}
    )
    found = examine(frame, checks=["structure"])
    assert found.rows() == [
        {"text": "one two", "label": "a", "n": 1.5, "more": [1]},
        {"text": "three", "label": None, "n": None, "more": None},
    ]


def test_an_item_that_is_no_mapping_is_a_reject():
    found = examine([{"text": "one", "label": "a"}, "two", {3: "x"}], checks=["structure"])
    assert found.rows() == [{"text": "one", "label": "a"}]
    assert found.rejects["row"].to_list() == [2, 3]
    assert "is of type str, not a mapping" in found.rejects["reason"][0]
    for thing in (5, {"a": [1]}):
        with pytest.raises(SourceError, match="no rows"):
            examine(thing)


def test_what_was_found_is_shown_in_a_few_lines():
    shown = repr(examine(ROWS, checks=[*QUICK, "leak"])).splitlines()
    assert shown[0] == "Examined: 6 rows"
    assert "1  exact-duplicate/exact  drop" in shown[1]
    assert "not looked: leak" in shown[-1] and "protect=" in shown[-1] and "--" not in shown[-1]


def test_messages_speak_of_arguments(tmp_path):
    with pytest.raises(ConfigError, match=r"no column `quux` \(label=\)"):
        examine(ROWS, label="quux")
    with pytest.raises(SourceError, match=r'columns=\{"prompt": "YOURS", "completion": "YOURS"\}'):
        examine([{"q": "x", "z": "y"}])
    with pytest.raises(
        SourceError, match=r'columns=\{"prompt": "The question", "completion": "Our answer"\}'
    ):
        examine([{"The question": "x", "Our answer": "y"}])
    file = tmp_path / "a.csv"
    file.write_bytes("text,label\nfür,a\nb,c\n".encode("cp1252"))
    assert (
        'encoding="utf-8,windows-1252"'
        in examine(file, checks=["structure"], encoding="utf-8").rejects["reason"][0]
    )
    assert examine(file, checks=["structure"], encoding="cp1252").rows()[0]["text"] == "für"
