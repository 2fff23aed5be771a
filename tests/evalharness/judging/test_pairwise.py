"""Pairs: both orders, repeats, and what no arm may gain by its place or its name."""

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.errors import ConfigError
from curate.example import digest
from evalharness.judging.card import Gate, as_json, card_of
from evalharness.judging.pairwise import PAIRS, PairJudge, merged
from evalharness.judging.rating import Item, Pairing
from evalharness.judging.rubric import Rubric
from evalharness.judging.winrate import both_orders

RUBRIC = Rubric.find("helpful")
REFERENCE = "your kettle leaves tomorrow morning with another carrier"
GATE = Gate()
SAID = ["your kettle leaves tomorrow morning", "kettle carrier", "nothing", "another tomorrow kettle " * 5]


def item(number, one, two, arms=("tuned", "rag"), reference=REFERENCE):
    asked = [{"role": "user", "content": f"where is parcel {number}?"}]
    answers = dict(zip(arms, (one, two), strict=True))
    judged = digest(str(number), *sorted((one, two)))
    return Item(str(number), judged, asked, reference, None, answers)


def pairing(pairs, arms=("tuned", "rag")):
    items = [item(number, one, two, arms) for number, (one, two) in enumerate(pairs)]
    return Pairing("d", "test", arms[0], arms[1], items, 0, 0)


def swapped(pair):
    """The same answers with the arms exchanged."""
    return Pairing("d", "test", pair.baseline, pair.candidate, pair.items, 0, 0)


def preferences(table):
    return merged(table).preferences


def test_each_pair_is_asked_in_both_orders_and_no_arm_is_named(judge_at):
    judge = PairJudge(RUBRIC, judge_at("honest"))
    table = judge.judge(pairing([(SAID[0], SAID[2]), (SAID[1], SAID[0])]))
    assert table.schema == PAIRS and table.height == 4 == len(judge_at.server.requests)
    assert table["candidate_first"].to_list() == [True, False] * 2
    assert list(preferences(table).values()) == [1, 0] or list(preferences(table).values()) == [0, 1]
    assert "tuned" not in json.dumps(judge_at.server.requests) and "rag" not in json.dumps(
        judge_at.server.requests
    )


@pytest.mark.parametrize("manner", ["honest", "longest", "always first", "gullible"])
def test_to_exchange_the_arms_is_to_turn_the_win_rate(judge_at, manner):
    """The very same requests are sent, and each preference becomes 1 less it."""
    judge = PairJudge(RUBRIC, judge_at(manner))
    pair = pairing([(one, two) for one in SAID for two in SAID if one != two])
    ours = judge.judge(pair)
    sent = sorted(map(json.dumps, judge_at.server.requests))
    judge_at.server.requests.clear()
    theirs = judge.judge(swapped(pair))
    assert sorted(map(json.dumps, judge_at.server.requests)) == sent
    one, two = preferences(ours), preferences(theirs)
    assert {judged: 1 - value for judged, value in one.items()} == two
    cards = [
        card_of(each, found, {}, metric="m", model="j", told=merged(table))
        for each, found, table in ((pair, one, ours), (swapped(pair), two, theirs))
    ]
    assert cards[0].wins.rate == pytest.approx(1 - cards[1].wins.rate)
    assert cards[0].orders.flips == cards[1].orders.flips and cards[0].orders.first == cards[1].orders.first
    if cards[0].style.rate is not None:
        assert cards[0].style.rate == pytest.approx(1 - cards[1].style.rate, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, None])] * 2), min_size=1, max_size=30))
def test_merging_two_orders_does_not_favour_an_arm(found):
    given_, turned = zip(*found, strict=True)
    ours = both_orders(given_, turned).merged
    other = both_orders(
        [None if value is None else 1 - value for value in turned],
        [None if value is None else 1 - value for value in given_],
    ).merged
    assert other == [None if value is None else 1 - value for value in ours]


def test_a_judge_of_places_says_nothing_of_the_arms(judge_at):
    """Whoever stands first wins: all flips, all ties, and the habit is told."""
    pair = pairing([(one, two) for one in SAID for two in SAID if one != two])
    table = PairJudge(RUBRIC, judge_at("always first")).judge(pair)
    card = card_of(pair, preferences(table), {}, metric="m", model="j", told=merged(table))
    assert card.wins.rate == 0.5 and card.wins.ties == 12 and card.orders.flips == 12 == card.orders.n
    assert card.orders.first == 1 and as_json(card)["flips"] == 1


def test_an_order_that_was_not_judged_leaves_the_pair_out(judge_at):
    def half(body, number):
        return (400, "too long") if number == 2 else (200, '{"settles": "first", "right": "tie"}')

    table = PairJudge(RUBRIC, judge_at(half)).judge(pairing([(SAID[0], SAID[2]), (SAID[1], SAID[2])]))
    assert sorted(value is None for value in preferences(table).values()) == [False, True]
    assert "too long" in table["failure"].drop_nulls()[0]


def test_without_a_reference_a_rubric_that_needs_one_does_not_judge(judge_at):
    pair = Pairing("d", "test", "tuned", "rag", [item(0, "a", "b", reference="")], 0, 0)
    table = PairJudge(RUBRIC, judge_at("honest")).judge(pair)
    assert table["preference"].null_count() == 2 and not judge_at.server.requests


def test_criteria_count_by_weight_and_rules_count_too(judge_at, tmp_path):
    """Settles (2) beats right (1); a rule of weight 2 against it makes a tie."""
    path = tmp_path / "r.toml"
    levels = 'asks = "x"\nlevels = [{score = 0, meaning = "n"}, {score = 1, meaning = "y"}]'
    path.write_text(
        f'name = "r"\n[[criteria]]\nname = "a"\nweight = 2\n{levels}\n[[criteria]]\nname = "b"\n{levels}\n'
        '[[criteria]]\nname = "c"\nlacks = "never"'
    )
    judge = PairJudge(Rubric.read(path), judge_at(lambda body, n: (200, '{"a": "first", "b": "second"}')))
    assert (
        judge.overall({"a": 1, "b": 0, "c": 0.5}) == 1
        and judge.overall({"a": 0.5, "b": 0.5, "c": 0.5}) == 0.5
    )
    assert judge.overall({"a": 1, "b": 0, "c": 0}) == 0.5
    table = judge.judge(pairing([("never", "always")]))
    assert json.loads(table["criteria"][0]) == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert merged(table).criteria == {"a": 0.5, "b": 0.5, "c": 0}
    assert table["preference"].to_list() == [0.5, 0.0], "in the second order a is the baseline's as well"


def test_rules_alone_need_no_judge(judge_at, tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('name = "r"\n[[criteria]]\nname = "c"\ncontains = "kettle"')
    judge = PairJudge(Rubric.read(path), judge_at("honest"))
    table = judge.judge(pairing([("kettle", "lamp"), ("lamp", "mug")]))
    assert sorted(preferences(table).values()) == [0.5, 1] and not judge_at.server.requests


def test_repeats_are_other_requests_and_tell_how_firm_it_is(judge_at, tmp_path):
    """A judge that changes its mind with the seed: the share that stays, and means over repeats."""

    def moody(body, number):
        first = "where is parcel 0" in body["messages"][1]["content"] or body["seed"] != 1
        candidate_first = body["messages"][1]["content"].index("mine") < body["messages"][1]["content"].index(
            "theirs"
        )
        side = "first" if first == candidate_first else "second"
        return 200, json.dumps({"reason": "x", "settles": side, "right": side})

    pair = pairing([("mine", "theirs")] * 2)
    judge = PairJudge(RUBRIC, judge_at(moody), tmp_path, repeats=3)
    found = merged(judge.judge(pair))
    assert len(judge_at.server.requests) == 12 and found.kept == (3, 4)
    assert sorted(found.preferences.values()) == [pytest.approx(2 / 3), 1]
    card = card_of(pair, found.preferences, {}, metric="m", model="j", told=found)
    assert as_json(card)["repeats"] == 0.75
    judge.judge(pair)
    assert len(judge_at.server.requests) == 12, "kept"
    with pytest.raises(ConfigError):
        PairJudge(RUBRIC, judge.endpoint, repeats=0)


def test_a_table_that_has_lost_an_order_is_refused(judge_at):
    table = PairJudge(RUBRIC, judge_at("honest")).judge(pairing([(SAID[0], SAID[1])]))
    with pytest.raises(ConfigError, match="once in each order"):
        merged(table.head(1))
    with pytest.raises(ConfigError, match="once in each order"):
        merged(pl.concat([table, table.head(1)]))


def test_people_decide_whether_it_is_calibrated():
    """Below the limit or with too few labels it stays advice."""
    pair = pairing([(f"one {n}", f"two {n}") for n in range(80)])
    judged = {each.judged: float(n % 2) for n, each in enumerate(pair.items)}

    def status(people, gate=GATE):
        card = card_of(pair, judged, people, metric="m", model="j", gate=gate)
        return card.status, card.fault or ""

    agree = {place: float(place % 2) for place in range(60)}
    assert status(agree) == ("calibrated", "")
    assert "40 pairs rated by people and judged, 50 are needed" in status({p: agree[p] for p in range(40)})[1]
    assert status({p: agree[p] for p in range(40)}, Gate(labels=40))[0] == "calibrated"
    apart = {place: 1 - value if place % 3 else value for place, value in agree.items()}
    assert status(apart)[0] == "advisory only" and "kappa with people is" in status(apart)[1]
    assert (
        "no kappa" in status(dict.fromkeys(range(60), 1.0) | {0: 1.0})[1]
        or "kappa" in status(dict.fromkeys(range(60), 1.0))[1]
    )
