"""A walk through the demo: its stages, what was done of them, and the folder that it happens in."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from curate.answer import Answer
from curate.errors import ConfigError
from curate.progress import duration
from tui.terminal import render

FOLDER = "seatrial-demo"
# in the demo's folder: a line for the settings, one for each command that was done, one at the end
DONE = "demo.jsonl"

# Seconds that each stage takes on two cores, to tell the time left from the start; the measured pace
# of the stages that are done corrects them as the demo goes on, the more the more are done.
STAGES = {
    "What came in": 3,
    "What is wrong with it": 14,
    "Apply what is safe, leave what is doubtful": 10,
    "Split without leaks": 6,
    "Fine-tune": 55,
    "Give the baselines their chance": 18,
    "Answer the test with four arms": 32,
    "What did it lose?": 25,
    "Is it clearly better?": 8,
    "What one would have believed": 70,
    "Where a row came from": 3,
}


FORETOLD = 60  # seconds at the foretold pace that count with those that were measured


class Kept:
    """The answers of the commands that are done, on the disk, so that a killed demo goes on where it stopped.

    One demo at a time holds the file.
    """

    def __init__(self, file: IO[str], done: list[dict[str, Any]]) -> None:
        self.file, self.done = file, done

    @classmethod
    def open(cls, folder: Path, base: str, *, new: bool) -> Kept | None:
        """The file of a folder; None where that is another's, a finished demo's, or one of other code or base."""
        from curate.workspace import code_version

        path, settings = folder / DONE, {"base": base, "code": code_version()}
        if not new and not path.is_file():
            return None
        file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # it goes on in another process
            file.close()
            return None
        lines = _lines(file)
        kept = cls(file, lines[1:])
        if new:  # what a folder without a workspace says was done is gone
            file.truncate(0)
            kept.done = []
            kept.add(settings)
            return kept
        gone = len(lines) > 1 and not (folder / ".seatrial").exists()
        if not lines or gone or lines[0] != settings or lines[-1].get("finished"):
            file.close()
            return None
        kept._cut()
        return kept

    def _cut(self) -> None:
        """Leave out a last line that was not written whole."""
        whole = Path(self.file.name).read_bytes()
        os.truncate(self.file.name, whole.rfind(b"\n") + 1)

    def add(self, line: dict[str, Any]) -> None:
        """Keep a line; on return it is on the disk."""
        self.file.write(json.dumps(line, default=str) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def following(self, words: Sequence[str]) -> dict[str, Any] | None:
        """What is kept of the next command; None where it is to be run, and all after it."""
        if self.done and self.done[0]["words"] == list(words):
            return self.done.pop(0)
        self.done = []
        return None


def _lines(file: IO[str]) -> list[dict[str, Any]]:
    """The lines that were written whole; none where one of them is damaged."""
    file.seek(0)
    try:
        return [json.loads(line) for line in file if line.endswith("\n")]
    except ValueError:  # not ours, or not whole: left as it is, and the demo takes another folder
        return []


@dataclass
class Walk:
    """One walk through the demo: where it is, and what the commands answered."""

    folder: Path
    base: str
    kept: Kept
    earlier: float = 0  # seconds that the commands took which were done before a kill
    began: float = field(default_factory=time.monotonic)
    stage_began: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)
    stage: str = ""

    @property
    def clock(self) -> float:
        """Seconds, as if there had been no kill."""
        return time.monotonic() + self.earlier

    def begin(self, stage: str) -> None:
        """Say which stage begins, which one it is, and about how much time is left."""
        now = self.clock
        if self.stage:
            self.seconds[self.stage] = now - self.stage_began
        self.stage, self.stage_began = stage, now
        done = sum(STAGES[name] for name in self.seconds)
        left = sum(STAGES.values()) - done
        pace = (sum(self.seconds.values()) + FORETOLD) / (done + FORETOLD)
        number = list(STAGES).index(stage) + 1
        head = f"{number}/{len(STAGES)}  {stage}"
        render.narrate(["", f"{head:<56}about {duration(left * pace)} left"])

    def run(self, *words: str, show: Callable[[Answer], Sequence[str]] | None = None) -> dict[str, Any]:
        """Print a command as one would type it, run it, print what is worth seeing of its answer.

        Returns the answer's data. A command that answers no (exit code 1) is shown and goes on; one that
        was done before a kill is not done again.
        """
        from tui.cli import run

        kept = self.kept.following(words)
        render.narrate([f"$ {typed(words)}" + ("   # done before" if kept else "")])
        if kept is not None:
            self.earlier += kept["seconds"]
            return dict(kept["data"])
        began = time.monotonic()
        answer = run(words[0], list(words[1:]))
        assert answer is not None
        chosen = answer.lines if show is None else show(answer)
        render.narrate([f"  {line}" if line else "" for line in chosen])
        data = json.loads(json.dumps(answer.data, default=str))
        self.kept.add({"words": words, "seconds": round(time.monotonic() - began, 1), "data": data})
        return dict(data)

    def finish(self) -> None:
        """Nothing is left to be done here."""
        self.kept.add({"finished": True})
        self.kept.file.close()


def typed(words: Sequence[str]) -> str:
    """The command as one would type it."""
    import shlex

    return shlex.join(["seatrial", *words])


def begun(to: Path | None, base: str) -> Walk:
    """A walk in the folder that was asked for, else in `seatrial-demo`, `seatrial-demo-2` ...

    In a folder whose demo was killed it goes on there.
    """
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        kept = Kept.open(to, base, new=not (to / ".seatrial").exists())
        if kept is None:
            raise ConfigError(f"{to} holds a workspace already", hint="name another folder with --to")
        return _told(Walk(to.resolve(), base, kept))
    number = 1
    while True:
        place = Path(FOLDER if number == 1 else f"{FOLDER}-{number}")
        new = not place.exists()
        if new:
            place.mkdir()
        kept = Kept.open(place, base, new=new) if place.is_dir() else None
        if kept is not None:
            if new and number > 1:
                render.narrate([f"{FOLDER} holds an earlier demo; this one is in {place}"])
            return _told(Walk(place.resolve(), base, kept))
        number += 1


def _told(walk: Walk) -> Walk:
    if walk.kept.done:
        render.narrate(["The demo there was interrupted; it goes on after what was done."])
    return walk
