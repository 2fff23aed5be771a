"""Scoring again: what is known stays, what is new is added, nothing is asked of a model."""

import json

import polars as pl
import pytest

from curate.errors import ConfigError, MissingExtraError
from evalharness.commands import score as cli_score
from evalharness.metrics.asked import asked_metric
from evalharness.metrics.custom import custom
from evalharness.metrics.text import ExactMatch
from evalharness.scoring.score import newest, score
from evalharness.scoring.scored_before import read_scores
from evalharness.scoring.summary import classes, means
from tests.evalharness.test_score import put

MINE = '''
def score(answer, reference, row):
    """Whether the answer is polite."""
    if "viola" in answer:
        raise ValueError("no violas")
    return "sorry" in answer
'''


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "polite.py"
    path.write_text(MINE)
    return path


def test_a_metric_of_ones_own_is_added_without_losing_the_others(workspace, mine):
    put(workspace, "base")
    put(workspace, "rag")
    before = cli_score.score()
    after = cli_score.score(metric=[str(mine), "rouge1:stem"])
    names = [row["metric"] for row in after.data["means"] if row["arm"] == "base"]
    assert "polite.py" in names and "rouge1:stem" in names and "accuracy" in names
    rows = {(row["arm"], row["metric"]): row for row in after.data["means"]}
    assert rows["base", "polite.py"]["mean"] == 1.0
    assert rows["rag", "polite.py"]["nulls"] == 12
    assert "ValueError: no violas (line 5 of polite.py)" in rows["rag", "polite.py"]["reason"]
    assert "no violas" in "\n".join(after.lines)
    again = cli_score.score()
    assert {row["metric"] for row in again.data["means"]} == set(names)
    old, new = (
        read_scores(workspace, each.data["scores"]).sort("arm", "metric", "example_id")
        for each in (before, again)
    )
    assert new.join(old, on=["arm", "metric", "example_id"], how="semi").equals(old)
    assert not cli_score.score().data["fresh"]


def test_equal_scores_are_equal_bytes_whatever_was_scored_now_and_what_before(workspace, mine, monkeypatch):
    """A verdict is bound to the digest of the scores: in another order they would make it stale."""
    put(workspace, "rag")
    put(workspace, "base")
    first = cli_score.score(metric=["rouge1:stem", str(mine), "chrf"]).data
    monkeypatch.setattr(type(workspace), "recorded", lambda *_: None)  # as by another version of the code
    for metric in (["chrf"], None):
        again = cli_score.score(metric=metric).data
        assert again["fresh"] and again["scores"] == first["scores"]


def test_what_has_not_changed_is_not_scored_again(workspace, monkeypatch):
    put(workspace, "base")
    dataset = workspace.dataset("tickets")
    score(workspace, dataset, newest(workspace, dataset))
    monkeypatch.setattr(ExactMatch, "score", lambda *_: pytest.fail("scored again"))
    found = score(workspace, dataset, newest(workspace, dataset), more=[asked_metric("chrf")])
    assert found.fresh and "chrf" in set(found.table["metric"])


def test_scoring_that_was_broken_off_leaves_nothing_behind_and_is_done_anew(workspace, monkeypatch):
    put(workspace, "base")
    put(workspace, "rag")
    whole = cli_score.score()
    put(workspace, "tuned")

    def broken(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ExactMatch, "score", broken)
        with pytest.raises(KeyboardInterrupt):
            cli_score.score()
    after = cli_score.score()
    assert len(after.data["means"]) == len(whole.data["means"]) * 3 // 2
    told = {(row["arm"], row["metric"]): row["mean"] for row in after.data["means"]}
    assert all(told[row["arm"], row["metric"]] == row["mean"] for row in whole.data["means"])


def test_a_file_that_changed_is_scored_again_and_its_digest_is_recorded(workspace, mine):
    put(workspace, "base")
    first = cli_score.score(metric=[str(mine)])
    mine.write_text(MINE.replace('"sorry" in answer', "0.25"))
    second = cli_score.score(metric=[str(mine)])
    values = [
        next(row["mean"] for row in each.data["means"] if row["metric"] == "polite.py")
        for each in (first, second)
    ]
    assert values == [1.0, 0.25]
    runs = workspace.ledger.rows("select params from run where kind = 'score' order by run_id")
    kept = [json.loads(row["params"])["metrics"]["polite.py"] for row in runs]
    assert kept[0]["digest"] != kept[1]["digest"] and kept[0]["meaning"] == "Whether the answer is polite."


def test_new_answers_of_one_arm_leave_out_what_only_the_others_were_scored_by(workspace, mine):
    """Else the arms could not be compared: a metric that one lacks is no comparison."""
    put(workspace, "base")
    cli_score.score(metric=[str(mine)])
    put(workspace, "rag")
    found = cli_score.score()
    assert "polite.py" not in {row["metric"] for row in found.data["means"]}


def test_a_judges_word_is_not_lost_when_the_next_call_names_no_judge(workspace, chat_server):
    put(workspace, "base")
    url = chat_server(lambda body, n: (200, '{"polite": 3, "plain": 3, "reason": "so so"}'))
    first = cli_score.score(endpoint=url, model="m", rubric=["tone"])
    asked = len(chat_server.requests)
    second = cli_score.score(metric=["chrf"])
    means = [
        next(row["mean"] for row in each.data["means"] if row["metric"] == "judge:tone")
        for each in (first, second)
    ]
    assert means[0] is not None and means[0] == means[1] and len(chat_server.requests) == asked


def test_the_form_that_was_asked_for_stays_until_another_is_given(workspace):
    put(workspace, "base")  # says sorry
    said = [
        next(row["mean"] for row in cli_score.score(**more).data["means"] if row["metric"] == "format")
        for more in ({}, {"format_regex": "sor+y"}, {"metric": ["chrf"]}, {"format_regex": "x"}, {})
    ]
    assert said == [0, 1, 1, 0, 0]


def test_old_tables_without_the_new_column_are_read(workspace):
    old = pl.DataFrame(
        {"example_id": ["a"], "arm": ["base"], "metric": ["rougeL"], "value": [0.5], "reason": [None], "label": [None]},
        schema_overrides={"reason": pl.String, "label": pl.String},
    )  # fmt: skip
    assert read_scores(workspace, workspace.put_table("scores", old))["statistics"].to_list() == [None]


def test_by_class_tells_precision_recall_and_what_was_taken_for_what(workspace):
    dataset = workspace.dataset("tickets")
    put(workspace, "few-shot")  # says oak of everything: 4 of 12
    found = score(workspace, dataset, newest(workspace, dataset))
    (arm,) = classes(found.table, workspace.examples(dataset))
    rows = {row.label: row for row in arm.rows}
    assert (rows["oak"].precision, rows["oak"].recall) == (pytest.approx(1 / 3), 1.0)
    assert rows["oak"].f1 == pytest.approx(0.5) and rows["viola"].precision is None and rows["viola"].f1 == 0
    assert arm.confusion[0][2] == 4 and {pair[1] for pair in arm.confusion} == {"oak"}
    assert rows["oak"].precision_interval.low < 1 / 3 < rows["oak"].precision_interval.high
    text = "\n".join(cli_score.score(by_class=True).lines)
    assert "few-shot, by class" in text and "taken for oak 4 times" in text
    micro = next(row for row in means(found.table, workspace.examples(dataset)) if row.metric == "micro-f1")
    assert micro.mean == pytest.approx(1 / 3)
    json.dumps(cli_score.score().data)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def score(answer, reference, row):\n    return 1\n", "no docstring"),
        ("def other():\n    'x'\n", "no function `score`"),
        ("def score(answer):\n    'x'\n    return 1\n", r"takes \(answer, reference, row\)"),
        ("import nowhere_at_all\n", "ModuleNotFoundError"),
        ("def score(:\n", "SyntaxError"),
    ],
)
def test_a_file_that_is_no_metric_is_refused_before_anything_is_scored(tmp_path, text, words):
    path = tmp_path / "m.py"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        custom(path)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("None", "gave none"),
        ("'x'", "gave no number"),
        ("float('nan')", "gave no number"),
        ("1/0", "ZeroDivisionError"),
    ],
)
def test_what_is_no_number_is_a_row_error(tmp_path, value, words):
    path = tmp_path / "m.py"
    path.write_text(f"def score(answer, reference, row):\n    'x'\n    return {value}\n")
    row = {"example_id": "1", "answer": "a", "reference": "b", "error": None, "meta": '{"k": 1}'}
    found = custom(path).score(pl.DataFrame([row], schema_overrides={"error": pl.String}))
    assert found["value"].to_list() == [None] and words in found["reason"][0]


@pytest.mark.parametrize("name", ["nothing", "rouge0", "rougeX", "bleu:klingon", "/nowhere/m.py"])
def test_an_unknown_metric_is_refused_with_what_is_known(name):
    with pytest.raises(ConfigError, match=r"--metric|no such tokenizer"):
        asked_metric(name).score(pl.DataFrame({"example_id": ["1"], "answer": ["a"], "reference": ["a"]}))


SCRIPT = """
import datasets
import evaluate

class Shout(evaluate.Metric):
    def _info(self):
        texts = {"predictions": datasets.Value("KIND"), "references": datasets.Value("KIND")}
        return evaluate.MetricInfo(description="", citation="", features=datasets.Features(texts))

    def _compute(self, predictions, references):
        if predictions[0] == "bad":
            raise RuntimeError("no")
        return {"shout": float(predictions[0].isupper()), "length": len(predictions[0])}
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    pytest.importorskip("evaluate")
    folder = tmp_path_factory.mktemp("metrics")
    for kind in ("string", "int32"):
        (folder / f"{kind}").mkdir()
        (folder / kind / "shout.py").write_text(SCRIPT.replace("KIND", kind))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_EVALUATE_OFFLINE", "1")
        patch.setenv("HF_MODULES_CACHE", str(folder / "modules"))
        yield folder


@pytest.mark.slow
def test_a_metric_of_evaluate_by_path_scores_row_by_row(scripts):
    table = pl.DataFrame(
        {
            "example_id": list("abc"),
            "answer": ["YES", "no", "bad"],
            "reference": ["x"] * 3,
            "error": [None] * 3,
        },
        schema_overrides={"error": pl.String},
    )
    metric = asked_metric(f"evaluate:{scripts / 'string' / 'shout.py'}")
    found = metric.score(table)
    assert found["value"].to_list() == [1.0, 0.0, None] and "RuntimeError: no" in found["reason"][2]
    assert metric.settings()["digest"]
    length = asked_metric(f"evaluate:{scripts / 'string' / 'shout.py'}#length")
    assert length.score(table)["value"].to_list() == [3.0, 2.0, None]


@pytest.mark.slow
def test_a_metric_of_evaluate_that_takes_numbers_or_cannot_be_fetched_says_so(scripts):
    from curate.errors import ResourceError

    with pytest.raises(ConfigError, match="takes predictions as int32"):
        asked_metric(f"evaluate:{scripts / 'int32' / 'shout.py'}")
    with pytest.raises(ResourceError, match="could not load it") as told:
        asked_metric("evaluate:no-such-metric-here")
    assert "needs a network" in (told.value.hint or "")


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "evaluate", None)
    with pytest.raises(MissingExtraError):
        asked_metric("evaluate:meteor")
