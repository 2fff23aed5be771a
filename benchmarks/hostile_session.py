"""The screens in a real pseudo-terminal, driven by keys, with every byte that comes out judged."""

from __future__ import annotations

import codecs
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path

from benchmarks.hostile_terminal import MOVE, RULES, STYLE, Act, Grid, acts, moved

COLUMNS, LINES = 120, 36
PATIENCE = 40.0  # seconds until something that must be shown has failed to
QUIET = 0.05  # seconds without a byte after which a key is done
FAILED = ("That did not work", "the screens failed", "Traceback (most recent")
PROGRAM = [sys.executable, "-P", "-m", "tui"]


@dataclass
class Place:
    """What was found at one place where data comes out."""

    name: str
    acted: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    shifted: list[str] = field(default_factory=list)
    looked: int = 0  # pictures, files or outputs that were looked at
    told: str = ""

    def line(self) -> str:
        """For the list on stderr."""
        said = f"{self.name:<34} {self.looked:>4} looked at, {len(self.acted)} acted, {len(self.crashed)} crashed, {len(self.shifted)} shifted"
        worst = [*self.crashed, *self.acted, *self.shifted]
        return said + (f"  {self.told}" if self.told else "") + (f"\n    {worst[0][:400]}" if worst else "")


class Session:
    """A program in a pseudo-terminal of 120 by 36."""

    def __init__(self, words: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.child, self.handle = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.execvpe(words[0], words, environment)
        ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        # a byte that is no UTF-8 becomes half a surrogate pair, and counts as acting
        self.decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.grid = Grid(COLUMNS, LINES)
        self.others = {name: Grid(COLUMNS, LINES, rule) for name, rule in RULES.items()}
        self.places: list[Place] = [Place("start and end")]
        self.begun = self.over = False

    def at(self, name: str) -> Place:
        """What comes now belongs to another place."""
        self.places.append(Place(name))
        return self.places[-1]

    def _read(self, seconds: float) -> str:
        if self.over or not select.select([self.handle], [], [], seconds)[0]:
            return ""
        try:
            return self.decoder.decode(os.read(self.handle, 1 << 16)) or "\0"[:0]
        except OSError:  # the program has ended
            self.over = True
            return ""

    def settle(self, quiet: float = QUIET, first: float = 1.0) -> None:
        """Take what comes until nothing has for a while, and judge it."""
        parts = []
        wait = first
        while select.select([self.handle], [], [], wait)[0] and not self.over:
            parts.append(self._read(0))
            wait = quiet
        self.take("".join(parts))

    def take(self, stream: str) -> None:
        """Judge a piece of the stream, draw it, and compare how wide terminals would draw it."""
        place = self.places[-1]
        if not self.begun:  # what takes the terminal comes before the first thing drawn
            drawn = min((m.start() for p in (MOVE, STYLE) if (m := p.search(stream))), default=len(stream))
            self._judge(self.places[0], stream[:drawn], ends=True)
            self.begun, stream = drawn < len(stream), stream[drawn:]
        if not stream:
            return
        self._judge(place, stream)
        self.grid.feed(stream)
        place.looked += 1
        shown = self.grid.text()
        place.crashed += [f"{words}: {shown[:1500]}" for words in FAILED if words in shown]
        for name, grid in self.others.items():
            grid.feed(stream)
            place.shifted += [f"{name}: {each}" for each in moved(self.grid, grid)]

    def _judge(self, place: Place, stream: str, *, ends: bool = False) -> None:
        found: list[Act] = acts(stream, columns=COLUMNS, lines=LINES, ends=ends)
        place.acted += [f"{act.what} in {act.around}" for act in found]

    def press(self, keys: str, *, first: float = 1.0, quiet: float = QUIET) -> None:
        """Send keys as one, and take what comes of it."""
        if self.over:
            return
        os.write(self.handle, keys.encode())
        self.settle(quiet, first)

    def until(self, words: str, *, gone: str = "\0") -> bool:
        """Wait until something is shown, and something else is not; a place where it never is so has crashed."""
        end = time.monotonic() + PATIENCE

        def so() -> bool:
            text = self.grid.text()
            return words in text and gone not in text

        while not so() and time.monotonic() < end and not self.over:
            self.settle(first=0.3)
        if so():
            return True
        self.places[-1].crashed.append(f"never shown: {words!r}; {self.grid.text()[:1500]}")
        return False

    def walk(self, key: str, times: int, pattern: str = "") -> set[str]:
        """Press a key again and again; what of a pattern was seen on the way."""
        seen: set[str] = set()
        for _ in range(times):
            if self.over:
                break
            if pattern:
                seen.update(re.findall(pattern, self.grid.text()))
            self.press(key, first=0.5)
        if pattern:
            seen.update(re.findall(pattern, self.grid.text()))
        return seen

    def end(self) -> list[Place]:
        """Leave; all places, the program's end among them."""
        parts: list[str] = []
        if not self.over:
            os.write(self.handle, b"\x11")
        end = time.monotonic() + 20
        while not self.over and time.monotonic() < end:
            parts.append(self._read(0.3))
        self._judge(self.places[0], "".join(parts).replace("\r\n", ""), ends=True)
        self.places[0].looked += 1
        if not self.over:
            os.kill(self.child, 9)
            self.places[0].crashed.append("it did not end")
        _, status = os.waitpid(self.child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, -9):
            self.places[-1].crashed.append(f"exit code {code}: {''.join(parts)[-800:]}")
        os.close(self.handle)
        return self.places
