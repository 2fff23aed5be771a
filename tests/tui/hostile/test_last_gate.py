"""Every line keeps its columns, in terminals that count wide signs otherwise; and nothing acts."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from benchmarks.hostile_rows import CHARACTERS, TEXTS
from benchmarks.hostile_terminal import RULES, Grid, acts, moved
from tui.terminal.display_text import display_text, fit
from tui.terminal.last_gate import NothingActs, held

COLUMNS, LINES = 100, 6
ANYTHING = st.text(st.characters(exclude_categories=[]), max_size=80)


def picture(text: str, cells: int) -> str:
    """A line with two borders, as the screens send it, with a line below."""
    line = f"│{fit(text, cells)}│ next │"
    return f"\x1b[1;1H\x1b[1m{line}\x1b[0m\x1b[2;1H│below│"


def shifted(output: str) -> list[str]:
    """What stands elsewhere in a terminal with another rule of width."""
    counted = Grid(COLUMNS, LINES)
    counted.feed(output)
    found = []
    for rule in RULES.values():
        other = Grid(COLUMNS, LINES, rule)
        other.feed(output)
        found += moved(counted, other)
    return found


@pytest.mark.parametrize("name", TEXTS)
def test_borders_stay_in_their_columns(name: str) -> None:
    """For each row of the corpus, at three widths."""
    for cells in (7, 30, 61):
        output, _ = held(picture(TEXTS[name][:3000], cells))
        assert shifted(output) == []
        assert acts(output, columns=COLUMNS, lines=LINES) == []


def test_without_it_they_would_not() -> None:
    """The check can fail: joined emoji push the border aside where they are drawn one by one."""
    assert shifted(picture(CHARACTERS["emoji joined"], 61))


@settings(max_examples=200, deadline=None)
@given(ANYTHING, st.integers(2, 60))
@example("\U0002ebe1\U00030000", 4)  # an ideograph that not every terminal knows, then one that each does
def test_any_text_keeps_the_borders(text: str, cells: int) -> None:
    """Whatever the text is."""
    output, _ = held(picture(text, cells))
    assert shifted(output) == []
    assert acts(output, columns=COLUMNS, lines=LINES) == []


@settings(max_examples=200, deadline=None)
@given(ANYTHING)
def test_width_is_what_the_terminal_shows(text: str) -> None:
    """A harmless line is as wide as it is counted, by the place of the cursor after it."""
    line = display_text(text, lines=False)[:40]
    grid = Grid(400, 2)
    output, _ = held(line)
    grid.feed(output)
    assert grid.x == cell_len(line)


JOINED = st.text(st.sampled_from("🏴👁👩🗨☠♂❤\u200d\ufe0f\U0001f3fd a1\u20e3"), max_size=12)


@settings(max_examples=300, deadline=None)
@given(JOINED)
def test_what_is_joined_is_counted_as_one(text: str) -> None:
    """Also where a joiner joins a sign that all terminals draw alike when it stands alone."""
    line = display_text(f"({text})|", lines=False)
    grid = Grid(400, 2)
    output, _ = held(line)
    grid.feed(output)
    assert grid.x == cell_len(line)


def test_plain_output_is_left_alone() -> None:
    """What all terminals draw alike costs no byte more: ASCII, borders, ideographs."""
    for text in ("\x1b[1mabc\x1b[0m", "│ ━━ ✓ ⟦U+202E⟧ ␛ é ß │", "全角文字 한글"):
        assert held(text) == (text, False)


def test_a_run_at_the_end_is_loose() -> None:
    """What may reach over the end of what is written is told, so that the screen is drawn again."""
    assert held("\x1b[1;1H🏳\ufe0f\u200d🌈\x1b[0m\x1b[2;1Hnext")[1]
    assert not held("\x1b[1;1H🏳\ufe0f\u200d🌈\x1b[0m and more")[1]
    burmese = "\x1b[1;1Hမြန်မာဘာသာ)\x1b[0m"
    assert held(f"{burmese}\x1b[2;1Hnext")[1], "one bracket does not cover four cells"
    assert not held(f"{burmese}        \x1b[2;1Hnext")[1]
    assert not held("\x1b[1;1Hcafe\u0301\x1b[2;1Hnext")[1]
    assert held(f"{burmese}\x1b[2;1Hnext", 40)[1]
    assert not held(f"{burmese}\x1b[2;1Hnext", cell_len("မြန်မာဘာသာ)"))[1], "the screen ends there"
    assert held("\x1b[3;5H🏳\ufe0f\u200d🌈\x1b[1;1Hmore than enough of it")[1], (
        "what is written elsewhere covers nothing"
    )


def test_sequences_of_the_screens_are_not_taken_apart() -> None:
    """A mark right after a style does not swallow the style's last letter."""
    assert held("\x1b[1m\u0301a")[0] == "\x1b[1ma"
    assert held("\x1b]52;c;aGk=\x07👍🏽")[0].startswith("\x1b]52;c;aGk=\x07\x1b[?7l")


def test_controls_do_not_pass_the_filter() -> None:
    """Whichever widget let them through: C0, C1, DEL and what turns the direction of text."""
    raw = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0)))) + "a\u202eb\u2066c\u200fd"
    segments = NothingActs().apply([Segment(raw)], Color(0, 0, 0))
    assert "".join(segment.text for segment in segments) == "abcd"
