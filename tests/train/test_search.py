"""Search over settings: what may be searched, that it goes on where it was stopped, and what it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from curate.errors import ConfigError, GateError, MissingExtraError
from train import cli, search, watch
from train.recipe import Given, resolve

pytestmark = pytest.mark.slow(25)

SET = ["threads=1", "rank=4", "epochs=2", "batch_size=12", "accumulate=1", "warmup=0", "dropout=0.0"]


@pytest.fixture
def find(base, monkeypatch):
    """`seatrial search tickets` on the random base."""
    monkeypatch.setattr("curate.workspace.code_version", lambda: "tested")

    def run(*over: str, **more: object):
        return cli.search("tickets", over=list(over), base=str(base), **{"setting": SET, **more})

    return run


def test_a_grid_is_tried_whole_and_the_best_is_a_recipe(find, keep, tickets, workspace, base):
    keep(tickets)
    answer = find("learning_rate=1e-5,2e-2", "rank=2,8")
    told = answer.data["trials"]
    assert [each["settings"] for each in sorted(told, key=lambda e: (e["settings"]["learning_rate"], e["settings"]["rank"]))] == [
        {"learning_rate": rate, "rank": rank} for rate in (1e-5, 2e-2) for rank in (2, 8)
    ]  # fmt: skip
    assert told[0]["value"] == min(each["value"] for each in told)
    assert told[0]["settings"]["learning_rate"] == 2e-2 and all(len(each["values"]) == 2 for each in told)
    assert not (workspace.root / watch.TENSORBOARD).exists()  # what trials say is in their own file
    # the recipe trains to what the search saw
    trained = cli.train("tickets", recipe=Path(answer.data["recipe"]), name="best")
    assert trained.data["losses"][-1]["validation_loss"] == pytest.approx(told[0]["value"], abs=1e-6)
    assert trained.data["settings"]["alpha"] == trained.data["settings"]["rank"] * 8
    assert not list((workspace.root / "search").glob("*/*/checkpoint-*"))
    done = workspace.ledger.rows("select count(*) as n from run where kind = 'search'")[0]["n"]
    again = find("learning_rate=1e-5,2e-2", "rank=2,8")  # nothing is trained again
    assert again.data["trials"] == told and done == 1


def test_the_metric_ranks_where_the_recipe_chooses_by_it(find, keep, tickets, monkeypatch):
    """Made up here: the trial that hardly learns has the better metric; equal metrics are ranked by loss."""
    keep(tickets)
    rates = iter([0.9, 0.9, 0.1, 0.1, 0.1, 0.1])
    monkeypatch.setattr("evalharness.encoding.questions.measure", lambda *_: next(rates))
    chosen = [*SET, "metric_rows=2", "best_by=metric"]
    answer = find("learning_rate=1e-3,5e-3,2e-2", setting=chosen, prune=False)
    told = answer.data["trials"]
    assert [each["settings"]["learning_rate"] for each in told] == [1e-3, 2e-2, 5e-3]
    assert [each["value"] for each in told] == [-0.9, -0.1, -0.1] and told[1]["loss"] < told[2]["loss"]
    assert "0.9000" in answer.lines[0] and "by the metric of 4 validation rows" in answer.lines[3]
    assert answer.data["best"]["learning_rate"] == 1e-3


KILLED = """
import os, signal, sys
import curate.workspace
from curate.progress import Progress
from train import cli

curate.workspace.code_version = lambda: "tested"
step, steps = Progress.step, [0]

def falls(self, count=1, note=""):
    step(self, count, note)
    steps[0] += self.stage == "train"
    if steps[0] == 7:  # in the second epoch of the second trial
        os.kill(os.getpid(), signal.SIGKILL)

Progress.step = falls
cli.search("tickets", over=["learning_rate=1e-3..1e-1", "rank=2,4"], trials=2, base=sys.argv[1], setting=sys.argv[2:])
"""


def test_a_killed_search_goes_on_to_the_same_trials(find, keep, tickets, workspace, base):
    """Killed within a trial, its last line torn: then the same trials as in one piece."""
    pytest.importorskip("optuna")
    keep(tickets)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(base), *SET], env=dict(os.environ), check=False, timeout=120
    )
    assert done.returncode == -signal.SIGKILL
    [path] = (workspace.root / "search").glob(f"*/{search.TRIALS}")
    assert len(path.read_text().splitlines()) == 1
    assert list(path.parent.glob("*/checkpoint-*"))  # of the trial that was cut off
    with path.open("a") as file:
        file.write('{"settings": {"le')
    over = ("learning_rate=1e-3..1e-1", "rank=2,4")
    with pytest.raises(ConfigError, match=r"prune was True, is False"):
        find(*over, trials=2, prune=False, resume=True)
    with pytest.raises(ConfigError, match=r"dropout was 0.0, is 0.5"):
        find(*over, trials=2, setting=[*SET, "dropout=0.5"], resume=True)
    resumed = [json.loads(line) for line in _lines(find(*over, trials=2, resume=True), path)]
    path.unlink()
    straight = [json.loads(line) for line in _lines(find(*over, trials=2), path)]
    for line in (*resumed, *straight):
        del line["seconds"]
    assert resumed == straight and len(straight) == 2


def _lines(answer, path):
    assert answer.data["trials"]
    return path.read_text().splitlines()


def test_trials_that_fall_behind_are_ended(find, keep, tickets, monkeypatch):
    """The median of those before it, after its first evaluation; --no-prune lets all end."""
    keep(tickets)
    monkeypatch.setattr(search, "STARTUP", 1)
    over = "learning_rate=2e-2,1e-6,1e-6"
    states = [each["state"] for each in find(over).data["trials"]]
    assert states.count("PRUNED") >= 1 and states[0] == "COMPLETE"
    assert {each["state"] for each in find(over, prune=False).data["trials"]} == {"COMPLETE"}


def test_a_trial_is_behind_where_its_best_is_worse_than_the_median():
    former = [{"state": "COMPLETE", "values": [value, value / 2]} for value in (1.0, 2.0, 3.0, 4.0)]
    assert search.behind([2.6], former) and not search.behind([2.5], former)
    assert not search.behind([9.0, 1.0], former) and search.behind([9.0, 1.3], former)
    assert not search.behind([9.0, 9.0, 9.0], former)  # none went so far
    assert not search.behind([9.0], [*former[1:], {"state": "PRUNED", "values": [1.0]}])


def test_settings_that_do_not_go_together_are_refused_before_any_trial(find, keep, tickets, workspace):
    """By themselves each is fine; the same as `seatrial train` refuses."""
    keep(tickets)
    with pytest.raises(ConfigError, match=r"batch_size=1 .* do not go together"):
        find("batch_size=4,1", setting=[*SET, "objective=kto"])
    assert not (workspace.root / "search").exists()


def test_settings_that_cannot_be_trained_with_are_a_result(find, keep, tickets, monkeypatch):
    from train import run

    keep(tickets)
    train = run.train

    def falls(loaded, given, *rest):
        if given.recipe.rank == 4:
            raise ConfigError("the loss is nan at step 3")
        return train(loaded, given, *rest)

    monkeypatch.setattr(run, "train", falls)
    answer = find("rank=4,2")
    assert [each["state"] for each in answer.data["trials"]] == ["COMPLETE", "FAIL"]
    assert "the loss is nan" in "\n".join(answer.lines)
    with pytest.raises(ConfigError, match=r"none of 1 trial .* the loss is nan"):
        find("rank=4")


@pytest.mark.parametrize(
    ("over", "ranges", "said"),
    [
        ([], False, "nothing to search over"),
        (["learning_rat=1e-4,2e-4"], False, "no setting is called `learning_rat`"),
        (["rank=0,8"], False, "`rank` cannot be 0"),
        (["base=a,b"], False, "`base` is not searched over"),
        (["learning_rate=1e-5..1e-3"], False, "not a range to try"),
        (["schedule=cosine..linear"], True, "not a range to try"),
        (["rank=4..8..16"], True, "not a range to try"),
    ],
)
def test_what_cannot_be_searched_is_refused(over, ranges, said):
    with pytest.raises(ConfigError, match=said):
        search.space_of(over, resolve([]), ranges=ranges)


def test_alpha_follows_the_rank_unless_it_was_set():
    given = [Given("base", "some/base", "")]
    assert search.recipe_of(resolve(given), {"rank": 4}).alpha == 8
    assert search.recipe_of(resolve([*given, Given("alpha", 16, "")]), {"rank": 4}).alpha == 16
    assert search.recipe_of(resolve(given), {"rank": 4, "alpha": 5}).alpha == 5


def test_a_search_needs_clean_data_and_rows_to_judge_by(find, keep, tickets):
    keep(tickets, None)
    with pytest.raises(GateError, match="never scanned"):
        find("rank=2,4")
    import polars as pl

    keep(tickets.with_columns(split=pl.col("split").replace("validation", "test")))
    with pytest.raises(ConfigError, match="no validation rows"):
        find("rank=2,4", allow_unclean=True)


def test_without_optuna_a_grid_is_tried_and_tpe_names_the_extra(find, keep, tickets, monkeypatch):
    keep(tickets)
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert [each["state"] for each in find("rank=2", setting=[*SET, "epochs=1"]).data["trials"]] == [
        "COMPLETE"
    ]
    with pytest.raises(MissingExtraError) as error:
        find("rank=2,4", trials=1)
    assert "[search]" in error.value.hint
