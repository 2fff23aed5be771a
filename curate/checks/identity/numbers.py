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
_YEAR = r"(?:19|20)\d\d"
_PLATE = re.compile(r"(?:[A-ZÄÖÜ]{1,3}|(?=[A-ZÄÖÜ]*\d)[A-ZÄÖÜ\d]{1,8})(?:[ \-·•](?:[A-ZÄÖÜ]{1,3}|(?=[A-ZÄÖÜ]*\d)[A-ZÄÖÜ\d]{1,5})(?!\w)){0,3}(?!\w)")  # fmt: skip
# forms that the plates of a country have and little else: British, French and Italian, German, Spanish, Indian, Brazilian,
# Californian, Dutch
_PLATE_OF_A_COUNTRY = re.compile(
    r"[A-Z]{2}\d\d ?[A-Z]{3}|[A-Z]{2}([- ]?)\d{3}\1[A-Z]{2}|[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} ?(?!(?:19|20)\d\d)\d{1,4}[EH]?"
    r"|(?!19|20)\d{4}[ -]?[B-DF-HJ-NP-TV-Z]{3}|[A-Z]{2} ?\d{1,2} ?[A-Z]{1,3} ?\d{4}|[A-Z]{3}\d[A-Z]\d\d|\d[A-Z]{3}\d{3}"
    r"|(?=.{8}\Z)(?:[A-Z]{1,3}|\d{1,3})(?:-(?:[A-Z]{1,3}|\d{1,3})){2}"
)
# `MAY 2024`, `12-MAY-24`, `Q1 2024`, `2024A`
_MONTH = r"(?:JAN|FEB|MAR|APR|MAY|JUNE?|JULY?|AUG|SEPT?|OCT|NOV|DEC)"
_PART = r"(?:[QHTS][1-4]|[1-4][QHTS])"
_TIME = re.compile(
    rf"(?:.*[ -])?{_MONTH}[ -]?(?:\d\d|{_YEAR})|(?:{_PART}|FY)[ -]?(?:\d\d|{_YEAR})|{_YEAR}[ -]?(?:[A-Z]|{_MONTH}|{_PART})"
)
_BRAZILIAN = re.compile(
    r"[A-Z]{3}-\d{3,4}"
)  # and of its neighbours; in English so are standards and courses: `CSE-101`
_VEHICLE = re.compile(
    r"(?i)\b(?:vehicles?|cars?|vans?|trucks?|lorry|lorries|motor(?:cycle|bike)s?|taxi|bus|trailer|fahrzeug|auto|wagen|pkw|kfz|coche|carro|moto"
    r"|ve[íi]culo|veh[íi]culo|voiture|v[ée]hicule|veicolo|macchina|samoch[óo]d|pojazd|voertuig|otomobil)\b"
)
_NEAR = 60  # characters on either side in which a vehicle is spoken of
# the field's form: a word for a number at the end of its name, or a mark between it and the value
_NAMES_A_NUMBER = re.compile(
    r"(?i)(?:(?<![^\W_])(?:no|nr|num|id|code|nº|n°)\.?|number|nummer|n[úu]mero|num[ée]ro|numer|nr\.?|номер|[#号码])\Z"
)
_MARKS = re.compile(r"[:=：|#]|->|(?i:\b(?:no|nr|n[°º]))")
_STRONG, _STRONG_WITH_LETTERS = 8, 6  # digits of a number that shows itself to be one
_FRACTION = re.compile(r"\d{1,3}\.\d{4,}")
_SSN = re.compile(r"\d{3}([- ])\d\d\1\d{4}")
_PAN = re.compile(r"[A-Za-z]{5}\d{4}[A-Za-z](?!\w)")
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
    if not found and not (lead.weak and lead.label == "DATE_OF_BIRTH"):
        for start, cell in column(text, at, end):
            below = _at(text, at, start, lead, in_field=True)
            if below and below[1] == start + len(cell):
                places.append(below)
    for start, stop in places:
        is_ssn = lead.label == "NATIONAL_ID" and _SSN.fullmatch(text, start, stop)
        yield "US_SSN" if is_ssn else lead.label, start, stop


def _value(text: str, at: int, end: int, lead: Lead) -> tuple[int, int] | None:
    """Where the value stands that goes with a field's name from `at` to `end`."""
    behind = _IS.match(text, end)
    start = behind.end() if behind else end
    if start == end:
        return None
    in_field = _NAMES_A_NUMBER.search(text, at, end) or _MARKS.search(text, end, start)
    return _at(text, at, start, lead, in_field=in_field is not None)


def _at(text: str, at: int, start: int, lead: Lead, *, in_field: bool) -> tuple[int, int] | None:
    """Where a value of that kind stands that begins at `start`; the field's name begins at `at`."""
    if lead.label == "DATE_OF_BIRTH":
        return _day(text, at, start, weak=lead.weak)
    if lead.anchor == "pan":
        found = _PAN.match(text, start)
        return found.span() if found else None
    if lead.label == "LICENSE_PLATE":
        place = _plate(text, start)
        return (
            place
            if place and (not lead.weak or _of_a_vehicle(text, at, *place, lead, in_field=in_field))
            else None
        )
    place = _number(text, start, lead.least)
    return place if place and (not lead.weak or in_field or _is_strong(text[slice(*place)])) else None


def _of_a_vehicle(text: str, at: int, start: int, end: int, lead: Lead, *, in_field: bool) -> bool:
    """Whether what has a plate's form is one, behind a word for a registration, a board or a tablet."""
    if _PLATE_OF_A_COUNTRY.fullmatch(text, start, end):
        return True
    if not in_field:
        return False
    near = text[max(0, at - _NEAR) : start], text[end : end + _NEAR]
    is_brazilian = lead.anchor == "placa" and _BRAZILIAN.fullmatch(text, start, end) is not None
    return is_brazilian or any(map(_VEHICLE.search, near))


def _is_strong(said: str) -> bool:
    """Whether a number in one piece is long enough to be nothing else, behind the name of a passport alone."""
    digits = sum(map(str.isdigit, said))
    has_letter = any(map(str.isalpha, said))
    return " " not in said and digits >= (_STRONG_WITH_LETTERS if has_letter else _STRONG)


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
        or (said == digits and (_shown(digits) or _is_time(text[start : kept[-1].end()])))
    ):
        return None
    return start, kept[-1].end()


def _is_time(said: str) -> bool:
    """Whether a number is years or a date: `2024-2025`, `12.05.2024`."""
    parts = _PARTS.findall(said)
    return len(parts) > 1 and (all(map(_FOUR.fullmatch, parts)) or _DATE.fullmatch(said) is not None)


def _plate(text: str, start: int) -> tuple[int, int] | None:
    found = _PLATE.match(text, start)
    if found is None:
        return None
    said = "".join(filter(str.isalnum, found[0]))
    letters = any(map(str.isalpha, said))
    if not letters or not any(map(str.isdigit, said)) or not 5 <= len(said) <= 10:
        return None
    return None if _TIME.fullmatch(found[0]) else found.span()


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
