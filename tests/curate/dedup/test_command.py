"""`seatrial dedup`: what it writes, and what it refuses before it reads."""

from __future__ import annotations

import json
import subprocess
import sys

import polars as pl
import pytest

from curate.commands.dedup import dedup
from curate.errors import ConfigError, SourceError

ROWS = [
    {"id": 1, "text": "please tell me how i can change the address on my account"},
    {"id": 2, "text": "something quite different that nobody else has asked us so far"},
    {"id": 3, "text": "Please tell me how I can change the address on my account!"},
    {"id": 4, "text": ""},
]


def write(path, rows=ROWS):
    path.write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    return path


def test_what_stays_is_written_as_it_stood(tmp_path):
    source = write(tmp_path / "rows.jsonl")
    out, gone = tmp_path / "kept.jsonl", tmp_path / "gone.jsonl"
    answer = dedup(source, out=out, dropped=gone)
    assert [json.loads(line) for line in out.read_text().splitlines()] == [ROWS[0], ROWS[1], ROWS[3]]
    assert json.loads(gone.read_text()) == {"row": 3, "stays": 1, "jaccard": 1.0}
    assert (answer.data["rows"], answer.data["kept"], answer.data["equal"], answer.data["empty"]) == (
        4,
        3,
        1,
        1,
    )
    assert answer.exit_code == 0


def test_parquet_stays_parquet(tmp_path):
    source, out = tmp_path / "rows.parquet", tmp_path / "kept.parquet"
    pl.DataFrame(ROWS).write_parquet(source)
    dedup(source, out=out, keep="last")
    assert pl.read_parquet(out)["id"].to_list() == [2, 3, 4]


def test_several_fields_are_one_text(tmp_path):
    rows = [
        {"q": "how many", "a": "three of them"},
        {"q": "how many", "a": "four of them"},
        {"q": "how many", "a": "three of them."},
    ]
    source = write(tmp_path / "rows.jsonl", rows)
    assert dedup(source, text="q,a").data["kept"] == 2


def test_the_file_that_is_read_is_not_written(tmp_path):
    source = write(tmp_path / "rows.jsonl")
    before = source.read_bytes()
    with pytest.raises(ConfigError, match="is read"):
        dedup(source, out=source)
    with pytest.raises(ConfigError, match="no folder"):
        dedup(source, out=tmp_path / "none" / "kept.jsonl")
    assert source.read_bytes() == before


def test_a_run_that_fails_leaves_no_half_file(tmp_path):
    source = write(tmp_path / "rows.jsonl", [*ROWS, {"id": 5, "text": 7}])
    out = tmp_path / "kept.jsonl"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tui", "dedup", str(source), "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "rows.jsonl:9" in done.stderr
    assert not out.exists()


def test_a_field_that_no_row_has_is_misspelt(tmp_path):
    rows = [{"q": "how many", "answer": "three"}, {"q": "how many", "answer": "four"}]
    lines, array = write(tmp_path / "rows.jsonl", rows), tmp_path / "rows.json"
    array.write_text(json.dumps(rows))
    for source in (lines, array):
        with pytest.raises(ConfigError, match=r"no row of .* has a field `anwser`") as caught:
            dedup(source, text="q,anwser")
        assert "did you mean `answer`" in caught.value.hint


def test_messages_are_compared_by_what_is_said(tmp_path):
    said = [[{"role": "user", "content": "hi"}, {"role": "assistant", "content": word}] for word in "aab"]
    source = write(tmp_path / "rows.jsonl", [{"messages": turns} for turns in said])
    assert dedup(source, text="messages").data["kept"] == 2
    with pytest.raises(SourceError, match="is no text"):
        dedup(write(tmp_path / "odd.jsonl", [{"messages": [1]}]), text="messages")


def test_a_file_that_is_there_is_replaced_only_when_asked(tmp_path):
    source, out = write(tmp_path / "rows.jsonl"), tmp_path / "kept.jsonl"
    out.write_text("mine")
    with pytest.raises(ConfigError, match="exists"):
        dedup(source, out=out)
    assert out.read_text() == "mine"
    dedup(source, out=out, overwrite=True)
    assert out.read_text() != "mine"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rows.csv", "seatrial import"),
        ("rows.tsv.gz", "seatrial import"),
        ("rows.xlsx", "save the sheet as CSV"),
        ("rows", "the name's ending"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_do(tmp_path, name, told):
    (tmp_path / name).write_text("a,text\n1,one\n")
    with pytest.raises(SourceError) as refused:
        dedup(tmp_path / name)
    assert told in str(refused.value.hint)
