"""What the lists alone decide, where all the words of a name are of one kind."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from curate.names.tokens import BIT, Lexicon

_PLACES = sum(BIT[name] for name in ("city", "big_city", "city_part", "country", "state", "code"))
_WELL_KNOWN = sum(BIT[name] for name in ("big_city", "country", "state"))
_PERSONS = BIT["first"] | BIT["last"]
_FIRMS = sum(BIT[name] for name in ("corporate", "institution", "industry", "organisation"))
_ORDINARY = sum(
    BIT[name] for name in ("english_300", "english_1500", "product", "demonym", "month", "weekday")
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NEWS = frozenset(
    [
        "Times",
        "Post",
        "Herald",
        "Tribune",
        "Journal",
        "Daily",
        "Gazette",
        "News",
        "United",
        "Rovers",
        "Wanderers",
        "Lions",
        "Stars",
    ]
)
_SMALL = frozenset(("of", "and", "the", "de", "del", "la", "el", "do", "da", "von", "am", "di"))


@lru_cache(maxsize=1)
def well_known() -> frozenset[str]:
    """Names of one word, of countries, regions and cities, that seldom mean anything else when capitalised."""
    return frozenset(Path(__file__).with_name("well_known_places.txt").read_text(encoding="utf-8").split())


def kind_by_lists(kind: str, name: str, lexicon: Lexicon) -> str:
    """The kind of a name that was found as `kind`, where all its words are known to be of another one.

    "New York City" is a place though papers and teams are named after it, "Gary" a person and "French" a
    nationality; a word in the lists of several kinds stays what its surroundings say. Empty for a thing
    (`Mars`, `COVID`) that was taken for a person.
    """
    if kind not in ("ORGANIZATION", "PERSON", "LOCATION") or not name[:1].isupper():
        return kind
    words = [word for word in _WORD.findall(name) if word not in _SMALL]
    flags = [lexicon.flags(word) for word in words]
    if not words or any(map(str.isdigit, name)):
        return kind
    one = flags[0] if len(words) == 1 else 0
    if one & BIT["demonym"] and not one & (_PLACES | _PERSONS):
        return "NRP"
    if kind == "PERSON":
        if one & BIT["product"] and not one & BIT["first"]:
            return ""
        # `Eindhoven` is a surname of few and the town of many
        city = one & BIT["big_city"] and not one & (_PERSONS | _ORDINARY)
        return "LOCATION" if one and (city or words[0] in well_known()) else kind
    # `City` is a word of firms too, but at the end of a city's name it is that city's
    firm = not _NEWS.isdisjoint(words) or any(
        each & _FIRMS for word, each in zip(words, flags, strict=True) if word != "City"
    )
    if all(each & BIT["first"] and not each & (_PLACES | _ORDINARY) for each in flags) and not firm:
        return "PERSON"
    if kind == "ORGANIZATION" and all(each & _PLACES for each in flags) and not firm:
        alone = one & BIT["city"] and not one & (_ORDINARY | _PERSONS)
        return "LOCATION" if alone or flags[0] & _WELL_KNOWN else kind
    return kind
