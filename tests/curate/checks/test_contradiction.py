"""The same question said differently is a finding; another question is not."""

from __future__ import annotations

import json

import pytest

from curate.checks.contradiction import Contradiction
from curate.checks.contradiction.requests import is_open
from curate.scanning.scan import scan

QUESTION = "my order of the blue mug has not arrived after two weeks what should i do about it now"


def without(**settings):
    return Contradiction(encoder="none", **settings)


def test_another_label_for_the_same_question(asked, found):
    """The label with fewer votes is the one to look at."""
    rows = [
        asked("Where is my card?", "x", label="arrival"),
        asked("where is my card", "x", label="lost"),
        asked("Where is my card", "x", label="arrival"),
    ]
    assert found(without(), *rows) == [(1, 0, "label", "review")]


def test_another_label_for_nearly_the_same_question(asked, found):
    rows = [asked(QUESTION, "x", label="a"), asked("hello " + QUESTION, "x", label="b")]
    assert found(without(), *rows) == [(1, 0, "label", "review")]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (QUESTION + " order 1234", QUESTION + " order 1235"),
        (QUESTION, QUESTION.replace("has not", "has now")),
        (QUESTION + " in Paris", QUESTION + " in Rome"),
        ("Is it open?", "Is it closed?"),
    ],
)
def test_another_question_contradicts_nothing(asked, found, one, two):
    assert found(without(threshold=0.5), asked(one, "x", label="a"), asked(two, "x", label="b")) == []


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Yes, it is free.", "No, it is free only for members."),
        ("It opens at nine every morning.", "Refunds take fourteen days to show."),
        ("7", "8"),
        ("We add them up, so 3 + 4 gives the answer: 7", "We add them up, so 3 + 4 gives the answer: 8"),
        ("First 3, then 4. #### 7", "First 3, then 4. #### 9"),
    ],
)
def test_clearly_different_answers_to_one_question(asked, found, one, two):
    told = found(without(), asked("How is this?", one), asked("how is this", two))
    assert told == [(1, 0, "answer", "review")]


@pytest.mark.parametrize(
    ("question", "one", "two"),
    [
        ("Write a poem about the sea.", "Blue waves roll on.", "Salt and wind forever call me."),
        ("Please, could you suggest a name for a cat?", "Tom", "Felix"),
        ("How is this?", "It is quite good today.", "It is good today, quite."),
        ("How is this?", "", "Fine."),
    ],
)
def test_answers_that_may_both_be_right(asked, found, question, one, two):
    assert found(without(), asked(question, one), asked(question, two)) == []


def test_another_system_prompt_makes_another_question(turn, asked, found):
    one, two = asked("How is this?", "7"), asked("How is this?", "8")
    two["messages"] = [turn("system", "You are a pirate."), *two["messages"]]
    assert found(without(), one, two) == []


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (
            "The shop in the old town is open until 5 each day.",
            "The shop in the old town is open until 6 each day.",
        ),
        ("The refund is paid to your card in time.", "The refund is not paid to your card in time."),
        (
            "We send the parcel from our Paris house by mail.",
            "We send the parcel from our Rome house by mail.",
        ),
    ],
)
def test_one_thing_that_differs_in_alike_answers(asked, found, one, two):
    assert found(without(), asked("How is this?", one), asked("how is this", two)) == [
        (1, 0, "answer", "review")
    ]


def test_a_question_in_other_words_with_another_result(asked, found):
    """The numbers and names are the same, some of them spelt out; the words are not."""
    one = "Ada buys 12 red lamps for 7 euros each at the Lisbon market. How much does Ada pay?"
    two = "At the market in Lisbon, lamps that are red cost seven euros a piece. What is the price of 12 for Ada?"
    rows = [asked(one, "#### 84"), asked(two, "#### 91"), asked("Where do cats sleep in winter?", "#### 3")]
    assert found(without(), *rows) == [(1, 0, "answer", "review")]


def test_a_question_turned_round_has_another_answer(asked, found):
    one = "Ada had 20 red lamps and gave 8 of them to Ben in Lisbon. How many red lamps has Ada now?"
    two = "Ada gave 8 red lamps to Ben in Lisbon and has 12 of them now. How many red lamps had Ada?"
    assert found(without(), asked(one, "#### 12"), asked(two, "#### 20")) == []


@pytest.fixture(name="tiny_nli", scope="session")
def _tiny_nli(tmp_path_factory):
    """A cross-encoder with random weights and the classes of NLI."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("sentence_transformers")
    folder = tmp_path_factory.mktemp("nli")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "it", "is", "open", "closed", "now", "shop", "the"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    transformers.set_seed(3)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=64, num_labels=3, initializer_range=1.0,
        id2label={0: "contradiction", 1: "entailment", 2: "neutral"},
        label2id={"contradiction": 0, "entailment": 1, "neutral": 2},
    )  # fmt: skip
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_cross_encoder_is_asked_both_ways_and_the_greater_counts(tiny_nli):
    from curate.checks.contradiction.nli import contradictions

    one, two = "it is open now", "the shop is closed"
    said = contradictions(str(tiny_nli), [(one, two)])[0]
    assert said == pytest.approx(contradictions(str(tiny_nli), [(two, one)])[0], abs=1e-6)
    assert 0 <= said <= 1


def test_a_cross_encoder_decides_on_answers_in_other_words(tiny_nli, asked, examples):
    import json

    from curate.checks.contradiction.nli import contradictions
    from curate.scanning.scan import scan

    one, two = "it is open now", "the shop closed"
    chance = contradictions(str(tiny_nli), [(two, one)])[0]
    table = examples(asked("How is this?", one), asked("how is this", two))
    told = scan(table, [without(nli=str(tiny_nli))]).findings
    assert told.height == (1 if chance >= 0.5 else 0)
    if told.height:
        assert json.loads(told["evidence"][0])["nli"] == pytest.approx(chance, abs=1e-3)


def test_a_cross_encoder_that_is_not_there():
    from curate.checks.contradiction.nli import judge
    from curate.errors import ConfigError

    with pytest.raises(ConfigError, match="no cross-encoder"):
        judge("./nowhere")


def told_of(asked, examples, *answers, question="What is asked here of us all?"):
    """Why two answers to one question contradict each other; nothing where they do not."""
    found = scan(examples(*(asked(question, answer) for answer in answers)), [without()]).findings
    return [json.loads(evidence)["why"] for evidence in found["evidence"]]


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        ("The sky is blue.", "The sky is green.", "another word in its place"),
        ("A spider has eight legs.", "A spider has six legs.", "other numbers"),
        ("February has 28 days.", "April has 28 days.", "another word in its place"),
        ("5 km", "5 m", "another word in its place"),
        ("Ja, es ist dicht.", "Nein, es ist nicht dicht.", "yes against no"),
        (
            "You need no visa and you cannot stay longer than 90 days.",
            "You need a visa and you cannot stay longer than 90 days.",
            "negation",
        ),
        ("可以退货,我们支持七天内退货", "可以退货,我们不支持七天内退货", "negation"),
    ],
)
def test_one_word_in_anothers_place_is_another_answer(asked, examples, left, right, why):
    assert told_of(asked, examples, left, right) == [why]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Paris.", "The capital of France is Paris."),
        ("8", "Eight."),
        ("1,000,000 people", "1000000 people"),
        ("42.195 km", "42.195 kilometres"),
        ("A", "A) apple"),
        ("中国的首都是北京。", "北京是中国的首都。"),
        ("长城全长两万多公里,是军事工程", "长城全长两万多公里，是军事工程！"),
        ("You can cancel it in the shop.", "You can cancle it in the shop."),
    ],
)
def test_the_same_in_another_form_is_no_contradiction(asked, examples, left, right):
    assert told_of(asked, examples, left, right) == []


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Penguins can fly.", "Penguins cannot fly."),
        ("The pressure increases.", "The pressure decreases."),
        ("长城全长约21196公里。", "长城全长约12196公里。"),
        ("不是,鲸鱼是哺乳动物。", "是的,鲸鱼是鱼。"),
        ("Evet, öyle sayılır bu da.", "Hayır, kesinlikle bir balina memelidir."),
        ("Au", "Ag"),
        ("The deadline is May 6.", "The deadline is June 5."),
        ("4 October 1950", "10 April 1950"),
    ],
)
def test_short_answers_that_say_the_opposite(asked, found, one, two):
    assert found(without(), asked("How is this?", one), asked("how is this", two)) == [
        (1, 0, "answer", "review")
    ]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("1993-09-13", "13 September 1993"),
        ("13/09/1993", "September 13, 1993"),
        ("It was signed on 25 March 1957.", "It was signed in March 1957."),
        ("It closes at 17:00.", "It closes at 5 pm."),
        ("1/2 of the cake", "half of the cake"),
        ("acht", "8"),
    ],
)
def test_one_value_in_two_spellings_is_no_contradiction(asked, found, one, two):
    assert found(without(), asked("How is this?", one), asked("how is this", two)) == []


@pytest.mark.parametrize(
    "question",
    [
        "Schreibe ein Gedicht über den Regen.", "Bitte schlage ein Abendessen vor.", "Écris un poème sur la pluie.",
        "Escribe un título para un libro.", "Напиши стихотворение о дожде.", "请写一首关于雨的诗。", "雨についての詩を書いてください。",
        "비에 대한 시를 써 주세요.", "बारिश पर एक कविता लिखो।", "اكتب قصيدة عن المطر", "Tulislah puisi tentang hujan.",
        "ช่วยแต่งกลอนเกี่ยวกับฝน", "Write a poem about rain.",
    ],
)  # fmt: skip
def test_requests_with_many_right_answers(question):
    assert is_open(question)


@pytest.mark.parametrize(
    "question",
    [
        "Wer schrieb den Faust?",
        "Quand a-t-il écrit ce livre ?",
        "¿Cuál es la capital?",
        "谁写了《红楼梦》？",
        "Who wrote Emma?",
    ],
)
def test_questions_of_fact_are_none(question):
    assert not is_open(question)


@pytest.mark.parametrize(
    ("question", "one", "two"),
    [
        ("Is the visitor password changed daily?", "Yes, at 6 am.", "No, it changes every Monday."),
        ("Wie lange ist die Probezeit?", "Sechs Monate.", "Drei Monate, danach unbefristet."),
        ("¿Cuándo abre la oficina?", "Abre a las 8.", "Abre a las 10."),
        ("Puis-je venir avec mon chien ?", "Oui, en laisse.", "Non, les chiens restent dehors."),
    ],
)
def test_a_label_that_two_rows_share_hides_no_other_answer(asked, found, question, one, two):
    """The label is a topic here, and says nothing of what is answered."""
    rows = [asked(question, one, label="Office"), asked(question, two, label=" office")]
    assert found(without(), *rows) == [(1, 0, "answer", "review")]
    assert found(without(), *(asked(question, one, label=label) for label in ("Office", "OFFICE "))) == []


def test_rows_that_answer_with_their_label_are_compared_by_it(asked, found):
    said = ["arrival", "Arrival.", "The label is: arrival", "arrival. The text asks where the card is."]
    rows = [asked("Where is my card?", answer, label="arrival") for answer in said]
    assert found(without(), *rows) == []
    assert found(without(), *rows, asked("Where is my card?", "lost", label="lost")) == [
        (4, 0, "label", "review")
    ]


def test_a_label_has_the_votes_of_all_its_rows(asked, found):
    """However they say it, three rows stand against one."""
    rows = [asked("Where is my card?", "Please call us about it today.", label="lost")]
    rows += [
        asked("Where is my card?", answer, label="arrival")
        for answer in ("It comes by post.", "It is coming by post.", "By post it comes.")
    ]
    assert (0, 1, "label", "review") in found(without(), *rows)


@pytest.mark.parametrize(
    ("question", "one", "two"),
    [
        ("Write a poem about the sea.", "Blue waves roll on.", "Salt wind calls me."),
        ("Wann öffnet das Amt?", "Das Amt öffnet früh am Morgen.", "Das Amt öffnet spät am Morgen."),
        ("海について書いて", "青い波が寄せては返す静かな朝。", "潮風が私を呼ぶ。"),
        ("May I?", "Yes.", "yes"),
    ],
)
def test_two_preferences_the_other_way_round(turn, found, question, one, two):
    """Also of what has many right answers: not both can be preferred to the other."""
    rows = [
        {"messages": [turn("user", question)], "chosen": chosen, "rejected": rejected}
        for chosen, rejected in ((one, two), (two, one))
    ]
    assert found(without(), *rows) == [(1, 0, "answer", "review")]


def test_where_the_label_differs_the_answers_are_told_too(asked, examples):
    rows = [
        asked("Is it free?", "Yes, for all.", label="a"),
        asked("Is it free?", "No, for none.", label="b"),
    ]
    findings = scan(examples(*rows), [without()]).findings
    told = json.loads(findings["evidence"][0])
    assert (told["differs"], told["answers"]) == ("label", "yes against no")


@pytest.mark.parametrize("form", ["**{}**, ", "{}—", "“{}”: ", "<b>{}</b> "])
def test_a_yes_in_other_type_is_a_yes(asked, examples, form):
    answers = [form.format(word) + rest for word, rest in (("Yes", "fish with cartilage"), ("No", "mammals"))]
    assert told_of(asked, examples, *answers, question="Tell me about sharks: are they fish?") == [
        "yes against no"
    ]


def test_words_of_english_are_no_numbers_of_another_language():
    from curate.checks.contradiction.values import words_of

    said = "otto the elf may doze while dos and the rent is due"
    assert words_of(said) == tuple(said.split())
    assert words_of("acht oder zwölf") == ("8", "oder", "12")


@pytest.mark.parametrize(
    "piece", ["用", "以用", "请以表格形式用中文作答，以图说明用途", "用户使用应用的记录，以时间为序", "\n"]
)
def test_whether_a_request_is_open_is_told_in_no_time(piece):
    from time import process_time

    began = process_time()
    assert not is_open(piece * (2_000 // len(piece)))
    assert process_time() - began < 0.5
