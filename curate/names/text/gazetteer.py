"""The lists as one table: each lower-cased word and the lists that it stands in."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from curate.names.text.lists import KNOWN
from curate.names.text.sources import Sources
from curate.names.tokens import BIT, ENGLISH

_BIG = 150_000  # people, from which a city is well known


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
    add("road", KNOWN["roads"])
    add("month", KNOWN["months"])
    add("weekday", KNOWN["weekdays"])
    add(
        "job",
        (
            part
            for job in sources.jobs
            for part in job.replace(",", "").replace("/", " ").split()
            if len(part) > 3
        ),
    )
    add("kin", KNOWN["kin"])
    add("product", (part for form in KNOWN["products"] for part in form.split()))
    add("known", (part for form in KNOWN["people_known"] for part in form.split()))
    for word, rank in sources.words.items():
        add(next(flag for limit, flag in ENGLISH if rank < limit), [word])
    words = sorted(table)
    return words, np.array([table[word] for word in words], dtype=np.uint32)
