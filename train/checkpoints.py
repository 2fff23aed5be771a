"""Where an unfinished run lives, and whether what lies there is whole and its own.

`.seatrial/training/<key>/` holds the run's settings (`run.json`), its log so far and one folder for
each of the last two epochs. The key is a digest of settings, data, base and code, so a run is only
ever continued with what it began with.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from curate.errors import ConfigError
from curate.workspace import Workspace
from evalharness.asking.unfinished import key_of

Event: TypeAlias = Any  # what transformers hands to its callbacks, and such a callback
FOLDER, RUN, WHOLE, LOG = "training", "run.json", "whole.json", "log.jsonl"
STATE = "trainer_state.json"  # as transformers calls it


class Identity(NamedTuple):
    """What names a run: a run is only ever gone on with as it began."""

    root: Path
    name: str  # of the adapter
    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    code: str

    @property
    def key(self) -> str:
        """Of settings, data and code."""
        return key_of(self.params, self.inputs, self.code)[:16]

    @property
    def folder(self) -> Path:
        """Where it lives until it has ended."""
        return self.root / FOLDER / self.key


@dataclass(frozen=True)
class Unfinished:
    """The place of one run. `checkpoint` is its newest whole one, None if it has to begin."""

    folder: Path
    checkpoint: Path | None


def place(run: Identity, *, resume: bool, again: bool) -> Unfinished:
    """The folder of this run, with what there is to go on from.

    With `resume`, ConfigError where there is nothing to go on from; it says what differs from the
    run of that name that was left unfinished. With `again`, what there is is removed first.
    """
    if again:
        forget(run.folder)
    found = Unfinished(run.folder, newest(run.folder))
    if resume and found.checkpoint is None:
        raise ConfigError(
            f"no unfinished run called `{run.name}` has these settings and this data{_differs(run)}",
            hint="give the same settings and data to go on, or leave out --resume to begin anew",
        )
    run.folder.mkdir(parents=True, exist_ok=True)
    told = {key: value for key, value in run._asdict().items() if key != "root"}
    draft = run.folder / f".{RUN}"
    draft.write_text(json.dumps(told, sort_keys=True, indent=1), encoding="utf-8")
    draft.rename(run.folder / RUN)
    return found


def _differs(run: Identity) -> str:
    """What the newest unfinished run of this name had otherwise."""
    runs = (run.root / FOLDER).glob(f"*/{RUN}")
    for path in sorted(runs, key=lambda path: path.stat().st_mtime, reverse=True):
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
    told = {path.name: _file_digest(path) for path in sorted(checkpoint.iterdir()) if path.is_file()}
    draft = checkpoint / f".{WHOLE}"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(told, file)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(checkpoint / WHOLE)


def newest(folder: Path) -> Path | None:
    """The checkpoint with the most steps whose files are what was sealed."""
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=_steps, reverse=True):
        if _is_whole(checkpoint):
            return checkpoint
    return None


def _is_whole(checkpoint: Path) -> bool:
    told = read(checkpoint / WHOLE)
    return bool(told) and all(
        (checkpoint / name).is_file() and _file_digest(checkpoint / name) == known
        for name, known in told.items()
    )


def finished(checkpoint: Path) -> bool:
    """Whether its run had taken its last step, or had been stopped early."""
    state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    control = state["stateful_callbacks"].get("TrainerControl", {}).get("args", {})
    return state["global_step"] >= state["max_steps"] or bool(control.get("should_training_stop"))


def _steps(checkpoint: Path) -> int:
    found = re.search(r"-(\d+)$", checkpoint.name)
    return int(found.group(1)) if found else 0


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, lambda: blake2b(digest_size=16)).hexdigest()


def forget(folder: Path) -> None:
    """Remove a run's folder once its adapter is kept."""
    shutil.rmtree(folder, ignore_errors=True)


def sweep(workspace: Workspace) -> None:
    """Remove what a kill left of runs that had ended: their adapters are kept, and only the folders still there."""
    query = "select ended_at from run_end where run_id = ?"
    for path in (workspace.root / FOLDER).glob(f"*/{RUN}"):
        told = read(path)
        run = told and workspace.ledger.recorded("train", told["params"], told["code"], told["inputs"])
        if not run:
            continue
        [(ended,)] = workspace.ledger.rows(query, run[0])
        if datetime.fromisoformat(ended).timestamp() >= path.stat().st_mtime:  # else it was begun anew since
            forget(path.parent)


def in_order() -> Event:
    """A callback by which rows that are grouped by length come in an order of seed and epoch alone.

    transformers draws that order from what chance has come to when an epoch begins. A run that goes on in
    the middle of one could not know it, and would train on other rows.
    """
    import torch
    from transformers import TrainerCallback
    from transformers.trainer_pt_utils import LengthGroupedSampler

    class InOrder(TrainerCallback):  # type: ignore[misc]  # the way TRL is told of its callbacks
        def on_epoch_begin(
            self, args: Event, state: Event, control: Event, train_dataloader: Event = None, **_: Event
        ) -> None:
            batches = train_dataloader.batch_sampler
            while hasattr(batches, "batch_sampler"):  # of several processes each has a part
                batches = batches.batch_sampler
            if isinstance(batches.sampler, LengthGroupedSampler):
                epoch = int(state.epoch + 1e-6)
                batches.sampler.generator = torch.Generator().manual_seed(args.seed * 1_000_003 + epoch)

    return InOrder()
