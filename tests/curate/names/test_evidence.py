"""Names in other languages than English: few false alarms, names with evidence stay, English is as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.names import tagger
from curate.names.tagger import lexicon
from curate.names.tokens import style, words
from curate.names.tongue import counts, strange


def _sentences(name):
    """By language: (sentences that name nobody, (sentence, names) of the others)."""
    languages: dict[str, tuple[list[str], list[tuple[str, list[str]]]]] = {}
    plain, named = [], []
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    for line in text.splitlines()[1:]:
        sentence, bar, names = line.replace("\\n", "\n").partition("|")
        if line.startswith("== "):
            plain, named = languages.setdefault(line[3:], ([], []))
        elif bar:
            named.append((sentence, names.split(";")))
        else:
            plain.append(sentence)
    return languages


SENTENCES = _sentences("other_languages.txt")
SHORT = _sentences("short_sentences.txt")


def persons(*texts):
    found = tagger("auto", ("PERSON",)).spans(texts)
    return [text[s.start : s.end] for text, spans in zip(texts, found, strict=True) for s in spans]


@pytest.mark.parametrize("language", SENTENCES)
def test_a_text_that_names_nobody_gives_no_person(language):
    assert persons("\n".join(SENTENCES[language][0])) == []


def test_single_sentences_give_few_persons():
    every = [sentence for plain, _ in SENTENCES.values() for sentence in plain]
    assert len(persons(*every)) <= 0.04 * len(every)


def test_the_shortest_sentences_give_few_persons():
    """Two to eight words each: headings, answers, steps of recipes."""
    every = [sentence for plain, _ in SHORT.values() for sentence in plain]
    assert len(every) > 300
    assert len(persons(*every)) <= 0.05 * len(every)


def test_names_in_the_shortest_sentences_are_still_found():
    every = [(sentence, name) for _, named in SHORT.values() for sentence, names in named for name in names]
    found = [any(name in person for person in persons(sentence)) for sentence, name in every]
    assert sum(found) >= 0.88 * len(every)


def test_a_text_too_short_to_tell_is_in_the_language_of_its_row():
    texts = ["Bekommen Werkstudenten Weihnachtsgeld?", "Anteilig, ab sechs Monaten im Betrieb."]
    alone, together = (tagger("auto", ("PERSON",)).spans(texts, rows) for rows in (["a", "b"], ["a", "a"]))
    assert alone[0]
    assert together == [[], []]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Can I change my pension as of June?", []),
        ("The days lapse at the end of April, please ask HR.", []),
        ("We signed it on 3 May and it was paid until August.", []),
        ("Auf der Abrechnung August fehlen 30 Stunden.", []),
        ("I had lunch with April, and she told me about it.", ["April"]),
        ("My badge does not open the door to the Eindhoven office.", []),
        ("Ich bin 7 Tage krank, brauche ich ein Attest?", []),
        ("Laut Katarzyna geht das erst morgen.", ["Katarzyna"]),
    ],
)
def test_months_towns_and_what_is_counted_are_no_persons(text, expected):
    assert persons(text) == expected


def test_names_in_other_languages_are_still_found():
    missed = [
        (sentence, name)
        for _, named in SENTENCES.values()
        for sentence, names in named
        for name in names
        if not any(name in found or found in name for found in persons(sentence))
    ]
    assert len(missed) <= 2, missed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Datos del paciente.\nNombre: Ernesto.\nApellidos: Rivera Ortega.\nServicio: Urgencias.\nTras la valoración, "
            "se decide el ingreso por dolor torácico de tres horas de evolución.",
            ["Ernesto", "Rivera Ortega"],
        ),
        (
            "Remitido por: Dra. Inés Zubizarreta Lasa. Servicio de Neumología del hospital de la zona, con cita para "
            "control en la consulta dentro de dos meses.",
            ["Inés Zubizarreta Lasa"],
        ),
        ("En la escala de Glasgow obtuvo quince puntos y el signo de Murphy fue negativo al ingreso.", []),
        ("Dolores de espalda desde hace dos semanas; sin fiebre ni pérdida de peso asociada.", []),
        (
            "Dolores Iglesias refiere dolores de espalda desde hace dos semanas sin fiebre.",
            ["Dolores Iglesias"],
        ),
        ("Der Koch hat die Suppe am Abend noch einmal nachgewürzt und allen davon gegeben.", []),
        ("Gestern hat Frau Oberhuber den Schlüssel im Büro vergessen und uns angerufen.", ["Oberhuber"]),
    ],
)
def test_fields_titles_and_lists_tell_names_from_words(text, expected):
    assert persons(text) == expected


def test_a_title_or_a_field_is_no_part_of_the_name():
    text = "El informe lo firma la Dra. Inmaculada Bravo y lo revisa don Ramón Etxeberria antes de enviarlo."
    assert persons(text) == ["Inmaculada Bravo", "Ramón Etxeberria"]


def test_english_texts_are_not_held_to_it():
    text = "I met Brontik Vasquelle at the office; please tell him that we are closed. Ella Snider wrote to us too."
    assert persons(text) == ["Brontik Vasquelle", "Ella Snider"]


def _strange(text):
    read = words(text)
    marks = np.array([counts(word, lexicon().flags(word), style(text)) for word in read])
    return strange(marks, [0, len(read) - 1])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Please send me the invoice as soon as you can.", [False, False]),
        ("Por favor, envíeme la factura lo antes posible porque la necesito.", [True, True]),
        ("eva kleist lives at hersnapvej, københavn", [False, False]),
        ("Otto Klein\nMaria Weiss", [False, False]),
        ("これは日本語の文章です。", [False, False]),
    ],
)
def test_the_language_is_told_by_common_words(text, told):
    assert _strange(text) == told


def test_each_part_of_a_mixed_text_is_judged_by_its_surroundings():
    english = "Please translate the following text and keep the tone as it is in the original letter. " * 8
    spanish = "Según el pronóstico, lloverá toda la semana en el norte del país y nadie saldrá de casa. " * 8
    assert _strange(english + spanish) == [False, True]


def test_a_verb_that_begins_a_prompt_is_no_person_though_somebody_is_called_so():
    prompts = (
        "Eres un asistente útil que responde a los clientes.",
        "Eres el agente de soporte de una tienda.",
        "Lies den folgenden Text und beantworte die Frage.",
        "Manda el paquete a la dirección de siempre, por favor.",
    )
    assert persons(*prompts) == []
    assert persons("Hola, me llamo Mira y mi pedido no ha llegado.") == ["Mira"]
