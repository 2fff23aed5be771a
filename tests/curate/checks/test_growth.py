"""No text makes a check slow: the work on a long one grows as its length does, whatever it repeats."""

from __future__ import annotations

import random
import re
import time

import pytest

from curate.checks.quality import Quality
from curate.checks.quality.edits import REPAIRS, without_bbcode, without_tags, without_wiki
from curate.checks.quality.tags import shielded, unshielded
from curate.checks.quality.turns import _MARK_LINE, _without_marks
from curate.checks.secrets import secrets
from curate.checks.structure import Structure
from curate.example import frame, with_ids

SHORT, TIMES = 5_000, 4
LEAST = 0.2  # processor seconds, below which nothing is said to be slow
MOST = 8  # times the work for TIMES the length: 4 if it grows as the length does, 16 if as its square
MOTIFS = (
    " ", "\n", "\t", " \n", "<", "<p", "<p ", "<li> ", "</li> ", "<td>", "(", "=", "==a ", "== ", "\n==", "7", "7.", "7-",
    ".", '"', "'", "'''", "`", "```\n", "[b", "[b=", "[b]", "[[", "{{", "a", "a(", "a=", "Ab ", "&", "&#", "&#1", "-", "-- \n",
    "---\n", "\n# ", "\n> ", "\n1. ", "@", "a@", "http://", "|", "on ", "thanks\n", "this message ", '"tools":[',
    "se=a&sig=", "se=a\\u0026sig=", "password", "password: ", "\u200b", "é", "Ã©", "。", "\N{WAVING HAND SIGN}",
)  # fmt: skip
LEADS = {
    "": "",
    "page": "<p>Hello there</p>",
    "letter": "Dear all,\nplease read this\nthanks\n",
    "two": "Fine boats.\nInstruction: tell me\nOutput: yes\n",
    "code": "def boats():\n",
    "link": "Look at http://example.com/a and say\n\nwhat it is\n",
}


def row_of(text: str, role: str):
    """One row in which the text is asked or answered."""
    turns = [
        {"role": "user", "content": "tell me of the boats please"},
        {"role": "assistant", "content": "fine boats are there"},
    ]
    turns[role == "assistant"]["content"] = text
    return with_ids(frame([{"messages": turns, "source": "s"}]), ["o"])


def spent(work) -> float:
    """Processor seconds."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def grows(work, motif: str, lead: str = "", end: str = "", least: float = LEAST) -> str:
    """Empty, or by how much more than its length the work on a text grows."""

    def on(length: int) -> float:
        text = lead + (motif * (length // len(motif) + 1))[:length] + end
        return spent(lambda: work(text))

    long = on(SHORT * TIMES)
    if long < least:
        return ""
    # the machine may have been busy: the best of three of what looks slow
    long = min(long, on(SHORT * TIMES), on(SHORT * TIMES))
    short = min(on(SHORT) for _ in range(3))
    return (
        f"{short:.2f} s, then {long:.2f} s for {lead!r} {motif!r}"
        if long >= least and long > MOST * short
        else ""
    )


CHECKS = {
    "quality, asked": lambda text: Quality().scan(row_of(text, "user")),
    "quality, answered": lambda text: Quality().scan(row_of(text, "assistant")),
    "structure": lambda text: Structure().scan(row_of(text, "assistant")),
    "secrets": lambda text: list(secrets(text)),
}


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("check", CHECKS)
def test_four_times_the_text_is_about_four_times_the_work(check, lead):
    work = CHECKS[check]
    work("what is made once is made")
    draw = random.Random(lead)
    mixed = ["".join(draw.choices(MOTIFS, k=6)) for _ in range(3)]
    # each lead with a third of the motifs, the first with all
    some = MOTIFS if not lead else MOTIFS[list(LEADS).index(lead) % 3 :: 3]
    assert not [
        told for motif in (*some, *mixed) if (told := grows(work, motif, LEADS[lead], " and <b>so</b> on"))
    ]


@pytest.mark.parametrize("repair", REPAIRS)
def test_repairs_grow_as_the_text_does(repair):
    assert not [told for motif in MOTIFS if (told := grows(REPAIRS[repair], motif, "<p>a</p>", "<b>z</b>"))]


def test_a_quadratic_pattern_is_seen():
    """The measure can fail."""
    slow = re.compile(r"[xz]*y")
    # on a quick processor it takes less than what is called slow
    assert grows(lambda text: slow.sub("", text), "x", end="a", least=LEAST / 20)


# The patterns of before, on short texts: the same results


def as_patterns_tell(text: str) -> str:
    """HTML as text, by patterns that begin with blanks."""
    text = re.sub(r"<!--.*?(?:-->|\Z)", "", text, flags=re.DOTALL)
    blocks = r"\s*</?(?:p|div|ul)(?:\s[^<>]*)?/?>\s*"
    rows = r"(?:\s*</?(?:tr|tbody)(?:\s[^<>]*)?>)+\s*"
    text = re.sub(r"\s*</t[dh]\s*>\s*<t[dh](?:\s[^<>]*)?>\s*", " | ", text)
    text = re.sub(r"\s*<li(?:\s[^<>]*)?>\s*", "\n- ", re.sub(r"\s*</li\s*>\s*(?=<)", "", text))
    text = re.sub(
        r"[ \t]*<br(?:\s[^<>]*)?/?>[ \t]*\n?", "\n", re.sub(rows, "\n", re.sub(blocks, "\n\n", text))
    )
    plain = re.sub(r"</?(?:p|br|b|ul|li|div|tr|td|th|tbody)(?:\s[^<>]*)?/?>", "", text)
    return re.sub(r"[ \t]+\n", "\n", re.sub(r"\n{3,}", "\n\n", plain)).strip()


def test_trimming_around_tags_is_what_the_patterns_did():
    draw = random.Random(1)
    parts = ["<p>", "</p>", "<br>", "<br/>", "<li>", "</li>", "</li >", "<ul>", "<td>", "</td>", "<tr>", "</tr>", '<th x="1">',
             "<tbody>", "<div class=a>", " ", "  ", "\n", "\t", "\n\n", "x", "word", "<!-- x -->", "<", ">", "\u00a0"]  # fmt: skip
    for _ in range(8_000):
        text = "".join(draw.choices(parts, k=draw.randint(1, 14)))
        # what is no tag is put aside before, by a rule with tests of its own
        assert without_tags(text) == unshielded(as_patterns_tell(shielded(text))), text


def test_headings_and_marks_are_what_the_patterns_told():
    draw = random.Random(2)
    head = re.compile(r"^(={2,6})[ \t]*(.+?)[ \t]*\1[ \t]*$", re.MULTILINE)
    marks = re.compile(rf"(?:\s*^{_MARK_LINE.pattern}$)+\s*\Z", re.MULTILINE)
    for _ in range(8_000):
        text = "".join(draw.choices(["=", "==", "===", " ", "\t", "a", "\n", "\r"], k=draw.randint(1, 9)))
        assert without_wiki(text) == head.sub(r"\2", text), text
        text = "".join(
            draw.choices(["a", "##", "---", "1.", "12)", "\n", " ", "\t", "\r", "\x0b"], k=draw.randint(0, 9))
        )
        assert _without_marks(text) == len(marks.sub("", text)), text
    assert without_bbcode("[quote=anna]a[/quote] [b]b[/b]") == "a b"


def test_a_number_of_any_length_is_read_as_an_entity():
    """Python reads no more than 4,300 digits."""
    assert (
        REPAIRS["entities"]("&#65;&#" + "0" * 5_000 + "66; &#" + "1" * 5_000 + ";&amp;&#65abc")
        == "AB \ufffd&Aabc"
    )
