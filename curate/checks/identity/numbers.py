"""Numbers and days of birth behind the name of their field."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.identity.leads import LEADS, Lead
from curate.checks.naming import famous
from curate.checks.secrets.listed import column
from curate.checks.signs import Signs

Place = tuple[str, int, int]

_SIGNS = Signs(lead.anchor for lead in LEADS)
_BY_ANCHOR = {one.anchor: [lead for lead in LEADS if lead.anchor == one.anchor] for one in LEADS}
_NUMBER = re.compile(r"\d\d")  # without it no value is there
# between a field's name and its value: quotes of JSON and marks of a table or a sentence
_IS = re.compile(
    r"[\"'`*_)\]]{0,4}[ \t]{0,6}"
    r"(?:(?::=|=>|->|[:=：|#])[ \t]{0,8}(?:\n[ \t]{0,8})?|(?:is|ist|lautet|es|est|è|é|was|to|on|am|le|el)[ \t:]{1,3}|[-–(,][ \t]{0,2})?"
    r"(?:(?:no|nr|n[°º])\.?[ \t]{0,2}[:#]?[ \t]{0,2})?[\"'`*(\[]{0,4}[ \t]{0,4}"
)
_TOKENS = re.compile(r"[^\W_]{1,20}(?:(?: ?[.\-/·]|[ ])[^\W_]{1,20}){0,7}")
_PARTS = re.compile(r"[^\W_]+")
_LONGEST = 22  # letters and digits of a number
_PLATE = re.compile(r"(?:[A-ZÄÖÜ]{1,3}|(?=[A-ZÄÖÜ]*\d)[A-ZÄÖÜ\d]{1,8})(?:[ \-·•](?:[A-ZÄÖÜ]{1,3}|(?=[A-ZÄÖÜ]*\d)[A-ZÄÖÜ\d]{1,5})(?!\w)){0,3}(?!\w)")  # fmt: skip
_FRACTION = re.compile(r"\d{1,3}\.\d{4,}")
_SSN = re.compile(r"\d{3}([- ])\d\d\1\d{4}")
_PAN = re.compile(r"[A-Za-z]{5}\d{4}[A-Za-z](?!\w)")
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?:{_YEAR}[-./]\d{{1,2}}[-./]\d{{1,2}}|\d{{1,2}}[./-]\d{{1,2}}[./-](?:{_YEAR}|\d\d)|\d{{1,2}} \d{{1,2}} {_YEAR}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|º|\.)?[ -](?:of |de |d['’])?[^\W\d_]{{3,10}}\.?,?[ -](?:de |del )?{_YEAR}"
    rf"|[^\W\d_]{{3,10}}\.? \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}|{_YEAR}年\d{{1,2}}月\d{{1,2}}日|{_YEAR}(?:0\d|1[0-2])[0-3]\d)(?![\w])"
)
_FOUR = re.compile(_YEAR)
_EARLIEST, _EARLIEST_SAID = 1900, 1920  # nobody alive is older; of people of history sentences tell
_CAPITALISED = re.compile(r"[^\W\d_a-z][\w.'’-]*(?: [^\W\d_a-z][\w.'’-]*)*")
_BEFORE = 80  # characters in which somebody of history may be named
_COUNTED = "01234567890123456789"


def numbers(text: str, small: str) -> Iterator[Place]:
    """(label, start, end) of each; `small` is the text in small letters, of the same length."""
    if not _NUMBER.search(text):
        return
    for anchor in _SIGNS.of(small):
        at = small.find(anchor)
        while at >= 0:
            if _begins(text, at):
                for lead in _BY_ANCHOR[anchor]:
                    if name := lead.name.match(small, at):
                        yield from _behind(text, at, name.end(), lead)
            at = small.find(anchor, at + len(anchor))


def _begins(text: str, at: int) -> bool:
    """Whether a field's name may begin there: no letter before it, but for `customerPassport`."""
    if not at or not text[at - 1].isalnum() or not text[at].isascii():
        return True
    return text[at].isupper() and text[at - 1].islower()


def _behind(text: str, at: int, end: int, lead: Lead) -> Iterator[Place]:
    """What goes with a field's name from `at` to `end`: what follows it, or what stands below it in a table."""
    found = _value(text, at, end, lead)
    places = [found] if found else []
    if not found and not lead.weak:
        for start, cell in column(text, at, end):
            below = _at(text, at, start, lead)
            if below and below[1] == start + len(cell):
                places.append(below)
    for start, stop in places:
        is_ssn = lead.label == "NATIONAL_ID" and _SSN.fullmatch(text, start, stop)
        yield "US_SSN" if is_ssn else lead.label, start, stop


def _value(text: str, at: int, end: int, lead: Lead) -> tuple[int, int] | None:
    """Where the value stands that goes with a field's name from `at` to `end`."""
    behind = _IS.match(text, end)
    start = behind.end() if behind else end
    return _at(text, at, start, lead) if start > end else None


def _at(text: str, at: int, start: int, lead: Lead) -> tuple[int, int] | None:
    """Where a value of that kind stands that begins at `start`; the field's name begins at `at`."""
    if lead.label == "DATE_OF_BIRTH":
        return _day(text, at, start, weak=lead.weak)
    if lead.anchor == "pan":
        found = _PAN.match(text, start)
        return found.span() if found else None
    if lead.label == "LICENSE_PLATE":
        return _plate(text, start)
    return _number(text, start, lead.least)


def _number(text: str, start: int, least: int) -> tuple[int, int] | None:
    """A number in one word or in groups, with letters of its own; no word of the sentence behind it."""
    found = _TOKENS.match(text, start)
    if found is None or text[found.end() : found.end() + 1] == "_" or _FRACTION.fullmatch(found[0]):
        return None
    parts = list(_PARTS.finditer(text, start, found.end()))
    kept: list[re.Match[str]] = []
    for number, part in enumerate(parts):
        has_digit = any(map(str.isdigit, part[0]))
        if not has_digit and not (part[0].isupper() and len(part[0]) <= (4 if number == 0 else 2)):
            break
        kept.append(part)
    while kept and not any(map(str.isdigit, kept[-1][0])) and len(kept[-1][0]) > 1:
        kept.pop()
    said = "".join(part[0] for part in kept)
    digits = "".join(filter(str.isdigit, said))
    if (
        not least <= len(digits)
        or len(said) > _LONGEST
        or len(said) < max(least, 5)
        or (said == digits and _shown(digits))
    ):
        return None
    return start, kept[-1].end()


def _plate(text: str, start: int) -> tuple[int, int] | None:
    found = _PLATE.match(text, start)
    if found is None:
        return None
    said = "".join(filter(str.isalnum, found[0]))
    letters = any(map(str.isalpha, said))
    return found.span() if letters and any(map(str.isdigit, said)) and 5 <= len(said) <= 10 else None


def _day(text: str, at: int, start: int, *, weak: bool) -> tuple[int, int] | None:
    found = _DATE.match(text, start)
    if found is None:
        return None
    year = _FOUR.search(found[0])
    if year and int(year[0]) < (_EARLIEST_SAID if weak else _EARLIEST):
        return None
    if weak and any(_of_history(name[0]) for name in _CAPITALISED.finditer(text, max(0, at - _BEFORE), at)):
        return None
    return found.span()


def _of_history(name: str) -> bool:
    return name.casefold().removesuffix("'s") in famous()


def _shown(digits: str) -> bool:
    """Whether digits only show a form: `0000000`, `12345678`."""
    return (len(set(digits)) < 3 and len(digits) > 5) or digits in _COUNTED or digits[::-1] in _COUNTED
