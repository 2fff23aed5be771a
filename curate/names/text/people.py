"""Names of persons in the forms people write them in, some invented so that no list knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from curate.names.text.lists import KNOWN
from curate.names.text.sources import Sources

Segment = tuple[str, str]  # a piece of text and its label, empty for none
ORDER = 3  # letters that an invented name's next letter is drawn by
INVENTED = 0.22  # share of name words that are invented
_GROUPS = (
    "arabic",
    "persian",
    "indian",
    "chinese",
    "korean",
    "japanese",
    "slavic",
    "greek",
    "hebrew",
    "african",
)


@dataclass(frozen=True)
class Person:
    """One person of a text, named again in it in other forms."""

    first: str
    last: str
    middle: str
    title: str


class Inventor:
    """Makes words that look like the given ones: each letter is drawn after the three before it."""

    def __init__(self, words: Sequence[str]) -> None:
        self._after: dict[str, list[str]] = {}
        for word in words:
            padded = "^" * ORDER + word.lower() + "$"
            for at in range(ORDER, len(padded)):
                self._after.setdefault(padded[at - ORDER : at], []).append(padded[at])

    def word(self, rng: Random) -> str:
        """A new word of 3 to 13 letters, capitalised."""
        while True:
            made = "^" * ORDER
            while made[-1] != "$" and len(made) < 18:
                made += rng.choice(self._after[made[-ORDER:]])
            word = made.strip("^$")
            if 3 <= len(word) <= 13 and word[0].isalpha() and word[-1].isalpha():
                return "-".join(part[:1].upper() + part[1:] for part in word.split("-"))


class People:
    """Draws persons: a locale or a region first, then names of it."""

    def __init__(self, sources: Sources) -> None:
        self._pools: list[tuple[list[str], list[str]]] = []
        every_last = [name for names in sources.last.values() for name in names]
        for locale, firsts in sources.first.items():
            self._pools.append((firsts, sources.last.get(locale) or every_last))
        for group in _GROUPS:
            self._pools.append((KNOWN[f"first_{group}"], KNOWN[f"last_{group}"]))
        english = [self._pools[i] for i, locale in enumerate(sources.first) if locale.startswith("en_")]
        self._weighted = self._pools + english[:2] * 7

    @cached_property
    def _inventors(self) -> list[tuple[Inventor, Inventor]]:
        return [(Inventor(firsts), Inventor(lasts)) for firsts, lasts in self._weighted]

    def person(self, rng: Random) -> Person:
        """A person; one name in five is invented."""
        at = rng.randrange(len(self._weighted))
        return Person(
            self.first(rng, at),
            self.last(rng, at),
            self.first(rng, at),
            rng.choice(KNOWN["titles"][:12] if rng.random() < 0.75 else KNOWN["titles"]),
        )

    def first(self, rng: Random, at: int | None = None) -> str:
        """A given name, sometimes of two parts."""
        at = rng.randrange(len(self._weighted)) if at is None else at
        if rng.random() < INVENTED:
            return self._inventors[at][0].word(rng)
        name = rng.choice(self._weighted[at][0])
        if rng.random() < 0.03:
            return f"{name}{rng.choice('- ')}{rng.choice(self._weighted[at][0])}"
        return name

    def last(self, rng: Random, at: int | None = None) -> str:
        """A family name, sometimes double or with a particle."""
        at = rng.randrange(len(self._weighted)) if at is None else at
        name = (
            self._inventors[at][1].word(rng) if rng.random() < INVENTED else rng.choice(self._weighted[at][1])
        )
        if rng.random() < 0.05:
            other = rng.choice(self._weighted[at][1])
            return f"{name}{rng.choice('- ')}{other}"
        if rng.random() < 0.04:
            particle = rng.choice(
                (
                    "van",
                    "van der",
                    "von",
                    "de",
                    "de la",
                    "del",
                    "di",
                    "da",
                    "dos",
                    "bin",
                    "al",
                    "el",
                    "le",
                    "O'",
                    "Mc",
                    "St.",
                )
            )
            return particle + name if particle in ("O'", "Mc") else f"{particle} {name}"
        return name


def spelled(person: Person, rng: Random, form: str = "") -> list[Segment]:
    """A person's name as it may stand in a text: `form` full, first, last, formal or any.

    A form of address before the name is a TITLE of its own; initials and suffixes belong to the name.
    """
    if not form:
        form = rng.choices(
            ("full", "first", "middle", "formal", "inverted", "initial", "upper"), (50, 20, 9, 12, 3, 4, 2)
        )[0]
    first, last = person.first, person.last
    if form == "first":
        return [(first, "PERSON")]
    if form == "last":
        return [(last, "PERSON")]
    if form == "middle":
        middle = person.middle if rng.random() < 0.4 else person.middle[0] + rng.choice((".", ".", ""))
        return [(f"{first} {middle} {last}", "PERSON")]
    if form == "formal":
        named = last if rng.random() < 0.5 else f"{first} {last}"
        return [(person.title, "TITLE"), (" ", ""), (named, "PERSON")]
    if form == "inverted":
        return [(f"{last}, {first}", "PERSON")]
    if form == "initial":
        return [
            (
                rng.choice(
                    (f"{first[0]}. {last}", f"{first[0]}.{person.middle[0]}. {last}", f"{first} {last[0]}.")
                ),
                "PERSON",
            )
        ]
    if form == "upper":
        return [(f"{first} {last}".upper() if rng.random() < 0.6 else f"{first} {last.upper()}", "PERSON")]
    suffix = rng.choice((" Jr.", " Jr", " III", ", MD", " PhD")) if rng.random() < 0.02 else ""
    order = f"{last} {first}" if rng.random() < 0.04 else f"{first} {last}"
    cut = suffix if suffix.startswith(" J") or suffix == " III" else ""
    return [(order + cut, "PERSON"), (suffix[len(cut) :], "")]
