"""The spread between seeds is told by the metric that decides, and of rows that all adapters answered."""

import polars as pl
import pytest

from curate.example import digest, frame, with_ids
from evalharness.asking.arms import Tuned
from evalharness.asking.pool import Pool
from evalharness.deciding.declared import declare
from evalharness.probes import noise
from evalharness.probes.drafts import Drafts
from tests.evalharness.conftest import ticket
from tests.evalharness.scripted import Scripted

LABELS = ("oak", "sierra", "viola")


@pytest.fixture
def rows(workspace):
    """(dataset, examples): 12 train, 9 validation and 6 test rows, of which oak has most of the validation ones."""
    made = [ticket(n, LABELS[n % 3], "train") for n in range(12)]
    made += [ticket(100 + n, "oak" if n < 7 else "viola", "validation") for n in range(9)]
    made += [ticket(200 + n, LABELS[n % 3], "test") for n in range(6)]
    dataset = workspace.put_dataset(with_ids(frame(made), [str(n) for n in range(len(made))]))
    return dataset, workspace.examples(dataset)


def spread(workspace, dataset, examples, *seeds):
    """What is told of scripted seeds; each is a function of a prompt, and nothing said is an error."""
    pool = Pool(examples)
    arms = [Tuned(f"tuned:{n}") for n in range(len(seeds))]
    answerer = Scripted(lambda prompt: "")

    def rows_of(arm, prompts, *more):
        answerer.says = seeds[arms.index(arm)]
        for part in Scripted.rows(answerer, arm, prompts, *more):
            yield [row if row["answer"] else row | {"error": "too long"} for row in part]

    answerer.rows = rows_of
    measured = noise.measured_by(workspace, dataset, pool)
    return noise.spread(answerer, arms, pool, examples, Drafts(workspace.root, digest(repr(seeds))), measured)


def all_oak(prompt):
    return "oak: sorry about the lamp"


def all_viola(prompt):
    return "viola: sorry about the mug"


def test_by_the_tasks_usual_metric_where_nothing_is_declared(workspace, rows):
    assert spread(workspace, *rows, all_oak, all_viola).startswith(
        "accuracy 0.222 to 0.778 over 2 seeds (sd 0.3"
    )


def test_by_what_was_declared(workspace, rows):
    """Macro-F1 of all oak is the mean of 14/16 and 0; of all viola of 0 and 4/11."""
    declare(workspace, rows[0], primary="macro-f1")
    told = spread(workspace, *rows, all_oak, all_viola)
    assert told.startswith("macro-f1 0.182 to 0.438 over 2 seeds") and "9 validation rows" in told


def test_what_cannot_be_had_here_is_said(workspace, rows):
    declare(workspace, rows[0], primary="judge:helpful")
    told = spread(workspace, *rows, all_oak, all_viola)
    assert told.startswith("accuracy 0.222") and "judge:helpful" in told and "accuracy in its place" in told


def test_only_rows_that_all_could_answer_count(workspace, rows):
    """One that answers only the two rows of viola is no better than one that fails them: all are held to these."""
    dataset, examples = rows
    viola = examples.filter((pl.col("split") == "validation") & (pl.col("label") == "viola"))["example_id"]

    def some(prompt):
        return "viola: sorry" if prompt.example_id in set(viola) else ""

    told = spread(workspace, dataset, examples, some, all_oak)
    assert told.startswith("accuracy 0.000 to 1.000 over 2 seeds") and "2 validation rows" in told
    assert "one seed only" in spread(workspace, dataset, examples, all_oak)
    assert "one seed only" in spread(workspace, dataset, examples, all_oak, lambda prompt: "")
