"""The normal form and the shingles, told in a quicker way than by their definition, are those of the definition."""

from __future__ import annotations

import random
import re
import unicodedata

import numpy as np
import polars as pl
import pytest

from curate.checks import wording
from curate.checks.leak.subject import NormalForms
from curate.checks.wording import hashed_shingles, mixed, normalise, tokens

MARKS = ".,;:!?'\"«»…–—"
# letters, digits and marks of many kinds, joiners, wide and narrow forms, one that falls apart into words
HOSTILE = f"{MARKS}_ab1é字日ก \n\t-²½𝟘\u0301\u203f٣$()ﷺ\u200d。、’\ud800#=ABC"


def hostile(draw: random.Random, longest: int) -> str:
    return "".join(draw.choice(HOSTILE) for _ in range(draw.randrange(longest)))


def defined(text: str) -> str:
    """The normal form by its definition: marks that no letter or digit holds on both sides are spaces."""
    folded = unicodedata.normalize("NFKC", text.translate(wording._FOLDED)).translate(wording._FOLDED)
    marks = re.compile(rf"(?<![^\W_])[{MARKS}]+|[{MARKS}]+(?![^\W_])")
    words = " ".join(marks.sub(" ", folded.casefold()).split())
    apart = "".join(
        " "
        if sign == " " and not any(_sets_no_spaces(near) for near in words[at - 1 : at + 2])
        else sign.strip()
        for at, sign in enumerate(words)
    )
    return apart or " ".join(text.split())


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
    "text", ["3.5", "it's", "a..b", "a.,b", ".a", "a.", "a . b", "_.b", "a._", "?", "?!"]
)
def test_the_normal_form_of_marks_between_letters(text):
    assert normalise(text) == defined(text)


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
