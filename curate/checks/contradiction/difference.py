"""What two answers to one question say differently, as far as words can tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from curate.checks.contradiction.reading import Asked, result_of
from curate.checks.contradiction.values import value_of, words_of
from curate.checks.matter import FILLERS, SMALL, is_slip
from curate.checks.preference import is_reversed
from curate.checks.twins import RESULT, SHORT
from curate.checks.wording import jaccard, named, negations

ALIKE = 0.6  # of the words of two answers: so alike, one number, name or `not` makes the difference
PUT, WORDS = "another word in its place", "other words"
JOINING = SMALL | {"in", "on", "at", "by", "to"}  # before a date or a place they say nothing of their own
REVERSED = "each prefers what the other rejects"
UNSURE = (PUT, WORDS)  # a cross-encoder may say that these do not contradict each other
PLACED = 0.7  # of two answers' words in one order: so alike, a word put in another's place does
SURELY = 0.8  # ... and so alike, it does for requests with many right answers, and questions in other words
_YES = frozenset(
    """yes yeah true correct ja jo jawohl richtig oui vrai sí si sì vero verdadero sim verdadeiro tak ano igen da kyllä
    да верно так ναι نعم بله آری כן हाँ हां जी evet ya iya có vâng đúng ใช่ 네 예 是 是的 对 對 可以 はい ええ""".split()  # noqa: SIM905
)
_NO = frozenset(
    """no nope not false incorrect nein falsch non faux falso não nej nee nie ne nem ei nu нет неверно ні όχι لا خیر نه
    לא नहीं hayır tidak bukan không sai ไม่ ไม่ใช่ 아니요 아니오 아니 不 不是 否 不对 不對 いいえ いえ""".split()  # noqa: SIM905
)
# the first word of an answer, with the marks of its script, behind what sets it off: `**Yes**`, `<b>Yes</b>`, `“Yes”`
_LETTER = r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0963\u0e31\u0e34-\u0e4e])"
_FIRST = re.compile(rf"\A(?:<[^<>]{{1,40}}>|(?!{_LETTER})[\W_])*+({_LETTER}+(?:[-'’]{_LETTER}+)*)")


class Difference(NamedTuple):
    """What differs (`label` or `answer`), why it counts, and how surely, 0 to 1."""

    differs: str
    why: str
    weight: float
    shared_words: float | None = None
    alike: float = 0.0  # share of the words that stand in one order in both
    answers: str = ""  # of labels that differ: in what the answers differ, too

    @property
    def evidence(self) -> dict[str, object]:
        """It in a finding's evidence, without the words."""
        told: dict[str, object] = {"differs": self.differs}
        if self.why:
            told["why"] = self.why
        if self.shared_words is not None:
            told["shared_words"] = self.shared_words
        if self.answers:
            told["answers"] = self.answers
        return told

    @property
    def is_clear(self) -> bool:
        """Whether it holds of two questions that are one by their meaning only."""
        return self.why in ("yes against no", "another result") or self.alike >= SURELY


def difference(left: Asked, right: Asked, overlap: float) -> Difference | None:
    """What the two say differently: label against label, then answer against answer; None if nothing that counts."""
    if left.label != right.label and left.label is not None and right.label is not None:
        answers = answers_differ(left, right, overlap)
        return Difference("label", "", 1.0, answers=answers.why if answers else "")
    return answers_differ(left, right, overlap)


def answers_differ(left: Asked, right: Asked, overlap: float) -> Difference | None:
    """What the answers say differently. Two that are their labels were compared as such."""
    if is_reversed(left.preference, right.preference):
        return Difference("answer", REVERSED, 1.0, alike=1.0)
    if left.says_label and right.says_label:
        return None
    if left.answer == right.answer or not left.answer or not right.answer:
        return None
    one, two = words_of(left.answer), words_of(right.answer)
    if one == two:
        return None
    shared = round(jaccard(frozenset(one), frozenset(two)), 4)
    if _yes_against_no(left, right):
        return Difference("answer", "yes against no", 1.0, shared)
    results = [tuple(map(value_of, result_of(row))) for row in (left, right)]
    another = bool(all(results) and results[0] != results[1])
    announced = any(RESULT.search(row.verbatim) for row in (left, right))
    if not (another and announced) and _says_the_same(one, two, left, right):
        return None
    if another:
        return Difference("answer", "another result", 1.0, shared)
    is_open = left.is_open or right.is_open
    if shared >= ALIKE / 2 or max(len(one), len(two)) <= SHORT:
        why, alike = _subtle(left, right, one, two, shared)
        if why and (alike >= SURELY or not is_open):
            return Difference("answer", why, round(0.8 + 0.15 * alike, 4), shared, alike)
    if is_open or shared >= overlap:
        return None
    return Difference("answer", WORDS, 0.8, shared)


def _yes_against_no(left: Asked, right: Asked) -> bool:
    # as it came: the marks behind the word are gone from the normal form
    said = (row.verbatim.casefold() for row in (left, right))
    first = [found[1] if (found := _FIRST.match(answer)) else "" for answer in said]
    return (first[0] in _YES and first[1] in _NO) or (first[0] in _NO and first[1] in _YES)


def _says_the_same(one: Sequence[str], two: Sequence[str], left: Asked, right: Asked) -> bool:
    """Whether a short answer is all in the other, which only says it in a sentence; or both are of the same words."""
    few, many = sorted((one, two), key=len)
    if negations(left.answer) != negations(right.answer):
        return False
    if sorted(one) == sorted(two):
        return True
    said = set(few) - FILLERS
    return len(few) <= SHORT and (said - JOINING or said) <= set(many)


def _subtle(
    left: Asked, right: Asked, one: Sequence[str], two: Sequence[str], shared: float
) -> tuple[str, float]:
    """The one thing in which two answers of nearly the same words differ, and how alike they are besides."""
    aligned = SequenceMatcher(None, one, two, autojunk=False)
    alike = aligned.ratio()
    short = max(len(one), len(two)) <= SHORT
    if negations(left.answer) != negations(right.answer) and (
        alike >= PLACED or (short and shared >= ALIKE / 2)
    ):
        return "negation", alike
    places = [(one[a:b], two[c:d]) for kind, a, b, c, d in aligned.get_opcodes() if kind == "replace"]
    put = [(mine, theirs) for mine, theirs in places if _is_other(mine, theirs)]
    if put and (alike >= PLACED or (short and shared)) and len(put) <= 2:
        if any(_is_number(word) for mine, theirs in put for word in (*mine, *theirs)):
            return "other numbers", alike
        names, others = named(left.verbatim), named(right.verbatim)
        if names.names - others.words and others.names - names.words:
            return "other names", alike
        return PUT, alike
    if shared >= ALIKE and sorted(filter(_is_number, one)) != sorted(filter(_is_number, two)):
        return "other numbers", alike
    return "", alike


def _is_number(word: str) -> bool:
    return word[-1].isdecimal()


def _is_other(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether words in one place differ in more than fillers and slips of the pen."""
    one, two = set(mine) - set(theirs) - FILLERS, set(theirs) - set(mine) - FILLERS
    if not one or not two:
        return False
    slips = all(is_slip(word, two) for word in one) and all(is_slip(word, one) for word in two)
    return any(map(_is_number, one | two)) or not slips
