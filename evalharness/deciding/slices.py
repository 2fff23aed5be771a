"""The primary metric by label, source, length and language; and which labels are taken for which.

Slices tell where to look. They are not claims: their intervals are not corrected for their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl

from curate.checks.quality.language import LIKELY, language_of
from curate.example import prompt_text
from evalharness.deciding.compare import Pairs, value_of
from evalharness.deciding.comparison import ARMS, CANDIDATE, Confusion, Settings, Slice
from evalharness.deciding.differences import difference
from evalharness.deciding.wording import UNKNOWN
from evalharness.metrics.about import about

FEW = 10  # examples; under this a slice is shown without an interval
RESAMPLES = 1000
LENGTHS = 4  # parts of about equally many questions
MOST = 60  # slices of one kind; the smallest beyond are told as one
OTHERS = "all others"


def slice_rows(
    pairs: Pairs,
    chosen: Settings,
    arms: Sequence[str] = ARMS,
    candidate: str = CANDIDATE,
    examples: pl.DataFrame | None = None,
) -> tuple[list[Slice], dict[str, str]]:
    """(slices, why a kind has none): each kind's worst drop first, too few rows then, rows of no known kind last.

    `examples` has label, source and messages; without it there are slices by label alone. The difference is to
    the baseline that is strongest on the whole, which no slice can choose.
    """
    rivals = [arm for arm in arms if arm != candidate]
    best = min if about(chosen["primary"]).better == "less" else max
    rival = best(rivals, key=lambda arm: value_of(pairs, chosen["primary"], arm) or 0)
    rows: list[Slice] = []
    none: dict[str, str] = {}
    for by, names in kinds(pairs, examples).items():
        few = sorted({name for name in names if name})
        if len(known := [name for name in few if name != UNKNOWN]) < 2:
            lost = f", not known of {names.count(UNKNOWN):,}" if UNKNOWN in few else ""
            none[by] = f"all of one: {known[0]}{lost}" if known else "not known of any row"
            continue
        found = [_slice(by, name, names, pairs, rival, arms, candidate, chosen) for name in few]
        rows += sorted(
            found,
            key=lambda row: (row["label"] == UNKNOWN, row["few"], row["difference"] or 0, row["label"]),
        )
    return rows, none


def kinds(pairs: Pairs, examples: pl.DataFrame | None) -> dict[str, list[str]]:
    """By kind of slice, the slice that each compared example is in; empty where it is in none."""
    found = {"label": [label or "" for label in pairs.references] if pairs.has_labels else []}
    if examples is None:
        return found
    order = pl.DataFrame({"example_id": list(pairs.example_ids)}, schema={"example_id": pl.String})
    rows = order.join(examples.unique("example_id"), on="example_id", how="left", maintain_order="left")
    questions = [prompt_text(messages or []) for messages in rows["messages"].to_list()]
    if not pairs.has_labels:  # the rows have one, though the task is to write
        found["label"] = _largest([label or "" for label in rows["label"].to_list()])
    found["source"] = _largest([source or "" for source in rows["source"].to_list()])
    found["length"] = _lengths(questions)
    found["language"] = _largest([language_of(question, LIKELY) or UNKNOWN for question in questions])
    return found


def _largest(names: list[str]) -> list[str]:
    """The names with those beyond the most frequent told as one."""
    kept = {name for name, _ in Counter(names).most_common(MOST)}
    return [name if name in kept else OTHERS for name in names]


def _lengths(questions: Sequence[str]) -> list[str]:
    """The question's length in characters, as one of a few ranges with about equally many questions."""
    sizes = np.array([len(question) for question in questions])
    if not len(sizes):
        return []
    edges = np.unique(np.quantile(sizes, np.arange(1, LENGTHS) / LENGTHS, method="higher").astype(int))
    tops = [int(edge) for edge in edges if edge < sizes.max()] + [int(sizes.max())]
    bottoms = [0, *(top + 1 for top in tops[:-1])]
    wide = len(f"{tops[-1]:,}")
    names = [f"{low:>{wide},} to {high:,} characters" for low, high in zip(bottoms, tops, strict=True)]
    return [names[int(np.searchsorted(tops, size))] for size in sizes]


def _slice(
    by: str,
    name: str,
    names: Sequence[str],
    pairs: Pairs,
    rival: str,
    arms: Sequence[str],
    candidate: str,
    chosen: Settings,
) -> Slice:
    """The measure of these rows alone, with its own interval: of BLEU or macro-F1 no mean of rows'."""
    part = pairs.only(np.array([each == name for each in names]))
    n = len(part.example_ids)
    few, metric = n < FEW, metric_within(by, chosen["primary"])
    found = difference(part, metric, candidate, rival, {**chosen, "resamples": RESAMPLES})
    slice_ = Slice(
        by=by,
        label=name.strip(),
        n=n,
        few=few,
        means={arm: value_of(part, metric, arm) for arm in arms},
        difference=found.mean,
        low=None if few else found.interval.low,
        high=None if few else found.interval.high,
    )
    return slice_ if metric == chosen["primary"] else {**slice_, "metric": metric}


def metric_within(by: str, primary: str) -> str:
    """What a kind of slice is told by: within one label macro-F1 means nothing, and accuracy is the label's recall."""
    return "accuracy" if (by, primary) == ("label", "macro-f1") else primary


def confusions(pairs: Pairs, arms: Sequence[str] = ARMS) -> list[Confusion]:
    """Each arm's answers by reference label and answered label; empty where the task has no labels."""
    if not pairs.has_labels:
        return []
    labels = [label for label, _ in Counter(label for label in pairs.references if label).most_common()]
    found = []
    for arm in arms:
        scored = ~np.isnan(pairs.values["accuracy", arm])
        said = pairs.labels[arm]
        counts = Counter(
            (reference, said[row])
            for row, reference in enumerate(pairs.references)
            if reference and scored[row]
        )
        order = sorted(counts.items(), key=lambda each: (-each[1], each[0][0], each[0][1] or ""))
        rows = [(reference, answered, count) for (reference, answered), count in order]
        found.append(Confusion(arm=arm, labels=labels, counts=rows))
    return found
