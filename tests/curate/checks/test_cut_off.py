"""Answers that stop in the middle, by their last word or beside others that have an end."""

from __future__ import annotations

import pytest

from curate.checks.quality import Quality
from curate.checks.style import Style


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When can I take leave?", "You can take it once a year, and the"),
        ("What is a hammer?", "It is a tool with a handle and a"),
        ("In a few words, who signs it?", "Send the form to your"),
        ("Wie oft kann ich das beantragen?", "Einmal im Jahr; Anträge bis zum"),
        ("Wer muss das unterschreiben?", "Das Formular geht an Ihre Leitung oder"),
        ("Où se trouve la clé de la salle ?", "Elle est dans le tiroir de"),
        ("¿Dónde está la llave de la sala?", "Está en el cajón de la mesa del"),
        ("Dove si trova la chiave della sala?", "La chiave si trova nel cassetto della"),
        ("Onde está a chave da sala?", "A chave está na gaveta da mesa do"),
        ("Waar is de sleutel van de zaal?", "De sleutel ligt in de la van het"),
        ("Где лежит ключ от зала?", "Ключ лежит в ящике стола и"),
    ],
)
def test_a_last_word_that_needs_another(asked, found, question, answer):
    assert [each[2:] for each in found(Quality(), asked(question, answer))] == [("truncated", "review")]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Where did he grow up?", "the town he lived in"),
        ("Which of these is it? (a) Paris (b) Rome", "Looking at the two options, the right one is a"),
        ("Which variable holds the sum?", "In this program the sum of both numbers is held in a"),
        ("Solve 2a = 10", "We divide both sides by two and get the value of a"),
        ("Which is the most common English word?", "The most common word in English is the"),
        ("¿Qué letra falta?", "La letra que falta en la palabra es la o"),
        ("Which vitamins are in it?", "The vitamins in it are b and a"),
        ("Which one is it?", "Vitamin A"),
        ("Wann beginnt der Kurs?", "Der Kurs fängt morgen an"),
        ("Wat moet ik doen?", "Zet het apparaat eerst even aan"),
        ("Name a novel.", "Lord of the"),
        ("Sort these words by length: the, bananas, and, a", "bananas, and, the, a"),
        ("Write some code.", "for x in range(10): print(x, end='') or"),
    ],
)
def test_last_words_that_may_stand_there(asked, found, question, answer):
    assert [each for each in found(Quality(), asked(question, answer)) if each[2] == "truncated"] == []


def rows_of(asked, answers):
    return [asked(f"Question {at} of those that people ask us?", answer) for at, answer in enumerate(answers)]


USUAL = {
    "en": "We send you a new one within {} days, and you keep the old one.",
    "de": "Wir schicken Ihnen in {} Tagen ein neues Gerät, das alte bleibt bei Ihnen.",
    "ja": "{}日以内に新しいものをお送りしますので古いものはお手元に置いてください。",
    "hi": "हम आपको {} दिनों में नया भेज देंगे और पुराना आप अपने पास रख सकते हैं।",
}


@pytest.mark.parametrize(
    ("language", "cut"),
    [
        ("en", "The link is good for 15 minutes, then request two more"),
        ("de", "Der Link ist 15 Minuten lang gültig. Danach fordern Sie bitte"),
        ("ja", "リンクは十五分間有効ですのでその後は新しいリンクをもう一度"),
        ("hi", "लिंक पंद्रह मिनट तक चलता है उसके बाद आप नया लिंक"),
    ],
)
def test_an_answer_without_an_end_among_answers_that_have_one(asked, found, language, cut):
    usual = [USUAL[language].format(at) for at in range(40)]
    told = [each for each in found(Style(), *rows_of(asked, [*usual, cut])) if each[2] == "no-end-mark"]
    assert told == [(40, None, "no-end-mark", "review")]


@pytest.mark.parametrize(
    "answer",
    [
        "Paris",
        "The Old Man and the Sea by Ernest Hemingway",
        "apples, pears, plums and some more of the other fruit",
        "Write to the desk that answers you at help@example.org",
        "Be good to each other all the time - Anna Berger",
        "Have a nice time with all of us here #holidays",
        "The area of a circle of any size is pi*r^2",
        "- the first of the things to do\n- the second of the things to do",
    ],
)
def test_what_needs_no_end_mark(asked, found, answer):
    usual = [USUAL["en"].format(at) for at in range(40)]
    told = found(Style(), *rows_of(asked, [*usual, answer]))
    assert [each for each in told if each[2] == "no-end-mark"] == []


def test_where_many_answers_have_no_end_mark_none_is_told(asked, found):
    usual = [USUAL["en"].format(at).rstrip("." if at % 5 == 0 else "") for at in range(60)]
    assert [each for each in found(Style(), *rows_of(asked, usual)) if each[2] == "no-end-mark"] == []


def test_a_closing_that_many_share_is_an_end(asked, found):
    """A signature has no full stop."""
    usual = [USUAL["de"].format(at) + " Grüße, Ihr Service Desk" * (at % 2) for at in range(60)]
    cut = "Der Link ist 15 Minuten lang gültig. Danach fordern Sie bitte"
    told = [each for each in found(Style(), *rows_of(asked, [*usual, cut])) if each[2] == "no-end-mark"]
    assert told == [(60, None, "no-end-mark", "review")]
