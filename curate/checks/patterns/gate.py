"""Which patterns may match a text: one pass over it instead of one for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from curate.checks.patterns import kept
from curate.checks.patterns.shape import shape, widened

IGNORECASE, MULTILINE, DOTALL = 0x2, 0x8, 0x10  # the flags that `regex` and `re` share
_SOURCE = (Path(__file__), Path(__file__).with_name("shape.py"))  # what an expression is made by
_DIGITS = re.compile("[0-9]+")
Gate = Callable[[str], int]  # an ASCII form -> a bit for each pattern that may match


class Form(NamedTuple):
    """A pattern as its recogniser states it; `flags` are those of `regex`."""

    pattern: str
    flags: int


def gate(forms: Sequence[Form], *, fast: bool | None = None, later: int = 0) -> Gate:
    """What tells which of the patterns may match; a pattern that it leaves out certainly does not.

    `fast` asks for Hyperscan or for none; None takes it where it is installed (extra `fast`). Where no
    process has compiled it before (see kept.py), it is compiled when `later` characters were read
    without it: fewer are read sooner than that takes.
    """
    if fast is None:
        fast = find_spec("hyperscan") is not None
    if not fast:
        return _needed(forms)
    key = kept.key_of(forms, _SOURCE)
    ready = kept.load(key)
    if ready is None and later:
        return _hyperscan_after(forms, key, later)
    return _scanned(_made(forms, key) if ready is None else ready, len(forms))


def _hyperscan_after(forms: Sequence[Form], key: str, characters: int) -> Gate:
    """With `re` alone at first, then with Hyperscan."""
    known, left = _needed(forms), characters

    def may_match(form: str) -> int:
        nonlocal known, left
        if left > 0:
            left -= len(form)
            if left <= 0:
                known = _scanned(_made(forms, key), len(forms))
        return known(form)

    return may_match


def _made(forms: Sequence[Form], key: str) -> kept.Kept:
    """The patterns compiled, and kept under that name for other processes."""
    import hyperscan as hs

    expressions, flags = [], []
    for form in forms:
        wanted = hs.HS_FLAG_PREFILTER | hs.HS_FLAG_SINGLEMATCH | hs.HS_FLAG_ALLOWEMPTY
        wanted |= hs.HS_FLAG_CASELESS if form.flags & IGNORECASE else 0
        wanted |= hs.HS_FLAG_DOTALL if form.flags & DOTALL else 0
        wanted |= hs.HS_FLAG_MULTILINE if form.flags & MULTILINE else 0
        expressions.append(widened(form.pattern).encode())
        flags.append(wanted)
    ids = list(range(len(expressions)))
    try:
        database = _compiled(expressions, flags, ids)
    except hs.error:  # one of them is more than it can tell beforehand: that one always runs
        ids = [bit for bit in ids if _is_known(expressions[bit], flags[bit])]
        database = _compiled([expressions[bit] for bit in ids], [flags[bit] for bit in ids], ids)
    made = kept.Kept(database, ids)
    kept.keep(key, made)
    return made


def _scanned(ready: kept.Kept, count: int) -> Gate:
    """The gate of these `count` patterns."""
    always = sum(1 << bit for bit in set(range(count)) - set(ready.ids))
    scan = ready.database.scan
    found = [0]

    def told(bit: int, start: int, end: int, flag: int, context: object) -> None:
        found[0] |= 1 << bit

    def may_match(form: str) -> int:
        found[0] = always
        scan(form.encode(), match_event_handler=told)
        return found[0]

    return may_match


def _compiled(expressions: list[bytes], flags: list[int], ids: list[int]) -> Any:  # noqa: ANN401
    """Hyperscan's database of these patterns; raises hyperscan.error where one of them is too much for it."""
    import hyperscan as hs

    database = hs.Database()
    database.compile(expressions=expressions, flags=flags, ids=ids, elements=len(ids))
    return database


def _is_known(expression: bytes, flags: int) -> bool:
    """Whether Hyperscan can look for a pattern."""
    import hyperscan as hs

    try:
        _compiled([expression], [flags], [0])
    except hs.error:
        return False
    return True


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
