"""Refusals in many words and languages, mathematics beside markup, what a spreadsheet did to texts."""

from __future__ import annotations

import pytest

from curate.checks.quality import Quality
from curate.checks.quality.edits import without_tags
from curate.checks.quality.escapes import unescaped_letters

REFUSALS = (
    "I can’t help with that.",
    "I’m sorry, but I can’t assist with that.",
    "I won’t be able to provide that.",
    "I’m not able to browse the internet.",
    "Sorry, I'm not comfortable answering this.",
    "I'm not comfortable with providing that.",
    "I must decline to answer this question.",
    "I must respectfully decline.",
    "I'd rather not discuss that.",
    "I don't have access to real-time data, so I can't tell you the weather.",
    "I don’t have personal opinions.",
    "That's not something I can help with.",
    "I'm sorry, that’s not something I'm able to help with.",
    "This is beyond my capabilities.",
    "I cannot in good conscience help with this.",
    "We are unable to provide that.",
    "Przykro mi, ale nie mogę w tym pomóc.",
    "Przepraszam, ale nie mogę odpowiedzieć na to pytanie.",
    "Het spijt me, maar ik kan daar niet mee helpen.",
    "Helaas kan ik u daar niet bij helpen.",
    "申し訳ありませんが、そのご要望にはお応えできません。",
    "申し訳ございませんが、お手伝いできません。",
    "죄송하지만 그 요청은 도와드릴 수 없습니다.",
    "Leider kann ich dir dabei nicht helfen.",
    "Es tut mir leid, aber das kann ich nicht beantworten.",
    "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "Damit kann ich Ihnen leider nicht weiterhelfen.",
    "Tyvärr kan jag inte hjälpa dig med det.",
    "Beklager, men jeg kan ikke hjelpe med det.",
    "Je suis désolé, mais je ne peux pas répondre.",
    "Malheureusement, je ne peux pas vous aider.",
    "Purtroppo non posso aiutarti.",
    "На жаль, я не можу допомогти.",
    "Üzgünüm, bu konuda yardımcı olamam.",
    "Xin lỗi, tôi không thể giúp bạn.",
    "Maaf, saya tidak dapat membantu.",
    "很抱歉，我無法協助處理這個請求。",
    "ขออภัย ฉันไม่สามารถช่วยเรื่องนี้ได้",
    "אני מצטער, אבל אני לא יכול לעזור בזה.",
    "متأسفم، اما نمی‌توانم در این مورد کمک کنم.",
    "দুঃখিত, আমি এই বিষয়ে সাহায্য করতে পারব না।",
    "மன்னிக்கவும், என்னால் இதற்கு உதவ முடியாது.",
    "Съжалявам, но не мога да помогна с това.",
    "Žao mi je, ali ne mogu pomoći s tim.",
    "Ľutujem, ale s tým nemôžem pomôcť.",
    "Ho sento, però no puc ajudar-te amb això.",
    "Samahani, siwezi kusaidia na hilo.",
    "عذراً، لا أستطيع المساعدة في ذلك.",
    "抱歉，我無法回答這個問題。",
    "Valitettavasti en voi auttaa siinä.",
    "Omlouvám se, ale nemohu vám pomoci.",
)
NO_REFUSALS = (
    "I can’t believe how good it is: go there!",
    "I don’t have a favourite, but try the fish.",
    "Sorry to hear that; try the Blue Door.",
    "I must say the Blue Door is best.",
    "Decline it if you are asked for a deposit.",
    "You can't go wrong with the Blue Door.",
    "That is something I love: the Blue Door.",
    "I'd rather eat at home than there.",
    "Leider ist es montags geschlossen.",
    "Dabei kann ich Ihnen gern helfen.",
    "Da kann ich nicht nein sagen: das Blaue Tor.",
    "Helaas is het gesloten op maandag.",
    "Niestety w poniedziałki jest zamknięte.",
    "残念ながら月曜日は閉まっています。",
    "죄송합니다. 월요일에는 쉽니다.",
    "Malheureusement, il est fermé le lundi.",
    "I have access to a car, so we can drive.",
    "I don't have personal experience, but the Blue Door is well spoken of.",
    "It is beyond the bridge, outside the old town.",
    "I refuse to eat anywhere but there; it is that good.",
    "Tyvärr är det stängt.",
    "Ich kann das Blaue Tor empfehlen, nicht aber den Hof.",
    "Sorry, ik kan die zaak echt aanraden.",
)
MATHEMATICS = (
    "If $a<b>c$ then $b$ is the largest.",
    "Since a<b>c holds, b is the largest of the three.",
    "We find 3<b>2 so b is in (2,3).",
    "if x<i>y then i is the largest index.",
    "He typed <i> and <u> by accident there.",
    "Let \\(a<b\\) and \\(b<p>q\\) hold.",
    "Take $$a<b> c, b </b> d$$ as given.",
    "1<p>0 and x<a>y hold.",
    "For a < b > c we have it.",
)
DAMAGED = (
    ("What is my order number?", "4,0123E+12"),
    ("Wie lautet die Sendungsnummer?", "1.23457E+15"),
    ("How do I return it?", "#REF!"),
    ("How do I return it?", "#NAME?"),
    ("Wie geht das?", "#WERT!"),
    ("Who?", "#N/A"),
    ("How?", "#VALUE!"),
    ("Where is the guide?", '=HYPERLINK("https://x.org";"guide")'),
    ("Which?", "=A1+B2"),
    ("Who?", "########"),
    ("#REF!", "Turn it off."),
)
MEANT = (
    ("What is Avogadro's constant?", "6.022E+23"),
    ("How many atoms?", "1.5E+10"),
    ("Which Excel error is shown?", "#N/A"),
    ("Write a formula for the sum of A1 to A3.", "=SUM(A1:A3)"),
    ("Which tag?", "#travel"),
    ("What is x?", "=5"),
    ("Convert 5000 to scientific notation", "5.0E+03"),
    ("Name a hashtag", "#N"),
    ("What is the sum in cell A1?", "=A1+B2"),
    ("Solve", "x = 5"),
)


@pytest.fixture(name="labels")
def _labels(asked, found):
    """The labels of each pair of a question and an answer, all read in one batch."""

    def of(pairs):
        told = [set() for _ in pairs]
        for row, _, label, _ in found(Quality(), *[asked(*pair) for pair in pairs]):
            told[row].add(label)
        return told

    return of


def test_refusals_are_found_in_any_apostrophe_and_many_languages(labels):
    told = labels([("Tell me of the best restaurant nearby.", text) for text in REFUSALS])
    assert [text for text, each in zip(REFUSALS, told, strict=True) if "refusal" not in each] == []


def test_answers_with_words_of_a_refusal_are_none(labels):
    told = labels([("Tell me of the best restaurant nearby.", text) for text in NO_REFUSALS])
    assert [text for text, each in zip(NO_REFUSALS, told, strict=True) if each] == []


def test_a_question_that_says_cannot_hides_no_refusal_of_the_request(labels):
    broken = "Hi, the lamp cannot be paired with my phone."
    refusals = (
        "I'm sorry, but I can't help with that.",
        "I am unable to assist with this.",
        "As an AI language model, I cannot access personal orders.",
    )
    assert [each for each in labels([(broken, text) for text in refusals]) if "refusal" not in each] == []
    meant = (
        (
            "Write a line that says you cannot come to the feast.",
            "I'm sorry, but I cannot come to the feast.",
        ),
        ("Say it shorter: sorry, but I can't help with that today.", "Sorry, I can't help with that today."),
        ("Say it without the short form: I can't help with that.", "I cannot help with that."),
        ("The guest cannot pay. Draft a polite refusal.", "Unfortunately, I am unable to help with this."),
        (broken, "I cannot see a lamp on the order; was it another one?"),
    )
    assert [each for each in labels(meant) if "refusal" in each] == []


def test_every_rule_reads_both_apostrophes(labels):
    """One fold for all of them: what is found with one is found with the other."""
    texts = [
        ("My pen leaks.\n\nLe message d'origine\n---- Message d'origine ----\nDe : A", "Turn it."),
        ("How?", f"{'It is done so by all of them in the town. ' * 6}\n\nDon't hesitate to ask!"),
        ("Name a colour.", "Blue, but I'm just an AI."),
    ]
    other = [(question.replace("'", "’"), answer.replace("'", "’")) for question, answer in texts]
    assert labels(texts) == labels(other)


@pytest.mark.parametrize("text", MATHEMATICS)
def test_signs_of_order_are_no_tags(labels, text):
    assert labels([("Solve it.", text)]) == [set()]
    assert without_tags(text) == text


def test_tags_beside_mathematics_go_and_the_formula_stays(labels):
    text = "It is <i>x</i>, H<sub>2</sub> and $a<b>c$ holds.<br>It costs $5 <b>now</b> and $6 later."
    assert labels([("Solve it.", text)]) == [{"html"}]
    assert without_tags(text) == "It is x, H₂ and $a<b>c$ holds.\nIt costs $5 now and $6 later."


def test_what_a_spreadsheet_did_is_found(labels):
    assert [
        pair for pair, each in zip(DAMAGED, labels(DAMAGED), strict=True) if "spreadsheet-damage" not in each
    ] == []


def test_numbers_and_formulas_that_were_asked_for_stay(labels):
    assert [pair for pair, each in zip(MEANT, labels(MEANT), strict=True) if each] == []


@pytest.mark.parametrize(
    ("question", "answer", "label"),
    [
        ("What colour is my car?", "In the image you provided, the car is red.", "missing-attachment"),
        ("What colour is my car?", "As shown in the photo, it is red.", "missing-attachment"),
        ("What is Python?", "<p>Python is a <b>fine</b> language.</p><p>It is popular.</p>", "html"),
        ("Name the capital.", "Rome.\nQ: What is the capital of Spain?\nA: Madrid.", "merged-instruction"),
        ("介绍一下猫。", "猫是一种动物。" * 6, "looping-end"),
        ("Describe it.", "The cat is " + "very " * 16 + "nice.", "repeated-phrases"),
        ("What is the capital of Italy?", "What is the capital of Italy?", "echo"),
        ("Wie ist es?", "Das Caf=C3=A9 ist sch=C3=B6n f=C3=BCr M=C3=BCller.", "escaped-letters"),
        ("Wie ist es?", "Das Caf%C3%A9 ist sch%C3%B6n.", "escaped-letters"),
        (
            "Wie ist es?",
            r"Das Caf\u00e9 ist sch\u00f6n. Gut \ud83d\ude00, it\u0027s done.",
            "escaped-letters",
        ),
    ],
)
def test_more_that_is_found(labels, question, answer, label):
    assert labels([(question, answer)]) == [{label}]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How does a camera work?", "Light falls in, and the image above the sensor is upside down."),
        ("Extract the fields: Bob is 3", '{"answer": "Bob", "age": 3}'),
        ("Who is it?", '{"answer": "Bob", "age": 3}'),
        ("Explain wiki links.", "In MediaWiki, [[Paris]] links to Paris and '''bold''' is bold."),
        ("Write a FAQ of a shop.", "Our shop is open.\nQ: When is it open?\nA: From nine."),
        ("How do I start?", "People often ask:\nQ: When is it open?\nA: From nine."),
        ("Write a TODO list for Monday.", "TODO\n- Buy milk\n- Call home"),
        ("Write a prepared statement.", "SELECT * FROM users WHERE id = {{user_id}};"),
        ("Repeat this: the sun is up today.", "the sun is up today."),
        ("Is this right? She go home.", "She went home, and went there at once."),
        ("What is the link?", "See https://de.example.org/wiki/Caf%C3%A9 for it, and ?q=caf%C3%A9&x=1 too."),
        ("How much is it?", "A rise of 20% and 30%C is not it; x=C3 and y=A9 hold."),
        ("Where is it?", r"It lies in C:\users\u1234x, and \u0041 is a letter."),
        ("What is the unicode escape of e with acute?", r"It is \u00e9."),
        ("Sing a song.", "La la la la la la la la la la, so it goes on in this song of mine."),
    ],
)
def test_more_that_is_meant(labels, question, answer):
    assert labels([(question, answer)]) == [set()]


def test_letters_are_read_as_they_were_sent():
    texts = {
        "Caf=C3=A9 f=C3=BCr dich, und=\n gut": "Café für dich, und gut",
        "Caf%C3%A9, https://x.org/Caf%C3%A9": "Café, https://x.org/Caf%C3%A9",
        r"Caf\u00e9 \ud83d\ude00 \ud83d it\u0027s": r"Café 😀 \ud83d it's",
        "100%, a=b": "100%, a=b",
    }
    assert {text: unescaped_letters(text) for text in texts} == texts
