"""Whether the test rows stand for the data: of a label without a test row nothing was measured."""

from __future__ import annotations

import polars as pl

from curate.workspace import Workspace
from evalharness.deciding.comparison import Check
from evalharness.deciding.wording import listed

NAME = "test stands for the data"
TEST = "test"
FEWEST = 5  # rows of a label; of fewer no division promises one to the test
SHARE = 0.01  # of the labelled rows: a label that has more weighs
DUE = 2.0  # rows of a label that a test of the size asked for would hold: it weighs however large the data
SHORT = 0.5  # of the test rows asked for
NAMED = 5


def check_stands(
    workspace: Workspace, dataset: str, examples: pl.DataFrame, compared: pl.DataFrame, *, labelled: bool
) -> Check:
    """Whether each label of weight has a compared row, and the test has half of the rows asked for or more.

    `compared` are the test rows that were compared; `labelled`, whether the task has labels.
    """
    rows = examples.filter(pl.col("split") == TEST).height
    asked = asked_for(workspace, dataset)
    size = f"{rows:,} test rows" + ("" if asked is None else f", {asked:,} asked for")
    counts = (
        examples.drop_nulls("label").group_by("label").len().sort("len", "label", descending=[True, False])
    )
    if not labelled or counts.is_empty():
        return Check(check=NAME, state="pass", required=True, detail=f"no labels; {size}", remedy="")
    known = set(compared["label"].drop_nulls())
    share = (asked if asked is not None else rows) / max(examples.height, 1)
    total = int(counts["len"].sum())
    weighty = {label: count for label, count in counts.iter_rows() if _weighs(count, total, share)}
    missing = [(label, count) for label, count in weighty.items() if label not in known]
    rare = [each for each in counts.iter_rows() if each[0] not in known and each[0] not in weighty]
    short = asked is not None and rows < SHORT * asked
    parts = [f"no test row of {_named(missing)}: nothing is known of {_it(missing)}"] * bool(missing)
    parts += [f"only {size}"] * short
    if not parts:
        parts = [f"each of the {len(weighty):,} labels of weight has test rows", size]
    elif not short:
        parts.append(size)
    parts += [f"too rare to weigh, and without a test row: {_named(rare)}"] * bool(rare)
    return Check(
        check=NAME,
        state="not measured" if missing or short else "pass",
        required=True,
        detail="; ".join(parts),
        remedy=_remedy(workspace, dataset) if missing or short else "",
        value=float(len(weighty) - len(missing)),
        limit=float(len(weighty)),
        unit="labels",
    )


def asked_for(workspace: Workspace, dataset: str) -> int | None:
    """How many test rows the split that made this version was asked for; None where that is not recorded.

    None too where rows kept the split that they came with: what was asked was for the others.
    """
    query = """select run_id from run join run_end using (run_id) join run_artifact using (run_id)
               where digest = ? and direction = 'out' and kind = 'split' and error is null
               order by ended_at desc limit 1"""
    for row in workspace.ledger.rows(query, dataset):
        digest = workspace.ledger.run_artifacts(row["run_id"], "out").get("split-report")
        told = workspace.json(digest) if digest and workspace.store.holds(digest) else None
        if isinstance(told, dict) and "sizes" in told and "rows" in told and not told.get("pinned"):
            divided = sum(told["rows"].values()) + told.get("left_out", 0) + len(told.get("bridges", ()))
            return round(float(told["sizes"].get(TEST, 0.0)) * int(divided))
    return None


def _weighs(count: int, total: int, share: float) -> bool:
    return count >= FEWEST and (count > SHARE * total or count * share >= DUE)


def _named(labels: list[tuple[str, int]]) -> str:
    """The labels with their rows, as `refund (115 rows) and praise (9 rows)`."""
    names = [f"`{label}` ({count:,} row{'s' * (count != 1)})" for label, count in labels[:NAMED]]
    if more := len(labels) - NAMED:
        names += [f"{more:,} more"] * (more > 0)
    return listed(names)


def _it(labels: list[tuple[str, int]]) -> str:
    return "it" if len(labels) == 1 else "them"


def _remedy(workspace: Workspace, dataset: str) -> str:
    name = workspace.name_of(dataset) or dataset[:8]
    return (
        f"seatrial split {name} --set-aside-bridges leaves out rows that tie others into sets too large for the "
        "test, and says what else does; a smaller test is asked for by --sizes. Then train and predict anew"
    )
