"""The metrics against published values and the packages that define them."""

import random

import polars as pl
import pytest

from curate.errors import ConfigError
from evalharness.asking.task import Task
from evalharness.metrics import Accuracy, ExactMatch, Format, RougeF, TokenF1, macro_f1, metrics_of
from evalharness.metrics.rouge import rouge_l, rouge_n, tokens
from evalharness.metrics.schema import Schema
from evalharness.metrics.text import exact_match, token_f1

# testdata of google-research's rouge (Apache-2.0), with the F values that its own tests assert
PUBLISHED = (
    (
        "ZfbCUIUuePaiLVUlCaUXxkpu XPeWing tUHfPMuZ',-Xd Y BrUgVJing M-HV.-DgdDaY.rFDJCRing Ht-LM EKBDXkME,yz'RBr q'wtion wIojNbN wL,b .a-'XdQggyFl jB-RPP'iyOIcUxer tKM L",
        "rFDJCRtion Ht-LM EKtDXkME,yz'RBr q'wer wrojNbN wL,b .a-'XdQggyFl jB-RPP'iyOIcUxi",
        (0.51163, 0.39024, 0.51163),
    ),
    (
        "KsJdPByEtAor fE-Qg Dpdbring cw-WeFyu vC MoBL Xdn g wkvcEiGvKtion BDFhrpMtion psing sbKao Q m qiing LMmer HqqLFXe,XPY,J XsurkMer ,ed nB'wH'bWVHjWFEing tQ.saefZwJtKrTlixYpMMsJing UCAPwNHeYVjDing c T BUySKtion gMPfJpwGw p'NvxAoping eu pBwMBKV'I DNxqelhu,PHPxDEq,mtion SN",
        "n cw-WeFyu vC MoBL Xdn g wkvcEiGvKtion BDFhrpMer pstion sbKao Q m qier LMmed HqqLFXe,XPY,J XsurkMeo ,ed nB'wH'bWVHjWFEer tQ.saefZwJtKrTlixYpMMNJtion UCAPwNHeYVjD",
        (0.5, 0.36364, 0.5),
    ),
)


def rows(*answers, reference="oak: sorry", label="oak", choice=None):
    return pl.DataFrame(
        [
            {
                "example_id": str(n),
                "answer": answer,
                "choice": choice,
                "error": None if answer is not None else "too long",
                "reference": reference,
                "reference_label": label,
            }
            for n, answer in enumerate(answers)
        ],
        schema_overrides={"choice": pl.String, "answer": pl.String, "error": pl.String},
    )


def values(metric, table):
    return metric.score(table)["value"].to_list()


@pytest.mark.parametrize(
    ("target", "prediction", "rouge1", "rouge2", "rougel"),
    [
        ("testing one two", "testing", (1, 1 / 3, 0.5), (0, 0, 0), (1, 1 / 3, 0.5)),
        ("testing one two", "testing one", (1, 2 / 3, 0.8), (1, 0.5, 2 / 3), (1, 2 / 3, 0.8)),
        ("testing one two", "testing two", (1, 2 / 3, 0.8), (0, 0, 0), (1, 2 / 3, 0.8)),
        ("one two", "", (0, 0, 0), (0, 0, 0), (0, 0, 0)),
        ("the cat the cat", "the the the", (2 / 3, 0.5, 4 / 7), (0, 0, 0), (2 / 3, 0.5, 4 / 7)),
    ],
)
def test_rouge_of_small_texts(target, prediction, rouge1, rouge2, rougel):
    """Values of rouge_score's own tests, and counts by hand."""
    wanted, said = tokens(target), tokens(prediction)
    assert rouge_n(wanted, said, 1) == pytest.approx(rouge1)
    assert rouge_n(wanted, said, 2) == pytest.approx(rouge2)
    assert rouge_l(wanted, said) == pytest.approx(rougel)


@pytest.mark.parametrize(("target", "prediction", "right"), PUBLISHED)
def test_rouge_of_its_authors_own_texts(target, prediction, right):
    wanted, said = tokens(target), tokens(prediction)
    found = (rouge_n(wanted, said, 1).f, rouge_n(wanted, said, 2).f, rouge_l(wanted, said).f)
    assert found == pytest.approx(right, abs=1e-5)


def test_rouge_is_that_of_rouge_score():
    """Bit for bit, on 400 pairs of random texts with repeats, marks and other scripts."""
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rouge1", "rouge2", "rougeL"])
    rng = random.Random(3)
    pool = ["the", "cat", "sat", "MAT", "it's", "naïve", "42", "猫", "", "a-b", "İstanbul", "x_y"]
    for _ in range(400):
        target = " ".join(rng.choices(pool, k=rng.randrange(0, 70)))
        prediction = " ".join(rng.choices(pool, k=rng.randrange(0, 70)))
        wanted, said = tokens(target), tokens(prediction)
        right = scorer.score(target, prediction)
        for name, ours in (
            ("rouge1", rouge_n(wanted, said, 1)),
            ("rouge2", rouge_n(wanted, said, 2)),
            ("rougeL", rouge_l(wanted, said)),
        ):
            theirs = right[name]
            assert ours == (theirs.precision, theirs.recall, theirs.fmeasure), (name, target, prediction)


@pytest.mark.parametrize(
    ("reference", "answer", "f1", "exact"),
    [
        ("new york new york", "new york", 2 / 3, 0),
        ("to be or not to be", "to be or not", 0.8, 0),
        ("the cat sat on the mat", "cat on mat", 6 / 7, 0),
        ("The oak: sorry!", "oak sorry", 1, 1),
        ("oak: sorry", "oak : sorry", 1, 1),
        ("oak", "", 0, 0),
        ("The", "a", 1, 1),
        ("The", "oak", 0, 0),
    ],
)
def test_squad_values(reference, answer, f1, exact):
    """Published examples; where normalisation leaves nothing on both sides they are equal."""
    assert token_f1(reference, answer) == pytest.approx(f1)
    assert exact_match(reference, answer) == exact


def test_accuracy_takes_the_likeliest_label_and_else_reads_the_answer():
    metric = Accuracy(("oak", "viola"))
    assert values(metric, rows("oak: yes", "viola: no", "nonsense")) == [1, 0, 0]
    found = metric.score(rows("nonsense", choice="oak"))
    assert found["value"].to_list() == [1] and found["label"].to_list() == ["oak"]
    assert metric.score(rows("nonsense"))["label"].to_list() == [None]


@pytest.mark.parametrize(
    ("metric", "table", "words"),
    [
        (Accuracy(()), rows("oak"), "free text"),
        (Accuracy(("oak",)), rows("oak", label=None), "no label"),
        (Accuracy(("oak",)), rows(None), "no answer: too long"),
        (ExactMatch(), rows(None), "no answer: too long"),
        (ExactMatch(), rows("x", reference=None), "no answer to compare with"),
        (TokenF1(), rows("x", reference=""), "no answer to compare with"),
        (RougeF("rouge1"), rows("x", reference="猫"), "fewer than 1 word"),
        (RougeF("rouge2"), rows("x y", reference="one"), "fewer than 2 words"),
        (Format(), rows("x"), "no form was asked for"),
    ],
)
def test_what_cannot_be_scored_is_null_with_a_reason_and_never_zero(metric, table, words):
    found = metric.score(table)
    assert found["value"].to_list() == [None] and words in found["reason"][0]


def test_macro_f1_is_scikit_learns_with_an_unread_answer_as_a_miss():
    right, said = ["a", "a", "b", "c"], ["a", None, "b", "d"]
    # a: p 1, r 1/2 -> 2/3; b: 1; c: 0 (never said); d: 0 (never right)
    assert macro_f1(right, said) == pytest.approx((2 / 3 + 1 + 0 + 0) / 4)
    assert macro_f1([], []) is None
    rng = random.Random(1)
    right = rng.choices("abcdef", k=200)
    said = [label if rng.random() < 0.6 else rng.choice("abcdefg") for label in right]
    from sklearn.metrics import f1_score

    labels = sorted({*right, *said})
    assert macro_f1(right, said) == pytest.approx(
        f1_score(right, said, labels=labels, average="macro", zero_division=0)
    )


def test_macro_f1_is_the_one_that_the_comparison_resamples():
    from evalharness.statistics.f1 import macro_f1 as compared

    rng = random.Random(2)
    right = rng.choices("abcd", k=100)
    said = [rng.choice(["a", "b", "c", "e", None]) for _ in right]
    assert macro_f1(right, said) == pytest.approx(compared(right, said))


def test_format_by_labels_by_regex_and_by_schema():
    answers = ("oak: yes", " oak\n", "oak : x", "Oak : x", "oak yes", "elm: no")
    assert values(Format(("oak",)), rows(*answers)) == [1, 1, 1, 0, 0, 0]
    assert values(Format(("card_arrival",)), rows("card_arrival", "card _ arrival", "card_arrivals")) == [
        1,
        0,
        0,
    ]
    assert values(Format(regex=r"\d+ .*"), rows("12 a\nb", "a 12")) == [1, 0]
    schema = '{"type": "object", "required": ["queue"], "properties": {"queue": {"enum": ["oak"]}}}'
    answers = ('{"queue": "oak"}', '{"queue": "elm"}', "{}", "oak", '{"queue": NaN}')
    assert values(Format(schema=schema), rows(*answers)) == [1, 0, 0, 0, 0]


def test_a_regex_that_is_wrong_is_an_error_not_a_zero():
    with pytest.raises(ConfigError, match="format-regex"):
        Format(regex="(").score(rows("x"))


@pytest.mark.parametrize(
    ("schema", "allowed", "refused"),
    [
        ('{"type": "integer", "minimum": 1, "maximum": 3}', (1, 2.0, 3), (0, 4, 1.5, True, "1")),
        ('{"type": ["string", "null"], "maxLength": 2}', ("ab", None), ("abc", 1)),
        ('{"type": "array", "items": {"type": "boolean"}, "minItems": 1}', ([True],), ([], [1], {})),
        (
            '{"properties": {"a": {"const": 1}}, "additionalProperties": false}',
            ({}, {"a": 1}),
            ({"b": 1}, {"a": True}),
        ),
        ('{"pattern": "^x"}', ("xy", 5), ("y",)),
        ("false", (), (1, None)),
    ],
)
def test_schema_rules(schema, allowed, refused):
    found = Schema.read(schema)
    assert all(found.allows(value) for value in allowed)
    assert not any(found.allows(value) for value in refused)


@pytest.mark.parametrize(
    "schema", ['{"oneOf": []}', '{"type": "text"}', "{", "[]", '{"items": {"not": {}}}', '{"pattern": "("}']
)
def test_a_schema_with_a_rule_that_is_not_known_is_refused(schema):
    """A check that skipped a rule would pass answers that break it."""
    with pytest.raises(ConfigError):
        Schema.read(schema)


def test_the_metrics_of_a_task_by_name():
    names = [metric.name for metric in metrics_of(Task(("oak",)))]
    assert names == ["accuracy", "exact-match", "token-f1", "rouge1", "rouge2", "rougeL", "format"]


@pytest.mark.slow
def test_the_metrics_load_into_hugging_face_evaluate(monkeypatch, tmp_path):
    """By path and without a network."""
    evaluate = pytest.importorskip("evaluate")
    monkeypatch.setenv("HF_EVALUATE_OFFLINE", "1")
    from evalharness.metrics import as_evaluate

    metric = evaluate.load(as_evaluate.__file__, cache_dir=str(tmp_path))
    found = metric.compute(predictions=["oak: sent", "b"], references=["oak: sent it", "b"])
    assert found["exact_match"] == 0.5 and found["token_f1"] == pytest.approx((0.8 + 1) / 2)
    assert found["rouge2"] == pytest.approx(2 / 3) and found["macro_f1"] == pytest.approx(1 / 3)
    assert 0 < found["chrf"] < 1 and found["bleu"] == 0 and found["rougeLsum"] == found["rougeL"]
    stemmed = metric.compute(predictions=["he runs"], references=["he run running"], use_stemmer=True)
    assert stemmed["rouge1"] == pytest.approx(0.8)
