"""The comparison turned the way the tables show it: a metric a row, an arm a column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from evalharness.deciding.comparison import Comparison, Confusion, MetricRow, Slice
from evalharness.deciding.wording import UNKNOWN, fraction, signed, signed_span

HOLM_MARK = "▲"
NO_LABEL = "none of them"  # an answer without a known label
COLUMNS = 12  # labels of a matrix; the rest are told as one
LANGUAGE = "language"  # the kind of slice that rows may be in none of
WORST = 3  # slices named in the head
MUCH = 0.1  # share of a row from which a wrong cell stands out
NEARLY_ALL = 0.8  # of the answers by a quarter of the labels: the others are hardly ever answered
NAMED = 4  # labels that are named


@dataclass(frozen=True)
class Cell:
    """One arm's figure by one metric; `mark` where the candidate is better than it, by Holm."""

    arm: str
    row: MetricRow
    mark: str


@dataclass(frozen=True)
class MetricLine:
    """One metric with the figure of each arm."""

    metric: str
    primary: bool
    n: str  # one number, or lowest to highest
    nulls: int  # the most that any arm lacks
    cells: list[Cell]


def metric_lines(comparison: Comparison) -> list[MetricLine]:
    """A line for each metric that some arm has a figure for."""
    better = {
        (row["metric"], row["baseline"])
        for row in comparison["differences"]
        if row["p_holm"] is not None and row["p_holm"] < comparison["settings"]["alpha"]
    }
    lines = []
    for metric in dict.fromkeys(row["metric"] for row in comparison["metrics"]):
        rows = [row for row in comparison["metrics"] if row["metric"] == metric]
        if all(row["mean"] is None for row in rows):
            continue
        low, high = min(row["n"] for row in rows), max(row["n"] for row in rows)
        lines.append(
            MetricLine(
                metric=metric,
                primary=metric == comparison["settings"]["primary"],
                n=str(high) if low == high else f"{low} to {high}",
                nulls=max(row["nulls"] for row in rows),
                cells=[
                    Cell(row["arm"], row, HOLM_MARK if (metric, row["arm"]) in better else "") for row in rows
                ],
            )
        )
    return lines


def right_word(value: float | None, primary: str) -> str:
    """How one answer did, in words: right, wrong, a score, or not scored."""
    if value is None:
        return "not scored"
    if primary in ("accuracy", "macro-f1", "exact-match", "format"):
        return "right" if value == 1 else "wrong"
    return f"{primary} {value:.2f}"


class Slices(NamedTuple):
    """The slices of one kind, and in words how many rows are in none of them."""

    by: str
    rows: list[Slice]
    unknown: str


def slices_by(comparison: Comparison) -> list[Slices]:
    """The slices of each kind, in the order of the comparison; rows whose kind is not known are a note."""
    kinds: dict[str, list[Slice]] = {}
    for row in comparison["slices"]:
        kinds.setdefault(row["by"], []).append(row)
    found = []
    for by, rows in kinds.items():
        lost = next((row for row in rows if _unknown(row)), None)
        every = sum(row["n"] for row in rows)
        words = _unknown_words(lost, every, comparison["candidate"]) if lost else ""
        found.append(Slices(by, [row for row in rows if not _unknown(row)], words))
    return found


def _unknown(row: Slice) -> bool:
    return row["by"] == LANGUAGE and row["label"] == UNKNOWN


def _unknown_words(row: Slice, every: int, candidate: str) -> str:
    """Of how many rows the language is not known, and how the arms do there."""
    words = (
        f"Not known of {row['n']:,} of {every:,} ({row['n'] / every * 100:.0f} %), mostly too short to tell"
    )
    if row["difference"] is None:
        return f"{words}."
    between = f" ({signed_span(row['low'], row['high'])})" if row["low"] is not None else ""
    mean = fraction(row["means"].get(candidate))
    return f"{words}: {candidate} {mean} there, {signed(row['difference'])} points{between}."


def worse_words(comparison: Comparison) -> str:
    """The slices in which the candidate is worse, by their whole interval, than the strongest baseline; or nothing."""
    rows = [row for row in comparison["slices"] if row["high"] is not None and row["high"] < 0]
    rows.sort(key=lambda row: (row["difference"] or 0, row["by"], row["label"]))
    if not rows:
        return ""
    told = [
        f"{row['by']} {row['label']} ({signed(row['difference'])} points, n = {row['n']:,})" for row in rows
    ]
    more = f"; {len(rows) - WORST:,} more" if len(rows) > WORST else ""
    return f"Worse than the strongest baseline in: {'; '.join(told[:WORST])}{more}."


@dataclass(frozen=True)
class MatrixCell:
    """How often one label was answered by another."""

    count: int
    hit: bool
    much: bool


@dataclass(frozen=True)
class MatrixRow:
    """One label of the data."""

    name: str
    cells: list[MatrixCell]
    recall: float | None


@dataclass(frozen=True)
class Matrix:
    """One arm's labels: the most frequent by themselves, the others together."""

    arm: str
    columns: list[str]
    rows: list[MatrixRow]
    labels: int
    left: bool  # there are more labels than are shown by themselves
    worst: str  # the most frequent confusions in words
    narrow: str  # that nearly all answers are one of a few labels, in words


def matrices(comparison: Comparison) -> list[Matrix]:
    """The candidate's matrix first, then the baselines'."""
    found = comparison.get("confusion", [])
    own = comparison["candidate"]
    return [matrix(each) for each in sorted(found, key=lambda each: each["arm"] != own)]


def matrix(found: Confusion) -> Matrix:
    """The counts as a square of the most frequent labels, with a column for answers that name none."""
    shown = found["labels"][:COLUMNS]
    left = len(found["labels"]) > len(shown)
    others = ["other labels"] if left else []

    def place(label: str | None) -> str:
        if label is None:
            return NO_LABEL
        return label if label in shown else "other labels" if left else NO_LABEL

    counts: dict[tuple[str, str], int] = {}
    hits: dict[str, int] = {}
    for reference, predicted, count in found["counts"]:
        key = place(reference), place(predicted)
        counts[key] = counts.get(key, 0) + count
        if reference == predicted:
            hits[place(reference)] = hits.get(place(reference), 0) + count
    columns = [*shown, *others]
    columns += [NO_LABEL] if any(column == NO_LABEL for _, column in counts) else []
    rows = []
    for name in [*shown, *others]:
        total = sum(counts.get((name, column), 0) for column in columns)
        cells = [
            MatrixCell(
                count := counts.get((name, column), 0),
                hit=column == name and name in shown,
                much=column != name and count > max(1, MUCH * total),
            )
            for column in columns
        ]
        rows.append(MatrixRow(name, cells, hits.get(name, 0) / total if total else None))
    wrong = [each for each in found["counts"] if each[0] != each[1]][:3]
    worst = "; ".join(f"{reference} as {said or NO_LABEL}, {count:,}" for reference, said, count in wrong)
    return Matrix(found["arm"], columns, rows, len(found["labels"]), left, worst, narrow_words(found))


def narrow_words(found: Confusion) -> str:
    """`Nearly all answers are Leave or Printer: 180 of 203, where the data has 41.`; empty where they are not.

    Nearly all are 80 % and more, by at most a quarter of the labels, which the data has less than half as often.
    """
    said: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for reference, predicted, count in found["counts"]:
        true[reference] += count
        said[predicted or NO_LABEL] += count
    few = said.most_common(len(found["labels"]) // 4)
    answers, there = sum(count for _, count in few), sum(true[name] for name, _ in few)
    if not few or answers < NEARLY_ALL * said.total() or 2 * there >= answers:
        return ""
    names = [name for name, count in few if count]
    return (
        f"Nearly all answers are {' or '.join(names[:NAMED])}{' or a few more' if len(names) > NAMED else ''}: "
        f"{answers:,} of {said.total():,}, where the data has {there:,}."
    )
