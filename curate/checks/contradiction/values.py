"""The words of an answer as they are compared: numbers, times, months and units in one spelling each."""

from __future__ import annotations

import re
from functools import lru_cache

from curate.checks.contradiction.reading import WORTH
from curate.checks.wording import is_unspaced

LONGEST = 600  # words of an answer that are laid beside another's; the rest is not looked at
_PIECE = re.compile(r"(?<![\w.,])-?\d[\d.,]*|\d[\d.,]*|[$€£¥%]|[^\W\d_]+(?:'[^\W\d_]+)?")
_SIGN = re.compile(r"\d[\d.,]*|[^\W_]")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?\Z")
_CLOCK = re.compile(r"\b(\d{1,2})(?::([0-5]\d))?\s?([ap])\.?m\b\.?|\b(\d{1,2}):([0-5]\d)(?![\d:])")
_FRACTION = re.compile(r"(?<![\d/.,])(\d)/([2-9])(?![\d/])")
# how units are written out, by their sign
_UNITS = {
    "kilometre": "km", "kilometer": "km", "metre": "m", "meter": "m", "centimetre": "cm", "centimeter": "cm",
    "millimetre": "mm", "millimeter": "mm", "mile": "mi", "kilogram": "kg", "gram": "g", "pound": "lb",
    "litre": "l", "liter": "l", "hour": "h", "hr": "h", "minute": "min", "second": "s", "sec": "s",
    "percent": "%", "dollar": "$", "usd": "$", "euro": "€", "eur": "€", "gbp": "£", "degree": "°",
}  # fmt: skip
# a month is a number that no day of it can be: `May 6` is not `June 5`
_MONTHS = {
    name: f"{place}.00002"
    for place, name in enumerate(
        "jan feb mar apr may jun jul aug sep oct nov dec".split(),  # noqa: SIM905
        start=1,
    )
}
_MONTH = (
    "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    "|dec(?:ember)?)"
)
_DATE = re.compile(
    rf"(?<=\d )(?:of )?{_MONTH}\b|\b{_MONTH}(?= \d)"
)  # beside a day or a year; `may` alone is a verb
# dates in figures whose month is sure
_YEAR, _MONTH_NUMBER, _LATE = r"(?:19|20)\d\d", r"0?[1-9]|1[0-2]", r"1[3-9]|2\d|3[01]"
_IN_FIGURES = re.compile(
    rf"(?<![\w.,/-])(?:({_YEAR})[-/](0[1-9]|1[0-2])[-/]([0-3]\d)|({_LATE})[/.]({_MONTH_NUMBER})[/.]({_YEAR})"
    rf"|({_MONTH_NUMBER})/({_LATE})/({_YEAR}))(?![\w/-])"
)
# numbers from two to twelve that are no word or name of English
_ABROAD = {
    word: str(value)
    for language in (
        "zwei drei vier fünf sechs sieben acht neun zehn - zwölf",
        "deux trois quatre cinq - - huit neuf dix onze douze",
        "- tres cuatro cinco seis siete ocho nueve diez - doce",
        "- tre quattro cinque - sette - nove dieci undici dodici",
        "dois três quatro cinco - - oito - dez - -",
        "twee drie vier vijf zes zeven acht negen tien - twaalf",
    )
    for value, word in enumerate(language.split(), start=2)
    if word != "-"
}


@lru_cache(maxsize=50_000)
def words_of(answer: str) -> tuple[str, ...]:
    """The words of a normalised answer; signs one by one where no spaces are set, numbers whole."""
    if is_unspaced(answer):
        return tuple(
            value_of(found) if found[0].isdecimal() else found for found in _SIGN.findall(answer)[:LONGEST]
        )
    plain = _IN_FIGURES.sub(_date, _CLOCK.sub(_time, answer))
    plain = _DATE.sub(lambda found: _MONTHS[(found[1] or found[2])[:3]], plain)
    plain = _FRACTION.sub(lambda found: f"{int(found[1]) / int(found[2]):.15g}", plain)
    return tuple(value_of(found) for found in _PIECE.findall(plain)[:LONGEST])


def value_of(piece: str) -> str:
    """A word as it is compared."""
    if piece[-1].isdecimal() or piece[0].isdecimal():
        bare = piece.rstrip(".,")
        bare = bare.replace(",", "") if _GROUPED.match(bare.lstrip("-")) else bare.replace(",", ".")
        try:
            return f"{float(bare):.15g}"
        except ValueError:  # a date, a version
            return bare
    if piece in WORTH:
        return f"{WORTH[piece]:g}"
    single = piece.removesuffix("s")
    return _UNITS.get(single) or _ABROAD.get(piece, piece)


def _time(found: re.Match[str]) -> str:
    """A time of the day in minutes, beyond all other numbers' reach: 9 am, 09:00 and 9:00 are one."""
    hour, minute = int(found[1] or found[4]), int(found[2] or found[5] or 0)
    if found[3]:
        hour = hour % 12 + 12 * (found[3] == "p")
    return f"{hour * 60 + minute}.00001"


def _date(found: re.Match[str]) -> str:
    """A date in figures as one with the month in letters is read."""
    of_year, day_first, month_first = found.groups()[:3], found.groups()[3:6], found.groups()[6:]
    if day_first[0]:
        day, month, year = day_first
    elif month_first[0]:
        month, day, year = month_first
    else:
        year, month, day = of_year
    return f"{day} {int(month)}.00002 {year}"
