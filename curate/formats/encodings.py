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
EACH = f"{UTF8},"  # before a name: each line is UTF-8 where it can be, else in that encoding
SAMPLE = 1_000_000  # bytes of lines that are no UTF-8, by which an encoding is guessed
CHANCE = 0.05  # of lines in another encoding so many may be UTF-8 by chance, or were written wrong before
LEAST = 6  # bytes beyond ASCII before an encoding of another script is guessed
SCRIPTS = (  # the range of its common letters, and the share of letters beyond ASCII that are in it
    ("shift_jis", (0x3040, 0x30FF), 0.33),  # kana stand among ideographs
    ("euc-kr", (0xAC00, 0xD7A3), 0.9),
    ("gb18030", (0x4E00, 0x9FFF), 0.75),
    ("windows-1251", (0x0430, 0x044F), 0.75),
    ("koi8-r", (0x0430, 0x044F), 0.75),  # its small letters are the capitals of the one before
)
MOST_USED = "оеаинтсрвл"  # two thirds of the letters of a Russian text
# by the name that is told, and the one that Python and others know
SPOKEN = {
    "windows-1252": "Windows-1252",
    "windows-1251": "Windows-1251",
    "koi8-r": "KOI8-R",
    "gb18030": "GB 18030",
    "shift_jis": "Shift JIS",
    "euc-kr": "EUC-KR",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}


def checked_encoding(name: str) -> str:
    """The name, if Python has a text encoding called so; ConfigError otherwise. UTF-8 is as none: empty.

    `utf-8,NAME` is two: each line by itself is UTF-8 where it can be, and in the encoding NAME where not.
    """
    first, comma, second = (part.strip() for part in name.partition(","))
    if comma and checked_encoding(first) == "":
        if checked_encoding(second).lower().startswith(("utf", "u16", "u32")):
            raise ConfigError(
                f"lines cannot be UTF-8 or {second} (--encoding)", hint=f"for example {EACH}{WESTERN}"
            )
        return f"{EACH}{second}" if checked_encoding(second) else ""
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


class EachLine(io.RawIOBase):
    """A stream of lines of which some are UTF-8 and the others in another encoding, as UTF-8.

    So are exports of two systems that were put one behind the other. A line that is neither goes through as
    it is, so that its row alone is rejected.
    """

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self.stream, self.encoding = stream, encoding
        self.ready = memoryview(
            b""
        )  # the rest of a line: a slice of it copies nothing, however long the line

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  any writable buffer
        """Fill the buffer as far as the line goes; 0 at the end."""
        if not self.ready:
            self.ready = memoryview(_line_as_utf8(self.stream.readline(), self.encoding))
        count = min(len(buffer), len(self.ready))
        buffer[:count], self.ready = self.ready[:count], self.ready[count:]
        return count

    def close(self) -> None:
        """Close the stream beneath, too."""
        self.stream.close()
        super().close()


def _line_as_utf8(line: bytes, encoding: str) -> bytes:
    try:
        line.decode(UTF8)
    except UnicodeDecodeError:
        marked = line.startswith(codecs.BOM_UTF8)
        text = line.removeprefix(codecs.BOM_UTF8).decode(encoding, "surrogateescape")
        return codecs.BOM_UTF8 * marked + text.encode(UTF8, "surrogateescape")
    return line


def recoded(stream: IO[bytes], encoding: str, where: str) -> IO[bytes]:
    """The stream as UTF-8."""
    if encoding.startswith(EACH):
        return io.BufferedReader(EachLine(stream, encoding.removeprefix(EACH)))
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
    """`; looks like Windows-1252: --encoding utf-8,windows-1252`, or empty where nothing is likely.

    Other lines of the file may be UTF-8, which the name alone would make unreadable. Of two letters in an
    encoding of several bytes each, though, many are UTF-8 by chance.
    """
    name = looks_like(data)
    each = EACH if name.startswith("windows") else ""
    return f"; looks like {SPOKEN[name]}: --encoding {each}{name}" if name else ""


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
            # capitals alone of the one before would be small letters here, but not in their usual shares
            common = sum(c in MOST_USED for c in beyond) * 2 >= len(beyond)
            return name if name != "koi8-r" or common else ""
    beyond = [c for c in _read(data, "windows-1252") if c > "\x7f"]
    good = sum(c.isalpha() or c in WESTERN_MARKS for c in beyond)
    return "windows-1252" if alone and beyond and good >= 0.9 * len(beyond) else ""


def guessed(lines: Iterable[bytes]) -> str:
    """`utf-8,windows-1252` where text that is no UTF-8 is most likely Windows-1252 throughout; else empty.

    That is: of the lines with bytes beyond ASCII at most a quarter are UTF-8, and the others together look
    like it. So a file with a few broken rows stays UTF-8. ISO 8859-1 is the same for all that is text.
    """
    good, bad, sample = _counted(lines)
    return f"{EACH}{WESTERN}" if bad and good * 3 <= bad and looks_like(sample) == WESTERN else ""


def spoiled(lines: Iterable[bytes], encoding: str) -> str:
    """What is to be said where an encoding was asked for, and lines of the file are UTF-8 as they stand."""
    good, bad, _ = _counted(lines)
    if good <= CHANCE * (good + bad):
        return ""
    return (
        f"{good:,} of {good + bad:,} lines with letters beyond ASCII are UTF-8 and come out wrong as {encoding}: "
        f"--encoding {EACH}{encoding} reads each line by itself"
    )


def _counted(lines: Iterable[bytes]) -> tuple[int, int, bytes]:
    """Of lines with bytes beyond ASCII: how many are UTF-8, how many are not, and of these the first bytes."""
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
    return good, bad, bytes(sample[:SAMPLE])


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
