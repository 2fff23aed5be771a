"""Why the largest set of rows that a split keeps together is so large, and what would make it smaller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from curate.dividing.together import LINKS, components_of

ENOUGH = 0.5  # a cause without which the set falls to this share of its rows is the cause


class Cause(NamedTuple):
    """One kind of bond between rows, in words, with what can be done about it."""

    words: str
    way: str
    links: pl.DataFrame  # LINKS


def group_cause(examples: pl.DataFrame, column: str) -> Cause:
    """The groups as links; `column` is the source's column that they came from, empty if not known."""
    named = examples.filter(pl.col("group").is_not_null())
    hub = pl.concat_str(pl.lit("group:"), "group")
    what = f"the group column `{column}`" if column else "the group column"
    return Cause(
        f"rows of one group ({what})",
        "--no-group divides groups: their rows give one another away, so train and export then refuse",
        named.select("example_id", other_id=hub).cast(LINKS),
    )


def near_causes(links: pl.DataFrame, threshold: float) -> list[Cause]:
    """The links of `curate.dividing.links.near_links`: equal rows apart from those that are only near."""
    equal = pl.col("other_id").str.starts_with("equal ")
    higher = min(0.95, round(threshold + 0.2, 2))
    return [
        Cause("equal questions or rows", "none: one of two equal rows in the test is a leak", links.filter(equal)),
        Cause(
            f"near duplicates (wording alike by {threshold:g} or more, as of one template)",
            f"--link-threshold {higher:g} ties fewer",
            links.filter(~equal),
        ),
    ]  # fmt: skip


def found_cause(links: pl.DataFrame, kinds: Mapping[str, int]) -> Cause:
    """The links of `curate.dividing.links.found_links`; `kinds` are the checks that found them, with their findings."""
    said = ", ".join(f"{check} {count:,}" for check, count in kinds.items())
    return Cause(
        f"what the scan found ({said})", "seatrial review, then apply, drops copies before the split", links
    )


def meaning_cause(links: pl.DataFrame, threshold: float) -> Cause:
    """The links of `curate.dividing.links.meant_links`."""
    higher = min(0.99, round(threshold + 0.02, 3))
    return Cause(
        f"questions that mean the same (cosine {threshold:g} or more)",
        f"--semantic-threshold {higher:g} ties fewer",
        links,
    )


def told_of_largest(examples: pl.DataFrame, causes: list[Cause]) -> str:
    """`the largest set of 128 rows is tied by ...: what helps`; empty where no two rows are tied.

    The cause is the kind of bond without which the largest rest of the set is smallest.
    """
    causes = [cause for cause in causes if not cause.links.is_empty()]
    ids = examples["example_id"].to_list()
    if not causes or not ids:
        return ""
    whole = components_of(ids, [cause.links for cause in causes])
    sizes = np.bincount(whole)
    largest = int(sizes.max())
    if largest < 2:
        return ""
    inside = [ids[at] for at in np.flatnonzero(whole == int(sizes.argmax()))]
    rests = []
    for cause in causes:
        others = [each.links for each in causes if each is not cause]
        rest = int(np.bincount(components_of(inside, others)).max()) if others else 1
        rests.append((rest, cause))
    rest, cause = min(rests, key=lambda pair: pair[0])
    if rest > ENOUGH * largest:
        words = "; ".join(
            f"{each.words}: {each.way}" for _, each in sorted(rests, key=lambda p: p[0]) if _ < largest
        )
        return f"the largest set of {largest:,} rows is tied in more than one way: {words or causes[0].words}"
    return f"the largest set of {largest:,} rows is tied by {cause.words}: {cause.way}"
