"""One recogniser of Presidio, read: what its patterns find, by its own rules of validity."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from curate.checks.patterns.gate import Form
from curate.checks.patterns.shape import shape

if TYPE_CHECKING:
    from regex import Pattern as Compiled  # type: ignore[import-untyped]

Raw = tuple[int, int, float]  # start, end, score
Place = tuple[int, int]
Windows = dict["re.Pattern[str]", list[Place]]  # of one text: where each anchor stands

_BREAK = re.compile("[ \n\t\r]")  # white space to every engine


class Stated(Protocol):
    """A pattern as Presidio states it."""

    regex: str
    score: float


class Told(Protocol):
    """A result of Presidio."""

    start: int
    end: int
    score: float


class Recogniser(Protocol):
    """What is asked of a recogniser by form."""

    supported_entities: list[str]
    context: Sequence[str] | None
    patterns: Sequence[Stated]
    global_regex_flags: int

    def analyze(self, text: str, entities: list[str]) -> Sequence[Told] | None:
        """What the recogniser finds by itself."""

    def validate_result(self, pattern_text: str) -> bool | None:
        """Whether a value is valid; None where nobody can tell."""

    def invalidate_result(self, pattern_text: str) -> bool | None:
        """Whether a value is certainly not valid."""


class Reader:
    """A recogniser whose patterns are bits of the gate."""

    def __init__(self, recogniser: Recogniser, first_bit: int, threshold: float) -> None:
        """`first_bit` is that of its first pattern; `threshold` is the score that counts."""
        self.entity = recogniser.supported_entities[0]
        self.words = tuple(word.lower() for word in recogniser.context or ())
        flags = int(recogniser.global_regex_flags)
        self.forms = [Form(pattern.regex, flags) for pattern in recogniser.patterns]
        self._analyze = recogniser.analyze if _overrides(recogniser, "analyze") else None
        self._validate = recogniser.validate_result if _overrides(recogniser, "validate_result") else None
        self._invalidate = (
            recogniser.invalidate_result if _overrides(recogniser, "invalidate_result") else None
        )
        self._patterns: list[tuple[int, str, float, re.Pattern[str] | None]] = []
        self._flags = flags
        self._compiled: dict[int, Compiled] = {}  # by bit: most are never met
        self.mask = 0
        self.strong = 0  # the patterns that may reach the threshold without a word of context
        self.foreign = 0  # the patterns that an ASCII form may hide a match of
        for bit, pattern in enumerate(recogniser.patterns, first_bit):
            form = shape(pattern.regex, flags & int(re.IGNORECASE | re.MULTILINE | re.DOTALL))
            anchor = re.compile(form.anchor) if form.spaceless and form.anchor else None
            self._patterns.append((1 << bit, pattern.regex, pattern.score, anchor))
            self.mask |= 1 << bit
            self.foreign |= 0 if form.plain else 1 << bit
            if self._validate or self._analyze or pattern.score >= threshold:
                self.strong |= 1 << bit

    def read(self, text: str, bits: int, windows: Windows) -> list[Raw]:
        """What those of its patterns find whose bit is set, none within another of as high a score."""
        if self._analyze is not None:
            told = self._analyze(text=text, entities=[self.entity])
            return [(result.start, result.end, result.score) for result in told or ()]
        raw: list[Raw] = []
        for bit, pattern, stated, anchor in self._patterns:
            if bits & bit:
                compiled = self._compiled.get(bit) or self._compile(bit, pattern)
                for start, end in _spans(text, compiled, anchor, windows):
                    score = self._score(text[start:end], stated)
                    if score > 0:
                        raw.append((start, end, score))
        return distinct(raw)

    def _compile(self, bit: int, pattern: str) -> Compiled:
        """A pattern that is needed for the first time."""
        import regex

        compiled = self._compiled[bit] = regex.compile(pattern, self._flags)
        return compiled

    def _score(self, value: str, stated: float) -> float:
        """What a value is worth; 0 where it is not valid, and for the empty one."""
        score = stated
        if not value:
            return 0
        if self._validate is not None and (fits := self._validate(value)) is not None:
            score = 1.0 if fits else 0
        return 0 if self._invalidate is not None and self._invalidate(value) else score


def distinct(raw: list[Raw]) -> list[Raw]:
    """Results without those within another of an equal or higher score."""
    if len(raw) < 2:
        return raw
    kept: list[Raw] = []
    for start, end, score in sorted(set(raw), key=lambda one: (one[0], one[0] - one[1], -one[2])):
        if not any(a <= start and end <= b and score <= high for a, b, high in kept):
            kept.append((start, end, score))
    return kept


def _overrides(recogniser: Recogniser, method: str) -> bool:
    """Whether a recogniser has a method of its own in the place of the one of PatternRecognizer."""
    parents: dict[str, type[object]] = {parent.__name__: parent for parent in type(recogniser).__mro__}
    own: Callable[..., object] = getattr(type(recogniser), method)
    return own is not getattr(parents["PatternRecognizer"], method)


def _spans(
    text: str, compiled: Compiled, anchor: re.Pattern[str] | None, windows: Windows
) -> Iterator[Place]:
    """All matches; with an anchor only the stretches around it are searched, which finds the same."""
    if anchor is None:
        for match in compiled.finditer(text):
            yield match.span()
        return
    if anchor not in windows:
        windows[anchor] = list(_around(text, anchor))
    for begin, end in windows[anchor]:
        for match in compiled.finditer(text, begin, end):
            yield match.span()


def _around(text: str, anchor: re.Pattern[str]) -> Iterable[Place]:
    """The stretches without white space that hold an anchor, each with the white space after it."""
    done = 0
    while found := anchor.search(text, done):
        place = found.start()
        begin = max(done - 1, *(text.rfind(space, done, place) for space in " \n\t\r")) + 1
        stop = _BREAK.search(text, place)
        done = stop.end() if stop else len(text)
        yield begin, done
