"""`seatrial train --plan`: what would happen, said before a weight is loaded."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from curate.answer import Answer
from train import batches
from train.outline import Estimate, estimate, histogram, outline, steps, table
from train.recipe import Recipe, Resolved
from train.rows import encode_rows, fit, named, token_counts
from train.watch import quiet

if TYPE_CHECKING:
    import polars as pl

    from evalharness.models import LoadedModel

GIB, MIB = 1 << 30, 1 << 20


def plan(
    resolved: Resolved,
    name: str,
    rows: pl.DataFrame,
    validation: pl.DataFrame,
    objections: list[str],
    *,
    allow_unclean: bool = False,
) -> Answer:
    """Rows, lengths, steps, sizes, defaults and what speaks against it; exit code 1 if that would stop it."""
    recipe = resolved.recipe
    loaded = outline(recipe)
    template, context = batches.template_of(loaded, recipe.turns), recipe.room(loaded.context)
    judged = validation if recipe.evaluate else validation.clear()
    with quiet():
        (encoded, out), (held, held_out) = (
            encode_rows(template, each, **{**recipe.policies, "unusable": "drop"}) for each in (rows, judged)
        )
    stops = [
        *([] if allow_unclean else objections),
        *_stops("training", encoded, out, context, recipe),
        *_stops("validation", held, held_out, context, recipe),
    ]
    against = stops if not allow_unclean else [*(f"{each} (allowed)" for each in objections), *stops]
    # until the person has chosen, as if the over-long rows were dropped
    kept, gate = fit(encoded, context, "drop" if recipe.over_long == "refuse" else recipe.over_long)
    counts = token_counts(kept)
    size, total = _sizes(loaded, recipe, kept, context)
    told = f"{judged.height:,} validation rows" if recipe.evaluate else "no validation"
    lines = table(
        {
            "data": f"{name}: {rows.height:,} training rows, {told}; the test rows are not touched",
            "against it": "; ".join(against) or "nothing: scanned, nothing blocking open, split",
            "base": _base(loaded, recipe.base, size),
            "tokens": f"{counts['tokens']:,} an epoch, {counts['trained']:,} of them trained on; context {context:,}",
            "steps": f"{total:,} of {recipe.batch_size * recipe.accumulate} rows each, {recipe.epochs} epochs",
            "trained": f"{size.trainable:,} of {size.parameters:,} parameters "
            f"({size.trainable / size.parameters:.2%})",
            "memory": f"about {_bytes(size.memory)} by formula: weights {_bytes(size.weights)}, adapter "
            f"{_bytes(size.adapter)}, activations {_bytes(size.activations)}; program and buffers come on top",
            "masks": f"{template.ways} agree on each of {len(encoded):,} rows",
        }
    )
    lines += ["lengths", *histogram(encoded, context), *resolved.lines()]
    data: dict[str, Any] = {
        "dataset": name,
        "rows": {"train": rows.height, "validation": validation.height},
        "against": against,
        "tokens": counts,
        "lengths": [len(row.ids) for row in encoded],
        "left_out": {**gate.record(), "unusable": [*out, *held_out]},
        "context": context,
        "steps": total,
        "quantization": loaded.facts["quantization"],
        "estimate": {**asdict(size), "memory": size.memory},
        "settings": asdict(recipe),
        "given": dict(resolved.given),
        "defaults_for": resolved.why,
    }
    return Answer(lines, data, exit_code=1 if stops else 0)


def _sizes(
    loaded: LoadedModel, recipe: Recipe, kept: list[batches.Encoded], context: int
) -> tuple[Estimate, int]:
    """The estimate for the longest row that is left, and the steps."""
    longest = max((len(row.ids) for row in kept), default=context)
    count = len(kept) if recipe.objective in ("sft", "kto") else len(kept) // 2  # pairs
    return estimate(loaded, recipe, longest), steps(count, recipe)


def _stops(
    which: str, encoded: list[batches.Encoded], out: tuple[str, ...], context: int, recipe: Recipe
) -> list[str]:
    """Why rows would stop the run: those that cannot be trained on, and over-long ones."""
    reasons = []
    if out and recipe.unusable == "refuse":
        reasons.append(f"{len(out):,} {which} rows cannot be trained on: {named(out)}")
    over = [row.where for row in encoded if len(row.ids) > context]
    if over and recipe.over_long == "refuse":
        gone, lost = (fit(encoded, context, policy)[1].lost for policy in ("drop", "truncate"))
        reasons.append(
            f"{len(over):,} {which} rows are over-long ({named(over)}): over_long=drop would lose "
            f"{gone:,} of their answers' tokens, truncate {lost:,}"
        )
    return reasons


def _base(loaded: LoadedModel, base: str, size: Estimate) -> str:
    facts = loaded.facts
    return f"{base}, {size.parameters:,} parameters, {facts['quantization']} on {loaded.device} ({facts['quantization_reason']})"


def _bytes(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / MIB:.1f} MiB"
