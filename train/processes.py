"""Several processes that train together, as `accelerate launch` starts them; most runs are one."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from curate.answer import Answer
from curate.errors import ConfigError, ResourceError


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


def together(work: Callable[[], Answer]) -> Answer:
    """What `work` answers; of several processes the first alone tells it.

    Where it fails, the first to fail says why, and the others end quietly: they fail too, with the same refusal or
    for the lost connection.
    """
    if count() == 1:
        return work()
    from accelerate import PartialState  # type: ignore[import-untyped]

    from evalharness.models.loaded import choose_device

    PartialState(cpu=choose_device("auto") == "cpu")  # meets the others, each on a device of its own
    try:
        found = work()
        return found if first() else Answer([], {}, exit_code=found.exit_code)
    except Exception as error:
        if _first_to_fail():
            raise
        logging.getLogger(__name__).debug("another process has told why it failed: %s", error)
        return Answer([], {}, exit_code=getattr(error, "exit_code", ResourceError.exit_code))


def _first_to_fail() -> bool:
    """Whether no other process has failed before; the place where they met keeps count."""
    from torch.distributed import DistError, TCPStore  # type: ignore[attr-defined]

    place, timeout = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])), timedelta(seconds=10)
    try:
        return TCPStore(*place, timeout=timeout, wait_for_workers=False).add("seatrial/failed", 1) == 1
    except DistError:  # it is gone, with the process that failed first
        return first()


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
        what = "accelerate turns FSDP on for accelerators alone: here each process would hold the whole model"
        raise ConfigError(what, hint="leave FSDP out of its configuration; data parallel works on processors")
    return holds


def whole(weight: Any) -> Any:  # noqa: ANN401  a tensor
    """A tensor of which this process may hold a part; all processes have to ask for it together."""
    return weight.full_tensor() if hasattr(weight, "full_tensor") else weight
