"""A metric of the user's own: one Python file with a function `score`.

    def score(answer, reference, row):
        \"\"\"What it measures.\"\"\"
        return float("please" in answer)

`row` has example_id, question, reference, reference_label, meta (the source's other columns), answer,
choice, finish_reason, answer_tokens, seconds. It returns a number, or None where it cannot score. The file
is run as any program of the user is; nothing of it comes from data.

    better = "less"  # or "more"
    scale = (0, 5)   # least and greatest number that it can give

With both, its numbers become shares of the scale of which more is better, and it can decide a comparison.
"""

from __future__ import annotations

import inspect
import json
import math
import runpy
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import polars as pl

from curate.errors import ConfigError
from evalharness.metrics.about import Better
from evalharness.metrics.rows import Scored, score_rows

FUNCTION = "score"
SUFFIX = ".py"


class Sides(NamedTuple):
    """Which way of a metric is better, and the least and greatest value that it gives."""

    better: Better
    scale: tuple[float, float]


@dataclass(frozen=True)
class Custom:
    """The function of one file, by the digest of its text."""

    name: str
    digest: str
    meaning: str  # first line of its documentation
    function: Callable[..., object] = field(repr=False, compare=False)
    sides: Sides | None = None
    version: ClassVar[int] = 1

    def settings(self) -> dict[str, object]:
        """What the ledger keeps of it."""
        told: dict[str, object] = {"digest": self.digest, "meaning": self.meaning}
        return told | (self.sides._asdict() if self.sides else {})

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null with the reason where the function raises, or gives what is no number."""
        return score_rows(predictions, self._one)

    def _one(self, row: Mapping[str, Any]) -> Scored:
        seen = {**row, "meta": json.loads(row.get("meta") or "{}")}
        try:
            value = self.function(row["answer"], row["reference"], seen)
        except Exception as error:  # whatever the user's code does is the row's error and not ours
            return Scored(None, f"{self.name}: {type(error).__name__}: {error}{_line(error)}"[:300])
        if value is None:
            return Scored(None, f"{self.name} gave none")
        if isinstance(value, bool | int | float) and math.isfinite(value):
            return Scored(float(value)) if self.sides is None else self._share(self.sides, float(value))
        return Scored(None, f"{self.name} gave no number: {value!r}"[:300])

    def _share(self, sides: Sides, value: float) -> Scored:
        low, high = sides.scale
        if not low <= value <= high:
            return Scored(
                None, f"{self.name} gave {value:g}, which is not on its scale from {low:g} to {high:g}"
            )
        share = (value - low) / (high - low)
        return Scored(share if sides.better == "more" else 1 - share)


def custom(path: Path) -> Custom:
    """The metric of a file; ConfigError where it has no documented function `score`, or does not load."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--metric {path}: {error}", hint="it names a Python file") from error
    try:
        names = runpy.run_path(str(path), run_name=f"seatrial_metric_{path.stem}")
    except Exception as error:
        raise ConfigError(
            f"--metric {path}: {type(error).__name__}: {error}{_line(error)}", hint="it is run as Python"
        ) from error
    function = names.get(FUNCTION)
    if not inspect.isfunction(function):
        raise ConfigError(
            f"--metric {path}: it has no function `{FUNCTION}`",
            hint=f"def {FUNCTION}(answer, reference, row), with a docstring, which gives a number or None",
        )
    if len(inspect.signature(function).parameters) != 3:
        raise ConfigError(f"--metric {path}: {FUNCTION} takes (answer, reference, row)")
    meaning = (inspect.getdoc(function) or "").strip()
    if not meaning:
        raise ConfigError(
            f"--metric {path}: `{FUNCTION}` has no docstring", hint="a first line that says what it measures"
        )
    digest = blake2b(text, digest_size=16).hexdigest()
    return Custom(path.name, digest, meaning.splitlines()[0], function, _sides(path, names))


def _sides(path: Path, names: Mapping[str, Any]) -> Sides | None:
    """What the file says of its better side and its scale; None where it says neither."""
    better, scale = names.get("better"), names.get("scale")
    if better is None and scale is None:
        return None
    hint = 'better = "more" or "less", and scale = (0, 1): the least and the greatest number; both or neither'
    if better not in ("more", "less"):
        raise ConfigError(f"--metric {path}: `better` is {better!r}", hint=hint)
    if not isinstance(scale, tuple | list) or len(scale) != 2 or not all(map(_finite, scale)):
        raise ConfigError(f"--metric {path}: `scale` is {scale!r}", hint=hint)
    low, high = float(scale[0]), float(scale[1])
    if low >= high:
        raise ConfigError(f"--metric {path}: `scale` is {scale!r}", hint=hint)
    return Sides(better, (low, high))


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _line(error: Exception) -> str:
    """Where in the user's file it came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".py")]
    last = frames[-1] if frames else None
    inside = last is not None and not last.filename.startswith(str(Path(__file__).parent))
    return f" (line {last.lineno} of {Path(last.filename).name})" if last and inside else ""
