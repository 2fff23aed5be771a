"""What a command returns: lines for a person, data for `--json`, and the exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LISTED = 10**9  # the most that a command is asked to list; no table takes a number of 20 digits


def counted(number: int, thing: str) -> str:
    """`1 row`, `2,000 rows`: for things whose plural ends in s."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


@dataclass(frozen=True)
class Answer:
    """`lines` go to stdout as they are; with `--json`, `data` does, as one object.

    `exit_code` is 0 when done, 1 when the answer is no.
    """

    lines: Sequence[str]
    data: Mapping[str, object] = field(default_factory=dict)
    exit_code: int = 0
