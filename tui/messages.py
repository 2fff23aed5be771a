"""What background work and widgets say to the screens. Workers post these and touch no widget."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message


@dataclass
class Ready(Message):
    """A background read has ended: `what` names it, `value` is what it found."""

    what: str
    value: object


@dataclass
class Failed(Message):
    """A background read has failed."""

    what: str
    error: Exception
