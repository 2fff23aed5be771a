"""The language of a text, and the honest answer that it is not known."""

from __future__ import annotations

import pytest

from curate.checks.quality.language import LIKELY, language_of

TEXTS = {
    "en": "The cat sat on the mat and looked at the rain that fell from the sky.",
    "de": "Die Katze saß auf der Matte und sah den Regen, der vom Himmel auf die Stadt fiel.",
    "fr": "Le chat était assis sur le tapis et regardait la pluie qui tombait dans la rue.",
    "es": "El gato estaba sentado en la alfombra y miraba la lluvia que caía sobre los tejados de la ciudad.",
    "pt": "O gato estava sentado no tapete e olhava para a chuva que não parava de cair sobre os telhados da cidade.",
    "it": "Il gatto era seduto sul tappeto e guardava la pioggia che cadeva nella strada della città.",
    "nl": "De kat zat op de mat en keek naar de regen die uit de hemel op het dak van het huis viel.",
    "pl": "Kot siedział na macie i patrzył na deszcz, który padał z nieba, ale nie było już tak zimno.",
    "ru": "Кошка сидела на коврике и смотрела на дождь, который шел за окном и не переставал.",
    "zh": "猫坐在垫子上，看着从天上落下的雨。",
    "ja": "猫はマットの上に座って、空から降る雨を見ていた。",
    "ko": "고양이는 매트 위에 앉아 하늘에서 내리는 비를 보고 있었다.",
    "ar": "جلست القطة على السجادة ونظرت إلى المطر",
    "he": "החתול ישב על השטיח והביט בגשם",
    "th": "แมวนั่งอยู่บนเสื่อและมองดูฝน",
    "el": "Η γάτα κάθισε στο χαλί και κοίταξε τη βροχή",
    "hi": "बिल्ली चटाई पर बैठी थी और बारिश देख रही थी",
}


@pytest.mark.parametrize(("language", "text"), TEXTS.items())
def test_known(language, text):
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "Paris, Berlin, Rome",
        "x = a + b; y = o + e",
        "Avengers: Endgame",
        "```\nthe of and to in is\n```",
        "OK 好",
    ],
)
def test_not_known(text):
    assert language_of(text) is None
    assert language_of(text, LIKELY) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Welche Schulungen sind in den ersten 15 Wochen Pflicht?"),
        ("en", "Which trainings are a must in the first 15 weeks?"),
        ("fr", "Quelles formations sont obligatoires pour les nouveaux ?"),
        ("es", "¿Qué cursos son obligatorios para los nuevos?"),
    ],
)
def test_a_question_of_one_sentence_is_counted_with_its_language(language, text):
    assert language_of(text, LIKELY) == language


def test_code_and_links_in_a_text_do_not_count():
    assert (
        language_of(f"{TEXTS['de']} `the of and to in is that it for` https://example.com/the/of/and") == "de"
    )
