"""A name ends where the words of another language, or of a sentence, begin."""

from __future__ import annotations

import pytest

from curate.names import tagger


def persons(text: str) -> list[str]:
    [found] = tagger("auto", ("PERSON",)).spans([text])
    return [text[span.start : span.end] for span in found]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Hola María, ¿qué tal?", ["María"]),
        ("Hallo Anna, wie geht es dir?", ["Anna"]),
        ("Danke Peter!", ["Peter"]),
        ("Caro Luigi, grazie mille per la lettera.", ["Luigi"]),
        ("Obrigado Ana!", ["Ana"]),
        ("Tack Erik!", ["Erik"]),
        ("Combien coûte la livraison du Luma ring à Lyon ?", []),
        ("Gerne!", []),
        ("Prego.", []),
        ("Nombre: Cesar.\nApellidos: Prego Quezada.\nVive con sus padres desde hace tres años.", ["Cesar", "Prego Quezada"]),
        ("An error occurred. Else it is written to the file as ASCII, or the server sends a CRLF.", []),
        ("Please call Mr. Johnson back today.", ["Johnson"]),
        ("The claim of Ms. Davis was refused.", ["Davis"]),
        ("Mrs. Young has not paid yet.", ["Young"]),
        ("PESEL: 72051439090\nNRIC: S1234567D\nAdres: Warszawa", []),
        ("Dear Sirs,\n\nWe act for Anna Kowalska.", ["Anna Kowalska"]),
        ("hi im john smith from leeds", ["john smith"]),
        ("Follow up with Jan Novotny in May.", ["Jan Novotny"]),
    ],
)  # fmt: skip
def test_persons_are_their_names_alone(text, named):
    assert persons(text) == named


def test_a_town_behind_its_preposition_is_a_place():
    [found] = tagger("auto", ("PERSON", "LOCATION")).spans(
        ["Standard shipping of the lamp to Lyon costs 5 EUR."]
    )
    assert [span.label for span in found] in ([], ["LOCATION"])
