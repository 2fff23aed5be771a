"""A metric of the user's own: one Python file with a function `score`.

    def score(answer, reference, row):
        \"\"\"What it measures.\"\"\"
        return float("please" in answer)

`row` has example_id, question, reference, reference_label, meta (the source's other columns), answer,
choice, finish_reason, answer_tokens, seconds. It returns a number, or None where it cannot score. The file
is run as any program of the user is; nothing of it comes from data.
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
from typing import Any, ClassVar

import polars as pl

from curate.errors import ConfigError
from evalharness.metrics.rows import Scored, score_rows

FUNCTION = "score"


@dataclass(frozen=True)
class Custom:
    """The function of one file, by the digest of its text."""

    name: str
    digest: str
    meaning: str  # first line of its documentation
    function: Callable[..., object] = field(repr=False, compare=False)
    version: ClassVar[int] = 1

    def settings(self) -> dict[str, object]:
        """What the ledger keeps of it."""
        return {"digest": self.digest, "meaning": self.meaning}

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
            return Scored(float(value))
        return Scored(None, f"{self.name} gave no number: {value!r}"[:300])


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
    return Custom(path.name, digest, meaning.splitlines()[0], function)


def _line(error: Exception) -> str:
    """Where in the user's file it came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".py")]
    last = frames[-1] if frames else None
    inside = last is not None and not last.filename.startswith(str(Path(__file__).parent))
    return f" (line {last.lineno} of {Path(last.filename).name})" if last and inside else ""
