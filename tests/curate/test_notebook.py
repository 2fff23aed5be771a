"""The checks on rows in memory."""

from __future__ import annotations

import json

import datasets
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


@pytest.mark.parametrize("kind", [list, pl.DataFrame, datasets.Dataset.from_list])
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
