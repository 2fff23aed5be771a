"""`seatrial train --plan`: what would happen, said before a weight is loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from curate.answer import Answer
from evalharness.model_files import find_base
from train import batches, measured, preflight
from train.outline import (
    Estimate,
    cap_lines,
    caps,
    estimate,
    headroom,
    histogram,
    in_words,
    outline,
    steps,
    table,
)
from train.recipe import Recipe, Resolved
from train.rows import encode_rows, fit, named, token_counts
from train.watch import quiet

if TYPE_CHECKING:
    import polars as pl

    from evalharness.models import LoadedModel


@dataclass(frozen=True)
class More:
    """What the command line asks of a plan beside the recipe, and what the workspace knows."""

    allow_unclean: bool = False
    measure: bool = False  # load the weights, and take one step
    price: float | None = None  # of an hour
    readings: int = 0  # of the test rows, by models


def plan(
    resolved: Resolved,
    name: str,
    rows: pl.DataFrame,
    validation: pl.DataFrame,
    objections: list[str],
    more: More = More(),
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
        *([] if more.allow_unclean else objections),
        *_stops("training", encoded, out, context, recipe),
        *_stops("validation", held, held_out, context, recipe),
    ]
    against = [*(f"{each} (allowed)" for each in objections if more.allow_unclean), *stops]
    # until the person has chosen, as if the over-long rows were dropped
    kept, gate = fit(encoded, context, "drop" if recipe.over_long == "refuse" else recipe.over_long)
    counts = token_counts(kept)
    size, total = _sizes(loaded, recipe, kept, context)
    known = preflight.facts(find_base(recipe.base), recipe.base, template)
    room = headroom(loaded, recipe, max((len(row.ids) for row in kept), default=context))
    capped = caps(encoded, context)
    told = f"{judged.height:,} validation rows" if recipe.evaluate else "no validation"
    lines = table(
        {
            "data": f"{name}: {rows.height:,} training rows, {told}; the test rows are not touched",
            "against it": "; ".join(against) or "nothing: scanned, nothing blocking open, split",
            "test": _test(more.readings),
            "base": _base(loaded, recipe.base, size),
            **known,
            "tokens": f"{counts['tokens']:,} an epoch, {counts['trained']:,} of them trained on; context {context:,}",
            "steps": f"{total:,} of {recipe.batch_size * recipe.accumulate} rows each, {recipe.epochs} epochs",
            "trained": _share(size),
            "memory": _memory(size),
            "headroom": room["told"],
            **(_measured(resolved, kept, total, more) if more.measure and kept else {}),
            "masks": f"{template.ways} agree on each of {len(encoded):,} rows",
        }
    )
    lines += ["lengths", *histogram(encoded, context), *cap_lines(capped), *resolved.lines()]
    data: dict[str, Any] = {
        **{"dataset": name, "rows": {"train": rows.height, "validation": validation.height}},
        "against": against,
        **{"test_readings": more.readings, "base": known, "headroom": room, "caps": capped},
        "tokens": counts,
        "lengths": [len(row.ids) for row in encoded],
        "left_out": {**gate.record(), "unusable": [*out, *held_out]},
        **{"context": context, "steps": total, "quantization": loaded.facts["quantization"]},
        "estimate": {**asdict(size), "memory": size.memory},
        **{"settings": asdict(recipe), "given": dict(resolved.given), "defaults_for": resolved.why},
    }
    return Answer(lines, data, exit_code=1 if stops else 0)


def _share(size: Estimate) -> str:
    return f"{size.trainable:,} of {size.parameters:,} parameters ({size.trainable / size.parameters:.2%})"


def _memory(size: Estimate) -> str:
    return (
        f"about {in_words(size.memory)} by formula: weights {in_words(size.weights)}, adapter "
        f"{in_words(size.adapter)}, activations {in_words(size.activations)}; program and buffers come on top"
    )


def _test(readings: int) -> str:
    if not readings:
        return "sealed: no model has answered its rows"
    return f"not sealed: answered {readings:,} times before; settings that are chosen by it look better than they are"


def _measured(resolved: Resolved, kept: list[batches.Encoded], total: int, more: More) -> dict[str, str]:
    """A step on the longest rows, by a base with its weights."""
    from train.cli import load_base

    recipe = resolved.recipe
    found = measured.measure(load_base(recipe), recipe, measured.longest(kept, recipe))
    tokens = sum(len(row.ids) for row in kept) * recipe.epochs
    if recipe.max_steps:
        tokens = round(tokens * min(1.0, total / max(1, _all_steps(kept, recipe))))
    return measured.told(found, tokens=tokens, steps=total, price=more.price)


def _all_steps(kept: list[batches.Encoded], recipe: Recipe) -> int:
    """Steps of all epochs, whatever `max_steps` says."""
    count = len(kept) if recipe.objective in ("sft", "kto") else len(kept) // 2  # pairs
    return steps(count, replace(recipe, max_steps=0))


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
