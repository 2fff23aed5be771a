"""Any metric of Hugging Face `evaluate`, by name or by the path of its script.

It is imported when it is used and not before. A name is looked up on the hub, whose script is then run; a
path needs no network. Each row is scored by itself, so what a metric of the whole (BLEU) gives for all rows
together is another number than the mean that is told here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from curate.errors import ConfigError, MissingExtraError, ResourceError
from evalharness.metrics.rows import NO_REFERENCE, Scored, score_rows

PREFIX = "evaluate:"


@dataclass(frozen=True)
class FromEvaluate:
    """One number of one of its metrics: `evaluate:NAME`, or `evaluate:NAME#KEY` where it gives several."""

    name: str
    key: str | None
    digest: str | None  # of the script, where a path was given
    metric: Any = field(repr=False, compare=False)
    version: ClassVar[int] = 1

    def settings(self) -> dict[str, object]:
        """What the ledger keeps of it."""
        return {"key": self.key, "digest": self.digest, "evaluate": _evaluate().__version__}

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where the row has no reference, or the metric raises or gives no number."""
        return score_rows(predictions, self._one)

    def _one(self, row: Mapping[str, Any]) -> Scored:
        if not row["reference"]:
            return Scored(None, NO_REFERENCE)
        try:
            found = self.metric.compute(predictions=[row["answer"]], references=[row["reference"]])
        except Exception as error:  # whatever another's metric does is the row's error and not ours
            return Scored(None, f"{self.name}: {type(error).__name__}: {error}"[:300])
        value = self._number(found)
        if value is None:
            return Scored(None, f"{self.name} gave no number: {found!r}"[:300])
        return Scored(value)

    def _number(self, found: Mapping[str, Any]) -> float | None:
        numbers = {
            key: float(value)
            for key, value in (found or {}).items()
            if isinstance(value, int | float) or getattr(value, "ndim", None) == 0
        }
        if self.key is None and len(numbers) > 1 and self._base not in numbers:
            raise ConfigError(
                f"--metric {self.name}: it gives several numbers: {', '.join(numbers)}",
                hint=f"--metric {self.name}#{next(iter(numbers))}",
            )
        value = (
            numbers.get(self.key or self._base)
            if len(numbers) > 1 or self.key
            else next(iter(numbers.values()), None)
        )
        return value if value is not None and math.isfinite(value) else None

    @property
    def _base(self) -> str:
        return Path(self.name.removeprefix(PREFIX)).stem


def from_evaluate(name: str) -> FromEvaluate:
    """The metric that `evaluate:NAME`, `evaluate:PATH` or either with `#KEY` names.

    MissingExtraError without the package; ResourceError where a name cannot be fetched; ConfigError where
    the metric lacks a package of its own or takes no texts.
    """
    reference, _, key = name.removeprefix(PREFIX).partition("#")
    script = _script(Path(reference))
    evaluate = _evaluate()
    try:
        metric = evaluate.load(str(script) if script else reference)
    except ImportError as error:
        raise ConfigError(f"--metric {name}: {_first(error)}", hint="install what it names") from error
    except (OSError, ConnectionError, ValueError) as error:
        raise ResourceError(
            f"--metric {name}: `evaluate` could not load it: {_first(error)}",
            hint="a name is fetched from the hub, which needs a network; evaluate:PATH of its script does not",
        ) from error
    texts = _features(metric)
    if not {"predictions", "references"} <= set(texts) or "string" not in str(texts["predictions"]):
        raise ConfigError(
            f"--metric {name}: it takes {', '.join(f'{k} as {v}' for k, v in texts.items())}",
            hint="answers and references are texts; for labels ours has accuracy and F1",
        )
    digest = blake2b(script.read_bytes(), digest_size=16).hexdigest() if script else None
    return FromEvaluate(name.partition("#")[0], key or None, digest, metric)


def _script(path: Path) -> Path | None:
    """The script that a path names: a file, or a folder that has one of its name."""
    if path.is_file():
        return path
    inner = path / f"{path.name}.py"
    return inner if inner.is_file() else None


def _features(metric: Any) -> dict[str, str]:  # noqa: ANN401
    """What it takes: each input with its type. Of several forms, the first."""
    features = metric.features
    first = features[0] if isinstance(features, list) else features
    return {key: str(getattr(value, "dtype", value)) for key, value in first.items()}


def _evaluate() -> Any:  # noqa: ANN401
    try:
        import evaluate
    except ImportError as error:
        raise MissingExtraError("evaluate", "train") from error
    return evaluate


def _first(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
