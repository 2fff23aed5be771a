"""Which rows are whose, where several people share a task."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import polars as pl

from curate.errors import ConfigError
from curate.labelling.tasks import Task


def mine(task: Task, reviewer: str, ids: pl.Series) -> npt.NDArray[np.bool_]:
    """Which rows are to be answered by a person: all, or where `people` share them, those of their part.

    Of the share `overlap` everyone answers all; each other row goes to one person. It depends on the
    row's id and the list of people alone. Raises ConfigError for somebody who is not in that list.
    """
    if not task.people or task.overlap >= 1:
        return np.ones(len(ids), dtype=bool)
    if reviewer not in task.people:
        raise ConfigError(
            f"{reviewer} is not among the people of the task {task.name}",
            hint=f"people = {', '.join(task.people)}; SEATRIAL_REVIEWER says who you are",
        )
    number = task.people.index(reviewer)
    words = [drawn(f"{task.name} {example_id}".encode()) for example_id in ids]
    share = task.overlap * (1 << 32)
    return np.array(
        [(one & 0xFFFFFFFF) < share or (one >> 32) % len(task.people) == number for one in words], dtype=bool
    )


def drawn(word: bytes) -> int:
    """64 bits that look random and depend on the word alone."""
    return int.from_bytes(blake2b(word, digest_size=8).digest(), "big")
