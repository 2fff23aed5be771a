"""One check over a table: what it finds, on whatever engine, with what was found out before."""

from __future__ import annotations

import errno
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import polars as pl

from curate.check import (
    Check,
    GrowingCheck,
    KeyedCheck,
    MeaningCheck,
    MeasuredCheck,
    RowCheck,
    SetCheck,
    SketchedCheck,
    SpreadCheck,
)
from curate.engine import Engine, Ray, Serial
from curate.errors import ResourceError, SeatrialError
from curate.finding import complete, empty
from curate.progress import Progress
from curate.rows import Rows
from curate.scanning.embedding import Vectors, with_units

if TYPE_CHECKING:
    from curate.scanning.remembered import Known

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.ENOMEM)  # a full disk, quota or memory
FIRST, LEAST = 400, 50  # rows of the first batch, and of one of a check that takes long
QUICK = 2.0  # seconds that a batch may take and the next one be larger
EXCHANGE_PARTS = 32  # pieces by key on a cluster: more than nodes, so that none has much more than others


class Memory(Protocol):
    """Knows what an earlier scan found out about the same rows; see remembered.py.

    Of examples it reads no texts: the light columns (`curate.rows.LIGHT`) are enough.
    """

    def findings(self, check: RowCheck, examples: pl.DataFrame) -> Known:
        """Findings of rows that were looked at, and the rows that were not."""
        ...

    def sketches(self, check: SetCheck, examples: pl.DataFrame) -> Known:
        """Sketches of rows that were looked at, and the rows that were not."""
        ...

    def keep(self, check: SetCheck, examples: pl.DataFrame, rest: pl.Series, fresh: pl.DataFrame) -> None:
        """Keep the sketches of the rest of the examples, which were not known."""
        ...

    def linked(self, check: SetCheck, examples: pl.DataFrame) -> tuple[int, pl.DataFrame] | None:
        """Of how many rows at the head of these examples the candidate pairs are known, and these."""
        ...

    def keep_linked(self, check: SetCheck, examples: pl.DataFrame, pairs: pl.DataFrame) -> None:
        """Keep the candidate pairs of all these examples."""
        ...

    def measured(self, check: MeasuredCheck) -> pl.DataFrame | None:
        """What was measured on the same version at this threshold or a lower one."""
        ...

    def keep_measured(self, check: MeasuredCheck, measured: pl.DataFrame) -> None:
        """Keep what was measured."""
        ...

    def told(self, check: MeasuredCheck, texts: pl.DataFrame) -> pl.DataFrame | None:
        """What `lasting` gave of pairs of these examples, in any version."""
        ...

    def keep_told(self, check: MeasuredCheck, texts: pl.DataFrame, told: pl.DataFrame) -> None:
        """Keep what `lasting` gives of pairs of these examples."""
        ...


def look(
    check: Check,
    examples: pl.DataFrame | Rows,
    engine: Engine,
    rows: int,
    meaning: Vectors | None,
    memory: Memory | None,
) -> pl.DataFrame:
    """All that one check finds in the examples, not yet stamped."""
    table = Rows.of(examples)
    if memory is not None and isinstance(check, MeasuredCheck):
        before = memory.measured(check)
        if before is not None:
            return check.decided(before, table)
    if isinstance(check, KeyedCheck) and isinstance(engine, Ray):
        return _exchanged(check, table, engine, rows)
    if isinstance(check, SpreadCheck) and isinstance(engine, Ray) and meaning is None:
        return _spread(check, table, engine, rows)
    known, rest = _known(check, table.light, memory)
    parts: list[pl.DataFrame] = []
    left = table.at(rest)
    batches = _slices(left, rows) if isinstance(engine, Serial) else left.iter_slices(rows)
    work = _Work(check)
    with Progress(f"scan {check.name}", total=len(rest)) as progress:
        for part, height in engine.map(work, batches):
            parts.append(part)
            progress.step(height)
        if isinstance(check, RowCheck):
            found = [complete(part) for part in (*known, *parts)]
            return pl.concat(found) if found else empty()
    if memory is not None and parts and isinstance(check, SetCheck) and not isinstance(check, MeaningCheck):
        memory.keep(check, table.light, rest, pl.concat(parts, how="diagonal"))
    if not known and not parts:
        return empty()
    sketches = pl.concat([*known, *parts], how="diagonal")
    # in the order of the table, whatever was known before: what comes first may decide who stays
    if known and not sketches["example_id"].equals(table["example_id"]):
        places = sketches.select("example_id").with_row_index("_place")
        order = table.light.select("example_id").join(places, on="example_id", maintain_order="left")
        sketches = sketches[order["_place"]]
    return _compared(check, sketches, table, meaning, memory)


def _slices(table: pl.DataFrame, most: int) -> Iterator[pl.DataFrame]:
    """The rows in order, few at first and more while they go quickly: it is soon told how far a slow check is."""
    begin, size = 0, min(FIRST, most)
    while begin < table.height:
        began = time.monotonic()
        yield table[begin : begin + size]
        begin += size
        quick = time.monotonic() - began < QUICK
        size = min(most, size * 2) if quick else max(min(LEAST, most), size // 2)


def _exchanged(check: KeyedCheck, table: Rows, engine: Ray, rows: int) -> pl.DataFrame:
    """All that a keyed check finds: sketches go by key from node to node, only pairs come here."""
    with Progress(f"scan {check.name}", total=EXCHANGE_PARTS) as progress:  # type: ignore[attr-defined]
        met = []
        batches = table.whole().iter_slices(rows)
        for pairs in engine.exchange(_Scatter(check), batches, _Meet(check), EXCHANGE_PARTS):
            met.append(pairs)
            progress.step()
    pairs = check.joined(pl.concat(met))
    return _verified(check, pairs, table)  # type: ignore[arg-type]


def _spread(check: SpreadCheck, table: Rows, engine: Ray, rows: int) -> pl.DataFrame:
    """All that a check finds which compares on the workers."""
    try:
        pairs = check.spread(table.whole(), engine, rows, EXCHANGE_PARTS, _Sketched(check))  # type: ignore[arg-type]
    except SeatrialError:
        raise
    except Exception as error:
        raise _failure(check, "while comparing examples", error) from error  # type: ignore[arg-type]
    return _verified(check, pairs, table)  # type: ignore[arg-type]


def _known(check: Check, table: pl.DataFrame, memory: Memory | None) -> tuple[list[pl.DataFrame], pl.Series]:
    """(what is known of some rows, as a list of one or no table; the numbers of the other rows)."""
    if memory is None or isinstance(check, MeaningCheck):
        return [], pl.int_range(table.height, dtype=pl.UInt32, eager=True)
    known = memory.findings(check, table) if isinstance(check, RowCheck) else memory.sketches(check, table)
    return ([] if known.table.is_empty() else [known.table]), known.rest


def _compared(
    check: SetCheck | MeaningCheck,
    sketches: pl.DataFrame,
    table: Rows,
    meaning: Vectors | None,
    memory: Memory | None,
) -> pl.DataFrame:
    """What a check finds by comparing: candidates by their sketches, findings by their texts."""
    try:
        if not isinstance(check, MeaningCheck):
            pairs = _linked(check, sketches, table.light, memory)
        elif meaning is None:
            pairs = check.relate(sketches, None)
        else:
            pairs = check.relate(*with_units(sketches, meaning))
    except SeatrialError:
        raise
    except Exception as error:
        raise _failure(check, "while comparing examples", error) from error
    return _verified(check, pairs, table, memory)


def _linked(
    check: SetCheck, sketches: pl.DataFrame, table: pl.DataFrame, memory: Memory | None
) -> pl.DataFrame:
    """Candidate pairs, from those of an earlier version where this one only has more rows at its end."""
    if memory is None or not isinstance(check, GrowingCheck) or sketches.height != table.height:
        return check.link(sketches)
    before = memory.linked(check, table)
    pairs = None if before is None else check.relinked(sketches, *before)
    if pairs is None:
        pairs = check.link(sketches)
    memory.keep_linked(check, table, pairs)
    return pairs


def _verified(
    check: SetCheck | MeaningCheck, pairs: pl.DataFrame, table: Rows, memory: Memory | None = None
) -> pl.DataFrame:
    """What holds of the pairs when their texts are read."""
    try:
        named = pl.concat([pairs["example_id"], pairs["other_id"]]).drop_nulls().unique()
        light = table.light.filter(pl.col("example_id").is_in(named.implode()))
        if isinstance(check, SketchedCheck):
            return check.verify(pairs, light)
        if memory is None or not isinstance(check, MeasuredCheck):
            return check.verify(pairs, table.named(named))
        told = memory.told(check, light)
        measured = check.measured(pairs, table, told)
        found = check.decided(measured, table, told)
        memory.keep_told(check, light, check.lasting(measured, found))
        # of a crowd, very many alike rows, only some pairs are measured, and which goes by the threshold
        if pairs.filter(pl.col("example_id").is_not_null() & pl.col("other_id").is_null()).is_empty():
            memory.keep_measured(check, measured)
        return found
    except SeatrialError:
        raise
    except Exception as error:
        raise _failure(check, "while comparing examples", error) from error


@dataclass(frozen=True)
class _Scatter:
    """One batch's sketches in pieces by key."""

    check: KeyedCheck

    def __call__(self, batch: pl.DataFrame) -> list[pl.DataFrame]:
        sketches, _ = _Work(self.check)(batch)  # type: ignore[arg-type]
        return self.check.scatter(sketches, EXCHANGE_PARTS)


@dataclass(frozen=True)
class _Meet:
    """What can be told from the pieces of all batches with one number."""

    check: KeyedCheck

    def __call__(self, pieces: list[pl.DataFrame]) -> pl.DataFrame:
        try:
            return self.check.meet(pl.concat(pieces))
        except SeatrialError:
            raise
        except Exception as error:
            raise _failure(self.check, "while comparing examples", error) from error  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Sketched:
    """One batch's sketches."""

    check: Check

    def __call__(self, batch: pl.DataFrame) -> pl.DataFrame:
        return _Work(self.check)(batch)[0]


@dataclass(frozen=True)
class _Work:
    """One check's part on one batch: what an engine maps. Gives its table and the rows looked at."""

    check: Check

    def __call__(self, batch: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        try:
            return self._look(batch), batch.height
        except SeatrialError:
            raise
        except Exception as error:
            culprit, reason = self._culprit(batch, error)
            place = f"{culprit['source']}:{culprit['source_row']}, example {culprit['example_id']}"
            raise _failure(self.check, f"on {place}", reason) from reason

    def _look(self, batch: pl.DataFrame) -> pl.DataFrame:
        if isinstance(self.check, RowCheck):
            return self.check.scan(batch).findings
        return self.check.sketch(batch)

    def _culprit(self, batch: pl.DataFrame, error: Exception) -> tuple[dict[str, object], Exception]:
        """The example that the check fails on, by halving; the first of the batch if none fails alone."""
        while batch.height > 1:
            middle = batch.height // 2
            for half in (batch[:middle], batch[middle:]):
                try:
                    self._look(half)
                except Exception as narrower:  # that it fails is the answer asked for
                    batch, error = half, narrower
                    break
            else:
                break
        return batch.row(0, named=True), error


def _failure(check: Check, place: str, error: Exception) -> SeatrialError:
    """A check's own fault as an error; without the exception's words, which may quote a row."""
    full = isinstance(error, OSError) and error.errno in FULL
    if full or isinstance(error, MemoryError):  # no fault of the check
        said = error.strerror if isinstance(error, OSError) else "there is not enough memory"
        return ResourceError(
            f"the check `{check.name}` stopped {place}: {said or type(error).__name__}",
            hint="free some disk space or memory and scan again; nothing was recorded",
        )
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return SeatrialError(
        f"the check `{check.name}` failed {place}: {type(error).__name__} ({Path(frame.filename).name}:{frame.lineno})",
        hint="this is a fault of the check: leave it out, or leave the example out, and report it",
    )
