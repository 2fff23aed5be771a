"""What a check is: a frozen dataclass with a name, a version and one of two forms.

It touches no disk, clock, ledger or random state, so the same code runs in one process, in several
and on a cluster, and gives equal tables. Its fields are its settings, which the ledger records.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, runtime_checkable

import polars as pl

if TYPE_CHECKING:
    from curate.engine import Engine
    from curate.rows import Rows
    from curate.scanning.embedding import Units


class Scan(NamedTuple):
    """What a row check found in one batch."""

    findings: pl.DataFrame  # some columns of FINDINGS, any number of rows


@runtime_checkable
class RowCheck(Protocol):
    """Looks at one example at a time."""

    name: ClassVar[str]
    version: ClassVar[int]

    def scan(self, batch: pl.DataFrame) -> Scan:
        """Findings on the examples of `batch` (columns of EXAMPLES)."""
        ...


@runtime_checkable
class SetCheck(Protocol):
    """Compares examples: each batch is sketched anywhere, all sketches are linked in one place."""

    name: ClassVar[str]
    version: ClassVar[int]

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """What is needed of each example to find its candidates; has `example_id`."""
        ...

    def link(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """Candidate pairs: at least the columns `example_id` and `other_id`."""
        ...

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """Findings for the pairs that hold, with exact scores; `texts` are the examples named."""
        ...


@runtime_checkable
class SketchedCheck(Protocol):
    """A set check whose sketches hold all that `verify` asks of texts: it reads light columns alone."""

    verified_by_sketches: ClassVar[bool]


@runtime_checkable
class GrowingCheck(Protocol):
    """A set check that can link rows at the end of others that were linked before."""

    def relinked(self, sketches: pl.DataFrame, known: int, before: pl.DataFrame) -> pl.DataFrame | None:
        """What `link(sketches)` gives, by `before`, what it gave of the first `known` rows; None where that does not tell it."""
        ...


@runtime_checkable
class KeyedCheck(Protocol):
    """A set check that can be linked key by key, so that no one place needs all sketches.

    `link(sketches)` gives the same pairs as `joined` over the pairs that `meet` gives of each piece.
    """

    def scatter(self, sketches: pl.DataFrame, parts: int) -> list[pl.DataFrame]:
        """The sketches in `parts` pieces by their keys: two that may be paired share a piece."""
        ...

    def meet(self, piece: pl.DataFrame) -> pl.DataFrame:
        """What can be told from one piece: candidate pairs, in a table of the check's own."""
        ...

    def joined(self, met: pl.DataFrame) -> pl.DataFrame:
        """The pairs as `link` gives them, from those of all pieces."""
        ...


@runtime_checkable
class MeasuredCheck(Protocol):
    """A set check whose `verify` is `decided(measured(...))`: its threshold can be raised at no cost."""

    @property
    def threshold(self) -> float:
        """From which score on a pair counts; what was measured at a lower one holds all of them."""
        ...

    def measured(
        self, pairs: pl.DataFrame, texts: pl.DataFrame | Rows, told: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """Exact scores at least of the pairs that reach the threshold, in a table of the check's own.

        `texts` may be more rows than the pairs name. `told` is what `lasting` gave of such pairs, at any
        threshold and among whatever other rows; it saves work, texts among it, and changes nothing.
        """
        ...

    def decided(
        self, measured: pl.DataFrame, texts: pl.DataFrame | Rows, told: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """Findings, from what was measured at this threshold or a lower one; `texts` may be more."""
        ...

    def lasting(self, measured: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
        """Of each pair (`example_id`, `other_id`) what depends on these two examples alone.

        `found` is what `decided` gave of what was measured.
        """
        ...


@runtime_checkable
class MeaningCheck(Protocol):
    """Compares what examples mean: as a set check, but it links by the vectors of texts.

    `encoder` is a setting (see `curate.scanning.embedding.find_encoder`); the scan finds the encoder, and a
    cache of vectors, and gives None where there is none. `unseen` says what the check then does not
    look at; a check that can do nothing without one says so by `obstacle`.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    unseen: ClassVar[str]

    @property
    def encoder(self) -> str:
        """What encodes; `none` for nothing."""
        ...

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """As of a set check, with `texts` (List(String)): what is to be encoded, any number a row."""
        ...

    def relate(self, sketches: pl.DataFrame, units: Units | None) -> pl.DataFrame:
        """Candidate pairs. `sketches` has `units` (List(UInt32)), rows of the vectors, beside `texts`.

        Without an encoder `units` is None, and the column is not there.
        """
        ...

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """As of a set check."""
        ...


@runtime_checkable
class SpreadCheck(Protocol):
    """A meaning check that, without an encoder, needs no one place with all sketches."""

    def spread(
        self,
        table: pl.DataFrame,
        engine: Engine,
        rows: int,
        parts: int,
        sketch: Callable[[pl.DataFrame], pl.DataFrame],
    ) -> pl.DataFrame:
        """The pairs that `relate` gives of the sketches of the table and None, in whatever order.

        Of the rows of a batch, `rows` at a time, `sketch` gives what the check's own does; `parts` is the
        number of pieces of an exchange.
        """
        ...


Check = RowCheck | SetCheck | MeaningCheck


class NotRun(NamedTuple):
    """A check that could not look, and why; it must never read as clean."""

    check: str
    reason: str
