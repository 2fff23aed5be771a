"""What can decide: only a metric of which the better side and the scale are known."""

import polars as pl
import pytest

from curate.errors import ConfigError
from evalharness.commands import score as cli_score
from evalharness.deciding.compare import settings
from evalharness.deciding.declared import declare, declared_of
from evalharness.metrics.custom import custom
from evalharness.report.comparing import compare_dataset, read_comparison
from evalharness.scoring.primary import must_decide, sided
from evalharness.scoring.score import newest, score
from tests.evalharness.test_score import put

PLAIN = 'def score(answer, reference, row):\n    """Errors."""\n    return {value}\n'
SIDED = 'better = "{better}"\nscale = {scale}\n' + PLAIN


def scored(metric):
    return pl.DataFrame({"metric": [metric] * 2, "value": [0.1, 0.2]})


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("evaluate:wer", "which way is better, and its scale, are not known"),
        ("evaluate:rouge#rouge1", "not known"),
        ("polite.py", "does not say which way is better"),
        ("perplexity-by-token", "no scale from 0 to 1"),
        ("perplexity-by-sequence", "no scale from 0 to 1"),
        ("length", "neither way is good in itself"),
    ],
)
def test_what_has_no_known_better_side_or_scale_cannot_decide(metric, words):
    with pytest.raises(ConfigError, match=words) as raised:
        settings(scored(metric), primary=metric, margin=0.0)
    assert raised.value.hint


@pytest.mark.parametrize(
    "metric", ["accuracy", "rouge2:stem", "bleu:zh", "judge:tone", "macro-f1", "token-f1"]
)
def test_ours_can_decide(metric):
    must_decide(metric, ())


def test_what_cannot_decide_cannot_be_declared_and_a_file_is_asked_when_it_is_compared(workspace):
    dataset = workspace.dataset("tickets")
    for metric in ("evaluate:wer", "perplexity-by-token", "acuracy", "seconds"):
        with pytest.raises(ConfigError, match="cannot decide"):
            declare(workspace, dataset, primary=metric)
    assert declared_of(workspace, dataset)["all"] == []
    assert declare(workspace, dataset, primary="polite.py")["primary"] == "polite.py"


@pytest.mark.parametrize(
    ("better", "scale", "value", "share"),
    [
        ("less", (0, 5), 1, 0.8),
        ("more", (1, 5), 2, 0.25),
        ("more", (0, 1), True, 1.0),
        ("less", (0, 1), 0, 1.0),
    ],
)
def test_a_file_that_says_both_gives_shares_of_which_more_is_better(tmp_path, better, scale, value, share):
    path = tmp_path / "m.py"
    path.write_text(SIDED.format(better=better, scale=scale, value=value))
    row = {"example_id": "1", "answer": "a", "reference": "b", "error": None, "meta": None}
    found = custom(path).score(pl.DataFrame([row], schema_overrides={"error": pl.String, "meta": pl.String}))
    assert found["value"].to_list() == pytest.approx([share])


def test_a_number_off_the_scale_is_a_row_error(tmp_path):
    path = tmp_path / "m.py"
    path.write_text(SIDED.format(better="less", scale=(0, 1), value=1.5))
    row = {"example_id": "1", "answer": "a", "reference": "b", "error": None, "meta": None}
    found = custom(path).score(pl.DataFrame([row], schema_overrides={"error": pl.String, "meta": pl.String}))
    assert found["value"].to_list() == [None] and "not on its scale from 0 to 1" in found["reason"][0]


@pytest.mark.parametrize(
    "head",
    ['better = "less"', "scale = (0, 1)", 'better = "up"\nscale = (0, 1)', 'better = "more"\nscale = (1, 1)',
     'better = "more"\nscale = 5', 'better = "more"\nscale = (0, float("inf"))'],
)  # fmt: skip
def test_half_a_side_or_a_scale_that_is_none_is_refused(tmp_path, head):
    path = tmp_path / "m.py"
    path.write_text(f"{head}\n" + PLAIN.format(value=1))
    with pytest.raises(ConfigError, match=r"`(better|scale)` is"):
        custom(path)


def test_the_ledger_tells_which_files_said_both(workspace, tmp_path):
    dataset = workspace.dataset("tickets")
    put(workspace, "base")
    for name, text in (("wer.py", SIDED), ("odd.py", PLAIN)):
        (tmp_path / name).write_text(text.format(better="less", scale=(0, 2), value=1))
    cli_score.score(metric=[str(tmp_path / "wer.py"), str(tmp_path / "odd.py")])
    table = score(workspace, dataset, newest(workspace, dataset))  # without naming them: they stand
    assert sided(workspace, [table.digest]) == {"wer.py"}
    assert settings(table.table, primary="wer.py", sided={"wer.py"})["primary"] == "wer.py"


def test_a_comparison_by_a_file_that_says_nothing_is_refused_and_one_that_says_both_is_made(trial):
    made = trial(rows=60)
    table = made.scores.filter(pl.col("metric") == "rougeL").with_columns(metric=pl.lit("ours.py"))
    rows = pl.concat([made.scores, table])

    def record(said):
        with made.workspace.run("score", {"metrics": {"ours.py": said}}, made.scored) as run:
            run.outputs["scores"] = made.workspace.put_table(
                "scores", rows.with_columns(reason=pl.lit(str(said)))
            )

    record({"digest": "d"})
    with pytest.raises(ConfigError, match="does not say which way is better"):
        compare_dataset(made.workspace, made.dataset, primary="ours.py")
    record({"digest": "e", "better": "less", "scale": [0, 1]})
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset, primary="ours.py"))
    assert found["settings"]["primary"] == "ours.py"
