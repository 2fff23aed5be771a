"""Persons of one conversation: found everywhere, numbered, and not mixed up."""

from __future__ import annotations

import random
import re
import sys

import pytest

from curate.names import Span
from curate.names.conversation import _fits, _Names, _Persons, linked


def spans(text, *names, score=0.99, label="PERSON"):
    return [Span(text.index(name), text.index(name) + len(name), label, score) for name in names]


def said(texts, found):
    return [
        [(text[f.span.start : f.span.end], f.person) for f in each]
        for text, each in zip(texts, linked(texts, found), strict=True)
    ]


def test_a_name_of_the_system_prompt_is_found_in_turn_seven():
    texts = ["You help Anna Schmidt.", "ok", "what now", "Anna, please wait. Ms Schmidt called."]
    found = [spans(texts[0], "Anna Schmidt"), [], [], []]
    assert said(texts, found) == [[("Anna Schmidt", 1)], [], [], [("Anna", 1), ("Schmidt", 1)]]


def test_two_persons_keep_their_numbers():
    texts = ["Anna Schmidt met Ben Okafor.", "Ben said hi to Schmidt."]
    assert said(texts, [spans(texts[0], "Anna Schmidt", "Ben Okafor"), []]) == [
        [("Anna Schmidt", 1), ("Ben Okafor", 2)],
        [("Ben", 2), ("Schmidt", 1)],
    ]


def test_a_first_name_becomes_the_whole_name_that_follows():
    texts = ["Hi Zoltan", "Zoltan Nagy here", "Zoltan Kiss too"]
    found = [spans(texts[0], "Zoltan"), spans(texts[1], "Zoltan Nagy"), spans(texts[2], "Zoltan Kiss")]
    assert [each[0][1] for each in said(texts, found)] == [1, 1, 2]


def test_an_initial_is_the_same_person():
    texts = ["Astrid Lindgren wrote.", "A. Lindgren"]
    assert said(texts, [spans(texts[0], "Astrid Lindgren"), spans(texts[1], "A. Lindgren")])[1] == [
        ("A. Lindgren", 1)
    ]


def test_names_in_paths_addresses_and_longer_words_are_left_alone():
    texts = ["Zoltan Nagy wrote", "/home/Zoltan/x Zoltan.Nagy@x.org Zoltans my_Zoltan Zoltan-1 @Zoltan"]
    assert said(texts, [spans(texts[0], "Zoltan Nagy"), []])[1] == []


def test_an_unsure_name_is_not_looked_for():
    texts = ["Zoltan?", "Zoltan went"]
    assert said(texts, [spans(texts[0], "Zoltan", score=0.6), []])[1] == []


def test_a_part_that_is_an_ordinary_word_is_not_taken_where_a_sentence_begins():
    texts = ["Mark Young called.", "Mark the date. Young people like it. I saw Mark there."]
    assert said(texts, [spans(texts[0], "Mark Young"), []])[1] == [("Mark", 1)]


def test_places_have_no_number():
    texts = ["Berlin is big"]
    assert said(texts, [spans(texts[0], "Berlin", label="LOCATION")]) == [[("Berlin", None)]]


def test_a_surname_of_two_persons_is_the_one_named_last_and_is_marked():
    texts = [
        "Anna Schmidt wrote.",
        "We wait for Schmidt.",
        "Ben Schmidt called.",
        "Tell Schmidt. Anna Schmidt left without Schmidt.",
    ]
    found = [
        spans(texts[0], "Anna Schmidt"),
        [],
        spans(texts[2], "Ben Schmidt"),
        spans(texts[3], "Anna Schmidt"),
    ]
    told = [[(f.person, f.unsure) for f in each] for each in linked(texts, found)]
    assert told == [[(1, False)], [(1, False)], [(2, False)], [(2, True), (1, False), (1, True)]]


def test_names_are_found_as_one_pattern_of_all_would_find_them():
    before, after = r"(?<![\w@/\\])(?<![\w][.-])", r"(?![\w@/\\]|[.-]\w|['’-](?!s\b)\w)"
    known = ["Ana", "Ana Paz", "Paz", "Lee", "Ana-Lee", "Le", "A", "Paz Ruiz", "Ruiz"]
    draw = random.Random(5)
    for _ in range(3_000):
        names = sorted(draw.sample(known, draw.randint(1, 5)), key=lambda name: (-len(name), name))
        marks = [*known, " ", " ", ".", "-", "'s", "’", "@", "/", "\n", "x", "s "]
        text = "".join(draw.choice(marks) for _ in range(draw.randint(1, 14)))
        pattern = re.compile(f"{before}(?:{'|'.join(map(re.escape, names))}){after}")
        assert _Names(names).places(text) == [match.span() for match in pattern.finditer(text)], (text, names)


class Plain:
    """Numbers by looking at every person for every name: what the index must come to."""

    def __init__(self):
        self.known, self.named, self.clock = [], [], 0

    def number(self, name):
        parts = {part.casefold() for part in re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", name)} or {name}
        fitting = [at for at, known in enumerate(self.known) if _fits(parts, known) or _fits(known, parts)]
        same = [at for at in fitting if self.known[at] == parts]
        if not fitting:
            self.known.append(set())
            self.named.append(0)
        at = max(same or fitting, key=self.named.__getitem__, default=len(self.known) - 1)
        self.clock += 1
        self.named[at] = self.clock
        unsure = len(fitting) > 1 and not same
        if not unsure:
            self.known[at] |= parts
        return at + 1, unsure


@pytest.mark.parametrize("seed", range(40))
def test_persons_are_those_of_looking_at_every_one(seed):
    draw = random.Random(seed)
    words = [
        "Anna",
        "Ana",
        "Smith",
        "Jones",
        "Li",
        "Bo",
        "A",
        "S",
        "J",
        "Ben-Ami",
        "Okafor",
        "7",
        "7 8",
        "Max",
    ]
    words = words[: draw.randint(4, len(words))]
    fast, plain = _Persons(), Plain()
    for _ in range(300):
        name = " ".join(draw.choices(words, k=draw.choice((1, 1, 2, 2, 3, 4, 9))))
        assert fast.number(name) == plain.number(name), name


def test_names_of_many_persons_are_not_compared_one_by_one():
    """Four times the persons, of few first names, are about four times the work: counted, not timed."""

    def compared(count):
        text = " ".join(
            f"{'ABCDE'[n % 5]}nna Z{'abcdefghij'[n % 10]}x{n}ov".replace(str(n), spelt(n))
            for n in range(count)
        )
        names = [
            Span(found.start(), found.end(), "PERSON", 0.99) for found in re.finditer(r"\wnna Z\w+", text)
        ]
        lines = 0

        def traced(frame, event, argument):
            nonlocal lines
            lines += event == "line"
            return traced

        linked(["Anna Zax is here"], [[Span(0, 8, "PERSON", 0.99)]])  # what is made once is made
        sys.settrace(traced)
        try:
            persons = {each.person for each in linked([text], [names])[0]}
        finally:
            sys.settrace(None)
        assert len(persons) == count == len(names)
        return lines

    assert compared(600) < 6 * compared(150)


def spelt(number):
    return "".join("abcdefghij"[int(digit)] for digit in str(number))
