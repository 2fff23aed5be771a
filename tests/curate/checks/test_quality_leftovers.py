"""What programs leave in answers: thoughts, errors, JSON cut off, letters of old encodings; and models that say so abroad."""

from __future__ import annotations

import pytest

from curate.checks.quality import Quality


@pytest.fixture(name="labels")
def _labels(asked, found):
    def labels(question, answer):
        return [label for _, _, label, _ in found(Quality(), asked(question, answer))]

    return labels


@pytest.mark.parametrize(
    ("question", "answer", "label"),
    [
        ("What is 2+2?", "<think>\nA simple sum. So I will", "open-thought"),
        ("What is 2+2?", "A simple sum.\n</think>\n4", "open-thought"),
        ("What is 2+2?", "<think>\nA simple sum.\n</think>\n", "open-thought"),
        ("What is tea?", "Error: rate limit exceeded. Please try again later.", "error-as-answer"),
        ("What is tea?", '{"error": {"message": "overloaded", "type": "server_error"}}', "error-as-answer"),
        ("Tell me of tea.", "An error occurred while generating the response.", "error-as-answer"),
        ("Ann as JSON?", '{"name": "Ann", "age": 31, "address": {"street": "High St', "truncated"),
        ("Three cities?", '```json\n[{"city": "Lyon"}, {"city": "Nice"}, {"ci\n```', "truncated"),
        ("请详细解释水壶。", "电热水壶的底部有一个加热元件。打开开关以后，电流通过加热元件，使水温逐渐升高，蒸汽会推动", "truncated"),
        ("ケトルを説明して", "電気ケトルの底にはヒーターがあります。電流が流れて水が温まり、沸騰すると蒸気が", "truncated"),
        ("请介绍北京", "北京是中国的首都，有很多名胜古迹。".encode("gbk").decode("latin-1"), "mojibake"),
        ("Где кот?", "Кот на крыше, он спит и не хочет слезать.".encode("koi8-r").decode("cp1251"), "mojibake"),
    ],
)  # fmt: skip
def test_what_a_program_left(labels, question, answer, label):
    assert labels(question, answer) == [label]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is 2+2?", "<think>A simple sum.</think>\n4"),
        ("What does the <think> tag do?", "It begins with <think> and holds thoughts."),
        ("What does HTTP 429 mean?", "Error 429 means that the rate limit was exceeded."),
        ("What does code 418 mean?", "Error 418: the teapot refuses to brew coffee."),
        ("Begin a tale of a hacker.", "Something went wrong the moment I logged in that night."),
        ("Translate: Algo salió mal", "Something went wrong."),
        ("What is an interval?", "[0, 1)"),
        ("Ann as JSON?", '{"name": "Ann"}'),
        ('Mend this: {"a": [1, 2', '{"a": [1, 2'),
        ("茶是什么？", "茶是一种用茶叶泡的饮料"),
        ("三种水果？", "好的。\n1. 苹果和梨子以及很多别的\n2. 香蕉"),
        ("French food?", "Pâté, crème brûlée, bœuf à l'œuvre"),
        ("ЧТО ЭТО?", "ЭТО ЧАЙ И КОФЕ, А ТАКЖЕ США"),
    ],
)
def test_what_is_meant(labels, question, answer):
    assert labels(question, answer) == []


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (
            "Was ist dein Lieblingsessen?",
            "Als KI-Sprachmodell habe ich keine Vorlieben, aber Pizza ist beliebt.",
        ),
        ("Quel est ton plat préféré ?", "En tant que modèle de langage, je n'ai pas de préférences."),
        ("¿Cuál es tu comida favorita?", "Como modelo de lenguaje de IA, no tengo preferencias."),
        ("好きな食べ物は？", "私はAI言語モデルなので、好みはありません。"),
        ("좋아하는 음식은?", "저는 AI 언어 모델로서 선호하는 음식이 없습니다."),
        ("Какая твоя любимая еда?", "Как языковая модель, я не имею предпочтений."),
        ("ما طعامك المفضل؟", "بصفتي نموذج لغة، ليس لدي تفضيلات."),
    ],
)
def test_a_model_speaks_of_itself_in_many_languages(labels, question, answer):
    assert labels(question, answer) == ["ai-disclaimer"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Wer bist du?", "Ich bin da, als KI-Sprachmodell, um zu helfen."),
        ("Come si dice?", "Si dice così, come modello da seguire per tutti."),
        ("Wie alt?", "Er ist älter als ein Sprachmodell, das es seit 2020 gibt."),
    ],
)
def test_a_model_that_was_asked_about_is_none(labels, question, answer):
    assert labels(question, answer) == []
