"""`seatrial train --plan`: what would happen, said before a weight is loaded."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from curate.answer import Answer, counted
from curate.progress import duration
from curate.pulse import peak
from curate.workspace import Workspace
from evalharness.encoding.encode import Encoded, template_of
from evalharness.encoding.lengths import cap_lines, caps, histogram, lost
from evalharness.encoding.losses import answered
from evalharness.encoding.rows import encode_rows, fit, named, token_counts
from evalharness.models.base_facts import facts
from evalharness.models.model_files import find_base
from train import processes
from train.job import Job
from train.outline import Settled, in_words, load_base, outline, settled, steps, steps_of_epoch, units
from train.recipe import ALONE, Recipe
from train.sft import Asked, Rows
from train.trainer import build, callback, go
from train.watch import quiet

STEPS = 2  # measured: the first also makes buffers and compiles kernels; the second is the one that is told
UNITS = {"sft": "rows", "kto": "answers"}  # what a step counts; pairs else
COMPARED = 1_000  # rows, about, whose masks are found both ways; a run compares all


def planned(job: Job, *, allow_unclean: bool, measured: bool, price: float | None) -> Answer:
    """What would happen and what speaks against it; exit code 1 if that would stop it. `price` is of an hour, of what was measured."""
    resolved, recipe, read = job.resolved, job.resolved.recipe, readings(job.workspace, job.dataset)
    loaded = outline(recipe)
    template, context = template_of(loaded, recipe.turns), recipe.room(loaded.context)
    every = max(1, job.rows.height // COMPARED)
    policies = {**recipe.policies, "unusable": "drop", "every": every}
    parts = (encode_rows(template, each, **policies) for each in (job.rows, job.judged))
    (encoded, out), (held, held_out) = parts
    against = [f"{each} (allowed)" for each in job.objections if allow_unclean]
    stops = [] if allow_unclean else list(job.objections)
    stops += _stops("training", encoded, out, context, recipe)
    stops += _stops("validation", held, held_out, context, recipe)
    policy = "drop" if recipe.over_long == "refuse" else recipe.over_long  # until a person has chosen
    kept, gate = fit(encoded, context, policy, pairs=recipe.pairs)
    stops += [] if kept else ["no training row is left"]
    against += stops
    over = gate.dropped if recipe.over_long == "drop" else ()
    left = [*(out if recipe.unusable == "drop" else ()), *over]
    counts, known = token_counts(kept), facts(find_base(recipe.base), recipe.base, template.chat)
    choice = settled(loaded, recipe, max((len(row.ids) for row in kept), default=context))
    size, capped = choice.size, caps(encoded, context, pairs=recipe.pairs)
    count = units(len(kept), recipe)
    total = steps(count, recipe)
    epochs = total / max(1, steps_of_epoch(count, recipe))  # no whole number where `max_steps` ends it
    passed = round(epochs * sum(len(answered(row) if recipe.pairs else row.ids) for row in kept))
    lines = table(
        {
            "data": f"{job.name}: {counted(job.rows.height, 'training row')}, "
            f"{counted(job.judged.height, 'validation row') if recipe.evaluate else 'no validation'}; the test rows are not touched",
            "against it": "; ".join(against) or "nothing: scanned, nothing blocking open, split",
            **({"left out": f"{counted(len(left), 'training row')}: {named(left)}"} if left else {}),
            "test": f"not sealed: answered {read:,} times before; settings that are chosen by it look better than they are"
            if read else "sealed: no model has answered its rows",
            "base": f"{recipe.base}, {size.parameters:,} parameters, {choice.quantization} on {loaded.device}",
            **known,
            "tokens": f"{counts['tokens']:,} an epoch, {counts['trained']:,} of them trained on; context {context:,}",
            "steps": f"{total:,} of {recipe.batch_size * recipe.accumulate * processes.count()} {UNITS.get(recipe.objective, 'pairs')} each, {epochs:.4g} epochs, {passed:,} tokens",
            "trained": f"{size.trainable:,} of {size.parameters:,} parameters ({size.trainable / size.parameters:.2%})",
            "memory": f"about {in_words(size.memory)} by formula: weights {in_words(size.weights)}, adapter "
            f"{in_words(size.adapter)}, activations {in_words(size.activations)}; program and buffers come on top",
            "headroom": choice.why,
            **(measured_lines(measure(choice, longest(kept, recipe)), passed, total, price) if measured and kept else {}),
            "masks": f"{template.ways} agree on each of {len(encoded):,} rows" if every == 1
            else f"{template.ways} agree on every {every}th of {len(encoded):,} rows (a run compares all)",
        }
    )  # fmt: skip
    lines += ["lengths", *histogram(encoded, context), *cap_lines(capped), *resolved.lines()]
    headroom = {"told": choice.why, "ways": choice.ways, "quantization": choice.quantization}
    data: dict[str, Any] = {
        **{"dataset": job.name, "rows": {"train": job.rows.height, "validation": job.validation.height}},
        **{"against": against, "test_readings": read, "base": known, "caps": capped},
        "headroom": {**headroom, "gradient_checkpointing": choice.recipe.gradient_checkpointing},
        **{"tokens": counts, "lengths": [len(row.ids) for row in encoded]},
        "left_out": {**gate.record(), "unusable": [*out, *held_out]},
        **{"context": context, "steps": total, "epochs": epochs, "tokens_of_all_epochs": passed},
        **{"quantization": choice.quantization, "estimate": {**asdict(size), "memory": size.memory}},
        **{"settings": asdict(recipe), "given": dict(resolved.given), "defaults_for": resolved.why},
    }
    return Answer(lines, data, exit_code=1 if stops else 0)


def readings(workspace: Workspace, dataset: str) -> int:
    """How often models have answered the test rows of this version."""
    from evalharness.deciding.seal import TEST, predict_runs

    runs = (run for run in predict_runs(workspace) if run.dataset == dataset and run.split == TEST)
    return len({run.of for run in runs})


def _stops(
    which: str, encoded: list[Encoded], out: tuple[str, ...], context: int, recipe: Recipe
) -> list[str]:
    """Why rows would stop the run: those that cannot be trained on, and over-long ones."""
    reasons = []
    if out and recipe.unusable == "refuse":
        reasons.append(f"{counted(len(out), f'{which} row')} cannot be trained on: {named(out)}")
    over = [row.where for row in encoded if len(row.ids) > context]
    if over and recipe.over_long == "refuse":
        gone = lost(encoded, context, pairs=recipe.pairs)
        what = f"{counted(len(over), f'{which} row')} over-long ({named(over)})"
        policies = f"over_long=drop would lose {gone['drop']:,} of their answers' tokens, truncate {gone['truncate']:,}"
        reasons.append(f"{what}: {policies}")
    return reasons


def table(values: dict[str, Any]) -> list[str]:
    """`name: value` lines with the names in one column."""
    wide = max(map(len, values))
    return [f"{name:<{wide}}  {value}" for name, value in values.items()]


class Measured(NamedTuple):
    """The second of two steps."""

    seconds: float
    tokens: int  # of the rows of the step, without padding
    peak: int  # bytes: on a GPU what tensors held at most, else what the whole process did


def longest(rows: Rows, recipe: Recipe) -> list[Encoded]:
    """The rows of the heaviest step, pairs together: as many as one step has, or two for an odd number of KTO's answers."""
    each, count = 2 if recipe.pairs else 1, recipe.batch_size * recipe.accumulate
    if recipe.objective == "kto" and count % 2 == 0:  # a pair gives a step two answers
        count //= 2
    together = [rows[at : at + each] for at in range(0, len(rows), each)]
    together.sort(key=lambda some: -max(len(row.ids) for row in some))
    return [row for some in together[:count] for row in some]


def measure(choice: Settled, rows: Rows) -> Measured:
    """Train two steps on `rows` with the real trainer, and throw the result away. ResourceError where memory ends."""
    import torch

    loaded, recipe, moments = load_base(choice), choice.recipe, list[float]()

    def moment(*_: Any, **__: Any) -> None:  # noqa: ANN401
        if loaded.device == "cuda":
            torch.cuda.synchronize()
        moments.append(time.perf_counter())

    once = replace(recipe, **ALONE, max_steps=STEPS)
    quiet()
    with tempfile.TemporaryDirectory() as folder:
        trainer = build(Asked(loaded, once, rows), Path(folder), None).trainer
        trainer.add_callback(callback(on_step_begin=moment, on_step_end=moment))
        if loaded.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        go(trainer, None)
    tokens = sum(len(row.ids) for row in rows) // max(1, steps_of_epoch(units(len(rows), recipe), recipe))
    return Measured(moments[-1] - moments[-2], tokens, peak())


def measured_lines(found: Measured, tokens: int, steps: int, price: float | None) -> dict[str, str]:
    """For the plan. `tokens` and `steps` are of the whole run; `price` is of an hour."""
    pace, most = found.tokens / max(found.seconds, 1e-9), found.seconds * steps
    usual = min(tokens / pace, most)
    lines = {
        "measured": f"a step on the longest rows ({found.tokens:,} tokens): {found.seconds:.2f} s, "
        f"{pace:,.0f} tokens/s, at most {found.peak / (1 << 30):.2f} GiB",
        "time": f"about {duration(usual)} by tokens, at most {duration(most)} were all rows so long; "
        "evaluations and checkpoints come on top",
    }
    if price is not None:
        about, at_most = usual / 3600 * price, most / 3600 * price
        lines["cost"] = f"about {about:,.2f}, at most {at_most:,.2f}, at {price:,.2f} an hour"
    return lines
