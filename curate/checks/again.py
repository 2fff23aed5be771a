"""A value found surely by form in an example, found wherever it stands in it in another form.

`612345678` in an answer is the number of "call me on 612 345 678", though alone it might be anything.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from curate.names.tagger import lexicon

NUMBERS = ("PHONE_NUMBER", "CREDIT_CARD", "US_SSN")
# of these also what has letters, as it stands
WORDS = (
    "PASSPORT",
    "DRIVER_LICENSE",
    "LICENSE_PLATE",
    "NATIONAL_ID",
    "HEALTH_RECORD",
    "BANK_ACCOUNT",
    "USERNAME",
)
SHORTEST = 7  # digits; a shorter number is many things
PREFIX = 5  # digits, at most, of a country and of a long-distance call before a number

_RUN = re.compile(r"(?<![\w.])\+?\(?\d(?:[ .\-/()\u00a0\u202f]{0,2}\d){6,20}(?!\w)")
_MAIL = re.compile(
    r"(?<![\w.%+-])[\w.+-]{1,64}(?:%40|[ ]?[\[({]at[\])}][ ]?)[\w-]+(?:(?:\.|[ ]?[\[({]dot[\])}][ ]?)[\w-]+)+"
)
_WORD = re.compile(r"[^\W_](?:[\w.-]{2,60}[^\W_])")
_AT, _DOT = re.compile(r"%40|[ ]?[\[({]at[\])}][ ]?"), re.compile(r"[ ]?[\[({]dot[\])}][ ]?")
_ZERO = re.compile(r"\(0\)")  # between a country's number and its own, where it is not dialled


class Values:
    """The values of one example in the form in which two writings of one are equal."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}  # digits to label
        self._mails: set[str] = set()
        self._words: dict[str, str] = {}  # in small letters to label

    def add(self, label: str, value: str) -> None:
        """A value that was found."""
        if label == "EMAIL_ADDRESS":
            self._mails.add(value.casefold())
        elif label in WORDS and _means_one(value):
            self._words.setdefault(value.casefold(), label)
        elif label in NUMBERS or (label in WORDS and not any(map(str.isalpha, value))):
            for digits in _cores(value, is_phone=label == "PHONE_NUMBER"):
                if len(digits) >= SHORTEST:
                    self._numbers.setdefault(digits, label)

    def places(self, text: str, taken: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, str]]:
        """(start, end, label) of those that stand in a text, but for the stretches that are taken."""
        runs = _RUN.finditer(text) if self._numbers else ()
        found = [(run.start(), run.end(), self._number(run[0])) for run in runs]
        if self._mails:
            found += [
                (mail.start(), mail.end(), "EMAIL_ADDRESS")
                for mail in _MAIL.finditer(text)
                if _DOT.sub(".", _AT.sub("@", mail[0])).casefold() in self._mails
            ]
        if self._words:
            found += [
                (word.start(), word.end(), self._words.get(word[0].casefold(), ""))
                for word in _WORD.finditer(text)
            ]
        order = sorted(taken)
        starts = [low for low, _ in order]
        ends = list(accumulate((high for _, high in order), max))
        for start, end, label in found:
            before = bisect_left(starts, end)
            if label and not (before and ends[before - 1] > start):
                yield start, end, label

    def _number(self, value: str) -> str:
        """The label of a number of which this is another form; empty for another number."""
        digits = "".join(filter(str.isdigit, _ZERO.sub("", value)))
        for cut in range(min(PREFIX, len(digits)) + 1):
            label = self._numbers.get(digits[cut:])
            # only a telephone has a country before it
            if label and (cut == 0 or label == "PHONE_NUMBER"):
                return label
        return ""


def _means_one(value: str) -> bool:
    """Whether a word can be nothing but this value wherever it stands: it has figures, or no list has it."""
    if not _WORD.fullmatch(value) or not any(map(str.isalpha, value)):
        return False
    return len(value) > 4 and (any(map(str.isdigit, value)) or not lexicon().flags(value))


def _cores(value: str, *, is_phone: bool) -> set[str]:
    """The digits of a number; of a telephone also without its country, and without what is dialled before it."""
    digits = "".join(filter(str.isdigit, _ZERO.sub("", value)))
    if not is_phone:
        return {digits}
    cores = {digits, digits.lstrip("0")}
    if value.lstrip(" (").startswith(("+", "00")):
        from phonenumbers import NumberParseException, parse

        try:
            cores.add(str(parse("+" + digits.lstrip("0")).national_number))
        except NumberParseException:  # no country has that number: its digits alone can be looked for
            return cores
    return cores
