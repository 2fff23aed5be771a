"""What is read of a row to tell whether it asks the same as another, and what it says."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

import polars as pl

from curate.checks.contradiction.requests import is_open
from curate.checks.preference import Preference, preference_of
from curate.checks.spelling import plain_spelling
from curate.checks.twins import RESULT, SHORT
from curate.checks.wording import (
    Named,
    Wording,
    is_unspaced,
    named,
    negations,
    normalise,
    numbers,
    shingle_sets,
    wordings,
)

SIGNS = 2  # characters to a word where the script sets no spaces
_IS = (
    r"(?:is|as|ist|als|est|es|è|é|is een|som|är|er|to|это|jest|olarak)"  # before the label at an answer's end
)
_FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")
_WORD = re.compile(r"[^\W\d_]+")
_CAPITAL = re.compile(r"(?<!\w)[A-Z][\w'-]*[^\W\d_]")
WORTH: dict[str, float] = {
    word: float(value)
    for value, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen""".split()  # noqa: SIM905
    )
} | {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "hundred": 100, "thousand": 1e3, "million": 1e6, "half": 0.5, "halves": 0.5,
    "quarter": 0.25, "once": 1, "single": 1, "twice": 2, "double": 2, "doubled": 2, "doubles": 2, "pair": 2,
    "couple": 2, "thrice": 3, "triple": 3, "tripled": 3, "dozen": 12,
}  # fmt: skip
# words that have a capital because a sentence starts with them
_STARTERS = frozenset(
    """a an the if how what when where why who whom whose which while during given assuming suppose
    considering he she it they we you i his her its their our my your there here this that these those
    in on at by for from to of with without after before since until as and but or so because however
    then later also once each every all both some many most more other another any no not yes is are was
    were do does did can could will would shall should may might must have has had let please calculate
    determine find compute tell explain initially additionally finally next first""".split()  # noqa: SIM905
) | frozenset(WORTH)


class Asked(NamedTuple):
    """What is read of one example; what stands in both parts is of the question."""

    system: str
    question: str
    shingles: frozenset[int]
    numbers: tuple[str, ...]
    named: Named
    negations: int
    figures: Counter[float]  # in digits
    amounts: Counter[float]  # in digits and in English words
    capitals: frozenset[str]  # words with a capital, without those that only start a sentence
    is_open: bool
    answer: str
    verbatim: str
    label: str | None  # without regard to case, blanks and Unicode form
    says_label: bool  # whether the answer is its label, or announces it
    preference: Preference | None


def asked(texts: pl.DataFrame) -> dict[str, Asked]:
    """What is read of each example, by its id."""
    said = list(wordings(texts))
    questions = [normalise(wording.question) for wording in said]
    cuts = shingle_sets(questions)
    return {
        wording.example_id: _read(wording, question, cut, label)
        for wording, question, cut, label in zip(said, questions, cuts, texts["label"], strict=True)
    }


def _read(wording: Wording, question: str, cut: frozenset[int], label: str | None) -> Asked:
    """One example."""
    figures, amounts = amounts_in(wording.question)
    answer = answer_of(wording)
    return Asked(
        system=wording.system,
        question=question,
        shingles=cut,
        numbers=numbers(question),
        named=named(wording.question),
        negations=negations(question),
        figures=figures,
        amounts=amounts,
        capitals=capitals_in(wording.question),
        is_open=is_open(wording.question),
        answer=normalise(answer),
        verbatim=answer,
        label=None if label is None else plain_spelling(label),
        says_label=label is not None and says_label(answer, label),
        preference=preference_of(wording.chosen, wording.rejected),
    )


def answer_of(wording: Wording) -> str:
    """The answer, or the preferred one."""
    return wording.answer or wording.chosen


def says_label(answer: str, label: str) -> bool:
    """Whether an answer is the row's label, or announces it: alone, before a full stop, behind a colon or `is`."""
    said, plain = plain_spelling(answer), plain_spelling(label)
    if not plain or plain not in said:
        return False
    if normalise(said) == normalise(plain):
        return True
    word = rf"[\"'`*_\[(<«“„]*{re.escape(plain)}[\"'`*_\])>»”“]*"
    return (
        re.search(rf"\A{word}\s*(?:[.:;。：–—-]\s|\n)|(?:[:=：>]|\b{_IS})\s*{word}\s*[.!。]?\Z", said)
        is not None
    )


def amounts_in(text: str) -> tuple[Counter[float], Counter[float]]:
    """The numbers in a text as (written in digits, written in digits or in words)."""
    figures = Counter(float(found.replace(",", "")) for found in _FIGURE.findall(text))
    worded = (WORTH.get(word.casefold()) for word in _WORD.findall(text))
    return figures, figures + Counter(value for value in worded if value is not None)


def capitals_in(text: str) -> frozenset[str]:
    """Words that may be names, folded, without a possessive ending."""
    words = (word.casefold().removesuffix("'s") for word in _CAPITAL.findall(text.replace("’", "'")))
    return frozenset(word for word in words if word not in _STARTERS)


def result_of(row: Asked) -> tuple[str, ...]:
    """The value that an answer comes to: after a sign that announces it, or the numbers of a short one."""
    announced = RESULT.findall(row.verbatim)
    if announced:
        return (announced[-1].replace(",", "").rstrip("."),)
    size = len(row.answer) / SIGNS if is_unspaced(row.answer) else len(row.answer.split())
    return numbers(row.answer) if size <= SHORT else ()
