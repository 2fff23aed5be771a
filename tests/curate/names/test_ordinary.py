"""Words and things that are called as people are: nobody, unless their surroundings say so."""

from __future__ import annotations

import pytest

from curate.names.ordinary import persons
from curate.names.span import Span
from curate.names.tagger import lexicon, shipped

NOBODY = (
    ("It works with a Mac.", "Mac"),
    ("Is there a version for any Mac?", "Mac"),
    ("Each Mac has a number.", "Mac"),
    ("The Mac will not wake.", "Mac"),
    ("Press Edit to change it.", "Edit"),
    ("Then click Mark and wait.", "Mark"),
    ("Go to Settings > Mark and wait.", "Mark"),
    ("Mark all as read.", "Mark"),
    ("Grace period ends on Friday.", "Grace"),
    ("Buy this:\n- Olive oil\n- Salt", "Olive"),
    ("Autumn leaves fall.", "Autumn"),
    ("Does it work with Alexa?", "Alexa"),
    ("Hey Siri, play it.", "Siri"),
    ("Frank answer: no.", "Frank"),
)
SOMEBODY = (
    ("Mark called me yesterday.", "Mark"),
    ("Mark said no.", "Mark"),
    ("Please ask Mark about it.", "Mark"),
    ("Thanks,\nGrace", "Grace"),
    ("Grace, could you resend it?", "Grace"),
    ("Rose was very kind to me.", "Rose"),
    ("Joy lost her card.", "Joy"),
    ("Holly from billing was rude.", "Holly"),
    ("Mac said that it works.", "Mac"),
    ("I spoke to Mac at the shop.", "Mac"),
    ("Hello Siri, your parcel is here.", "Siri"),
    ("She said that Iris had a gift.", "Iris"),
    ("She falls into Mark's arms.", "Mark"),
    ("Customer: Mac", "Mac"),
    ("Max is a computer programmer.", "Max"),
)


def kept(text, *names, label="PERSON"):
    """Which of the names stay, all of them sure."""
    spans = []
    for name in names:
        at = text.index(name, spans[-1].end if spans else 0)
        spans.append(Span(at, at + len(name), label, 1.0))
    return [text[span.start : span.end] for span in persons(spans, text, lexicon())]


@pytest.mark.parametrize(("text", "name"), NOBODY)
def test_a_button_a_thing_or_a_word_is_nobody(text, name):
    assert kept(text, name) == []


@pytest.mark.parametrize(("text", "name"), SOMEBODY)
def test_a_person_stays(text, name):
    assert kept(text, name) == [name]


def test_who_is_named_once_is_named_everywhere_but_on_a_button():
    text = "Mark asked again. Mark will pay. Press Mark to see."
    assert kept(text, "Mark", "Mark", "Mark") == ["Mark", "Mark"]


def test_who_speaks_beside_a_person_is_one():
    assert kept("Ella: What now?\n**Destiny**: Go.", "Ella", "Destiny") == ["Ella", "Destiny"]
    assert kept("Melody: C E G\nMelody: E G C", "Melody", "Melody") == []


def test_an_article_may_stand_in_the_span():
    assert kept("It runs on both Mac and Linux.", "both Mac") == []


def test_full_names_other_kinds_and_names_that_are_no_words_are_left_alone():
    assert kept("Mark Twist orders tea.", "Mark Twist") == ["Mark Twist"]
    assert kept("Any Paris will do.", "Paris", label="LOCATION") == ["Paris"]
    assert kept("Any Kowalski will do.", "Kowalski") == ["Kowalski"]


def test_the_tagger_asks_for_evidence():
    texts = ["Does the adapter work with a Mac?", "Click Mark as read.", "Mark called me about the bill."]
    assert [len(found) for found in shipped(("PERSON",)).spans(texts)] == [0, 0, 1]
