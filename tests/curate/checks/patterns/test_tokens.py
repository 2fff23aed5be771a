"""The words of context are spaCy's, though no pipeline of spaCy is made."""

from __future__ import annotations

import random
from pathlib import Path

from curate.checks.patterns.context import _english

LETTERS = "abcXYZ019.,:;!?'\"()[]{}<>-_/@#$%&*+=~`^|€£°…“”’–—äéß漢字ا"


def test_tokens_are_those_of_a_blank_english_pipeline():
    from spacy.lang.en import English

    tokens, _, _ = _english()
    blank = English().tokenizer
    draw = random.Random(3)
    pieces = {word for path in Path(__file__).parent.glob("*.py") for word in path.read_text().split()}
    pieces |= {"".join(draw.choices(LETTERS, k=draw.randint(1, 14))) for _ in range(3_000)}
    pieces |= {"don't", "U.S.A.", "e-mail:", "http://x.org/a?b=c.", "(#42)", "10km", "a.m.", "can't've"}
    for piece in sorted(pieces):
        assert list(tokens(piece)) == [(token.idx, token.text) for token in blank(piece)]
