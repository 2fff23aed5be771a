"""Rows that prefer one answer to another are copies only if they prefer the same one."""

from __future__ import annotations

import pytest

from curate.checks.copies import doubt_of, texts_of
from curate.checks.exact_duplicate import ExactDuplicate
from curate.checks.near_duplicate import NearDuplicate
from curate.checks.preference import is_crossed, is_reversed, preference_of

QUESTION = "When does the office in the old town open, and how do I get in at the back door?"
ANSWERS = {
    "en": "It opens {} every morning and closes at five, on Fridays at three; please ring the bell twice.",
    "de": "Das Amt öffnet {} am Morgen und schließt um fünf, freitags um drei; bitte klingeln Sie zweimal.",
    "fr": "Le bureau ouvre {} le matin et ferme à cinq heures, le vendredi à trois ; sonnez deux fois.",
}


@pytest.fixture(name="preferring")
def _preferring(turn):
    def row(chosen, rejected, question=QUESTION):
        return {"messages": [turn("user", question)], "chosen": chosen, "rejected": rejected}

    return row


@pytest.mark.parametrize("frame", ANSWERS.values(), ids=ANSWERS)
def test_preferences_the_other_way_round_are_no_copies(preferring, found, frame):
    one, two = frame.format("tarde"), frame.format("presto")
    rows = [preferring(one, two), preferring(two, one)]
    told = [each for each in found(NearDuplicate(), *rows) if each[1] is not None]
    assert told == [(1, 0, "preference-differs", "review")]


def test_preferences_in_nearly_the_same_words_are_copies(preferring, found):
    good, bad = (
        ANSWERS["en"].format("early"),
        "No idea, ask the woman at the door or write a letter to the town.",
    )
    rows = [preferring(good, bad), preferring(good, bad, f"Hello, {QUESTION}")]
    assert (1, 0, "near", "drop") in found(NearDuplicate(), *rows)


def test_another_rejected_answer_makes_another_preference(preferring, examples):
    good = ANSWERS["en"].format("early")
    rows = [preferring(good, "Who knows."), preferring(good, "Come back tomorrow.")]
    left, right = texts_of(examples(*rows), "whole")
    assert doubt_of(left, right) == "answers-differ"
    assert doubt_of(left, left) == doubt_of(left, left, 1.0) == ""


def test_where_the_form_is_what_is_preferred_it_counts(preferring, found):
    rows = [preferring("Yes.", "yes"), preferring("yes", "Yes."), preferring("Yes.", "yes")]
    assert [each[:2] for each in found(ExactDuplicate(), *rows)] == [(0, None), (2, 0)]


def test_of_three_answers_in_order_the_middle_one_contradicts_nobody():
    best, middle, worst = "quite the best of all", "a fair answer to it", "something else besides"
    above, below = preference_of(best, middle), preference_of(middle, worst)
    assert is_crossed(above, below)
    assert not is_reversed(above, below)
    assert not is_crossed(above, None)
