"""`seatrial train --plan`: what would happen, said before a weight is loaded."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from curate.answer import Answer
from evalharness.encoding import encode as batches
from evalharness.encoding.encode import Encoded
from evalharness.encoding.losses import answered
from evalharness.encoding.rows import encode_rows, fit, named, token_counts
from evalharness.models import base_facts
from evalharness.models.model_files import find_base
from train import measured
from train.job import Job
from train.outline import Settled, in_words, load_base, outline, settled, steps, steps_of_epoch, units
from train.recipe import Recipe

if TYPE_CHECKING:
    from curate.workspace import Workspace

BARS, BAR_WIDTH = 8, 40
COMPARED = 1_000  # rows, about, whose masks are found both ways; a run compares all


@dataclass(frozen=True)
class More:
    """What the command line asks of a plan beside the recipe."""

    allow_unclean: bool = False
    measure: bool = False  # load the weights, and take one step
    price: float | None = None  # of an hour


def planned(job: Job, more: More) -> Answer:
    """Rows, lengths, steps, sizes, defaults and what speaks against it; exit code 1 if that would stop it."""
    resolved, rows, validation, objections = job.resolved, job.rows, job.validation, job.objections
    recipe, read = resolved.recipe, readings(job.workspace, job.dataset)
    loaded = outline(recipe)
    template, context = batches.template_of(loaded, recipe.turns), recipe.room(loaded.context)
    judged = validation if recipe.evaluate else validation.clear()
    every = max(1, rows.height // COMPARED)
    policies = {**recipe.policies, "unusable": "drop", "every": every}
    (encoded, out), (held, held_out) = (encode_rows(template, each, **policies) for each in (rows, judged))
    stops = [] if more.allow_unclean else list(objections)
    stops += _stops("training", encoded, out, context, recipe)
    stops += _stops("validation", held, held_out, context, recipe)
    against = [*(f"{each} (allowed)" for each in objections if more.allow_unclean), *stops]
    # until the person has chosen, as if the over-long rows were dropped
    policy = "drop" if recipe.over_long == "refuse" else recipe.over_long
    kept, gate = fit(encoded, context, policy, pairs=recipe.pairs)
    counts = token_counts(kept)
    known = base_facts.facts(find_base(recipe.base), recipe.base, template.chat)
    choice = settled(loaded, recipe, max((len(row.ids) for row in kept), default=context))
    size, capped = choice.size, caps(encoded, context, pairs=recipe.pairs)
    total, epochs, passed = _length_of_run(kept, recipe)
    told = f"{judged.height:,} validation rows" if recipe.evaluate else "no validation"
    compared = f"each of {len(encoded):,} rows" if every == 1 else f"every {every}th of {len(encoded):,} rows (a run compares all)"  # fmt: skip
    lines = table(
        {
            "data": f"{job.name}: {rows.height:,} training rows, {told}; the test rows are not touched",
            "against it": "; ".join(against) or "nothing: scanned, nothing blocking open, split",
            "test": _test(read),
            "base": f"{recipe.base}, {size.parameters:,} parameters, {choice.quantization} on {loaded.device}",
            **known,
            "tokens": f"{counts['tokens']:,} an epoch, {counts['trained']:,} of them trained on; context {context:,}",
            "steps": f"{total:,} of {recipe.batch_size * recipe.accumulate} {_unit(recipe)} each, {epochs:.4g} epochs, {passed:,} tokens",
            "trained": f"{size.trainable:,} of {size.parameters:,} parameters ({size.trainable / size.parameters:.2%})",
            "memory": f"about {in_words(size.memory)} by formula: weights {in_words(size.weights)}, adapter "
            f"{in_words(size.adapter)}, activations {in_words(size.activations)}; program and buffers come on top",
            "headroom": choice.why,
            **(_measured(choice, kept, passed, total, more) if more.measure and kept else {}),
            "masks": f"{template.ways} agree on {compared}",
        }
    )
    lines += ["lengths", *histogram(encoded, context), *cap_lines(capped), *resolved.lines()]
    headroom = {"told": choice.why, "ways": choice.ways, "quantization": choice.quantization}
    data: dict[str, Any] = {
        **{"dataset": job.name, "rows": {"train": rows.height, "validation": validation.height}},
        **{"against": against, "test_readings": read, "base": known, "caps": capped},
        "headroom": {**headroom, "gradient_checkpointing": choice.recipe.gradient_checkpointing},
        **{"tokens": counts, "lengths": [len(row.ids) for row in encoded]},
        "left_out": {**gate.record(), "unusable": [*out, *held_out]},
        **{"context": context, "steps": total, "epochs": epochs, "tokens_of_all_epochs": passed},
        **{"quantization": choice.quantization, "estimate": {**asdict(size), "memory": size.memory}},
        **{"settings": asdict(recipe), "given": dict(resolved.given), "defaults_for": resolved.why},
    }
    return Answer(lines, data, exit_code=1 if stops else 0)


def _length_of_run(kept: list[Any], recipe: Any) -> tuple[int, float, int]:  # noqa: ANN401
    """(steps, epochs, tokens that pass); `max_steps` may end within an epoch, or beyond the last."""
    count = units(len(kept), recipe)
    total = steps(count, recipe)
    epochs = total / max(1, steps_of_epoch(count, recipe))
    tokens = sum(len(answered(row) if recipe.pairs else row.ids) for row in kept)
    return total, epochs, round(epochs * tokens)


def readings(workspace: Workspace, dataset: str) -> int:
    """How often models have answered the test rows of this version."""
    from evalharness.deciding.seal import TEST, predict_runs

    runs = (run for run in predict_runs(workspace) if run.dataset == dataset and run.split == TEST)
    return len({run.of for run in runs})


def _unit(recipe: Recipe) -> str:
    """What a step counts."""
    return {"sft": "rows", "kto": "answers"}.get(recipe.objective, "pairs")


def _test(readings: int) -> str:
    if not readings:
        return "sealed: no model has answered its rows"
    return f"not sealed: answered {readings:,} times before; settings that are chosen by it look better than they are"


def _measured(choice: Settled, kept: list[Encoded], tokens: int, total: int, more: More) -> dict[str, str]:
    """A step on the longest rows, by a base with its weights."""
    found = measured.measure(load_base(choice), choice.recipe, measured.longest(kept, choice.recipe))
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
        gone, lost = (
            fit(encoded, context, policy, pairs=recipe.pairs)[1].lost for policy in ("drop", "truncate")
        )
        reasons.append(
            f"{len(over):,} {which} rows are over-long ({named(over)}): over_long=drop would lose "
            f"{gone:,} of their answers' tokens, truncate {lost:,}"
        )
    return reasons


def caps(rows: Sequence[Encoded], context: int, *, pairs: bool = False) -> list[dict[str, int]]:
    """Rows over, and trained tokens lost by dropping or cutting them, at the context and at powers of two below the longest."""
    longest, each = max((len(row.ids) for row in rows), default=0), 2 if pairs else 1
    powers = (1 << power for power in range(5, 24))
    found = []
    for cap in sorted({min(context, longest), *(cap for cap in powers if longest // 16 < cap < longest)}):
        together = (rows[at : at + each] for at in range(0, len(rows), each))
        touched = [row for some in together if any(len(row.ids) > cap for row in some) for row in some]
        lost = {policy: fit(touched, cap, policy, pairs=pairs)[1].lost for policy in ("drop", "truncate")}
        found.append({"cap": cap, "rows": sum(len(row.ids) > cap for row in touched), **lost})
    return found


def cap_lines(found: Sequence[dict[str, int]]) -> list[str]:
    """A line for each cap."""
    return [
        f"  context={each['cap']:,}: {each['rows']:,} rows over; trained tokens lost: {each['drop']:,} by drop, "
        f"{each['truncate']:,} by truncate"
        for each in found
    ]


def histogram(rows: Sequence[Encoded], context: int) -> list[str]:
    """Rows by length, in eighths of the longest that fits; the longer ones in a line of their own."""
    width = max(
        1, math.ceil(max((len(r.ids) for r in rows if len(r.ids) <= context), default=context) / BARS)
    )
    bars = Counter(BARS if len(row.ids) > context else (len(row.ids) - 1) // width for row in rows)
    told = [f"{at * width + 1:,} to {(at + 1) * width:,} tokens" for at in range(BARS)]
    return [
        f"  {[*told, f'more than {context:,}'][at]:>24} {count:>7,}  "
        + "#" * math.ceil(count / max(bars.values()) * BAR_WIDTH)
        for at, count in sorted(bars.items())
    ]


def table(values: dict[str, Any]) -> list[str]:
    """`name: value` lines with the names in one column."""
    wide = max(map(len, values))
    return [f"{name:<{wide}}  {value}" for name, value in values.items()]
