"""Scores of predictions, and the two commands."""

import json

import polars as pl
import pytest

from curate.errors import ConfigError, NotFoundError
from evalharness.asking.predict import PREDICTIONS
from evalharness.commands import predict as cli_predict
from evalharness.commands import score as cli
from evalharness.metrics import about
from evalharness.scoring.score import newest, score
from evalharness.scoring.scored_before import SCORES
from evalharness.scoring.summary import means

ANSWERS = {
    "base": "sorry",
    "few-shot": "oak: hm",
    "rag": "viola: hm",
    "tuned": "{label}: sorry about the mug",
}

SO_SO = json.dumps({**dict.fromkeys(("settles", "right", "polite", "plain"), 3), "reason": "so so"})


def put(workspace, arm, limit=12, adapter=None, seconds=0.1, **more):
    """Predictions of an arm as if a model had made them."""
    dataset = workspace.dataset("tickets")
    test = workspace.examples(dataset).filter(pl.col("split") == "test").head(limit)
    rows = [
        {
            "example_id": each,
            "arm": arm,
            "answer": ANSWERS[arm].format(label=label),
            "finish_reason": "stop",
            "seconds": seconds,
        }
        for each, label in test.select("example_id", "label").iter_rows()
    ]
    params = {"arm": arm, "split": "test", "limit": None, "base_digest": "b", "quantization": "nf4", **more}
    inputs = {"dataset": dataset} | ({"adapter": adapter} if adapter else {})
    with workspace.run("predict", params, inputs) as run:
        table = pl.DataFrame([{**dict.fromkeys(PREDICTIONS), **row} for row in rows], schema=PREDICTIONS)
        run.outputs["predictions"] = workspace.put_table("predictions", table)
    return run.outputs["predictions"]


def test_one_table_holds_every_arm_metric_and_row(workspace):
    dataset = workspace.dataset("tickets")
    for arm in ANSWERS:
        put(workspace, arm)
    found = score(workspace, dataset, newest(workspace, dataset))
    assert found.table.schema == SCORES and found.table.height == 4 * (7 + 7) * 12
    assert workspace.table(found.digest).equals(found.table)
    rows = {(row.arm, row.metric): row for row in means(found.table, workspace.examples(dataset))}
    assert rows["tuned", "accuracy"].mean == 1 and rows["base", "accuracy"].mean == 0
    assert rows["rag", "accuracy"].mean == pytest.approx(1 / 3) and rows[
        "rag", "macro-f1"
    ].mean == pytest.approx(1 / 6)
    assert rows["tuned", "format"].mean == 1 and rows["base", "format"].mean == 0
    quality = [row for row in rows.values() if about(row.metric).better == "more"]
    assert len(quality) == 4 * 9 and all(row.n == 12 and row.nulls == 0 for row in quality)


def test_scoring_again_gives_the_recorded_table(workspace):
    dataset = workspace.dataset("tickets")
    put(workspace, "base")
    first = score(workspace, dataset, newest(workspace, dataset))
    again = score(workspace, dataset, newest(workspace, dataset))
    assert first.fresh and not again.fresh and again.digest == first.digest


def test_the_newest_predictions_of_each_arm_count(workspace):
    dataset = workspace.dataset("tickets")
    put(workspace, "base", limit=3)
    second = put(workspace, "base")
    assert newest(workspace, dataset) == {"base": second}
    with pytest.raises(NotFoundError, match="validation"):
        newest(workspace, dataset, "validation")


def test_answers_by_an_adapter_trained_on_other_rows_do_not_stand_for_the_tuned_arm(workspace, tmp_path):
    """They may have been asked only to show what one would have believed."""
    from tests.evalharness.conftest import tickets

    dataset = workspace.dataset("tickets")
    other = workspace.put_dataset(tickets(train=5))
    adapters = {}
    for name, digest in (("own", dataset), ("other", other)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_model.safetensors").write_text(name)
        adapters[name] = workspace.put_files("adapter", tmp_path / name)
        with workspace.run("train", {}, {"dataset": digest}) as run:
            run.outputs["adapter"] = adapters[name]
    put(workspace, "base")
    own = put(workspace, "tuned", adapter=adapters["own"])
    assert "left out" not in "\n".join(cli.score().lines)
    later = put(workspace, "tuned", adapter=adapters["other"], seconds=0.2)
    assert newest(workspace, dataset)["tuned"] == own
    assert f"left out: --predictions {later[:8]}" in "\n".join(cli.score().lines)
    assert cli.score(predictions=[later]).data["predictions"] == {"tuned": later}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"limit": 5}, "not the same ones"),
        ({"quantization": "none"}, "quantization is nf4 for base and none for rag"),
        ({"max_new_tokens": 64}, "max_new_tokens is None for base and 64 for rag"),
    ],
)
def test_arms_that_were_not_asked_alike_are_refused(workspace, more, words):
    dataset = workspace.dataset("tickets")
    put(workspace, "base")
    put(workspace, "rag", **({"limit": more["limit"]} if "limit" in more else more))
    with pytest.raises(ConfigError, match=words):
        score(workspace, dataset, newest(workspace, dataset))


def test_predictions_of_another_dataset_are_refused(workspace):
    from tests.evalharness.conftest import tickets

    kept = put(workspace, "base")
    other = workspace.put_dataset(tickets().filter(pl.col("split") == "train"))
    with pytest.raises(ConfigError, match="does not have"):
        score(workspace, other, {"base": kept})


def test_the_commands_go_from_a_split_to_scores(workspace, base):
    """Predict and score as a person would, with the answers for people and for programs."""
    asked = cli_predict.predict(base=str(base), quantization="none", threads=1, shots=2, neighbours=2)
    text = "\n".join(asked.lines)
    assert "tickets, test rows" in text and "12 answers, 0 errors" in text
    assert "tuned was left out" in text and "declared, before any answer" in text
    assert [each["arm"] for each in asked.data["arms"]] == ["base", "few-shot", "rag"]
    json.dumps(asked.data)
    again = cli_predict.predict(base=str(base), quantization="none", threads=1, shots=2, neighbours=2)
    assert not any(each["fresh"] for each in again.data["arms"])
    scored = cli.score()
    lines = "\n".join(scored.lines)
    assert "accuracy" in lines and "12 rows by judge:helpful: not judged: no endpoint" in lines
    judged = [row for row in scored.data["means"] if row["metric"] == "judge:helpful"]
    assert all(row["mean"] is None and row["nulls"] == 12 and row["calibrated"] is False for row in judged)
    json.dumps(scored.data)


def test_a_judges_number_is_never_shown_without_its_doubt(workspace, chat_server):
    put(workspace, "base")
    url = chat_server(lambda body, n: (200, SO_SO))
    found = cli.score(endpoint=url, model="m", rubric=["helpful", "tone"])
    text = "\n".join(found.lines)
    assert text.count("not calibrated against people") == 2
    row = next(row for row in found.data["means"] if row["metric"] == "judge:tone")
    assert 0 < row["mean"] < 1 and row["calibrated"] is False
    kept = workspace.artifact("judgements")
    assert workspace.table(kept)["said"].unique().to_list() == ["so so"]


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        (cli_predict.predict, {"arm": ["best"]}, "no such arm"),
        (cli_predict.predict, {"arm": ["tuned"]}, "needs an adapter"),
        (cli_predict.predict, {"prompt_file": __import__("pathlib").Path("/nowhere.txt")}, "prompt-file"),
        (cli_predict.predict, {"endpoint": "http://127.0.0.1:9/v1"}, "no model was named"),
        (cli.score, {"format_regex": "x", "format_schema": __import__("pathlib").Path("y")}, "one form"),
        (cli.score, {"rubric": ["nothing"]}, "no such rubric"),
    ],
)
def test_wrong_options_are_said_before_anything_runs(workspace, command, options, words):
    put(workspace, "base")
    before = len(workspace.ledger.rows("select run_id from run"))
    with pytest.raises(ConfigError, match=words):
        command(**options)
    assert len(workspace.ledger.rows("select run_id from run")) == before


def test_two_predictions_of_one_arm_are_refused(workspace):
    first, second = put(workspace, "base"), put(workspace, "base", limit=11)
    with pytest.raises(ConfigError, match="named before"):
        cli.score(predictions=[first, second])
