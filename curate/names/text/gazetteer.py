"""The lists as one table: each lower-cased word and the lists that it stands in."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from curate.names.text.lists import KNOWN
from curate.names.text.sources import Sources
from curate.names.tokens import BIT, ENGLISH

_BIG = 150_000  # people, from which a city is well known
_ROADS = "rue avenue boulevard via viale piazza calle avenida plaza paseo rua strada ul ulica jalan jl chemin straße strasse str gasse weg allee platz gatan vägen gade vej straat laan katu tie veien utca út sokak caddesi trg nagar marg road street st ave rd blvd dr ln ct hwy apt suite unit flat floor box apartment po postfach km barrio colonia".split()
_MONTHS = "january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre januar februar märz mai juni juli oktober dezember janvier février mars avril juin juillet août septembre octobre novembre décembre".split()
_KIN = "wife husband son daughter mother father brother sister uncle aunt cousin grandmother grandfather friend neighbour neighbor colleague boyfriend girlfriend nephew niece boss roommate partner mom dad patient customer client doctor nurse".split()


def gazetteer(sources: Sources) -> tuple[list[str], np.ndarray]:
    """(words in order, bits of FLAGS for each)."""
    table: dict[str, int] = {}

    def add(flag: str, words: Iterable[str]) -> None:
        for word in words:
            if len(word) > 1:
                table[word.lower()] = table.get(word.lower(), 0) | BIT[flag]

    hand = [(key.split("_")[0], names) for key, names in KNOWN.items() if key.startswith(("first_", "last_"))]
    for group in sources.first.values():
        add("first", (part for name in group for part in name.split()))
    for group in sources.last.values():
        add("last", (part for name in group for part in name.split()))
    for flag, names in hand:
        add(flag, names)
    for name, _, people in sources.cities:
        if " " in name:
            add("city_part", (part for part in name.split() if part[0].isupper() and len(part) > 2))
        else:
            add("city", [name])
        if people >= _BIG:
            add("big_city", [name] if " " not in name else (part for part in name.split() if len(part) > 3))
    add("country", (part for name in sources.countries for part in name.split() if part[0].isupper()))
    add("state", (part for name in sources.states for part in name.split() if part[0].isupper()))
    add("code", sources.codes)
    add("demonym", KNOWN["demonyms"])
    add("faith", [*KNOWN["faiths"], *KNOWN["parties"]])
    add("title", (title.strip(".") for title in KNOWN["titles"]))
    add("corporate", (part.strip(".&") for form in KNOWN["corporate"] for part in form.split()))
    add("institution", (part for form in KNOWN["institutions"] for part in form.split()))
    add("industry", (part for form in KNOWN["industries"] for part in form.split()))
    places = BIT["city"] | BIT["city_part"] | BIT["country"] | BIT["state"] | BIT["demonym"]
    firms = [part for form in KNOWN["famous_orgs"] for part in form.split() if part[0].isupper()]
    add("organisation", (part for part in firms if not table.get(part.lower(), 0) & places))
    add("ending", sources.endings)
    add("road", _ROADS)
    add("month", _MONTHS)
    add("weekday", "monday tuesday wednesday thursday friday saturday sunday".split())
    add(
        "job",
        (
            part
            for job in sources.jobs
            for part in job.replace(",", "").replace("/", " ").split()
            if len(part) > 3
        ),
    )
    add("kin", _KIN)
    add("product", (part for form in KNOWN["products"] for part in form.split()))
    add("known", (part for form in KNOWN["people_known"] for part in form.split()))
    for word, rank in sources.words.items():
        add(next(flag for limit, flag in ENGLISH if rank < limit), [word])
    words = sorted(table)
    return words, np.array([table[word] for word in words], dtype=np.uint32)
