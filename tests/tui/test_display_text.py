"""Dataset text never acts on a terminal, and printable text is left alone."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from benchmarks.hostile_rows import TEXTS
from benchmarks.hostile_terminal import acts
from tui.terminal.display_text import display_text, displayed, excerpt, fit, plain

ANYTHING = st.text(st.characters(exclude_categories=[]), max_size=200)  # lone surrogates too
DANGEROUS = {chr(c) for c in (*range(0x20), *range(0x7F, 0xA0))} - {"\n"}


@given(ANYTHING)
def test_no_control_character_comes_out(text: str) -> None:
    """No ESC, BEL, C0, DEL, C1 or bidi control is in the result, and it encodes as UTF-8."""
    shown = display_text(text)
    assert not DANGEROUS & set(shown)
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u2028\u2029\ufeff") & set(
        shown
    )
    shown.encode("utf-8")


@given(ANYTHING)
def test_twice_is_once(text: str) -> None:
    """What is harmless already is not changed again."""
    assert display_text(display_text(text)) == display_text(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=200))
def test_printable_text_is_unchanged(text: str) -> None:
    """Letters, digits, punctuation and symbols of any script come out as they went in."""
    hidden = {"\u115f", "\u1160", "\u3164", "\uffa0"}  # letters by category, invisible in fact
    if not hidden & set(text):
        assert display_text(text) == text


@given(ANYTHING, st.integers(0, 60))
def test_fit_fills_exactly(text: str, cells: int) -> None:
    """A fitted line has the asked number of cells and no line feed."""
    line = fit(text, cells)
    assert cell_len(line) == cells
    assert "\n" not in line


@given(ANYTHING, st.lists(st.integers(0, 220), max_size=6))
def test_offsets_keep_their_place(text: str, offsets: list[int]) -> None:
    """The text up to each translated offset is the harmless form of the text up to the offset."""
    shown, places = displayed(text, sorted(offsets))
    assert len(places) == len(offsets)
    assert places == sorted(places)
    assert all(0 <= place <= len(shown) for place in places)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("\x9b31m", "⟦U+009B⟧31m"),
        ("a\u202eb", "a⟦U+202E⟧b"),
        ("zero\u200bwidth", "zero⟦U+200B⟧width"),
        ("\ud800", "⟦U+D800⟧"),
        ("a\x00b", "a␀b"),
        ("one\r\ntwo\rthree", "one\ntwo␍three"),
        ("\ta", "    a"),
        ("[/foo] [bold]x", "[/foo] [bold]x"),
        ("👩\u200d👧 ❤\ufe0f", "👩\u200d👧 ❤\ufe0f"),
        ("a\u200db", "a⟦U+200D⟧b"),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 4 + "⟦+5 marks⟧"),
        ("\u0e01" + "\u0e47" * 20, "\u0e01" + "\u0e47" * 8 + "⟦+12 marks⟧"),
        ("\u0915" + "\u0901" * 9 + "x", "\u0915" + "\u0901" * 8 + "⟦+1 marks⟧x"),
        ("1\ufe0f\u20e3 2\ufe0f", "1\ufe0f\u20e3 2⟦U+FE0F⟧"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f⟦U+FE0F⟧"),
        ("👩\u200d" * 5 + "👩", "👩\u200d👩\u200d👩\u200d👩⟦U+200D⟧👩⟦U+200D⟧👩"),
        ("\u0301 \u0301", "◌\u0301 ◌\u0301"),
        ("नमस्ते น้ำใจ", "नमस्ते น้ำใจ"),
        ("\U0001d173\ufdd0\U0003ffff", "⟦U+1D173⟧⟦U+FDD0⟧⟦U+3FFFF⟧"),
    ],
)
def test_known_rows(raw: str, shown: str) -> None:
    """The kinds of bad row that datasets are known to hold."""
    assert display_text(raw) == shown


@pytest.mark.parametrize("name", TEXTS)
def test_each_row_of_the_corpus_is_harmless(name: str) -> None:
    """What a command would print of it acts nowhere, and encodes."""
    shown = display_text(TEXTS[name])
    assert acts(shown) == []
    shown.encode()


def test_one_line() -> None:
    """Without lines a line feed is a glyph."""
    assert display_text("a\nb", lines=False) == "a⏎b"
    assert excerpt("a\n\n  b\tc") == "a b c"


def test_plain_reads_no_markup() -> None:
    """Brackets that look like markup are text."""
    assert plain("[red]x[/foo]").plain == "[red]x[/foo]"


def test_letters_with_marks_stay_whole() -> None:
    """A letter with a few combining marks is not taken apart."""
    word = unicodedata.normalize("NFD", "café Việt")
    assert display_text(word) == word
