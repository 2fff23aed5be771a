"""What any match of a pattern must hold and may not hold, read off the pattern itself."""
# ruff: noqa: ANN401 - the elements of a parsed pattern have no type

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

DIGITS = frozenset("0123456789")
_SPACES = frozenset(" \t\n\r\x0b\x0c")
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


class Shape(NamedTuple):
    """Each is certain: of a pattern that cannot be read, nothing is claimed."""

    needs: tuple[frozenset[str], ...] = ()  # of each set one character at least is in every match
    digits: int = 0  # so many digits in a row are in every match
    spaceless: bool = False  # no match goes over white space
    plain: bool = False  # no class of it leaves out `_`, white space or what is not ASCII by name

    @property
    def anchor(self) -> str:
        """What each match has within it, for `re`: a sign or digits, no letters; or empty."""
        sets = [need for need in self.needs if not any(char.isalpha() or char == " " for char in need)]
        signs = [need for need in sets if not need & DIGITS]
        best = min(signs, key=lambda need: (len(need), "." in need, sorted(need)), default=frozenset())
        if best:
            return re.escape(*best) if len(best) == 1 else "[" + re.escape("".join(sorted(best))) + "]"
        return rf"\d{{{self.digits}}}" if self.digits else ""


def widened(pattern: str) -> str:
    """The pattern with what it wants to stand before a match taken into the match.

    Where `(?<=x)y` matches, `xy` does, ending at the same place; any engine can look for that, and it
    tells far more than `y` alone.
    """
    return "(?:" + pattern[4:] if pattern.startswith("(?<=") else pattern


@lru_cache(maxsize=1000)
def shape(pattern: str, flags: int) -> Shape:
    """The shape of a pattern; `flags` are those of `re`."""
    from re import _parser  # type: ignore[attr-defined]

    try:
        parsed = _parser.parse(widened(pattern), flags)
    except (re.error, OverflowError):  # syntax that only `regex` knows
        return Shape()
    flags = parsed.state.flags
    fold = bool(flags & re.IGNORECASE)
    return Shape(
        needs=tuple(dict.fromkeys(_needs(parsed, fold=fold))),
        digits=_run(parsed),
        spaceless=all(_is_spaceless(op, value) for op, value in _atoms(parsed)),
        plain=pattern.isascii() and all(_is_plain(op, value) for op, value in _atoms(parsed)),
    )


def _parts(name: str, value: Any) -> list[Any]:
    """The patterns within an element, if it is one that has any."""
    if name in _REPEATS:
        return [value[2]]
    if name == "SUBPATTERN":
        return [value[3]]
    if name == "ATOMIC_GROUP":
        return [value]
    if name == "BRANCH":
        return list(value[1])
    if name in {"ASSERT", "ASSERT_NOT"}:
        return [value[1]]
    if name == "GROUPREF_EXISTS":
        return [part for part in value[1:] if part is not None]
    return []


def _atoms(parsed: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Every element that holds no other, wherever it stands, those of look-arounds among them."""
    for op, value in parsed:
        parts = _parts(str(op), value)
        if parts:
            for part in parts:
                yield from _atoms(part)
        else:
            yield str(op), value


def _chars(name: str, value: Any) -> frozenset[str] | None:
    """The ASCII characters that an element matches; None where it may match others as well."""
    if name == "LITERAL":
        return frozenset(chr(value)) if value < 128 else None
    if name != "IN":
        return None
    chars: set[str] = set()
    for op, what in value:
        kind = str(op)
        if kind == "LITERAL" and what < 128:
            chars.add(chr(what))
        elif kind == "RANGE" and what[1] < 128:
            chars.update(map(chr, range(what[0], what[1] + 1)))
        elif kind == "CATEGORY" and str(what) == "CATEGORY_DIGIT":
            chars |= DIGITS
        else:
            return None
    return frozenset(chars)


def _is_spaceless(name: str, value: Any) -> bool:
    """Whether an element never takes white space."""
    if name in {"AT", "GROUPREF"}:  # a group that is referred to is looked at where it stands
        return name == "GROUPREF" or str(value) in {"AT_BOUNDARY", "AT_NON_BOUNDARY"}
    if name == "LITERAL":
        return not chr(value).isspace()
    if name != "IN":
        return False
    kinds = [(str(op), what) for op, what in value]
    negated = any(kind == "NEGATE" for kind, _ in kinds)
    categories = {str(what) for kind, what in kinds if kind == "CATEGORY"}
    if negated:
        return "CATEGORY_SPACE" in categories
    if categories - {"CATEGORY_DIGIT", "CATEGORY_WORD", "CATEGORY_NOT_SPACE"}:
        return False
    singles = (chr(what) for kind, what in kinds if kind == "LITERAL")
    ranges = [what for kind, what in kinds if kind == "RANGE"]
    return not any(char.isspace() for char in singles) and not any(
        chr(code).isspace() for low, high in ranges for code in range(low, min(high, 0x3001) + 1)
    )


def _is_plain(name: str, value: Any) -> bool:
    """Whether an element tells `_`, white space and other signs of its ASCII form from nothing else."""
    if name == "NOT_LITERAL":
        return chr(value) not in "_ \x01\x0b"
    if name != "IN" or str(value[0][0]) != "NEGATE":
        return True
    named = {chr(what) for op, what in value if str(op) == "LITERAL"}
    ranges = [what for op, what in value if str(op) == "RANGE"]
    within = any(low <= ord(char) <= high for low, high in ranges for char in "_\x01\x0b")
    return not within and not named & set("_\x01\x0b")


def _needs(parsed: Iterable[Any], *, fold: bool) -> Iterator[frozenset[str]]:
    for op, value in parsed:
        name = str(op)
        if name in {"LITERAL", "IN"}:
            chars = _chars(name, value)
            if chars:
                yield frozenset(c for char in chars for c in (char.lower(), char.upper())) if fold else chars
        elif name == "BRANCH":
            each = [min(_needs(part, fold=fold), key=len, default=frozenset()) for part in value[1]]
            if all(each):
                yield frozenset().union(*each)
        elif name == "SUBPATTERN" or (name in _REPEATS and value[0] > 0) or name == "ATOMIC_GROUP":
            yield from _needs(_parts(name, value)[0], fold=fold)


def _only_digits(parsed: Iterable[Any]) -> int | None:
    """The fewest digits of a pattern that takes nothing else; None for another."""
    total = 0
    for op, value in parsed:
        name = str(op)
        if name in {"LITERAL", "IN"}:
            chars = _chars(name, value)
            if chars is None or not chars <= DIGITS:
                return None
            total += 1
        elif name in _REPEATS or name in {"SUBPATTERN", "ATOMIC_GROUP"}:
            within = _only_digits(_parts(name, value)[0])
            if within is None:
                return None
            total += within * (value[0] if name in _REPEATS else 1)
        elif name == "BRANCH":
            each = [_only_digits(part) for part in value[1]]
            known = [count for count in each if count is not None]
            if len(known) < len(each):
                return None
            total += min(known)
        elif name not in {"AT", "ASSERT", "ASSERT_NOT"}:
            return None
    return total


def _run(parsed: Iterable[Any]) -> int:
    """The longest row of digits that every match has."""
    best = row = 0
    for element in parsed:
        op, value = element
        name = str(op)
        if name in {"AT", "ASSERT", "ASSERT_NOT"}:
            continue
        digits = _only_digits([element])
        if digits is not None:
            row += digits
            best = max(best, row)
            continue
        row = 0
        if name == "BRANCH":
            best = max(best, min(_run(part) for part in value[1]))
        elif name in {"SUBPATTERN", "ATOMIC_GROUP"} or (name in _REPEATS and value[0] > 0):
            best = max(best, _run(_parts(name, value)[0]))
    return best
