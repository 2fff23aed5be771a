"""Places, postal addresses and organisations, as they are written in many countries."""

from __future__ import annotations

from random import Random

from curate.names.text.lists import KNOWN
from curate.names.text.people import Inventor, People, Segment
from curate.names.text.sources import Sources

_STEMS = "Oak Maple Cedar Pine Elm Park River Lake Hill Church Mill Station School High Main Market Bridge Queen King Victoria Garden Meadow Spring Sunset Forest Green North South West East Old New Castle Valley Orchard Harbour Abbey Willow Birch Rose Chestnut".split()
_PREFIXED = (
    "Rue",
    "rue de",
    "Avenue de",
    "Boulevard",
    "Via",
    "Viale",
    "Piazza",
    "Calle",
    "Calle de",
    "Avenida",
    "Plaza",
    "Paseo de",
    "Rua",
    "Rua da",
    "Travessa",
    "Strada",
    "ul.",
    "ulica",
    "al.",
    "Jalan",
    "Jl.",
    "C/",
    "Chemin de",
    "Place",
    "Largo",
    "Corso",
    "Carrer de",
    "Bulevardul",
    "Praça",
    "Av.",
    "Camino",
    "Quai",
    "Allée des",
)
_GLUED = (
    "straße",
    "strasse",
    "str.",
    "gasse",
    "weg",
    "allee",
    "platz",
    "ring",
    "gatan",
    "vägen",
    "gade",
    "vej",
    "straat",
    "laan",
    "weg",
    "katu",
    "tie",
    "kuja",
    "veien",
    "gata",
    "plein",
    "kade",
    "stræde",
    "gränd",
    "polku",
    "dreef",
)
_SPACED = (
    "utca",
    "út",
    "tér",
    "körút",
    "Sokak",
    "Caddesi",
    "Cad.",
    "Mah.",
    "iela",
    "g.",
    "tn",
    "ulica",
    "trg",
    "Nagar",
    "Marg",
    "Road",
    "gatvė",
    "cesta",
    "Straße",
    "Allee",
    "Platz",
    "Weg",
    "Vei",
    "Path",
)
_UNITS = (
    "Apt. {}",
    "Apt {}",
    "Suite {}",
    "Unit {}",
    "Flat {}",
    "#{}",
    "Floor {}",
    "Room {}",
    "Bldg {}",
    "App. {}",
    "2º {}",
    "Whg. {}",
    "Ste {}",
    "Box {}",
    "ap. {}",
    "apto. {}",
    "Piso {}",
    "3º {}",
    "bus {}",
    "Stiege {}",
    "lägenhet {}",
    "Wohnung {}",
    "Lot {}",
    "Top {}",
    "m. {}",
    "appt {}",
    "esc. A, {}",
    "interno {}",
)
_SHORT = (
    "St",
    "St.",
    "Ave",
    "Ave.",
    "Rd",
    "Rd.",
    "Blvd",
    "Blvd.",
    "Dr",
    "Dr.",
    "Ln",
    "Ln.",
    "Ct",
    "Pl",
    "Hwy",
    "Pkwy",
    "Sq",
    "Ter",
)
_SYLLABLES = "ver zen tra lex nov cor vel ax on ix ara eon qua flu mer tek dyn sol lum pro gen bio syn opt alt ium ora ino pix vox cy ne ra mi ko ta lo fi ze bri sta cla per in ex sum pul cre via sen tal ros mon tri gal".split()

_CALLED = "New York|NYC|LA|SF|Washington|Washington DC|St. Louis|St. Petersburg|Silicon Valley|Brooklyn|Manhattan|Hollywood|Baton Rouge|Las Vegas|Los Angeles|San Francisco|New Orleans|Salt Lake City|Hong Kong|Buenos Aires|Rio|Mexico City|Cape Town|Tel Aviv|Kuala Lumpur|Munich|Cologne|Vienna|Prague|Florence|Venice|Naples|Seville|Lisbon|Geneva|Reykjavik|Bombay|Calcutta|Saigon|Peking|Middle East|Europe|Asia|Africa|South America|Latin America|Bay Area|Midwest|East Coast|Alps|Sahara|Baltics|Balkans|Caribbean|Amazon|Rhine|Danube|Mississippi|Lake Michigan|Mount Everest|Himalayas|Pacific|Atlantic|North Sea|Mediterranean|Sicily|Crete|Bavaria|Normandy|Tuscany|Catalonia|Andalusia|Bali|Java|Hawaii|Alaska".split(
    "|"
)
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
            return rng.choice(_CALLED)
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
                    rng.choice(_STEMS),
                    rng.choice(_STEMS),
                    self._people.last(rng),
                    self._people.first(rng),
                    self.city(rng),
                    f"{self._ordinal(rng)}",
                )
            )
            second = f" {rng.choice(_STEMS)}" if rng.random() < 0.15 else ""
            ending = (
                rng.choice(self._sources.endings)
                if rng.random() < 0.45
                else rng.choice(("Street", "Road", "Avenue", "Lane", "Drive", *_SHORT))
            )
            side = rng.choice(("N ", "S. ", "West ", "E ", "North ")) if rng.random() < 0.1 else ""
            return f"{number} {side}{stem}{second} {ending}"
        if kind < 0.58:
            name = f"{rng.choice(_PREFIXED)} {self._stem(rng)}"
            return self._numbered(name, number, rng)
        if kind < 0.8:
            stem = self._stem(rng)
            stem = stem.replace(" ", "-") if rng.random() < 0.5 else stem.split()[-1]
            return self._numbered(stem + rng.choice(_GLUED), number, rng)
        if kind < 0.92:
            return self._numbered(f"{self._stem(rng)} {rng.choice(_SPACED)}", number, rng)
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
            street += rng.choice((", ", " ", "\n", "\n ")) + rng.choice(_UNITS).format(
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
            return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randrange(2, 4))).capitalize()
        if kind < 0.6:
            return rng.choice(self._common).capitalize() + rng.choice(self._common).capitalize()
        if kind < 0.75:
            return rng.choice(self._common).capitalize() + rng.choice(
                _SYLLABLES
                + ["ly", "ify", "io", "sy", "mart", "corp", "soft", "net", "tech", "hub", "wave", "works"]
            )
        if kind < 0.85:
            return "".join(rng.choice("ABCDEFGHIKLMNOPRSTUVW") for _ in range(rng.randrange(3, 5)))
        return f"{rng.choice(self._common).capitalize()} {rng.choice(self._common).capitalize()}"

    def organisation(self, rng: Random) -> str:
        """A company, school, hospital, office or club."""
        kind = rng.random()
        last = self._people.last(rng)
        if kind < 0.17:
            return f"{last} {rng.choice(KNOWN['corporate'])}"
        if kind < 0.23:
            return rng.choice(
                (
                    f"{last}-{self._people.last(rng)}",
                    f"{last}, {self._people.last(rng)} and {self._people.last(rng)}",
                    f"{last} & {self._people.last(rng)}",
                )
            )
        if kind < 0.36:
            return self.brand(rng)
        if kind < 0.5:
            return f"{self.brand(rng)} {rng.choice(KNOWN['corporate'] + KNOWN['industries'])}"
        if kind < 0.6:
            return f"{rng.choice((last, self.brand(rng), self.city(rng)))} {rng.choice(KNOWN['industries'])}"
        if kind < 0.74:
            return f"{rng.choice((self.city(rng), last, f'St. {self._people.first(rng)}'))} {rng.choice(KNOWN['institutions'])}"
        if kind < 0.755:
            return f"{rng.choice(('Royal', 'National', 'First', 'Central', 'United', 'New', 'American', 'Saint', 'International', 'Greater'))} {rng.choice((self.city(rng), last, ''))} {rng.choice(KNOWN['institutions'] + KNOWN['industries'])}".replace(
                "  ", " "
            )
        if kind < 0.77:
            return f"{rng.choice((last, self._people.first(rng)))}{rng.choice(_OWNED)} {rng.choice(('Oven', 'Kitchen', 'Place', 'Bar', 'Diner', 'Garage', 'Pizza', 'Café', 'Salon', 'Flowers', 'Books', 'Deli', 'Grill', 'Pub', 'Barbershop', 'Bistro', 'Gym'))}"
        if kind < 0.81:
            return f"{rng.choice(('University of', 'Bank of', 'Museum of', 'City of', 'Institute of', 'College of'))} {self.city(rng)}"
        return (
            rng.choice(KNOWN["famous_orgs"])
            if kind < 0.95
            else f"{rng.choice(self._common).capitalize()} {rng.choice(KNOWN['industries'])} {rng.choice(KNOWN['corporate'])}"
        )

    def segments(self, kind: str, rng: Random) -> list[Segment]:
        """A place or organisation with its label."""
        if kind == "organisation":
            return [(self.organisation(rng), "ORGANIZATION")]
        if kind == "zip":
            return [(self.zip_code(rng), "ZIP_CODE")]
        make = {"city": self.city, "place": self.place, "address": self.address, "street": self.street}[kind]
        return [(make(rng), "LOCATION")]
