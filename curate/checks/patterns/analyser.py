"""All pattern recognisers in one pass, with the results of Presidio's AnalyzerEngine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from curate.checks.patterns.ascii_form import ascii_form
from curate.checks.patterns.context import Words
from curate.checks.patterns.gate import Form, gate
from curate.checks.patterns.phones import Phones
from curate.checks.patterns.shape import shape

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer

BOOST, AT_LEAST = 0.35, 0.4  # what a word of context adds, and the least score with one


class Result(NamedTuple):
    """A place in a text, in characters, half open."""

    start: int
    end: int
    entity: str
    score: float


Raw = tuple[int, int, float]  # start, end, score
Windows = dict["re.Pattern[str]", list[tuple[int, int]]]


class Reader:
    """One recogniser: its patterns as bits of the gate, and what its words of context are."""

    def __init__(self, recogniser: Any, first_bit: int, threshold: float) -> None:
        self.entity: str = recogniser.supported_entities[0]
        self.words = tuple(word.lower() for word in recogniser.context or ())
        self.recogniser = recogniser
        self.patterns: list[tuple[int, Any, float, re.Pattern[str] | None]] = []
        self.mask = 0
        self.strong = 0  # the patterns that may reach the threshold without context
        self.by_itself = _overrides(recogniser, "analyze")
        validates = _overrides(recogniser, "validate_result")
        self.validate = recogniser.validate_result if validates else None
        invalidates = _overrides(recogniser, "invalidate_result")
        self.invalidate = recogniser.invalidate_result if invalidates else None
        import regex

        for bit, pattern in enumerate(recogniser.patterns, first_bit):
            flags = int(recogniser.global_regex_flags)
            compiled = regex.compile(pattern.regex, flags)
            form = shape(pattern.regex, flags & 0x1A)
            anchor = re.compile(form.anchor) if form.spaceless and form.anchor else None
            self.patterns.append((1 << bit, compiled, pattern.score, anchor))
            self.mask |= 1 << bit
            if validates or self.by_itself or pattern.score >= threshold:
                self.strong |= 1 << bit

    def read(self, text: str, bits: int, windows: Windows) -> list[Raw]:
        """What those of its patterns find whose bit is set, none within another of as high a score."""
        if self.by_itself:
            found = self.recogniser.analyze(text=text, entities=[self.entity], nlp_artifacts=None)
            return [(result.start, result.end, result.score) for result in found or ()]
        raw: list[Raw] = []
        for bit, compiled, stated, anchor in self.patterns:
            if bits & bit:
                for start, end in _spans(text, compiled, anchor, windows):
                    if start == end:
                        continue
                    score = stated
                    if self.validate is not None and (fits := self.validate(text[start:end])) is not None:
                        score = 1.0 if fits else 0
                    if self.invalidate is not None and self.invalidate(text[start:end]):
                        score = 0
                    if score > 0:
                        raw.append((start, end, score))
        return distinct(raw) if len(raw) > 1 else raw


_BREAK = re.compile("[ \\n\\t\\r]")


def _spans(
    text: str, compiled: Any, anchor: re.Pattern[str] | None, windows: Windows
) -> Iterator[tuple[int, int]]:
    if anchor is None:
        for match in compiled.finditer(text):
            yield match.span()
        return
    around = windows.get(anchor)
    if around is None:
        around = windows[anchor] = _around(text, anchor)
    for begin, end in around:
        for match in compiled.finditer(text, begin, end):
            yield match.span()


def _around(text: str, anchor: re.Pattern[str]) -> list[tuple[int, int]]:
    """The stretches without white space that hold an anchor, each with the white space after it."""
    found: list[tuple[int, int]] = []
    done = 0
    at = anchor.search(text)
    while at:
        place = at.start()
        begin = 1 + max(
            text.rfind(" ", done, place),
            text.rfind("\n", done, place),
            text.rfind("\t", done, place),
            text.rfind("\r", done, place),
            done - 1,
        )
        stop = _BREAK.search(text, place)
        done = stop.end() if stop else len(text)
        found.append((begin, done))
        at = anchor.search(text, done)
    return found


def _overrides(recogniser: Any, method: str) -> bool:
    """Whether a recogniser has a method of its own in the place of the one of PatternRecognizer."""
    parents = {parent.__name__: parent for parent in type(recogniser).__mro__}
    return getattr(type(recogniser), method) is not getattr(parents["PatternRecognizer"], method)


def distinct(raw: Iterable[Raw]) -> list[Raw]:
    """Results without those within another of an equal or higher score."""
    kept: list[Raw] = []
    for start, end, score in sorted(set(raw), key=lambda one: (one[0], one[0] - one[1], -one[2])):
        if not any(a <= start and end <= b and score <= high for a, b, high in kept):
            kept.append((start, end, score))
    return kept


class PatternAnalyser:
    """Finds what AnalyzerEngine finds with the same recognisers and a blank engine with lemmas."""

    def __init__(
        self,
        recognisers: Sequence[EntityRecognizer],
        *,
        threshold: float = 0.4,
        whole_words: bool = False,
        never_stop: Iterable[str] = (),
        fast: bool | None = None,
    ) -> None:
        self.threshold = threshold
        self.whole_words = whole_words
        self._words: Words | None = None
        self._never_stop = frozenset(never_stop)
        forms: list[Form] = []
        self._readers: list[Reader] = []
        self._phones: list[tuple[Phones, Any]] = []
        for recogniser in recognisers:
            if hasattr(recogniser, "supported_regions"):
                self._phones.append(
                    (Phones(tuple(recogniser.supported_regions), recogniser.leniency), recogniser)
                )
                continue
            reader = Reader(recogniser, len(forms), threshold)
            flags = int(recogniser.global_regex_flags)
            forms += [Form(pattern.regex, flags) for pattern in recogniser.patterns]
            self._readers.append(reader)
        self._phone_bit = 1 << len(forms)
        forms.append(Form(r"\d(?:[\-x \x01\x0b_()\[\]/~.]{0,4}\d){3}", 2))
        self._gate = gate(forms, fast=fast)
        self._all = (1 << len(forms)) - 1

    def find(self, text: str) -> list[Result]:
        form = ascii_form(text)
        bits = self._all if form is None else self._gate(form)
        if not bits:
            return []
        return self._find(text, bits)

    def _find(self, text: str, bits: int) -> list[Result]:
        lower: str | None = None
        found: dict[str, list[Raw]] = {}
        windows: Windows = {}
        for reader in self._readers:
            hit = bits & reader.mask
            if not hit:
                continue
            if lower is None:
                lower = text.lower()
            supported = any(word in lower for word in reader.words)
            if not supported:
                hit &= reader.strong
                if not hit:
                    continue
            raw = reader.read(text, hit, windows)
            if raw:
                found.setdefault(reader.entity, []).extend(self._scored(text, raw, reader.words, supported))
        if bits & self._phone_bit:
            for phones, recogniser in self._phones:
                raw = [(start, end, recogniser.SCORE) for start, end in phones.find(text)]
                if raw:
                    if lower is None:
                        lower = text.lower()
                    words = tuple(word.lower() for word in recogniser.context or ())
                    supported = any(word in lower for word in words)
                    found.setdefault(recogniser.supported_entities[0], []).extend(
                        self._scored(text, raw, words, supported)
                    )
        results = [
            Result(start, end, entity, score)
            for entity, raw in found.items()
            if raw
            for start, end, score in (distinct(raw) if len(raw) > 1 else raw)
        ]
        results.sort()
        return results

    def _scored(self, text: str, raw: list[Raw], words: tuple[str, ...], supported: bool) -> list[Raw]:
        """The results with a word of context taken into account that reach the threshold."""
        scored = []
        for start, end, score in raw:
            if supported and score < 1.0 and self._is_supported(text, start, words):
                score = min(max(score + BOOST, AT_LEAST), 1.0)
            if score >= self.threshold:
                scored.append((start, end, score))
        return scored

    def _is_supported(self, text: str, start: int, words: tuple[str, ...]) -> bool:
        if self._words is None:
            self._words = Words(self._never_stop)
        near = self._words.before(text, start)
        if self.whole_words:
            return any(word in near for word in words)
        return any(word in one for word in words for one in near)
