"""The tagger's part of the personal-data check: names and places in the texts of each example."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import curate.names
from curate.checks.personal import SHORTEST_PHONE, telephone
from curate.checks.secrets.listed import column
from curate.example import KEY
from curate.names import KINDS, Span, tagger
from curate.names.addresses import LEAD, is_address
from curate.names.code import bare, is_identifier, within
from curate.names.conversation import Found, linked
from curate.names.forms import in_fields, joined
from curate.names.tagger import Tagger, lexicon

NAMES = ("PERSON", "STREET_ADDRESS")  # looked for unless told otherwise
ON_REQUEST = ("LOCATION", "ORGANIZATION", "NRP", "TITLE", "AGE", "ZIP_CODE", "DATE_TIME")
TAGGED = (*NAMES, *ON_REQUEST)
SURE_PHONE = 0.8  # score from which a telephone in a form that no pattern knows is taken
LONGEST_LEAD = 200  # characters; a longer value of a table says itself what it is
_UNREAD = ("label", "tool_call_id")  # fields of words and numbers that are no one's
_PHONE_MARKS = re.compile(r"[\d\s().+\-x/]+(?:ext\.? ?\d+)?\Z")
_FAMOUS = Path(curate.names.__file__).with_name("famous.txt")


_Each = TypeVar("_Each", Span, Found)


class Place(NamedTuple):
    """One text of an example, and where it stands."""

    example_id: str
    message: int | None
    field: str
    text: str


_SPOKEN = ("content", "chosen", "rejected")


def named(
    places: Sequence[Place], entities: tuple[str, ...], names: str, threshold: float
) -> list[list[Found]]:
    """For each text the names in it, of the kinds in `entities`, that have a score of `threshold` or more.

    `names` is the tagger's name. The texts of one example stand together, and are one conversation: a
    person has one number in all of them. People of history and of public life are left out.
    """
    wanted = set(entities)
    if names == "none" or not wanted & set(TAGGED):
        return [[] for _ in places]
    kinds = tuple(
        kind for kind in KINDS if kind in wanted or (kind == "LOCATION" and "STREET_ADDRESS" in wanted)
    )
    read = [
        at for at, place in enumerate(places) if place.field not in _UNREAD and not _is_column(place.field)
    ]
    leads = [_lead(places[at]) for at in read]
    texts = [lead + places[at].text for at, lead in zip(read, leads, strict=True)]
    finder = tagger(names, kinds)
    if isinstance(finder, Tagger):
        # a column is no part of what is said: its heading's language is its table's
        rows = [(places[at].example_id, places[at].field in _SPOKEN or at) for at in read]
        tagged = finder.spans(texts, rows)
    else:
        tagged = finder.spans(texts)
    spans: list[list[Span]] = [[] for _ in places]
    for at, lead, found in zip(read, leads, tagged, strict=True):
        shifted = (
            span._replace(start=max(0, span.start - len(lead)), end=span.end - len(lead))
            for span in found
            if span.end > len(lead)
            and span.score >= threshold
            # whether a column of numbers is one of telephones, its heading's pattern tells
            and not (lead and span.label == "PHONE_NUMBER")
        )
        text = places[at].text
        # a column or a signature names somebody, whoever has the same name in history
        known = not lead and places[at].field in _SPOKEN and "@" not in text
        every = [kept for kept in (_kept(span, text, wanted, known=known) for span in shifted) if kept]
        if "PERSON" in wanted:
            every = joined(every, in_fields(text, lexicon(), column))
        spans[at] = _spoken(every, text)
    linked_too = _by_conversation(places, spans)
    return [
        _spoken(each, place.text) if len(each) > len(before) else each
        for each, before, place in zip(linked_too, spans, places, strict=True)
    ]


def _is_column(field: str) -> bool:
    """Whether a place is the name of a column: all rows have it, so it names nobody of theirs."""
    return field.startswith("meta:/") and field.endswith(KEY) and field.count("/") == 1


def _spoken(spans: list[_Each], text: str) -> list[_Each]:
    """The spans without identifiers, and without what stands in program code but its strings and comments."""
    if not spans:
        return spans
    code = bare(text)
    kept = []
    for each in spans:
        span = each.span if isinstance(each, Found) else each
        if code and within(code, span.start, span.end):
            continue
        if span.label == "PERSON" and is_identifier(text[span.start : span.end], lexicon()):
            continue
        kept.append(each)
    return kept


def _by_conversation(places: Sequence[Place], spans: Sequence[list[Span]]) -> list[list[Found]]:
    """The spans with their persons, example by example."""
    results: list[list[Found]] = []
    begin = 0
    for end in range(1, len(places) + 1):
        if end < len(places) and places[end].example_id == places[begin].example_id:
            continue
        texts = [place.text for place in places[begin:end]]
        if any(spans[begin:end]):
            results.extend(linked(texts, spans[begin:end]))
        else:
            results.extend([] for _ in texts)
        begin = end
    return results


def _kept(span: Span, text: str, wanted: set[str], *, known: bool) -> Span | None:
    """The span under the name that is asked for, or None if it is not wanted or no one's."""
    value = text[span.start : span.end]
    label = span.label
    if label == "LOCATION" and "STREET_ADDRESS" in wanted:
        lead = text[max(0, span.start - LEAD) : span.start]
        label = (
            "STREET_ADDRESS" if is_address(value, lead, text[span.end : span.end + 2], lexicon()) else label
        )
    if label not in wanted:
        return None
    if known and label == "PERSON" and value.casefold() in famous():
        return None
    if label == "PHONE_NUMBER":
        before = text[max(0, span.start - 32) : span.start]
        after = text[span.end : span.end + 1]
        if span.score < SURE_PHONE or not _is_phone(value, before, after):
            return None
    return span._replace(label=label)


def _is_phone(value: str, before: str, after: str) -> bool:
    """Whether digits that stand where a telephone would are written as one."""
    digits = sum(map(str.isdigit, value))
    if not SHORTEST_PHONE <= digits <= 18 or not _PHONE_MARKS.match(value) or "+" in value[1:]:
        return False
    return not after.isdigit() and after not in ("=", "%") and telephone(value, before, told=True)


def _lead(place: Place) -> str:
    """What a form would print before a value: a table's column, or the field of a speaker's name."""
    if place.field == "name":
        return "Name: "
    if not place.field.startswith("meta:") or place.field.endswith(KEY) or len(place.text) > LONGEST_LEAD:
        return ""
    keys = [step for step in place.field[5:].split("/") if step and not step.isdigit() and step[0] != "#"]
    if not keys:
        return ""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\W]+", " ", keys[-1]).strip()
    return f"{words[:1].upper()}{words[1:].lower()}: " if words else ""


@lru_cache(maxsize=1)
def famous() -> frozenset[str]:
    """Names of people of history, public life and fiction that nearly everyone knows, case-folded."""
    return frozenset(name.casefold() for name in _FAMOUS.read_text(encoding="utf-8").strip().split("|"))
