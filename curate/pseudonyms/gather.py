"""Make `pools.json` anew: common names and towns by language, out of Faker's providers (MIT licence).

`python -m curate.pseudonyms.gather` writes the file; nothing imports this module at run time. Faker's
lists of names come from registries of births and censuses that were published to be used.
"""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

POOLS = Path(__file__).with_name("pools.json")
MOST = {"female": 1100, "male": 1100, "last": 1200, "last_female": 200, "last_male": 200, "cities": 400}
LOCALES: dict[str, tuple[str, ...]] = {
    "en": ("en_US", "en_GB"),
    "de": ("de_DE",),
    "fr": ("fr_FR",),
    "es": ("es_ES",),
    "it": ("it_IT",),
    "pt": ("pt_BR", "pt_PT"),
    "nl": ("nl_NL",),
    "pl": ("pl_PL",),
    "sv": ("sv_SE",),
    "da": ("da_DK",),
    "no": ("no_NO",),
    "fi": ("fi_FI",),
    "cs": ("cs_CZ",),
    "ro": ("ro_RO",),
    "hu": ("hu_HU",),
    "tr": ("tr_TR",),
    "ru": ("ru_RU",),
    "uk": ("uk_UA",),
    "el": ("el_GR",),
    "zh": ("zh_CN",),
    "ja": ("ja_JP",),
    "ko": ("ko_KR",),
    "hi": ("hi_IN",),
    "ar": ("ar_SA",),
    "he": ("he_IL",),
    "in": ("en_IN",),
    "id": ("id_ID",),
    "th": ("th_TH",),
}
PARTS = {
    "female": ("first_names_female",),
    "male": ("first_names_male",),
    "last": ("last_names",),
    "last_female": ("last_names_female",),
    "last_male": ("last_names_male",),
    "cities": ("cities", "city_names"),
}
# languages whose providers make towns of syllables, or have too few surnames: well-known ones
OWN: dict[str, dict[str, str]] = {
    "en": {
        "cities": "Springfield Bristol Denver Leeds Portland Sheffield Austin Cardiff Boston Glasgow Seattle"
        " Norwich Chicago Exeter Dallas Bradford Phoenix Oxford Memphis Derby Atlanta Plymouth Tucson Swansea"
        " Omaha Dundee Raleigh Ipswich Tulsa Reading Fresno Lincoln Madison York Boise Salford Toledo Bath"
        " Spokane Durham Albany Preston Savannah Carlisle"
    },
    "fr": {
        "cities": "Lyon Marseille Toulouse Nice Nantes Strasbourg Montpellier Bordeaux Lille Rennes Reims Toulon"
        " Grenoble Dijon Angers Nîmes Brest Limoges Tours Amiens Metz Besançon Orléans Rouen Mulhouse Caen Nancy"
        " Avignon Poitiers Pau Calais Colmar Bourges Quimper Valence Troyes Lorient Niort Chambéry Annecy"
    },
    "es": {
        "cities": "Valencia Sevilla Zaragoza Málaga Murcia Bilbao Alicante Córdoba Valladolid Vigo Gijón Granada"
        " Elche Oviedo Cartagena Jerez Pamplona Almería Burgos Albacete Santander Castellón Logroño Badajoz"
        " Salamanca Huelva Lleida Marbella León Cádiz Jaén Ourense Girona Lugo Cáceres Toledo Pontevedra Ávila"
    },
    "pt": {
        "cities": "Salvador Fortaleza Curitiba Manaus Recife Goiânia Belém Campinas Natal Maceió Teresina Joinville"
        " Londrina Niterói Cuiabá Aracaju Sorocaba Uberlândia Porto Braga Coimbra Aveiro Faro Évora Leiria Viseu"
    },
    "no": {"cities": "Bergen Trondheim Stavanger Drammen Fredrikstad Kristiansand Tromsø Sandnes Sarpsborg Skien"},
    "hu": {"cities": "Debrecen Szeged Miskolc Pécs Győr Nyíregyháza Kecskemét Székesfehérvár Szombathely Sopron"},
    "tr": {
        "cities": "Bursa Adana Konya Antalya Kayseri Mersin Eskişehir Samsun Denizli Malatya Trabzon Erzurum",
    },
    "ar": {"cities": "جدة الدمام الطائف تبوك أبها حائل نجران بريدة ينبع الجبيل"},
    "pl": {
        "last_female": "Nowak Kowalska Wiśniewska Wójcik Kowalczyk Kamińska Lewandowska Zielińska Szymańska Woźniak"
        " Dąbrowska Kozłowska Jankowska Mazur Wojciechowska Kwiatkowska Krawczyk Kaczmarek Piotrowska Grabowska"
        " Pawłowska Michalska Zając Król Jabłońska Wieczorek Nowakowska Wróbel Majewska Olszewska Stępień Jaworska",
        "last_male": "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak"
        " Dąbrowski Kozłowski Jankowski Mazur Wojciechowski Kwiatkowski Krawczyk Kaczmarek Piotrowski Grabowski"
        " Pawłowski Michalski Zając Król Jabłoński Wieczorek Nowakowski Wróbel Majewski Olszewski Stępień Jaworski",
    },
}  # fmt: skip


def names(locale: str, part: str) -> list[str]:
    """One list of a provider, one word each, in its own order."""
    folder = "address" if part == "cities" else "person"
    try:
        provider = import_module(f"faker.providers.{folder}.{locale}").Provider
    except ModuleNotFoundError:
        return []
    found: list[str] = []
    for attribute in PARTS[part]:
        listed = getattr(provider, attribute, ())
        found += [str(name) for name in listed]
    return [name for name in found if not re.search(r"[\d\W]", re.sub(r"[\u0300-\u0e7f]", "", name))]


def gathered() -> dict[str, dict[str, str]]:
    """Language to part to names, joined by spaces, evenly taken from over the whole list."""
    pools: dict[str, dict[str, str]] = {}
    for language, locales in LOCALES.items():
        pools[language] = {}
        for part in PARTS:
            own = OWN.get(language, {}).get(part)
            listed = own.split() if own else [name for locale in locales for name in names(locale, part)]
            listed = list(dict.fromkeys(listed))
            step = max(1, -(-len(listed) // MOST[part]))
            if listed:
                pools[language][part] = " ".join(listed[::step])
        if "last_female" in pools[language]:
            pools[language].pop("last", None)
    return pools


if __name__ == "__main__":
    said = "Names and towns from Faker's providers (https://github.com/joke2k/faker, MIT licence), and own lists."
    text = json.dumps({"from": said, **{k: v for k, v in gathered().items()}}, ensure_ascii=False, indent=0)
    POOLS.write_text(text + "\n", encoding="utf-8")
