"""What the lists alone decide, and addresses made whole."""

from __future__ import annotations

import pytest

from curate.names import Span
from curate.names.addresses import whole
from curate.names.known_places import kind_by_lists, well_known
from curate.names.tagger import lexicon


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("ORGANIZATION", "New York City", "LOCATION"),
        ("ORGANIZATION", "New York Times", "ORGANIZATION"),
        ("ORGANIZATION", "Jessica", "PERSON"),
        ("ORGANIZATION", "Siemens", "ORGANIZATION"),
        ("ORGANIZATION", "Norwegian", "NRP"),
        ("PERSON", "Germany", "LOCATION"),
        ("PERSON", "Charlotte", "PERSON"),
        ("LOCATION", "Gretchen", "PERSON"),
        ("LOCATION", "Vienna", "LOCATION"),
        ("PERSON", "COVID-19", "PERSON"),
        ("AGE", "42", "AGE"),
    ],
)
def test_a_kind_that_the_lists_know_better(kind, name, expected):
    assert kind_by_lists(kind, name, lexicon()) == expected


def address(text, *parts):
    spans = [Span(text.index(part), text.index(part) + len(part), "LOCATION", 0.9) for part in parts]
    return [text[s.start : s.end] for s in whole(spans, text, lexicon())]


@pytest.mark.parametrize(
    ("text", "parts", "expected"),
    [
        ("at 12 Elm Grove, Leeds today", ["12 Elm Grove", "Leeds"], ["12 Elm Grove, Leeds"]),
        ("at 12 Elm Grove, Apt. 4, Leeds", ["12 Elm Grove", "Leeds"], ["12 Elm Grove, Apt. 4, Leeds"]),
        ("lives at 7 Oak Street now", ["Oak Street"], ["7 Oak Street"]),
        ("5 Oak Lane, Reno, NV 89501.", ["5 Oak Lane, Reno"], ["5 Oak Lane, Reno, NV 89501"]),
        ("5 Oak Lane\nReno\n NV 89501\n\nHi", ["5 Oak Lane\nReno"], ["5 Oak Lane\nReno\n NV 89501"]),
        ("Leeds, London and Paris", ["Leeds", "London", "Paris"], ["Leeds", "London", "Paris"]),
        ("1. Elm\n2. Oak\n3. Pine", ["Elm", "Oak", "Pine"], ["Elm", "Oak", "Pine"]),
        ("in 2019 Paris won", ["Paris"], ["Paris"]),
    ],
)
def test_the_parts_of_an_address_are_one(text, parts, expected):
    assert address(text, *parts) == expected


def test_the_places_that_mean_nothing_else_are_no_given_names():
    assert {"France", "Berlin"} <= well_known()
    assert not {"Charlotte", "Jordan", "Georgia", "Sydney", "Turkey", "Austin"} & well_known()
