"""What an earlier scan found out about rows that are still the same, so that only new rows are looked at.

A row check's findings depend on what an example says, which its content hash stands for; so they are
taken from the newest scan with the same settings and code. A set check's sketches depend on a few
columns more, and are kept in a file of the workspace, which may be deleted at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import polars as pl

from curate.check import Check, MeasuredCheck, RowCheck, SetCheck
from curate.errors import WorkspaceError
from curate.example import digest
from curate.finding import complete, empty
from curate.workspace import Workspace, code_version
from curate.workspace.store import TABLE

# what a sketch may depend on: the content hash stands for all that the row says
KEY = "_same"
SCANS = 8  # earlier scans that are looked through for one of the same rows
KEPT_ROWS = 2_000_000  # rows of sketches that are kept beside those of the version scanned last
SAME = ("content_hash", "label", "group", "split", "source")


class Known(NamedTuple):
    """What need not be computed for some rows, and the rows that are left."""

    table: pl.DataFrame  # findings or sketches of the rows that are known
    rest: pl.DataFrame  # EXAMPLES that were not looked at


@dataclass
class Remembered:
    """The earlier scans of a workspace."""

    workspace: Workspace
    dataset: str = ""  # digest of the version that is scanned

    def findings(self, check: RowCheck, examples: pl.DataFrame) -> Known:
        """Findings of the rows that an equal check looked at before, as on these examples."""
        for dataset, table in self._scans(check):
            before = self.workspace.scan_examples(dataset).select("content_hash", "example_id").collect()
            first = before.unique("content_hash", keep="first")
            seen = pl.col("content_hash").is_in(first["content_hash"].implode())
            same, rest = examples.filter(seen), examples.filter(~seen)
            if same.is_empty():  # of another dataset
                continue
            where = pl.scan_parquet(self.workspace.store.path(table) / TABLE)
            old = where.filter(pl.col("check") == check.name).collect()
            told = old.join(first, on="example_id").drop("example_id", "finding_id")
            now = same.select("example_id", "content_hash").join(told, on="content_hash")
            return Known(complete(now), rest)
        return Known(empty(), examples)

    def _scans(self, check: Check) -> Sequence[tuple[str, str]]:
        """(dataset, findings) of the newest scans by the same code that had a check with these settings."""
        query = """select run.run_id, params from run join run_end using (run_id)
                   where kind = 'scan' and code = ? and error is null order by run_id desc"""
        wanted = json.loads(json.dumps(_settings(check)))
        found: list[tuple[str, str]] = []
        for row in self.workspace.ledger.rows(query, code_version()):
            params = json.loads(row["params"])
            if params.get(check.name) != wanted or check.name in params.get("not_run", {}):
                continue
            inputs = self.workspace.ledger.run_artifacts(row["run_id"], "in")
            outputs = self.workspace.ledger.run_artifacts(row["run_id"], "out")
            places = (inputs.get("dataset"), outputs.get("findings"))
            if None not in places and all((self.workspace.store.root / str(d)).is_dir() for d in places):
                found.append((str(places[0]), str(places[1])))
            if len(found) == SCANS:
                break
        return found

    def sketches(self, check: SetCheck, examples: pl.DataFrame) -> Known:
        """The sketches that were kept of rows that are still the same."""
        place = self._place(check)
        if not place.is_file():
            return Known(pl.DataFrame(), examples)
        kept = self._read(place)
        keyed = _keyed(examples)
        known = keyed.select("example_id", KEY).join(kept, on=KEY, how="inner", maintain_order="left")
        rest = keyed.filter(~pl.col(KEY).is_in(kept[KEY].implode())).drop(KEY)
        return Known(known.drop(KEY), rest)

    def _read(self, place: Path) -> pl.DataFrame:
        """A file that was kept."""
        try:
            return pl.read_parquet(place)
        except pl.exceptions.ComputeError as error:
            raise WorkspaceError(
                f"{place.name}: what was kept of an earlier scan cannot be read",
                hint=f"delete {place}; it is made again",
            ) from error

    def keep(self, check: SetCheck, examples: pl.DataFrame, sketches: pl.DataFrame) -> None:
        """Keep the sketches of a version for the next one, in place of those before."""
        place = self._place(check)
        keys = _keyed(examples.select("example_id", *SAME)).select("example_id", KEY)
        table = keys.join(sketches, on="example_id", how="inner").drop("example_id")
        if place.is_file():  # those of other versions too, while they are not too many
            before = self._read(place).filter(~pl.col(KEY).is_in(table[KEY].implode()))
            table = pl.concat([table, before.head(KEPT_ROWS)], how="diagonal")
        table = table.unique(KEY, keep="first", maintain_order=True)
        _write(place, table)

    def measured(self, check: MeasuredCheck) -> pl.DataFrame | None:
        """The scores that were kept of this version, if the threshold was not higher than now."""
        stem = self._measured_at(check)
        kept = {
            float(place.name.split("@")[1][:8]): place
            for place in stem.parent.glob(f"{stem.name}@*.measured.parquet")
        }
        floors = [floor for floor in kept if floor <= round(check.threshold, 6)]
        return self._read(kept[max(floors)]) if floors else None

    def keep_measured(self, check: MeasuredCheck, measured: pl.DataFrame) -> None:
        """Keep the scores, which a scan at a higher threshold can go by."""
        stem = self._measured_at(check)
        _write(stem.with_name(f"{stem.name}@{check.threshold:.6f}.measured.parquet"), measured)

    def _measured_at(self, check: MeasuredCheck) -> Path:
        """How the files with the scores of this version are called before the threshold that they go down to."""
        settings = {name: value for name, value in _settings(check).items() if name != "threshold"}
        said = digest(json.dumps(settings, sort_keys=True), code_version(), self.dataset)
        return self.workspace.root / "sketches" / f"{check.name}-{said}"  # type: ignore[attr-defined]

    def _place(self, check: SetCheck) -> Path:
        """Where the sketches of a check with these settings lie."""
        said = digest(json.dumps(_settings(check), sort_keys=True), code_version())
        return self.workspace.root / "sketches" / f"{check.name}-{said}.parquet"


def _write(place: Path, table: pl.DataFrame) -> None:
    """Write a file under another name first: it is there whole, or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_suffix(f".{os.getpid()}.part")
    table.write_parquet(temporary, compression="lz4")
    temporary.replace(place)


def _settings(check: Check | MeasuredCheck) -> dict[str, object]:
    """A check's settings as JSON values."""
    return {field.name: getattr(check, field.name) for field in fields(check)}  # type: ignore[arg-type]


def _keyed(examples: pl.DataFrame) -> pl.DataFrame:
    """The examples with KEY: equal where a sketch must be equal."""
    parts = [pl.col(name).fill_null("\x00") for name in SAME]
    text = pl.concat_str(parts, separator="\x1f")
    # as digests: what stands in the file must not be anybody's group or label
    twice = pl.concat_str(text.hash(1).cast(pl.String), text.hash(2).cast(pl.String), separator=":")
    return examples.with_columns(twice.alias(KEY))
