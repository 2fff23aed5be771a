"""The report as Markdown, in the same order; text from data can neither format nor link."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from curate.visible import visible
from evalharness.deciding import wording
from evalharness.deciding.comparison import Comparison, ExampleRow
from evalharness.deciding.declared import said_of
from evalharness.deciding.verdict import verdict_block
from evalharness.report.tables import matrices, metric_lines, right_word, slices_by, worse_words

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


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Lines of a table and an empty one; the cells are Markdown already."""
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
        *([escaped(worse), ""] if (worse := worse_words(comparison)) else []),
        *_conditions(comparison),
        *_figures(comparison),
        *_chances(comparison),
        *_people(comparison),
        *_slices(comparison),
        *_confusions(comparison),
        *_examples(comparison),
        *_rest(comparison),
    ]
    return "\n".join(parts) + "\n"


def _conditions(comparison: Comparison) -> list[str]:
    chosen = comparison["settings"]
    rows = [
        (
            f"better than {escaped(row['baseline'])}",
            wording.shown_words(row, chosen["alpha"]),
            f"p {wording.probability(row['p_margin'])}".replace("<", "&lt;"),
            wording.plain(chosen["alpha"]),
            escaped(wording.difference_words(row)),
        )
        for row in comparison["differences"]
        if row["metric"] == chosen["primary"]
    ]
    for check in comparison["checks"]:
        value, unit = check.get("value"), check.get("unit", "")
        limit = check.get("limit")
        rows.append(
            (
                escaped(check["check"]) + ("" if check["required"] else " (informs only)"),
                check["state"],
                "" if value is None else escaped(wording.measured(value, unit)),
                "" if limit is None else escaped(wording.measured(limit, unit)),
                escaped(check["detail"]),
            )
        )
    return ["## Why", "", *table(("condition", "state", "found", "limit", "detail"), rows)]


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
        *table(head, rows),
        f"Differences: {comparison['candidate']} minus the arm, in points; p one-sided against no gain.",
        "",
        *table(("metric", "minus", "points", "95 %", "n", "p", "p by Holm"), differences),
    ]


def _people(comparison: Comparison) -> list[str]:
    rows = comparison.get("people", [])
    if not rows:
        return []
    ratings = [
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
        *table(head, ratings),
        *(
            f"Left out of those over {escaped(row['baseline'])}: {wording.strange_words(row['strange'])}.\n"
            for row in rows
            if row.get("strange", 0)
        ),
    ]


def _chances(comparison: Comparison) -> list[str]:
    lines: list[str] = []
    if chances := comparison.get("fair_chance", []):
        rows = [
            (
                escaped(row["arm"]),
                escaped(row["prompt"]),
                str(row["candidates"] or "none"),
                str(row["shots"] or row["neighbours"] or "none"),
                wording.fraction(row["recall"]),
                escaped(row["chosen"] or "n/a"),
            )
            for row in chances
        ]
        head = ("arm", "prompt", "tried on validation", "examples shown", "right label shown", "chosen")
        lines += ["## What chance the baselines had", "", *table(head, rows)]
    for card in comparison.get("judges", []):
        known = {key: value for key, value in card.items() if value is not None}
        said = [(escaped(key.replace("_", " ")), escaped(str(value))) for key, value in known.items()]
        lines += ["## The judge", "", *table(("of the judge", "found"), said)]
    return lines


def _slices(comparison: Comparison) -> list[str]:
    lines: list[str] = []
    for by, found, unknown in slices_by(comparison):
        rows = [
            (
                escaped(row["label"]) + (" (too few)" if row["few"] else ""),
                str(row["n"]),
                *(wording.fraction(row["means"][arm]) for arm in comparison["arms"]),
                wording.signed(row["difference"]),
                wording.signed_span(row["low"], row["high"]),
            )
            for row in found
        ]
        head = (by, "n", *(escaped(arm) for arm in comparison["arms"]), "points", "95 %")
        lines += [f"## By {by}", ""]
        lines += [
            "Worst first, against the baseline that is strongest on the whole; intervals are not corrected for their number.",
            "",
        ]
        lines += [*table(head, rows), *([escaped(unknown), ""] if unknown else [])]
    return lines


def _confusions(comparison: Comparison) -> list[str]:
    rows = [(escaped(each.arm), escaped(each.worst)) for each in matrices(comparison) if each.worst]
    if not rows:
        return []
    return ["## Which label is taken for which", "", *table(("arm", "most often"), rows)]


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
    if near := row.get("near", []):
        lines += ["Nearest training rows:", ""]
        for each in near:
            decided = f" (decided: {', '.join(each['decisions'])})" if each["decisions"] else ""
            lines.append(f"- {escaped(each['question'])}{escaped(decided)}: `{each['why']}`")
        lines.append("")
    return lines


def _rest(comparison: Comparison) -> list[str]:
    prices = comparison["settings"].get("prices")
    cost = [
        (
            escaped(row["arm"]),
            str(row["n"]),
            str(row["errors"]),
            str(row["cut_short"]),
            *("n/a" if row[key] is None else f"{row[key]:.1f}" for key in ("prompt_tokens", "answer_tokens")),
            *("n/a" if row[key] is None else f"{row[key]:.3f}" for key in ("seconds", "seconds_p95")),
            *("n/a" if row.get("cost") is None else f"{row.get('cost'):.3g}" for _ in range(bool(prices))),
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
        *("cost of 1,000" for _ in range(bool(prices))),
    )
    commands = "\n".join(dict.fromkeys(step["command"] for step in comparison["lineage"]))
    return [
        "## Cost",
        "",
        *(table(head, cost) if cost else ["Not measured.", ""]),
        "## What was not measured",
        "",
        *(f"- {escaped(item)}" for item in comparison["not_measured"]),
        "",
        "## Where it comes from",
        "",
        *table(("artifact", "digest"), [(escaped(k), f"`{v}`") for k, v in comparison["artifacts"].items()]),
        f"Instrument: {escaped(wording.instrument_words(comparison) or 'not recorded')}.",
        "",
        *_declared(comparison),
        "To make it again:",
        "",
        fenced(wording.again_words(comparison)),
        "",
        "Settings:",
        "",
        fenced(json.dumps(comparison["settings"], indent=1, sort_keys=True)),
        "",
        "The commands, oldest first:",
        "",
        fenced(commands or "none recorded"),
    ]


def _declared(comparison: Comparison) -> list[str]:
    found = comparison.get("declared")
    if found is None:
        return []
    rows = [
        (
            row["declared_at"][:16].replace("T", " "),
            "by default" if row["by"] == "predict" else "by hand",
            "before any answer" if row["before"] else "after the answers: does not bind",
            escaped(said_of(row)),
            f"`{row['digest']}`",
        )
        for row in found["all"]
    ]
    if not rows:
        return ["Declared: nothing; the program's own defaults.", ""]
    return ["Declared:", "", *table(("when", "how", "binds", "what", "digest"), rows)]
