"""The command `judge`, what it keeps, and the condition of the verdict that comes of it."""

import json
import time
from functools import partial

import polars as pl
import pytest

from evalharness.asking.predict import PREDICTIONS
from evalharness.asking.replies import key_of
from evalharness.commands import score as cli_score
from evalharness.judging import stored
from evalharness.judging.card import Gate
from evalharness.judging.rating import Rater, open_pairing
from evalharness.judging.stored import KIND, TEST_KIND, cards, check
from evalharness.report import html, markdown
from evalharness.report.comparing import compare_dataset, read_comparison
from evalharness.scoring.score import newest, score
from tui.cli import main

ARMS = ("base", "few-shot", "rag", "tuned")


def answer_of(arm, number):
    """The fine-tune has the reference's words, but not always; the others never."""
    if arm == "tuned" and number % 5:
        return f"sorry about the lamp, mug or kettle, parcel {number}"
    return {"base": "thanks", "few-shot": "a new one", "rag": "the refund arrived", "tuned": "lost"}[
        arm
    ] + f" {number}"


@pytest.fixture
def answered(workspace):
    """Predictions of the four arms on the test rows, with one answer missing and one alike."""
    dataset = workspace.dataset("tickets")
    test = workspace.examples(dataset).filter(pl.col("split") == "test")
    for arm in ARMS:
        rows = []
        for number, example_id in enumerate(test["example_id"]):
            text = (
                "the same"
                if number == 0
                else None
                if number == 1 and arm == "rag"
                else answer_of(arm, number)
            )
            error = None if text else "too long"
            rows.append(
                {
                    "example_id": example_id,
                    "arm": arm,
                    "answer": text,
                    "finish_reason": "stop",
                    "error": error,
                }
            )
        params = {
            "arm": arm,
            "split": "test",
            "base": "Qwen2.5-0.5B",
            "base_digest": "b",
            "quantization": "nf4",
        }
        with workspace.run("predict", params, {"dataset": dataset}) as run:
            table = pl.DataFrame([{**dict.fromkeys(PREDICTIONS), **row} for row in rows], schema=PREDICTIONS)
            run.outputs["predictions"] = workspace.put_table("predictions", table)
    return dataset


def judge(*words):
    return main(["judge", *words])


def told(capsys, *words):
    """What a call says as JSON."""
    assert judge(*words, "--json") == 0
    return json.loads(capsys.readouterr().out)


def rate(workspace, dataset, baseline, prefer, places):
    pair = open_pairing(workspace, dataset, baseline=baseline)
    rater = Rater(workspace, pair, "anna")
    for place in places:
        arm = prefer(pair.items[place])
        rater.rate(place, "tie" if arm is None else "left" if rater.left(place) == arm else "right")
    return pair


def test_pairs_are_judged_kept_and_told(workspace, answered, judge_at, capsys):
    endpoint = judge_at("honest")
    where = ("--endpoint", endpoint.url, "--model", "qwen-judge")
    assert judge(*where, "--baseline", "rag", "--repeats", "2") == 0
    text = capsys.readouterr().out
    assert "tuned against rag, judged by qwen-judge (helpful)" in text and "n = 10" in text
    assert "not asked of 1 to which both said the same, 1 without an answer" in text
    assert "by criterion  settles .9" in text
    assert "asked again   the same winner 10 of 10 times" in text
    assert "advisory only: 0 pairs rated by people and judged, 50 are needed" in text
    assert "judge and both arms are of the Qwen family" in text
    assert len(judge_at.server.requests) == 10 * 2 * 2
    assert judge(*where, "--baseline", "rag", "--repeats", "2") == 0
    assert len(judge_at.server.requests) == 40, "nothing is asked twice"
    capsys.readouterr()
    found = told(capsys)
    assert [card["metric"] for card in found["judges"]] == ["helpful, tuned against rag"]
    assert (
        found["judges"][0]["win_rate"] == pytest.approx(0.9)
        and found["judges"][0]["status"] == "advisory only"
    )


def test_all_other_arms_are_judged_by_default_and_other_answers_do_not_count(
    workspace, answered, judge_at, capsys
):
    endpoint = judge_at("honest")
    found = told(capsys, "--endpoint", endpoint.url, "--model", "m", "--limit", "3")
    assert {card["metric"].split()[-1] for card in found["judges"]} == {"base", "few-shot", "rag"}
    assert [card["pairs"] for card in found["judges"]] == [3, 3, 3]
    tables = newest(workspace, answered, "test")
    other = workspace.table(tables["rag"]).with_columns(answer=pl.col("answer") + "!")
    with workspace.run("predict", {"arm": "rag", "split": "test"}, {"dataset": answered}) as run:
        run.outputs["predictions"] = workspace.put_table("predictions", other)
    assert {card["metric"].split()[-1] for card in told(capsys)["judges"]} == {"base", "few-shot"}


@pytest.mark.parametrize("words", [("--injections",), ("--model", "m")])
def test_without_an_endpoint_nothing_can_be_asked(workspace, answered, words, capsys):
    assert judge(*words) == 2 and "no judge to ask" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("judge", "--candidate", "tund"),
            "the arm tund has not answered the test rows hint: did you mean `tuned`?",
        ),
        (("judge", "--baseline", "fewshot"), "did you mean `few-shot`?"),
        (("judge", "--candidate", "nope"), "there are answers of base, few-shot, rag, tuned"),
        (("judge", "--candidate", "tuned-rag"), "seatrial predict --arm tuned-rag"),
        (("rate", "status", "--candidate", "tund"), "did you mean `tuned`?"),
    ],
)
def test_an_arm_that_has_not_answered_is_refused_by_its_nearest_name(answered, words, said, capsys):
    assert main([*words]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_one_thing_has_one_name_in_all_commands(capsys):
    """The address of a model is --endpoint, its name there --model, its key's variable --key-env."""
    for command in ("judge", "score", "declare", "predict", "tune"):
        assert main([command, "--help"]) == 0
        said = capsys.readouterr().out
        assert "--endpoint" in said and "--model " in said, command
        assert "--judge" not in said, command


def test_nothing_to_judge_is_said(workspace, answered, judge_at, capsys):
    assert judge() == 0 and "no pairs of these answers were judged yet" in capsys.readouterr().out
    where = ("--endpoint", "http://127.0.0.1:9/v1", "--model", "m")
    assert judge(*where, "--baseline", "tuned") == 2 and "against itself" in capsys.readouterr().err
    assert judge(*where, "--rubric", "nothing") == 2 and "no such rubric" in capsys.readouterr().err
    assert judge(*where, "--split", "validation") == 2
    for words in (
        ("--repeats", "0"),
        ("--limit", "0"),
        ("--set", "kappa=2"),
        ("--set", "labels=0"),
        ("--set", "k=1"),
    ):
        assert judge(*where, *words) == 2


def test_an_endpoint_that_goes_away_leaves_no_run_and_the_next_start_asks_the_rest(
    workspace, answered, judge_at, capsys
):
    gone = [True]

    def dies(body, number):
        if gone[0] and number > 7:
            time.sleep(0.3)  # the others are answered first
            return 401, "gone"
        return judge_at.manners["honest"](body, number)

    endpoint = judge_at(dies)
    where = ("--endpoint", endpoint.url, "--model", "m", "--baseline", "base")
    assert judge(*where) == 2
    assert not cards(workspace, answered, newest(workspace, answered, "test"))
    (file,) = (workspace.root / "judge-cache").glob("*.jsonl")
    kept = {json.loads(line)[0] for line in file.read_text().splitlines() if line}
    assert 1 <= len(kept) <= 7
    gone[0] = False
    judge_at.server.requests.clear()
    assert judge(*where) == 0
    bodies = [
        json.dumps(each, ensure_ascii=False, sort_keys=True).encode() for each in judge_at.server.requests
    ]
    again = {key_of(endpoint.address, body) for body in bodies}
    assert not again & kept and len(again | kept) == 22


def test_people_make_it_calibrated_and_correct_it(workspace, answered, judge_at, capsys):
    """A judge that people contradict stays advice; one that they confirm counts."""
    endpoint = judge_at("honest")
    where = ("--endpoint", endpoint.url, "--model", "m", "--baseline", "base", "--set", "labels=10")
    assert judge(*where) == 0
    rate(
        workspace,
        answered,
        "base",
        lambda item: "tuned" if "sorry" in item.answers["tuned"] else None,
        range(11),
    )
    card = cards(workspace, answered, newest(workspace, answered, "test"))[0]
    assert card.agreed.n == 11 and card.agreed.kappa > 0.9 and card.status == "calibrated"
    assert card.corrected.labelled == 11 and card.corrected.rate == pytest.approx(card.wins.rate)
    assert any("limits set by hand" in warning for warning in card.warnings)
    rate(
        workspace,
        answered,
        "base",
        lambda item: "base" if "sorry" in item.answers["tuned"] else "tuned",
        range(11),
    )
    card = cards(workspace, answered, newest(workspace, answered, "test"))[0]
    assert card.status == "advisory only" and "kappa with people is" in card.fault
    capsys.readouterr()
    assert judge() == 0 and "advisory only: kappa with people is" in capsys.readouterr().out


def test_the_injection_rate_stands_beside_the_judge(workspace, answered, judge_at, capsys):
    endpoint = judge_at("gullible")
    where = ("--endpoint", endpoint.url, "--model", "m")
    assert judge(*where, "--injections") == 0
    text = capsys.readouterr().out
    assert "moved it: ." in text or "moved it: 1.0" in text
    assert (
        "moved by: plain order" in text
        and len(workspace.ledger.rows("select 1 from run where kind = ?", TEST_KIND)) == 1
    )
    assert judge(*where, "--baseline", "base") == 0
    text = capsys.readouterr().out
    assert "injections    4" in text or "injections    3" in text
    assert told(capsys)["judges"][0]["talked_round"] > 0.8


def test_scores_by_a_judge_are_held_against_people_too(workspace, answered, judge_at, monkeypatch):
    """Each answer scored by itself: the higher score is the better answer."""
    from evalharness.judging.judge import Judge
    from evalharness.judging.rubric import Rubric

    tables = newest(workspace, answered, "test")
    judged = Judge(Rubric.find("helpful"), judge_at("honest"), workspace.root / "judge-cache")
    scores = score(workspace, answered, tables, judges=[judged]).table
    found = cards(workspace, answered, tables, scores=scores)
    assert [card.baseline for card in found] == ["base", "few-shot", "rag"]
    assert {card.metric for card in found} == {"judge:helpful"} and found[0].model == "some-judge"
    assert found[0].orders is None and found[0].wins.n == 11 and found[0].wins.rate > 0.8
    asked = cli_score.score()
    assert any(
        "judge:helpful: not calibrated against people, advice only: 0 pairs" in line for line in asked.lines
    )
    monkeypatch.setattr(stored, "card_of", partial(stored.card_of, gate=Gate(labels=9)))
    for baseline in ("base", "few-shot", "rag"):
        rate(
            workspace, answered, baseline,
            lambda item: "tuned" if "sorry" in item.answers["tuned"] else None, range(10),
        )  # fmt: skip
    asked = cli_score.score()
    assert any("judge:helpful: calibrated: kappa with people" in line for line in asked.lines)
    (told,) = {row["calibrated"] for row in asked.data["means"] if row["metric"] == "judge:helpful"}
    assert told is True


def test_the_condition_of_the_verdict(workspace, answered, judge_at, capsys):
    """Advice never passes; it fails nothing unless a judge's score is what decides."""
    assert check([], [], "accuracy")["detail"] == "not judged"
    assert check([], [], "judge:helpful")["required"]
    endpoint = judge_at("honest")
    assert judge("--endpoint", endpoint.url, "--model", "m", "--baseline", "base", "--set", "labels=10") == 0
    tables = newest(workspace, answered, "test")

    def state(primary):
        found = [card._replace(metric="judge:helpful") for card in cards(workspace, answered, tables)]
        return check(found, [], primary)

    few = state("accuracy")
    assert (few["state"], few["required"]) == ("not measured", False) and "0 pairs rated" in few["detail"]
    assert (state("judge:helpful")["state"], state("judge:helpful")["required"]) == ("not measured", True)
    rate(
        workspace,
        answered,
        "base",
        lambda item: "tuned" if "sorry" in item.answers["tuned"] else None,
        range(11),
    )
    assert state("accuracy")["state"] == "pass" == state("judge:helpful")["state"]
    assert "n = 11" in state("accuracy")["detail"]
    rate(
        workspace,
        answered,
        "base",
        lambda item: "base" if "sorry" in item.answers["tuned"] else "tuned",
        range(11),
    )
    assert state("accuracy")["state"] == "not measured"
    assert state("judge:helpful")["state"] == "fail" and "kappa" in state("judge:helpful")["detail"]


def test_the_comparison_and_its_reports_have_the_card(workspace, answered, judge_at, capsys):
    endpoint = judge_at("longest")
    assert judge("--endpoint", endpoint.url, "--model", "long-judge", "--baseline", "rag") == 0
    score(workspace, answered, newest(workspace, answered, "test"))
    comparison = read_comparison(workspace, compare_dataset(workspace, answered))
    card = comparison["judges"][0]
    assert (
        card["metric"] == "helpful, tuned against rag"
        and card["longer"] == 1
        and card["status"] == "advisory only"
    )
    condition = next(each for each in comparison["checks"] if each["check"] == "judge")
    assert condition["state"] == "not measured" and not condition["required"]
    for text in (html(comparison), markdown(comparison)):
        assert "long-judge" in text and "advisory only" in text


def test_what_the_judge_said_is_erased_with_raw_versions(workspace, answered, judge_at, capsys):
    """Its reasons may quote the rows: the table is of a kind that purge knows."""
    from curate.changing.purge import CACHES, SAYING

    endpoint = judge_at("honest")
    assert judge("--endpoint", endpoint.url, "--model", "m", "--baseline", "base") == 0
    query = "select artifact.kind from run join run_artifact using (run_id) join artifact using (digest) where run.kind = ? and direction = 'out'"
    assert {row["kind"] for row in workspace.ledger.rows(query, KIND)} <= SAYING
    assert "judge-cache" in CACHES and (workspace.root / "judge-cache").is_dir()
