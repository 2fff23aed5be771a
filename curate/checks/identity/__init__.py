"""What identifies one person and has no form of its own: known by the name of the field before it, or by its place.

Numbers of passports, licences, plates, records and accounts, national numbers, days of birth (`numbers`), and
the names by which people log in and are addressed (`logins`). What is looked for costs next to nothing where
its sign is not in the text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from curate.checks.identity.leads import LABELS as OF_NUMBERS
from curate.checks.identity.logins import logins
from curate.checks.identity.numbers import numbers

__all__ = ["LABELS", "OPEN", "SCORE", "identity"]

LABELS = (*OF_NUMBERS, "USERNAME")
OPEN = ("DATE_OF_BIRTH", "USERNAME")  # told in public of many a person: they hold nothing up
SCORE = 0.85


def identity(text: str, wanted: Collection[str]) -> Iterator[tuple[str, int, int]]:
    """(label, start, end) of each value in the text whose label is in `wanted`; some over others."""
    small = text.lower()
    if len(small) != len(text):  # `İ` becomes two characters
        small = "".join(each.lower() if len(each.lower()) == 1 else each for each in text)
    for label, start, end in numbers(text, small):
        if label in wanted:
            yield label, start, end
    if "USERNAME" in wanted:
        for start, end in logins(text, small):
            yield "USERNAME", start, end
