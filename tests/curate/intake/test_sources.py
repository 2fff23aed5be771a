"""Files in: every row is an example or a reject with its place and reason."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from curate.errors import ConfigError, ResourceError, SourceError
from curate.example import EXAMPLES
from curate.formats import tables
from curate.intake.sources import REJECTS, Imported, read_source, split_name

Row = dict[str, Any]
ROWS: list[Row] = [
    {"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": "ü"}], "n": n}
    for n in range(5)
]
CSV = 'text,label\nhello,a\n"two\nlines, and ""quotes""",b\n'


def lines(rows: list[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def contents(imported: Imported) -> list[str]:
    return [messages[0]["content"] for messages in imported.examples["messages"]]


def table(rows: list[Row]) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(rows).write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", lines(ROWS)),
        ("crlf.jsonl", lines(ROWS).replace("\n", "\r\n")),
        ("bom.jsonl", "\ufeff" + lines(ROWS)),
        ("no-last-newline.jsonl", lines(ROWS).rstrip("\n")),
        ("blank-lines.jsonl", "\n\n" + lines(ROWS).replace("\n", "\n\n")),
        ("a.json", json.dumps(ROWS)),
        ("pretty.json", json.dumps(ROWS, indent=2)),
        ("bom.json", "\ufeff" + json.dumps(ROWS, indent=1)),
        ("lines-in.json", lines(ROWS)),
        ("array-in.jsonl", json.dumps(ROWS, indent=1)),
        ("envelope.json", json.dumps({"version": 1, "data": ROWS})),
        ("pretty-envelope.json", json.dumps({"version": 1, "data": ROWS}, indent=1)),
        ("one-after-the-other.json", "\n".join(json.dumps(row, indent=1) for row in ROWS)),
        ("a.jsonl.gz", gzip.compress(lines(ROWS).encode())),
        ("a.json.zst", zstandard.compress(json.dumps(ROWS).encode())),
        ("packed-but-not-named.jsonl", gzip.compress(lines(ROWS).encode())),
        ("a.parquet", table(ROWS)),
        ("a.parquet.gz", gzip.compress(table(ROWS))),
        ("no-ending", lines(ROWS)),
        ("wrong-ending.csv", lines(ROWS)),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_the_same_rows_in_any_file(tmp_path: Path, name: str, content: str | bytes) -> None:
    """What a file is is told by its content, and all of them give the same examples."""
    imported = read_source(put(tmp_path, name, content))
    assert contents(imported) == ["q0", "q1", "q2", "q3", "q4"]
    assert imported.examples.schema == EXAMPLES
    assert imported.rejects.schema == REJECTS
    assert imported.rejects.height == 0
    assert imported.format == "messages"
    assert "5 of 5 first rows have a `messages` list" in imported.why
    assert [json.loads(meta)["n"] for meta in imported.examples["meta"]] == [0, 1, 2, 3, 4]


def test_a_single_row_in_a_pretty_file_is_a_row(tmp_path: Path) -> None:
    """An object whose list is a conversation is a row, not a file of rows."""
    assert contents(read_source(put(tmp_path, "one.json", json.dumps(ROWS[0], indent=1)))) == ["q0"]


@pytest.mark.parametrize(
    ("name", "mark"), [("a.csv", ","), ("a.tsv", "\t"), ("b.csv", ";"), ("a.csv.gz", ",")]
)
def test_tables_of_text_and_label(tmp_path: Path, name: str, mark: str) -> None:
    """Quoted line breaks and quotes are read; the row is the line that it begins on."""
    content = (
        CSV.replace("text,label", f"text{mark}label")
        .replace("hello,a", f"hello{mark}a")
        .replace('",b', f'"{mark}b')
    )
    imported = read_source(
        put(tmp_path, name, gzip.compress(content.encode()) if name.endswith("gz") else content)
    )
    assert imported.format == "classification"
    assert contents(imported) == ["hello", 'two\nlines, and "quotes"']
    assert imported.examples["label"].to_list() == ["a", "b"]
    assert imported.examples["source_row"].to_list() == [2, 3]


BAD_LINES: list[tuple[bytes, str]] = [
    (b'{"messages": [', "is not JSON"),
    (b"[1]", "is a list, not an object"),
    (b'"x"', "is a text, not an object"),
    (b'{"messages": 3}', "`messages` is a number"),
    (b'{"other": 1}', "has no `messages`"),
    (b'{"messages": [{"role": "bot", "content": "x"}]}', "message 1 has role `bot`"),
    (b'{"messages": [{"role": "user", "content": "a\x00b"}]}', "holds NUL bytes"),
    (b'{"messages": [{"role": "user", "content": "\xff"}]}', "is 0xff"),
    (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "half of a surrogate pair"),
    (b'{"messages": [{"role": "user", "content": "x"}], "n": 1e999}', "beyond what a double holds"),
    (
        b'{"messages": [{"role": "user", "content": "x"}], "n": ' + b"9" * 5000 + b"}",
        "more digits than can be read",
    ),
    (b"[" * 100_000, "nested too deeply"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_LINES, ids=[reason for _, reason in BAD_LINES])
def test_a_bad_line_is_rejected_and_the_rest_goes_on(tmp_path: Path, line: bytes, reason: str) -> None:
    """The reject has file, line, reason and at most 2,000 characters of the line."""
    content = lines(ROWS[:2]).encode() + line + b"\n" + lines(ROWS[2:]).encode()
    imported = read_source(put(tmp_path, "a.jsonl", content))
    assert imported.examples.height == 5
    source, row, why, text = imported.rejects.row(0)
    assert (source, row, imported.rejects.height) == ("a.jsonl", 3, 1)
    assert reason in why
    assert 0 < len(text) <= 2000


def test_numbers_and_duplicate_keys_survive(tmp_path: Path) -> None:
    """Big whole numbers, floats, NaN and a key that stands twice do no harm."""
    row = '{"text": "a", "text": "b", "label": "x", "big": 123456789012345678901234567890, "f": 0.1, "nan": NaN}\n'
    imported = read_source(put(tmp_path, "a.jsonl", row))
    meta = json.loads(imported.examples["meta"][0])
    assert meta == {"big": 123456789012345678901234567890, "f": 0.1, "nan": None}
    assert json.loads(imported.examples["layout"][0])["nan"] == {"/nan": "NaN"}
    assert contents(imported) == ["b"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (json.dumps(ROWS)[:-40], "nothing after it"),
        (json.dumps(ROWS)[:-1], "breaks off"),
        (json.dumps(ROWS) + "x", "after the end"),
    ],
)
def test_an_array_that_breaks_off(tmp_path: Path, content: str, reason: str) -> None:
    """What stands before the break is read, the rest is one reject."""
    imported = read_source(put(tmp_path, "a.json", content))
    assert imported.examples.height >= 4
    assert imported.rejects.height == 1
    assert reason in imported.rejects["reason"][0]


def test_a_packed_file_that_breaks_off(tmp_path: Path) -> None:
    """The rows before the break are read, and the break is a reject."""
    import random

    noise = random.Random(0)
    rows = [{**ROWS[0], "n": noise.getrandbits(2000)} for _ in range(500)]
    content = gzip.compress(lines(rows).encode())
    imported = read_source(put(tmp_path, "a.jsonl.gz", content[:-5000]))
    assert 0 < imported.examples.height < 500
    assert "breaks off" in imported.rejects["reason"][-1]


@pytest.mark.parametrize(
    ("bad", "reasons"),
    [
        ("x,a,b,c", ["has 4 cells, the header has 2"]),
        ("x", ["has 1 cells, the header has 2"]),
        ('"open,a', ["unexpected end"]),
        ("x\x00,a", ["NUL"]),
    ],
)
def test_a_bad_row_of_a_csv(tmp_path: Path, bad: str, reasons: list[str]) -> None:
    """A wrong number of cells or an open quote costs one row, not the rows after it."""
    imported = read_source(put(tmp_path, "a.csv", f"text,label\ngood,a\n{bad}\nbetter,b\nbest,c\n"))
    assert contents(imported) == ["good", "better", "best"]
    assert imported.rejects["row"].to_list() == [3]
    assert all(reason in why for reason, why in zip(reasons, imported.rejects["reason"], strict=True))


def test_a_csv_row_that_is_not_utf8(tmp_path: Path) -> None:
    """Bytes of another encoding are rejected row by row."""
    imported = read_source(put(tmp_path, "a.csv", b"text,label\ngood,a\ncaf\xe9,b\n"), encoding="utf-8")
    assert contents(imported) == ["good"]
    looks = "looks like Windows-1252: --encoding utf-8,windows-1252"
    assert imported.rejects["reason"].to_list() == [f"is not UTF-8: byte 4 is 0xe9; {looks}"]


def test_quotes_in_a_tsv_are_letters(tmp_path: Path) -> None:
    """A TSV that does not quote has its quotes kept."""
    imported = read_source(put(tmp_path, "a.tsv", 'text\tlabel\n"so" he said\ta\n'))
    assert contents(imported) == ['"so" he said']


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", "\n\n<!DOCTYPE html>\n<html></html>", "web page"),
        ("a.json.gz", gzip.compress(b"<html>"), "web page"),
        ("a.csv", b"PK\x03\x04rest", "spreadsheet"),
        ("a.jsonl", "version https://git-lfs.github.com/spec/v1\noid x\n", "Git LFS pointer"),
        ("a.jsonl", b"\x80\x04\x95pickle", "pickle"),
        ("a.json", "", "is empty"),
        ("a.json", " \n", "is empty"),
        ("a.json", "[]", "holds no rows"),
        ("a.csv", "text,label\n", "holds no rows"),
        ("a.json", "hello, world", "begins `hello, world`"),
        ("a.json", b'[{"text": "\xff\xfe\xfd\xfc"}]', "a.json:1: not UTF-8"),
        ("a.jsonl.gz", gzip.compress(b"x" * 1000)[:15], "damaged archive"),
        ("a.parquet", b"PAR1 but no more", "cannot be read as Parquet"),
        ("a.jsonl", '{"name": 1}\n', "no known format; the columns are `name`"),
        (
            "a.jsonl",
            "[1]\n[2]\n3\n",
            "none of the 3 rows can be read; 2 for this reason: a.jsonl:1: is a list",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_what_holds_no_rows_is_refused_and_named(
    tmp_path: Path, name: str, content: str | bytes, words: str
) -> None:
    """The error says what it looks like and what to do."""
    with pytest.raises(SourceError) as error:
        read_source(put(tmp_path, name, content))
    assert words in error.value.message
    assert error.value.hint


def test_a_missing_file_and_a_hub_id() -> None:
    """A name that may be a hub id is not fetched unless asked."""
    with pytest.raises(SourceError, match="no file or folder nowhere"):
        read_source("nowhere.jsonl")
    with pytest.raises(SourceError) as error:
        read_source("some/dataset")
    assert "hf:some/dataset" in error.value.hint


def test_the_hub_offline_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for without a connection, a hub id is a failure that may pass, and the hint says so."""
    import datasets
    import huggingface_hub.constants

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ResourceError, match="some/dataset") as error:
        read_source("hf:some/dataset")
    assert "HF_HUB_OFFLINE" in error.value.hint
    with pytest.raises(SourceError, match="not a hub id"):
        read_source("hf:some")


def test_a_folder_of_files(tmp_path: Path) -> None:
    """Files are read by path; those named for a split are of it; what holds no rows is said."""
    put(tmp_path, "train.csv", CSV)
    put(tmp_path, "test.csv", CSV)
    put(tmp_path, "names.json", '["a", "b"]')
    put(tmp_path, "README.md", "about")
    put(tmp_path, ".hidden.csv", CSV)
    imported = read_source(tmp_path)
    assert imported.examples["source"].to_list() == ["test.csv"] * 2 + ["train.csv"] * 2
    assert imported.examples["split"].to_list() == ["test"] * 2 + ["train"] * 2
    assert imported.rejects["source"].to_list() == ["names.json"] * 2
    assert "passed by: README.md" in imported.why
    (tmp_path / "none").mkdir()
    with pytest.raises(SourceError, match="holds no file of rows"):
        read_source(tmp_path / "none")


def test_a_saved_dataset(tmp_path: Path) -> None:
    """Splits go to the split column, and class numbers are read as their names."""
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    part = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features=features)
    datasets.disable_progress_bars()
    datasets.DatasetDict({"train": part, "dev": part}).save_to_disk(str(tmp_path / "saved"))
    imported = read_source(tmp_path / "saved")
    assert imported.examples["label"].to_list() == ["yes", "no"] * 2
    assert imported.examples["split"].to_list() == ["train"] * 2 + ["validation"] * 2
    assert imported.examples["source"].to_list() == ["saved/train"] * 2 + ["saved/dev"] * 2
    part.save_to_disk(str(tmp_path / "one"))
    assert read_source(tmp_path / "one").examples["split"].to_list() == [None, None]


def test_a_table_with_times_and_bytes(tmp_path: Path) -> None:
    """Times and decimals are kept as text, bytes as text if they are; other bytes are a reject."""
    from datetime import UTC, datetime
    from decimal import Decimal

    rows = [
        {
            "text": "a",
            "at": datetime(2026, 1, 2, tzinfo=UTC),
            "price": Decimal("1.50"),
            "raw": b"ok",
            "x": float("nan"),
        },
        {"text": "b", "at": None, "price": None, "raw": b"\xff", "x": 1.0},
    ]
    imported = read_source(put(tmp_path, "a.parquet", table(rows)))
    assert json.loads(imported.examples["meta"][0]) == {
        "at": "2026-01-02T00:00:00+00:00",
        "price": "1.50",
        "raw": "ok",
        "x": None,
    }
    assert imported.rejects["reason"].to_list() == ["holds bytes that are not text"]


def test_label_group_and_split_are_copied(tmp_path: Path) -> None:
    """The columns named are copied as text, and stay in `meta` as they were."""
    rows = [{**ROWS[0], "queue": "oak", "who": 7, "part": "valid"}, {**ROWS[1], "part": "odd"}]
    imported = read_source(put(tmp_path, "a.jsonl", lines(rows)), label="queue", group="who", split="part")
    assert imported.examples.select("label", "group", "split").rows() == [
        ("oak", "7", "validation"),
        (None, None, None),
    ]
    assert json.loads(imported.examples["meta"][0]) == {"n": 0, "queue": "oak", "who": 7, "part": "valid"}
    with pytest.raises(ConfigError, match="no column `quue` ") as error:
        read_source(tmp_path / "a.jsonl", label="quue")
    assert "queue" in error.value.hint


def test_a_label_column_of_any_name_makes_a_text_a_classification(tmp_path: Path) -> None:
    """`label=` is enough where the label's column has no usual name."""
    imported = read_source(put(tmp_path, "a.csv", "text,team\nhello,oak\n"), label="team")
    assert (imported.format, imported.examples["label"].to_list()) == ("classification", ["oak"])


def test_the_format_can_be_overruled(tmp_path: Path) -> None:
    """`format=` wins over what the rows look like, `columns=` and `roles=` say what names mean."""
    path = put(tmp_path, "a.jsonl", '{"text": "a", "label": "b"}\n')
    assert read_source(path, format="text").why == "text: as told"
    imported = read_source(
        path, columns={"prompt": "text", "completion": "label"}, format="prompt-completion"
    )
    assert [m["content"] for m in imported.examples["messages"][0]] == ["a", "b"]
    with pytest.raises(SourceError, match="the one row cannot be read"):
        read_source(path, format="messages")
    with pytest.raises(ConfigError, match="no format is called `chat`"):
        read_source(path, format="chat")
    with pytest.raises(ConfigError, match="role `bot` cannot mean `robot`"):
        read_source(path, roles={"bot": "robot"})


def test_ids_do_not_move_when_a_row_is_put_above(tmp_path: Path) -> None:
    """A row keeps its id whatever stands before it, and two equal rows have two ids."""
    first = (
        read_source(put(tmp_path, "a.jsonl", lines([ROWS[0], ROWS[0], ROWS[1]])))
        .examples["example_id"]
        .to_list()
    )
    second = (
        read_source(put(tmp_path, "a.jsonl", lines([ROWS[4], ROWS[0], ROWS[0], ROWS[1]])))
        .examples["example_id"]
        .to_list()
    )
    assert len(set(first)) == 3
    assert second[1:] == first


def test_a_standard_input_that_is_closed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has none then."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="standard input is closed"):
        read_source("-")


def test_a_folder_that_cannot_be_looked_through_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what stands in it; the whole disk is not looked through at all."""
    with pytest.raises(SourceError, match="is the whole disk"):
        read_source("/")
    closed, looked = put(tmp_path, "a.jsonl", lines(ROWS)), Path.is_file

    def refuse(path: Path) -> bool:
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return looked(path)

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(SourceError, match=r"cannot be looked through: .*a\.jsonl: Permission denied"):
        read_source(str(tmp_path))


def test_rows_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads JSONL from a pipe."""

    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(lines(ROWS).encode()))  # type: ignore[arg-type]

    monkeypatch.setattr(sys, "stdin", Stdin)
    imported = read_source("-")
    assert imported.examples["source"].to_list() == ["stdin"] * 5
    assert imported.examples["source_row"].to_list() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("name", "split"),
    [("train", "train"), ("train_sft", "train"), ("val", "validation"), ("dev", "validation"), ("Test", "test"), ("odd", None), (None, None)],
)  # fmt: skip
def test_usual_names_of_splits(name: str | None, split: str | None) -> None:
    """The usual names mean one of our three."""
    assert split_name(name) == split


def test_a_file_that_mixes_conversations_is_read_row_by_row(tmp_path: Path) -> None:
    """Files are put together from several: each row says by itself which format it is in."""
    rows = [
        {"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": "a"}]}
        if n % 3
        else {"conversations": [{"from": "human", "value": f"q{n}"}, {"from": "gpt", "value": "a"}]}
        for n in range(9)
    ]
    rows += [{"prompt": "q", "completion": "a"}, {"messages": []}, {"note": "nothing said"}]
    (tmp_path / "mixed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = read_source(tmp_path / "mixed.jsonl")
    assert read.format == "messages, sharegpt, prompt-completion"
    assert read.examples.height == 10
    assert [row[1] for row in read.rejects.rows()] == [11, 12]
    assert "3 rows have a `conversations` list" in read.why
    only = read_source(tmp_path / "mixed.jsonl", format="sharegpt")
    assert only.examples.height == 3, "a format that is told holds for every row"


def test_a_header_in_the_middle_is_no_row(tmp_path: Path) -> None:
    """Tables that were pasted together bear their header twice."""
    (tmp_path / "faq.csv").write_text("Nr;Question;Answer\n1;a?;b\nNr;Question;Answer\n2;c?;d\n")
    read = read_source(tmp_path / "faq.csv")
    assert read.examples.height == 2
    assert read.rejects.select("row", "reason").rows() == [(3, "is the header once more")]


def test_a_header_with_a_name_twice_is_seen_again_and_a_row_of_nothing_is_none(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("Question;Answer;Answer\na?;b;\n;;\nQuestion;Answer;Answer\nc?;d;\n")
    read = read_source(tmp_path / "faq.csv")
    assert read.examples.height == 2
    assert read.rejects.select("row", "reason").rows() == [
        (3, "has nothing in any cell"),
        (4, "is the header once more"),
    ]


@pytest.mark.parametrize(
    ("above", "line"),
    [("Export 2026-03;;\n", 2), ("Export 2026-03;;\n\n;;\n", 4), ("Export of March\n", 2)],
)
def test_what_stands_above_a_header_is_left_out_and_that_is_said(
    tmp_path: Path, above: str, line: int
) -> None:
    path = tmp_path / "faq.csv"
    path.write_text(above + 'Question;Answer;Topic\na?;"b\nc";x\nd?;e;y\n')
    read = read_source(path)
    assert read.examples["source_row"].to_list() == [line + 1, line + 3]
    assert f"the header is in line {line}: what stands above it was left out" in read.why


@pytest.mark.parametrize(
    "text",
    [
        'text\n"a table:\nname,age,city\nAnna,3,Bern\nBob,4,Rome\n"\n',  # within a cell
        "text\nhello, Anna\nhi, Bob\nbye, Carl\n",  # one column, whose texts hold commas
        "question,answer\n,\na,b\n",
        "\nquestion,answer\na,b\n",
    ],
)
def test_a_header_with_nothing_above_it_is_taken_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "faq.csv").write_text(text)
    if text.startswith("text\nhello"):
        with pytest.raises(SourceError, match="has 2 cells, the header has 1"):
            read_source(tmp_path / "faq.csv")
    else:
        assert read_source(tmp_path / "faq.csv").examples.height == 1


def test_a_cell_that_is_too_long_near_the_top_costs_its_row_alone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tables, "LONGEST_CELL", 1_000)
    (tmp_path / "faq.csv").write_text("text,label\na,b\n" + "x" * 2_000 + ",c\nd,e\n")
    try:
        read = read_source(tmp_path / "faq.csv")
    finally:
        csv.field_size_limit(16_000_000)
    assert read.examples.height == 2 and "field larger" in read.rejects["reason"][0]


def test_columns_of_other_languages_and_of_longer_names(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("Frage;Antwort\na?;b\n")
    assert read_source(tmp_path / "faq.csv").format == "prompt-completion"
    (tmp_path / "faq.csv").write_text("Frage / Question;Antwort (final)\na?;b\n")
    with pytest.raises(SourceError) as caught:
        read_source(tmp_path / "faq.csv")
    assert (
        "perhaps --column 'prompt=Frage / Question' --column 'completion=Antwort (final)'"
        in caught.value.hint
    )


def test_columns_are_known_in_whatever_case(tmp_path: Path) -> None:
    """Spreadsheets write `Question`; the row comes back as it was."""
    (tmp_path / "faq.csv").write_text("Question,ANSWER ,Category\nq1?,a1,x\nq2?,a2,y\n")
    read = read_source(tmp_path / "faq.csv", label="Category")
    assert read.format == "prompt-completion"
    assert [[m["content"] for m in row] for row in read.examples["messages"]] == [
        ["q1?", "a1"],
        ["q2?", "a2"],
    ]
    (tmp_path / "labels.csv").write_text("Text,Label\nhello,greeting\nbye,farewell\n")
    assert read_source(tmp_path / "labels.csv").examples["label"].to_list() == ["greeting", "farewell"]


def test_a_column_named_twice_gets_another_name_that_can_be_picked(tmp_path: Path) -> None:
    """And it is said; a name that is there already is not taken."""
    path = put(tmp_path, "a.csv", "Question;Answer;Answer;Answer_2\nwhere?;here;there;nowhere\n")
    told = read_source(path)
    assert told.examples["messages"][0][-1]["content"] == "here"
    assert (
        "the header names columns twice: `Answer` again as `Answer_3`; --column PART=NAME picks one"
        in told.why
    )
    assert json.loads(told.examples["meta"][0]) == {"Answer_2": "nowhere", "Answer_3": "there"}
    other = read_source(path, columns={"prompt": "Question", "completion": "Answer_3"})
    assert other.examples["messages"][0][-1]["content"] == "there"
    plain = read_source(put(tmp_path, "b.csv", "text,label\na,b\n"))
    assert "twice" not in plain.why
