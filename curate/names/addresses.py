"""Postal addresses made whole: their parts joined, the numbers beside them taken in."""

from __future__ import annotations

import re

from curate.names.span import Span
from curate.names.tokens import BIT, Lexicon

# Between two parts of one address stand marks, and at most one number, of a flat or a postal code
_BETWEEN = re.compile(
    r"[\s,.;#/-]*(?:(?:apt|apartment|suite|ste|unit|flat|floor|room|box|bldg|no|nr)?[\s.#]*"
    r"(?:\d{3}[ ]\d{2}|[A-Za-z]?\d{1,6}[A-Za-z]?)[\s,.;#/-]*)?\Z",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\n\s*(?:\d+[.)]|[-*])\s")  # the next line of a list is no part of an address
_NUMBER_BEFORE = re.compile(r"(?<![\w$€£.,:/-])\d{1,6}(?:[A-Za-z]|[ ](?:bis|ter|quater))?,?[ ]\Z")
# of a number that begins an address: `Flat 3`, `Plot 7`, `B-12`
_UNIT_BEFORE = re.compile(
    r"(?<!\w)(?:(?i:flat|apt\.?|apartment|unit|suite|plot|house no\.?|block|door no\.?)[ ]|[A-Z]-)\Z"
)
# of `ul. Prosta 5/12`, of which the tagger took `/12` for the beginning
_STREET_BEFORE = re.compile(r"(?:[^\W\d_]{1,4}\.[ ])?(?:[^\W\d_a-z][\w'’-]*[ ]){1,4}\d{1,5}[A-Za-z]?\Z")
_CODE = re.compile(r"\d{3} \d\d|\d{3}-\d{4}|\d\d-\d{3}|\d{4,6}")
_TO_CODE = re.compile(r",?[ ]\Z")
_CODE_AFTER = re.compile(
    r",?(?:[ ]|[ ]*\n[ ]*)(?:[A-Z]{2}(?:[ ]|[ ]*\n[ ]*))?(?:\d{3}-\d{4}|\d{4,6}(?:-\d{4})?)(?![\w.,:/%-]*\d)\b"
)
_ROAD = BIT["ending"] | BIT["road"]
LONGEST = 14  # characters between two parts of one address
LEAD = 48  # characters before an address that may say that it is one
_WORD = re.compile(r"[^\W\d_]+")

# a house's number, a box's, a postal code: no part of an identifier (`SHA-256`, `GH#16402`), of a sum or a size
_NUMBER = re.compile(
    r"(?<![\w.,])(?<!\w[#-])#?(?!000)\d{1,6}(?:[ ]?[A-Za-z](?![\w]))?(?:[-/]\d{1,5}[A-Za-z]?)*(?![\w%])(?! ?(?:GB|MB|km|kg|%))"
    r"|(?<!\w)[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}(?!\w)|(?<!\w)[A-Z]\d[A-Z] ?\d[A-Z]\d(?!\w)"
)
_LIST = re.compile(r"\n\s*\d+[.)](?:\s|\Z)")  # a numbered list of places is no address
_YEARS = re.compile(
    r"(?:[^\W\d_]+(?: et al\.?)?,? (?:1[89]|20)\d\d[a-z]?(?!\w)[,;.\s]*){2}"
)  # of works: `Sweet 1981, Lee 1990`
# words of streets, beyond the lists: of languages whose street is a word of its own, and where it ends one
_STREETS = frozenset(
    "street st road rd avenue ave av lane ln drive dr boulevard blvd bd way court ct place pl square sq terrace crescent close highway hwy parkway"  # noqa: SIM905
    " pkwy row walk mews gardens grove quay wharf broadway box suite ste apt apartment flat unit floor rue chemin allée allées impasse quai cours"
    " route faubourg sentier villa via viale vicolo piazza piazzale corso largo strada contrada calle c carrer cl cra av avda avinguda plaza plaça pza paseo passeig"
    " pº ronda carretera ctra camino travesía glorieta rambla rua r praça travessa alameda estrada rodovia ul ulica al aleja aleje pl plac os osiedle"
    " utca út útja tér ulice náměstí třída nám strada str bulevardul calea piața aleea caddesi cad sokak sok sokağı mah mahallesi bulvarı gatan vägen"
    " väg gata gade vej allé stræde plads gata veien vei jalan jl straat laan weg gracht plein kade straße strasse gasse platz allee ring ufer damm hof postfach am an im auf"
    " psc fpo apo dpo postbox piazzetta c/ bp boîte apartado casilla caixa ulitsa улица ул проспект пр переулок пер".split()
)
_UNSURE = frozenset(
    (
        "am",
        "an",
        "im",
        "auf",
        "al",
        "c",
        "r",
        "hof",
        "os",
        "way",
        "row",
        "close",
        "drive",
        "walk",
        "place",
        "court",
        "unit",
        "floor",
        "box",
        "str",
        "via",
    )
)
_ENDS = re.compile(
    r"(?:stra(?:ß|ss)e|str|gasse|weg|platz|allee|ufer|damm|chaussee|promenade|straat|laan|gracht|plein|kade|dijk|steeg|singel|gatan|vägen|gränd"
    r"|torget|gaten|gata|veien|gade|vej|vænget|stræde|katu|tie|polku|kuja|utca)\Z"
)
_SAID = re.compile(
    r"(?i)\b(?:address|addresse|adres|adresse|anschrift|dirección|direccion|domicilio|indirizzo|endereço|morada|lives? (?:at|in)|living at|living in|reside[sd]? (?:at|in)"
    r"|residing at|located at|(?:ship|deliver|send|mail|sent|shipped|delivered|moved|move)(?:ed)?(?: (?:it|them|this|that))? to|ship(?:ped|ping)? (?:it )?to|bill(?:ed)? to|wohnhaft|wohne?t?|habite|demeurant|résidant"
    r"|vive en|vivo en|reside en|residente|abita|abito|mora|moro|woont|woonachtig|bor på|bor i|home|house|office at|meet(?: me)? at)\b[^.!?\n]{0,24}\n?\s*\Z"
)


_NAME_AND_NUMBER = re.compile(
    r"(\d{1,5},?\s+)?(?:\d{1,5},?\s+)?(?:[^\W\d_a-z][^\W\d_A-Z]+\.?\s+){1,4}\d{2,4}[A-Za-z]?(?:\s*[,\n].*)?\Z",
    re.DOTALL,
)
_AT = re.compile(r"\b(?:at|on|to|of|and|from)[ \t]+(?:\d{1,5},?[ \t]+)?\Z")
_TOWNS = BIT["big_city"] | BIT["country"] | BIT["state"]
# a postal code, or a number in a part of its own
_POSTAL = re.compile(
    r"(?<![\w.,-])(?!(?:19|20)\d\d(?!\d))\d{4,6}(?!\w)|(?<!\d)\d{3}-\d{4}(?!\d)|[A-Z]\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d[A-Za-z]?\s*[,\n]|[,\n]\s*\d"
)
_COMMON = sum(BIT[name] for name in ("english_300", "english_1500", "english_5000", "english_15000"))


def is_address(value: str, before: str, after: str, lexicon: Lexicon) -> bool:
    """Whether a place is where somebody lives or works: a number, and what makes it a street, a box or a town.

    "19 Stunden lang" and "57 Tagen" have a number and a noun, as streets have, and are none: beside the number
    stands the word or the ending of a street in some language, or a known town, region or country, or what
    stands before it (`before`; `after` it, two characters are enough) says that an address follows.
    """
    if not _NUMBER.search(value) or _LIST.search(value) or _YEARS.match(value):
        return False
    words = [word for word in _WORD.findall(value) if len(word) > 1 or word in "CRcr"]
    if not any(len(word) > 2 for word in words):
        return False
    if any(_of_street(word, lexicon) for word in words):
        return True
    if (
        _POSTAL.search(value)
        and any(word[0].isupper() and len(word) > 2 and lexicon.flags(word) & _TOWNS for word in words)
        and not any(word.islower() and len(word) > 3 for word in words)
    ):
        return True
    if re.match(r"[.,]\d", after) and value[-1:].isdigit():  # a section's number, a sum
        return False
    if _SAID.search(before):
        return True
    # "at Allika 46": a street of another language, whose word nobody here knows
    return bool(
        (found := _NAME_AND_NUMBER.match(value))
        and (found[1] or _AT.search(before) or "\n" in value)
        and not any(lexicon.flags(word) & _COMMON for word in words)
    )


def _of_street(word: str, lexicon: Lexicon) -> bool:
    """Whether a word is one of streets or ends as one."""
    small = word.lower()
    if small in _STREETS:
        return small not in _UNSURE or word[0].isupper()
    ends = _ENDS.search(small)
    return bool(ends and ends.start() > 2) or bool(word[0].isupper() and lexicon.flags(word) & _ROAD)


def whole(spans: list[Span], text: str, lexicon: Lexicon, *, codes: bool = True) -> list[Span]:
    """The spans with the parts of each address as one LOCATION, and with `codes` the number that follows it as its postal code."""
    made: list[Span] = []
    for at, span in enumerate(spans):
        if codes and made and _is_code(span, made[-1], text):
            made[-1] = made[-1]._replace(end=span.end)
            continue
        if span.label != "LOCATION":
            made.append(span)
            continue
        _, end, kind, score = span
        start = _begun(span, text, made[-1].end if made else 0, lexicon)
        if made and made[-1].label == "LOCATION" and _one(text, made[-1], start):
            first = made.pop()
            start, score = first.start, round((first.score + score) / 2, 3)
        if any(map(str.isdigit, text[start:end])):
            ceiling = spans[at + 1].start if at + 1 < len(spans) else len(text)
            after = _CODE_AFTER.match(text, end, ceiling)
            end = after.end() if after else end
        made.append(Span(start, end, kind, score))
    return made


def _begun(span: Span, text: str, floor: int, lexicon: Lexicon) -> int:
    """Where an address begins with its number and what the number is of: `Flat 3`."""
    start, value = span.start, text[span.start : span.end]
    if not value[0].isdigit() and (any(map(str.isdigit, value)) or _is_road(value, lexicon)):
        before = _NUMBER_BEFORE.search(text, floor, start)
        start = before.start() if before else start
    elif value[0] == "/":
        street = _STREET_BEFORE.search(text, max(floor, start - LEAD), start)
        start = street.start() if street else start
    unit = _UNIT_BEFORE.search(text, max(floor, start - LEAD), start) if text[start].isdigit() else None
    return unit.start() if unit else start


def _is_code(span: Span, last: Span, text: str) -> bool:
    """Whether a number is the postal code of the address just before it."""
    return (
        span.label in ("ZIP_CODE", "PHONE_NUMBER")
        and last.label == "LOCATION"
        and any(map(str.isdigit, text[last.start : last.end]))
        and _TO_CODE.fullmatch(text, last.end, span.start) is not None
        and _CODE.fullmatch(text, span.start, span.end) is not None
    )


def _one(text: str, first: Span, start: int) -> bool:
    """Whether a place that begins at `start` goes on with the address before it."""
    between = text[first[1] : start]
    is_address = any(map(str.isdigit, text[first[0] : first[1]]))
    return (
        is_address
        and len(between) <= LONGEST
        and "\n\n" not in between
        and _BETWEEN.match(between) is not None
    )


def _is_road(value: str, lexicon: Lexicon) -> bool:
    """Whether a name ends or begins as streets do."""
    words = _WORD.findall(value.partition(",")[0])  # what follows is the town
    return (
        bool(words) and bool((lexicon.flags(words[-1]) | lexicon.flags(words[0])) & _ROAD) and len(words) > 1
    )
