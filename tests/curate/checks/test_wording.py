"""The normal form and the shingles, told in a quicker way than by their definition, are those of the definition."""

from __future__ import annotations

import random
import unicodedata

import numpy as np
import polars as pl
import pytest

from curate.checks import wording
from curate.checks.leak.subject import NormalForms
from curate.checks.wording import hashed_shingles, mixed, negations, normalise, quantities, tokens

MARKS = ".,;:!?'\"«»…–—"
# letters, digits and marks of many kinds, joiners, wide and narrow forms, one that falls apart into words
HOSTILE = f"{MARKS}_ab1é字日ก \n\t-²½𝟘\u0301\u203f٣$()ﷺ\u200d。、’\ud800#=ABC"


def hostile(draw: random.Random, longest: int) -> str:
    return "".join(draw.choice(HOSTILE) for _ in range(draw.randrange(longest)))


def defined(text: str) -> str:
    """The normal form by its definition: marks that no letter or digit holds on both sides are spaces."""
    folded = unicodedata.normalize("NFKC", text.translate(wording._FOLDED)).translate(wording._FOLDED)
    whole = folded.casefold()
    marked = (" " if sign in MARKS and _is_spare(whole, at) else sign for at, sign in enumerate(whole))
    words = " ".join("".join(marked).split())
    apart = "".join(
        " "
        if sign == " " and not any(_sets_no_spaces(near) for near in words[at - 1 : at + 2])
        else sign.strip()
        for at, sign in enumerate(words)
    )
    return apart or " ".join(text.split())


def _is_spare(text: str, at: int) -> bool:
    """Whether the mark there says nothing: it is not within a word, and neither a point before a number nor a `!` of logic."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if before.isalnum() and after.isalnum():
        return False
    if {before, after} & set(MARKS):
        return True
    if text[at] == ".":
        return not after.isdecimal()
    lone = before.isalnum() and not text[max(at - 2, 0) : at - 1].isalnum()
    return text[at] != "!" or not (after == "=" or after.isalnum() or before.isdecimal() or lone)


def _sets_no_spaces(sign: str) -> bool:
    """Thai, Lao, Burmese, Khmer, kana and ideographs."""
    spans = (0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF)
    return any(first <= ord(sign) <= last for first, last in (*spans, (0x20000, 0x3FFFF)))


@pytest.mark.parametrize("text", ["使用 Python 编写", "使用Python编写", "使用，Python 编写。"])
def test_beside_ideographs_a_space_says_nothing(text):
    assert normalise(text) == "使用python编写"


def test_the_normal_form_of_hostile_texts_is_the_defined_one():
    draw = random.Random(1)
    for _ in range(20_000):
        text = hostile(draw, 14)
        assert normalise(text) == defined(text), repr(text)


@pytest.mark.parametrize(
    "text",
    [
        "n!",
        "10!",
        "go!",
        "a != b",
        "!on",
        ".5",
        "$.5",
        "..5",
        "3.5",
        "it's",
        "a..b",
        "a.,b",
        ".a",
        "a.",
        "a . b",
        "_.b",
        "a._",
        "?",
        "?!",
    ],
)
def test_the_normal_form_of_marks_between_letters(text):
    assert normalise(text) == defined(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("n!", "n"), (".5 mg", "5 mg"), ("x != y", "x = y"), ("!ready", "ready"), ("10⁵", "105"), ("2²", "22")],
)
def test_marks_that_carry_meaning_are_kept(one, other):
    assert normalise(f"what of {one} here") != normalise(f"what of {other} here")


@pytest.mark.parametrize(
    ("one", "other"),
    [("-5", "5"), ("5%", "5"), ("$5", "€5"), (".5", "5"), ("10^5", "105"), ("1,000", "1000")],
)
def test_quantities_have_their_signs(one, other):
    assert quantities(f"about {one} of it") != quantities(f"about {other} of it")


@pytest.mark.parametrize("range_of", ["a-5", "pages 3-5", "x)-5"])
def test_a_hyphen_within_a_word_is_no_sign(range_of):
    assert not any(found.startswith("-") for found in quantities(range_of))


@pytest.mark.parametrize(
    "words",
    [
        "works / hardly works", "funktioniert / funktioniert kaum", "funciona / tampoco funciona",
        "fungerar / inte fungerar", "funcționează / nu funcționează", "működik / nem működik",
        "bozuk / bozuk değil", "berfungsi / tidak berfungsi", "hoạt động / không hoạt động",
        "λειτουργεί / δεν λειτουργεί", "με καλώδιο / χωρίς καλώδιο", "تعمل / لا تعمل", "جيدة / ليست جيدة",
        "עובדת / לא עובדת", "चलती है / नहीं चलती है", "চলছে / চলছে না", "작동해서 / 안 작동해서", "ทำงาน / ไม่ทำงาน",
        "能用 / 不能用", "修好 / 尚未修好", "使える / 使えず困る",
    ],
)  # fmt: skip
def test_a_denial_counts_in_many_languages(words):
    plain, denied = words.split(" / ")
    assert negations(normalise(denied)) == negations(normalise(plain)) + 1


def test_shingles_of_hostile_texts_are_those_of_each_text_alone():
    draw = random.Random(2)
    for _ in range(300):
        texts = [normalise(hostile(draw, 40)) for _ in range(draw.randrange(6))]
        cut = hashed_shingles(texts)
        assert cut.dtype == pl.List(pl.UInt64)
        assert cut.to_list() == [alone(text) for text in texts]


def alone(text: str) -> list[int]:
    pieces, width = tokens(text)
    codes = wording._Codes()
    row = np.array([codes[piece] for piece in pieces], dtype=np.uint64)
    columns = [row[step : len(row) - width + 1 + step] for step in range(width)]
    return np.unique(mixed(columns, width)).tolist()


def test_words_that_are_kept_from_batch_to_batch_are_let_go(monkeypatch):
    monkeypatch.setattr(wording, "MOST_CODES", 10)
    many = " ".join(f"w{number}" for number in range(50))
    first = hashed_shingles([many])
    assert hashed_shingles(["one two three", many])[1].to_list() == first[0].to_list()
    assert len(wording._codes()) == 0


def test_the_normal_form_of_a_row_is_made_of_those_of_its_parts():
    draw = random.Random(3)
    forms = NormalForms()
    for _ in range(5_000):
        parts = [part for part in (hostile(draw, 8) for _ in range(3)) if part]
        assert forms.of_parts(parts) == normalise("\n".join(parts)), parts
