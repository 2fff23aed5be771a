"""Places and organisations: their own words are replaced, the words that say what they are stay."""

from __future__ import annotations

import re
from collections.abc import Callable

from curate.pseudonyms.key import Draw
from curate.pseudonyms.numbers import shaped
from curate.pseudonyms.streets import STREET, language_told
from curate.pseudonyms.words import WORD, as_written, fold, known, pools, written_in

GENERIC = frozenset(
    [
        "inc",
        "incorporated",
        "ltd",
        "limited",
        "llc",
        "llp",
        "plc",
        "corp",
        "corporation",
        "co",
        "company",
        "group",
        "holding",
        "holdings",
        "gmbh",
        "mbh",
        "ag",
        "kg",
        "ohg",
        "ug",
        "se",
        "ev",
        "eg",
        "sa",
        "sarl",
        "sas",
        "spa",
        "srl",
        "sl",
        "bv",
        "nv",
        "ab",
        "as",
        "oy",
        "aps",
        "kft",
        "zrt",
        "sro",
        "pty",
        "the",
        "of",
        "and",
        "for",
        "in",
        "at",
        "on",
        "und",
        "für",
        "der",
        "die",
        "das",
        "des",
        "et",
        "de",
        "la",
        "le",
        "les",
        "du",
        "del",
        "y",
        "e",
        "da",
        "do",
        "dos",
        "bank",
        "banco",
        "banque",
        "university",
        "universität",
        "université",
        "universidad",
        "college",
        "school",
        "institute",
        "hospital",
        "clinic",
        "center",
        "centre",
        "church",
        "city",
        "county",
        "state",
        "national",
        "international",
        "global",
        "services",
        "service",
        "systems",
        "solutions",
        "software",
        "technologies",
        "technology",
        "consulting",
        "partners",
        "associates",
        "brothers",
        "sons",
        "media",
        "press",
        "times",
        "insurance",
        "energy",
        "foods",
        "motors",
        "airlines",
        "hotel",
        "restaurant",
        "café",
        "shop",
        "store",
        "department",
        "ministry",
        "agency",
        "foundation",
        "association",
        "society",
        "club",
        "museum",
        "theatre",
        "library",
        "news",
        "daily",
        "research",
        "laboratories",
        "labs",
        "studio",
        "studios",
        "street",
        "st",
        "avenue",
        "ave",
        "road",
        "rd",
        "lane",
        "ln",
        "drive",
        "dr",
        "boulevard",
        "blvd",
        "way",
        "court",
        "ct",
        "place",
        "pl",
        "square",
        "sq",
        "terrace",
        "ter",
        "highway",
        "hwy",
        "parkway",
        "pkwy",
        "circle",
        "cir",
        "trail",
        "apartment",
        "apt",
        "suite",
        "ste",
        "unit",
        "floor",
        "fl",
        "building",
        "bldg",
        "box",
        "po",
        "p.o",
        "north",
        "south",
        "east",
        "west",
        "upper",
        "lower",
        "straße",
        "strasse",
        "str",
        "weg",
        "platz",
        "allee",
        "gasse",
        "ring",
        "damm",
        "ufer",
        "rue",
        "avenue",
        "chemin",
        "impasse",
        "quai",
        "route",
        "place",
        "calle",
        "avenida",
        "av",
        "plaza",
        "paseo",
        "carretera",
        "camino",
        "via",
        "viale",
        "piazza",
        "corso",
        "rua",
        "praça",
        "travessa",
        "straat",
        "laan",
        "plein",
        "gracht",
        "ulica",
        "ul",
        "улица",
        "ул",
        "проспект",
        "пр",
        "near",
    ]
)
COUNTRIES = (  # noqa: SIM905 - a list of words reads best as words
    "Australia|Austria|Belgium|Brazil|Canada|Chile|Denmark|Finland|France|Germany|Greece|"
    "Hungary|Iceland|India|Ireland|Italy|Japan|Kenya|Luxembourg|Malaysia|Mexico|Morocco|"
    "Netherlands|Norway|Peru|Philippines|Poland|Portugal|Romania|Singapore|Slovakia|Slovenia|"
    "Spain|Sweden|Switzerland|Thailand|Turkey|Uruguay|Vietnam|Croatia|Estonia|Latvia|Lithuania|"
    "Argentina|Colombia|Ecuador|Egypt|Ghana|Indonesia|Israel|Jordan|Nepal|Nigeria|Pakistan|"
    "Tunisia|Ukraine|USA|UK|US|Deutschland|Österreich|Schweiz|España|México|Italia|Polska|"
    "Sverige|Danmark|Norge|Suomi|Brasil|China|Russia|America|England|Scotland|Wales"
).split("|")
STATES = "AL AK AZ AR CA CO CT DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY".split()  # noqa: SIM905  # fmt: skip
NATIONS = "Austrian Belgian Brazilian Canadian Chilean Danish Dutch Finnish Greek Hungarian Icelandic Irish Italian Kenyan Maltese Norwegian Peruvian Polish Portuguese Romanian Scottish Slovak Spanish Swedish Swiss Thai Turkish Welsh".split()  # noqa: SIM905  # fmt: skip
TITLES = "Mr. Ms. Mrs. Dr. Prof. Miss".split()  # noqa: SIM905
_FOLDED_COUNTRIES = frozenset(map(fold, COUNTRIES))
_FOLDED_GENERIC = frozenset(map(fold, GENERIC))

Fake = Callable[[str], str]  # a word of a name to its fake


def own_words(value: str) -> list[str]:
    """The folded words of a place or organisation that are its own, in order."""
    return [fold(each[0]) for each in WORD.finditer(value) if _own(each[0])]


def _own(word: str) -> bool:
    small = word.islower() and written_in(word) == "" and len(word) <= 4
    return fold(word) not in _FOLDED_GENERIC and len(word) > 1 and not small


def organisation(value: str, draw: Draw, word: Fake) -> str:
    """The organisation with its own words replaced; an abbreviation becomes another."""
    made, at, changed = [], 0, False
    for each in WORD.finditer(value):
        if _own(each[0]):
            short = each[0].isupper() and len(each[0]) <= 5 and each[0].isascii()
            new = shaped(each[0], draw) if short else as_written(word(fold(each[0])), each[0])
            made += [value[at : each.start()], new]
            at, changed = each.end(), True
    text = "".join([*made, value[at:]])
    text = re.sub(r"\d+", lambda found: shaped(found[0], draw), text)
    return text if changed else f"{draw.pick(pools()['en']['last'])} {text}"


def location(value: str, draw: Draw, word: Fake, town: Callable[[str, str], str]) -> str:
    """The place, part by part: countries by countries, towns by towns, streets by streets, numbers by numbers."""
    parts = re.split(r"(\s*[,;\n]\s*)", value)
    written = language_told(value)  # that of the street is that of its town

    def near(folded: str, like: str) -> str:
        return town(folded, written or like)

    return "".join(
        # one street and number is one in all addresses that it stands in
        part
        if at % 2
        else _part(
            part, Draw(draw.key, *draw.purpose[:2], fold(part.strip()), *draw.purpose[-1:]), word, near
        )
        for at, part in enumerate(parts)
    )


def _part(part: str, draw: Draw, word: Fake, town: Callable[[str, str], str]) -> str:
    folded = fold(part.strip())
    if not folded:
        return part
    if folded in _FOLDED_COUNTRIES:
        return draw.pick([each for each in COUNTRIES[:50] if fold(each) != folded])
    state = re.fullmatch(r"([A-Z]{2})(\W+\d[\d-]*)?", part.strip())
    if state and state[1] in STATES:
        return draw.pick([each for each in STATES if each != state[1]]) + shaped(state[2] or "", draw)
    own = [each for each in WORD.finditer(part) if _own(each[0])]
    generic = any(
        fold(each[0]) in _FOLDED_GENERIC - {"the", "of", "de", "la"} for each in WORD.finditer(part)
    )
    street = generic or any(STREET.search(each[0]) for each in own)
    if own and not street and not re.match(r"\s*\d{1,3}\b", part):
        # a town, with its postcode before or behind it
        start, end = own[0].start(), own[-1].end()
        new = as_written(town(fold(part[start:end]), part[start:end]), part[start:end])
        return shaped(part[:start], draw) + new + shaped(part[end:], draw)
    made, at = [], 0
    for each in own:
        kind = STREET.search(each[0])
        new = as_written(word(fold(each[0])), each[0]) + (kind[0] if kind else "")
        made += [_numbers(part[at : each.start()], draw), new]
        at = each.end()
    return "".join([*made, _numbers(part[at:], draw)])


def _numbers(text: str, draw: Draw) -> str:
    return re.sub(r"\d+", lambda found: shaped(found[0], draw), text)


def towns(folded: str, like: str) -> tuple[str, ...]:
    """The towns to draw from for one: of the language in which it is known, or else written."""
    alone = folded.split()[:1]  # `Frankfurt am Main`
    languages = [
        each.language for name in (folded, *alone) for each in known().get(name, ()) if each.kind == "cities"
    ]
    language = next(iter(languages), "") or (like if like in pools() else written_in(like)) or "en"
    return pools()[language].get("cities") or pools()["en"]["cities"]
