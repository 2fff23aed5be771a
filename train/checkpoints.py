"""Where an unfinished run lives, and whether what lies there is whole and its own.

`.seatrial/training/<key>/` holds the run's settings (`run.json`), its log so far and one folder for
each of the last two epochs. The key is a digest of settings, data, base and code, so a run is only
ever continued with what it began with.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any, NamedTuple

from curate.errors import ConfigError
from curate.workspace import Workspace
from evalharness.asking.unfinished import key_of

FOLDER, RUN, WHOLE, LOG = "training", "run.json", "whole.json", "log.jsonl"
STATE = "trainer_state.json"  # as transformers calls it


class Identity(NamedTuple):
    """What names a run: a run is only ever gone on with as it began."""

    root: Path
    name: str  # of the adapter, or of the data that is searched on
    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    code: str
    kind: str = FOLDER

    @property
    def key(self) -> str:
        """Of settings, data and code."""
        return key_of(self.params, self.inputs, self.code)[:16]

    @property
    def folder(self) -> Path:
        """Where it lives until it has ended."""
        return self.root / self.kind / self.key


class Unfinished(NamedTuple):
    """The place of one run. `checkpoint` is its newest whole one, None if it has to begin."""

    folder: Path
    checkpoint: Path | None


def place(run: Identity, *, resume: bool, again: bool) -> Unfinished:
    """The folder of this run, with what there is to go on from. With `again`, what there is is removed first."""
    if again:
        forget(run.folder)
    found = Unfinished(run.folder, newest(run.folder))
    claim(run, resume=resume, begun=found.checkpoint is not None)
    return found


def claim(run: Identity, *, resume: bool, begun: bool) -> None:
    """Make the run's folder, with what the run is.

    With `resume`, ConfigError where it has not begun; it says what differs from the run of that name
    that was left unfinished.
    """
    if resume and not begun:
        what = f"no unfinished run called `{run.name}` has these settings and this data{_differs(run)}"
        raise ConfigError(what, hint="give the same to go on, or leave out --resume to begin anew")
    run.folder.mkdir(parents=True, exist_ok=True)
    told = json.dumps(run._asdict(), sort_keys=True, indent=1, default=str)
    (run.folder / RUN).write_text(told, encoding="utf-8")


def _differs(run: Identity) -> str:
    """What the newest unfinished run of this name had otherwise."""
    runs = (run.root / run.kind).glob(f"*/{RUN}")
    begun = [(any(path.parent.glob("checkpoint-*")), path.stat().st_mtime, path) for path in runs]
    for *_, path in sorted(begun, reverse=True):
        told = read(path)
        if told.get("name") == run.name:
            then = {**told["params"], **told["inputs"], "code": told["code"]}
            words = changes(then, {**run.params, **run.inputs, "code": run.code})
            return f": {words or 'it had not finished an epoch, or what it kept is damaged'}"
    return ""


def changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The settings that are not what they were, nested ones by their own names; empty where all are."""
    before, after = _flat(then), _flat(now)
    keys = (key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key))
    return "; ".join(f"{key} was {before.get(key)}, is {after.get(key)}" for key in keys)


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings as one level, as JSON would hold them."""
    flat: dict[str, Any] = {}
    for key, value in json.loads(json.dumps(values)).items():
        flat.update(value if isinstance(value, dict) else {key: value})
    return flat


def read(path: Path) -> dict[str, Any]:
    """What was kept as JSON; empty where the disk has something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    return found if isinstance(found, dict) else {}


def seal(checkpoint: Path) -> None:
    """Write down what is in a checkpoint, last of all: without this it does not count."""
    draft = checkpoint / f".{WHOLE}"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(_digests(checkpoint), file)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(checkpoint / WHOLE)


def newest(folder: Path) -> Path | None:
    """The checkpoint with the most steps whose files are what was sealed."""
    found = sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True)
    return next((each for each in found if (told := read(each / WHOLE)) and told == _digests(each)), None)


def step_of(checkpoint: Path) -> int:
    """After how many steps it was made."""
    return int(checkpoint.name.rpartition("-")[2])


def _digests(checkpoint: Path) -> dict[str, str]:
    """Of each of its files by name, but for the seal."""
    found = {}
    for path in checkpoint.iterdir():
        if path.is_file() and not path.name.endswith(WHOLE):
            with path.open("rb") as file:
                found[path.name] = file_digest(file, "blake2b").hexdigest()[:32]
    return found


def finished(checkpoint: Path) -> bool:
    """Whether its run had taken its last step, or had been stopped early."""
    state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    control = state["stateful_callbacks"].get("TrainerControl", {}).get("args", {})
    return state["global_step"] >= state["max_steps"] or bool(control.get("should_training_stop"))


def forget(folder: Path) -> None:
    """Remove a run's folder once its adapter is kept."""
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def if_begun(folder: Path) -> Iterator[None]:
    """Remove a run's folder where it fails before its first step: there is nothing to go on from, or to look at."""
    try:
        yield
    except BaseException:
        log = folder / LOG
        if not any(folder.glob("checkpoint-*")) and not (log.is_file() and log.stat().st_size):
            forget(folder)
        raise


def sweep(workspace: Workspace) -> None:
    """Remove what a kill left of runs that had ended: their adapters are kept, and only the folders still there."""
    query = "select ended_at from run_end where run_id = ?"
    for path in (workspace.root / FOLDER).glob(f"*/{RUN}"):
        told = read(path)
        run = told and workspace.ledger.recorded("train", told["params"], told["code"], told["inputs"])
        ended = run and workspace.ledger.rows(query, run[0])[0][0]
        if (
            ended and datetime.fromisoformat(ended).timestamp() >= path.stat().st_mtime
        ):  # else begun anew since
            forget(path.parent)
