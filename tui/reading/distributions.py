"""What a version is made of, read for the distributions screen: counts, histograms, where it came from."""

from __future__ import annotations

import json
from dataclasses import dataclass

import polars as pl

from curate.workspace import Workspace
from curate.workspace.origins import origins
from tui.desk.rowfile import MADE
from tui.reading.lineage import Chart, ago
from tui.widgets.histogram import Histogram

SHOWN = 14  # bars of one chart
BINS = 40
CARD_UP_TO = 300_000  # rows; the card of more is written by the export, in a process of its own


@dataclass(frozen=True)
class Distributions:
    """All of one version."""

    rows: int
    charts: list[Chart | Histogram]
    lineage: list[str]  # the runs that led to it, the first of them first


def distributions(workspace: Workspace, digest: str) -> Distributions:
    """Read one version's distributions; in a thread, since it reads every row."""
    rows = workspace.scan_examples(digest)
    names = rows.select("label", "split", "source", "group").collect()
    charts: list[Chart | Histogram] = [
        bars("labels", names["label"], "(no label)"),
        bars("splits", names["split"], "(not split)"),
        bars("sources", names["source"], "(none)"),
        group_sizes(names["group"]),
    ]
    charts += across(names)
    sizes = rows.select(
        MADE["turns"]().alias("turns"),
        MADE["chars"]().alias("whole"),
        pl.coalesce(_answer(), pl.col("chosen").str.len_chars()).alias("answer"),
        pl.col("rejected").str.len_chars().alias("rejected"),
    ).collect()
    charts += [
        bars("messages a row", sizes["turns"].cast(pl.String), "0"),
        histogram("whole row, in characters", sizes["whole"]),
    ]
    # of preference rows the answer is the chosen one; a row without any has no length, not the length 0
    for title, name in (("last or chosen answer", "answer"), ("rejected answer", "rejected")):
        if sizes[name].null_count() < sizes.height:
            charts.append(histogram(f"{title}, in characters", sizes[name]))
    charts += findings(workspace, digest)
    return Distributions(names.height, charts, lineage(workspace, digest))


def _answer() -> pl.Expr:
    last = pl.col("messages").list.eval(
        pl.element()
        .filter(pl.element().struct.field("role") == "assistant")
        .struct.field("content")
        .str.len_chars()
    )
    return last.list.last()


def bars(title: str, values: pl.Series, absent: str, *, of: str = "rows") -> Chart:
    """How often each value occurs, the most frequent first; the rest in one line."""
    counts = values.fill_null(absent).alias("value").value_counts(name="n")
    table = counts.sort("n", "value", descending=[True, False])
    shown = [(str(value), int(n)) for value, n in table.head(SHOWN).iter_rows()]
    left = table.height - len(shown)
    rest = int(table["n"][SHOWN:].sum())
    named = title if left <= 0 else f"{title}: {len(shown)} of {table.height:,} shown"
    more = f"and {left:,} more with {rest:,} {of}" if left > 0 else ""
    return Chart(named, shown, more, len(values))


def group_sizes(groups: pl.Series) -> Chart:
    """How many groups have one row, two, 3 to 5, and so on."""
    sizes = groups.drop_nulls().alias("value").value_counts(name="n")["n"]
    alone = int(groups.null_count())
    edges = [(1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 100), (101, None)]
    found = []
    for low, high in edges:
        count = int(((sizes >= low) & ((sizes <= high) if high else True)).sum())
        name = f"{low} row" + ("s" if low > 1 else "") if low == high else f"{low}-{high} rows" if high else f"over {low - 1} rows"  # fmt: skip
        if count:
            found.append((name, count))
    return Chart(
        f"groups, by their size: {len(sizes):,}", found, f"{alone:,} rows are of no group" if alone else ""
    )


def across(names: pl.DataFrame) -> list[Chart]:
    """For each split its labels, where there are both: shares should be alike."""
    splits = [name for name in ("train", "validation", "test") if (names["split"] == name).any()]
    if not splits or names["label"].null_count() == names.height:
        return []
    return [bars(f"labels of {split}", names.filter(split=split)["label"], "(no label)") for split in splits]


def histogram(title: str, values: pl.Series) -> Histogram:
    """In bins of equal width up to the 99th percentile; what is longer is in the last bin."""
    kept = values.drop_nulls()
    if kept.is_empty():
        return Histogram(title, [], 0, 0)
    low, high = float(kept.min() or 0), float(kept.quantile(0.99) or 0)  # type: ignore[arg-type]
    if high <= low:
        high = low + 1
    width = (high - low) / BINS
    at = ((kept.cast(pl.Float64) - low) / width).floor().clip(0, BINS - 1).cast(pl.Int64)
    counts = dict(at.value_counts(name="n").iter_rows())
    middle, most = kept.quantile(0.5, "nearest") or 0, float(kept.max() or 0)  # type: ignore[arg-type]
    words = f"median {middle:,.4g} · 99 % up to {high:,.6g} · most {most:,.8g}"
    return Histogram(title, [int(counts.get(i, 0)) for i in range(BINS)], low, high, words)


def findings(workspace: Workspace, digest: str) -> list[Chart | Histogram]:
    """Findings by check, what waits, and their labels and scores; nothing where it was never scanned."""
    from curate.deciding.review import OPEN, review

    if workspace.made_from(digest, kind="scan", role="findings") is None:
        return []
    table = review(workspace, digest).filter(pl.col("action") != "keep")
    charts: list[Chart | Histogram] = [
        bars("findings by check", table["check"], "", of="findings"),
        bars("of them open", table.filter(OPEN)["check"], "", of="findings"),
        bars("findings by what they say", table.select(pl.concat_str("check", pl.col("label").fill_null(""), separator=" ")).to_series(), "", of="findings"),
        bars("decided so", table["decided"].drop_nulls(), "", of="findings"),
    ]  # fmt: skip
    if table.height:
        charts.append(histogram("scores of findings", table["score"]))
    return charts


def lineage(workspace: Workspace, digest: str) -> list[str]:
    """A line for each run that led from a source to this version."""
    lines = []
    for origin in origins(workspace, digest):
        made = origin.outputs["dataset"]
        rows = workspace.ledger.rows("select rows from artifact where digest = ?", made)
        count = f"{rows[0]['rows']:,} rows" if rows else ""
        lines.append(f"{made[:8]}  {count:>14}  {origin.kind:<8} {ago(origin.started_at)}  {origin.command}")
    return lines


def data_card(workspace: Workspace, digest: str, name: str) -> str:
    """The data card as the export writes it; where the version is large, which command writes it."""
    from curate.deciding.review import OPEN, review
    from curate.runs.outgoing import card_of

    height = int(workspace.scan_examples(digest).select(pl.len()).collect().item())
    command = f"seatrial export {json.dumps(name) if ' ' in name else name} --to FOLDER"
    if height > CARD_UP_TO:
        return f"{height:,} rows: the card is made with the files.\n\n{command}"
    waiting = review(workspace, digest).filter(OPEN)
    return card_of(workspace, digest, workspace.examples(digest), name, command, waiting)
