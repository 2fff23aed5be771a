"""BLEU, chrF, stems, summaries, and what describes an answer, against published values and their packages."""

import random

import numpy as np
import polars as pl
import pytest

from evalharness.metrics import RougeF, about
from evalharness.metrics.about import bleu, chrf
from evalharness.metrics.described import Latency, Repetition, Throughput, refuses, repetition
from evalharness.metrics.rouge import KINDS, rouge
from evalharness.metrics.stemming import stem
from evalharness.metrics.text import score_rouges
from evalharness.metrics.translation import Bleu, Chrf, chrf_of_many, chrf_statistics, corpus_bleu

ANSWERS = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
REFERENCES = [
    ["The dog bit the man.", "The dog had bit the man."],
    ["It was not unexpected.", "No one was surprised."],
    ["The man bit him first.", "The man had bitten the dog."],
]
WORDS = ["the", "cat", "sat", "on", "a", "mat", "it's", ",.", "42", "naïve", "runs", "über", "running"]


def table(*rows, **columns):
    data = [
        {"example_id": str(n), "answer": a, "reference": r, "error": None} for n, (a, r) in enumerate(rows)
    ]
    return pl.DataFrame(data, schema_overrides={"error": pl.String}).with_columns(**columns)


def pooled(metric, rows):
    found = metric.score(table(*rows))
    return float(about(metric.name).formula(np.array(found["statistics"].to_list()).sum(0, keepdims=True))[0])


@pytest.mark.parametrize(
    ("tokenize", "value"), [("13a", 48.530827), ("none", 49.1919566), ("intl", 43.91623493)]
)
def test_bleu_of_sacrebleus_own_case(tokenize, value):
    assert 100 * corpus_bleu(ANSWERS, REFERENCES, tokenize) == pytest.approx(value, abs=1e-6)


def test_bleu_without_a_word_or_a_run_of_four_is_0():
    assert corpus_bleu(["", "", ""], REFERENCES) == 0
    assert corpus_bleu(["a b c"], [["a b c"]]) == 0


@pytest.mark.parametrize(
    ("statistics", "value"),
    [  # of sacrebleu's tests: lengths, matches, totals
        ((11, 11, 9, 7, 5, 3, 10, 8, 6, 4), 0.8375922397),
        ((0, 1, 0, 0, 0, 0, 4, 4, 2, 1), 0.0),
        ((14, 10, 0, 0, 0, 0, 10, 11, 12, 0), 0.0),
    ],
)
def test_bleu_of_published_counts(statistics, value):
    assert float(bleu(np.array([statistics], dtype=float))[0]) == pytest.approx(value, abs=1e-9)


def test_bleu_of_references_of_a_word_is_null_since_what_is_right_would_have_0():
    rows = [("blue", "blue"), ("a red one here now", "red")]
    found = Bleu().score(table(*rows))
    assert found["value"].null_count() == 2 and found["statistics"].null_count() == 2
    assert set(found["reason"]) == {"no reference has 4 words, which BLEU counts runs of"}
    one_more = Bleu().score(table(*rows, ("they are all blue", "they are all blue")))
    assert one_more["value"].null_count() == 0
    unanswered = Bleu().score(table(("blue", "blue")).with_columns(answer=pl.lit(None, dtype=pl.String)))
    assert "no answer" in unanswered["reason"][0]


def test_bleu_and_chrf_of_many_rows_are_sacrebleus():
    """Through the metric's rows and their sums, on 60 sets of random texts."""
    sacrebleu = pytest.importorskip("sacrebleu")
    rng = random.Random(0)
    for _ in range(60):
        texts = [[" ".join(rng.choices(WORDS, k=rng.randrange(1, 14))) for _ in range(5)] for _ in "ar"]
        rows = list(zip(*texts, strict=True))
        assert 100 * pooled(Bleu(), rows) == pytest.approx(sacrebleu.corpus_bleu(texts[0], [texts[1]]).score)
        assert 100 * pooled(Chrf(), rows) == pytest.approx(sacrebleu.corpus_chrf(texts[0], [texts[1]]).score)
        first = Bleu().score(table(*rows))["value"][0]
        assert 100 * first == pytest.approx(sacrebleu.sentence_bleu(texts[0][0], [texts[1][0]]).score)


def test_chrf_of_many_rows_at_once_is_that_of_each():
    rng = np.random.default_rng(1)
    kinds = ["ab c", "äöü ßéè", "你好 世界", "\U0001f600 \ud800", ""]
    pairs = [
        tuple("".join(rng.choice(list(kind + kinds[0]), int(rng.integers(0, 30)))) for _ in "ab")
        for kind in kinds * 8
    ]
    assert chrf_of_many(pairs) == [chrf_statistics(*pair) for pair in pairs]
    many = [("".join(map(chr, range(0x4E00, 0x4E00 + 3000))), "x"), ("", ""), ("", "y")]
    assert chrf_of_many(many) == [chrf_statistics(*pair) for pair in many]
    assert chrf_of_many([("", "")]) == [[0.0] * 18]


def test_chrf_of_single_texts():
    """Values of sacrebleu before 2.0 and since: an order that one side lacks does not count."""
    for answer, reference, value in (("a", "a", 100), ("a b c", "abc", 100), ("aa", "ab", 25), ("", "c", 0)):
        found = chrf(np.array([chrf_statistics(answer, reference)]))
        assert 100 * float(found[0]) == pytest.approx(value, abs=1e-4)


def test_the_signature_is_sacrebleus_and_is_recorded():
    sacrebleu = pytest.importorskip("sacrebleu")
    assert (
        Bleu().signature() == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"
    )
    assert "nc:6" in Chrf().signature()


@pytest.mark.parametrize(
    ("word", "right"),
    [  # of Porter's paper, and what NLTK's changes make of other words
        ("caresses", "caress"), ("ponies", "poni"), ("cats", "cat"), ("feed", "feed"), ("agreed", "agre"),
        ("plastered", "plaster"), ("motoring", "motor"), ("sing", "sing"), ("conflated", "conflat"),
        ("hopping", "hop"), ("falling", "fall"), ("filing", "file"), ("happy", "happi"), ("relational", "relat"),
        ("conditional", "condit"), ("digitizer", "digit"), ("vietnamization", "vietnam"), ("triplicate", "triplic"),
        ("electrical", "electr"), ("goodness", "good"), ("adjustment", "adjust"), ("adoption", "adopt"),
        ("controlling", "control"), ("dying", "die"), ("skies", "sky"), ("enjoy", "enjoy"), ("spied", "spi"),
        ("ties", "tie"), ("generically", "gener"), ("archaeology", "archaeolog"), ("as", "as"),
    ],
)  # fmt: skip
def test_stems(word, right):
    assert stem(word) == right


def test_stems_are_nltks():
    """On 20,000 made words with every ending that the rules look for."""
    peer = pytest.importorskip("nltk.stem.porter").PorterStemmer()
    rng = random.Random(4)
    ends = [
        "ational",
        "izer",
        "bli",
        "alli",
        "entli",
        "ousli",
        "ation",
        "alism",
        "iveness",
        "fulli",
        "logi",
        "icate",
        "ative",
        "iciti",
        "ful",
        "ness",
        "ance",
    ]
    ends += [
        "ement",
        "ent",
        "ion",
        "ou",
        "ism",
        "ed",
        "ing",
        "eed",
        "ies",
        "ied",
        "sses",
        "s",
        "y",
        "e",
        "ll",
        "yy",
        "ate",
        "ize",
        "0s",
    ]
    for _ in range(20_000):
        begin = "".join(rng.choices("abdeiloszty", k=rng.randrange(6)))
        word = begin + rng.choice(ends) + rng.choice(["", "", *ends])
        assert stem(word) == peer.stem(word), word


@pytest.mark.parametrize("stemmed", [False, True])
def test_rouge_of_texts_with_lines_is_that_of_rouge_score(stemmed):
    """All kinds bit for bit: among several longest common subsequences the same one is taken."""
    peer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(list(KINDS), use_stemmer=stemmed)
    rng = random.Random(5)
    pool = [*WORDS, "\n", "\n", "b", "", "猫"]
    for _ in range(120):
        first, second = (" ".join(rng.choices(pool, k=rng.randrange(40))) for _ in "ab")
        right = peer.score(first, second)
        assert rouge(first, second, stemmed=stemmed) == {kind: tuple(right[kind]) for kind in KINDS}


def test_rougelsum_counts_what_any_line_has_in_common():
    """The example of C.-Y. Lin's paper: w1, w2 and w3, w5 of two sentences."""
    found = rouge("w1 w2 w3 w4 w5", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5")["rougeLsum"]
    assert (found.recall, found.precision) == (0.8, 0.4)


def test_kinds_scored_together_are_those_scored_alone():
    rows = table(("the cats sat", "a cat sat"), ("x", None), ("a\nb", "b\na"), ("y", "猫"))
    metrics = [RougeF(name) for name in ("rouge1", "rougeLsum", "rouge1:stem", "rouge2")]
    together = score_rouges(metrics, rows)
    for metric, found in zip(metrics, together, strict=True):
        assert metric.score(rows).equals(found)
    assert together[0]["value"][0] != together[2]["value"][0]
    with pytest.raises(ValueError, match="no kind of ROUGE"):
        RougeF("rouge0").score(rows)


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ("I'm sorry, but I can't help with that.", 1),
        ("As an AI language model, I do not have opinions.", 1),
        ("I cannot assist you with this request.", 1),
        ("Das tut mir leid, dabei kann ich nicht helfen.", 1),
        ("Lo siento, pero no puedo ayudar con eso.", 1),
        ("抱歉，我无法提供帮助。", 1),
        ("I'm sorry to hear that your mug broke. We will send a new one.", 0),
        ("oak: sorry about the mug", 0),
        ("He said: I will go. " * 12 + "I cannot help with that.", 0),
    ],
)
def test_refusals_by_how_they_begin(answer, refused):
    assert refuses(answer) == refused


def test_repetition_is_the_share_of_runs_said_before():
    assert repetition("a b c d e") == 0
    assert repetition("go on go on go on go on") == pytest.approx(3 / 5)
    assert repetition("too few words here") is None
    assert repetition("重复" * 40) > 0.9
    assert Repetition().score(table(("x", "y")))["reason"][0] == "the answer has fewer than 5 words"


def test_times_are_those_recorded_and_null_where_none_was():
    rows = table(
        *[("a", "b")] * 4, seconds=pl.Series([1.0, 2.0, 3.0, None]), answer_tokens=pl.Series([2, 4, None, 8])
    )
    assert Latency().score(rows)["value"].to_list() == [1, 2, 3, None]
    assert Latency("first-token-seconds").score(rows)["reason"].unique().to_list() == [
        "the time was not taken"
    ]
    found = Throughput().score(rows)
    assert found["value"].to_list() == [2, 2, None, None]
    assert about("tokens-a-second").formula(np.array([[1.0, 2], [9, 2]])).tolist() == [0.5, 4.5]
