"""Which of many words stand in a text, so that what they begin is looked for there alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from importlib.util import find_spec

from curate.checks.patterns.gate import Form, Gate, gate


class Signs:
    """Words to look for, all in one pass over a text where Hyperscan is installed (extra `fast`)."""

    def __init__(self, words: Iterable[str]) -> None:
        """`words` are in small letters."""
        every = tuple(dict.fromkeys(words))
        self._plain = [word for word in every if word.isascii()]
        self._wide = [word for word in every if not word.isascii()]

    @cached_property
    def _gate(self) -> Gate | None:
        """Made at the first text; it takes a hundredth of a second."""
        if find_spec("hyperscan") is None:
            return None
        return gate([Form(re.escape(word), 0) for word in self._plain], fast=True)

    def of(self, small: str) -> list[str]:
        """Those in the text, which is in small letters."""
        may_hold = self._gate
        if may_hold is None:
            found = [word for word in self._plain if word in small]
        else:
            plain = small if small.isascii() else small.encode("ascii", "replace").decode()
            bits, found = may_hold(plain), []
            while bits:
                least = bits & -bits
                found.append(self._plain[least.bit_length() - 1])
                bits ^= least
        return found if small.isascii() else found + [word for word in self._wide if word in small]
