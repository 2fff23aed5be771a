"""How fast personal data is found by form, beside Presidio's AnalyzerEngine, and whether it is the same."""

from __future__ import annotations

import logging
import resource
import statistics
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.pii_texts import KINDS, made, read, spliced

if TYPE_CHECKING:
    import polars as pl
    from presidio_analyzer import AnalyzerEngine
    from spacy.tokens import Doc

    from curate.checks.patterns import PatternAnalyser

NAME = "pii-speed"
HELP = "pattern recognisers against AnalyzerEngine (CPU, equal results), and the whole check"

ROUNDS = 5
MIXED = 110_000  # characters of each kind, over all rounds
CLEAN = 600_000
TEXTS, FUZZED = 9_000, 4_200
THRESHOLD = 0.4
RECOGNISERS = """CreditCard Crypto Date Email Iban Ip MacAddress MedicalLicense Nhs Phone Url UsBank UsItin UsLicense
UsPassport UsSsn Uuid""".split()  # noqa: SIM905 - what Presidio loads for English

Found = list[tuple[int, int, str, float]]


def _cpu() -> float:
    """User-CPU seconds of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def engines() -> tuple[PatternAnalyser, AnalyzerEngine]:
    """Ours and the peer, with the very same recogniser objects and without a language model."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, predefined_recognizers
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from spacy.language import Language

    from curate.checks.patterns import PatternAnalyser

    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)
    # without this the peer asks two hosts at the first e-mail address
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    if not Language.has_factory("benchmark_lemma"):
        Language.component("benchmark_lemma", func=_lemma)
    blank = spacy.blank("en")
    blank.add_pipe("benchmark_lemma")  # without lemmas no word of context counts
    engine = SpacyNlpEngine()
    engine.nlp = {"en": blank}
    recognisers = [getattr(predefined_recognizers, f"{name}Recognizer")() for name in RECOGNISERS]
    registry = RecognizerRegistry(recognizers=recognisers)
    return PatternAnalyser(recognisers), AnalyzerEngine(registry=registry, nlp_engine=engine)


def _lemma(doc: Doc) -> Doc:
    for token in doc:
        token.lemma_ = token.lower_
    return doc


def _timed(texts: Sequence[str], ours: PatternAnalyser, peer: AnalyzerEngine, turn: int) -> float:
    """How many times the CPU of ours the peer takes; they take turns at being first."""
    ways: list[Callable[[str], object]] = [
        ours.find,
        lambda text: peer.analyze(text, "en", score_threshold=THRESHOLD),
    ]
    spent = [0.0, 0.0]
    for which in (0, 1) if turn % 2 else (1, 0):
        began = _cpu()
        for text in texts:
            ways[which](text)
        spent[which] = _cpu() - began
    return spent[1] / spent[0]


def _peers(peer: AnalyzerEngine, text: str) -> Found:
    results = peer.analyze(text, "en", score_threshold=THRESHOLD)
    return sorted((one.start, one.end, one.entity_type, one.score) for one in results)


def _differs(text: str, ours: PatternAnalyser, peer: AnalyzerEngine) -> bool:
    return [tuple(result) for result in ours.find(text)] != _peers(peer, text)


def _rounds(texts: Sequence[str], characters: int, rounds: int) -> list[list[str]]:
    """Texts dealt out to rounds of equal characters, none to two of them."""
    dealt: list[list[str]] = [[] for _ in range(rounds)]
    sizes = [0] * rounds
    for text in texts:
        least = min(range(rounds), key=sizes.__getitem__)
        if sizes[least] >= characters / rounds:
            break
        dealt[least].append(text)
        sizes[least] += len(text)
    return dealt


def _ratios(texts: dict[str, list[str]], ours: PatternAnalyser, peer: AnalyzerEngine) -> tuple[float, float]:
    """(mixed, clean): medians over rounds; no text is seen twice, so that nothing is remembered."""
    warm = [text for kind in KINDS for text in texts[kind][-40:]]
    _timed(warm, ours, peer, 0)
    dealt = {kind: _rounds(texts[kind][:-40], MIXED, ROUNDS) for kind in KINDS}
    mixed = []
    for turn in range(ROUNDS):
        mixed.append(_timed([text for kind in KINDS for text in dealt[kind][turn]], ours, peer, turn))
    seen = {text for part in dealt["chat"] for text in part}
    others = [text for text in texts["chat"][:-40] if text not in seen]
    size = 0
    clean: list[str] = []
    for text in others:  # clean is what the peer finds nothing in
        if size >= CLEAN:
            break
        if not _peers(peer, text):
            clean.append(text)
            size += len(text)
    each = [_timed(clean[turn::ROUNDS], ours, peer, turn) for turn in range(ROUNDS)]
    return statistics.median(mixed), statistics.median(each)


def _whole_check(texts: dict[str, list[str]], characters: int) -> float:
    """Characters a CPU second of the check as a user gets it: names, patterns, keys, overlaps."""
    from curate.checks.pii import Pii
    from curate.checks.recognisers import FEW
    from curate.example import frame, with_ids

    def table(some: Sequence[str]) -> pl.DataFrame:
        turns = [
            {"role": "user", "content": text, "name": None, "tool_calls": None, "tool_call_id": None}
            for text in some
        ]
        rows = [
            {"source": "a", "source_row": at, "meta": "{}", "messages": [turn]}
            for at, turn in enumerate(turns, 1)
        ]
        return with_ids(frame(rows), [str(at) for at in range(len(rows))])

    check = Pii()
    # what is made once a process (compiled patterns, weights) is made before, on texts not timed
    warm = [text for kind in KINDS for text in texts[kind][-40:]]
    for turn in range(FEW // sum(map(len, warm)) + 1):  # numbered: texts that are known are not read again
        check.scan(table([f"{turn} {text}" for text in warm]))
    some = [
        text for kind in KINDS for part in _rounds(texts[kind][:-40], characters // 3, 1) for text in part
    ]
    batch = table(some)
    began = _cpu()
    check.scan(batch)
    return sum(map(len, some)) / (_cpu() - began)


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Texts of `data`, or made ones; with `quick` only ours, on a few texts."""
    size = 8_000 if quick else 1_300_000
    texts = {kind: read(data, kind) if data else made(kind, size) for kind in KINDS}
    names = (
        "cpu_ratio_presidio", "cpu_ratio_clean", "differing_texts", "texts", "fuzzed", "full_chars_per_cpu_second",
    )  # fmt: skip
    figures: dict[str, float | None] = dict.fromkeys(names)
    if quick:
        few = [text for kind in KINDS for text in texts[kind][:20]]
        figures |= {"texts": float(len(few)), "fuzzed": float(sum(1 for _ in spliced(few, 20)))}
        why = {
            name: "quick: the peer and the tagger take long to load"
            for name in names
            if figures[name] is None
        }
        return figures, why, {}, len(few)
    ours, peer = engines()
    mixed, clean = _ratios(texts, ours, peer)
    # a share of each kind, at least, whatever their lengths
    compared = [text for kind in KINDS for text in texts[kind][: TEXTS // len(KINDS)]]
    compared += [text for kind in KINDS for text in texts[kind][TEXTS // len(KINDS) :]][
        : max(0, TEXTS - len(compared))
    ]
    fuzzed = list(spliced(compared, FUZZED))
    figures |= {
        "cpu_ratio_presidio": mixed,
        "cpu_ratio_clean": clean,
        "differing_texts": float(sum(_differs(text, ours, peer) for text in (*compared, *fuzzed))),
        "texts": float(len(compared)),
        "fuzzed": float(len(fuzzed)),
        "full_chars_per_cpu_second": _whole_check(texts, 3 * MIXED),
    }
    peers = {"presidio-analyzer": version("presidio-analyzer"), "spacy": version("spacy")}
    return figures, {}, peers, len(compared) + len(fuzzed)
