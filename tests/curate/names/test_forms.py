"""Names that the field before them or the title of their column calls so."""

from __future__ import annotations

import pytest

from curate.checks.secrets.listed import column
from curate.names.forms import SCORE, in_fields, joined
from curate.names.span import Span
from curate.names.tagger import lexicon


def found(text):
    return [text[span.start : span.end] for span in in_fields(text, lexicon(), column)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("surname=Chattopadhyay\nfirst_name=Duc\ndob=1", ["Chattopadhyay", "Duc"]),
        ('{"lastName": "Kowalska", "given_name": "Ngozi"}', ["Kowalska", "Ngozi"]),
        (r"{\"first_name\": \"Ngozi\"}", ["Ngozi"]),
        ("Patient name: Dvořáková, Petra\nBorn: 1990", ["Dvořáková, Petra"]),
        ("Nazwisko: Brzęczyszczykiewicz", ["Brzęczyszczykiewicz"]),
        ("Account holder: Nguyen Thi Hong, since", ["Nguyen Thi Hong"]),
        ("name,email\nPriyanka Deshmukh,p@x.example\n", ["Priyanka Deshmukh"]),
        ("| Customer | n |\n|---|---|\n| Amara Nwachukwu | 1 |", ["Amara Nwachukwu"]),
    ],
)
def test_a_field_or_a_title_tells_a_name(text, names):
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "first_name = models.CharField(max_length=30)",
        "last_name: str = Field(...)",
        "First name: Required\nLast name: Optional",
        "username=Kowalska_92",
        "file_name: Report",
        "name,price\nGarden Chair,20\nOffice Lamp,30\n",
        "Full name: [Your Name]",
    ],
)
def test_code_and_words_are_no_names(text):
    assert found(text) == []


def test_a_field_takes_the_place_of_what_the_tagger_saw_of_it():
    field = Span(6, 20, "PERSON", SCORE)
    other = Span(30, 34, "PERSON", 0.6)
    assert joined([Span(6, 12, "PERSON", 0.5), other], [field]) == [field, other]
