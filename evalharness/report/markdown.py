"""The report as Markdown, in the same order; text from data can neither format nor link."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from curate.visible import visible
from evalharness import wording
from evalharness.comparison import Comparison, ExampleRow
from evalharness.report.tables import metric_lines, right_word
from evalharness.verdict import verdict_block

EXAMPLES = 20
_PUNCTUATION = re.compile(r"([!#$&()*+\-.:<>@\[\\\]^_`{|}~])")


def escaped(text: str) -> str:
    """Text on one line in which no character means anything to Markdown, nor to HTML inside it."""
    return (
        _PUNCTUATION.sub(r"\\\1", visible(text, lines=False)).replace("\\<", "&lt;").replace("\\&", "&amp;")
    )


def fenced(text: str) -> str:
    """Text as a code block whose fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{visible(text)}\n{fence}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    columns = list(head)
    lines = [f"| {' | '.join(columns)} |", f"|{'|'.join('---' for _ in columns)}|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def markdown(comparison: Comparison) -> str:
    """The whole report; at most 20 of the examples."""
    parts = [
        f"# {escaped(wording.headline(comparison))}",
        "",
        fenced("\n".join(verdict_block(comparison))),
        "",
        *_conditions(comparison),
        *_figures(comparison),
        *_people(comparison),
        *_slices(comparison),
        *_examples(comparison),
        *_rest(comparison),
    ]
    return "\n".join(parts) + "\n"


def _conditions(comparison: Comparison) -> list[str]:
    rows = [
        (escaped(check["check"]), check["state"], escaped(check["detail"])) for check in comparison["checks"]
    ]
    return ["## Why", "", *_table(("condition", "state", "found"), rows)]


def _figures(comparison: Comparison) -> list[str]:
    lines = metric_lines(comparison)
    rows = []
    for line in lines:
        cells = []
        for cell in line.cells:
            between = wording.span(cell.row["low"], cell.row["high"])
            cells.append(
                wording.fraction(cell.row["mean"]) + (f" ({between})" if between else "") + cell.mark
            )
        rows.append([escaped(line.metric), line.n, str(line.nulls), *cells])
    head = ("metric", "n", "not scored", *(escaped(arm) for arm in comparison["arms"]))
    differences = [
        (
            escaped(row["metric"]),
            escaped(row["baseline"]),
            wording.signed(row["difference"]),
            wording.signed_span(row["low"], row["high"]) or escaped(row["reason"] or "none"),
            str(row["n"]),
            wording.probability(row["p"]).replace("<", "&lt;"),
            wording.probability(row["p_holm"]).replace("<", "&lt;"),
        )
        for row in comparison["differences"]
    ]
    return [
        "## Figures",
        "",
        f"Means with 95 % intervals. ▲: {comparison['candidate']} is better than this arm, "
        f"p by Holm over the whole table below {wording.plain(comparison['settings']['alpha'])}.",
        "",
        *_table(head, rows),
        f"Differences: {comparison['candidate']} minus the arm, in points; p one-sided against no gain.",
        "",
        *_table(("metric", "minus", "points", "95 %", "n", "p", "p by Holm"), differences),
    ]


def _people(comparison: Comparison) -> list[str]:
    rows = comparison.get("people", [])
    if not rows:
        return []
    table = [
        (
            escaped(row["baseline"]),
            wording.fraction(row["rate"]),
            wording.span(row["low"], row["high"]) or escaped(row["reason"] or "none"),
            str(row["n"]),
            *(str(count) for count in row["answers"].values()),
            str(row["people"]),
            "n/a" if row["alpha"] is None else wording.fraction(row["alpha"]),
            "n/a" if row["left"] is None else wording.fraction(row["left"]),
        )
        for row in rows
    ]
    head = (
        "over",
        "win rate",
        "95 %",
        "n",
        "won",
        "lost",
        "tie",
        "both bad",
        "people",
        "alpha",
        "left chosen",
    )
    return [
        "## What people prefer",
        "",
        f"{comparison['candidate']} against each arm that was rated: answers side by side, on sides drawn by "
        "chance, by people who did not see which was whose. A tie, or both bad, is a half. It has no part in the verdict.",
        "",
        *_table(head, table),
        *(
            f"Left out of those over {escaped(row['baseline'])}: {wording.strange_words(row['strange'])}.\n"
            for row in rows
            if row.get("strange", 0)
        ),
    ]


def _slices(comparison: Comparison) -> list[str]:
    if not comparison["slices"]:
        return []
    rows = [
        (
            escaped(row["label"]) + (" (too few)" if row["few"] else ""),
            str(row["n"]),
            *(wording.fraction(row["means"][arm]) for arm in comparison["arms"]),
            wording.signed(row["difference"]),
            wording.signed_span(row["low"], row["high"]),
        )
        for row in comparison["slices"]
    ]
    head = ("label", "n", *(escaped(arm) for arm in comparison["arms"]), "points", "95 %")
    return [
        "## By label",
        "",
        "Worst first, against the baseline that is strongest on the whole; intervals are not corrected for their number.",
        "",
        *_table(head, rows),
    ]


def _examples(comparison: Comparison) -> list[str]:
    examples = comparison["examples"]
    rows = examples["rows"][:EXAMPLES]
    lines = ["## Examples", "", f"{len(rows)} of {examples['total']} shown, regressions first.", ""]
    for row in rows:
        lines += _example(row, comparison["settings"]["primary"])
    return lines


def _example(row: ExampleRow, primary: str) -> list[str]:
    lines = [f"### {escaped(row['example_id'][:12])} ({row['kind']})", "", fenced(row["question"]), ""]
    lines += ["Reference:", "", fenced(row["reference"]), ""]
    for arm, said in row["arms"].items():
        lines += [f"{escaped(arm)}, {right_word(said['value'], primary)}:", ""]
        lines += [fenced("(no answer)" if said["answer"] is None else said["answer"]), ""]
    return lines


def _rest(comparison: Comparison) -> list[str]:
    cost = [
        (
            escaped(row["arm"]),
            str(row["n"]),
            str(row["errors"]),
            str(row["cut_short"]),
            *("n/a" if row[key] is None else f"{row[key]:.1f}" for key in ("prompt_tokens", "answer_tokens")),
            *("n/a" if row[key] is None else f"{row[key]:.3f}" for key in ("seconds", "seconds_p95")),
        )
        for row in comparison["cost"]
    ]
    head = (
        "arm",
        "answers",
        "errors",
        "cut short",
        "prompt tokens",
        "answer tokens",
        "seconds",
        "seconds, p95",
    )
    commands = "\n".join(dict.fromkeys(step["command"] for step in comparison["lineage"]))
    return [
        "## Cost",
        "",
        *(_table(head, cost) if cost else ["Not measured.", ""]),
        "## What was not measured",
        "",
        *(f"- {escaped(item)}" for item in comparison["not_measured"]),
        "",
        "## Where it comes from",
        "",
        *_table(("artifact", "digest"), [(escaped(k), f"`{v}`") for k, v in comparison["artifacts"].items()]),
        wording.readings_words(comparison),
        "",
        "Settings:",
        "",
        fenced(json.dumps(comparison["settings"], indent=1, sort_keys=True)),
        "",
        "The commands, oldest first:",
        "",
        fenced(commands or "none recorded"),
    ]
