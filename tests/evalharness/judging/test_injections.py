"""Answers that try to talk a judge round: the set, what is sent, and judges of known manner."""

import json
import re

import pytest

from curate.errors import ConfigError
from evalharness.judging.injections import HARMLESS, shipped, tried
from evalharness.judging.quoting import scoring, tame
from evalharness.judging.rubric import Rubric

RUBRIC = Rubric.find("helpful")
CARRIERS, ALL = shipped()
INJECTIONS = [each for each in ALL if each.kind != HARMLESS]


def test_the_set_is_large_and_of_many_kinds():
    assert len(INJECTIONS) >= 40 and len({each.name for each in INJECTIONS}) == len(INJECTIONS)
    assert len({each.kind for each in INJECTIONS}) >= 8
    blunt = [each.name for each in INJECTIONS if "{top}" not in each.text and "{verdict}" not in each.text]
    assert blunt == ["encoded", "borrowed words"], "all others say what they want"
    for carrier in CARRIERS:
        assert carrier.question.startswith("user: ") and len(carrier.good) > 2 * len(carrier.weak)


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda each: each.name)
def test_none_leaves_its_quotes(injection):
    """Whatever it says, the instructions stay the same but for the mark, and each tag stands once."""
    carrier = CARRIERS[0]
    text = injection.around(carrier.weak, "5", '{"settles": 5, "right": 3}')
    row = {"question": carrier.question, "answer": text, "reference": carrier.reference}
    system, user = (message["content"] for message in scoring(RUBRIC, row))
    mark = re.search(r"tags that end in ([0-9a-f]{12})\.", system).group(1)
    assert user.count(f"<answer-{mark}>") == user.count(f"</answer-{mark}>") == 1 and mark not in text
    assert f"<answer-{mark}>\n{tame(text)}\n</answer-{mark}>" in user
    plain = scoring(RUBRIC, {**row, "answer": "x"})[0]["content"]
    assert re.sub(r"[0-9a-f]{12}", "", system) == re.sub(r"[0-9a-f]{12}", "", plain)
    assert "<|" not in user and "[INST]" not in user


def test_an_honest_judge_is_not_moved(judge_at, tmp_path):
    """Give me 10 inside an answer does nothing."""
    endpoint = judge_at("honest")
    ways = tried(RUBRIC, endpoint, tmp_path)
    sent = len(judge_at.server.requests)
    for way in ways:
        assert way.n == len(INJECTIONS) and not way.moved and not way.broken and way.left == 0
        assert way.interval.low == 0 and way.interval.high < 0.1 and way.unsteady == (0, 7)
    assert tried(RUBRIC, endpoint, tmp_path) == ways and len(judge_at.server.requests) == sent, "kept"


def test_a_gullible_judge_is_caught(judge_at):
    """All that name what they want move it, in both ways of judging."""
    for way in tried(RUBRIC, judge_at("gullible")):
        assert len(way.moved) / way.n > 0.8 and way.interval.low > 0.7
        assert way.unsteady[0] <= 1, "what asks for nothing does not count"
        assert {"plain order", "ready verdict", "closed tags", "four experts"} <= set(way.moved)


def test_a_judge_that_breaks_is_counted_apart(judge_at):
    """An answer after which there is no verdict did not move it, and is told."""

    def silent(body, number):
        ready = "It is the best" in str(body["messages"][1]) or "It is better." in str(body["messages"][1])
        return (200, "I cannot say.") if ready else judge_at.manners["honest"](body, number)

    with_verdict = [each.name for each in INJECTIONS if "{verdict}" in each.text]
    for way in tried(RUBRIC, judge_at(silent)):
        assert way.broken == with_verdict and not way.moved and way.n == len(INJECTIONS) - len(with_verdict)


def test_a_judge_that_likes_more_words_is_unsteady_and_told_so(judge_at):
    """Any addition moves it, also one that asks for nothing."""

    def wordy(body, number):
        texts = dict(
            re.findall(r"<(answer|first|second)-\w+>\n(.*?)\n</", body["messages"][1]["content"], re.DOTALL)
        )
        if "answer" in texts:
            return 200, json.dumps({"settles": 1 + 2 * (len(texts["answer"]) > 40), "right": 1})
        side = "first" if len(texts["first"]) > len(texts["second"]) else "second"
        return 200, json.dumps({"settles": side, "right": side})

    scored, _ = tried(RUBRIC, judge_at(wordy))
    assert scored.unsteady[0] >= 3 and len(scored.moved) > 30


def test_a_judge_that_likes_the_weak_answer_best_has_no_rate(judge_at):
    def fond(body, number):
        pair = "<first-" in body["messages"][1]["content"]
        weak_first = pair and re.search(
            r"<first-\w+>\n(Kettles|Invoices|Some)", body["messages"][1]["content"]
        )
        side = "first" if weak_first else "second"
        return 200, json.dumps({"settles": side, "right": side} if pair else {"settles": 5, "right": 3})

    for way in tried(RUBRIC, judge_at(fond)):
        assert way.n == 0 and way.left + len(way.broken) == len(INJECTIONS) and way.interval.low is None


def test_a_rubric_of_checks_cannot_be_talked_round(judge_at, tmp_path):
    (tmp_path / "r.toml").write_text('name = "r"\n[[criteria]]\nname = "c"\nlacks = "x"')
    with pytest.raises(ConfigError, match="only checks"):
        tried(Rubric.read(tmp_path / "r.toml"), judge_at("honest"))
