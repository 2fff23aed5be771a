"""Places, postal addresses and organisations, as they are written in many countries."""

from __future__ import annotations

from random import Random

from curate.names.text.lists import KNOWN
from curate.names.text.people import Inventor, People
from curate.names.text.sources import Sources

_OWNED = ("'s", "s", "")


class Places:
    """Draws cities, countries, addresses and organisations."""

    def __init__(self, sources: Sources, people: People) -> None:
        self._sources, self._people = sources, people
        self._big = sources.cities[:2500]
        self._inventor = Inventor([name for name, _, _ in sources.cities[:12000]])
        ranked = list(sources.words)
        self._common = [word for word in ranked[150:5000] if 3 < len(word) < 10 and word.isalpha()]

    def city(self, rng: Random) -> str:
        """A city: well known, small, or invented."""
        kind = rng.random()
        if kind < 0.04:
            return rng.choice(KNOWN["called"])
        if kind < 0.45:
            return rng.choice(self._big)[0]
        if kind < 0.8:
            return rng.choice(self._sources.cities)[0]
        if kind < 0.93:
            return self._inventor.word(rng)
        ending = rng.choice(
            (
                "ville",
                "ton",
                "burg",
                "field",
                " Falls",
                " Springs",
                " Heights",
                "mouth",
                " Beach",
                "ford",
                "ham",
                " Village",
            )
        )
        return f"{rng.choice(('', '', 'North ', 'New ', 'West ', 'Port ', 'Lake ', 'San ', 'Saint-'))}{self._people.last(rng)}{ending}"

    def place(self, rng: Random) -> str:
        """A city, region or country, alone or with what it lies in."""
        kind = rng.random()
        if kind < 0.4:
            return self.city(rng)
        if kind < 0.62:
            country = rng.choice(self._sources.countries)
            return (
                f"{rng.choice(('northern', 'southern', 'Western', 'Eastern', 'Central', 'Northern', 'Southern'))} {country}"
                if rng.random() < 0.07
                else country
            )
        if kind < 0.72:
            return rng.choice(self._sources.states)
        if kind < 0.82:
            return f"{self.city(rng)}, {rng.choice(self._sources.codes)}"
        if kind < 0.92:
            return f"{self.city(rng)}, {rng.choice(self._sources.countries)}"
        return f"{self.city(rng)}, {rng.choice(self._sources.states)}"

    def street(self, rng: Random) -> str:
        """A street with a number."""
        number = str(
            rng.choice(
                (
                    rng.randrange(1, 200),
                    rng.randrange(1, 99),
                    rng.randrange(100, 9999),
                    rng.randrange(1000, 30000),
                )
            )
        )
        if rng.random() < 0.08:
            number += rng.choice("abcdABC")
        kind = rng.random()
        if kind < 0.38:
            stem = rng.choice(
                (
                    rng.choice(KNOWN["street_stems"]),
                    rng.choice(KNOWN["street_stems"]),
                    self._people.last(rng),
                    self._people.first(rng),
                    self.city(rng),
                    f"{self._ordinal(rng)}",
                )
            )
            second = f" {rng.choice(KNOWN['street_stems'])}" if rng.random() < 0.15 else ""
            ending = (
                rng.choice(self._sources.endings)
                if rng.random() < 0.45
                else rng.choice(("Street", "Road", "Avenue", "Lane", "Drive", *KNOWN["street_short"]))
            )
            side = rng.choice(("N ", "S. ", "West ", "E ", "North ")) if rng.random() < 0.1 else ""
            return f"{number} {side}{stem}{second} {ending}"
        if kind < 0.58:
            name = f"{rng.choice(KNOWN['street_before'])} {self._stem(rng)}"
            return self._numbered(name, number, rng)
        if kind < 0.8:
            stem = self._stem(rng)
            stem = stem.replace(" ", "-") if rng.random() < 0.5 else stem.split()[-1]
            return self._numbered(stem + rng.choice(KNOWN["street_glued"]), number, rng)
        if kind < 0.92:
            return self._numbered(f"{self._stem(rng)} {rng.choice(KNOWN['street_after'])}", number, rng)
        if kind < 0.96:
            return self._numbered(rng.choice(self._sources.streets), number, rng)
        return rng.choice(
            (
                f"P.O. Box {number}",
                f"PO Box {number}",
                f"Postfach {number}",
                f"PSC {number}, Box {rng.randrange(9999)}",
                f"Apartado {number}",
            )
        )

    def _stem(self, rng: Random) -> str:
        """What a street is named after."""
        kind = rng.random()
        if kind < 0.35:
            return self._people.last(rng)
        if kind < 0.55:
            return f"{self._people.first(rng)} {self._people.last(rng)}"
        if kind < 0.75:
            return self.city(rng)
        return self._inventor.word(rng) if kind < 0.85 else rng.choice(self._sources.streets)

    @staticmethod
    def _numbered(street: str, number: str, rng: Random) -> str:
        """A street and its number, in one order or the other."""
        kind = rng.random()
        if kind < 0.62:
            return f"{street} {number}"
        return (
            f"{number} {street}"
            if kind < 0.8
            else rng.choice(
                (
                    f"{street}, {number}",
                    f"{street} {number}/{number[0]}",
                    f"{number}, {street}",
                    f"{street} n. {number}",
                )
            )
        )

    @staticmethod
    def _ordinal(rng: Random) -> str:
        number = rng.randrange(1, 120)
        return f"{number}{'th' if 10 <= number % 100 <= 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"

    def zip_code(self, rng: Random) -> str:
        """A postal code of some country."""
        letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
        form = rng.choices(
            (
                "#####",
                "####",
                "#####-####",
                "@# #@@",
                "@@## #@@",
                "@#@ #@#",
                "### ##",
                "######",
                "#### @@",
                "##-###",
                "#####-###",
                "@@-####",
                "###",
            ),
            (40, 14, 6, 5, 5, 6, 4, 6, 3, 3, 2, 3, 2),
        )[0]
        return "".join(
            rng.choice("0123456789") if c == "#" else rng.choice(letters) if c == "@" else c for c in form
        )

    def address(self, rng: Random) -> str:
        """A postal address, on one line or several, whole or in part."""
        street = self.street(rng)
        if rng.random() < 0.25:
            street += rng.choice((", ", " ", "\n", "\n ")) + rng.choice(KNOWN["units"]).format(
                rng.choice(
                    (rng.randrange(1, 999), rng.choice("ABCD"), f"{rng.randrange(1, 40)}{rng.choice('ABC')}")
                )
            )
        kind = rng.random()
        if kind < 0.3:
            return street
        break_ = rng.choice((", ", ", ", "\n", "\n", "\n ", " ", ",\n", " \n", "\n    "))
        city = self.city(rng).upper() if rng.random() < 0.15 else self.city(rng)
        zip_code = self.zip_code(rng)
        region = rng.choice(
            (
                rng.choice(self._sources.codes),
                rng.choice(self._sources.codes),
                rng.choice(self._sources.states),
            )
        )
        second = rng.choice(
            (
                city,
                f"{zip_code} {city}",
                f"{city} {zip_code}",
                f"{city}, {region} {zip_code}",
                f"{city}, {region} {zip_code}",
                f"{city}{break_}{region} {zip_code}",
                f"{city}, {region}",
                f"{city}{break_}{zip_code}",
                f"{city}{break_}{region}{break_}{zip_code}",
            )
        )
        country = f"{break_}{rng.choice(self._sources.countries)}" if rng.random() < 0.3 else ""
        if country and rng.random() < 0.2:
            country += " " + self.zip_code(rng)
        return f"{street}{break_}{second}{country}"

    def brand(self, rng: Random) -> str:
        """A made-up word that could be a company."""
        kind = rng.random()
        if kind < 0.45:
            return "".join(rng.choice(KNOWN["syllables"]) for _ in range(rng.randrange(2, 4))).capitalize()
        if kind < 0.6:
            return rng.choice(self._common).capitalize() + rng.choice(self._common).capitalize()
        if kind < 0.75:
            return rng.choice(self._common).capitalize() + rng.choice(
                KNOWN["syllables"] + KNOWN["brand_ends"]
            )
        if kind < 0.85:
            return "".join(rng.choice("ABCDEFGHIKLMNOPRSTUVW") for _ in range(rng.randrange(3, 5)))
        return f"{rng.choice(self._common).capitalize()} {rng.choice(self._common).capitalize()}"

    def organisation(self, rng: Random) -> str:
        """A company, school, hospital, office or club."""
        makers = (
            self._firm,
            self._partners,
            self.brand,
            self._branded,
            self._institution,
            self._owned,
            self._phrase,
        )
        kind = rng.choices((*makers, None), (17, 6, 13, 22, 22, 4, 8, 13))[0]
        return kind(rng) if kind else rng.choice(KNOWN["famous_orgs"])

    def _firm(self, rng: Random) -> str:
        """A family name, or a whole one, and a legal form."""
        name = self._people.last(rng)
        if rng.random() < 0.15:
            name = f"{self._people.first(rng)} {name}"
        return f"{name} {rng.choice(KNOWN['corporate'])}"

    def _partners(self, rng: Random) -> str:
        """Several family names."""
        one, two, three = (self._people.last(rng) for _ in range(3))
        return rng.choice((f"{one}-{two}", f"{one}, {two} and {three}", f"{one} & {two}", f"{one} and {two}"))

    def _branded(self, rng: Random) -> str:
        """A made-up word, a name or a city with a legal form or a trade."""
        kind = rng.random()
        if kind < 0.6:
            return f"{self.brand(rng)} {rng.choice(KNOWN['corporate'] + KNOWN['industries'])}"
        if kind < 0.8:
            word = rng.choice(self._common).capitalize()
            return f"{word} {rng.choice(KNOWN['industries'])} {rng.choice(KNOWN['corporate'])}"
        name = rng.choice((self._people.last(rng), self.city(rng)))
        return f"{name} {rng.choice(KNOWN['industries'])}"

    def _institution(self, rng: Random) -> str:
        """A school, hospital, bank or office of a place, a saint or a nation."""
        kind, last, city = rng.random(), self._people.last(rng), self.city(rng)
        if kind < 0.6:
            return f"{rng.choice((city, last, f'St. {self._people.first(rng)}'))} {rng.choice(KNOWN['institutions'])}"
        if kind < 0.82:
            return f"{rng.choice(KNOWN['institutions_of'])} {city}"
        owner = rng.choice((f"{city} ", f"{last} ", ""))
        return f"{rng.choice(KNOWN['national'])} {owner}{rng.choice(KNOWN['institutions'] + KNOWN['industries'])}"

    def _owned(self, rng: Random) -> str:
        """A shop or bar by its owner's name."""
        owner = rng.choice((self._people.last(rng), self._people.first(rng)))
        return f"{owner}{rng.choice(_OWNED)} {rng.choice(KNOWN['shops'])}"

    def _phrase(self, rng: Random) -> str:
        """Ordinary words, written as a name."""
        one, two = (rng.choice(self._common).capitalize() for _ in range(2))
        forms = (
            f"The {one} {two}",
            f"{one} & {two}",
            f"{one} and {two}",
            f"{one} of {self.city(rng)}",
            f"{one} {two}s",
        )
        return rng.choice(
            (*forms, f"{one} {two} {rng.choice(KNOWN['shops'])}", f"The {one} {rng.choice(KNOWN['shops'])}")
        )
