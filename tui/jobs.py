"""Long work as a child process of the same command, with progress, time left and cancel.

The screens never compute: a thread of Python that computes makes each key wait. The child is what a
shell user would run, in a session of its own so that a Ctrl+C meant for an editor does not reach it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

from curate.errors import ConfigError
from curate.progress import duration

PATIENCE = 10.0  # seconds after which a child that was asked to stop is made to
OFTEN = 0.05  # seconds between two looks whether a child has ended
LINES_KEPT, TALK_KEPT = 200, 1 << 16  # lines and bytes of stderr kept for the error panel
LONGEST_ANSWER = 1 << 26  # bytes
# what may be typed at the `!` line: the commands that end by themselves
TYPED = (
    "import", "scan", "label", "apply", "split", "export", "curate", "train", "predict", "score", "probe", "compare", "verdict",
    "report", "verify", "demo", "doctor", "review", "log", "why", "rate", "journal", "agree", "coverage", "declare", "edits",
    "judge", "leaks", "session", "tune", "adapters", "search", "reward",
)  # fmt: skip


@dataclass
class Job:
    """One command in a child process. `told` is called after each change, in the event loop."""

    words: Sequence[str]  # without `seatrial`, as a shell user would type them
    home: Path | None  # the workspace's folder; None where there is none yet
    told: Callable[[Job], None]
    program: Sequence[str] = (sys.executable, "-P", "-m", "tui.cli")
    stage: str = ""
    done: int = 0
    total: int = 0
    left_seconds: float | None = None
    note: str = ""
    exit_code: int | None = None  # None while it runs
    cancelled: bool = False
    answer: dict[str, object] = field(default_factory=dict)
    talk: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    process: subprocess.Popen[bytes] | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def command(self) -> str:
        """What a person would type in a shell for the same work."""
        return shlex.join(["seatrial", *self.words])

    @property
    def running(self) -> bool:
        """Whether it has yet to end."""
        return self.exit_code is None

    def line(self) -> str:
        """How far it is, in words."""
        if self.cancelled and self.running:
            return "stopping ..."
        parts = [self.stage or "starting"]
        if self.total:
            parts.append(f"{self.done:,} of {self.total:,}")
        elif self.done:
            parts.append(f"{self.done:,}")
        if self.left_seconds is not None:
            parts.append(f"about {duration(self.left_seconds)} left")
        else:
            parts.append(f"for {duration(time.monotonic() - self.began)}")
        return "  ".join(part for part in [*parts, self.note] if part)

    async def run(self) -> None:
        """Start the child and stay until it ends; the outcome is in `exit_code` and `answer`.

        What it says goes to files, not to pipes, and nothing here ends it: it goes on where the screens end.
        """
        try:
            files = TemporaryFile(), TemporaryFile()  # noqa: SIM115 (closed below)
        except OSError as error:  # no folder for them, or a full disk
            self._failed(error)
            return
        reading, writing = os.pipe()
        environment = {**os.environ, "SEATRIAL_PROGRESS_FD": str(writing)}
        if self.home is not None:
            environment["SEATRIAL_HOME"] = str(self.home)
        with files[0] as output, files[1] as said:
            try:
                # asyncio's own children are killed with its loop
                self.process = subprocess.Popen(
                    [*self.program, *self.words, "--json"],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=said,
                    env=environment,
                    pass_fds=(writing,),
                    start_new_session=True,
                )
            except OSError as error:
                os.close(reading)
                self._failed(error)
                return
            finally:
                os.close(writing)
            await self._follow(reading)
            code = await self._ended()
            output.seek(0)
            self.answer = _answer(output.read(LONGEST_ANSWER))
            said.seek(max(0, said.seek(0, os.SEEK_END) - TALK_KEPT))
            self.talk.extend(line.decode("utf-8", "replace").rstrip() for line in said)
        self.exit_code = 130 if code < 0 or self.cancelled else code
        self.told(self)

    def _failed(self, error: OSError) -> None:
        """There is no child."""
        self.talk.append(str(error))
        self.exit_code = 3
        self.told(self)

    async def _ended(self) -> int:
        """The child's exit code, once there is one."""
        assert self.process is not None
        while (code := self.process.poll()) is None:
            await asyncio.sleep(OFTEN)
        return code

    async def _follow(self, reading: int) -> None:
        stream = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb", 0)
        )
        try:
            while line := await stream.readline():
                self._take(line)
        finally:
            transport.close()

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return  # torn in two by a child that died
        self.stage, self.note = str(event.get("stage", "")), str(event.get("note") or "")
        self.done, self.total = int(event.get("done") or 0), int(event.get("total") or 0)
        self.left_seconds = event.get("left_seconds")
        self.told(self)

    async def cancel(self) -> None:
        """Ask the child, and only it, to stop; after PATIENCE seconds make it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.cancelled = True
        self.told(self)
        for request in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            self.process.send_signal(request)
            try:
                await asyncio.wait_for(self._ended(), PATIENCE)
                return
            except TimeoutError:
                continue


def taken_apart(words: str) -> list[str]:
    """The words of a line, as a shell takes it apart. Raises ConfigError where quotes stay open."""
    try:
        return shlex.split(words)
    except ValueError as error:
        raise ConfigError(f"the line cannot be read: {error}", hint="close the quotes") from error


def unquoted(words: list[str]) -> None:
    """Raise ConfigError where an import names a file with blanks in its name without quotes."""
    words = words[1:] if words[:1] == ["seatrial"] else words
    if words[:1] == ["import"] and len(words) > 2 and not Path(words[1]).exists():
        for end in range(len(words), 2, -1):
            name = " ".join(words[1:end])
            if Path(name).exists():
                raise ConfigError("the file's name has blanks in it", hint=f"write {shlex.quote(name)}")


def failure(job: Job) -> tuple[str, str]:
    """(what went wrong and what to do, what else the command said)."""
    error = str(job.answer.get("error") or "")
    hint = str(job.answer.get("hint") or "")
    words = error or f"seatrial {job.words[0]} ended with exit code {job.exit_code}"
    # the command says its error on stderr too
    talk = [line for line in job.talk if line not in ("", f"error: {error}", f"hint: {hint}")]
    return words + (f"\n\n{hint}" if hint else ""), "\n".join(talk)


def _answer(output: bytes) -> dict[str, object]:
    """The one JSON object on stdout; empty where there is none."""
    try:
        value = json.loads(output)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
