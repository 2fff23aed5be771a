"""`seatrial train --plan`: what would happen, said before a weight is loaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from curate.answer import Answer
from evalharness import base_facts
from evalharness.model_files import find_base
from train import batches, measured
from train.batches import Encoded
from train.outline import Settled, in_words, outline, settled, steps
from train.recipe import Recipe, Resolved
from train.rows import encode_rows, fit, named, token_counts

if TYPE_CHECKING:
    import polars as pl

    from curate.workspace import Workspace

BARS, BAR_WIDTH = 8, 40
COMPARED = 1_000  # rows, about, whose masks are found both ways; a run compares all


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
    every = max(1, rows.height // COMPARED)
    policies = {**recipe.policies, "unusable": "drop", "every": every}
    (encoded, out), (held, held_out) = (encode_rows(template, each, **policies) for each in (rows, judged))
    stops = [
        *([] if more.allow_unclean else objections),
        *_stops("training", encoded, out, context, recipe),
        *_stops("validation", held, held_out, context, recipe),
    ]
    against = [*(f"{each} (allowed)" for each in objections if more.allow_unclean), *stops]
    # until the person has chosen, as if the over-long rows were dropped
    kept, gate = fit(encoded, context, "drop" if recipe.over_long == "refuse" else recipe.over_long)
    counts = token_counts(kept)
    known = base_facts.facts(find_base(recipe.base), recipe.base, template.chat)
    choice = settled(loaded, recipe, max((len(row.ids) for row in kept), default=context))
    size, total, capped = choice.size, steps(_units(kept, recipe), recipe), caps(encoded, context)
    told = f"{judged.height:,} validation rows" if recipe.evaluate else "no validation"
    compared = f"each of {len(encoded):,} rows" if every == 1 else f"every {every}th of {len(encoded):,} rows (a run compares all)"  # fmt: skip
    lines = table(
        {
            "data": f"{name}: {rows.height:,} training rows, {told}; the test rows are not touched",
            "against it": "; ".join(against) or "nothing: scanned, nothing blocking open, split",
            "test": _test(more.readings),
            "base": f"{recipe.base}, {size.parameters:,} parameters, {choice.quantization} on {loaded.device}",
            **known,
            "tokens": f"{counts['tokens']:,} an epoch, {counts['trained']:,} of them trained on; context {context:,}",
            "steps": f"{total:,} of {recipe.batch_size * recipe.accumulate} rows each, {recipe.epochs} epochs",
            "trained": f"{size.trainable:,} of {size.parameters:,} parameters ({size.trainable / size.parameters:.2%})",
            "memory": f"about {in_words(size.memory)} by formula: weights {in_words(size.weights)}, adapter "
            f"{in_words(size.adapter)}, activations {in_words(size.activations)}; program and buffers come on top",
            "headroom": choice.why,
            **(_measured(choice, kept, total, more) if more.measure and kept else {}),
            "masks": f"{template.ways} agree on {compared}",
        }
    )
    lines += ["lengths", *histogram(encoded, context), *cap_lines(capped), *resolved.lines()]
    headroom = {"told": choice.why, "ways": choice.ways, "quantization": choice.quantization}
    data: dict[str, Any] = {
        **{"dataset": name, "rows": {"train": rows.height, "validation": validation.height}},
        **{"against": against, "test_readings": more.readings, "base": known, "caps": capped},
        "headroom": {**headroom, "gradient_checkpointing": choice.recipe.gradient_checkpointing},
        **{"tokens": counts, "lengths": [len(row.ids) for row in encoded]},
        "left_out": {**gate.record(), "unusable": [*out, *held_out]},
        **{"context": context, "steps": total, "quantization": choice.quantization},
        "estimate": {**asdict(size), "memory": size.memory},
        **{"settings": asdict(recipe), "given": dict(resolved.given), "defaults_for": resolved.why},
    }
    return Answer(lines, data, exit_code=1 if stops else 0)


def readings(workspace: Workspace, dataset: str) -> int:
    """How often models have answered the test rows of this version."""
    from evalharness.seal import TEST, predict_runs

    runs = (run for run in predict_runs(workspace) if run.dataset == dataset and run.split == TEST)
    return len({run.of for run in runs})


def _units(kept: Sequence[Encoded], recipe: Recipe) -> int:
    """What a step counts: rows, or pairs."""
    return len(kept) if recipe.objective in ("sft", "kto") else len(kept) // 2


def _test(readings: int) -> str:
    if not readings:
        return "sealed: no model has answered its rows"
    return f"not sealed: answered {readings:,} times before; settings that are chosen by it look better than they are"


def _measured(choice: Settled, kept: list[Encoded], total: int, more: More) -> dict[str, str]:
    """A step on the longest rows, by a base with its weights."""
    from train.cli import load_base

    recipe = choice.recipe
    found = measured.measure(load_base(choice), recipe, measured.longest(kept, recipe))
    share = total / max(1, steps(_units(kept, recipe), replace(recipe, max_steps=0)))  # of all epochs
    tokens = round(sum(len(row.ids) for row in kept) * recipe.epochs * min(1.0, share))
    return measured.told(found, tokens=tokens, steps=total, price=more.price)


def _stops(
    which: str, encoded: list[Encoded], out: tuple[str, ...], context: int, recipe: Recipe
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


def caps(rows: Sequence[Encoded], context: int) -> list[dict[str, int]]:
    """Rows over, and trained tokens lost by dropping or cutting them, at the context and at powers of two below the longest."""
    longest = max((len(row.ids) for row in rows), default=0)
    powers = (1 << each for each in range(5, 24))
    wanted = sorted({min(context, longest), *(cap for cap in powers if longest // 16 < cap < longest)})
    lost = {cap: {"cap": cap, "rows": 0, "drop": 0, "truncate": 0} for cap in wanted}
    for row in rows:
        over = [cap for cap in wanted if len(row.ids) > cap]
        sums = list(accumulate(row.trained, initial=0)) if over else []
        for cap in over:
            lost[cap]["rows"] += 1
            lost[cap]["drop"] += sums[-1]
            lost[cap]["truncate"] += sums[-1] - sums[cap]
    return list(lost.values())


def cap_lines(found: Sequence[dict[str, int]]) -> list[str]:
    """A line for each cap."""
    return [
        f"  context={each['cap']:,}: {each['rows']:,} rows over; trained tokens lost: {each['drop']:,} by drop, "
        f"{each['truncate']:,} by truncate"
        for each in found
    ]


def histogram(rows: Sequence[Encoded], context: int) -> list[str]:
    """Rows by length, in eighths of the longest that fits; the longer ones in a line of their own."""
    lengths = [len(row.ids) for row in rows]
    inside = [each for each in lengths if each <= context]
    width = max(1, math.ceil(max(inside, default=context) / BARS))
    bars = [
        (f"{low + 1:,} to {low + width:,} tokens", sum(1 for each in inside if low < each <= low + width))
        for low in range(0, width * BARS, width)
    ]
    bars.append((f"more than {context:,}", len(lengths) - len(inside)))
    most = max(count for _, count in bars)
    return [
        f"  {name:>24} {count:>7,}  {'#' * math.ceil(count / most * BAR_WIDTH)}".rstrip()
        for name, count in bars
        if count
    ]


def table(values: dict[str, Any]) -> list[str]:
    """`name: value` lines with the names in one column."""
    wide = max(map(len, values))
    return [f"{name:<{wide}}  {value}" for name, value in values.items()]
