"""Several processes that train together, as `accelerate launch` starts them; most runs are one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from curate.errors import ConfigError


def count() -> int:
    """How many there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def first() -> bool:
    """Whether this process is the one that writes; true for a run in one process."""
    return int(os.environ.get("RANK", "0")) == 0


def log_of(work: Path) -> Path:
    """Where this process writes its log: the run's own, or a folder beside it."""
    folder = work if first() else work / f"process-{os.environ['RANK']}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "log.jsonl"


def join() -> None:
    """Meet the others, each on a device of its own; nothing to do in a run of one process."""
    if count() > 1:
        from accelerate import PartialState  # type: ignore[import-untyped]

        from evalharness.models.loaded import choose_device

        PartialState(cpu=choose_device("auto") == "cpu")


def wait() -> None:
    """Until all processes are here."""
    if count() > 1:
        from accelerate import PartialState

        PartialState().wait_for_everyone()


def sharded(trainer: Any) -> bool:  # noqa: ANN401  one of transformers
    """Whether each process holds a part of the weights (FSDP), so that every pass needs all of them.

    ConfigError where that was asked for and accelerate does otherwise, as it does in silence on processors.
    """
    holds = bool(trainer.is_fsdp_enabled)
    if os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true" and not holds:
        raise ConfigError(
            "accelerate turns FSDP on for accelerators alone: here each process would hold the whole model",
            hint="leave FSDP out of its configuration; plain data parallel works on processors",
        )
    return holds


def whole(weight: Any) -> Any:  # noqa: ANN401  a tensor
    """A tensor of which this process may hold a part; all processes have to ask for it together."""
    return weight.full_tensor() if hasattr(weight, "full_tensor") else weight
