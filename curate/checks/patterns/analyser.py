"""All recognisers by form in one pass, with the results of Presidio's AnalyzerEngine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, cast

from curate.checks.patterns.ascii_form import ascii_form
from curate.checks.patterns.context import Words
from curate.checks.patterns.gate import Form, gate
from curate.checks.patterns.phones import Phones
from curate.checks.patterns.reader import Raw, Reader, Recogniser, Windows, distinct

BOOST, AT_LEAST = 0.35, 0.4  # what a word of context adds, and the least score with one
IGNORECASE = 0x2
# digits as they stand in a telephone number, in the ASCII form of a text
_PHONE = r"\d(?:[\-x \x01\x0b_()\[\]/~.]{0,4}\d){%d}"


class Result(NamedTuple):
    """A place in a text, in characters, half open."""

    start: int
    end: int
    entity: str
    score: float


class PhoneRecogniser(Protocol):
    """Presidio's recogniser of telephone numbers."""

    supported_entities: list[str]
    supported_regions: Sequence[str]
    context: Sequence[str] | None
    leniency: int
    SCORE: float


class Dialled(NamedTuple):
    """A recogniser of telephone numbers and what finds them."""

    entity: str
    words: tuple[str, ...]
    score: float
    phones: Phones


class PatternAnalyser:
    """Finds what AnalyzerEngine finds with the same recognisers and a blank engine with lemmas.

    The recognisers are Presidio's objects: PatternRecognizer, what is derived from it, and
    PhoneRecognizer. Equal are start, end, entity and score of every result at or above the threshold,
    before any rule on results that overlap; explanations are not made.
    """

    def __init__(
        self,
        recognisers: Iterable[object],
        *,
        threshold: float = 0.4,
        whole_words: bool = False,
        never_stop: Iterable[str] = (),
        fast: bool | None = None,
        later: int = 0,
    ) -> None:
        """Compile all patterns.

        `whole_words` is Presidio's context_matching_mode; `never_stop` are stop words that count as
        words of context; `fast` asks for Hyperscan (extra `fast`) or for none, None takes it where it
        is, after `later` characters: the results are the same.
        """
        self.threshold = threshold
        self._whole_words = whole_words
        self._words = Words(frozenset(never_stop))
        self._readers: list[Reader] = []
        self._dialled: list[Dialled] = []
        forms: list[Form] = []
        for recogniser in recognisers:
            if hasattr(recogniser, "supported_regions"):
                self._dialled.append(_dialled(cast(PhoneRecogniser, recogniser)))
            else:
                reader = Reader(cast(Recogniser, recogniser), len(forms), threshold)
                forms += reader.forms
                self._readers.append(reader)
        self._phone_bit = 1 << len(forms) if self._dialled else 0
        least = min((one.phones.least for one in self._dialled), default=1)
        forms.append(Form(_PHONE % max(least - 1, 0), IGNORECASE))
        self._gate = gate(forms, fast=fast, later=later)
        self._all = (1 << len(forms)) - 1
        # an ASCII form cannot stand for what these tell apart
        self._foreign = sum(reader.foreign for reader in self._readers)

    def find(self, text: str) -> list[Result]:
        """All results in one text, in order of their place."""
        form = ascii_form(text)
        bits = self._all if form is None else self._gate(form)
        if form is not text:
            bits |= self._foreign
        if not bits:
            return []
        near = _Near(text, self._words, whole_words=self._whole_words)
        found: dict[str, list[Raw]] = {}
        windows: Windows = {}
        for reader in self._readers:
            hit = bits & reader.mask
            if hit and not (supported := near.mentions(reader.words)):
                hit &= reader.strong
            if hit and (raw := reader.read(text, hit, windows)):
                scored = self._scored(raw, near, reader.words if supported else ())
                found.setdefault(reader.entity, []).extend(scored)
        if bits & self._phone_bit:
            for one in self._dialled:
                raw = [(start, end, one.score) for start, end in one.phones.find(text)]
                words = one.words if raw and near.mentions(one.words) else ()
                found.setdefault(one.entity, []).extend(self._scored(raw, near, words))
        return sorted(
            Result(start, end, entity, score)
            for entity, raw in found.items()
            for start, end, score in distinct(raw)
        )

    def _scored(self, raw: list[Raw], near: _Near, words: tuple[str, ...]) -> list[Raw]:
        """The results that reach the threshold, with the words of context taken into account."""
        scored = []
        for start, end, stated in raw:
            score = stated
            if words and score < 1.0 and near.has(start, words):
                score = min(max(score + BOOST, AT_LEAST), 1.0)
            if score >= self.threshold:
                scored.append((start, end, score))
        return scored


class _Near:
    """What stands near the places of one text."""

    def __init__(self, text: str, words: Words, *, whole_words: bool) -> None:
        self._text = text
        self._words = words
        self._whole_words = whole_words
        self._lower: str | None = None
        self._known: dict[int, set[str]] = {}

    def mentions(self, words: tuple[str, ...]) -> bool:
        """Whether any of the words is in the text at all."""
        if self._lower is None:
            self._lower = self._text.lower()
        lower = self._lower
        return any(word in lower for word in words)

    def has(self, start: int, words: tuple[str, ...]) -> bool:
        """Whether any of the words stands close before a place."""
        near = self._known.get(start)
        if near is None:
            near = self._known[start] = self._words.near(self._text, start)
        if self._whole_words:
            return any(word in near for word in words)
        return any(word in one for word in words for one in near)


def _dialled(recogniser: PhoneRecogniser) -> Dialled:
    return Dialled(
        recogniser.supported_entities[0],
        tuple(word.lower() for word in recogniser.context or ()),
        recogniser.SCORE,
        Phones(tuple(recogniser.supported_regions), recogniser.leniency),
    )
