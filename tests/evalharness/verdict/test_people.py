"""People's blind ratings: what counts, the win rate with its interval, and preference pairs."""

from __future__ import annotations

import itertools
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.errors import ConfigError, NotFoundError
from curate.people.journal import export, merge, read
from curate.workspace import Workspace
from evalharness.deciding.verdict import verdict_block
from evalharness.judging.people import NOBODY, people_row, preferences, with_people
from evalharness.judging.rating import Rater, open_pairing, standing
from evalharness.report import html, markdown
from evalharness.report.comparing import compare_dataset, read_comparison
from evalharness.statistics.intervals import wilson, wilson_of_scores
from tui.cli import main

NUMBERS = itertools.count()


@pytest.fixture
def pairing_of_ten(trial):
    """A workspace and ten pairs of answers."""
    made = trial(rows=10)
    return made.workspace, open_pairing(made.workspace, made.dataset)


def prefer(rater: Rater, arm: str, places) -> None:
    """Choose `arm` wherever it stands."""
    for place in places:
        rater.rate(place, "left" if rater.left(place) == arm else "right")


def test_sides_are_chance_for_each_person_and_the_order_is_the_same(trial):
    """Each arm is on the left about half of the time; two people see other sides, in one order."""
    made = trial(rows=120)
    pair = open_pairing(made.workspace, made.dataset, baseline="base")
    anna, ben = (Rater(made.workspace, pair, name) for name in ("anna", "ben"))
    sides = {rater.reviewer: [rater.left(place) for place in range(len(pair.items))] for rater in (anna, ben)}
    for seen in sides.values():
        assert 0.35 < seen.count("tuned") / len(seen) < 0.65
    assert sides["anna"] != sides["ben"]
    assert sides["anna"] == [Rater(made.workspace, pair, "anna").left(p) for p in range(len(pair.items))]
    again = open_pairing(made.workspace, made.dataset, baseline="base")
    assert [item.example_id for item in again.items] == [item.example_id for item in pair.items]
    ids = made.examples.filter(pl.col("split") == "test")["example_id"].to_list()
    assert [item.example_id for item in pair.items] != ids


def test_nobody_is_asked_where_both_say_the_same(trial):
    """Equal answers are counted, and left out."""
    made = trial(rows=30, answers=["one answer", "two answers"])
    pair = open_pairing(made.workspace, made.dataset)
    assert (pair.items, pair.alike, pair.absent) == ([], 30, 0)
    row = people_row(made.workspace, pair)
    assert row["rate"] is None and row["reason"] == "no example" and row["alike"] == 30


def test_undo_and_redo_go_all_the_way_across_restarts(trial):
    """Every rating can be taken back by a rater opened anew, and said again."""
    made = trial(rows=30)
    pair = open_pairing(made.workspace, made.dataset)
    first = Rater(made.workspace, pair, "anna")
    for place, said in enumerate(("left", "tie", "both bad", "right")):
        first.rate(place, said, seconds=2.04)
    first.rate(1, "right")
    whole = dict(first.mine)
    again = Rater(made.workspace, pair, "anna")
    assert again.mine == whole and again.side(1) == "right" and again.next_open(3) == 4
    assert again.undo() == 1 and again.mine[1] == "tie"
    assert [again.undo() for _ in range(5)] == [3, 2, 1, 0, None]
    assert again.mine == {} and people_row(made.workspace, pair)["n"] == 0
    last = Rater(made.workspace, pair, "anna")
    assert [last.redo() for _ in range(6)] == [0, 1, 2, 3, 1, None]
    assert last.mine == whole
    last.undo()
    last.rate(9, "left")
    assert last.redo() is None, "a new rating ends what could be said again"
    with pytest.raises(ConfigError, match="not `better`"):
        last.rate(0, "better")


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 5), st.sampled_from(["left", "right", "tie", "both bad"])),
            st.sampled_from(["undo", "redo"]),
        ),
        max_size=25,
    )
)
def test_whatever_is_done_undo_leads_back_to_the_start(pairing_of_ten, acts):
    """Random ratings, undos and redos are as a stack would have them; undo to the end leaves nothing."""
    workspace, pair = pairing_of_ten
    rater = Rater(workspace, pair, f"anna{next(NUMBERS)}")
    done, undone = [], []
    for act in acts:
        if act == "undo":
            assert rater.undo() == (done[-1][0] if done else None)
            undone += [done.pop()] if done else []
        elif act == "redo":
            assert rater.redo() == (undone[-1][0] if undone else None)
            done += [undone.pop()] if undone else []
        else:
            rater.rate(*act)
            done.append(act)
            undone = []
        assert {place: rater.side(place) for place in rater.mine} == dict(done)
    while rater.undo() is not None:
        pass
    assert rater.mine == {} == Rater(workspace, pair, rater.reviewer).mine


def test_a_rating_counts_for_the_answers_that_were_read_and_no_others(trial):
    """Where an arm answers otherwise, the old rating is not of that; where it says the same again, it is."""
    made = trial(rows=20)
    workspace = made.workspace
    pair = open_pairing(workspace, made.dataset, baseline="rag")
    prefer(Rater(workspace, pair, "anna"), "tuned", range(10))
    changed = pair.items[0].example_id
    other = made.predictions.filter(pl.col("arm") == "tuned").with_columns(
        answer=pl.when(pl.col("example_id") == changed).then(pl.lit("something else")).otherwise("answer")
    )
    with workspace.run("predict", {"arm": "tuned", "split": "test"}, {"dataset": made.dataset}) as run:
        run.outputs["predictions"] = workspace.put_table("predictions", other)
    later = open_pairing(workspace, made.dataset, baseline="rag")
    assert people_row(workspace, later)["n"] == 9
    assert Rater(workspace, later, "anna").next_open(-1) == 0
    assert people_row(workspace, pair)["n"] == 10


def test_the_win_rate_is_wilsons_and_ties_make_it_no_narrower(trial):
    """8 of 10: .490 to .943, as in textbooks; with halves the interval is that of the same mean."""
    made = trial(rows=20)
    pair = open_pairing(made.workspace, made.dataset, baseline="base")
    rater = Rater(made.workspace, pair, "anna")
    prefer(rater, "tuned", range(8))
    prefer(rater, "base", range(8, 10))
    row = people_row(made.workspace, pair)
    assert row["answers"] == {"won": 8, "lost": 2, "tie": 0, "both bad": 0}
    assert (row["rate"], row["n"], row["open"]) == (0.8, 10, 10)
    assert row["low"] == pytest.approx(0.4902, abs=1e-4) and row["high"] == pytest.approx(0.9433, abs=1e-4)
    rater.rate(8, "tie")
    rater.rate(9, "both bad")
    assert people_row(made.workspace, pair)["rate"] == 0.9


def test_rows_of_one_group_are_not_counted_as_so_many_votes():
    """Each example twice in its group: the interval is that of half the rows; all equal: of the groups."""
    values = np.repeat([1.0] * 30 + [0.0] * 10, 2)
    codes = np.repeat(np.arange(40), 2)
    grouped, half = wilson_of_scores(values, codes), wilson(30, 40)
    assert grouped.low == pytest.approx(half.low, abs=0.005)
    assert grouped.high == pytest.approx(half.high, abs=0.005)
    assert grouped.low < wilson(60, 80).low
    assert wilson_of_scores(np.ones(80), codes).low == wilson(40, 40).low
    assert wilson_of_scores(np.array([]), None).reason == "no example"
    assert (
        wilson_of_scores(np.ones(4), np.zeros(4, dtype=np.int64)).reason == "all 4 examples are of one group"
    )


def test_two_peoples_journals_merge_into_one_agreement(trial, tmp_path, capsys):
    """Ratings travel in journals; agreement counts what both rated, differences are told."""
    made = trial(rows=30)
    workspace = made.workspace
    pair = open_pairing(workspace, made.dataset, baseline="rag")
    prefer(Rater(workspace, pair, "anna"), "tuned", range(12))
    elsewhere = Workspace(tmp_path / "ben")
    ben = Rater(elsewhere, pair, "ben")
    prefer(ben, "tuned", range(8))
    prefer(ben, "rag", range(8, 10))
    journal = tmp_path / "ben.jsonl"
    journal.write_text("".join(export(elsewhere)))
    merge(workspace, [read(journal)])
    merge(workspace, [read(journal)])
    row = people_row(workspace, pair)
    assert (row["n"], row["people"], row["differ"], row["alpha_n"]) == (12, 2, 2, 10)
    assert row["rate"] == pytest.approx((8 + 2 * 0.5 + 2) / 12)
    assert main(["agree", "--key", "rating:tuned-rag"]) == 0
    assert "n 10" in capsys.readouterr().out
    assert len(standing(workspace, pair)) == 12
    elsewhere.close()


def test_the_report_has_what_people_said_and_says_when_nobody_did(trial):
    """The commands compare and report carry the win rate with interval and n; without ratings it is not measured."""
    made = trial(rows=60, groups=20)
    before = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    assert before["people"] == [] and NOBODY in before["not_measured"]
    assert "What people prefer" not in html(before) + markdown(before)
    pair = open_pairing(made.workspace, made.dataset, baseline="rag")
    prefer(Rater(made.workspace, pair, "anna"), "tuned", range(40))
    now = with_people(made.workspace, before)
    assert now["verdict"] == before["verdict"] and NOBODY not in now["not_measured"]
    [row] = now["people"]
    assert (row["baseline"], row["n"], row["rate"], row["method"]) == ("rag", 40, 1.0, "wilson over groups")
    for text in (html(now), markdown(now), "\n".join(verdict_block(now))):
        assert "rag" in text and "40" in text
    assert "What people prefer" in html(now) and "## What people prefer" in markdown(now)
    assert "1 person rated 40 examples blind" in " ".join(verdict_block(now))
    assert read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))["people"] == [row]
    old = {key: value for key, value in before.items() if key != "people"}
    assert "verdict" in html(old) and markdown(old) and verdict_block(old)


def test_a_comparison_outlives_its_answers(trial, monkeypatch):
    """Where answers or rows were purged the report is what it was, with the ratings of then."""
    made = trial(rows=30)
    prefer(Rater(made.workspace, open_pairing(made.workspace, made.dataset), "anna"), "tuned", range(9))
    then = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    monkeypatch.setattr(type(made.workspace.store), "holds", lambda self, digest: digest == made.dataset)
    assert with_people(made.workspace, then) == then and then["people"][0]["n"] == 9


def test_preferences_are_those_that_people_share(trial):
    """Unanimous by default, the majority when asked, one person's alone; ties give no pair."""
    made = trial(rows=20)
    workspace = made.workspace
    pair = open_pairing(workspace, made.dataset, baseline="rag")
    anna, ben, cleo = (Rater(workspace, pair, name) for name in ("anna", "ben", "cleo"))
    for rater in (anna, ben, cleo):
        prefer(rater, "tuned", range(4))
    cleo.rate(3, "tie")
    prefer(cleo, "rag", [2])
    for rater in (anna, ben, cleo):
        rater.rate(5, "both bad")
    found = preferences(workspace, pair)
    assert (len(found.rows), found.neither, found.differ) == (2, 1, 2)
    assert found.rows[0]["chosen"] == [{"role": "assistant", "content": pair.items[0].answers["tuned"]}]
    assert found.rows[0]["prompt"][-1]["role"] == "user"
    assert len(preferences(workspace, pair, policy="majority").rows) == 4
    [*_, third] = [row for row in preferences(workspace, pair, by="cleo").rows]
    assert third["chosen_arm"] == "rag"
    with pytest.raises(ConfigError, match="--policy most"):
        preferences(workspace, pair, policy="most")


def test_exported_pairs_are_imported_again(trial, tmp_path, capsys, monkeypatch):
    """The file is read as preference data with prompt, chosen and rejected as they were."""
    made = trial(rows=20)
    pair = open_pairing(made.workspace, made.dataset)
    assert pair.baseline == "rag"
    prefer(Rater(made.workspace, pair, "anna"), "tuned", range(6))
    target = tmp_path / "out" / "pairs.jsonl"
    assert main(["rate", "export", "tickets", "--to", str(target)]) == 0
    said = capsys.readouterr().out
    assert "6 preference pairs" in said and "test rows" in said
    assert len(target.read_text().splitlines()) == 6
    assert main(["import", str(target), "--as", "pairs"]) == 0
    rows = made.workspace.examples(made.workspace.dataset("pairs"))
    assert rows["chosen"].to_list() == [item.answers["tuned"] for item in pair.items[:6]]
    assert rows["rejected"].to_list() == [item.answers["rag"] for item in pair.items[:6]]
    assert rows["messages"][0][-1]["role"] == "user"
    assert not list(tmp_path.glob("**/.*.part"))


def test_rating_says_what_is_missing(trial, tmp_path, capsys):
    """No answers, an arm that has none, the same arm twice, nothing to export: each is told with a way on."""
    made = trial(rows=10)
    with pytest.raises(NotFoundError, match="no predictions on the validation rows"):
        open_pairing(made.workspace, made.dataset, split="validation")
    with pytest.raises(ConfigError, match="against itself"):
        open_pairing(made.workspace, made.dataset, baseline="tuned")
    with pytest.raises(ConfigError, match="the arm best has not answered"):
        open_pairing(made.workspace, made.dataset, baseline="best")
    target = tmp_path / "none.jsonl"
    for words in (
        ["rate", "export"],
        ["rate", "export", "--to", str(target)],
        ["rate", "stats"],
        ["rate", "status", "--by", "anna"],
    ):
        assert main(words) == 2, words
    assert not target.exists()
    assert main(["rate", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out.splitlines()[-1])["pairs"] == [] or json.loads(out)["pairs"] == []


def test_order_of_merging_does_not_change_the_sum(trial, tmp_path):
    """Three people's ratings, in each order of coming in, come to the same row."""
    made = trial(rows=12)
    pair = open_pairing(made.workspace, made.dataset, baseline="base")
    files = []
    for number, name in enumerate(("anna", "ben", "cleo")):
        place = Workspace(tmp_path / name)
        rater = Rater(place, pair, name)
        prefer(rater, ("tuned", "base")[number % 2], range(number, 8))
        rater.undo()
        files.append(tmp_path / f"{name}.jsonl")
        files[-1].write_text("".join(export(place)))
        place.close()
    sums = []
    for number, order in enumerate(itertools.permutations(files)):
        place = Workspace(tmp_path / f"all{number}")
        for path in order:
            merge(place, [read(path)])
        sums.append(people_row(place, pair))
        place.close()
    assert all(each == sums[0] for each in sums) and sums[0]["people"] == 3


def foreign(tmp_path, pair, value: str, uid: str, *, place: int = 0):
    """A journal of somebody whose program has other words for a rating."""
    item = pair.items[place]
    word = {
        "kind": "annotation", "uid": uid * 32, "example_id": item.example_id, "content_hash": item.judged,
        "key": pair.key, "value": value, "reviewer": f"ben{uid}", "annotated_at": "2026-01-31T09:30:00.000000+00:00",
    }  # fmt: skip
    path = tmp_path / f"{uid}.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in ({"kind": "journal", "version": 1}, word)))
    return read(path)


STRANGE = ('{"answer": "left"}', '{"left": "tuned"}', "better", "[1, 2]", '{"answer": {"a": 1}, "left": []}')


def test_a_foreign_rating_stops_nothing_and_is_counted(trial, tmp_path, capsys):
    """What names neither arm is left out of rate, agreement, preferences, report and screen, and told."""
    made = trial(rows=10)
    compare_dataset(made.workspace, made.dataset)
    pair = open_pairing(made.workspace, made.dataset)
    rater = Rater(made.workspace, pair, "anna")
    prefer(rater, "tuned", range(4))
    before = people_row(made.workspace, pair)
    journals = [foreign(tmp_path, pair, value, str(n)) for n, value in enumerate(STRANGE)]
    merge(made.workspace, journals)
    assert people_row(made.workspace, pair) == {**before, "strange": len(STRANGE)} != before
    assert len(preferences(made.workspace, pair).rows) == 4
    again = Rater(made.workspace, pair, "anna")
    assert again.mine == rater.mine and again.differing() == {}
    comparison = with_people(made.workspace, read_comparison(made.workspace))
    told = f"{len(STRANGE)} ratings name no answer of these two arms"
    for text in (
        markdown(comparison),
        html(comparison),
        " ".join(" ".join(verdict_block(comparison)).split()),
    ):
        assert told in text
    assert main(["rate"]) == 0
    assert told in capsys.readouterr().out


def test_a_plain_word_that_names_an_arm_counts(trial, tmp_path):
    """`tuned` alone is a rating, though it does not tell which side it was seen on."""
    made = trial(rows=4)
    pair = open_pairing(made.workspace, made.dataset)
    merge(
        made.workspace,
        [
            foreign(tmp_path, pair, "tuned", "1"),
            foreign(tmp_path, pair, '{"answer": "tuned", "left": 3}', "2"),
        ],
    )
    row = people_row(made.workspace, pair)
    assert (row["n"], row["people"], row["answers"]["won"], row["left"], row["strange"]) == (1, 2, 2, None, 0)
