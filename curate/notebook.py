"""The checks in a notebook: on a polars frame, a `datasets` object, a list of rows, or a file.

    from curate import examine

    found = examine(frame, label="queue")
    found.summary
    clean = found.clean()

Nothing is written: there is no workspace, and decisions are made by filtering `found.findings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from curate.check import NotRun
from curate.redact import Style

if TYPE_CHECKING:
    import datasets

Rows = object  # what `examine` takes: a frame, a dataset, an iterable of mappings, or a path


@dataclass(frozen=True)
class Examined:
    """What the checks found in some rows."""

    examples: pl.DataFrame  # EXAMPLES
    rejects: pl.DataFrame  # rows that could not be read: source, row (from 1), reason, text
    findings: pl.DataFrame  # FINDINGS, and `row`: which row of the input, from 0
    not_run: list[NotRun]  # what was not looked for, and why: it is not clean
    changes: pl.DataFrame | None = None  # of a clean one: what was done, a row each

    @property
    def summary(self) -> pl.DataFrame:
        """Findings by check, label and proposed action."""
        found = self.findings.filter(pl.col("action") != "keep")
        return found.group_by("check", "label", "action").len("found").sort("check", "label", "action")

    def clean(self, findings: pl.DataFrame | None = None, *, style: Style = "placeholder") -> Examined:
        """The rows with what the findings propose carried out: those that are safe unattended, or yours.

        Without `findings` the rule of `seatrial apply --safe`. Yours must be rows of `.findings`; each
        is carried out as its `action` says (drop or redact; others are passed over).
        """
        from curate.apply import apply
        from curate.review import REVIEW, joined, safe

        words = ("finding_id", "decided", "target", "edit", "reviewer", "note", "decided_at")
        nobody = pl.DataFrame(schema=dict.fromkeys(words, pl.String))
        hashes = self.examples.select("example_id", "content_hash")
        table = joined(self.findings.drop("row"), hashes, nobody)
        chosen = safe(table) if findings is None else findings
        doable = chosen.filter(pl.col("action").is_in(["drop", "redact", "keep"]))
        taken = pl.col("finding_id").is_in(doable["finding_id"].implode())
        decided = table.with_columns(
            decided=pl.when(taken).then("action"), target=pl.when(taken).then("example_id")
        ).cast(REVIEW)
        done = apply(self.examples, decided, style=style)
        left = self.findings.filter(pl.col("example_id").is_in(done.clean["example_id"].implode()))
        return Examined(done.clean, self.rejects, left.filter(~taken), self.not_run, done.changes)

    def rows(self) -> list[dict[str, object]]:
        """The rows as they came in, with what they say now."""
        from curate.formats.writers import original

        return [original(example) for example in self.examples.iter_rows(named=True)]

    def frame(self) -> pl.DataFrame:
        """The rows as a polars frame of the columns that they came with."""
        return pl.DataFrame(self.rows(), infer_schema_length=None)

    def dataset(self) -> datasets.Dataset:
        """The rows as a `datasets.Dataset`."""
        import datasets

        return datasets.Dataset.from_list(self.rows())


def examine(
    rows: Rows,
    *,
    checks: Sequence[str] | None = None,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    protect: Rows | None = None,
    encoder: str = "",
    label: str | None = None,
    group: str | None = None,
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
    format: str | None = None,
    workers: int = 1,
) -> Examined:
    """Run the checks over rows, all of them or those named.

    `protect` are rows that must not be learned from (a benchmark); the other arguments are those of
    `seatrial import` and `seatrial scan`. Raises SourceError where no row can be read, ConfigError for
    a check, setting or column that does not exist.
    """
    from curate.engine import Local, Serial
    from curate.scan import make_checks, scan
    from curate.sources import Imported, read_rows, read_source

    def read(given: Rows, name: str) -> Imported:
        if isinstance(given, str | Path):
            return read_source(given, label=label, group=group, split=split, columns=columns, format=format)
        return read_rows(given, name, label=label, group=group, split=split, columns=columns, format=format)

    imported = read(rows, "rows")
    guarded = None if protect is None else _protected(protect)
    made = make_checks(checks, settings, encoder=encoder)
    engine = Serial() if workers == 1 else Local(workers)
    result = scan(imported.examples, made, protected=guarded, engine=engine)
    place = imported.examples.select("example_id", row=pl.col("source_row").cast(pl.Int64) - 1)
    findings = result.findings.join(place, on="example_id", how="left", maintain_order="left")
    return Examined(imported.examples, imported.rejects, findings, result.not_run)


def _protected(rows: Rows) -> pl.DataFrame:
    """The rows of a benchmark: read by what they look like."""
    from curate.sources import read_rows, read_source

    read = read_source(rows) if isinstance(rows, str | Path) else read_rows(rows, "protected")
    return read.examples
