"""Cutting spans out of text: merged first, cut from the end, JSON kept valid. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import count
from typing import Literal, NamedTuple

from curate.example import KEY, pointers, step_of

Style = Literal["placeholder", "mask", "remove", "hash", "pseudonym"]
STYLES: tuple[Style, ...] = ("placeholder", "mask", "remove", "hash", "pseudonym")
KEYED: frozenset[Style] = frozenset(("hash", "pseudonym"))  # these need a key
Scope = Literal["conversation", "group", "dataset"]
SCOPES: tuple[Scope, ...] = ("conversation", "group", "dataset")

MASK = "*"


class Span(NamedTuple):
    """Characters `start` to `end` (half open) of a text, and what kind of thing stands there."""

    start: int
    end: int
    label: str


def merge(spans: Iterable[Span], length: int) -> list[Span]:
    """Spans that touch no other, in order, within a text of `length` characters.

    Overlapping spans become one that covers both and takes the label of the longest of them (of the
    first in the alphabet among equals). Spans that only meet end to start stay two. Empty ones and
    what lies outside the text are left out.
    """
    inside = [Span(max(0, s.start), min(length, s.end), s.label) for s in spans]
    merged: list[Span] = []
    named: list[Span] = []  # the span each merged one took its label from
    for span in sorted(s for s in inside if s.start < s.end):
        if merged and span.start < merged[-1].end:
            last = named[-1]
            if (last.start - last.end, last.label) > (span.start - span.end, span.label):
                named[-1] = span
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end), named[-1].label)
        else:
            merged.append(span)
            named.append(span)
    return merged


class Replacer:
    """What stands in place of a value, for one example: `numbered` tells equal values from others.

    With `numbered`, the first e-mail address of an example is [EMAIL_ADDRESS_1] wherever it stands
    in it, and the second [EMAIL_ADDRESS_2]. The styles that need a key ask `keyed` what to put. `labels`
    is for values that were found in the label itself: a class is called the same in each example.
    """

    def __init__(
        self,
        style: Style = "placeholder",
        *,
        numbered: bool = False,
        keyed: Callable[[str, str], str] | None = None,
        labels: Replacer | None = None,
    ) -> None:
        if (style in KEYED) != (keyed is not None):
            raise ValueError(f"the style {style} and a key do not go together")
        self.style = style
        self.numbered = numbered
        self.keyed = keyed
        self.labels = labels
        self.done: dict[tuple[str, str], str] = {}  # (label, value) to what replaced it
        self.seen: dict[tuple[str, str], int] = {}
        self.counts: dict[str, int] = {}

    def __call__(self, label: str, value: str) -> str:
        """The text that replaces `value`."""
        self.done[label, value] = text = self._text(label, value)
        return text

    def everything(self) -> dict[tuple[str, str], str]:
        """(label, value) to what replaced it, those of the example's label too."""
        return {**(self.labels.done if self.labels else {}), **self.done}

    def _text(self, label: str, value: str) -> str:
        if self.keyed is not None:
            return self.keyed(label, value)
        if self.style == "remove":
            return ""
        if self.style == "mask":
            return MASK * len(value)
        if not self.numbered:
            return f"[{label}]"
        key = (label, value)
        if key not in self.seen:
            self.counts[label] = self.counts.get(label, 0) + 1
            self.seen[key] = self.counts[label]
        return f"[{label}_{self.seen[key]}]"


def cut(text: str, spans: Iterable[Span], replacer: Replacer) -> str:
    """The text with each span replaced; everything outside the spans stays as it is."""
    merged = merge(spans, len(text))
    # numbers are given in reading order; the text is cut from the end, so that offsets stay true
    replacements = [replacer(span.label, text[span.start : span.end]) for span in merged]
    for span, replacement in zip(reversed(merged), reversed(replacements), strict=True):
        text = text[: span.start] + replacement + text[span.end :]
    return text


# JSON text: a tool call's arguments must still parse after a value was cut out of them

SCALAR = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null', re.DOTALL)
ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL
)


def parses(text: str) -> bool:
    """Whether the text is a JSON object or array."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def cut_json(text: str, spans: Iterable[Span], replacer: Replacer) -> str:
    """JSON text with each span replaced, still JSON; text that is no JSON is cut as plain text.

    A span inside a string is cut there (a string that holds JSON itself, as the arguments of a tool
    call do, is treated alike). A span that touches a number, true, false or null replaces the whole
    of it by a string. Braces, commas and colons that a span runs over stay.
    """
    merged = merge(spans, len(text))
    if not merged:
        return text
    if not parses(text):
        return cut(text, merged, replacer)
    done: list[str] = []
    at = 0
    for token, inside in _touched(text, merged):
        done += [text[at : token.start()], _scalar(token.group(), inside, replacer)]
        at = token.end()
    return "".join([*done, text[at:]])


def _touched(text: str, merged: Sequence[Span]) -> Iterator[tuple[re.Match[str], list[Span]]]:
    """Each scalar of the JSON text that a span touches, with the spans as offsets within it."""
    following = 0
    for token in SCALAR.finditer(text):
        while following < len(merged) and merged[following].end <= token.start():
            following += 1
        inside = [
            Span(
                max(s.start, token.start()) - token.start(), min(s.end, token.end()) - token.start(), s.label
            )
            for s in merged[following:]
            if s.start < token.end()
        ]
        if inside:
            yield token, inside


def _scalar(token: str, spans: list[Span], replacer: Replacer) -> str:
    """One JSON scalar with the spans replaced."""
    if not token.startswith('"'):
        return json.dumps(replacer(spans[0].label, token))
    decoded: list[str] = []
    shifted: list[Span] = []
    starts: list[int] = []  # where each decoded character stands in the token
    for piece in ESCAPE.finditer(token, 1, len(token) - 1):
        text = json.loads(f'"{piece.group()}"', strict=False) if piece.group()[0] == "\\" else piece.group()
        decoded += text
        starts += [piece.start()] * len(text)
    starts.append(len(token) - 1)
    for span in spans:
        # an escape that the span cuts through goes as a whole
        start = next((i for i, s in enumerate(starts[1:]) if s > span.start), len(decoded))
        end = next((i for i, s in enumerate(starts) if s >= span.end), len(decoded))
        if start < end:
            shifted.append(Span(start, end, span.label))
    if not shifted:
        return token
    inner = "".join(decoded)
    new = cut_json(inner, shifted, replacer) if parses(inner) else cut(inner, shifted, replacer)
    # a lone surrogate can only stand in a file as an escape
    lone = any("\ud800" <= character <= "\udfff" for character in new)
    return json.dumps(new, ensure_ascii=lone or token.isascii())


# a place inside JSON, as `curate.example.pointers` names it


def at_pointer(value: object, pointer: str) -> str | None:
    """The text at a place; None where there is none."""
    return dict(pointers(value)).get(pointer)


def with_pointer(value: object, pointer: str, text: str) -> object:
    """The same JSON value with the text at a place replaced; a number becomes a string.

    A place that is a key gets the new key, with a number behind it where the object has that key
    already: nothing below it is lost.
    """
    if not pointer:
        return text
    step, *rest = pointer.split("/")[1:]
    below = "".join(f"/{name}" for name in rest)
    if isinstance(value, list):
        return [with_pointer(v, below, text) if str(i) == step else v for i, v in enumerate(value)]
    if not isinstance(value, dict):
        return value
    made: dict[str, object] = {}
    for index, (key, item) in enumerate(value.items()):
        name = step_of(key, index)
        if step == name:
            made[key] = with_pointer(item, below, text)
        elif not rest and step == name + KEY:
            made[_free(text, {*value, *made} - {key})] = item
        else:
            made[key] = item
    return made


def _free(key: str, taken: Collection[str]) -> str:
    """The key, with a number behind it if it is taken."""
    numbers = (f"{key}_{number}" for number in count(2))
    return key if key not in taken else next(other for other in numbers if other not in taken)


def renaming(before: object, after: object, pointer: str) -> tuple[list[str], str]:
    """(the path to a key as it stood in a JSON value, what `with_pointer` calls that key now)."""
    path: list[str] = []
    new = ""
    for step in pointer.removesuffix(KEY).split("/")[1:]:
        old = new = step
        if isinstance(before, dict) and isinstance(after, dict):
            at = next(index for index, key in enumerate(before) if step_of(key, index) == step)
            old, new = list(before)[at], list(after)[at]
            before, after = before[old], after[new]
        elif isinstance(before, list) and isinstance(after, list):
            before, after = before[int(step)], after[int(step)]
        path.append(old)
    return path, new


def renamed_layout(layout: object, path: Sequence[str], key: str) -> object:
    """A row's layout with the column or key at the end of a path called `key`, so that export finds it."""
    if isinstance(layout, dict):
        return {
            name: {_moved(at, path, key): number for at, number in item.items()}
            if name == "nan" and isinstance(item, dict)
            else renamed_layout(item, path, key)
            for name, item in layout.items()
        }
    if isinstance(layout, list):
        return [renamed_layout(item, path, key) for item in layout]
    return key if [layout] == list(path) else layout


def _moved(pointer: str, path: Sequence[str], key: str) -> str:
    """A JSON pointer of RFC 6901 with the key at the end of a path called `key`."""
    escaped = [step.replace("~", "~0").replace("/", "~1") for step in (*path, key)]
    steps = pointer.split("/")[1:]
    if steps[: len(path)] == escaped[:-1]:
        steps[len(path) - 1] = escaped[-1]
    return "".join(f"/{step}" for step in steps)
