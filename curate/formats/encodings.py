"""Text that is not UTF-8: made UTF-8 on the way in where its encoding is known, else what it looks like."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable
from typing import IO, Any

from curate.errors import ConfigError, SourceError

MARKS = (  # a byte order mark tells; the longer before its own beginning
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
EXAMPLES = "windows-1252, iso-8859-1, utf-16, shift_jis, gb18030"
CHARACTERS = 8_192  # decoded at a time
UTF8 = "utf-8"
WESTERN_MARKS = "\xa0€‘’“”–—…«»°§£¿¡·©®™"
WESTERN = "windows-1252"
SAMPLE = 1_000_000  # bytes of lines that are no UTF-8, by which an encoding is guessed
LEAST = 6  # bytes beyond ASCII before an encoding of another script is guessed
SCRIPTS = (  # the range of its common letters, and the share of letters beyond ASCII that are in it
    ("shift_jis", (0x3040, 0x30FF), 0.33),  # kana stand among ideographs
    ("euc-kr", (0xAC00, 0xD7A3), 0.9),
    ("gb18030", (0x4E00, 0x9FFF), 0.75),
    ("windows-1251", (0x0430, 0x044F), 0.75),
)
# by the name that is told, and the one that Python and others know
SPOKEN = {
    "windows-1252": "Windows-1252",
    "windows-1251": "Windows-1251",
    "gb18030": "GB 18030",
    "shift_jis": "Shift JIS",
    "euc-kr": "EUC-KR",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}


def checked_encoding(name: str) -> str:
    """The name, if Python has a text encoding called so; ConfigError otherwise. UTF-8 is as none: empty."""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=name or UTF8)
    except (LookupError, ValueError) as error:
        raise ConfigError(
            f"no encoding is called `{name[:40]}` (--encoding)", hint=f"for example {EXAMPLES}"
        ) from error
    return "" if not name or codecs.lookup(name).name in ("utf-8", "utf-8-sig") else name


def marked(head: bytes) -> str:
    """The encoding that a byte order mark tells, of those that are not UTF-8; empty without one."""
    return next((name for mark, name in MARKS if head.startswith(mark)), "")


class Recoded(io.RawIOBase):
    """A stream of bytes in another encoding, as UTF-8.

    A byte that the encoding lacks goes through as a byte that is no UTF-8, so that its row alone is
    rejected; where the encoding has units of several bytes, it ends the reading (SourceError).
    """

    def __init__(self, stream: IO[bytes], encoding: str, where: str) -> None:
        self.text = io.TextIOWrapper(stream, encoding=encoding, errors="surrogateescape", newline="")
        self.encoding, self.where = encoding, where
        self.ready = b""
        self.begins = True

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  any writable buffer
        """Fill the buffer as far as the next characters go; 0 at the end."""
        if not self.ready:
            try:
                text = self.text.read(CHARACTERS)
                if self.begins:
                    self.begins = False
                    text = text.removeprefix(_mark_in(self.encoding))
                self.ready = text.encode(UTF8, "surrogateescape")
            except UnicodeError as error:
                raise SourceError(
                    f"{self.where} is not in {self.encoding}: {getattr(error, 'reason', error)}",
                    hint="--encoding with another name, or save the file as UTF-8",
                ) from error
        count = min(len(buffer), len(self.ready))
        buffer[:count] = self.ready[:count]
        self.ready = self.ready[count:]
        return count

    def close(self) -> None:
        """Close the stream beneath, too."""
        self.text.close()
        super().close()


def _mark_in(encoding: str) -> str:
    """How the byte order mark of UTF-8 reads in an encoding: a program may have set it before other bytes."""
    try:
        return codecs.BOM_UTF8.decode(encoding, "surrogateescape")
    except UnicodeError:
        return ""


def recoded(stream: IO[bytes], encoding: str, where: str) -> IO[bytes]:
    """The stream as UTF-8."""
    return io.BufferedReader(Recoded(stream, encoding, where))


def not_utf8(line: bytes, encoding: str = "") -> str:
    """Why a row is rejected: the first byte that does not fit, and what it looks like, with the way to read it."""
    try:
        line.decode(UTF8)
    except UnicodeDecodeError as error:
        place = f"byte {error.start + 1} is 0x{line[error.start]:02x}"
        if encoding:
            return f"is not {encoding}: byte 0x{line[error.start]:02x} has no meaning there"
        return f"is not UTF-8: {place}{hint_of(line)}"
    return "is not UTF-8"


def hint_of(data: bytes) -> str:
    """`; looks like Windows-1252: --encoding windows-1252`, or empty where nothing is likely."""
    name = looks_like(data)
    return f"; looks like {SPOKEN[name]}: --encoding {name}" if name else ""


def looks_like(data: bytes) -> str:
    """The likeliest encoding of bytes that are no UTF-8; empty where none is.

    UTF-16 by its zero bytes. Where bytes beyond ASCII stand alone, Western European; where they stand
    together, an encoding in which most of them are common letters of its own script.
    """
    even, odd = data[::2].count(0), data[1::2].count(0)
    if max(even, odd) * 4 > len(data):
        return "utf-16-le" if odd > even else "utf-16-be"
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", data)]
    alone = sum(runs) <= 2 * len(runs)
    for name, (first, last), least in () if alone or sum(runs) < LEAST else SCRIPTS:
        beyond = [c for c in _read(data, name) if c > "\x7f"]
        if beyond and sum(first <= ord(c) <= last for c in beyond) >= least * len(beyond):
            return name
    beyond = [c for c in _read(data, "windows-1252") if c > "\x7f"]
    good = sum(c.isalpha() or c in WESTERN_MARKS for c in beyond)
    return "windows-1252" if alone and beyond and good >= 0.9 * len(beyond) else ""


def guessed(lines: Iterable[bytes]) -> str:
    """`windows-1252` where text that is no UTF-8 is most likely that throughout; else empty.

    That is: of the lines with bytes beyond ASCII at most a quarter are UTF-8, and the others together look
    like it. So a file with a few broken rows stays UTF-8. ISO 8859-1 is the same for all that is text.
    """
    good = bad = 0
    sample = bytearray()
    for line in lines:
        if line.removeprefix(codecs.BOM_UTF8).isascii():
            continue
        try:
            line.decode(UTF8)
            good += 1
        except UnicodeDecodeError:
            bad += 1
            if len(sample) < SAMPLE:
                sample += line
    likely = bad and good * 3 <= bad and looks_like(bytes(sample[:SAMPLE])) == WESTERN
    return WESTERN if likely else ""


def is_utf8(blocks: Iterable[bytes]) -> bool:
    """Whether bytes that come in blocks are UTF-8."""
    decoder = codecs.getincrementaldecoder(UTF8)()
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _read(data: bytes, encoding: str) -> str:
    """The text, or empty where the bytes are not in that encoding; a last half character is left out."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return ""
