"""What personal data looks like: Presidio's recognisers by form, and ours beside them; no model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from curate.checks.patterns import PatternAnalyser
from curate.checks.patterns.presidio import classes, national

# Scores below 0.4 need a word of context beside them, which adds 0.35
PHONES = (
    # (name, pattern, score); phonenumbers, which Presidio asks, knows only numbers that may be in use
    (
        "international",
        r"(?<![\w+])\+(?=(?:[ ().\-/]{0,2}\d){8,15}(?!\d))\d{1,3}(?:[ .\-/]?\(?\d{1,5}\)?){2,7}(?![\w])",
        0.6,
    ),
    (
        "north american",
        r"(?<![\w.+\-/])(?:\+?1[-. ])?(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?:(?: ?x| ?ext\.? ?)\d{1,5})?(?![\w-])",
        0.5,
    ),
    ("area code in brackets", r"(?<![\w+])\(0?\d{2,5}\)[ /-]?\d{3,5}(?:[ -]?\d{2,5}){0,2}(?![\w-])", 0.5),
    ("in groups", r"(?<![\w.+\-/:])0?\d{2,5}[ /-]\d{2,5}(?:[ -]\d{2,5}){1,3}(?![\w-]|[.,:]\d)", 0.2),
    ("in a row", r"(?<![\w.+\-/:$€£])0?\d{7,12}(?![\w-]|[.,:]\d)", 0.1),
    (
        "two groups",
        r"(?<![\w.+\-/:])(?=(?:[ -]?\d){7,11}(?![ -]?\d))\d{2,5}[ -]\d{3,7}(?![\w-]|[.,:]\d)",
        0.1,
    ),
    ("local", r"(?<![\w.+\-/:])\d{3}-\d{4}(?![\w-])", 0.2),
)
PHONE_WORDS = tuple(
    """phone phones telephone cell cellphone mobile call calls called calling tel fax dial whatsapp sms ring reach
    contact office desk hotline registered answering telefon handy mobil rufnummer anrufen anruf téléphone tél portable
    teléfono móvil telefone telefono cellulare tfno telf tlf telefax""".split()  # noqa: SIM905 - a list of words reads best as words
)
# any domain, for Presidio takes only those of registered suffixes, and a host within a firm is none
EMAIL = r"(?<![\w.%+\-])\w(?:[\w.%+'\-]{0,62}[\w%+\-])?@(?:[\w\-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w\-]|\.\w)"

# all lengths in use and small letters; both are held to their check digits afterwards
CARD = r"(?<![\w.+\-])\d(?:[ -]?\d){11,18}(?![\w-]|\.\d)"
IBAN = r"(?<!\w)[a-zA-Z]{2}\d{2}[a-zA-Z0-9]{11,30}(?!\w)"
# months by name; Presidio knows dates in figures
MONTHS = "enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre"
DATES = (
    (
        "day and month",
        rf"(?<!\w)(?:[12]?\d|3[01])(?:º|er)? de (?:{MONTHS})(?: (?:de|del)(?: año)? \d{{4}})?(?!\w)",
        0.6,
    ),
    ("month and year", rf"(?<!\w)(?:{MONTHS}) (?:de |del )?(?:año )?(?:19|20)\d\d(?!\w)", 0.6),
    ("with hyphens", rf"(?<!\w)(?:[12]?\d|3[01])-(?:{MONTHS})-\d{{4}}(?!\w)", 0.6),
)
# Numbers of Spanish health care, known by the name of the field in front of them and by nothing else
_NO = r"(?:n(?:\S{0,2}|\wm(?:ero)?)[ \t]*(?:de[ \t]+)?)"
_IS = r"\.?[ \t]*[:#]?[ \t]*"
FIELDS = {
    "ES_HEALTH_RECORD": (  # of a patient's history, of a stay in hospital
        rf"(?<=\b(?:N\.?H\.?C|{_NO}?(?:historia[ \t]+cl\wnica|episodio)(?:[ \t]+{_NO})?){_IS})"
        r"(?:[A-Z]{1,3}[-/]?)?\d{4,12}(?:[-/]\d{1,4})?(?![\w/]|[.,]\d)"
    ),
    "ES_SOCIAL_SECURITY": (
        rf"(?<=\b(?:N\.?A?\.?S\.?S|NUSS|NAF|{_NO}?(?:afiliaci\wn|seguridad[ \t]+social)(?:[ \t]+{_NO})?){_IS})"
        r"\d(?:[ /-]?\d){9,12}(?![\w/]|[.,]\d)"
    ),
    "ES_HEALTH_CARD": (
        rf"(?<=\b(?:CIP(?:A|-?SNS|-?AUT)?|TSI|tarjeta[ \t]+sanitaria(?:[ \t]+{_NO})?)\.?[ \t]*:[ \t]*)"
        r"(?=(?:[A-Z -]*\d){6})[A-Z0-9]+(?:[ -][A-Z0-9]*\d[A-Z0-9]*){0,4}(?!\w)"
    ),
    "ES_COLLEGIATE": (  # of a doctor or nurse, given by the professional association
        rf"(?<=\b(?:{_NO}col(?:egiad[oa]|egiaci\wn|eg)?|col(?:egiad[oa]|eg)?\.?[ \t]*n(?:\S{{0,2}}|\wm)|colegiad[oa]){_IS})"
        r"\d(?:[ ./-]?\d){4,11}(?![\w/]|[.,]\d)"
    ),
}
SSN = r"(?<![\w.\-])(\d{3})([- ])\d{2}\2\d{4}(?![\w\-])"  # Presidio leaves out the well-known samples


FEW = 800_000  # characters: fewer are read without Hyperscan sooner than it is compiled (.6 us each, .5 s)
COUNTRIES = tuple("au ca de es fi in it kr ng ph pl se sg th tr uk us za".split())  # noqa: SIM905 - as above
PRESIDIO = (  # its class for each entity that can be asked for
    "EmailRecognizer",
    "CreditCardRecognizer",
    "IbanRecognizer",
    "IpRecognizer",
    "MacAddressRecognizer",
    "UsSsnRecognizer",
    "CryptoRecognizer",
    "DateRecognizer",
    "UrlRecognizer",
    "UsBankRecognizer",
    "UsLicenseRecognizer",
    "UsItinRecognizer",
    "UsPassportRecognizer",
    "NhsRecognizer",
    "MedicalLicenseRecognizer",
    "UuidRecognizer",
)


@lru_cache(maxsize=8)
def analyser(
    regions: tuple[str, ...],
    entities: tuple[str, ...],
    countries: tuple[str, ...] = (),
    threshold: float = 0.4,
    fast: bool | None = None,
) -> PatternAnalyser:
    """What finds these entities and the national numbers of these countries, once a process.

    `regions` are those of telephone numbers, `fast` is about Hyperscan: as in `curate.checks.patterns`; None
    takes it from FEW characters on.
    """
    wanted = [
        one for one in (*_known(), *_phones(regions), *_ours()) if one.supported_entities[0] in entities
    ]
    # by default a word of context may be part of another: `cell` in `cellar`; and `call` is a stop word
    return PatternAnalyser(
        [*wanted, *(one() for country in countries for one in national()[country])],
        threshold=threshold,
        whole_words=True,
        never_stop=PHONE_WORDS,
        fast=fast,
        later=0 if fast else FEW,
    )


def _known() -> list[Any]:
    _stay_at_home()
    return [classes()[name]() for name in PRESIDIO]


def _stay_at_home() -> None:
    """Keep Presidio's check of e-mail domains from fetching the list of suffixes from two hosts."""
    import tldextract

    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


def _phones(regions: tuple[str, ...]) -> list[Any]:
    words = list(PHONE_WORDS)  # without Presidio's `number`, which stands beside account numbers as well
    return [
        classes()["PhoneRecognizer"](supported_regions=regions, context=words),
        _by_form("PHONE_NUMBER", PHONES, words),
    ]


def _ours() -> list[Any]:
    known = classes()
    return [
        _by_form("EMAIL_ADDRESS", [("any domain", EMAIL, 0.5)], []),
        _by_form("US_SSN", [("with separators", SSN, 0.3)], known["UsSsnRecognizer"].CONTEXT),
        _by_form("CREDIT_CARD", [("any length", CARD, 0.3)], known["CreditCardRecognizer"].CONTEXT),
        _by_form("DATE_TIME", DATES, []),
        *(_by_form(entity, [("after its field", form, 0.85)], []) for entity, form in FIELDS.items()),
        _by_form("IBAN_CODE", [("compact", IBAN, 0.9)], known["IbanRecognizer"].CONTEXT),
    ]


def _by_form(entity: str, forms: Sequence[tuple[str, str, float]], words: list[str]) -> object:
    """A recogniser of ours: (name, pattern, score) each, and the words of context that raise a score."""
    known = classes()
    return known["PatternRecognizer"](
        supported_entity=entity,
        name=f"{entity} by form",
        patterns=[known["Pattern"](*form) for form in forms],
        context=words or None,
    )
