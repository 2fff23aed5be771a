"""JUnit, CSV, history, the way back to curation, word marks, slices and confusions."""

import csv
import io
import json
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from curate.deciding.flags import flagged
from curate.errors import ConfigError, NotFoundError
from curate.workspace import Decision
from evalharness.commands import verdict as cli_verdict
from evalharness.deciding.compare import pair, settings
from evalharness.deciding.slices import FEW, confusions, slice_rows
from evalharness.report import html, junit, markdown
from evalharness.report.comparing import compare_dataset, read_comparison
from evalharness.report.items import fitting, items_of, page_of
from evalharness.report.sidebyside import side_by_side
from evalharness.report.tables import matrix, slices_by, worse_words
from evalharness.report.worddiff import marked
from tests.evalharness.verdict.conftest import LABELS, RATES

EVIL = ("=1+1", "+cmd|' /C calc'!A0", "<script>document.title='owned'</script> oak \x1b[31m", "oak: 你好")


@pytest.fixture
def made(trial):
    made = trial(rows=60, answers=EVIL, rates={"base": 0.4, "few-shot": 0.5, "rag": 0.7, "tuned": 0.75})
    compare_dataset(made.workspace, made.dataset)
    return made


def kinds(found):
    return {row["example_id"]: row["kind"] for row in found["examples"]["rows"]}


def test_junit_has_a_case_for_each_claim_and_condition_and_holds_hostile_text(made):
    found = read_comparison(made.workspace)
    found["checks"][0]["detail"] = "]]> <b> & \x1b \x00 \ud83d"
    suite = ElementTree.fromstring(junit(found).encode()).find("testsuite")
    cases = {case.get("name"): case for case in suite}
    assert {"better than base", "better than rag", "data clean", "latency", "verdict"} <= set(cases)
    assert suite.get("tests") == str(len(cases)) == str(3 + len(found["checks"]) + 1)
    assert cases["judge"].find("skipped") is not None and cases["forgetting"].find("skipped") is None
    assert (cases["verdict"].find("failure") is None) == (found["verdict"]["exit_code"] == 0)
    assert "\x1b" not in junit(found) and "⟦U+001B⟧" in cases["data clean"].find("system-out").text


def test_a_required_condition_that_was_not_measured_is_an_error_in_junit(made):
    found = read_comparison(made.workspace)
    found["checks"][0] |= {"state": "not measured", "required": True}
    suite = ElementTree.fromstring(junit(found).encode()).find("testsuite")
    assert suite.get("errors") == "1"


def test_csv_has_every_item_with_the_arms_side_by_side_and_no_formula(made, tmp_path):
    cli_verdict.report(to=tmp_path)
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = read_comparison(made.workspace)
    assert len(rows) == found["n"] == 60
    assert {row["example_id"]: row["kind"].split()[0] for row in rows if row["kind"] != "none right"} == {
        key: kind for key, kind in kinds(found).items() if kind != "none right"
    }
    first = rows[0]
    assert {"base answer", "rag accuracy", "tuned label", "tuned seconds", "question", "reference"} <= set(
        first
    )
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@"))]
    assert any(row["base answer"] == "'=1+1" for row in rows)


def test_regressions_are_sent_to_curation_whole_and_once(made):
    found = read_comparison(made.workspace)
    lost = {key for key, kind in kinds(found).items() if kind == "lost"}
    assert lost
    answer = cli_verdict.report(send="regressions")
    assert set(answer.data["sent"]) == lost == flagged(made.workspace)
    assert cli_verdict.report(send="regressions").data["flagged"] == 0
    beside = cli_verdict.report(send="regressions", near=True).data["near"]
    train = set(made.examples.filter(pl.col("split") == "train")["example_id"])
    assert beside and set(beside) <= train and set(beside) <= flagged(made.workspace)


def test_an_unknown_kind_or_tables_that_are_gone_are_said(made):
    with pytest.raises(ConfigError, match="--send everything"):
        cli_verdict.report(send="everything")
    import shutil

    shutil.rmtree(made.workspace.store.path(made.digests["scores"]))
    with pytest.raises(NotFoundError, match="no longer in this workspace"):
        cli_verdict.report(send="fail")


def test_a_wrong_answer_names_its_nearest_training_rows_their_decisions_and_the_way_to_why(made):
    found = read_comparison(made.workspace)
    wrong = next(row for row in found["examples"]["rows"] if row["kind"] == "lost")
    near = wrong["near"][0]["example_id"]
    assert wrong["near"][0]["why"] == f"seatrial why {near}"
    assert "near" not in next(row for row in found["examples"]["rows"] if row["kind"] == "won")
    made.workspace.ledger.decide(
        [
            Decision("f1", near, "redact", "ann"),
            Decision("f2", near, "drop", "ann"),
            Decision("f2", near, None, "ann"),
        ]
    )
    again = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    row = next(row for row in again["examples"]["rows"] if row["example_id"] == wrong["example_id"])
    assert row["near"][0]["decisions"] == ["redact"]
    assert f"seatrial why {near}" in html(again) and "decided: redact" in html(again)


def test_history_lists_every_comparison_and_in_what_it_differs(made, tmp_path):
    compare_dataset(made.workspace, made.dataset, primary="rougeL")
    cli_verdict.report(history=True, to=tmp_path)
    found = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
    assert [row["primary"] for row in found["rows"]] == ["rougeL", "accuracy"]
    assert [row["unlike"] for row in found["rows"]] == [[], ["metric"]]
    page = (tmp_path / "history.html").read_text(encoding="utf-8")
    assert "2 comparisons of tickets" in page and "<script" not in page and "style-src 'sha256-" in page
    rows = list(csv.DictReader(io.StringIO((tmp_path / "history.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 2 and rows[0]["minus rag"]
    assert (tmp_path / "history.md").read_text(encoding="utf-8").count("\n| ") == 3


def test_as_many_examples_as_fit_are_on_the_page_and_the_page_says_how_many(made):
    found = read_comparison(made.workspace)
    items = items_of(made.workspace, found)
    whole = page_of(items, found)
    assert len(whole["rows"]) == 60
    few = fitting(whole, 12_000)
    assert 5 < len(few["rows"]) < 30
    assert [row["example_id"] for row in few["rows"]] == [
        row["example_id"] for row in whole["rows"][: len(few["rows"])]
    ]
    assert f"{len(few['rows'])} of 60 examples are in this file, of each kind some" in html(found, few)


def test_words_that_the_reference_lacks_are_marked_and_nothing_acts():
    assert marked("oak: sorry about it", "oak: sorry for it") == "oak: sorry <mark>about</mark> it"
    assert marked("same words", "Same  words") == "same words"
    assert marked("<b>oak</b> sorry", "oak sorry") == "<mark>&lt;b&gt;</mark>oak<mark>&lt;/b&gt;</mark> sorry"
    assert marked("wholly other text here", "nothing of that kind") == "<mark>wholly other text here</mark>"
    assert "\x1b" not in marked("oak \x1b[31m", "oak")


def test_slices_by_length_and_language_are_told_and_single_ones_named(trial):
    made = trial(rows=60, text="please look at order {n} for me, the mug that you sent to my house is broken")
    test = made.examples.with_columns(
        messages=pl.when(pl.int_range(pl.len()) % 2 == 0)
        .then(
            pl.col("messages").list.eval(
                pl.struct(
                    pl.element().struct.field("role"),
                    content=pl.element().struct.field("content") + " x" * 30,
                    name=pl.element().struct.field("name"),
                    tool_calls=pl.element().struct.field("tool_calls"),
                    tool_call_id=pl.element().struct.field("tool_call_id"),
                )
            )
        )
        .otherwise(pl.col("messages"))
    )
    rows, none = slice_rows(pair(made.scores, made.examples), settings(made.scores), examples=test)
    lengths = [row for row in rows if row["by"] == "length"]
    assert len(lengths) >= 2 and sum(row["n"] for row in lengths) == 60
    assert all(row["label"].endswith("characters") for row in lengths)
    assert none["source"] == "all of one: tickets.jsonl"
    assert all(row["low"] is None for row in rows if row["n"] < FEW)


TONGUES = (
    "please look at the order of my friend, the mug that you sent to the house is broken",
    "bitte sehen Sie sich die Bestellung an, die Tasse ist zerbrochen und ich brauche eine neue",
    "kaputt",
)


def test_rows_of_no_known_language_are_a_note_and_a_slice_that_lost_stands_in_the_head(trial):
    """A third of the rows is too short to tell; the German ones went wrong, the others right."""
    made = trial(rows=60)
    ids = made.examples.filter(pl.col("split") == "test")["example_id"].to_list()
    at = {each: place % 3 for place, each in enumerate(ids)}
    test = made.examples.with_columns(
        messages=pl.struct("example_id", "messages").map_elements(
            lambda row: [{**row["messages"][1], "content": TONGUES[at.get(row["example_id"], 0)]}],
            return_dtype=made.examples.schema["messages"],
        )
    )
    german = [each for each, place in at.items() if place == 1]
    scores = made.scores.with_columns(
        value=pl.when(pl.col("metric") == "accuracy")
        .then((pl.col("example_id").is_in(german) ^ (pl.col("arm") == "tuned")).cast(pl.Float64))
        .otherwise("value")
    )
    chosen = settings(scores)
    rows, _ = slice_rows(pair(scores, test), chosen, examples=test)
    spoken = [row for row in rows if row["by"] == "language"]
    assert [(row["label"], row["n"]) for row in spoken] == [("de", 20), ("en", 20), ("not known", 20)]
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset)) | {"slices": rows}
    (language,) = [each for each in slices_by(found) if each.by == "language"]
    assert [row["label"] for row in language.rows] == ["de", "en"]
    assert language.unknown.startswith(
        "Not known of 20 of 60 (33 %), mostly too short to tell: tuned 1.000 there, +"
    )
    told = worse_words(found)
    assert told.startswith("Worse than the strongest baseline in: ")
    assert "language de (-100.0 points, n = 20)" in told and told.count(";") == 2
    page, text = html(found), markdown(found)
    assert "language de (\N{MINUS SIGN}100.0" in page.split('id="why"')[0] and "Not known of 20 of 60" in page
    assert (
        "language de" in text and "Not known of 20 of 60" in text and '<th scope="row">not known' not in page
    )
    assert worse_words(found | {"slices": [row for row in rows if (row["high"] or 0) >= 0]}) == ""


def test_one_language_and_texts_too_short_to_tell_are_no_slices(trial):
    made = trial(rows=60)
    ids = made.examples.filter(pl.col("split") == "test")["example_id"].to_list()
    at = {each: place % 2 * 2 for place, each in enumerate(ids)}
    test = made.examples.with_columns(
        messages=pl.struct("example_id", "messages").map_elements(
            lambda row: [{**row["messages"][1], "content": TONGUES[at.get(row["example_id"], 0)]}],
            return_dtype=made.examples.schema["messages"],
        )
    )
    rows, none = slice_rows(pair(made.scores, made.examples), settings(made.scores), examples=test)
    assert none["language"] == "all of one: en, not known of 30"
    assert not any(row["by"] == "language" for row in rows)


def test_why_an_answer_failed_stands_beside_it(trial):
    """The reason of the failed request, made harmless, and cut where it is long."""
    made = trial(rows=12)
    failed = made.predictions.with_columns(
        answer=pl.when(pl.col("arm") == "rag").then(None).otherwise("answer"),
        finish_reason=pl.when(pl.col("arm") == "rag").then(pl.lit("error")).otherwise("finish_reason"),
        error=pl.when(pl.col("arm") == "rag").then(pl.lit("status 400: <b>refused</b> " + "x" * 400)),
    )
    pairs = pair(made.scores, made.examples)
    chosen = settings(made.scores)
    found = side_by_side(pairs, made.examples, failed, chosen, tuple(RATES), "tuned")
    said = found["rows"][0]["arms"]["rag"]
    assert said["error"].startswith("status 400") and len(said["error"]) <= 160
    assert "error" not in found["rows"][0]["arms"]["base"]
    page = html(
        read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset)) | {"examples": found}
    )
    assert "failed: status 400: &lt;b&gt;refused" in page and "<b>refused" not in page


def test_rows_that_are_written_to_and_have_a_label_have_slices_by_it(trial):
    made = trial(rows=60)
    written = made.scores.filter(pl.col("metric") == "rougeL").with_columns(label=pl.lit(None, pl.String))
    pairs = pair(written, made.examples)
    assert not pairs.has_labels
    test = made.examples.with_columns(
        label=pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("refund")).otherwise(pl.lit("login"))
    )
    rows, none = slice_rows(pairs, settings(written, primary="rougeL"), examples=test)
    told = {row["label"]: row["n"] for row in rows if row["by"] == "label"}
    assert set(told) == {"refund", "login"} and sum(told.values()) == 60 and "label" not in none


def test_a_slice_has_the_measure_of_its_own_rows_with_its_own_interval(trial):
    """BLEU and macro-F1 are no means of rows: those of the slice are reckoned from its rows alone."""
    from evalharness.metrics.about import about
    from evalharness.statistics.f1 import macro_f1
    from evalharness.statistics.pooled import pooled_value

    made = trial(rows=60)
    rng = np.random.default_rng(0)
    bleu = made.scores.filter(pl.col("metric") == "rougeL").with_columns(metric=pl.lit("bleu"))
    counts = [[10, 10, *rng.integers(1, 7, 4).tolist(), 10, 9, 8, 7] for _ in range(bleu.height)]
    empty = pl.lit(None, pl.List(pl.Float64))
    scores = pl.concat(
        [
            made.scores.with_columns(statistics=empty),
            bleu.with_columns(statistics=pl.Series(counts, dtype=pl.List(pl.Float64))),
        ]
    )
    pairs = pair(scores, made.examples)
    rows, _ = slice_rows(pairs, settings(scores, primary="bleu"))
    oak = next(row for row in rows if row["label"] == "oak")
    inside = np.array([label == "oak" for label in pairs.references])
    whole = pooled_value(pairs.sums["bleu", "tuned"][inside], about("bleu").formula)
    assert oak["means"]["tuned"] == pytest.approx(whole) and oak["low"] <= oak["difference"] <= oak["high"]
    assert whole != pytest.approx(pairs.values["bleu", "tuned"][inside].mean(), abs=1e-3)
    test = made.examples.with_columns(
        source=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    rows, _ = slice_rows(pairs, settings(scores, primary="macro-f1"), examples=test)
    told = {row["label"]: row for row in rows}
    order = dict(test.select("example_id", "source").iter_rows())
    inside = [at for at, example_id in enumerate(pairs.example_ids) if order[example_id] == "a"]
    right, said = ([part[at] for at in inside] for part in (pairs.references, pairs.labels["tuned"]))
    assert told["a"]["means"]["tuned"] == pytest.approx(macro_f1(right, said)) and "metric" not in told["a"]
    assert told["oak"]["metric"] == "accuracy"  # within one label macro-F1 means nothing


def test_confusions_count_every_scored_row(trial):
    made = trial(rows=60)
    found = confusions(pair(made.scores, made.examples))
    tuned = next(row for row in found if row["arm"] == "tuned")
    assert sum(count for _, _, count in tuned["counts"]) == 60 and set(tuned["labels"]) == set(LABELS)
    shown = matrix(tuned)
    right = sum(cell.count for row in shown.rows for cell in row.cells if cell.hit)
    accuracy = made.scores.filter((pl.col("arm") == "tuned") & (pl.col("metric") == "accuracy"))[
        "value"
    ].mean()
    assert right / 60 == pytest.approx(accuracy)


def test_labels_beyond_the_most_frequent_are_told_together():
    names = [f"l{n:02d}" for n in range(20)]
    counts = [(name, name, 20 - n) for n, name in enumerate(names)] + [("l00", "l19", 3), ("l19", None, 2)]
    shown = matrix({"arm": "tuned", "labels": names, "counts": counts})
    assert shown.left and len(shown.rows) == 13 and shown.columns[-2:] == ["other labels", "none of them"]
    assert sum(cell.count for row in shown.rows for cell in row.cells) == sum(count for *_, count in counts)
    assert shown.worst.startswith("l00 as l19, 3") and not shown.narrow


def test_an_arm_that_nearly_always_says_the_same_is_told_so():
    names = ["leave", "printer", "vpn", "email", "other", "pay", "door", "desk"]
    counts = [(name, "leave", 10) for name in names] + [("printer", "printer", 8), ("vpn", "vpn", 2)]
    told = matrix({"arm": "tuned", "labels": names, "counts": counts}).narrow
    assert told == "Nearly all answers are leave or printer: 88 of 90, where the data has 28."
    honest = [(name, name, 40 if name == "leave" else 1) for name in names]
    assert not matrix({"arm": "tuned", "labels": names, "counts": honest}).narrow  # the data is so, too
    assert not matrix({"arm": "tuned", "labels": names[:3], "counts": counts[:3]}).narrow


def test_a_judges_card_is_shown_with_what_was_measured_and_nothing_else(made):
    found = read_comparison(made.workspace)
    card = {"metric": "judge:helpful", "model": "m", "status": "advisory only", "n": 41, "kappa": 0.52,
            "kappa_low": 0.3, "kappa_high": 0.7, "flips": 0.18, "win_rate": 0.61, "detail": "fewer labels than 100"}  # fmt: skip
    text = html(found | {"judges": [card]})
    for said in (
        "advisory only",
        ".520",
        ".300 to .700",
        "Turned with the order",
        ".180",
        "fewer labels than 100",
    ):
        assert said in text
    assert "Talked round" not in text and "The judge</h2>" not in html(found | {"judges": []})


def test_a_report_that_is_interrupted_leaves_the_old_file_whole(made, tmp_path, monkeypatch):
    from pathlib import Path

    from evalharness.report import write_files

    write_files(tmp_path, {"a.html": "old", "b.html": "old"})
    replaced = Path.replace

    def interrupted(self, target):
        if target.name == "b.html":
            raise KeyboardInterrupt
        return replaced(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_files(tmp_path, {"a.html": "new", "b.html": "new"})
    assert [(tmp_path / name).read_text() for name in ("a.html", "b.html")] == ["new", "old"]
    write_files(tmp_path, {"a.html": "new", "b.html": "new"})
    assert (tmp_path / "b.html").read_text() == "new"
