"""What one row costs in each stage, and by arithmetic what 100 million and 1 billion rows cost on a cluster."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl

from benchmarks.rows import write
from curate.check import KeyedCheck, RowCheck, SetCheck

NAME = "scale"
HELP = "seconds and bytes a row of each stage of a scan, and what 10^8 and 10^9 rows come to"

PARTS = 32  # pieces by key, as the engine makes
NODES, CORES = 50, 16  # of the cluster that is reckoned with
NETWORK = 1.0e9  # bytes a second that a node sends and receives
HOUR = 0.05  # a core for an hour, in US dollars; a spot price of 2026


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of this process for some work."""
    began = time.process_time()
    work()
    return time.process_time() - began


def size(tables: list[pl.DataFrame]) -> int:
    """Bytes as they travel: in Arrow's format, uncompressed."""
    return int(sum(table.estimated_size() for table in tables))


def measured(rows: int) -> dict[str, float]:
    """Microseconds of CPU and bytes a row."""
    from curate.intake.sources import read_source
    from curate.scanning.scan import make_checks

    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "rows.jsonl"
        write(file, rows)
        began = time.process_time()
        examples = read_source(file, label="queue", group="customer").examples
        figures["import_us"] = time.process_time() - began
        examples.write_parquet(Path(name) / "rows.parquet", compression="zstd")
        figures["row_bytes"] = (Path(name) / "rows.parquet").stat().st_size
    batches = list(examples.iter_slices(2_000))
    for check in make_checks(["structure", "quality", "pii"], {"pii": {"names": "none"}}):
        if isinstance(check, RowCheck):
            check.scan(batches[0])  # what is made once a process
            figures[f"{check.name}_us"] = timed(partial(list, map(check.scan, batches)))
    for check in make_checks(["exact-duplicate", "near-duplicate"]):
        if isinstance(check, KeyedCheck) and isinstance(check, SetCheck):
            figures |= keyed(check, check, examples, batches)
    scale = {name: 1e6 if name.endswith("_us") else 1.0 for name in figures}
    return {name: value * scale[name] / rows for name, value in figures.items()}


def keyed(
    check: SetCheck, exchange: KeyedCheck, examples: pl.DataFrame, batches: list[pl.DataFrame]
) -> dict[str, float]:
    """Seconds and bytes of each step of a check that is linked key by key."""
    key = check.name.split("-")[0]
    check.sketch(batches[0])
    pieces: list[list[pl.DataFrame]] = []
    met: list[pl.DataFrame] = []

    def scatter() -> None:
        pieces.extend(exchange.scatter(check.sketch(batch), PARTS) for batch in batches)

    def meet() -> None:
        met.extend(exchange.meet(pl.concat(part)) for part in zip(*pieces, strict=True))

    figures = {f"{key}_sketch_us": timed(scatter)}
    figures[f"{key}_moved_bytes"] = sum(size(each) for each in pieces)
    figures[f"{key}_meet_us"] = timed(meet)
    figures[f"{key}_pairs_bytes"] = size(met)
    pairs = exchange.joined(pl.concat(met))
    named = pl.concat([pairs["example_id"], pairs["other_id"]]).drop_nulls().unique()
    texts = examples.filter(pl.col("example_id").is_in(named.implode()))
    figures[f"{key}_verify_us"] = timed(partial(check.verify, pairs, texts))
    figures[f"{key}_verified_share"] = texts.height
    return figures


def reckoned(each: dict[str, float], rows: float) -> dict[str, float]:
    """Bytes, hours and dollars for so many rows on the cluster, by multiplication alone."""
    cpu = sum(value for name, value in each.items() if name.endswith("_us")) * rows / 1e6
    moved = (each["near_moved_bytes"] + each["exact_moved_bytes"]) * rows
    return {
        "stored_gb": each["row_bytes"] * rows / 1e9,
        "moved_gb": moved / 1e9,
        "cpu_hours": cpu / 3600,
        "compute_hours": cpu / 3600 / (NODES * CORES),
        "shuffle_hours": moved / (NODES * NETWORK) / 3600,
        "pairs_gb": (each["near_pairs_bytes"] + each["exact_pairs_bytes"]) * rows / 1e9,
        "dollars": cpu / 3600 * HOUR,
    }


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Measure each part on some rows in this process, then multiply."""
    rows = 1_000 if quick else 40_000
    each = measured(rows)
    figures: dict[str, float | None] = {name: round(value, 2) for name, value in each.items()}
    for label, count in (("e8", 1e8), ("e9", 1e9)):
        figures |= {f"{label}_{name}": round(value, 2) for name, value in reckoned(each, count).items()}
    print(json.dumps(figures, indent=1), file=sys.stderr)
    return figures, {}, {}, rows
