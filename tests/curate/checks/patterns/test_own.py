"""Our own recognisers are read as Presidio's are: AnalyzerEngine finds the same with them."""

from __future__ import annotations

import random
from importlib.util import find_spec

import pytest

from curate.checks.patterns import PatternAnalyser
from curate.checks.patterns.shape import shape, widened

# asked without importing it: that takes seconds, of each process that collects this file
pytestmark = pytest.mark.skipif(
    find_spec("presidio_analyzer") is None, reason="compares with presidio_analyzer"
)

FIELDS = (
    *(
        "NHC: 2569870",
        "N.H.C. 12345/2",
        "Nº Historia clínica: 553421",
        "NASS: 47 39047534 02",
        "nuss 281234567840",
    ),
    *("Número de Seguridad Social: 28/12345678/40", "CIP: ABCD 910101 123456", "CIP-SNS: BBBBBBBBQR648597"),
    *(
        "NºCol: 28 28 20943.",
        "Colegiado nº 28/12345",
        "n col 3.5",
        "Episodio: 2596123",
        "tarjeta sanitaria nº : AB1234567",
    ),
)
NOISE = ("", " ", "\n", "é", "º", "\u0131", ": ", "Dr. X ", "12 ", "nhc", "\u0663", "x" * 20, "2015 ", "—")


@pytest.fixture(name="ways", scope="module")
def _ways():
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    from curate.checks.recognisers import _ours

    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    recognisers = [one for one in _ours() if one.supported_entities[0].startswith("ES_")]
    engine = SpacyNlpEngine()
    engine.nlp = {"en": spacy.blank("en")}
    peer = AnalyzerEngine(registry=RecognizerRegistry(recognizers=recognisers), nlp_engine=engine)
    fast = [True, False] if _has_hyperscan() else [False]
    return peer, [PatternAnalyser(recognisers, fast=each) for each in fast]


def _has_hyperscan():
    return find_spec("hyperscan") is not None


def test_fields_are_read_alike_by_both(ways):
    peer, ours = ways
    draw = random.Random(11)
    hits = 0
    for _ in range(1_500):
        parts = [
            draw.choice(FIELDS) if draw.random() < 0.6 else draw.choice(NOISE)
            for _ in range(draw.randint(1, 5))
        ]
        text = draw.choice(NOISE).join(parts)
        told = sorted(
            (r.start, r.end, r.entity_type, r.score) for r in peer.analyze(text, "en", score_threshold=0.4)
        )
        hits += len(told)
        for way in ours:
            assert [tuple(one) for one in way.find(text)] == told, text
    assert hits > 1_000


def test_a_pattern_that_asks_for_a_lead_is_looked_for_with_it():
    assert widened(r"(?<=nhc: )\d{4}(?!\d)") == r"(?:nhc: )\d{4}(?!\d)"
    assert widened(r"(?<!x)\d+") == r"(?<!x)\d+"
    assert {frozenset("nN"), frozenset(":")} <= set(shape(r"(?<=nhc\s*: ?)\d{4}", 2).needs)
