"""What a SHIP must not pass over: labels without a test row, a test far too small, answers only read kindly."""

import json

import polars as pl
import pytest

from curate.errors import NotFoundError
from curate.workspace import Workspace
from evalharness.commands.verdict import verdict as verdict_command
from evalharness.deciding import evidence, represented, trained, written
from evalharness.deciding.reading import named
from evalharness.deciding.verdict import verdict_block
from evalharness.deciding.wording import shown_words
from evalharness.report.comparing import compare_dataset, read_comparison
from evalharness.report.html import html
from tests.evalharness.verdict.conftest import tickets

NAME = represented.NAME


def compared(made):
    return read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))


def of(found, name):
    return next(check for check in found["checks"] if check["check"] == name)


def stands(made, examples=None, *, labelled=True):
    examples = made.examples if examples is None else examples
    test = examples.filter(pl.col("split") == "test")
    return represented.check_stands(made.workspace, made.dataset, examples, test, labelled=labelled)


def renamed(examples, label, where, count):
    """The first `count` rows that fit get another label."""
    hit = where & (where.cum_sum() <= count)
    return examples.with_columns(label=pl.when(hit).then(pl.lit(label)).otherwise("label"))


def splitted(made, test_share, rows, **more):
    """Record what the split was asked for."""
    sizes = {"train": 0.9 - test_share, "validation": 0.1, "test": test_share}
    before = evidence._parent(made.workspace, made.dataset)
    with made.workspace.run("split", {"seed": 1}, {"dataset": before}) as run:
        run.outputs["dataset"] = made.dataset
        run.outputs["split-report"] = made.workspace.put_json(
            "split-report", {"sizes": sizes, "rows": rows, **more}
        )


def test_a_label_of_weight_without_a_test_row_does_not_ship(trial):
    """A newcomer's find: 115 rows of `refund`, none in the test, and a SHIP."""
    made = trial()
    train = pl.col("split") == "train"
    rows = renamed(
        renamed(made.examples, "refund", train, 9), "threat", train & (pl.col("label") == "oak"), 3
    )
    found = stands(made, rows)
    assert (found["state"], found["required"]) == ("not measured", True)
    assert "no test row of `refund` (9 rows): nothing is known of it" in found["detail"]
    assert "without a test row: `threat` (3 rows)" in found["detail"]
    assert (found["value"], found["limit"], found["unit"]) == (3.0, 4.0, "labels")
    assert found["remedy"].startswith("seatrial split tickets")


def test_it_stands_in_the_verdict_its_first_line_and_the_report(trial, monkeypatch):
    made = trial()
    real = represented.check_stands

    def without_oak(workspace, dataset, examples, test, *, labelled):
        return real(workspace, dataset, examples, test.filter(pl.col("label") != "oak"), labelled=labelled)

    monkeypatch.setattr(represented, "check_stands", without_oak)
    found = compared(made)
    assert found["verdict"]["outcome"] == "NOT SHOWN"
    lines = verdict_block(found)
    assert lines[0] == f"NOT SHOWN: not measured: {NAME}"
    assert "no test row of `oak` (80 rows)" in " ".join(" ".join(lines).split())
    page = html(found)
    assert "no test row of `oak` (80 rows)" in page and f"not measured: {NAME}" in page


def test_rare_labels_are_told_and_stop_nothing(trial):
    made = trial()
    rows = renamed(made.examples, "threat", pl.col("split") == "train", 4)
    found = stands(made, rows)
    assert found["state"] == "pass" and "`threat` (4 rows)" in found["detail"]


def test_a_label_that_is_rare_in_much_data_weighs_where_the_test_should_hold_two(trial):
    made = trial()
    rows = pl.concat([made.examples] * 10)
    train = pl.col("split") == "train"
    assert stands(made, renamed(rows, "threat", train, 5))["state"] == "not measured"
    tenth = rows.with_columns(
        split=pl.when(~train & (pl.int_range(pl.len()) % 240 < 228)).then(None).otherwise("split")
    )
    assert stands(made, renamed(tenth, "threat", train, 5))["state"] == "pass"


def test_a_test_far_smaller_than_asked_for_is_not_measured_and_one_nearly_so_is_told(trial):
    made = trial()
    splitted(made, 0.5, {"train": 300, "validation": 60, "test": 120})
    found = stands(made)
    assert (found["state"], represented.asked_for(made.workspace, made.dataset)) == ("pass", 240)
    assert "120 test rows, 240 asked for" in found["detail"]
    splitted(made, 0.5, {"train": 300, "validation": 60, "test": 119}, bridges=[["a", "b"]] * 9, left_out=0)
    short = stands(made)
    assert short["state"] == "not measured" and short["detail"] == "only 120 test rows, 244 asked for"
    splitted(made, 0.5, {"train": 300, "validation": 60, "test": 119}, pinned=7)
    assert stands(made)["detail"].endswith("has test rows; 120 test rows")


def test_without_labels_it_says_so(trial):
    made = trial(rows=30)
    assert stands(made, labelled=False)["detail"] == "no labels; 30 test rows"
    none = made.examples.with_columns(label=pl.lit(None, dtype=pl.String))
    assert (stands(made, none)["state"], stands(made, none)["detail"]) == ("pass", "no labels; 30 test rows")


def answered(pairs):
    frame = {"arm": ["tuned"] * len(pairs), "answer": [a for a, _ in pairs], "choice": [c for _, c in pairs]}
    return pl.DataFrame(frame, schema_overrides={"choice": pl.String})


LABELS = ("card", "card_arrival")


def test_what_accuracy_rests_on_is_counted():
    said = [(" card_arrival\n", "card_arrival"), ("card _ arrival", "card_arrival"), ("Card: hello", None)]
    said += [
        ("card", "card_arrival"),
        ("refund", "card"),
        ("refund", None),
        (None, None),
        ("card: x", "card"),
    ]
    rows = answered(said)
    found = written.written(rows, LABELS, "tuned")
    assert found == (7, 2, 2, "card _ arrival")
    assert "29 % of the answers spell their label in another way, as `card _ arrival`" in found.words
    assert "in 29 % of the answers the text does not say the label that was counted" in found.words


def test_one_in_a_hundred_is_not_told_and_two_are():
    sound = [("card", "card")]
    assert written.written(answered(sound * 99 + [("Card", "card")]), LABELS, "tuned").words == ""
    assert written.written(answered(sound * 98 + [("Card", "card")] * 2), LABELS, "tuned").words.startswith(
        "2 %"
    )
    assert (
        written.written(None, LABELS, "tuned").words
        == written.written(answered(sound), (), "tuned").words
        == ""
    )


def test_a_verdict_that_rests_on_normalisation_says_so(trial):
    made = trial(answers=("Oak: a new one comes", "SIERRA: a new one comes", "Viola : a new one comes"))
    found = compared(made)
    said = "the text does not say the label that was counted"
    assert said in of(found, "format")["detail"] and said in found["verdict"]["advice"]
    assert "spell their label in another way, as `" in found["verdict"]["advice"]
    assert said in " ".join(" ".join(verdict_block(found)).split()) and said in html(found)


def test_a_verdict_of_answers_that_are_written_rightly_says_nothing_of_it(trial):
    assert "normalisation" not in json.dumps(compared(trial(rows=30)))


def test_the_first_line_says_that_rows_are_too_few(trial):
    few = compared(trial(rows=24, rates={"base": 0.3, "few-shot": 0.4, "rag": 0.6, "tuned": 0.75}))
    assert verdict_block(few)[0].startswith("NOT SHOWN: too few rows, about ")


def test_the_first_line_says_that_the_probe_was_not_run(trial):
    unprobed = compared(trial(rows=150, lost=None))
    assert verdict_block(unprobed)[0] == "NOT SHOWN: not measured: seatrial probe was not run"


def test_a_datasets_name_is_its_newest_comparison(trial):
    made = trial(rows=30)
    with pytest.raises(NotFoundError, match="`tickets` is a dataset without a comparison yet"):
        named(made.workspace, "tickets")
    compare_dataset(made.workspace, made.dataset)
    newest = compare_dataset(made.workspace, made.dataset, margin=0.02)
    for reference in ("tickets", made.dataset, made.dataset[:10]):
        found = named(made.workspace, reference)
        assert found.digest == newest and found.told[0].startswith(f"comparison {newest[:12]}, the newest of")
    assert named(made.workspace, newest[:12]) == (newest, []) and named(made.workspace, None) == (None, [])
    with pytest.raises(NotFoundError, match="nothing is called `nosuch`"):
        named(made.workspace, "nosuch")
    with pytest.raises(NotFoundError, match="of that adapter"):
        named(made.workspace, "tickets", "f" * 32)
    answer = verdict_command("tickets")
    assert answer.lines[-1].startswith(f"comparison {newest[:12]}, the newest of `tickets`")


def test_the_comparison_of_an_earlier_version_is_taken_by_name_and_is_stale(trial):
    made = trial(rows=30)
    digest = compare_dataset(made.workspace, made.dataset)
    later = made.workspace.put_dataset(made.examples.head(40))
    with made.workspace.run("edit", {}, {"dataset": made.dataset}) as run:
        run.outputs["dataset"] = later
    made.workspace.ledger.set_name("tickets", later)
    assert named(made.workspace, "tickets").digest == digest
    answer = verdict_command("tickets")
    assert answer.lines[0].startswith("STALE") and answer.exit_code == 1


@pytest.mark.parametrize(
    ("p_margin", "high", "p_below", "words"),
    [
        (0.01, 0.3, 1.0, "pass"),
        (1.0, -0.197, 0.001, "worse"),
        (0.9, 0.004, 0.01, "ruled out"),
        (0.4, 0.1, 0.3, "not shown"),
    ],
)
def test_worse_is_called_worse(p_margin, high, p_below, words):
    row = {"p_margin": p_margin, "high": high, "p_below": p_below}
    assert shown_words(row, 0.05) == words


def test_a_training_that_was_cut_short_is_named_before_fine_tuning_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    here = Workspace.open(create=True)
    told = {"finding": "underfitting", "evidence": "validation loss still fell", "advice": "more epochs"}
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "training.json").write_text(json.dumps({"diagnosis": [told]}))
    adapter = here.put_files("adapter", tmp_path / "a")
    verdict = {"exit_code": 1, "advice": "A plain RAG prompt was better."}
    advice = trained.told_beside(verdict, here, adapter)["advice"]
    assert advice.startswith(
        "The training says of itself: underfitting, validation loss still fell. Before all"
    )
    assert advice.endswith("more epochs. A plain RAG prompt was better.")
    assert trained.told_beside({**verdict, "exit_code": 0}, here, adapter)["advice"] == verdict["advice"]
    assert trained.told_beside(verdict, here, None) == verdict
    here.close()


def test_rows_without_a_group_are_counted_as_they_are_drawn():
    rows = tickets(30, 10)
    alone = rows.with_columns(group=pl.when(pl.int_range(pl.len()) == 59).then(None).otherwise("group"))
    found = evidence.check_groups(alone)
    assert found["detail"].startswith(
        "11 groups of test rows (1 of them a single row without a group), none in"
    )
