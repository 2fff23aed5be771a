"""What an adapter says of itself: its card, and a run's answer; both from its training.json."""

from __future__ import annotations

import json
from typing import Any

from curate.progress import duration
from evalharness.encoding import diagnosis

TOY = (
    "The base is the toy model that comes with Seatrial. It proves that the loop works, and says nothing about "
    "the quality that a real model would reach."
)


def card(told: dict[str, Any]) -> str:
    """The adapter's README.md: front matter as the hub reads it, then the facts."""
    rows, settings, data = told["rows"], told["settings"], told["dataset"]
    unclean = (
        ["", "**Trained on data that did not pass the gate** (`--allow-unclean`):", ""]
        + [f"- {each}" for each in told["objections"]]
        if not told["clean"]
        else []
    )
    lost = told["lengths"]["train"]
    left_out = lost["unusable"] + told["lengths"]["validation"]["unusable"]
    length_lines = [f"- rows that cannot be trained on, left out: {len(left_out)}"] if left_out else []
    length_lines += (
        [
            f"- over-long rows ({lost['over_long']}, {lost['context']:,} tokens): {len(lost['dropped'])} dropped, "
            f"{len(lost['truncated'])} cut, {lost['trained_tokens_lost']:,} trained tokens lost"
        ]
        if lost["dropped"] or lost["truncated"]
        else []
    )
    return "\n".join(
        [
            "---",
            f"library_name: {'transformers' if told['method'] == 'full' else 'peft'}",
            f"base_model: {json.dumps(told['base'])}",
            f"tags: [{settings['method']}, {settings['objective']}, seatrial]",
            "---",
            "",
            f"# An adapter for {told['base']}",
            "",
            *([TOY, ""] if told["toy"] else []),
            f"- base: {told['base']}, {told['parameters']:,} parameters, digest `{told['base_digest']}`, "
            f"held as {told['quantization']} ({told['quantization_reason']})",
            f"- data: {data['name']}, digest `{data['digest']}`, "
            f"{rows['train']['rows']:,} training rows, {rows['validation']['rows']:,} validation rows",
            f"- data passed the gate (scanned, nothing blocking open, split): {'yes' if told['clean'] else 'no'}",
            f"- tokens: {rows['train']['tokens']:,} an epoch, {rows['train']['trained']:,} of them trained on "
            f"({told['masks']} agree)",
            *length_lines,
            *(f"- {line}" for line in pair_lines(told)),
            f"- trained: {told['method']}, {told['objective']}: {told['trainable']:,} parameters, {told['steps']:,} steps, {duration(told['seconds'])}",
            *unclean,
            "",
            *(f"- {line}" for line in diagnosis.lines(told.get("diagnosis", []))),
            "",
            "| epoch | loss | validation loss |",
            "| --- | --- | --- |",
            *(
                f"| {e['epoch']} | {_number(e['loss'])} | {_number(e['validation_loss'])} |"
                for e in told["losses"]
            ),
            "",
            "Settings: " + ", ".join(f"{key} {_word(value)}" for key, value in settings.items()) + ".",
            "",
            "Checks of this run:",
            "",
            *(f"- {each['line']}" for each in (*told["checks"], *told["does_not_apply"])),
            "",
        ]
    )


def pair_lines(told: dict[str, Any]) -> list[str]:
    """How validation pairs are told apart, where the objective was a preference."""
    found = told.get("pairs")
    if not found:
        return []
    if told["objective"] == "reward":
        return [
            f"validation pairs: the chosen answer scores higher in {found['right']:,} of "
            f"{found['validation']:,} ({found['right_before']:,} before training)"
        ]
    return [
        f"validation pairs: the chosen answer has gained on the rejected one in {found['lead_grew']:,} of "
        f"{found['validation']:,}, and is the likelier in {found['right']:,} ({found['right_before']:,} before)"
    ]


def _word(value: object) -> str:
    """A setting as it would stand in a recipe."""
    return ", ".join(value) if isinstance(value, tuple) else json.dumps(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def curve(told: dict[str, Any]) -> str:
    """The first and the last loss of an epoch, each kind where it was measured: an epoch may have no evaluation."""
    said = []
    for name, key in (("loss", "loss"), ("validation", "validation_loss")):
        found = [each[key] for each in told["losses"] if each[key] is not None]
        if found:
            ends = found if len(found) == 1 else (found[0], found[-1])
            said.append(f"{name} {' -> '.join(f'{loss:.3f}' for loss in ends)}")
    return ", ".join(said) or "no loss"


def summary(told: dict[str, Any]) -> list[str]:
    """What was trained on, what was left out, and what is to be thought of it."""
    rows = told["rows"]["train"]
    left = [len(gate["dropped"]) + len(gate["unusable"]) for gate in told["lengths"].values()]
    lines = [
        f"{rows['rows']:,} {'answers' if told.get('pairs') else 'rows'}, {rows['trained']:,} of "
        f"{rows['tokens']:,} tokens trained on an epoch, {told['steps']:,} steps in {duration(told['seconds'])}; "
        f"{told['trainable']:,} of {told['parameters']:,} parameters"
    ]
    if any(left):
        lines.append(
            f"left out: {left[0]:,} training rows, {left[1]:,} validation rows; training.json names them"
        )
    lines += [*pair_lines(told), *diagnosis.lines(told.get("diagnosis", []))]
    if told["objections"]:
        lines.append(f"trained on data that did not pass the gate: {'; '.join(told['objections'])}")
    return lines
