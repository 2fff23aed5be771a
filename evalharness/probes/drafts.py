"""What a probe has asked so far, so that a killed one asks nothing twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from evalharness.asking.unfinished import Unfinished


@dataclass
class Drafts:
    """One draft for each arm and purpose; `key` names the probe by all that decides its answers."""

    root: Path
    key: str
    _made: list[Unfinished] = field(default_factory=list, init=False)

    def of(self, name: str, *, again: bool = False) -> Unfinished:
        """The draft of that name; with `again` an endpoint is asked anew."""
        made = Unfinished(self.root, f"{self.key}-{name.replace(':', '-')}", again=again)
        self._made.append(made)
        return made

    def forget(self) -> None:
        """The probe is recorded."""
        for each in self._made:
            each.forget()
