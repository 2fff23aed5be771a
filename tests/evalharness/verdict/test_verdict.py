"""Ship only what beats every baseline, on conditions that were measured; and how often it errs."""

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtri

from evalharness.deciding.comparison import Check, DifferenceRow, Settings
from evalharness.deciding.verdict import decide, union_p, verdict_block
from evalharness.report.comparing import compare_dataset, read_comparison
from evalharness.statistics.paired import binary_tail

CHOSEN = Settings(primary="accuracy", margin=0.01, alpha=0.05, confidence=0.95, resamples=2000, seed=0)
PASSED = Check(check="no errors", state="pass", required=True, detail="none", remedy="")


def row(baseline, difference, p, *, low=None, high=None, needed=400.0, n=120, below=0.5):
    return DifferenceRow(
        metric="accuracy", baseline=baseline, difference=difference, n=n, units=n,
        low=difference - 0.08 if low is None else low, high=difference + 0.08 if high is None else high,
        lower=difference - 0.06, upper=difference + 0.06, p=p, p_holm=p, p_margin=p, p_below=below,
        detectable=0.1, rows_needed=needed, test="mid-p McNemar", reason=None,
    )  # fmt: skip


def three(last):
    return [row("base", 0.3, 1e-6), row("few-shot", 0.2, 1e-4), last]


def test_better_than_all_three_ships():
    found = decide(three(row("rag", 0.12, 0.004)), [PASSED], CHOSEN)
    assert (found["outcome"], found["exit_code"], found["rows"]) == ("SHIP", 0, None)
    assert found["p"] == 0.004
    assert "the closest is rag: +12.0 points (95 % +4.0 to +20.0, n = 120)" in found["reason"]


def test_the_largest_p_decides_and_an_unknown_one_leaves_it_open():
    assert union_p([0.01, 0.2, 0.03]) == 0.2
    assert union_p([0.01, None]) is None
    assert union_p([]) is None


def test_a_lead_that_is_not_established_says_how_many_more_rows():
    found = decide(three(row("rag", 0.05, 0.12, needed=402.0)), [PASSED], CHOSEN)
    assert (found["outcome"], found["rows"], found["exit_code"]) == ("NOT SHOWN", 290, 1)
    assert found["reason"].startswith("Better than base and few-shot; not shown better than rag")
    assert "290 more test rows" in found["advice"]
    assert "410 fresh ones, since a new look at these breaks the seal" in found["advice"]


def test_a_prompt_that_is_as_good_says_what_to_do_instead():
    found = decide(three(row("rag", 0.004, 0.45)), [PASSED], CHOSEN)
    assert (found["outcome"], found["rows"]) == ("DO NOT SHIP", None)
    assert found["advice"].startswith("A plain RAG prompt was as good. Fix retrieval and the prompt")
    assert "These rows would have shown a gain of about 10.0 points" in found["reason"]


def test_a_prompt_that_is_better_is_called_better_and_the_gain_is_ruled_out():
    found = decide(three(row("rag", -0.1, 0.99, low=-0.2, high=-0.02, below=0.001)), [PASSED], CHOSEN)
    assert "A plain RAG prompt was better." in found["advice"]
    assert "A gain of more than 1.0 point is ruled out." in found["reason"]


def test_every_baseline_is_named_where_one_is_not_beaten():
    rows = [row("base", 0.1, 0.06), row("few-shot", 0.2, 1e-4), row("rag", -0.1, 0.99)]
    said = decide(rows, [PASSED], CHOSEN)["reason"]
    assert said.startswith("Better than few-shot, but not than rag: ")
    assert said.endswith(" Not shown better than base.")
    both = decide([row("base", 0.0, 0.5), *rows[1:]], [PASSED], CHOSEN)["reason"]
    assert both.endswith(" Not better than base either.")
    open_ones = decide([rows[0], rows[1], row("rag", 0.05, 0.2)], [PASSED], CHOSEN)["reason"]
    assert open_ones.startswith("Better than few-shot; not shown better than rag")
    assert open_ones.endswith(" Not shown better than base either.")


def test_why_interval_and_p_differ_where_groups_are_few():
    few = row("rag", 0.3, 0.05, low=0.2) | {"units": 8, "test": "exact sign-flip and bootstrap-t"}
    said = decide(three(few), [PASSED], CHOSEN)["reason"]
    assert "p is .050 because 8 groups are few: the interval draws again from those that were seen" in said
    alone = few | {"n": 8}
    assert "8 rows are few" in decide(three(alone), [PASSED], CHOSEN)["reason"]
    for other in ({"units": 120}, {"low": 0.0}, {"test": "mid-p McNemar"}):
        assert "are few" not in decide(three(few | other), [PASSED], CHOSEN)["reason"]


@pytest.mark.parametrize("difference", [0.0, 0.01])
def test_a_lead_of_no_more_than_the_margin_is_no_lead(difference):
    assert decide(three(row("rag", difference, 0.5)), [PASSED], CHOSEN)["outcome"] == "DO NOT SHIP"


def test_a_failed_condition_outweighs_any_gain():
    leak = Check(
        check="leaks between splits", state="fail", required=True, detail="9 leaks", remedy="split again"
    )
    found = decide(three(row("rag", 0.3, 1e-9)), [PASSED, leak], CHOSEN)
    assert (found["outcome"], found["exit_code"]) == ("DO NOT SHIP", 1)
    assert found["reason"] == "The gain shown cannot be trusted: leaks between splits: 9 leaks."
    assert found["advice"] == "Split again"


def test_not_measured_never_counts_as_a_pass():
    unknown = Check(
        check="leaks between splits", state="not measured", required=True, detail="not scanned", remedy="scan"
    )
    found = decide(three(row("rag", 0.3, 1e-9)), [PASSED, unknown], CHOSEN)
    assert (found["outcome"], found["exit_code"], found["rows"]) == ("NOT SHOWN", 1, None)
    assert "not measured: leaks between splits" in found["reason"]


def test_what_only_informs_does_not_stop_a_ship():
    judge = Check(check="judge", state="not measured", required=False, detail="not judged", remedy="")
    assert decide(three(row("rag", 0.3, 1e-9)), [PASSED, judge], CHOSEN)["outcome"] == "SHIP"


def test_one_row_is_never_enough():
    lone = row("rag", 1.0, None, needed=None, n=1)
    lone.update(low=None, high=None, lower=None, upper=None, reason="1 example: too few for an interval")
    found = decide([lone], [PASSED], CHOSEN)
    assert (found["outcome"], found["rows"], found["p"]) == ("NOT SHOWN", None, None)


# how often it errs


def ships(better: np.ndarray, worse: np.ndarray, n: int, margin: float) -> np.ndarray:
    """Whether each simulated trial (rows) ships over its baselines (columns)."""
    ps = [[binary_tail(int(b), int(w), n, margin).above for b, w in zip(*pair, strict=True)]
          for pair in zip(better, worse, strict=True)]  # fmt: skip
    return np.array([(union_p(row) or 0) < 0.05 for row in ps])


def simulated(rates: list[float], trials: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(better, worse) counts of the first against each other, with a difficulty that all share."""
    rng = np.random.default_rng(seed)
    drawn = np.sqrt(0.5) * rng.normal(size=(trials, n, 1)) + np.sqrt(0.5) * rng.normal(size=(trials, n, 4))
    right = drawn < ndtri(rates)
    own, others = right[:, :, :1], right[:, :, 1:]
    return (own & ~others).sum(1), (~own & others).sum(1)


def test_a_tie_with_the_best_baseline_is_rarely_shipped():
    """Least favourable: far above two baselines, equal to the third; the highest mean would ship half of these."""
    better, worse = simulated([0.7, 0.7, 0.4, 0.4], 600, 300, seed=1)
    assert ships(better, worse, 300, 0.0).mean() <= 0.05 + 0.02
    assert (better > worse).all(1).mean() > 0.4


def test_a_gain_of_exactly_the_margin_is_rarely_shipped():
    better, worse = simulated([0.71, 0.7, 0.4, 0.4], 600, 300, seed=2)
    assert ships(better, worse, 300, 0.01).mean() <= 0.05 + 0.02


def test_a_clear_gain_is_mostly_shipped():
    better, worse = simulated([0.85, 0.7, 0.6, 0.5], 200, 300, seed=3)
    assert ships(better, worse, 300, 0.01).mean() > 0.9


# the block


def state(made, name):
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    return next(check for check in found["checks"] if check["check"] == name), found


BELIEVED = {
    "metric": "accuracy", "arm": "tuned", "why": "14 of 120 test rows had a twin in train.",
    "believed": {"value": 0.94, "n": 120, "low": 0.88, "high": 0.97},
    "true": {"value": 0.81, "n": 96, "low": 0.72, "high": 0.87},
}  # fmt: skip


def test_the_block_fits_72_columns_and_says_all(trial):
    made = trial()
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset, believed=BELIEVED))
    lines = verdict_block(found)
    text = " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= 72
    assert lines[0] == "SHIP"
    assert "120 test rows, accuracy, margin 1.0 point, alpha .05 one-sided" in text
    assert "not judged" in text
    assert "read 4 times for 4 arms" in text
    assert "a toy that proves the loop" in text
    assert (
        "Trained on the uncurated rows, the model scored .940 (n = 120, 95 % .880 to .970) on its own random "
        "test split, and scores .810 (n = 96, 95 % .720 to .870) on the clean test: 13.0 points of it did "
        "not hold." in text
    )


@pytest.mark.parametrize(
    ("before", "words"),
    [(0.78, "here the dirty way looked worse, by 3.0 points"), (0.81, "here the two agree."),
     (0.84, "3.0 points of it did not hold, and the intervals overlap.")],
)  # fmt: skip
def test_what_one_would_have_believed_is_told_whichever_way_it_falls(before, words):
    from evalharness.deciding.wording import believed_words

    figure = {"value": before, "n": 120, "low": before - 0.08, "high": before + 0.06}
    assert words in believed_words(BELIEVED | {"believed": figure})


def believe(made, tmp_path, *, leaks=9):
    """A random split of the same rows, an adapter trained on it, and its answers to both test splits."""
    workspace = made.workspace
    ids = made.examples["example_id"].str.reverse()  # rows of its own: none of the clean test is in its train
    rows = made.examples.with_columns(source=pl.lit("uncurated.jsonl"), example_id=ids)
    report = {
        "random": True,
        "random_would_leak": {"test_rows": 120, "twins": leaks, "group_mates": 4, "either": 11},
    }
    before = workspace.put_dataset(rows.with_columns(split=pl.lit(None, dtype=pl.String)))
    with workspace.run("split", {"random": True}, {"dataset": before}) as run:
        run.outputs["dataset"] = dirty = workspace.put_dataset(rows)
        run.outputs["split-report"] = workspace.put_json("split-report", report)
    workspace.ledger.set_name("uncurated-random", dirty)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "adapter_config.json").write_text("trained on the uncurated rows")
    adapter = workspace.put_files("adapter", tmp_path / "other")
    tuned = made.predictions.filter(pl.col("arm") == "tuned")
    labels = dict(made.examples.select("example_id", "label").iter_rows())
    flattered = tuned.with_columns(choice=pl.col("example_id").replace_strict(labels))
    own = flattered.with_columns(pl.col("example_id").str.reverse())
    for dataset, table in ((dirty, own), (made.dataset, tuned)):
        params = {"arm": "tuned", "split": "test", "base": "tiny"}
        with workspace.run("predict", params, {"dataset": dataset, "adapter": adapter}) as run:
            run.outputs["predictions"] = workspace.put_table(
                "predictions", table.with_columns(seconds=pl.lit(0.5))
            )
    return dirty


def test_what_one_would_have_believed_is_read_from_the_ledger(trial, tmp_path):
    made = trial()
    dirty = believe(made, tmp_path)
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset, believed=dirty))
    figures = found["believed"]
    tuned = next(r for r in found["metrics"] if (r["metric"], r["arm"]) == ("accuracy", "tuned"))
    assert figures["believed"]["value"] == 1.0 and figures["believed"]["n"] == 120
    assert figures["true"]["value"] == pytest.approx(tuned["mean"])
    assert (
        "Of its own 120 test rows 11 had a twin or a row of the same group in train (9 a twin)."
        in figures["why"]
    )


def test_the_reading_that_only_tells_what_was_believed_does_not_break_the_seal(trial, tmp_path):
    """Also in a later comparison that does not tell it again."""
    made = trial()
    dirty = believe(made, tmp_path)
    assert state(made, "test sealed")[0]["state"] == "fail"
    for believed in (dirty, None):
        found = read_comparison(
            made.workspace, compare_dataset(made.workspace, made.dataset, believed=believed)
        )
        assert (found["readings"]["count"], found["readings"]["declared"]) == (5, 1)
        assert found["verdict"]["outcome"] == "SHIP"
        words = " ".join(" ".join(verdict_block(found)).split())
        assert "read 4 times for 4 arms, and once more only to tell what one would have believed." in words
        sealed = next(check for check in found["checks"] if check["check"] == "test sealed")
        assert f"was {sealed['detail']}." in words


def test_believed_without_answers_says_what_to_run(trial, tmp_path):
    from curate.errors import NotFoundError

    made = trial(rows=30)
    with pytest.raises(NotFoundError, match="has not answered the test of the uncurated version"):
        rows = made.examples.with_columns(source=pl.lit("other"))
        other = made.workspace.put_dataset(rows)
        made.workspace.ledger.set_name("other", other)
        compare_dataset(made.workspace, made.dataset, believed=other)


def test_another_base_than_the_tiny_one_is_no_toy(trial):
    made = trial(base="meta/other")
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    assert not found["subject"]["toy"]
    assert "toy" not in "\n".join(verdict_block(found))


def test_a_hostile_name_does_not_act_in_the_block(trial):
    made = trial(rows=30, name="tick\x1b[31mets\u202e")
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    text = "\n".join(verdict_block(found))
    assert "\x1b" not in text and "\u202e" not in text


def test_the_command_has_the_exit_code(trial):
    from evalharness.commands import verdict as cli_verdict

    made = trial(rates={"base": 0.5, "few-shot": 0.6, "rag": 0.8, "tuned": 0.78}, seed=1)
    assert cli_verdict.compare().exit_code == 0
    answer = cli_verdict.verdict()
    assert answer.exit_code == 1
    assert answer.data["verdict"]["outcome"] in ("DO NOT SHIP", "NOT SHOWN")
    assert list(answer.lines) == verdict_block(read_comparison(made.workspace))
