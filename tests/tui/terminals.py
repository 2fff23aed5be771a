"""The program in a real terminal: a pseudo-terminal that is read here, or a pane of tmux."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Protocol

from rich.cells import cell_len

PATIENCE = 60.0  # seconds until something that must appear has failed to
# a size in the environment would go before the terminal's own
PROGRAM = ("/usr/bin/env", "-u", "COLUMNS", "-u", "LINES", sys.executable, "-P", "-m", "tui")
BYTES = {"enter": b"\r", "escape": b"\x1b", "space": b" "}
_PARTS = re.compile(
    rb"\x1b\[([0-9;?<=>]*)[ -/]*([@-~])|\x1b\](?:[^\x07\x1b]*)(?:\x07|\x1b\\)|\x1b[P_^][^\x1b]*\x1b\\|\x1b[ -/]*[0-OQ-Z\\`a-~]|[^\x1b]+"
)
# the beginning of a character whose other bytes are still to come
_BEGUN = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")


class Terminal(Protocol):
    """What a journey needs of a terminal."""

    written: Path  # the bytes that the program sent

    def press(self, *keys: str) -> None:
        """Send keys: `enter`, `escape`, `space`, `ctrl+s` and so on, or letters as they are typed."""

    def lines(self) -> list[str]:
        """What stands on the screen."""

    def resize(self, columns: int, lines: int) -> None:
        """Make the terminal larger or smaller."""

    def kill(self) -> None:
        """End the program as a power cut would."""

    def close(self) -> None:
        """End it, and whatever was started for it."""


def until(terminal: Terminal, *wanted: str) -> list[str]:
    """Wait until all of some words stand on the screen; the lines."""
    end = time.monotonic() + PATIENCE
    while True:
        lines = terminal.lines()
        text = "\n".join(lines)
        if all(words in text for words in wanted):
            return lines
        assert time.monotonic() < end, f"{wanted} never came:\n{text}"
        time.sleep(0.05)


class Pty:
    """A pseudo-terminal, and as much of a terminal as the program uses: moves, text, colours left out."""

    def __init__(
        self,
        folder: Path,
        columns: int,
        lines: int,
        environment: dict[str, str],
        program: tuple[str, ...] = PROGRAM,
    ) -> None:
        self.written = folder / "terminal.bytes"
        self.file = self.written.open("wb")
        self.size = columns, lines
        self.cells: dict[tuple[int, int], str] = {}
        self.at = 0, 0
        self.left = b""
        self.child, self.handle = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.execve(program[0], program, {**os.environ, **environment})
        self._tell_size()

    def _tell_size(self) -> None:
        columns, lines = self.size
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, *keys: str) -> None:
        for key in keys:
            control = key.startswith("ctrl+")
            os.write(self.handle, bytes([ord(key[-1]) & 0x1F]) if control else BYTES.get(key, key.encode()))

    def _read(self) -> None:
        while select.select([self.handle], [], [], 0)[0]:
            try:
                got = os.read(self.handle, 1 << 16)
            except OSError:  # the program has ended
                return
            self.file.write(got)
            self.file.flush()
            self._feed(self.left + got)

    def _feed(self, data: bytes) -> None:
        # an escape sequence may be cut in two, and so may a character
        whole = data.rfind(b"\x1b")
        begun = _BEGUN.search(data)
        if whole >= 0 and not re.match(_PARTS, data[whole:]):
            data, self.left = data[:whole], data[whole:]
        elif begun:
            data, self.left = data[: begun.start()], begun.group()
        else:
            self.left = b""
        for part in _PARTS.finditer(data):
            final = part.group(2)
            if final == b"H":
                y, _, x = (part.group(1) or b"1;1").partition(b";")
                self.at = int(x or 1) - 1, int(y or 1) - 1
            elif final == b"J":
                self.cells.clear()
            elif not part.group().startswith(b"\x1b"):
                self._write(part.group().decode(errors="replace"))

    def _write(self, text: str) -> None:
        for character in text:
            if character >= " ":
                x, y = self.at
                self.cells[x, y] = character
                self.at = x + max(cell_len(character), 0), y

    def lines(self) -> list[str]:
        self._read()
        columns, lines = self.size
        return ["".join(self.cells.get((x, y), " ") for x in range(columns)).rstrip() for y in range(lines)]

    def resize(self, columns: int, lines: int) -> None:
        self._read()
        self.cells.clear()
        self.size = columns, lines
        self._tell_size()

    def ended(self) -> int:
        """The exit code, when the program has ended by itself."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self._read()  # whoever does not read keeps the program from writing, and so from ending
            done, status = os.waitpid(self.child, os.WNOHANG)
            if done:
                self.child = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        raise AssertionError("the program does not end")

    def kill(self) -> None:
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        self.child = 0

    def close(self) -> None:
        if self.child:
            self.kill()
        os.close(self.handle)
        self.file.close()


class Tmux:
    """A window of a tmux server of its own."""

    def __init__(self, folder: Path, columns: int, lines: int, environment: dict[str, str]) -> None:
        self.written = folder / "terminal.bytes"
        self.socket = str(folder / "tmux.socket")
        told = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
        self._do("new-session", "-d", "-x", str(columns), "-y", str(lines), "-c", str(folder), *told, "cat")
        self._do("set-option", "-g", "escape-time", "0")
        self._do("set-option", "-g", "remain-on-exit", "on")
        self._do("pipe-pane", "-o", f"cat > '{self.written}'")
        # tmux itself does not always tell how a program ended
        self.code = folder / "exit-code"
        script = f'"$@"; echo $? > "{self.code}"'
        self._do("respawn-pane", "-k", *told, "-c", str(folder), "/bin/sh", "-c", script, "sh", *PROGRAM)

    def _do(self, *words: str) -> str:
        command = ["tmux", "-S", self.socket, "-f", "/dev/null", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout

    def press(self, *keys: str) -> None:
        for key in keys:
            if key.startswith("ctrl+"):
                self._do("send-keys", f"C-{key[-1]}")
            elif key in BYTES:
                self._do("send-keys", key.capitalize())
            else:
                self._do("send-keys", "-l", "--", key)

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._do("capture-pane", "-p").split("\n")]

    def resize(self, columns: int, lines: int) -> None:
        self._do("resize-window", "-x", str(columns), "-y", str(lines))

    def ended(self) -> int:
        """The exit code, when the program has ended by itself."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.code.is_file() and self.code.read_text().strip():
                return int(self.code.read_text())
            time.sleep(0.02)
        raise AssertionError("the program does not end")

    def kill(self) -> None:
        shell = int(self._do("list-panes", "-F", "#{pane_pid}"))
        program = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        os.kill(int(program[0]), signal.SIGKILL)

    def close(self) -> None:
        self._do("kill-server")


TMUX = shutil.which("tmux")
