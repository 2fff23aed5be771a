"""What a file is, told from its first bytes; its ending only decides where those leave it open."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from pathlib import Path
from typing import IO, Any

from curate.errors import SourceError
from curate.formats.encodings import SPOKEN, looks_like

HEAD = 65_536  # bytes looked at
PIECE = 4_096  # packed bytes at a time: little, for a few of them can unpack to much
LONGEST_FIRST_LINE = 32_000_000
BOM = b"\xef\xbb\xbf"

PICKLE = ("a Python pickle, which can run code", "it is never opened; write the rows as JSONL")
PICTURE = ("a picture", "give a file of rows")
FOREIGN: tuple[tuple[bytes, tuple[str, str]], ...] = (
    (b"PK\x03\x04", ("a ZIP archive or a spreadsheet", "unpack it, or save the sheet as CSV")),
    (b"%PDF", ("a PDF document", "rows cannot be read from it")),
    (b"\xd0\xcf\x11\xe0", ("an old Excel workbook", "save the sheet as CSV")),
    (b"SQLite format 3", ("an SQLite database", "write the table out as CSV first")),
    (b"BZh", ("a bzip2 archive", "unpack it first, or pack it with gzip")),
    (b"\xfd7zXZ", ("an xz archive", "unpack it first, or pack it with gzip")),
    (b"ARROW1", ("an Arrow file", "give the folder that `save_to_disk` wrote, or write it as Parquet")),
    (
        b"version https://git-lfs",
        ("a Git LFS pointer, not the data itself", "fetch the data with: git lfs pull"),
    ),
    *((b"\x80" + bytes([protocol]), PICKLE) for protocol in (2, 3, 4, 5)),
    (b"\x89PNG", PICTURE),
    (b"\xff\xd8\xff", PICTURE),
)
HTML = (b"<!doctype", b"<html", b"<head", b"<body")
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def refuse_foreign(head: bytes, where: str) -> None:
    """SourceError where the bytes are of something that holds no rows for us."""
    for magic, (what, hint) in FOREIGN:
        if head.startswith(magic):
            raise SourceError(f"{where} looks like {what}", hint=hint)
    start = head.removeprefix(BOM).lstrip()[:200].lower()
    if start.startswith(HTML):
        raise SourceError(
            f"{where} looks like a web page (HTML), not data",
            hint="it was likely saved from the page that shows the file; download the file itself "
            "(on GitHub or the Hugging Face hub: the raw or download link)",
        )
    if start.startswith(b"<"):
        raise SourceError(f"{where} looks like XML, not rows", hint="write the rows as JSONL or CSV first")
    if not start:
        raise SourceError(f"{where} is empty", hint="was the download or the export cut off?")


def _whole_json(line: bytes) -> object:
    """The JSON value on a line; Ellipsis where it is not one. Bytes that are no UTF-8 do not matter here."""
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return ...


def sniff(head: bytes, where: str, suffix: str) -> str:
    """What the bytes are: parquet, jsonl, json, csv or tsv.

    Raises SourceError, which says what it looks like, where it is none of these.
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    refuse_foreign(head, where)
    if b"\x00" in head[:1_000] and (name := looks_like(head[:1_000])).startswith("utf-16"):
        raise SourceError(
            f"{where} looks like {SPOKEN[name]} without a byte order mark: byte {head.index(0) + 1} is 0x00",
            hint=f"--encoding {name}, or save it as UTF-8",
        )
    lines = [line.strip() for line in head.removeprefix(BOM).splitlines() if line.strip()]
    if len(lines) > 1 and len(head) >= HEAD:
        lines.pop()  # likely cut in two
    if (found := _sniff_json(lines, suffix)) is not None:
        return found
    if suffix in (".csv", ".tsv"):
        return suffix[1:]
    if suffix == ".parquet" or b"\x00" in head[:1_000]:
        called = "Parquet, though it is called so," if suffix == ".parquet" else "text"
        raise SourceError(
            f"{where} is not {called} and not JSON: it begins with the bytes {head[:4].hex(' ')}",
            hint="was the download or the export damaged? give JSONL, JSON, CSV, TSV or Parquet",
        )
    for mark, what in ((b"\t", "tsv"), (b",", "csv")):
        if mark in lines[0] and suffix != ".json":
            return what
    shown = lines[0][:60].decode("utf-8", "replace")
    raise SourceError(
        f"{where} is not JSON, CSV, TSV or Parquet; it begins `{shown}`",
        hint="if it is text in lines, write it as JSONL: one JSON object a line",
    )


def _sniff_json(lines: list[bytes], suffix: str) -> str | None:
    """Jsonl, json, or None where the lines are not JSON."""
    first = _whole_json(lines[0])
    second = _whole_json(lines[1]) if len(lines) > 1 else ...
    if isinstance(first, dict):
        # one line alone may be {"data": [...]}, which only a .json is taken for
        return "json" if len(lines) == 1 and suffix == ".json" else "jsonl"
    if isinstance(first, list):
        return "jsonl" if isinstance(second, (dict, list)) else "json"
    if suffix in (".csv", ".tsv"):
        return None
    open_ended = lines[0].endswith((b"[", b"{", b","))
    if lines[0].startswith((b"[", b"{")):
        broken_line = isinstance(second, dict) and not open_ended
        one_long_line = len(lines) == 1 and suffix in (".jsonl", ".ndjson")
        return "jsonl" if broken_line or one_long_line else "json"
    if suffix in (".jsonl", ".ndjson") or any(isinstance(_whole_json(line), dict) for line in lines[:20]):
        return "jsonl"
    return None


def unpack_errors() -> tuple[type[Exception], ...]:
    """What reading a damaged packed file raises."""
    import zstandard

    return (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)


class Zstd(io.RawIOBase):
    """A zstd file, frame after frame; EOFError where it breaks off within one, as gzip has it.

    The library's own stream reader ends quietly there, and rows would be lost in silence.
    """

    def __init__(self, packed: IO[bytes]) -> None:
        import zstandard

        self.packed = packed
        self.decompressor = zstandard.ZstdDecompressor()
        self.frame: zstandard.ZstdDecompressionObj | None = None
        self.unpacked = b""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  any writable buffer
        """Fill the buffer as far as the next piece goes; 0 at the end of the last whole frame."""
        while not self.unpacked:
            between = self.frame is None or self.frame.eof
            rest = self.frame.unused_data if self.frame is not None and self.frame.eof else b""
            data = rest or self.packed.read(PIECE)
            if not data:
                if between:
                    return 0
                raise EOFError("the packed file breaks off")
            if between or self.frame is None:
                self.frame = self.decompressor.decompressobj()
            self.unpacked = self.frame.decompress(data)
        count = min(len(buffer), len(self.unpacked))
        buffer[:count] = self.unpacked[:count]
        self.unpacked = self.unpacked[count:]
        return count

    def close(self) -> None:
        """Close the file beneath, too."""
        self.packed.close()
        super().close()


def open_unpacked(path: Path) -> tuple[IO[bytes], str]:
    """The file for reading, unpacked on the way, and its ending without .gz or .zst."""
    name = path.name.lower()
    for ending in (".gz", ".zst", ".zstd"):
        name = name.removesuffix(ending)
    suffix = Path(name).suffix
    with path.open("rb") as file:
        magic = file.read(4)
    if magic.startswith(GZIP):
        return gzip.open(path, "rb"), suffix  # type: ignore[return-value]
    if magic == ZSTD:
        return io.BufferedReader(Zstd(path.open("rb")), HEAD), suffix
    return path.open("rb"), suffix


def head_of(stream: IO[bytes]) -> bytes:
    """The first bytes, at least to the end of the first line."""
    head = stream.read(HEAD)
    return head if b"\n" in head else head + stream.readline(LONGEST_FIRST_LINE)
