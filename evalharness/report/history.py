"""All comparisons of a dataset over time, each with what it was made of: unlike ones are not compared."""

from __future__ import annotations

import csv
import io
from typing import TypedDict

from curate.formats.tables import guarded
from curate.workspace import Workspace
from evalharness.deciding.comparison import Comparison, Settings
from evalharness.deciding.reading import read_comparison
from evalharness.deciding.wording import instrument_words


class Against(TypedDict):
    """The candidate minus one baseline by the primary metric."""

    baseline: str
    difference: float | None
    low: float | None
    high: float | None
    p: float | None


class Past(TypedDict):
    """One comparison in a line."""

    comparison: str  # digest
    compared_at: str
    dataset: str
    name: str
    outcome: str
    primary: str
    margin: float
    alpha: float
    n: int
    mean: float | None
    low: float | None
    high: float | None
    against: list[Against]
    adapter: str | None
    base: str | None
    instrument: str
    unlike: list[str]  # in what it differs from the newest: dataset, metric, base, instrument


class History(TypedDict):
    """The comparisons of a dataset, newest first."""

    name: str
    rows: list[Past]


def history(workspace: Workspace, reference: str | None = None) -> History:
    """Every comparison of the dataset that a comparison (by default the newest) is about.

    A dataset is the same by its name or by its digest. A comparison on other rows, by another metric, on
    another base or with another instrument than the newest says so: its figures are no trend.
    """
    named = read_comparison(workspace, reference)["subject"]
    rows = []
    for digest, when in every_comparison(workspace):
        found = read_comparison(workspace, digest)
        subject = found["subject"]
        if named["dataset"] == subject["dataset"] or named["name"] == subject["name"]:
            rows.append(_past(digest, when, found))
    for row in rows:
        row["unlike"] = unlike(row, rows[0])
    return History(name=named["name"], rows=rows)


def every_comparison(workspace: Workspace) -> list[tuple[str, str]]:
    """(digest, when) of all comparisons that are here, newest first."""
    query = """select o.digest, max(ended_at) as ended from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'comparison'
               where kind = 'compare' and error is null group by o.digest order by ended desc"""
    rows = workspace.ledger.rows(query)
    return [(str(r["digest"]), str(r["ended"])) for r in rows if workspace.store.holds(str(r["digest"]))]


def unlike(row: Past, newest: Past) -> list[str]:
    """In what a comparison differs from the newest, so that their figures are no trend."""
    keys = ("dataset", "primary", "base", "instrument")
    words = {"dataset": "rows", "primary": "metric"}
    return [words.get(key, key) for key in keys if row[key] != newest[key]]  # type: ignore[literal-required]


def _past(digest: str, when: str, found: Comparison) -> Past:
    chosen: Settings = found["settings"]
    own = next(
        (
            row
            for row in found["metrics"]
            if (row["metric"], row["arm"]) == (chosen["primary"], found["candidate"])
        ),
        None,
    )
    against = [
        Against(
            baseline=row["baseline"],
            difference=row["difference"],
            low=row["low"],
            high=row["high"],
            p=row["p_margin"],
        )
        for row in found["differences"]
        if row["metric"] == chosen["primary"]
    ]
    return Past(
        comparison=digest,
        compared_at=when,
        dataset=found["subject"]["dataset"],
        name=found["subject"]["name"],
        outcome=found["verdict"]["outcome"],
        primary=chosen["primary"],
        margin=chosen["margin"],
        alpha=chosen["alpha"],
        n=found["n"],
        mean=own["mean"] if own else None,
        low=own["low"] if own else None,
        high=own["high"] if own else None,
        against=against,
        adapter=found["subject"]["adapter"],
        base=found["subject"]["base"],
        instrument=instrument_words(found),
        unlike=[],
    )


def history_csv(found: History) -> str:
    """One line a comparison, with the difference to each baseline."""
    baselines = list(dict.fromkeys(each["baseline"] for row in found["rows"] for each in row["against"]))
    plain = [key for key in Past.__annotations__ if key not in ("against", "unlike")]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*plain, "unlike", *(guarded(f"minus {each}") for each in baselines)])
    for row in found["rows"]:
        gains = {each["baseline"]: each["difference"] for each in row["against"]}
        cells = [row[key] for key in plain]  # type: ignore[literal-required]
        cells += ["; ".join(row["unlike"]), *(gains.get(each) for each in baselines)]
        writer.writerow([guarded(each) if isinstance(each, str) else each for each in cells])
    return out.getvalue()
