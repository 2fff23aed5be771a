"""What a metric is."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

import polars as pl


class Metric(Protocol):
    """A frozen dataclass whose fields are its settings."""

    version: ClassVar[int]

    @property
    def name(self) -> str:
        """As it stands in the scores."""
        ...

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """One row for each prediction: example_id, value, reason, label and, of some, statistics."""
        ...


@runtime_checkable
class Signed(Protocol):
    """A metric with a signature that others know it by."""

    def signature(self) -> str:
        """Of the settings and of the package that computes it."""
        ...


@runtime_checkable
class Settled(Protocol):
    """A metric that says itself what the ledger keeps of it: not all of its fields are settings."""

    def settings(self) -> dict[str, object]:
        """Names to values, as JSON takes them."""
        ...


def recorded(metric: Metric) -> dict[str, Any]:
    """What the ledger keeps of a metric: all that its scores depend on."""
    fields = metric.settings() if isinstance(metric, Settled) else asdict(cast("Any", metric))
    kept = {"version": metric.version, **fields}
    if isinstance(metric, Signed):
        kept["signature"] = metric.signature()
    return cast("dict[str, Any]", json.loads(json.dumps(kept)))
