"""Whether a dataset version may be trained on: split, scanned, and nothing that blocks left in it."""

from __future__ import annotations

import re

import polars as pl

from curate.answer import counted
from curate.deciding.review import open_blocking
from curate.errors import ConfigError, GateError
from curate.runs.release import reviews
from curate.workspace import Workspace

HELD_OUT = ("validation", "test")
CROSSING = "both in train and in validation or test"
LEAKS_ALONE = re.compile(r"\(leak [\d,]+\)")
WHOLE = "seatrial split without --no-group"
MEND = "seatrial scan, seatrial review --accept-safe, seatrial apply, seatrial split"


def need_split(examples: pl.DataFrame, name: str) -> None:
    """Raises ConfigError unless the version has training rows and rows that are held out."""
    sizes = dict(examples.group_by("split").len().iter_rows())
    if not sizes.get("train") or not any(sizes.get(each) for each in HELD_OUT):
        told = ", ".join(
            f"{count:,} {split or 'in no split'}" for split, count in sorted(sizes.items(), key=str)
        )
        raise ConfigError(
            f"`{name}` has no training split with rows held out from it ({told or 'no rows'})",
            hint=f"seatrial split {name}",
        )


def objections(workspace: Workspace, dataset: str, examples: pl.DataFrame) -> list[str]:
    """What speaks against training on this version, each in one clause; empty if nothing does."""
    reasons = []
    tables = reviews(workspace, dataset)
    if not tables:
        reasons.append("it was never scanned, so nothing is known about it")
    else:
        table = pl.concat(tables).unique("finding_id", keep="first", maintain_order=True)
        table = table.filter(pl.col("example_id").is_in(examples["example_id"].implode()))
        reasons += _counted(open_blocking(table), "open blocking finding")
        settled = pl.col("decided").is_in(["drop", "redact", "edit"]) & pl.col("blocking")
        reasons += _counted(table.filter(settled), "blocking finding", " decided but not yet applied")
    copies = _copies(examples)
    if copies:
        stand = "stands" if copies == 1 else "stand"
        reasons.append(f"{counted(copies, 'training row')} {stand} word for word among the rows held out")
    crossing = _crossing(examples)
    if crossing:
        told = "1 group stands" if crossing == 1 else f"{crossing:,} groups stand"
        reasons.append(f"{told} {CROSSING}")
    return reasons


def _counted(findings: pl.DataFrame, what: str, more: str = "") -> list[str]:
    if findings.is_empty():
        return []
    kinds = findings.group_by("check").len().sort("check").iter_rows()
    by_check = ", ".join(f"{check} {count:,}" for check, count in kinds)
    return [f"{counted(findings.height, what)}{more} ({by_check})"]


def _copies(examples: pl.DataFrame) -> int:
    """Training rows whose content is also that of a held-out row."""
    held = examples.filter(pl.col("split").is_in(HELD_OUT))["content_hash"]
    return examples.filter((pl.col("split") == "train") & pl.col("content_hash").is_in(held.implode())).height


def _crossing(examples: pl.DataFrame) -> int:
    """Groups with rows both in train and held out; rows without a group are of none."""
    grouped = examples.drop_nulls("group")
    held = grouped.filter(pl.col("split").is_in(HELD_OUT))["group"]
    crossing = (pl.col("split") == "train") & pl.col("group").is_in(held.implode())
    return grouped.filter(crossing)["group"].n_unique()


def refuse(reasons: list[str], name: str) -> None:
    """Raises GateError if there is any reason."""
    if reasons:
        crossing = [CROSSING in reason for reason in reasons]
        of_them = [
            CROSSING in reason or LEAKS_ALONE.search(reason) for reason in reasons
        ]  # leaks of groups too
        mend = MEND if not any(crossing) else WHOLE if all(of_them) else f"{MEND} without --no-group"
        raise GateError(
            f"will not train on `{name}`: {'; '.join(reasons)}",
            hint=f"{mend}; --allow-unclean trains all the same, and the adapter's card says so",
        )
