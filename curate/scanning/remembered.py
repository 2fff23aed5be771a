"""What an earlier scan found out about rows that are still the same, so that only new rows are looked at.

A row check's findings depend on what an example says, which its content hash stands for; so they are
taken from the newest scan with the same settings and code. A set check's sketches depend on a few
columns more, and are kept in files of the workspace, which may be deleted at any time; and so is what
was told of two rows that depends on nothing but these two.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from curate.check import Check, MeasuredCheck, RowCheck, SetCheck
from curate.errors import WorkspaceError
from curate.example import EXAMPLES, digest
from curate.finding import complete, empty
from curate.scanning.kept import SUFFIX, read, write
from curate.workspace import Workspace, code_version
from curate.workspace.store import TABLE, table_digest

KEY = ("_same", "_same_too")  # equal where a sketch must be equal: 128 bits
MADE = "_made"  # true of a sketch; null of a row that was looked at and has none
LINKED = f".linked{SUFFIX}"
SCANS = 8  # earlier scans that are looked through for one of the same rows
FILES = 8  # of one check's sketches: a scan adds one with its new rows; that many are made to one
AGAIN = 0.1  # of the rows: so few others leave it that the rows stand where they stood
STALE = 0.01  # of the rows that stood there: from so many others on all are put into one file
FINDINGS_KNOWN = 64  # newest tables of findings whose checksums are kept
SUMS = ("digest", "sum")
KEPT_ROWS = 2_000_000  # rows of sketches that stay then, beside those of the version scanned last
# what a sketch may depend on: the content hash stands for all that the row says
SAME = ("content_hash", "label", "group", "split", "source")
# by which columns the two of a pair are known
PAIR = {"example_id": KEY, "other_id": tuple(f"{key}_other" for key in KEY)}
PAIRED = [column for columns in PAIR.values() for column in columns]


class Known(NamedTuple):
    """What need not be computed for some rows, and the rows that are left."""

    table: pl.DataFrame  # findings or sketches of the rows that are known
    rest: pl.Series  # numbers, UInt32, of the rows that were not looked at


class _Before(NamedTuple):
    """An earlier version beside the one that is scanned."""

    old: (
        pl.DataFrame
    )  # content_hash and example_id of its rows, one for each content; those that went, where same is None
    same: pl.DataFrame | None  # rows that say what one of old says; None: most stand where they stood
    rest: pl.Series  # numbers of the others


@dataclass
class Remembered:
    """The earlier scans of a workspace."""

    workspace: Workspace
    dataset: str = ""  # digest of the version that is scanned
    _before: dict[str, tuple[pl.DataFrame, _Before]] = field(default_factory=dict)  # by digest
    _told: dict[str, pl.DataFrame | None] = field(default_factory=dict)  # findings, by digest
    _apart: set[str] = field(default_factory=set)  # checks whose kept sketches stood in another order
    _keyed: list[tuple[pl.DataFrame, pl.DataFrame]] = field(
        default_factory=list
    )  # of a table its ids and keys

    def findings(self, check: RowCheck, examples: pl.DataFrame) -> Known:
        """Findings of the rows that an equal check looked at before, as on these examples.

        They have their `finding_id` where it is the same one.
        """
        for dataset, table in self._scans(check):
            before = self._compared(dataset, examples)
            if len(before.rest) == examples.height > 0:  # of another dataset
                continue
            every = self._findings_of(table)
            if every is None:
                continue
            now = every.filter(pl.col("check") == check.name)
            stays = pl.col("other_id").is_null()
            if before.same is None:
                now = now.filter(~pl.col("example_id").is_in(before.old["example_id"].implode()))
            else:
                told = now.rename({"example_id": "was"}).join(before.old, on="was")
                now = before.same.join(told, on="content_hash")
                stays &= pl.col("was") == pl.col("example_id")
            now = complete(now.with_columns(pl.when(stays).then("finding_id").alias("finding_id")))
            # what also goes by how the row was written, which no content hash tells
            anew = now.filter(pl.col("label").is_in(sorted(getattr(check, "anew", ()))))[
                "example_id"
            ].implode()
            told_anew = examples.select(pl.col("example_id").is_in(anew)).to_series().arg_true()
            rest = pl.concat([before.rest, told_anew]).unique().sort()
            return Known(now.filter(~pl.col("example_id").is_in(anew)), rest)
        return Known(empty(), _numbers(0, examples.height))

    def _findings_of(self, digest: str) -> pl.DataFrame | None:
        """The findings of an earlier scan, read once; None where they are not what was recorded."""
        if digest not in self._told:
            try:
                told = self.workspace.table(digest)
                damaged = not self._vouched(digest) and table_digest("findings", told) != digest
            except WorkspaceError:
                damaged = True
            if damaged:
                sys.stderr.write(
                    f"findings {digest[:12]} of an earlier scan are damaged: its rows are looked at anew\n"
                )
            self._told[digest] = None if damaged else told
        return self._told[digest]

    def vouch(self, digest: str, findings: pl.DataFrame) -> None:
        """Keep the checksum of the file with these findings, if they stand there as they were put there.

        The next scan goes by it, which is sooner done than to make their digest again. A file that was there
        before, and is damaged since, is not vouched for.
        """
        try:
            if not self.workspace.table(digest).equals(findings):
                return
        except WorkspaceError:  # whoever needs it tells
            return
        known = read(self._sums_at(), SUMS)
        here = pl.DataFrame({"digest": [digest], "sum": [self._sum(digest)]})
        table = here if known is None else pl.concat([here, known.filter(pl.col("digest") != digest)])
        write(self._sums_at(), table.head(FINDINGS_KNOWN))

    def _vouched(self, digest: str) -> bool:
        """Whether the file with these findings is, to the byte, what it was when they were what was recorded."""
        known = read(self._sums_at(), SUMS)
        return known is not None and (digest, self._sum(digest)) in known.select(SUMS).rows()

    def _sum(self, digest: str) -> str:
        """The checksum of the file with findings as it lies there."""
        return blake2b((self.workspace.store.path(digest) / TABLE).read_bytes(), digest_size=16).hexdigest()

    def _sums_at(self) -> Path:
        """The file with the checksums of findings."""
        return self.workspace.root / "sketches" / f"findings{SUFFIX}"

    def _compared(self, dataset: str, examples: pl.DataFrame) -> _Before:
        """A version beside these examples; made once for all checks."""
        known = self._before.get(dataset)
        if known is None or known[0] is not examples:
            known = self._before[dataset] = examples, self._beside(dataset, examples)
        return known[1]

    def _beside(self, dataset: str, examples: pl.DataFrame) -> _Before:
        """A version beside these examples."""
        columns = ["example_id", "content_hash"]
        old = self.workspace.scan_examples(dataset).select(columns).collect()
        same = _same(old, examples, 0, columns)
        if _few(same, old.height):
            other = pl.concat([~same, pl.repeat(value=True, n=examples.height - len(same), eager=True)])
            return _Before(
                pl.concat([old.head(len(same)).filter(~same), old[len(same) :]]), None, other.arg_true()
            )
        old = old.rename({"example_id": "was"}).unique("content_hash", keep="first", maintain_order=True)
        seen = examples["content_hash"].is_in(old["content_hash"].implode())
        return _Before(old, examples.select(columns).filter(seen), (~seen).arg_true())

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
        """The sketches that were kept of rows that are still the same.

        Rows that stand where they stood are taken over as they lie there, without looking for each; only of
        the others each is looked for.
        """
        kept, keys = self._kept(check, examples), self._keys(examples)
        if not kept:
            return Known(pl.DataFrame(), _numbers(0, examples.height))
        here: list[pl.Series] = []
        lying, others, end = [], [], 0
        for table in kept:
            same = _same(table, keys, end, KEY)
            if not _few(same, table.height):
                same = same.head(next(iter((~same).arg_true()), len(same)))
            lying.append(table.head(len(same)).filter(same) if not same.all() else table.head(len(same)))
            others.append(table[len(same) :])
            here.append(same)
            end += len(same)
        seen = pl.concat([*here, pl.repeat(value=False, n=examples.height - end, eager=True)])
        stood = seen.sum()
        if stood < examples.height * (1 - AGAIN):
            seen, lying, others, stood = pl.repeat(value=False, n=examples.height, eager=True), [], kept, 0
        if stood < max(1, end * (1 - STALE)):
            self._apart.add(check.name)
        ids, left = keys.select("example_id").filter(seen), keys.with_row_index("_at").filter(~seen)
        others = [table for table in others if table.height]
        if not others:
            return Known(_beside(ids, pl.concat(lying)), left["_at"])
        every = _distinct(pl.concat(others)).with_row_index("_place")
        at = left.join(every.select("_place", *KEY), on=KEY, how="left", maintain_order="left")
        found = at.drop_nulls("_place")
        more = _beside(found.select("example_id"), every[found["_place"]].drop("_place"))
        rest = at.filter(pl.col("_place").is_null())["_at"]
        return Known(pl.concat([_beside(ids, pl.concat(lying)), more]) if lying else more, rest)

    def keep(self, check: SetCheck, examples: pl.DataFrame, rest: pl.Series, fresh: pl.DataFrame) -> None:
        """Keep for the next scan the sketches of the rest of the examples, which were not known.

        Of a row that is among the rest and has no sketch it is kept that it has none. They are put into a
        file of their own; from time to time, and where the rows no longer stand as they stood, all are put
        into one, in the order of the examples.
        """
        looked = self._keys(examples)[rest]
        made = fresh.with_columns(pl.lit(value=True).alias(MADE))
        table = looked.join(made, on="example_id", how="left", maintain_order="left").drop("example_id")
        files = self._files(check)
        whole = check.name in self._apart or len(files) >= FILES
        if whole:
            keys = self._keys(examples).select(KEY)
            every = _distinct(pl.concat([table, *self._kept(check, examples)]))
            ours = keys.join(every, on=KEY, how="inner", maintain_order="left")
            table = pl.concat([ours, every.join(keys, on=KEY, how="anti").head(KEPT_ROWS)])
        stem = self._stem(check, "sketches")
        written = write(
            stem.with_name(f"{stem.name}.{_number(files[-1]) + 1 if files else 0}{SUFFIX}"), table
        )
        for file in files if whole and written else ():
            file.unlink(missing_ok=True)

    def linked(self, check: SetCheck, examples: pl.DataFrame) -> tuple[int, pl.DataFrame] | None:
        """(rows, candidate pairs) of an earlier version of which these examples have all rows first, in its order."""
        stem = self._stem(check, "linked")
        files = stem.parent.glob(f"{stem.name}.*{LINKED}")
        for rows, file in sorted(((_number(file), file) for file in files), reverse=True):
            if 0 < rows <= examples.height and file == self._linked_at(check, examples, rows):
                pairs = read(file, ("example_id", "other_id", "texts"))
                return None if pairs is None else (rows, pairs)
        return None

    def keep_linked(self, check: SetCheck, examples: pl.DataFrame, pairs: pl.DataFrame) -> None:
        """Keep the candidate pairs of these examples; those of some earlier versions go."""
        stem = self._stem(check, "linked")
        write(self._linked_at(check, examples, examples.height), pairs)
        files = sorted(stem.parent.glob(f"{stem.name}.*{LINKED}"), key=lambda file: file.stat().st_mtime_ns)
        for file in files[:-FILES]:
            file.unlink(missing_ok=True)

    def _linked_at(self, check: SetCheck, examples: pl.DataFrame, rows: int) -> Path:
        """The file with the pairs of the first rows: it is called by how many there are and what all of them say."""
        keys = self._keys(examples).head(rows).with_columns(pl.col("example_id").hash())
        hasher = blake2b(digest_size=16)
        for column in keys:
            hasher.update(np.ascontiguousarray(column.to_numpy()).data)
        stem = self._stem(check, "linked")
        return stem.with_name(f"{stem.name}.{hasher.hexdigest()}.{rows}{LINKED}")

    def _files(self, check: SetCheck) -> list[Path]:
        """The files with the sketches of a check with these settings, as they were made."""
        stem = self._stem(check, "sketches")
        return sorted(stem.parent.glob(f"{stem.name}.*{SUFFIX}"), key=_number)

    def _kept(self, check: SetCheck, examples: pl.DataFrame) -> list[pl.DataFrame]:
        """What stands in each of these files."""
        made = check.sketch(pl.DataFrame(schema=EXAMPLES)).drop("example_id")
        columns = (*KEY, *made.columns, MADE)
        return [table for file in self._files(check) if (table := read(file, columns)) is not None]

    def measured(self, check: MeasuredCheck) -> pl.DataFrame | None:
        """The scores that were kept of this version, if the threshold was not higher than now."""
        stem = self._stem(check, self.dataset)
        kept = {
            float(place.name.split("@")[1][:8]): place
            for place in stem.parent.glob(f"{stem.name}@*.measured{SUFFIX}")
        }
        floors = [floor for floor in kept if floor <= round(check.threshold, 6)]
        return read(kept[max(floors)], ("example_id", "other_id", "score")) if floors else None

    def keep_measured(self, check: MeasuredCheck, measured: pl.DataFrame) -> None:
        """Keep the scores, which a scan at a higher threshold can go by."""
        stem = self._stem(check, self.dataset)
        write(stem.with_name(f"{stem.name}@{check.threshold:.6f}.measured{SUFFIX}"), measured)

    def told(self, check: MeasuredCheck, texts: pl.DataFrame) -> pl.DataFrame | None:
        """What was kept of pairs of these examples, in any version; as `check.lasting` gives it."""
        found = read(self._told_at(check), PAIRED)
        if found is None:
            return None
        keys = self._keys(texts).unique(KEY, keep="first", maintain_order=True)
        for name, columns in PAIR.items():
            own = keys.rename({"example_id": name, **dict(zip(KEY, columns, strict=True))})
            found = found.join(own, on=columns)
        return found.drop(PAIRED)

    def keep_told(self, check: MeasuredCheck, texts: pl.DataFrame, told: pl.DataFrame) -> None:
        """Keep what was told of pairs and depends on the two examples alone."""
        place, keys, table = self._told_at(check), self._keys(texts), told
        for name, columns in PAIR.items():
            own = keys.rename({"example_id": name, **dict(zip(KEY, columns, strict=True))})
            table = table.join(own, on=name, maintain_order="left")
        table = table.drop(list(PAIR))
        kept = read(place, PAIRED)
        if kept is not None:
            before = kept.join(table, on=PAIRED, how="anti").head(KEPT_ROWS)
            table = pl.concat([table, before], how="diagonal")
        write(place, table.unique(PAIRED, keep="first", maintain_order=True))

    def _told_at(self, check: MeasuredCheck) -> Path:
        """The file with what was told of pairs."""
        stem = self._stem(check, "told")
        return stem.with_name(f"{stem.name}{SUFFIX}")

    def _stem(self, check: SetCheck | MeasuredCheck, of: str) -> Path:
        """How the files are called, but for an ending, that a check with these settings left of something.

        Sketches and candidate pairs depend on all settings; what is measured, on all but the threshold.
        """
        settings = _settings(check)
        if of not in ("sketches", "linked"):
            settings.pop("threshold", None)
        said = digest(json.dumps(settings, sort_keys=True), code_version(), of)
        return self.workspace.root / "sketches" / f"{check.name}-{said}"  # type: ignore[union-attr]

    def _keys(self, examples: pl.DataFrame) -> pl.DataFrame:
        """`example_id` and KEY of the examples, in their order; made once for all checks."""
        for table, keys in self._keyed:
            if table is examples:
                return keys
        text = pl.concat_str([pl.col(name).fill_null("\x00") for name in SAME], separator="\x1f")
        # as digests: what stands in the file must not be anybody's group or label
        keys = examples.select(
            "example_id", **{name: text.hash(seed) for seed, name in enumerate(KEY, start=1)}
        )
        self._keyed = [*self._keyed[-1:], (examples, keys)]
        return keys


def _number(file: Path) -> int:
    """Which of the files of one check this is, or of how many rows it is."""
    return int(file.name.removesuffix(LINKED).removesuffix(SUFFIX).split(".")[-1])


def _numbers(begin: int, end: int) -> pl.Series:
    """The numbers of the rows from one on to before another."""
    return pl.int_range(begin, end, dtype=pl.UInt32, eager=True)


def _same(table: pl.DataFrame, rows: pl.DataFrame, begin: int, columns: Collection[str]) -> pl.Series:
    """Of each row at the head of the table whether it is equal to the one that stands from `begin` on."""
    size = min(table.height, rows.height - begin)
    beside = rows[begin : begin + size]
    equal = pl.all_horizontal(pl.lit(table[name].head(size)) == beside[name] for name in columns)
    return beside.select(equal).to_series()


def _few(same: pl.Series, rows: int) -> bool:
    """Whether so few of so many rows are others that the rows stand as they stood."""
    return rows > 0 and rows - same.sum() <= rows * AGAIN


def _beside(ids: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Sketches with the ids of the rows that they are of, without the rows that have none."""
    sketches = pl.concat([ids, kept.drop(KEY)], how="horizontal")
    return (sketches.filter(MADE) if kept[MADE].null_count() else sketches).drop(MADE)


def _distinct(table: pl.DataFrame) -> pl.DataFrame:
    """Each key once: two scans at one time may have kept the same rows."""
    if table.select(pl.struct(KEY).n_unique()).item() == table.height:
        return table
    return table.unique(KEY, keep="first", maintain_order=True)


def _settings(check: Check | MeasuredCheck) -> dict[str, object]:
    """A check's settings as JSON values."""
    return {field.name: getattr(check, field.name) for field in fields(check)}  # type: ignore[arg-type]
