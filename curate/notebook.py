"""The checks in a notebook: on a polars or pandas frame, a `datasets` object, a list of rows, or a file.

    from curate import examine

    found = examine(frame, label="queue")
    found.summary
    clean = found.clean()

Nothing is written: there is no workspace, and decisions are made by filtering `found.findings`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from curate.answer import counted
from curate.changing.redact import Style
from curate.check import NotRun
from curate.errors import SeatrialError

if TYPE_CHECKING:
    import datasets

    from curate.intake.sources import Imported
    from curate.scanning.scan import ScanResult

Rows = object  # what `examine` takes: a frame, a dataset, an iterable of mappings, or a path


KINDS_SHOWN = 12


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        """Rows, findings by kind and what was not looked for, in a few lines."""
        rejected = f", {self.rejects.height:,} rejected" if self.rejects.height else ""
        lines = [f"Examined: {counted(self.examples.height, 'row')}{rejected}"]
        kinds = self.summary.sort("found", descending=True, maintain_order=True).to_dicts()
        lines += [
            f"  {k['found']:>7,}  {k['check']}/{k['label']}  {k['action']}" for k in kinds[:KINDS_SHOWN]
        ]
        if len(kinds) > KINDS_SHOWN:
            lines.append(f"  {len(kinds) - KINDS_SHOWN} kinds more in .summary")
        if not kinds:
            lines.append("  nothing found")
        lines += [f"  not looked: {each.check}: {each.reason}" for each in self.not_run]
        return "\n".join(lines)

    def clean(self, findings: pl.DataFrame | None = None, *, style: Style = "placeholder") -> Examined:
        """The rows with what the findings propose carried out: those that are safe unattended, or yours.

        Without `findings` the rule of `seatrial apply --safe`. Yours must be rows of `.findings`; each
        is carried out as its `action` says (drop, redact, or an edit that it brings along; others are passed over).
        """
        from curate.changing.apply import apply
        from curate.deciding.review import REVIEW, joined, safe

        words = ("finding_id", "decided", "target", "edit", "reviewer", "note", "decided_at")
        nobody = pl.DataFrame(schema=dict.fromkeys(words, pl.String))
        hashes = self.examples.select("example_id", "content_hash")
        table = joined(self.findings.drop("row"), hashes, nobody)
        chosen = safe(table) if findings is None else findings
        written = (pl.col("action") == "edit") & pl.col("evidence").str.contains('"edit":', literal=True)
        doable = chosen.filter(pl.col("action").is_in(["drop", "redact", "keep"]) | written)
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
    roles: Mapping[str, str] | None = None,
    format: str | None = None,
    encoding: str | None = None,
    workers: int = 1,
) -> Examined:
    """Run the checks over rows, all of them or those named.

    `protect` are rows that must not be learned from (a benchmark); the other arguments are those of
    `seatrial import` and `seatrial scan`, and errors name them as arguments. Raises SourceError where no row can be read, ConfigError for
    a check, setting or column that does not exist.
    """
    try:
        imported = _read(
            rows, "rows", encoding, label=label, group=group, split=split, columns=columns, roles=roles, format=format
        )  # fmt: skip
        result = _scanned(imported.examples, protect, checks, settings, encoder, workers)
    except SeatrialError as error:
        error.message, error.hint = as_arguments(error.message), as_arguments(error.hint)
        error.args = (f"{error.message} ({error.hint})" if error.hint else error.message,)
        raise
    rejects = imported.rejects.with_columns(
        pl.col("reason").map_elements(as_arguments, return_dtype=pl.String, skip_nulls=True)
    )
    not_run = [NotRun(each.check, as_arguments(each.reason)) for each in result.not_run]
    place = imported.examples.select("example_id", row=pl.col("source_row").cast(pl.Int64) - 1)
    findings = result.findings.join(place, on="example_id", how="left", maintain_order="left")
    return Examined(imported.examples, rejects, findings, not_run)


def _read(rows: Rows, name: str, encoding: str | None = None, **told: Any) -> Imported:  # noqa: ANN401
    """Rows of a place or in memory; `told` is what both readers take."""
    from curate.intake.sources import read_rows, read_source

    if isinstance(rows, str | Path):
        return read_source(rows, encoding=encoding, **told)
    return read_rows(rows, name, **told)


def _scanned(
    examples: pl.DataFrame,
    protect: Rows | None,
    checks: Sequence[str] | None,
    settings: Mapping[str, Mapping[str, object]] | None,
    encoder: str,
    workers: int,
) -> ScanResult:
    from curate.engine import Local, Serial
    from curate.scanning.scan import make_checks, scan

    guarded = None if protect is None else _read(protect, "protected").examples
    made = make_checks(checks, settings, encoder=encoder)
    return scan(examples, made, protected=guarded, engine=Serial() if workers == 1 else Local(workers))


OPTION = re.compile(r"--([a-z][a-z-]*)(?: ([A-Z]+|[a-z]+[-_0-9][\w-]+(?:,[a-z][\w-]+)?))?")
PAIR = r"(?:'[^'=]+=[^']+'|\w+=\w+)"
PAIRS = re.compile(rf"--(column|role|set) {PAIR}(?: --\1 {PAIR})*")
ARGUMENTS = {
    "column": "columns",
    "role": "roles",
    "set": "settings",
    "check": "checks",
    "split-column": "split",
}


def as_arguments(text: str) -> str:
    """A message with the options of the commands in it as the arguments of `examine`: `--label` as `label=`."""

    def argument(found: re.Match[str]) -> str:
        name, value = ARGUMENTS.get(found[1], found[1]), found[2] or ""
        if name == "protect":
            return "protect=ROWS"
        return f'{name}="{value}"' if value else f"{name}="

    def mapping(found: re.Match[str]) -> str:
        pairs = dict(pair.split("=", 1) for pair in shlex.split(found[0])[1::2])
        return f"{ARGUMENTS[found[1]]}={json.dumps(pairs, ensure_ascii=False)}"

    return OPTION.sub(argument, PAIRS.sub(mapping, text))
