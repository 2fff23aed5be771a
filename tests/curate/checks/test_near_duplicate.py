"""Nearly equal rows: found without missing any, dropped only where nothing speaks against it."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pytest

from curate.checks import minhash, overlap
from curate.checks.near_duplicate import NearDuplicate
from curate.checks.wording import hashed_shingles, jaccard, normalise, said, shingle_sets, wordings
from curate.errors import ConfigError
from curate.scanning.scan import scan

LONG = (
    "please tell me how i can change the address on my account because i have moved to a new flat last week"
)


def test_a_row_nearly_the_same_is_proposed_for_dropping(asked, examples, found):
    rows = [asked(LONG, "Open the settings."), asked(LONG + " thanks", "Open the settings.")]
    assert found(NearDuplicate(), *rows) == [(0, None, "near", "keep"), (1, 0, "near", "drop")]
    score = scan(examples(*rows), [NearDuplicate()]).findings.filter(action="drop")["score"][0]
    sets = shingle_sets([normalise(f"{row['messages'][0]['content']} Open the settings.") for row in rows])
    assert 0.7 <= score < 1
    assert score == pytest.approx(len(sets[0] & sets[1]) / len(sets[0] | sets[1]), abs=0.05)


@pytest.mark.parametrize(
    ("question", "answer", "label", "reason"),
    [
        (LONG.replace("last week", "last May 12"), "Open the settings.", "a", "numbers-differ"),
        (LONG.replace("flat", "flat in Paris"), "Open the settings.", "a", "names-differ"),
        (LONG + " thanks", "Open the settings.", "b", "labels-differ"),
        (LONG + " thanks", "No.", "a", "answers-differ"),
    ],
)
def test_what_speaks_against_a_drop_makes_it_a_matter_for_review(
    asked, found, question, answer, label, reason
):
    first = asked(
        LONG.replace("flat", "flat in Rome") if "Paris" in question else LONG, "Open the settings.", label="a"
    )
    told = found(NearDuplicate(threshold=0.5), first, asked(question, answer, label=label))
    assert told == [(0, None, "near", "keep"), (1, 0, reason, "review")]


def test_no_row_falls_to_one_that_it_is_not_near(asked, found):
    """With a near b and b near c, but a far from c: b falls to a, c is for review."""
    words = [f"w{'abcdefghijklmnopqrstuvwxyz'[at]}" for at in range(26)]
    chain = [" ".join(words[:size]) for size in (15, 18, 22)]
    told = found(NearDuplicate(threshold=0.75), *(asked(text, "") for text in chain))
    assert told == [(0, None, "near", "keep"), (1, 0, "near", "drop"), (2, 0, "chained", "review")]


def test_short_texts_are_neither_equal_nor_dropped(asked, found):
    """The trap of an empty shingle set, by which all short texts are one another."""
    short = ["hi", "ok", "no", "a b", "go", "?", "1", "漢", "yes no", "x y"]
    assert found(NearDuplicate(compare="prompt"), *(asked(text, "same answer") for text in short)) == []


def test_scripts_without_spaces_are_compared_by_characters(asked, found):
    text = "我们的客服团队将在三个工作日之内处理您的退款申请请您耐心等待并保持电话畅通谢谢"
    rows = [
        asked(text, "好的"),
        asked(text + "您", "好的"),
        asked("今天天气很好我们去公园散步吧大家一起去", "好的"),
    ]
    assert [row[:2] for row in found(NearDuplicate(), *rows)] == [(0, None), (1, 0)]


def test_equal_rows_are_left_to_the_other_check(asked, found):
    assert found(NearDuplicate(), asked(LONG, "x"), asked(LONG.upper() + "!", "x")) == []


def test_candidates_miss_no_near_pair():
    """Against all pairs by brute force, on texts with planted copies at all distances."""
    draw = random.Random(7)
    texts = []
    for _ in range(150):
        words = [f"w{draw.randrange(3000)}" for _ in range(draw.randrange(12, 60))]
        for _ in range(3):
            texts.append(" ".join(word if draw.random() > 0.04 else "other" for word in words))
    sets = shingle_sets(texts)
    near = {
        (left, right)
        for left in range(len(texts))
        for right in range(left + 1, len(texts))
        if jaccard(sets[left], sets[right]) >= 0.7
    }
    shingles = hashed_shingles(texts)
    met = {tuple(pair) for pair in minhash.candidates(minhash.bands(shingles, 0.7)).tolist()}
    exact = overlap.similar(shingles, shingles, 0.7)
    assert len(near) > 50
    assert len(near - met) <= 0.01 * len(near)
    assert {(a, b) for a, b in exact.select("left", "right").iter_rows() if a < b} == near


def test_a_large_bucket_does_not_make_all_pairs():
    """5,000 rows of one template: the work grows with the rows."""
    keys = np.zeros(5_000, dtype=np.uint64).tolist()
    pairs = minhash.candidates(pl.Series([[key] for key in keys], dtype=pl.List(pl.UInt64)))
    assert len(pairs) <= 5_000 * (minhash.WINDOW + minhash.LEADERS)
    assert set(pairs[:, 1].tolist()) == set(range(1, 5_000))


def test_settings_have_their_ranges():
    with pytest.raises(ConfigError, match="threshold"):
        NearDuplicate(threshold=0)


def test_rows_of_one_template_are_not_copies(asked, found):
    """Nine words in ten stand in every row; what is asked is in the tenth."""
    instruction = (
        "read the message of the customer below and answer with the name of the right queue only " * 4
    )
    words = ["mug", "tent", "lamp", "coat", "bill", "card", "boot", "rope", "sink", "door"]
    rows = [asked(f"{instruction} {one} {two}", "x") for one in words for two in words]
    assert found(NearDuplicate(), *rows) == []
    assert found(NearDuplicate(), *rows[:5]) != []  # so few rows show no template


def near_rows_table(asked, examples):
    """A template's crowd, copies, a chain, short and empty rows."""
    frame = "where is my order with the number of which you told me in your last letter to my old address"
    rows = [asked(f"{frame} {at}", "It is on its way.", label="a") for at in range(38)]
    rows += [asked(f"{frame} {at} please", "It is on its way.", label="a") for at in range(0, 38, 7)]
    rows += [asked(LONG, "Open it."), asked(LONG + " thanks", "Open it."), asked("", ""), asked("ok", None)]
    return examples(*rows)


@pytest.mark.parametrize("parts", [1, 7])
def test_linked_key_by_key_it_finds_the_same(asked, examples, parts):
    check = NearDuplicate()
    table = near_rows_table(asked, examples)
    sketches = [check.sketch(batch) for batch in table.iter_slices(37)]
    scattered = [check.scatter(sketch, parts) for sketch in sketches]
    met = [check.meet(pl.concat([pieces[part] for pieces in scattered])) for part in range(parts)]
    together = check.link(pl.concat(sketches))
    assert check.joined(pl.concat(met)).equals(together)
    assert together["other_id"].null_count() > 40  # a crowd, and the row that counts


def test_a_crowd_of_one_template_is_for_review_and_its_copies_go(asked, examples):
    found = scan(near_rows_table(asked, examples), [NearDuplicate()]).findings
    counts = dict(
        found.group_by("label", "action")
        .len()
        .select(pl.concat_str("label", "action", separator=" "), "len")
        .iter_rows()
    )
    assert counts["near drop"] == 7
    assert set(counts) <= {"near drop", "near keep", "numbers-differ review", "near review"}


def test_a_higher_threshold_needs_no_new_comparison(asked, examples):
    table = near_rows_table(asked, examples)
    low, high = NearDuplicate(threshold=0.6), NearDuplicate(threshold=0.9)
    pairs = low.link(low.sketch(table))
    measured = low.measured(pairs, table)
    assert high.decided(measured, table).height < low.decided(measured, table).height
    direct = high.verify(high.link(high.sketch(table)), table)
    drops = [
        set(part.filter(action="drop")["example_id"]) for part in (high.decided(measured, table), direct)
    ]
    assert drops[0] == drops[1]


def test_columns_say_what_wordings_say(examples, asked, turn):
    rows = [
        asked("q", "a"),
        asked("q", None),
        asked(None, "a", chosen="c", rejected="r"),
        {
            "messages": [
                turn("system", "s"),
                turn("user", "x"),
                turn("assistant", "", "[call]"),
                turn("tool", "t"),
            ]
        },
        {"messages": [turn("user", "only")]},
        {"messages": []},
    ]
    table_ = examples(*rows)
    told = [(w.question, w.answer, w.chosen, w.rejected) for w in wordings(table_)]
    assert list(said(table_).iter_rows()) == told


@pytest.mark.parametrize("count", [20, 60, 200])
def test_a_large_family_of_copies_is_no_template(asked, found, count):
    """Each has one other word changed, so none has all of what they share."""
    words = [f"{one}{two}" for one in "bdfgklmnprst" for two in ("aro", "elu", "imo", "oda", "usi", "yka")][
        :60
    ]
    rows = []
    for at in range(count):
        text = list(words)
        text[at * 7 % 58] = f"other{'abcdefghij'[at % 10]}{'klmnopqrst'[at // 10 % 10]}{'uvw'[at // 100]}"
        rows.append(asked(" ".join(text), "Yes."))
    rows += [
        asked(f"a question of its own about {at} things {at * 3} and {at * 5}", f"{at}") for at in range(200)
    ]
    met = [each for each in found(NearDuplicate(), *rows) if each[0] < count]  # those that stay as well
    assert len(met) >= 0.9 * count
    assert {each[2] for each in met} <= {"near", "words-differ"}


def doubled(word, at):
    """The word with one letter twice; 0 is the word."""
    return word[: at + 1] + word[at:] if at else word


@pytest.mark.parametrize("count", [49, 50, 59])
def test_rows_that_get_one_long_answer_are_copies_however_many(asked, found, count):
    """The answer is the witness: rows of one template that ask different things are answered differently."""
    frame = (
        "Hello, I ordered a {} machine from your shop three weeks ago and it has {} not come to my house yet, please"
        " tell me when it will finally arrive, regards"
    )
    answer = "We are sorry for the delay. Your machine leaves our store tomorrow morning."
    slips = [doubled("washing", at // 10) for at in range(count)]
    rows = [asked(frame.format(slips[at], doubled("unfortunately", at % 10)), answer) for at in range(count)]
    rows += [asked(f"a question of its own about {at} things {at * 3}", f"{at}") for at in range(200)]
    met = [each for each in found(NearDuplicate(), *rows) if each[1] is not None and each[0] < count]
    assert len(met) == count - 1


@pytest.mark.parametrize(
    ("one", "other", "label"),
    [
        ("does", "does not", "negation-differs"),
        ("may always", "may never", "negation-differs"),
        ("will certainly", "will rarely", "words-differ"),
        ("does increase", "does decrease", "words-differ"),
        ("pays with", "pays without", "negation-differs"),
        ("does and", "does or", "words-differ"),
        ("takes 5", "takes 5%", "numbers-differ"),
    ],
)
def test_what_says_the_opposite_is_no_copy(asked, found, one, other, label):
    text = (
        "The warranty of this washing machine is for all parts and labour for two years from the date of purchase, with"
        " the motor, the drum and the door seal, and it {} cover damage by water, frost or improper installation."
    )
    told = found(NearDuplicate(), asked("What?", text.format(one)), asked("What?", text.format(other)))
    assert told[1][2:] == (label, "review")


@pytest.mark.parametrize(("other", "action"), [("vpn ", "drop"), ("ＶＰＮ", "drop"), ("Mail", "review")])
def test_a_label_in_another_spelling_is_the_same_label(asked, found, other, action):
    """Here and of meanings: label-spelling tells of it."""
    text = "the tunnel to the office breaks every few minutes since the last update of my machine"
    rows = [asked(text, "Restart it.", label="VPN"), asked(f"Hello, {text}", "Restart it.", label=other)]
    assert found(NearDuplicate(), *rows)[1][3] == action
