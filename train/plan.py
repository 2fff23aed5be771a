"""`seatrial train --plan`: what would happen, said before a weight is loaded."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from curate.answer import Answer
from train import batches
from train.outline import Estimate, estimate, histogram, outline, steps, table
from train.recipe import Resolved
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
    template = batches.template_of(loaded, recipe.train_on)
    context = min(recipe.context or loaded.context, loaded.context)
    judged = validation if recipe.evaluate else validation.clear()
    with quiet():
        encoded, out = encode_rows(template, rows, control_tokens=recipe.control_tokens, unusable="drop")
        held, held_out = encode_rows(template, judged, control_tokens=recipe.control_tokens, unusable="drop")
    over = [row for row in encoded if len(row.ids) > context]
    stops = [
        *([] if allow_unclean else objections),
        *_unusable("training", out, recipe.unusable),
        *_unusable("validation", held_out, recipe.unusable),
        *_too_long("training", encoded, context, recipe.over_long),
        *_too_long("validation", held, context, recipe.over_long),
    ]
    against = stops if not allow_unclean else [*(f"{each} (allowed)" for each in objections), *stops]
    kept, gate = (
        (encoded, None) if over and recipe.over_long == "refuse" else fit(encoded, context, recipe.over_long)
    )
    counts = token_counts(kept)
    longest = max((min(context, len(row.ids)) for row in kept), default=context)
    size = estimate(loaded, recipe, longest)
    total = steps(len(kept), recipe)
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
        "over_long": {"rows": [row.where for row in over], "gate": gate.record() if gate else None},
        "unusable": [*out, *held_out],
        "context": context,
        "steps": total,
        "quantization": loaded.facts["quantization"],
        "estimate": {**asdict(size), "memory": size.memory},
        "settings": asdict(recipe),
        "given": dict(resolved.given),
        "defaults_for": resolved.why,
    }
    return Answer(lines, data, exit_code=1 if stops else 0)


def _unusable(which: str, out: tuple[str, ...], policy: str) -> list[str]:
    """Why rows that cannot be trained on would stop the run; nothing if they are to be dropped."""
    return (
        [f"{len(out):,} {which} rows cannot be trained on: {named(out)}"]
        if out and policy == "refuse"
        else []
    )


def _too_long(which: str, encoded: list[batches.Encoded], context: int, policy: str) -> list[str]:
    """Why over-long rows would stop the run; nothing if a policy for them was chosen."""
    over = [row.where for row in encoded if len(row.ids) > context]
    if not over or policy != "refuse":
        return []
    lost = fit(encoded, context, "truncate")[1].lost
    gone = fit(encoded, context, "drop")[1].lost
    return [
        f"{len(over):,} {which} rows are over-long ({named(over)}): over_long=drop would lose "
        f"{gone:,} of their answers' tokens, truncate {lost:,}"
    ]


def _base(loaded: LoadedModel, base: str, size: Estimate) -> str:
    facts = loaded.facts
    return f"{base}, {size.parameters:,} parameters, {facts['quantization']} on {loaded.device} ({facts['quantization_reason']})"


def _bytes(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / MIB:.1f} MiB"
