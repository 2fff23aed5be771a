"""What an answer costs against what it may cost: seconds and tokens, from the answers themselves.

Without a declared limit the budget is what one would pay without the fine-tune: the costliest baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalharness.deciding.comparison import CANDIDATE, Check, CostRow, Limits, Prices

# Seconds are shares of batches on a machine that does other things too: a ratio below this is no difference.
SLOWER = 2.0
DEARER = 1.0
ANSWERS, TOKENS = 1_000, 1_000_000  # what money is told of, and what prices are of
WHAT = {
    "seconds": "seconds, the 95th percentile of an answer",
    "tokens": "tokens an answer",
    "money": "for 1,000 answers at the declared prices",
}
MEASURE = "the answers do not tell it: predict again, or declare no limit that this endpoint cannot show"


def seconds_of(row: CostRow) -> float | None:
    """The 95th percentile of one answer."""
    return row["seconds_p95"]


def tokens_of(row: CostRow) -> float | None:
    """The mean of one answer, prompt and answer together."""
    prompt, answer = row["prompt_tokens"], row["answer_tokens"]
    return None if prompt is None or answer is None else prompt + answer


def money_of(row: CostRow, prices: Prices) -> float | None:
    """Of a thousand answers, in the money of the prices; None where the tokens are not known."""
    prompt, answer = row["prompt_tokens"], row["answer_tokens"]
    if prompt is None or answer is None:
        return None
    read, written = (
        (prices["tuned_read"], prices["tuned_written"])
        if row["arm"] == CANDIDATE
        else (prices["read"], prices["written"])
    )
    return (prompt * read + answer * written) * ANSWERS / TOKENS


def check_latency(cost: Sequence[CostRow], limits: Limits, candidate: str) -> Check:
    """Whether an answer comes soon enough: within `seconds`, else within twice the slowest baseline's time."""
    return _check("latency", "seconds", cost, limits.get("seconds"), candidate, seconds_of, SLOWER)


def check_cost(cost: Sequence[CostRow], limits: Limits, candidate: str) -> Check:
    """Whether an answer is cheap enough: within `tokens` and `cost`, else no dearer than the dearest baseline's.

    By money where prices were declared, so that `cost` rows have it; else by tokens.
    """
    priced = any(row.get("cost") is not None for row in cost)
    told = []
    if "tokens" in limits or not (priced or "cost" in limits):
        told.append(_check("cost", "tokens", cost, limits.get("tokens"), candidate, tokens_of, DEARER))
    if priced or "cost" in limits:
        told.append(_check("cost", "money", cost, limits.get("cost"), candidate, spent_on, DEARER))
    return next((each for each in told if each["state"] != "pass"), told[-1])


def spent_on(row: CostRow) -> float | None:
    """Money for a thousand answers; None where no prices were declared."""
    return row.get("cost")


def _check(
    name: str,
    unit: str,
    cost: Sequence[CostRow],
    declared: float | None,
    candidate: str,
    of: Callable[[CostRow], float | None],
    factor: float,
) -> Check:
    by_arm = {row["arm"]: of(row) for row in cost}
    own = by_arm.pop(candidate, None)
    others = {arm: value for arm, value in by_arm.items() if value is not None}
    what = WHAT[unit]
    if own is None or (declared is None and not others):
        return Check(
            check=name, state="not measured", required=True, detail=f"{what}: not known", remedy=MEASURE
        )
    if declared is not None:
        limit, whose = declared, "as declared"
    else:
        arm = max(others, key=lambda each: others[each])
        limit = factor * others[arm]
        whose = f"{arm}'s" if factor == 1 else f"{factor:g} times {arm}'s"
    passed = own <= limit
    return Check(
        check=name,
        state="pass" if passed else "fail",
        required=True,
        detail=f"{_figure(own, unit)} {what}, at most {_figure(limit, unit)} ({whose})",
        remedy=""
        if passed
        else "shorten its prompt and answers, or declare another budget for fresh test rows",
        value=own,
        limit=limit,
        unit=unit,
    )


def _figure(value: float, unit: str) -> str:
    return f"{value:,.1f}" if unit == "tokens" else f"{value:.3g}"
