"""Which patterns may match a text: one pass over it instead of one for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import NamedTuple

from curate.checks.patterns.shape import shape, widened

IGNORECASE, MULTILINE, DOTALL = 0x2, 0x8, 0x10  # the flags that `regex` and `re` share
_DIGITS = re.compile("[0-9]+")
Gate = Callable[[str], int]  # an ASCII form -> a bit for each pattern that may match


class Form(NamedTuple):
    """A pattern as its recogniser states it; `flags` are those of `regex`."""

    pattern: str
    flags: int


def gate(forms: Sequence[Form], *, fast: bool | None = None) -> Gate:
    """What tells which of the patterns may match; a pattern that it leaves out certainly does not.

    `fast` asks for Hyperscan or for none; None takes it where it is installed (extra `fast`).
    """
    if fast is None:
        fast = find_spec("hyperscan") is not None
    return _hyperscan(forms) if fast else _needed(forms)


def _hyperscan(forms: Sequence[Form]) -> Gate:
    import hyperscan as hs

    always, expressions, flags, ids = 0, [], [], []
    for bit, form in enumerate(forms):
        wanted = hs.HS_FLAG_PREFILTER | hs.HS_FLAG_SINGLEMATCH | hs.HS_FLAG_ALLOWEMPTY
        wanted |= hs.HS_FLAG_CASELESS if form.flags & IGNORECASE else 0
        wanted |= hs.HS_FLAG_DOTALL if form.flags & DOTALL else 0
        wanted |= hs.HS_FLAG_MULTILINE if form.flags & MULTILINE else 0
        expression = widened(form.pattern).encode()
        try:
            hs.Database().compile(expressions=[expression], flags=[wanted], ids=[0], elements=1)
        except hs.error:  # it cannot be told apart beforehand, so it always runs
            always |= 1 << bit
            continue
        expressions.append(expression)
        flags.append(wanted)
        ids.append(bit)
    database = hs.Database()
    database.compile(expressions=expressions, flags=flags, ids=ids, elements=len(ids))
    scan = database.scan
    found = [0]

    def told(bit: int, start: int, end: int, flag: int, context: object) -> None:
        found[0] |= 1 << bit

    def may_match(form: str) -> int:
        found[0] = always
        scan(form.encode(), match_event_handler=told)
        return found[0]

    return may_match


def _needed(forms: Sequence[Form]) -> Gate:
    """The same with `re` alone: a pattern may match where all that it needs is there."""
    shapes = [shape(form.pattern, form.flags & (IGNORECASE | MULTILINE | DOTALL)) for form in forms]
    wanted = [(1 << bit, one.digits, one.needs) for bit, one in enumerate(shapes)]

    def may_match(form: str) -> int:
        there = frozenset(form)
        longest = max(map(len, _DIGITS.findall(form)), default=0)
        found = 0
        for bit, digits, needs in wanted:
            if digits <= longest and not any(need.isdisjoint(there) for need in needs):
                found |= bit
        return found

    return may_match
