"""The curves of a training run, read from what it writes: while it goes, from any process, and after.

A run keeps `log.jsonl` (what was measured, by TRL's names) and `pulse.jsonl` (time, step, memory,
process) in the folder of its unfinished work; a finished one leaves its log with the adapter. Nothing
here touches the run: whoever looks, or stops looking, changes nothing.
"""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from curate.errors import SeatrialError
from curate.progress import duration
from curate.workspace import Workspace
from tui.reading.lineage import RunRow

Points = list[tuple[float, float]]  # (step, value), in the order of steps
State = Literal["finished", "running", "killed", "failed", "unknown"]

PATIENCE = 2.0  # seconds after which a run that has not ended is looked at, though it wrote nothing
SILENT = 600  # seconds after which a process that lives on is told to be silent
LOG, PULSE, RECORD, RUN = "log.jsonl", "pulse.jsonl", "training.json", "run.json"


class Place(NamedTuple):
    """Where a run's lines are; `finished` if with its adapter. `by` is the run that went on with it."""

    folder: Path
    finished: bool
    by: str | None = None


@dataclass(frozen=True)
class Curves:
    """What is known of a run by now."""

    run_id: str
    state: State
    words: str  # how far it is, or how it ended
    loss: Points = field(default_factory=list)
    validation: Points = field(default_factory=list)
    rate: Points = field(default_factory=list)
    memory: Points = field(default_factory=list)  # bytes
    metric: Points = field(default_factory=list)  # of the task, on validation rows
    peak: int | None = None  # bytes
    total: int = 0  # steps; 0 where not known


class Tail:
    """The JSON lines of a file that grows: each look reads what is new; a file begun anew is read anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[dict[str, Any]] = []
        self.offset = 0
        self.before = b""  # the end of what was read: whether it is still the same file

    def changed(self) -> bool:
        """Whether there is more, or something else, to read. Costs one look at the file's size."""
        try:
            return self.path.stat().st_size != self.offset
        except OSError:
            return False

    def read(self) -> list[dict[str, Any]]:
        """All whole lines so far; one that is being written, or is no JSON, is left out."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.offset - len(self.before)))
                if file.read(len(self.before)) != self.before:
                    self.lines, self.offset, self.before = [], 0, b""
                    file.seek(0)
                data = file.read()
        except OSError:
            return self.lines  # gone: the run has ended, and its log is with the adapter
        whole = data[: data.rfind(b"\n") + 1]
        for line in whole.splitlines():
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if isinstance(told, dict):
                self.lines.append(told)
        self.offset += len(whole)
        self.before = (self.before + whole)[-64:]
        return self.lines


def place_of(workspace: Workspace, run: RunRow) -> Place | None:
    """Where the lines of a training run are; None if they are gone or have not begun."""
    ledger = workspace.ledger
    adapter = ledger.run_artifacts(run.run_id, "out").get("adapter")
    if adapter and run.ended_at and not run.error:
        return Place(workspace.files(adapter), finished=True)
    inputs = ledger.run_artifacts(run.run_id, "in")
    code = str(ledger.rows("select code from run where run_id = ?", run.run_id)[0]["code"])
    for path in (workspace.root / "training").glob(f"*/{RUN}"):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # being written, or just removed
        if (told.get("params"), told.get("inputs"), told.get("code")) == (run.params, inputs, code):
            return Place(path.parent, finished=False)
    later = ledger.recorded("train", run.params, code, inputs)
    if later is not None and "adapter" in later[1]:
        return Place(workspace.files(later[1]["adapter"]), finished=True, by=later[0])
    return None


class Follower:
    """One training run, followed."""

    def __init__(self, workspace: Workspace, run: RunRow) -> None:
        self.workspace, self.run = workspace, run
        self.place: Place | None = None
        self.log = self.pulse = Tail(Path())
        self.read_at = float("-inf")
        self.memory: Points = []  # kept when the run ends, for its folder goes then

    def changed(self) -> bool:
        """Whether it is worth reading again: there is more, or the process may have ended without a word."""
        waiting = self.run.ended_at is None and time.monotonic() - self.read_at > PATIENCE
        grown = self.place is not None and (self.log.changed() or self.pulse.changed())
        return waiting or grown

    def read(self, run: RunRow) -> Curves:
        """What is known now; `run` is as the ledger has it now."""
        self.read_at, self.run = time.monotonic(), run
        try:
            place = place_of(self.workspace, run)
        except SeatrialError as error:  # the adapter was purged
            return Curves(run.run_id, "unknown", error.message)
        if place != self.place:
            self.place = place
            folder = place.folder if place else Path()
            self.log, self.pulse = Tail(folder / LOG), Tail(folder / PULSE)
        if place is None:
            words = run.error or (
                "its lines are gone" if run.ended_at else "no step yet: it is starting, or was killed before"
            )
            return Curves(run.run_id, "failed" if run.error else "unknown", words)
        return self._curves(place)

    def _curves(self, place: Place) -> Curves:
        log, pulse = self.log.read(), self.pulse.read()
        record: dict[str, Any] = {}
        if place.finished:
            try:
                record = json.loads((place.folder / RECORD).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                record = {}  # an adapter from elsewhere
        state, words = _state(self.run, place, pulse, record)
        memory = [(float(p["step"]), float(p["memory"])) for p in pulse if _has(p, "step", "memory")]
        self.memory = memory = memory or self.memory
        peak = record.get("peak_memory_bytes") or (max(int(v) for _, v in memory) if memory else None)
        total = record.get("steps") or (pulse[-1].get("total", 0) if pulse else 0)
        return Curves(
            self.run.run_id, state, words,
            loss=_points(log, "loss"), validation=_points(log, "eval_loss"), rate=_points(log, "learning_rate"),
            memory=memory, peak=peak, total=int(total), metric=_points(log, "eval_metric"),
        )  # fmt: skip


def _has(line: dict[str, Any], *names: str) -> bool:
    return all(isinstance(line.get(name), int | float) for name in names)


def _points(lines: list[dict[str, Any]], name: str) -> Points:
    return [(float(line["step"]), float(line[name])) for line in lines if _has(line, "step", name)]


def _state(
    run: RunRow, place: Place, pulse: list[dict[str, Any]], record: dict[str, Any]
) -> tuple[State, str]:
    if place.finished:
        took = f" in {duration(record['seconds'])}" if _has(record, "seconds") else ""
        by = f"; gone on with by run {place.by}" if place.by else ""
        return "finished", f"finished, {record.get('steps', 0):,} steps{took}{by}"
    last = pulse[-1] if pulse and _has(pulse[-1], "step", "total", "at", "pid") else None
    far = f"step {last['step']:,} of {last['total']:,}" if last else "before its first step"
    if run.error:
        return "failed", f"stopped at {far}: {run.error}"
    if last is None:
        return "unknown", "no step yet: it is starting, or was killed before"
    ago = time.time() - last["at"]
    if last.get("host") == platform.node() and not _lives(int(last["pid"])):
        return "killed", f"killed at {far}, {duration(ago)} ago; seatrial train --resume goes on"
    if ago > SILENT:
        return "unknown", f"{far}; silent for {duration(ago)}"
    return "running", f"{far}{_left(pulse)}; process {last['pid']}"


def _left(pulse: list[dict[str, Any]]) -> str:
    """The time that is left, by the pace of the last beats of the same process."""
    last = pulse[-1]
    same = [p for p in pulse[-40:] if p.get("pid") == last["pid"] and _has(p, "at", "step")]
    steps, took = last["step"] - same[0]["step"], last["at"] - same[0]["at"]
    if steps <= 0:
        return ""
    pace = f", {last['tokens_per_second']:,.0f} tokens/s" if _has(last, "tokens_per_second") else ""
    return f"{pace}, about {duration(max(0.0, (last['total'] - last['step']) * took / steps))} left"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True
