"""Ship, do not ship, or not shown: an intersection-union test over the baselines, and the conditions beside it.

The fine-tune must beat every baseline by more than the margin, each tested one-sided at alpha, so
the largest p decides (Berger 1982); no correction is needed for a conjunction. A condition that
was not measured never counts as passed.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from curate.visible import visible
from evalharness.deciding.comparison import Check, Comparison, DifferenceRow, Settings, Verdict
from evalharness.deciding.wording import (
    AS_GOOD,
    INSTEAD,
    TOY,
    believed_words,
    check_words,
    cost_words,
    difference_words,
    few_words,
    fraction,
    headline,
    listed,
    people_words,
    plain,
    points,
    poor_words,
    probability,
    readings_words,
    rows_words,
    signed,
    signed_span,
    span,
    unbroken,
)
from evalharness.statistics.power import rounded_up

WIDTH = 72
# conditions on what the adapter costs or spoils; the others are on whether the gain is one
PRICES = ("format", "latency", "cost", "forgetting", "held-out loss", "red team")


def union_p(ps: Sequence[float | None]) -> float | None:
    """The p of beating all: the largest; None if any is not known."""
    known = [p for p in ps if p is not None]
    return max(known) if known and len(known) == len(ps) else None


def decide(
    differences: Sequence[DifferenceRow],
    checks: Sequence[Check],
    chosen: Settings,
    mean: float | None = None,
) -> Verdict:
    """The verdict from the differences and the conditions.

    A failed condition, or a baseline that the candidate does not lead by more than the margin, is
    DO NOT SHIP. A lead that the rows do not establish, or a required condition that was not
    measured, is NOT SHOWN. All else is SHIP; `mean`, the candidate's by the primary metric, then says
    whether better is also good.
    """
    rows = [row for row in differences if row["metric"] == chosen["primary"]]
    p = union_p([row["p_margin"] for row in rows])
    failed = [check for check in checks if check["state"] == "fail"]
    if failed:
        return _failed(failed, rows, p, chosen)
    behind = [row for row in rows if row["difference"] is not None and row["difference"] <= chosen["margin"]]
    if behind:
        return _not_better(min(behind, key=_lead), rows, p, chosen)
    open_rows = [row for row in rows if row["p_margin"] is None or row["p_margin"] >= chosen["alpha"]]
    if open_rows:
        return _not_shown(open_rows, rows, p, chosen)
    return _ship_or_not_measured(checks, rows, p, chosen, mean)


def _lead(row: DifferenceRow) -> float:
    return row["difference"] or 0.0


def _established(rows: Sequence[DifferenceRow], chosen: Settings) -> list[str]:
    return [
        row["baseline"] for row in rows if row["p_margin"] is not None and row["p_margin"] < chosen["alpha"]
    ]


def _failed(
    failed: Sequence[Check], rows: Sequence[DifferenceRow], p: float | None, chosen: Settings
) -> Verdict:
    first, more = failed[0], len(failed) - 1
    also = f" ({more} more failed)" if more else ""
    shown = len(_established(rows, chosen)) == len(rows)
    lead = "The gain shown cannot be trusted" if shown else "The comparison cannot be trusted"
    if first["check"] in PRICES:
        lead = "Its price is too high"
    return Verdict(
        outcome="DO NOT SHIP",
        reason=f"{lead}: {first['check']}: {first['detail']}{also}.",
        advice=_sentence(first["remedy"]),
        p=p,
        rows=None,
        exit_code=1,
    )


def _sentence(remedy: str) -> str:
    """With a capital, unless it begins with a command."""
    return remedy if remedy.startswith("seatrial ") else remedy[:1].upper() + remedy[1:]


def _not_better(
    worst: DifferenceRow, rows: Sequence[DifferenceRow], p: float | None, chosen: Settings
) -> Verdict:
    name = worst["baseline"]
    better_than = _established(rows, chosen)
    start = f"Better than {listed(better_than)}, but not than" if better_than else "Not better than"
    was = "was better" if worst["high"] is not None and worst["high"] < 0 else "was as good"
    settled = worst["p_below"] is not None and worst["p_below"] < chosen["alpha"]
    limit = f" A gain of more than {points(chosen['margin'])} is ruled out." if settled else ""
    if not settled and worst["detectable"] is not None:
        limit = f" These rows would have shown a gain of about {points(worst['detectable'])}."
    others = [row for row in rows if row is not worst and row["baseline"] not in better_than]
    behind = [row["baseline"] for row in others if _lead(row) <= chosen["margin"]]
    unshown = [row["baseline"] for row in others if row["baseline"] not in behind]
    rest = f" Not better than {listed(behind)} either." if behind else ""
    rest += f" Not shown better than {listed(unshown)}." if unshown else ""
    return Verdict(
        outcome="DO NOT SHIP",
        reason=f"{start} {name}: {difference_words(worst)}.{few_words(worst, chosen)}{limit}{rest}",
        advice=f"{AS_GOOD.get(name, name)} {was}. {INSTEAD.get(name, '')}".strip(),
        p=p,
        rows=None,
        exit_code=1,
    )


def _not_shown(
    open_rows: Sequence[DifferenceRow], rows: Sequence[DifferenceRow], p: float | None, chosen: Settings
) -> Verdict:
    worst = min(open_rows, key=_lead)
    better_than = _established(rows, chosen)
    start = f"Better than {listed(better_than)}; not shown" if better_than else "Not shown"
    others = [row["baseline"] for row in open_rows if row is not worst]
    rest = f" Not shown better than {listed(others)} either." if others else ""
    needed = [row["rows_needed"] - row["n"] for row in open_rows if row["rows_needed"] is not None]
    more = rounded_up(max(1.0, *needed)) if len(needed) == len(open_rows) else None
    whole = rounded_up(max(row["rows_needed"] or 0.0 for row in open_rows)) if more else 0
    advice = (
        f"About {more:,} more test rows would show a difference of this size 4 times out of 5: "
        f"{whole:,} fresh ones, since a new look at these breaks the seal."
        if more
        else "There are too few rows to say how many more are needed."
    )
    return Verdict(
        outcome="NOT SHOWN",
        reason=f"{start} better than {worst['baseline']} by more than {points(chosen['margin'])}: "
        f"{difference_words(worst)}.{few_words(worst, chosen)}{rest}",
        advice=advice,
        p=p,
        rows=more,
        exit_code=1,
    )


def _ship_or_not_measured(
    checks: Sequence[Check],
    rows: Sequence[DifferenceRow],
    p: float | None,
    chosen: Settings,
    mean: float | None,
) -> Verdict:
    closest = min(rows, key=_lead)
    lead = (
        f"Better than {listed([row['baseline'] for row in rows])} by more than {points(chosen['margin'])}; "
        f"the closest is {closest['baseline']}: {difference_words(closest)}"
    )
    unknown = [check for check in checks if check["required"] and check["state"] != "pass"]
    if unknown:
        names = listed([check["check"] for check in unknown])
        return Verdict(
            outcome="NOT SHOWN",
            reason=f"{lead}. But not measured: {names}.",
            advice=_sentence(unknown[0]["remedy"]),
            p=p,
            rows=None,
            exit_code=1,
        )
    return Verdict(
        outcome="SHIP",
        reason=f"{lead}.",
        advice=poor_words(chosen["primary"], mean),
        p=p,
        rows=None,
        exit_code=0,
    )


def verdict_block(comparison: Comparison) -> list[str]:
    """The verdict as plain text of at most 72 columns, to copy into a mail, a README or a terminal."""
    subject, verdict, chosen = comparison["subject"], comparison["verdict"], comparison["settings"]
    grouped = f" in {comparison['groups']:,} groups" if comparison["groups"] else ""
    lines = [
        *_wrapped(headline(comparison)),
        *_wrapped(
            f"{visible(subject['name'], lines=False)}: {rows_words(comparison)} {subject['split']} rows{grouped}, {chosen['primary']}, "
            f"margin {points(chosen['margin'])}, alpha {plain(chosen['alpha'])} one-sided"
        ),
        "",
        *_wrapped(verdict["reason"]),
        *_wrapped(verdict["advice"]),
        "",
        *_arm_table(comparison),
        "",
        *_check_lines(comparison["checks"]),
        *_wrapped(cost_words(comparison)),
        *_wrapped(readings_words(comparison)),
    ]
    for row in comparison.get("people", []):
        lines += ["", *_wrapped(people_words(row, comparison["candidate"]))]
    if comparison["believed"]:
        lines += ["", *_wrapped(believed_words(comparison["believed"]))]
        lines += _wrapped(comparison["believed"]["why"])
    if subject["toy"]:
        lines += ["", *_wrapped(TOY)]
    return lines


def _wrapped(text: str, indent: str = "") -> list[str]:
    lines = textwrap.wrap(unbroken(text), WIDTH, subsequent_indent=indent, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _arm_table(comparison: Comparison) -> list[str]:
    chosen, candidate = comparison["settings"], comparison["candidate"]
    differences = {
        row["baseline"]: row for row in comparison["differences"] if row["metric"] == chosen["primary"]
    }
    rows = [("arm", f"{chosen['primary']} (95 %)", f"{candidate} minus it, points (95 %)", "p")]
    for row in comparison["metrics"]:
        if row["metric"] != chosen["primary"]:
            continue
        between = span(row["low"], row["high"])
        mean = fraction(row["mean"]) + (f" ({between})" if between else "")
        found = differences.get(row["arm"])
        if found is None:
            rows.append((row["arm"], mean, "", ""))
            continue
        between = signed_span(found["low"], found["high"])
        gain = f"{signed(found['difference']):>6}" + (f" ({between})" if between else "")
        rows.append((row["arm"], mean, gain, probability(found["p_margin"])))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        f"{arm:{widths[0]}}  {mean:{widths[1]}}  {gain:{widths[2]}}  {p:>6}".rstrip()
        for arm, mean, gain, p in rows
    ]


def _check_lines(checks: Sequence[Check]) -> list[str]:
    lines = _wrapped(f"Conditions: {check_words(checks)}")
    for check in checks:
        if check["state"] != "pass":
            lines += _wrapped(f"  {check['state']}: {check['check']}: {check['detail']}", indent="    ")
    return lines
