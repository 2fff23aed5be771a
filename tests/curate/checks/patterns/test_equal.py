"""The analyser finds what AnalyzerEngine finds, with Hyperscan and without, and asks no host."""

from __future__ import annotations

import random
import socket
from importlib.util import find_spec

import pytest

from curate.checks.patterns import PatternAnalyser

# asked without importing it: that takes seconds, of each process that collects this file
pytestmark = pytest.mark.skipif(
    find_spec("presidio_analyzer") is None, reason="compares with presidio_analyzer"
)

NAMES = """CreditCard Crypto Date Email Iban Ip MacAddress MedicalLicense Nhs Phone Url UsBank UsItin UsLicense
UsPassport UsSsn Uuid""".split()  # noqa: SIM905 - a list of words reads best as words
VALUES = (
    "Call me at (212) 555-0199 or +49 30 1234567",
    "phone 415.555.0132 ext. 12, fax 01 23 45 67 89",
    "write to mia.o'neil+x@mail.example.com now",
    "https://www.post.example.org/a?b=c#d and post.co.uk",
    "card 4111 1111 1111 1111 or 5500-0000-0000-0004",
    "DE89 3704 0044 0532 0130 00 2 days from today, my iban",
    "ssn 536-90-4399, social security 536904399",
    "born 12/31/1999, on 2020-01-01T10:10:10Z, 31-Jan-2001 and 3/24, update 5/30",
    "hosts 192.168.1.4/24 2001:db8::8a2e:1 ::ffff:1.2.3.4 ::1",
    "mac 00:1A:2B:3C:4D:5E, 0012.3456.789A",
    "bank account 1234567890, driver license A1234567, us passport 912345678",
    "uuid 123e4567-e89b-12d3-a456-426614174000, itin 912-70-1234, NHS 401-023-2137",
    "wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "the content of https://www.example.org is request('https://www.example-website.org')",
    "medical certificate AB1234563 of the DEA",
    "increase the limit on my card # 4900948022576220 please",
    "12 + 34 = 46, 1,000 - 250 = 750 and 0.25 * 4 = 1.00 on 2015-2016",
    "def f(a: int) -> list[int]: return [1, 22, 333][a::b]  # v1.2.3.4",
)
ODD = (
    *("\u0130", "\u0131", "\u017f", "\u212a", "\u0301", "\r\n", "\x1c", "\x85", "\xa0", "\u3000", "\u200b"),
    *("\U0001f600", "\U0001f469\u200d\U0001f467", "\u00b2", "\u0663", "\uff11", "\uff1a", "\uff20", "\x00"),
    *(
        "e\u0301",
        ":",
        "x):us",
        "us:",
        ":the:",
        " ext. ",
        " x ",
        "#",
        " int ",
        "~",
        "\u0434\u043e\u0431",
        "anexo",
    ),
    *("+", "\uff0b", "(", ")", "[", "%", "$", "\u20ac", "/", ".", "-", "_", "=", '"', "00", "011", "+49 "),
    *(" phone ", " number: ", " us ", " bank ", " card ", "ssn ", "date ", "9" * 30, "1 " * 30, "12-" * 12),
    *(" " * 70, "\n\n", "be ", "-PRON-", ":)", "o_o", "U.S.", "don't", "@", ".com", "http://"),
)


@pytest.fixture(name="peer", scope="module")
def _peer():
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, predefined_recognizers
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from spacy.language import Language

    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    if not Language.has_factory("test_lemma"):
        Language.component("test_lemma", func=_lemma)
    blank = spacy.blank("en")
    blank.add_pipe("test_lemma")
    engine = SpacyNlpEngine()
    engine.nlp = {"en": blank}
    recognisers = [getattr(predefined_recognizers, f"{name}Recognizer")() for name in NAMES]
    return AnalyzerEngine(registry=RecognizerRegistry(recognizers=recognisers), nlp_engine=engine)


def _lemma(doc):
    for token in doc:
        token.lemma_ = token.lower_
    return doc


@pytest.fixture(name="ways", scope="module")
def _ways(peer):
    pytest.importorskip("hyperscan")
    return [PatternAnalyser(peer.registry.recognizers, fast=fast) for fast in (True, False)]


def told(peer, text):
    results = peer.analyze(text, "en", score_threshold=0.4)
    return sorted((one.start, one.end, one.entity_type, one.score) for one in results)


def spliced(seed: int, count: int):
    draw = random.Random(seed)
    for _ in range(count):
        parts = []
        for _ in range(draw.randint(1, 4)):
            text = draw.choice(VALUES)
            at = draw.randrange(len(text)) if draw.random() < 0.5 else 0
            parts += [text[at : at + draw.randint(5, 90)], draw.choice(ODD) if draw.random() < 0.8 else " "]
        whole = "".join(parts)
        if draw.random() < 0.3:
            letters = "0123456789.-:@/ aAxX+()"
            whole = "".join(char if draw.random() > 0.03 else draw.choice(letters) for char in whole)
        yield whole


@pytest.mark.parametrize("text", VALUES)
def test_each_kind_of_value_is_found_alike(peer, ways, text):
    assert [[tuple(one) for one in way.find(text)] for way in ways] == [told(peer, text)] * 2


def test_the_values_are_of_all_kinds(ways):
    found = {one.entity for text in VALUES for one in ways[0].find(text)}
    assert len(found) == len(NAMES)


@pytest.mark.parametrize("seed", range(4))
def test_spliced_and_odd_texts_give_equal_results(peer, ways, seed):
    for text in spliced(seed, 150):
        wanted = told(peer, text)
        for way in ways:
            assert [tuple(one) for one in way.find(text)] == wanted, text


def test_a_long_text_is_read_as_a_short_one(peer, ways):
    text = " ".join((*VALUES, "lorem ipsum, 12 of 340; ")) * 12
    for way in ways:
        assert [tuple(one) for one in way.find(text)] == told(peer, text)


def test_offsets_are_characters_not_bytes(ways):
    text = "\U0001f469\u200d\U0001f467 żółw \u3000 mia@mail.example.com"
    for way in ways:
        [found] = [one for one in way.find(text) if one.entity == "EMAIL_ADDRESS"]
        assert text[found.start : found.end] == "mia@mail.example.com"


def test_no_host_is_asked(monkeypatch, ways):
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for way in ways:
        assert [one.entity for text in VALUES for one in way.find(text)]
