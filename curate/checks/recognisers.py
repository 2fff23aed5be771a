"""Presidio, put together for rows of text: its pattern recognisers, ours beside them, no model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer
    from spacy.tokens import Doc

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
    teléfono móvil telefone telefono cellulare""".split()  # noqa: SIM905 - a list of words reads best as words
)
# any domain, for Presidio takes only those of registered suffixes, and a host within a firm is none
EMAIL = r"(?<![\w.%+\-])\w(?:[\w.%+'\-]{0,62}[\w%+\-])?@(?:[\w\-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w\-]|\.\w)"

# all lengths in use and small letters; both are held to their check digits afterwards
CARD = r"(?<![\w.+\-])\d(?:[ -]?\d){11,18}(?![\w-]|\.\d)"
IBAN = r"(?<!\w)[a-zA-Z]{2}\d{2}[a-zA-Z0-9]{11,30}(?!\w)"
SSN = r"(?<![\w.\-])(\d{3})([- ])\d{2}\2\d{4}(?![\w\-])"  # Presidio leaves out the well-known samples


@lru_cache(maxsize=4)
def analyzer(regions: tuple[str, ...]) -> AnalyzerEngine:
    """The engine for these phone regions, once a process. It never asks the network."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from spacy.language import Language

    # its default fetches the list of public suffixes from two hosts at the first e-mail address
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    if not Language.has_factory("seatrial_lemma"):
        Language.component("seatrial_lemma", func=_lemma)
    blank = spacy.blank("en")
    blank.add_pipe("seatrial_lemma")
    for word in PHONE_WORDS:  # `call` is a stop word to spaCy, and those are not taken for context
        for spelling in (word, word.title(), word.upper()):
            blank.vocab[spelling].is_stop = False
    engine = SpacyNlpEngine()
    engine.nlp = {"en": blank}  # in place of load(), which wants a model to download
    registry = RecognizerRegistry(recognizers=_recognisers(regions))
    # by default a word of context may be part of another: `cell` in `cellar`
    enhancer = LemmaContextAwareEnhancer(context_matching_mode="whole_word")
    return AnalyzerEngine(registry=registry, nlp_engine=engine, context_aware_enhancer=enhancer)


def _lemma(doc: Doc) -> Doc:
    """Give each word a lemma, itself: without one, words of context are never seen."""
    for token in doc:
        token.lemma_ = token.lower_
    return doc


def _recognisers(regions: tuple[str, ...]) -> list[EntityRecognizer]:
    """Presidio's own for all entities that can be asked for, and ours for telephones and e-mail."""
    from presidio_analyzer import predefined_recognizers as known

    words = list(PHONE_WORDS)  # without Presidio's `number`, which stands beside account numbers as well
    return [
        known.EmailRecognizer(),
        known.CreditCardRecognizer(),
        known.IbanRecognizer(),
        known.IpRecognizer(),
        known.MacAddressRecognizer(),
        known.UsSsnRecognizer(),
        known.CryptoRecognizer(),
        known.DateRecognizer(),
        known.UrlRecognizer(),
        known.UsBankRecognizer(),
        known.UsLicenseRecognizer(),
        known.UsItinRecognizer(),
        known.UsPassportRecognizer(),
        known.NhsRecognizer(),
        known.MedicalLicenseRecognizer(),
        known.UuidRecognizer(),
        known.PhoneRecognizer(supported_regions=regions, context=words),
        _by_form("PHONE_NUMBER", PHONES, words),
        _by_form("EMAIL_ADDRESS", [("any domain", EMAIL, 0.5)], []),
        _by_form("US_SSN", [("with separators", SSN, 0.3)], known.UsSsnRecognizer.CONTEXT),
        _by_form("CREDIT_CARD", [("any length", CARD, 0.3)], known.CreditCardRecognizer.CONTEXT),
        _by_form("IBAN_CODE", [("compact", IBAN, 0.9)], known.IbanRecognizer.CONTEXT),
    ]


def _by_form(entity: str, forms: Sequence[tuple[str, str, float]], words: list[str]) -> EntityRecognizer:
    """A recogniser of ours: (name, pattern, score) each, and the words of context that raise a score."""
    from presidio_analyzer import Pattern, PatternRecognizer

    return PatternRecognizer(
        supported_entity=entity,
        name=f"{entity} by form",
        patterns=[Pattern(*form) for form in forms],
        context=words or None,
    )
