"""Progress with time left: a line on a terminal, plain lines in a log, JSON lines for a parent.

A parent process (the screens) sets SEATRIAL_PROGRESS_FD to an open descriptor; each event is one
JSON object on a line of its own: {"stage", "done", "total", "left_seconds", "note"}. A parent that has gone
is told nothing more; the work goes on.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

Item = TypeVar("Item")

TERMINAL_EVERY = 0.1
PARENT_EVERY = 0.25
LOG_EVERY = 10.0


_spoken: list[float] = []  # when a line was last written, in each work that is told as a whole


@contextmanager
def stages() -> Iterator[None]:
    """Work of several stages: in a log none is silent for being short, if all of them take long."""
    _spoken.append(time.monotonic())
    try:
        yield
    finally:
        _spoken.pop()


def duration(seconds: float) -> str:
    """Seconds as a person says them: `8 s`, `1 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Progress:
    """Tells how far a stage is. `total` may be 0 when it is not known."""

    def __init__(self, stage: str, total: int = 0) -> None:
        self.stage, self.total, self.done, self.note = stage, total, 0, ""
        self.began = self.told = time.monotonic()
        parent = os.environ.get("SEATRIAL_PROGRESS_FD")
        self.parent = int(parent) if parent else None
        self.alone = False  # the parent has gone
        self.terminal = self.parent is None and sys.stderr.isatty()
        self.every = PARENT_EVERY if self.parent else TERMINAL_EVERY if self.terminal else LOG_EVERY
        if _spoken and self.every == LOG_EVERY:
            self.told = _spoken[-1]

    def __enter__(self) -> Self:
        self.tell(force=self.parent is not None or self.terminal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.tell(force=self.parent is not None)
        if self.terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def step(self, count: int = 1, note: str = "") -> None:
        """`count` more are done."""
        self.done += count
        self.note = note or self.note
        self.tell()

    def left(self) -> float | None:
        """Seconds left, by the rate so far; None while it cannot be told."""
        if not self.total or not self.done:
            return None
        spent = time.monotonic() - self.began
        return max(0.0, spent / self.done * (self.total - self.done))

    def tell(self, *, force: bool = False) -> None:
        """Write the state, unless it was written a moment ago."""
        now = time.monotonic()
        if self.alone or (not force and now - self.told < self.every):
            return
        self.told = now
        _spoken[-1:] = [now] if _spoken else []
        left = self.left()
        if self.parent is not None:
            event = {
                "stage": self.stage,
                "done": self.done,
                "total": self.total,
                "left_seconds": left,
                "note": self.note,
            }
            try:
                os.write(self.parent, (json.dumps(event) + "\n").encode())
            except BrokenPipeError:  # nobody listens any more: no reason to lose the work
                self.alone = True
            return
        of = f"{self.done:,} of {self.total:,}" if self.total else f"{self.done:,}" if self.done else "..."
        words = f"{self.stage}  {of}" + (f", about {duration(left)} left" if left is not None else "")
        words += f"  {self.note}" if self.note else ""
        sys.stderr.write(f"\r\x1b[K{words}" if self.terminal else f"{words}\n")
        sys.stderr.flush()

    def over(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items, counted as they are taken."""
        for item in items:
            yield item
            self.step()
