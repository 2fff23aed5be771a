"""Pieces of web pages and of letters: what was scraped goes, what was asked for stays."""

from __future__ import annotations

import pytest

from curate.checks.quality import Quality, proposed
from curate.scanning.scan import scan

HELP = "How do I return my order?"


def told(examples, row):
    """(message, label, action, the new text) of each finding."""
    return [
        (
            one["message"],
            one["label"],
            one["action"],
            proposed(row["messages"][one["message"]]["content"], one),
        )
        for one in scan(examples(row), [Quality()]).findings.iter_rows(named=True)
    ]


@pytest.mark.parametrize(
    ("answer", "new"),
    [
        ("<p>Mix <b>oats</b> and milk.</p><br/>", "Mix oats and milk."),
        ("<div><p>Open the app.</p><p>Press Return.</p></div>", "Open the app.\n\nPress Return."),
        ("<p>We sent a link.</p>\n<script>\nvar a = 1;\nsend(a);\n</script>", "We sent a link."),
        ("<style>p { color: red; }</style><p>At the top.</p><!-- end -->", "At the top."),
        (
            "<table><tr><th>Day</th><th>Hours</th></tr>\n<tr><td>Monday</td><td>9 to 5</td></tr></table>",
            "Day | Hours\nMonday | 9 to 5",
        ),
        ('<ul class="steps"><li>Pack it.</li>\n<li>Send it.</li></ul>', "- Pack it.\n- Send it."),
        ("Our prices:<div>10 euros &amp; more</div>", "Our prices:\n\n10 euros & more"),
        ("<section><h2>Returns</h2>Thirty days.</section>", "Returns\n\nThirty days."),
    ],
)
@pytest.mark.parametrize(
    "question", [HELP, "The discount code on your website and the link in the menu fail."]
)
def test_prose_of_a_page_is_found_with_its_plain_text(asked, examples, question, answer, new):
    assert told(examples, asked(question, answer)) == [(1, "html", "edit", new)]


def test_a_question_that_is_a_piece_of_a_page(asked, examples):
    row = asked("<div><p>My printer beeps.</p></div>", "Restart it.")
    assert told(examples, row) == [(0, "html", "edit", "My printer beeps.")]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Write an HTML page with a heading.", "<div><h1>Hello</h1><p>World of text</p></div>"),
        ("Create a landing page for a bakery.", "<div><h1>Bread</h1><p>Fresh each day</p></div>"),
        ("Make a table of planets.", "<table><tr><td>Mars</td><td>red</td></tr></table>"),
        ("How do I greet?", "```html\n<div><p>Hello you</p></div>\n```"),
        ("Ask for a name.", "<form><p>Name</p><input type=text></form>"),
        ("Show a counter.", "<div>\n<script>\nvar a = 1;\nshow(a);\n</script>\n</div>"),
        ("What does this do?\n\n<div><p>Hello you</p></div>", "It greets."),
        ("How do I colour a word?", 'With the following code:\n\n<div style="color: red">A red text</div>'),
        ("Name a city.", "<city>Rome</city>"),
    ],
)
def test_markup_that_was_asked_for_stays(asked, examples, question, answer):
    assert told(examples, asked(question, answer)) == []


def test_a_system_prompt_may_ask_for_markup(turn, asked, examples):
    row = asked("Say hello.", "<p>Hello my friend</p>")
    assert [label for _, label, *_ in told(examples, row)] == ["html"]
    row["messages"].insert(0, turn("system", "Answer in HTML."))
    assert told(examples, row) == []


BODY = "My order has not come. Can you look?"
BLOCK = "\n\nBest regards,\nA. Person\nSales Manager\nTel: +1 555 010 9999\n"
NOTICES = (
    "This e-mail is confidential.",
    "This e-mail is privileged. Please do not reply to this message, and delete this e-mail.",
    "The information in this email is confidential.",
    "The information in this email is\nmeant for the addressee.",
    "This message is intended only for the person named above.",
    "--------\nCONFIDENTIALITY NOTICE: this email is private.",
    "If you are not the intended recipient, delete this message.",
    "Please note that this email may contain privileged information.\n\nThink before printing this email.",
    "Diese E-Mail enthält vertrauliche Informationen.",
)


@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.parametrize("signature", [BLOCK, "\n-- \nA. Person\n", "\n\nSent from my phone\n", "\n"])
def test_a_letter_is_cut_at_its_earliest_sign(asked, examples, signature, notice):
    row = asked(f"{BODY}{signature}\n{notice}", "Yes.")
    assert told(examples, row) == [(0, "mail-signature", "edit", BODY)]


def test_a_notice_in_the_question_excuses_no_signature_in_the_answer(asked, examples):
    row = asked(f"{BODY}{BLOCK}\n{NOTICES[0]}", f"We looked.{BLOCK}\n{NOTICES[0]}")
    assert told(examples, row) == [
        (0, "mail-signature", "edit", BODY),
        (1, "mail-signature", "edit", "We looked."),
    ]


@pytest.mark.parametrize(
    "question",
    [
        f"Summarize this email.\n\n{BODY}{BLOCK}\n{NOTICES[1]}",
        f"{BODY}{BLOCK}\n{NOTICES[1]}\n\nSummarize the text above.",
        f"Shorten the disclaimer.\n\n{NOTICES[0]}",
    ],
)
def test_a_task_about_a_letter_above_or_below_the_notice_is_for_review(asked, examples, question):
    assert told(examples, asked(question, "Yes.")) == [(0, "mail-signature", "review", None)]


@pytest.mark.parametrize(
    "question", ["Is this message confidential?", "I hope that this email is in no way late."]
)
def test_words_of_a_notice_in_a_letter_are_none(asked, examples, question):
    assert told(examples, asked(f"Hello.\n{question}", "Yes.")) == []
