"""What another threshold of a check would change, from the scores that a scan kept: nothing is measured again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import polars as pl

from curate.check import MeasuredCheck
from curate.checks import CHECKS
from curate.engine import Serial
from curate.errors import ConfigError
from curate.scanning.looking import look
from curate.scanning.remembered import Remembered
from curate.workspace import Workspace

MEASURED_HERE = 20_000  # rows of which the scores are measured at once where none were kept
BATCH = 5_000
STEPS = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)


class Effect(NamedTuple):
    """What a check says at one threshold."""

    threshold: float
    dropped: int  # rows proposed for dropping
    review: int  # rows that are left to a person
    clusters: int
    largest: int  # rows of the largest cluster
    labels: dict[str, int]  # label to the rows of it that would go
    groups: int  # groups that lose a row


def effects(
    workspace: Workspace, dataset: str, check: str, thresholds: Sequence[float] = STEPS
) -> tuple[float, list[Effect]]:
    """(the threshold of the newest scan, what each of the thresholds from it on would propose).

    A lower one than the scan's needs scores that nobody measured. Raises ConfigError where the check
    has no threshold or the scores were not kept.
    """
    kind: Any = CHECKS.get(check)
    settings = next(
        (s.scan.settings.get(check, {}) for s in workspace.standing(dataset) if check in s.checks), None
    )
    if kind is None or settings is None or not hasattr(kind, "measured"):
        raise ConfigError(f"`{check}` has no threshold to try", hint="near-duplicate has one")
    known = {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()}
    made = kind(**{name: v for name, v in known.items() if name in kind.__dataclass_fields__})
    memory = Remembered(workspace, dataset)
    measured = memory.measured(made)
    rows = workspace.scan_examples(dataset)
    few = int(rows.select(pl.len()).collect().item()) <= MEASURED_HERE
    if measured is None and few:
        look(made, rows.collect(), Serial(), BATCH, None, memory)
        measured = memory.measured(made)
    if measured is None:
        # of a crowd only some pairs are measured, and which goes by the threshold
        why = "so many rows are alike that only some pairs were measured"
        raise ConfigError(
            f"the scores of `{check}` were not kept: {why}"
            + ("" if few else ", or another version of the program measured them"),
            hint=f"scan with another threshold: --check {check} --set {check}.threshold={made.threshold + 0.1:.2g}",
        )
    named = pl.concat([measured["example_id"], measured["other_id"]]).unique()
    texts = rows.filter(pl.col("example_id").is_in(named.implode())).collect()
    steps = sorted({made.threshold, *(step for step in thresholds if step > made.threshold)})
    return made.threshold, [_effect(replace(made, threshold=step), measured, texts) for step in steps]


def _effect(check: object, measured: pl.DataFrame, texts: pl.DataFrame) -> Effect:
    found = cast("MeasuredCheck", check).decided(measured, texts)
    drops = found.filter(pl.col("action") == "drop")["example_id"].unique()
    gone = texts.filter(pl.col("example_id").is_in(drops.implode()))
    labels = gone["label"].fill_null("(no label)").alias("label").value_counts(name="n", sort=True)
    sizes = found.drop_nulls("cluster_id").group_by("cluster_id").agg(pl.col("example_id").n_unique())
    return Effect(
        cast("MeasuredCheck", check).threshold,
        len(drops),
        found.filter(pl.col("action") == "review")["example_id"].n_unique(),
        sizes.height,
        int(sizes["example_id"].max() or 0) if sizes.height else 0,  # type: ignore[arg-type]
        dict(labels.iter_rows()),
        gone["group"].drop_nulls().n_unique(),
    )
