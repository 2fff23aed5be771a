"""The baselines' settings, chosen on validation rows and never on test."""

import json

import polars as pl
import pytest

from curate.errors import ConfigError
from curate.example import frame, with_ids
from evalharness.asking.arms import BASE, FEW_SHOT, RAG, Base
from evalharness.asking.instructions import Instruction, given, shipped
from evalharness.asking.pool import Pool
from evalharness.asking.predict import Asking, predict
from evalharness.asking.task import Task
from evalharness.commands import predict as cli_predict
from evalharness.commands import tune as cli_tune
from evalharness.commands.asked import Given, Model, must_be_arms, prepare
from evalharness.deciding.content import content_digest, content_of
from evalharness.deciding.declared import declare
from evalharness.metrics import Accuracy
from evalharness.metrics.asked import asked_metric
from evalharness.scoring.score import score
from evalharness.scoring.summary import means
from evalharness.tuning import halving
from evalharness.tuning.grid import Grid, from_json, to_json
from evalharness.tuning.measure import Measure, Score
from evalharness.tuning.tune import Plan, expected, newest, tried_in_all, tune
from tests.evalharness.conftest import ticket
from tests.evalharness.scripted import Scripted

LABELS = ("oak", "sierra", "viola")
GOOD = Instruction("good.txt", "GOOD prompt", "replace")


@pytest.fixture
def dataset(workspace):
    """Train, validation and test rows; what is asked holds its label as a number."""
    rows = [
        ticket(n, LABELS[n % 3], split)
        for n, split in enumerate(["train"] * 30 + ["validation"] * 40 + ["test"] * 12)
    ]
    digest = workspace.put_dataset(with_ids(frame(rows), [json.dumps(row) for row in rows]))
    workspace.ledger.set_name("divided", digest)
    return digest


def says(prompt):
    """Right under the good prompt, or with eight examples or more; else always oak."""
    number = int(prompt.turns[-1]["content"].rsplit(" ", 1)[1])
    able = "GOOD" in prompt.turns[0]["content"] or len(prompt.shown) >= 8
    return f"{LABELS[number % 3]}: sorry" if able else "oak: sorry"


def tuned(workspace, dataset, model, **more):
    grid = Grid((None, GOOD), shots=(2, 8), neighbours=(2, 6), **more)
    pool = Pool(workspace.examples(dataset))
    return tune(workspace, dataset, model, grid, Plan(limit=24), pool, {})


def test_the_best_of_what_is_tried_is_chosen_and_all_of_it_recorded(workspace, dataset):
    model = Scripted(says)
    found = tuned(workspace, dataset, model)
    assert found.arm(BASE).instruction == GOOD
    assert found.arm(RAG).instruction == GOOD and found.arm(FEW_SHOT).shots == 8
    part = found.found["arms"][BASE]
    assert part["value"] == 1.0 and part["untuned"] < 0.5
    for arm, count in ((BASE, 2), (FEW_SHOT, 8), (RAG, 4)):
        tried = found.found["arms"][arm]["tried"]
        assert len(tried) == count and sum(each["chosen"] for each in tried) == 1
        assert tried[0]["default"] and all(each["rounds"] for each in tried)
        assert tried[0]["rows"] == 24, "the untuned settings are asked all rows"
    assert len(model.asked) <= expected(Grid((None, GOOD), (2, 8), (2, 6)), 24)
    assert not tuned(workspace, dataset, model).fresh, "recorded: nothing is asked again"


def test_again_asks_everything_anew_and_the_newest_counts(workspace, dataset):
    first = tuned(workspace, dataset, Scripted(says))
    worse = Scripted(lambda prompt: "oak: sorry")
    grid, pool = Grid((None, GOOD), shots=(2, 8), neighbours=(2, 6)), Pool(workspace.examples(dataset))
    second = tune(workspace, dataset, worse, grid, Plan(limit=24), pool, {}, again=True)
    assert second.fresh and second.run_id != first.run_id and worse.asked
    assert second.found["arms"][BASE]["value"] < first.found["arms"][BASE]["value"]
    settings = worse.identity(Base())[0]
    assert newest(workspace, dataset, settings).run_id == second.run_id
    assert tried_in_all(workspace, dataset, settings) == (2, 14 + 8), (
        "the second chose no prompt, and tried the examples under one"
    )
    assert tried_in_all(workspace, dataset, settings | {"base_digest": "1" * 32}) == (0, 0)


def test_no_test_row_is_asked(workspace, dataset):
    model = Scripted(says)
    tuned(workspace, dataset, model)
    asked = {prompt.example_id for prompt in model.asked}
    splits = workspace.examples(dataset).filter(pl.col("example_id").is_in(asked))["split"]
    assert set(splits) == {"validation"} and len(asked) == 24


def test_a_tuning_that_broke_off_goes_on_where_it_stopped(workspace, dataset):
    whole = Scripted(says)
    first = tuned(workspace, dataset, whole)
    count = len(whole.asked)

    class Gone(RuntimeError):
        pass

    def breaks(prompt):
        if len(model.asked) == count // 2:
            raise Gone
        return says(prompt)

    model = Scripted(breaks)
    grid, pool = Grid((None, GOOD), (2, 8), (2, 6)), Pool(workspace.examples(dataset))
    plan = Plan(limit=24, max_new_tokens=15)  # another run than the first
    with pytest.raises(Gone):
        tune(workspace, dataset, model, grid, plan, pool, {})
    rest = Scripted(says)
    second = tune(workspace, dataset, rest, grid, plan, pool, {})
    assert len(model.asked) + len(rest.asked) <= count + rest.batch
    assert second.found["chosen"] == first.found["chosen"]
    assert not list((workspace.root / "unfinished").glob("*.jsonl"))


def test_predict_takes_the_newest_tuning_of_this_base_and_what_is_given_by_hand_goes_first(
    workspace, dataset
):
    model = Scripted(says)
    found = tuned(workspace, dataset, model)
    known = newest(workspace, dataset, {"base_digest": "0" * 32})
    assert known is not None and known.digest == found.digest
    assert newest(workspace, dataset, {"base_digest": "1" * 32}) is None
    names = must_be_arms(None, tuned=False, adapters=[])
    asked = prepare(workspace, dataset, names, Given(), known)
    done = predict(workspace, dataset, asked.arms, model, Asking(), pool=asked.pool, origins=asked.origins)
    for each in done:
        assert workspace.ledger.run_artifacts(each.run_id, "in")["tuning"] == found.digest
        assert each.notes["tuning"]["candidates"] > 1 and each.notes["tuning"]["metric"] == "accuracy"
        assert (workspace.table(each.digest)["answer"] != "oak: sorry").any(), "answered as tuned"
    by_hand = prepare(workspace, dataset, names, Given(shots=3, choice="nearest"), known)
    shots = by_hand.arms[1]
    assert (shots.shots, shots.choice) == (3, "nearest")
    assert by_hand.origins[FEW_SHOT].tuning["chosen"].endswith("by hand: shots 3, choice nearest")
    plain = prepare(workspace, dataset, names, Given(), None)
    assert plain.arms[0].instruction is None and not plain.origins[BASE].inputs
    own = prepare(workspace, dataset, names, Given(), known, prompted=True)
    assert own.arms[0].instruction is None, "the user's own prompt stands in place of the tuned one"


def test_the_commands_tune_and_predict(workspace, dataset, monkeypatch, tmp_path):
    monkeypatch.setattr(Model, "answerer", lambda self, adapters=(): Scripted(says))
    (tmp_path / "good.txt").write_text("GOOD prompt\n")
    told = cli_tune.tune(
        "divided", prompt=[tmp_path], shots="2,8", neighbours="2", retriever=["bm25"], limit=16
    )
    assert "tuned on 16 validation rows by accuracy" in told.lines[0]
    assert any("prompt `good.txt`" in line and line.endswith("chosen") for line in told.lines)
    assert told.data["chosen"][BASE]["prompt"]["text"] == "GOOD prompt"
    assert told.data["tunings"] == 1 and not any("tried in all" in line for line in told.lines)
    few = {"shots": "2", "neighbours": "2", "retriever": ["bm25"], "limit": 16}
    once_more = cli_tune.tune("divided", prompt=[tmp_path], again=True, **few)
    count = once_more.data["tried_in_all"]
    assert f"tuning 2 on this version and model: {count} candidates tried in all" in "\n".join(
        once_more.lines
    )
    told = cli_tune.tune(
        "divided", prompt=[tmp_path], again=True, shots="2,8", **{k: few[k] for k in few if k != "shots"}
    )
    said = cli_predict.predict("divided", ["base", "rag"])
    assert any("settings by seatrial tune" in line for line in said.lines)
    assert said.data["tuning"] == told.data["tuning"]
    untuned = cli_predict.predict("divided", ["base"], untuned=True)
    assert untuned.data["tuning"] is None and untuned.data["arms"][0]["fresh"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"shots": "2,x"}, "--shots 2,x"),
        ({"neighbours": "0"}, "--neighbours 0"),
        ({"retriever": ["google"]}, "--retriever google"),
        ({"metric": "beauty", "retriever": ["bm25"]}, "--metric beauty"),
        ({"budget": 10, "retriever": ["bm25"]}, "--budget 10"),
        ({"prompt": [pl.__file__ + "/no"], "retriever": ["bm25"]}, "--prompt"),
        ({"setting": ["speed=9"]}, "--set speed=9"),
    ],
)
def test_what_cannot_be_tuned_is_refused(workspace, dataset, monkeypatch, more, words):
    monkeypatch.setattr(Model, "answerer", lambda self, adapters=(): Scripted(says))
    if "prompt" in more:
        from pathlib import Path

        more = {**more, "prompt": [Path(place) for place in more["prompt"]]}
    with pytest.raises(ConfigError, match=words):
        cli_tune.tune("divided", **more)


def test_without_validation_rows_there_is_nothing_to_tune_on(workspace):
    with pytest.raises(ConfigError, match="no validation rows"):
        tuned(workspace, workspace.dataset("tickets"), Scripted(says))


def test_a_budget_asks_fewer_rows(workspace, dataset):
    model, grid = Scripted(says), Grid((None, GOOD), (2, 8), (2, 6))
    budget = expected(grid, 12) + 1
    pool = Pool(workspace.examples(dataset))
    found = tune(workspace, dataset, model, grid, Plan(limit=24, budget=budget), pool, {})
    assert 8 <= found.found["rows"] < 24 and len(model.asked) <= budget


def test_halving_keeps_the_better_half_and_the_untuned_one():
    assert (
        halving.rungs(12, 96) == [24, 48, 96]
        and halving.rungs(3, 96) == [96]
        and halving.rungs(9, 10) == [10]
    )
    assert halving.survivors([0.1, 0.5, 0.4, 0.9, 0.2, 0.3, 0.8, None]) == [0, 1, 2, 3, 6]
    assert halving.ranking([0.5, 0.7, 0.7, None]) == [1, 2, 0, 3], "of equal ones the plainest first"


def scored(values):
    return [Score(value, None, None, None, None) for value in values]


def mean(scores):
    return sum(each.value for each in scores) / len(scores)


def test_figures_are_of_the_rows_that_all_could_answer_and_who_lacks_many_is_out():
    rows = 20
    whole = scored([1.0] * 10 + [0.0] * 10)
    one_missing = scored([None, *([1.0] * 19)])
    broken = scored([None] * 15 + [1.0] * 5)
    found = halving.figures([whole, one_missing, broken], mean)
    assert found == [9 / (rows - 1), 1.0, None], "an answer that is missing is no wrong answer"
    assert halving.figures([scored([None] * 4)] * 2, mean) == [None, None]
    assert halving.ranking([-7.0, None, -3.0]) == [2, 0, 1], "a metric of one's own may be below 0"


def whole(prompt):
    """What `says` says, as the reference goes on."""
    product = int(prompt.turns[-1]["content"].rsplit(" ", 1)[1]) % 3
    return f"{says(prompt)} about the {('mug', 'lamp', 'kettle')[product]}"


def by_score(workspace, dataset, model, found, arm, rows, *more):
    """What `seatrial score` gives the chosen settings on the same validation rows, by metric."""
    done = predict(workspace, dataset, [found.arm(arm)], model, Asking("validation", limit=rows))
    table = score(workspace, dataset, {arm: done[0].digest}, more=more).table
    return {row.metric: row.mean for row in means(table, workspace.examples(dataset))}


@pytest.mark.parametrize("primary", ["macro-f1", "micro-f1", "bleu", "chrf", "rougeLsum", "exact-match"])
def test_what_was_declared_to_decide_chooses_and_its_figure_is_that_of_score(workspace, dataset, primary):
    declare(workspace, dataset, primary=primary)
    model = Scripted(whole)
    found = tuned(workspace, dataset, model)
    assert found.found["metric"] == primary and found.words(RAG)["metric"] == primary
    more = () if primary.endswith("-f1") else (asked_metric(primary),)
    figures = by_score(workspace, dataset, model, found, BASE, 24, *more)
    assert found.found["arms"][BASE]["value"] == pytest.approx(figures[primary], abs=1e-12)
    assert found.arm(BASE).instruction == GOOD


def test_halving_holds_a_measure_of_the_whole_against_equal_rows():
    """Macro-F1 of the rows that all could answer; of two labels alone it is not the mean of the hits."""
    measure = Measure("macro-f1", Accuracy(LABELS), "accuracy")
    right = [Score(1.0, None, "oak", "oak", None)] * 19 + [Score(1.0, None, "elm", "elm", None)]
    lazy = [Score(float(r.right == "oak"), None, "oak", r.right, None) for r in right]
    lacks = [Score(None, "no answer", None, None, None), *right[1:]]
    found = halving.figures([lazy, right, lacks], measure.figure)
    assert found == [pytest.approx((36 / 37) / 2), 1.0, 1.0], "over the 19 rows that all have"
    assert measure.another and measure.figure([]) is None


PLEASE = """better = "more"
scale = (0, 1)

def score(answer, reference, row):
    \"\"\"Whether the label is said.\"\"\"
    return float(answer.startswith(reference[:3]))
"""


def test_a_file_of_ones_own_chooses_and_must_be_the_declared_one(workspace, dataset, monkeypatch, tmp_path):
    monkeypatch.setattr(Model, "answerer", lambda self, adapters=(): Scripted(says))
    ours, few = tmp_path / "ours.py", {"shots": "2,8", "neighbours": "2", "retriever": ["bm25"], "limit": 16}
    ours.write_text(PLEASE)
    name, content = content_of(str(ours), None, "")
    declare(workspace, dataset, primary=name, content=content)
    with pytest.raises(ConfigError, match=r"the declared primary metric ours.py is a file") as raised:
        cli_tune.tune("divided", **few)
    assert raised.value.hint.startswith("seatrial tune --metric ours.py")
    told = cli_tune.tune("divided", metric=str(ours), **few)
    assert (
        told.data["metric"] == "ours.py"
        and not told.data["another_metric"]
        and "another" not in told.lines[0]
    )
    assert told.data["content"] == content_digest(content) and told.data["more_is_better"] == "known"
    ours.write_text(PLEASE.replace("[:3]", "[:2]"))
    with pytest.raises(ConfigError, match="another file of that name"):
        cli_tune.tune("divided", metric=str(ours), **few)
    other = tmp_path / "other.py"
    other.write_text('def score(answer, reference, row):\n    """No good."""\n    return 1 / 0\n')
    with pytest.raises(ConfigError, match=r"other.py could score no candidate: other.py: ZeroDivisionError"):
        cli_tune.tune("divided", metric=str(other), **few)
    other.write_text('def score(answer, reference, row):\n    """Length."""\n    return -len(answer)\n')
    said = cli_tune.tune("divided", metric=str(other), **few)
    assert (
        "by another metric: other.py, where ours.py decides; more of it is taken for better" in said.lines[0]
    )
    assert said.data["another_metric"] and said.data["primary"] == "ours.py"


def test_a_declaration_after_a_tuning_makes_another_one(workspace, dataset):
    model = Scripted(says)
    first = tuned(workspace, dataset, model)
    declare(workspace, dataset, primary="token-f1")
    second = tuned(workspace, dataset, model)
    assert first.found["metric"] == "accuracy" and second.fresh and second.found["metric"] == "token-f1"
    assert newest(workspace, dataset, {"base_digest": "0" * 32}).run_id == second.run_id


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("judge:helpful", "--metric judge:helpful: a tuning asks no judge"),
        ("perplexity-by-token", "of the references"),
        ("length", "neither way is good in itself"),
        ("tokens-a-second", "neither way is good in itself"),
        ("no/such.py", "No such file"),
    ],
)
def test_what_nothing_can_be_chosen_by_is_refused(workspace, dataset, metric, words):
    model = Scripted(says)
    grid, pool = Grid((None,), (2,), (2,)), Pool(workspace.examples(dataset))
    with pytest.raises(ConfigError, match=words) as raised:
        tune(workspace, dataset, model, grid, Plan(limit=8, metric=metric), pool, {})
    assert not model.asked and ("--metric accuracy" in raised.value.hint or metric.endswith(".py"))


def test_with_a_judge_declared_a_cheaper_metric_must_be_named(workspace, dataset, monkeypatch):
    monkeypatch.setattr(Model, "answerer", lambda self, adapters=(): Scripted(says))
    few = {"shots": "2,8", "neighbours": "2", "retriever": ["bm25"], "limit": 16}
    declare(workspace, dataset, primary="judge:helpful")
    with pytest.raises(
        ConfigError, match="the declared primary metric judge:helpful: a tuning asks no judge"
    ) as raised:
        cli_tune.tune("divided", **few)
    assert "seatrial tune --metric accuracy" in raised.value.hint
    told = cli_tune.tune("divided", metric="accuracy", **few)
    assert "by another metric: accuracy, where judge:helpful decides" in told.lines[0]


def test_an_arm_is_the_same_after_it_was_written_down():
    grid = Grid((None, GOOD), retrieval=("bm25", "hybrid"), encoder="m@1", documents=True)
    for name in (BASE, FEW_SHOT, RAG):
        for arm in grid.arms(name, (None, GOOD)):
            assert from_json(json.loads(json.dumps(to_json(arm)))) == arm


def test_shipped_prompts_follow_the_task_and_given_ones_are_files(tmp_path):
    named = shipped(Task(("oak", "elm")))
    assert named[0] is None and "oak, elm" in named[1].text
    assert named[1].over("own words").startswith("own words\n\n") and named[1].over(None) == named[1].text
    assert [each.name for each in shipped(Task())[1:]] == ["carefully", "briefly"]
    (tmp_path / "b.md").write_text(" two ")
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "c.png").write_bytes(b"x")
    assert [(each.name, each.text) for each in given([tmp_path])] == [("a.txt", "one"), ("b.md", "two")]
    assert GOOD.over("own") == "GOOD prompt"
