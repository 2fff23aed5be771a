"""One real step on the longest rows: what it holds in memory and how long it takes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from curate.progress import duration
from evalharness.encoding.encode import Encoded
from evalharness.models.loaded import LoadedModel
from train.outline import steps_of_epoch, units
from train.recipe import Recipe
from train.trainer import build, go
from train.watch import peak_memory, quiet

STEPS = 2  # the first also makes buffers and compiles kernels; the second is the one that is told


@dataclass(frozen=True)
class Measured:
    """The second of two steps."""

    seconds: float
    tokens: int  # of the rows of the step, without padding
    peak: int  # bytes: on a GPU what tensors held at most, else what the whole process did

    @property
    def pace(self) -> float:
        """Tokens a second."""
        return self.tokens / max(self.seconds, 1e-9)


def longest(rows: Sequence[Encoded], recipe: Recipe) -> list[Encoded]:
    """The rows of the heaviest step, pairs together: as many as one step has, or two for an odd number of KTO's answers."""
    each, count = 2 if recipe.pairs else 1, recipe.batch_size * recipe.accumulate
    if recipe.objective == "kto" and count % 2 == 0:  # a pair gives a step two answers
        count //= 2
    together = [rows[at : at + each] for at in range(0, len(rows), each)]
    together.sort(key=lambda some: -max(len(row.ids) for row in some))
    return [row for some in together[:count] for row in some]


def measure(loaded: LoadedModel, recipe: Recipe, rows: Sequence[Encoded]) -> Measured:
    """Train two steps on `rows` with the real trainer, and throw the result away.

    `loaded` is a base with its weights; it is not to be used afterwards. ResourceError where memory ends.
    """
    once = replace(
        recipe,
        max_steps=STEPS,
        evaluate=False,
        evaluate_every=0,
        metric_rows=0,
        best_by="last",
        early_stopping=0,
        report_to=("none",),
    )
    with tempfile.TemporaryDirectory() as folder, quiet():
        trainer = build(loaded, once, rows, [], Path(folder), None).trainer
        watch = _stopwatch(loaded.device)
        trainer.add_callback(watch)
        if loaded.device == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()
        go(trainer, None)
    steps = max(1, steps_of_epoch(units(len(rows), recipe), recipe))
    return Measured(watch.seconds[-1], sum(len(row.ids) for row in rows) // steps, peak_memory(loaded.device))


def _stopwatch(device: str) -> Any:  # noqa: ANN401  a transformers.TrainerCallback
    """A callback that takes the time of each step."""
    import torch
    from transformers import TrainerCallback

    def now() -> float:
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    class Stopwatch(TrainerCallback):  # type: ignore[misc]  # the way TRL is told of its callbacks
        seconds: list[float]
        began = 0.0

        def on_train_begin(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
            self.seconds = []

        def on_step_begin(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
            self.began = now()

        def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
            self.seconds.append(now() - self.began)

    return Stopwatch()


def told(found: Measured, *, tokens: int, steps: int, price: float | None) -> dict[str, str]:
    """Lines for the plan. `tokens` and `steps` are of the whole run; `price` is of an hour."""
    usual, most = tokens / found.pace, found.seconds * steps
    usual = min(usual, most)
    lines = {
        "measured": f"a step on the longest rows ({found.tokens:,} tokens): {found.seconds:.2f} s, "
        f"{found.pace:,.0f} tokens/s, at most {found.peak / (1 << 30):.2f} GiB",
        "time": f"about {duration(usual)} by tokens, at most {duration(most)} were all rows so long; "
        "evaluations and checkpoints come on top",
    }
    if price is not None:
        lines["cost"] = (
            f"about {usual / 3600 * price:,.2f}, at most {most / 3600 * price:,.2f}, at {price:,.2f} an hour"
        )
    return lines
