"""What of a row is asked: its question, the options to choose from, its pieces, numbers and language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

import polars as pl

from curate.checks.wording import is_unspaced, normalise, without_gaps, wordings

PIECE = 700  # characters given to an encoder at once: what most read before they cut off
MOST_PIECES = 64  # of a row; what stands behind them is compared by wording alone
MOST_OPTIONS = 10
LEAST_WORDS = 8  # of a conversation's last question, below which it says little without what was said before
SIGNS = 3  # to a word, where the script sets no spaces
LETTERS = "ABCDEFGHIJ"
_AT_LINE = re.compile(r"(?m)^[ \t]*\(?([A-J])[).:][ \t]+(?=\S)")
_IN_LINE = re.compile(r"(?:(?<=\s)|^)\(?([A-J])[).][ \t]+(?=\S)")
_THIRD = re.compile(r"C[).:][ \t]")  # the third of the options: without it there are none
_BREAK = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LETTER = re.compile(r"[^\W_]")
_WORD = re.compile(r"[a-z]+")
# small English words for numbers; not `one`, more often a pronoun
_SMALL = (
    "zero - two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)
_TENS = "thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "third fourth fifth sixth seventh eighth ninth tenth"
_VALUES = {
    word: str(first + step * place)
    for words, first, step in ((_SMALL, 0, 1), (_TENS, 30, 10), (_ORDINALS, 3, 1))
    for place, word in enumerate(words.split())
}


class Subject(NamedTuple):
    """What of one row is compared, verbatim."""

    example_id: str
    question: str  # of a row in which nobody asks anything, its text
    whole: str  # all that is said, without system prompts
    parts: tuple[str, ...]  # of the whole, those that say something
    stem: str  # the question without its options
    options: tuple[str, ...]
    answer: str
    last: str  # of a conversation what was asked last, where it can be told from what was said before; else empty


class Asked(NamedTuple):
    """A subject as an encoder and a comparison of numbers need it."""

    texts: list[str]  # the stem's pieces, then the stem with each option, then the last question
    pieces: int  # how many of the texts are pieces
    numbers: list[int]  # of the stem, as hashes, sorted
    allowed: list[int]  # those, and those of the options and of the answer's end
    language: str | None  # None where not sure


def subjects(batch: pl.DataFrame) -> Iterator[Subject]:
    """The subject of each example, in order."""
    columns = batch.select("messages", "meta").iter_rows()
    for wording, (said, meta) in zip(wordings(batch), columns, strict=True):
        parts = tuple(part for part in wording.parts("whole") if part)
        whole = "\n".join(parts)
        nobody = not any(turn["role"] in ("user", "tool") for turn in said or ())
        question = whole if nobody else wording.question
        stem, options = _options(question, meta)
        yield Subject(
            wording.example_id,
            question,
            whole,
            parts,
            stem,
            options,
            "" if nobody else wording.answer or wording.chosen,
            _last(said or ()),
        )


def _last(turns: Sequence[dict[str, str | None]]) -> str:
    """The last thing that a user asked and that was answered, where something was said before it."""
    answers = [at for at, turn in enumerate(turns) if turn["role"] == "assistant"]
    before = turns[: answers[-1]] if answers else turns
    asked = [turn["content"] or "" for turn in before if turn["role"] == "user"]
    if len(asked) < 2:
        return ""
    form = normalise(asked[-1])
    size = len(form) / SIGNS if is_unspaced(form) else len(form.split())
    return asked[-1] if size >= LEAST_WORDS else ""


def asked(subject: Subject) -> Asked:
    """What is encoded of a subject, and its numbers and language."""
    from curate.checks.quality.language import language_of  # with it come all patterns of that check

    pieces = pieces_of(subject.stem)
    variants = [f"{subject.stem.strip()} {option}" for option in subject.options] if len(pieces) == 1 else []
    variants += pieces_of(subject.last)[:1]
    numbers = numbers_in(subject.stem)
    extra = set().union(*(numbers_in(option) for option in subject.options))
    last = _NUMBER.findall(subject.answer)[-1:]
    allowed = numbers | extra | {_plain(number) for number in last}
    language = language_of(subject.question)
    return Asked([*pieces, *variants], len(pieces), _hashed(numbers), _hashed(allowed), language)


class NormalForms(dict[str, str]):
    """The normal form of each text, made when first asked for: a row's parts are asked for several times."""

    def __missing__(self, text: str) -> str:
        form = self[text] = normalise(text)
        return form

    def of_parts(self, parts: Sequence[str]) -> str:
        """The normal form of the parts, one a line."""
        forms = [self[part] for part in parts]
        # marks alone are a normal form of their own, but nothing beside words
        if all(form == "" or _LETTER.search(form) for form in forms):
            return without_gaps(" ".join(filter(None, forms)))
        return normalise("\n".join(parts))


def pieces_of(text: str) -> list[str]:
    """The text in pieces of about PIECE characters, cut where sentences or lines end if they do."""
    pieces: list[str] = []
    current = ""
    for part in _BREAK.split(text.strip()):
        for start in range(0, len(part), PIECE):
            bit = part[start : start + PIECE]
            if current and len(current) + len(bit) >= PIECE:
                pieces.append(current)
                current = bit
            else:
                current = f"{current} {bit}".strip()
    if current:
        pieces.append(current)
    return pieces[:MOST_PIECES]


def numbers_in(text: str) -> set[str]:
    """The numbers of a text, in figures and in small English words, each in one spelling."""
    found = {_plain(number) for number in _NUMBER.findall(text)}
    return found | {_VALUES[word] for word in _WORD.findall(text.casefold()) if word in _VALUES}


def _plain(number: str) -> str:
    """Without marks between thousands and zeros that say nothing: 1,000.00 is 1000."""
    bare = re.sub(r",(?=\d{3}(?:\D|\Z))", "", number)
    return bare.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.\d+", bare) else bare


def _hashed(numbers: Iterable[str]) -> list[int]:
    return sorted({crc32(number.encode()) for number in numbers})


def _options(question: str, meta: str | None) -> tuple[str, tuple[str, ...]]:
    """The question without the options to choose from, and these: from its text, or another column."""
    for pattern in (_AT_LINE, _IN_LINE) if _THIRD.search(question) else ():
        found = list(pattern.finditer(question))
        letters = [match[1] for match in found]
        if (
            len(found) >= 3
            and letters == list(LETTERS[: len(found)])
            and question[: found[0].start()].strip()
        ):
            ends = [*(match.start() for match in found[1:]), len(question)]
            texts = [question[m.end() : end].strip() for m, end in zip(found, ends, strict=True)]
            # what follows the last option's line is no longer the option
            return question[: found[0].start()].strip(), (*texts[:-1], texts[-1].split("\n")[0])
    if meta and len(meta) > 2 and ("choices" in meta or "options" in meta or '"A"' in meta):
        return question, _columns(json.loads(meta))
    return question, ()


def _columns(meta: object) -> tuple[str, ...]:
    """Options in columns: `choices` or `options` as a list, or one column a letter."""
    if not isinstance(meta, dict):
        return ()
    value = meta.get("choices", meta.get("options"))
    if isinstance(value, dict):
        value = value.get("text", list(value.values()))
    if value is None:
        value = [meta[letter] for letter in LETTERS if letter in meta]
    if not isinstance(value, list) or not 2 <= len(value) <= MOST_OPTIONS:
        return ()
    texts = [str(item) for item in value if isinstance(item, str | int | float)]
    return tuple(texts) if len(texts) == len(value) else ()


def as_columns(found: Sequence[Asked]) -> list[pl.Series]:
    """The columns of a sketch."""
    return [
        pl.Series("texts", [each.texts or [""] for each in found], dtype=pl.List(pl.String)),
        pl.Series("pieces", [each.pieces for each in found], dtype=pl.UInt32),
        pl.Series("numbers", [each.numbers for each in found], dtype=pl.List(pl.UInt32)),
        pl.Series("allowed", [each.allowed for each in found], dtype=pl.List(pl.UInt32)),
        pl.Series("language", [each.language for each in found], dtype=pl.String),
    ]
