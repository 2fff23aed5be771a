"""Text that is not UTF-8: read as it was said to be, or told what it looks like."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from curate.commands import main as cli
from curate.errors import ConfigError, SourceError
from curate.formats.encodings import EachLine, guessed, hint_of, looks_like
from curate.intake.sources import Imported, read_source
from curate.workspace import Workspace

ROWS = [{"text": "schöne Grüße", "label": "a"}, {"text": "zwei\nZeilen für Köln", "label": "b"}]
CSV = 'text,label\nschöne Grüße,a\n"zwei\nZeilen für Köln",b\n'
JSONL = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


def put(folder: Path, name: str, text: str, encoding: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def texts(imported: Imported) -> list[str]:
    return [messages[0]["content"] for messages in imported.examples["messages"]]


@pytest.mark.parametrize("encoding", ["windows-1252", "utf-16-le", "utf-8"])
@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", CSV), ("a.jsonl", JSONL), ("a.json", json.dumps(ROWS, ensure_ascii=False))]
)
def test_a_file_is_read_in_the_encoding_that_is_named(tmp_path, name, text, encoding):
    imported = read_source(put(tmp_path, name, text, encoding), encoding=encoding)
    assert texts(imported) == [row["text"] for row in ROWS]
    assert (f"read as {encoding}" in imported.why) == (encoding != "utf-8")


@pytest.mark.parametrize(("name", "text"), [("a.csv", CSV), ("a.jsonl", JSONL)])
def test_a_byte_order_mark_tells_utf_16(tmp_path, name, text, monkeypatch):
    path = put(tmp_path, name, text, "utf-16")
    assert texts(read_source(path)) == [row["text"] for row in ROWS]
    assert "read as utf-16" in read_source(path).why
    pipe = io.TextIOWrapper(io.BufferedReader(io.BytesIO(path.read_bytes())))
    monkeypatch.setattr(sys, "stdin", pipe)
    assert texts(read_source("-")) == [row["text"] for row in ROWS]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("a.jsonl", JSONL, "a.jsonl:1: is not UTF-8: byte 14 is 0xf6"),
        ("a.csv", CSV, "a.csv:2: is not UTF-8: byte 4 is 0xf6"),
        ("h.csv", "täxt,label\na,b\n", "h.csv:1: the header is not UTF-8: byte 2 is 0xe4"),
        ("a.json", json.dumps(ROWS, ensure_ascii=False, indent=1), "a.json:3: not UTF-8: byte 0xf6"),
    ],
)
def test_what_is_not_utf8_is_told_with_its_byte_and_what_it_looks_like(tmp_path, name, text, place):
    with pytest.raises(SourceError) as caught:
        read_source(put(tmp_path, name, text, "windows-1252"), encoding="utf-8")
    assert place in caught.value.message
    assert "looks like Windows-1252: --encoding utf-8,windows-1252" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv", CSV), ("a.jsonl", JSONL), ("a.json", json.dumps(ROWS, ensure_ascii=False, indent=1))],
)
def test_a_file_that_is_windows_1252_throughout_is_read_so_and_that_is_said(tmp_path, name, text):
    imported = read_source(put(tmp_path, name, text, "windows-1252"))
    assert texts(imported) == [row["text"] for row in ROWS] and imported.rejects.is_empty()
    assert (
        "not UTF-8: read as windows-1252, a guess from its bytes; --encoding NAME overrules it"
        in imported.why
    )


def test_a_packed_one_too_and_its_header(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress("täxt,text,label\na,b,c\n".encode("windows-1252")))
    imported = read_source(path, columns={"text": "täxt"})
    assert texts(imported) == ["a"] and "read as windows-1252" in imported.why


def test_a_mark_of_utf_8_before_other_bytes_is_no_part_of_the_first_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(codecs.BOM_UTF8 + CSV.encode("windows-1252"))
    for encoding in ("", "windows-1252"):
        assert texts(read_source(path, encoding=encoding)) == [row["text"] for row in ROWS]


def test_a_few_broken_rows_do_not_make_a_file_another_encoding(tmp_path):
    """Nor does a mix: what is UTF-8 in most of its rows stays so, and the others are told."""
    lines = [json.dumps({"text": f"schöne Grüße {n}", "label": "a"}, ensure_ascii=False) for n in range(9)]
    path = tmp_path / "a.jsonl"
    path.write_bytes("\n".join(lines).encode() + b"\n" + lines[0].encode("windows-1252"))
    imported = read_source(path)
    assert len(texts(imported)) == 9 and "read as" not in imported.why
    assert "looks like Windows-1252: --encoding utf-8,windows-1252" in imported.rejects["reason"][0]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_exports_of_two_systems_in_one_file_are_read_line_by_line(tmp_path, name):
    """What UTF-8 says stays as it is, and the one name alone is told to spoil it."""
    rows = [{"text": f"schöne Grüße {n}", "label": "a"} for n in range(6)]
    last = json.dumps(rows[-1], ensure_ascii=False) + "]"
    parts = {
        "a.csv": ["text,label\n", *(f"{row['text']},a\n" for row in rows)],
        "a.jsonl": [json.dumps(row, ensure_ascii=False) + "\n" for row in rows],
        "a.json": ["[\n", *(json.dumps(row, ensure_ascii=False) + ",\n" for row in rows[:-1]), last],
    }[name]
    path = tmp_path / name
    path.write_bytes("".join(parts[:4]).encode() + "".join(parts[4:]).encode("windows-1252"))
    read = read_source(path, encoding="utf-8, windows-1252")
    assert texts(read) == [row["text"] for row in rows] and read.rejects.is_empty()
    assert "as UTF-8" not in read.why
    spoiled = read_source(path, encoding="windows-1252").why
    assert "lines with letters beyond ASCII are UTF-8 and come out wrong as windows-1252" in spoiled
    assert "--encoding utf-8,windows-1252 reads each line by itself" in spoiled
    with pytest.raises(ConfigError, match="lines cannot be UTF-8 or utf-16"):
        read_source(path, encoding="utf-8,utf-16")


def test_a_line_longer_than_a_buffer_keeps_its_letters(tmp_path):
    path = tmp_path / "a.jsonl"
    long = {"text": "ö" * 300_000, "label": "a"}
    path.write_bytes((json.dumps(long, ensure_ascii=False) + "\n").encode("windows-1252") + JSONL.encode())
    assert texts(read_source(path, encoding="utf-8,windows-1252")) == [
        long["text"],
        *(row["text"] for row in ROWS),
    ]


def test_a_long_line_is_handed_on_without_being_copied_again_and_again():
    """Each piece of a line costs its own size: the rest of the line is not moved for it."""
    line = "ö".encode("windows-1252") * 4_000_000
    reader = EachLine(io.BytesIO(line), "windows-1252")
    piece = bytearray(8_192)
    assert reader.readinto(piece) == len(piece)
    whole = reader.ready.obj
    assert reader.readinto(piece) == len(piece) and reader.ready.obj is whole


def test_rows_that_were_written_wrong_before_do_not_hide_the_encoding():
    """`KÃ¶ln` in a file of Windows-1252 is UTF-8 by chance."""
    good = ["Grüße aus Köln", "für Müller", "schöne Tage", "größer"]
    assert guessed([each.encode("windows-1252") for each in [*good, "KÃ¶ln"]]) == "utf-8,windows-1252"
    assert guessed([each.encode("windows-1251") for each in ["Привет, где моя посылка"] * 3]) == ""
    assert guessed([b"plain", b"text"]) == ""


def test_utf_16_without_a_mark_is_told():
    with pytest.raises(SourceError) as caught:
        from curate.formats.sniff import sniff

        sniff(CSV.encode("utf-16-le"), "a.csv", ".csv")
    assert "--encoding utf-16-le" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        ("Das Paket für Müller ist nicht da", "cp1252", "windows-1252"),
        ("Привет, где моя посылка", "cp1251", "windows-1251"),
        ("Привет, где моя посылка", "koi8-r", "koi8-r"),
        ('{"text": "これはテストです"}', "shift_jis", "shift_jis"),
        ("我的包裹在哪里", "gb18030", "gb18030"),
        ("내 소포가 어디에 있습니까", "euc-kr", "euc-kr"),
        ("ПРИВЕТ, ГДЕ МОЯ ПОСЫЛКА СЕГОДНЯ", "cp1251", ""),  # capitals alone: better nothing than wrong
    ],
)
def test_what_bytes_look_like(text, encoding, named):
    assert looks_like(text.encode(encoding)) == named


def test_an_encoding_that_is_none_and_one_that_does_not_fit(tmp_path):
    path = put(tmp_path, "a.csv", CSV, "windows-1252")
    with pytest.raises(ConfigError, match="no encoding is called `nope`"):
        read_source(path, encoding="nope")
    with pytest.raises(SourceError, match="is not in utf-16"):
        read_source(path, encoding="utf-16")
    path.write_bytes(b"text,label\ngood,a\nb" + b"\x81d,b\n")
    rejects = read_source(path, encoding="windows-1252").rejects
    assert rejects["reason"].to_list() == ["is not windows-1252: byte 0x81 has no meaning there"]


def test_the_encoding_is_recorded_with_the_import(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    path = put(tmp_path, "a.csv", CSV, "windows-1252")
    cli.import_([str(path)], encoding="windows-1252")
    (row,) = Workspace.open().ledger.rows("select params from run where kind = 'import'")
    assert json.loads(row["params"])["encoding"] == "windows-1252"


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ('{"text": "gr\n', "one JSON object a line"),
        ("[1]\n[2]\n", "each row is a JSON object"),
        ('{"messages": [{"role": "bot", "content": "x"}]}\n', "--role bot=assistant"),
    ],
)
def test_the_hint_fits_the_reason_where_no_row_can_be_read(tmp_path, content, hint):
    with pytest.raises(SourceError) as caught:
        read_source(put(tmp_path, "a.jsonl", content, "utf-8"))
    assert hint in caught.value.hint
    assert " at at " not in caught.value.message


def test_a_missing_column_is_said_before_an_unknown_format(tmp_path):
    path = put(tmp_path, "a.jsonl", '{"q": "x", "z": "y"}\n', "utf-8")
    with pytest.raises(ConfigError, match="no column `quux` \\(--label\\)"):
        read_source(path, label="quux")


def test_the_format_is_named_once_and_one_row_is_one_row(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    path = put(tmp_path, "a.jsonl", '{"text": "x", "label": "y"}\n', "utf-8")
    lines = cli.import_([str(path)]).lines
    assert lines[0].startswith("a: 1 row from ")
    assert lines[1].count("classification") == 1


def test_a_hint_at_an_encoding_of_two_bytes_a_sign_is_its_name_alone():
    """As `utf-8,gb18030` the line `学习,学校` would be read as other letters: its bytes are UTF-8 by chance."""
    assert hint_of("怎么学习中文最好?".encode("gb18030")).endswith(": --encoding gb18030")
    assert hint_of("Как лучше всего учить язык?".encode("cp1251")).endswith(": --encoding utf-8,windows-1251")
