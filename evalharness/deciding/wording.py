"""Numbers and verdict sentences as words, the same in the shell, the report and the screens."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from evalharness.deciding.comparison import (
    Believed,
    Check,
    Comparison,
    DifferenceRow,
    Doubted,
    PeopleRow,
    Prices,
    Readings,
    Settings,
)

TOY = "The base is the shipped tiny model: a toy that proves the loop, not the quality of anything."

# "95 %", "% .884", "n = 120", "11.2 points", "about 240", "alpha .05", "to +7.2"
_APART = re.compile(
    r"(?<=\d) (?=%|points?\b)|(?<=%) (?=[-+.\d])|(?<=\bn) (?==)|(?<==) (?=\d)|(?<=\babout) (?=\d)|(?<=\balpha) (?=\.)"
)

UNKNOWN = "not known"  # the slice of rows that are in none, as of texts too short to tell a language
FEW = 50  # rows or groups; with more, interval and test say the same but for their roundings
INTERVAL = 0.025  # the chance that a 95 % interval leaves below itself
POOR = 0.5  # a mean below it is told beside a SHIP
PROBED = ("forgetting", "held-out loss", "red team", "instrument")  # conditions that only a probe measures
RIGHT_OR_WRONG = {"accuracy": "right", "exact-match": "equal to the reference", "format": "in the form"}

AS_GOOD = {
    "base": "The base model with a good prompt",
    "few-shot": "A prompt with a few examples",
    "rag": "A plain RAG prompt",
}
INSTEAD = {
    "base": "Work on the prompt rather than on fine-tuning, or on the rows that the adapter learns from.",
    "few-shot": "Choose better examples for the prompt rather than fine-tuning.",
    "rag": "Fix retrieval and the prompt rather than fine-tuning.",
}


def fraction(value: float | None) -> str:
    """A fraction of 1 to three places, as `.812`; `n/a` for None."""
    if value is None:
        return "n/a"
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def plain(value: float) -> str:
    """A setting as short as it is, as `.05`."""
    return f"{value:g}".replace("0.", ".", 1)


def unbroken(text: str) -> str:
    """The text with no-break spaces where a figure must not part from its unit or its sign."""
    return _APART.sub("\N{NO-BREAK SPACE}", text)


def signed(value: float | None) -> str:
    """A difference of fractions in points with its sign, as `+3.1`; `n/a` for None."""
    if value is None:
        return "n/a"
    text = f"{100 * value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def points(value: float) -> str:
    """A size in points, as `1.0 point` or `13.2 points`."""
    text = f"{100 * abs(value):.1f}"
    return f"{text} point{'' if text == '1.0' else 's'}"


def probability(p: float | None) -> str:
    """A p value to two leading figures, as `.041` or `<.0001`; `n/a` for None."""
    if p is None:
        return "n/a"
    if p < 0.0001:
        return "<.0001"
    text = f"{p:.4f}" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    return text.replace("0.", ".", 1) if p < 1 else text


def span(low: float | None, high: float | None) -> str:
    """An interval of fractions, as `.756 to .889`; empty where there is none."""
    return "" if low is None or high is None else f"{fraction(low)} to {fraction(high)}"


def signed_span(low: float | None, high: float | None) -> str:
    """An interval of differences in points, as `-1.0 to +7.2`; empty where there is none."""
    return "" if low is None or high is None else f"{signed(low)} to {signed(high)}"


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def difference_words(row: DifferenceRow) -> str:
    """A difference with its interval and n, as `+3.1 points (95 % -1.0 to +7.2, n = 120)`."""
    between = signed_span(row["low"], row["high"])
    doubt = f"95 % {between}, n = {row['n']}" if between else f"n = {row['n']}, {row['reason']}"
    return f"{signed(row['difference'])} points ({doubt})"


def few_words(row: DifferenceRow, chosen: Settings) -> str:
    """Why p doubts what the interval does not, as one sentence with a blank before it; empty where both agree."""
    p, low, n, units = row["p_margin"], row["low"], row["n"], row["units"]
    if p is None or low is None or low <= chosen["margin"] or p <= INTERVAL or units > FEW:
        return ""
    if "sign-flip" not in (row["test"] or ""):  # others are exact, and allow for nothing that was not seen
        return ""
    of = f"{units:,} groups" if units < n else f"{n:,} rows"
    return (
        f" The interval lies above the margin and p is {probability(p)} because {of} are few: the interval draws "
        "again from those that were seen, p also allows for such as were not."
    )


def poor_words(metric: str, mean: float | None) -> str:
    """That better is not good, where less than half is had; else empty."""
    if mean is None or mean >= POOR:
        return ""
    if metric in RIGHT_OR_WRONG:
        of = f"{RIGHT_OR_WRONG[metric]} in {round(100 * mean) or 'fewer than 1'} of 100"
    else:
        of = f"its {metric} is {fraction(mean)}"
    return f"Better than the baselines, and {of}: look at the errors before you ship."


def believed_words(believed: Believed) -> str:
    """What one would have believed beside what holds, whichever way it falls, in two sentences."""
    first, second = believed["believed"], believed["true"]
    before, after = round(first["value"], 3), round(second["value"], 3)
    lost = before - after
    if lost > 0:
        end = f"{points(lost)} of it did not hold"
    elif lost < 0:
        end = f"here the dirty way looked worse, by {points(lost)}"
    else:
        end = "here the two agree"
    # intervals that overlap do not prove equality, but the reader must not take the gap for certain
    apart = first["low"] > second["high"] or second["low"] > first["high"]
    doubt = "" if apart or not lost else ", and the intervals overlap"
    return (
        f"Trained on the uncurated rows, the model scored {_doubted(first)} on its own random test split, "
        f"and scores {_doubted(second)} on the clean test: {end}{doubt}."
    )


def _doubted(figure: Doubted) -> str:
    return f"{fraction(figure['value'])} (n = {figure['n']}, 95 % {span(figure['low'], figure['high'])})"


def readings_words(comparison: Comparison) -> str:
    """How often the test split was read."""
    return f"The test split was read {read_words(comparison['readings'])}."


def read_words(readings: Readings) -> str:
    """How often, as `4 times for 4 arms`; the same words in the head, the condition and the text."""
    told, broken = readings["declared"], readings["broken_off"]
    also = f", and {_times(told)} more only to tell what one would have believed" if told else ""
    off = f"; {_times(broken)} more broken off" if broken else ""
    return f"{_times(readings['count'] - told)} for {readings['allowed']} arms{also}{off}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def shown_words(row: DifferenceRow, alpha: float) -> str:
    """Whether a baseline is beaten, in a word or two: `pass`, `worse`, `ruled out` (a gain as asked for), `not shown`."""
    if row["p_margin"] is not None and row["p_margin"] < alpha:
        return "pass"
    if row["high"] is not None and row["high"] < 0:
        return "worse"
    return "ruled out" if row["p_below"] is not None and row["p_below"] < alpha else "not shown"


def beaten_words(comparison: Comparison) -> str:
    """How many baselines are beaten by more than the margin, as `1 of 3`."""
    chosen = comparison["settings"]
    rows = [row for row in comparison["differences"] if row["metric"] == chosen["primary"]]
    beaten = sum(shown_words(row, chosen["alpha"]) == "pass" for row in rows)
    return f"{beaten} of {len(rows)}"


def check_words(checks: Sequence[Check]) -> str:
    """How many conditions passed, as `16 passed, 0 failed, 1 not measured`."""
    states = [check["state"] for check in checks]
    return f"{states.count('pass')} passed, {states.count('fail')} failed, {states.count('not measured')} not measured"


def rows_words(comparison: Comparison) -> str:
    """How many rows were asked, as `120` or, where that is not the whole split, `60 of 156`."""
    subject = comparison["subject"]
    whole = subject["rows"].get(subject["split"], comparison["n"])
    return f"{comparison['n']:,}" + (f" of {whole:,}" if whole > comparison["n"] else "")


def headline(comparison: Comparison) -> str:
    """The outcome in a few words, as `NOT SHOWN: too few rows, about 240 more`; it says which of the two is missing."""
    verdict = comparison["verdict"]
    if verdict["outcome"] != "NOT SHOWN":
        return verdict["outcome"]
    p = verdict["p"]
    if p is None or p >= comparison["settings"]["alpha"]:
        return "NOT SHOWN: too few rows" + (f", about {verdict['rows']:,} more" if verdict["rows"] else "")
    open_ = [c["check"] for c in comparison["checks"] if c["required"] and c["state"] == "not measured"]
    unprobed = "probes" not in comparison["artifacts"] and set(PROBED) <= set(open_)
    left = [name for name in open_ if not (unprobed and name in PROBED)]
    said = ["seatrial probe was not run"] * unprobed + ([listed(left)] if left else [])
    return f"NOT SHOWN: not measured: {'; '.join(said)}"


def people_words(row: PeopleRow, candidate: str) -> str:
    """What people prefer, as `2 people rated 84 examples blind: tuned is preferred to rag in .711 ...`."""
    who = "1 person" if row["people"] == 1 else f"{row['people']:,} people"
    examples = f"{row['n']:,} example{'s' * (row['n'] != 1)}"
    between = span(row["low"], row["high"])
    doubt = f"95 % {between}, n = {row['n']:,}" if between else f"n = {row['n']:,}, {row['reason']}"
    counts = ", ".join(f"{count:,} {name}" for name, count in row["answers"].items())
    return (
        f"{who} rated {examples} blind: {candidate} over {row['baseline']} {fraction(row['rate'])} ({doubt}; "
        f"a tie is a half): {counts}.{_people_notes(row)}"
    )


def strange_words(count: int) -> str:
    """How many words are no ratings."""
    return f"{count:,} {'rating names' if count == 1 else 'ratings name'} no answer of these two arms"


def _people_notes(row: PeopleRow) -> str:
    """What a reader must know beside a win rate; empty, or sentences after a space."""
    notes = []
    if row["alpha_n"]:
        alpha = "undefined, all say the same" if row["alpha"] is None else fraction(row["alpha"])
        notes.append(f"Agreement, alpha: {alpha} on the {row['alpha_n']:,} that two or more rated.")
    if row["open"]:
        notes.append(f"{row['open']:,} more are not rated.")
    if row["alike"]:
        notes.append(f"To {row['alike']:,} both say the same; these are not asked.")
    if strange := row.get("strange", 0):  # a row kept before these were counted has none
        notes.append(f"Left out: {strange_words(strange)}.")
    return "".join(f" {note}" for note in notes)


def measured(value: float, unit: str) -> str:
    """A measured value or its limit, as short as it can be told."""
    if unit == "points":
        return f"{100 * value:.1f} points"
    if unit == "seconds":
        return f"{value:.3g} s"
    if unit.startswith(("fraction", "share")):
        return fraction(value)
    if unit == "money":
        return f"{value:.3g} for 1,000"
    figure = f"{value:,.0f}" if unit == "tokens" else f"{value:.3g}"
    return f"{figure} {unit}".strip()


def instrument_words(comparison: Comparison) -> str:
    """What the answers were made with, in a line; empty where it was not recorded."""
    stamp = comparison.get("instrument")
    if stamp is None:
        return ""
    parts = [stamp["device"], stamp["dtype"], stamp["quantization"], stamp["decoding"]]
    parts += [f"{name} {version}" for name, version in sorted(stamp["versions"].items())]
    parts += [
        f"noise: {stamp['noise']}" if stamp["noise"] else None,
        f"seeds: {stamp['seeds']}" if stamp["seeds"] else None,
    ]
    return ", ".join(part for part in parts if part)


def prices_words(prices: Prices) -> str:
    """What a million tokens costs, as `prices 1 in and 2 out, of the fine-tune 1 and 3`."""
    words = f"prices {plain(prices['read'])} in and {plain(prices['written'])} out"
    own = prices["tuned_read"], prices["tuned_written"]
    if own == (prices["read"], prices["written"]):
        return words
    return f"{words}, of the fine-tune {plain(own[0])} and {plain(own[1])}"


def cost_words(comparison: Comparison) -> str:
    """What a thousand answers of each arm cost; empty where no prices are known."""
    prices = comparison["settings"].get("prices")
    known = [(row["arm"], row.get("cost")) for row in comparison["cost"]]
    if not prices or not known:
        return ""
    said = ", ".join(f"{arm} {'not known' if cost is None else f'{cost:.3g}'}" for arm, cost in known)
    return f"Cost of 1,000 answers: {said} ({prices_words(prices)}, a million tokens)."


def again_words(comparison: Comparison) -> str:
    """The commands that make the comparison and its report again from what the workspace holds."""
    chosen, declared = comparison["settings"], comparison.get("declared")
    words = ["seatrial", "compare", comparison["subject"]["dataset"]]
    bound = declared["binding"] if declared else None
    for key in ("primary", "margin", "alpha"):
        if bound is None or bound[key] != chosen[key]:
            value = chosen[key]
            words += [f"--{key}", value if isinstance(value, str) else f"{value:g}"]
    words += ["--seed", str(chosen["seed"])]
    if other := comparison["artifacts"].get("believed-dataset"):
        words += ["--believed", other]
    return shlex.join(words) + "\nseatrial report --to report"
