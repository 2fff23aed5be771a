"""The words of context are spaCy's, though its package is not loaded."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from curate.checks.patterns import english
from curate.checks.patterns.context import _english

LETTERS = "abcXYZ019.,:;!?'\"()[]{}<>-_/@#$%&*+=~`^|€£°…“”’–—äéß漢字ا"


def test_tokens_are_those_of_a_blank_english_pipeline():
    from spacy.lang.en import English

    tokens, _ = _english()
    blank = English().tokenizer
    draw = random.Random(3)
    pieces = {word for path in Path(__file__).parent.glob("*.py") for word in path.read_text().split()}
    pieces |= {"".join(draw.choices(LETTERS, k=draw.randint(1, 14))) for _ in range(3_000)}
    pieces |= {"don't", "U.S.A.", "e-mail:", "http://x.org/a?b=c.", "(#42)", "10km", "a.m.", "can't've"}
    for piece in sorted(pieces):
        assert list(tokens(piece)) == [(token.idx, token.text) for token in blank(piece)]


def test_special_cases_are_told_within_other_signs_too():
    from spacy.lang.en import English

    tokens, _ = _english()
    blank = English().tokenizer
    draw = random.Random(4)
    cases = sorted(english.rules().cases)
    pieces = {"".join(draw.choices([*cases, *LETTERS, "word", "http://x.org/a"], k=3)) for _ in range(4_000)}
    pieces |= {*cases, "\n\n\t", "  ", "\u00a0", "\u2003"}
    for piece in sorted(piece for piece in pieces if piece.isspace() or piece.split() == [piece]):
        assert list(tokens(piece)) == [(token.idx, token.text) for token in blank(piece)]


def test_the_rules_are_read_without_the_package_and_leave_nothing_half_loaded():
    code = """
import sys
from curate.checks.patterns import english
alone = english.rules()
assert not [name for name in sys.modules if name.split(".")[0] in ("spacy", "thinc", "torch")]
sys.modules["torch"] = None  # spaCy takes seconds to import it, and does without
whole = english._whole()
assert [list(part) for part in alone[:3]] == [list(part) for part in whole[:3]]
assert alone.cases == whole.cases and alone.stops == whole.stops
from spacy.lang.en import English
assert [token.text for token in English()("it isn't")] == ["it", "is", "n't"]
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_release_that_is_built_in_another_way_is_imported_whole(monkeypatch):
    def other(folders):
        raise AttributeError("TOKENIZER_PREFIXES")

    known = {name: module for name, module in sys.modules.items() if name.split(".")[0] == english.PACKAGE}
    for name in known:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(english, "_alone", other)
    monkeypatch.setattr(english, "_whole", lambda: "whole")
    english.rules.cache_clear()
    assert english.rules() == "whole"
    english.rules.cache_clear()


def test_punctuation_is_what_spacy_takes_for_it():
    from spacy.lang.lex_attrs import is_punct

    for text in [*map(chr, range(0x3000)), "", "--", "a.", "…!"]:
        assert english.is_punctuation(text) == is_punct(text)
