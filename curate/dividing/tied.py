"""Why the largest set of rows that a split keeps together is so large, and what would make it smaller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from curate.answer import counted
from curate.dividing.links import Near
from curate.dividing.together import LINKS, components_of

HIGHEST = 0.95  # threshold of wording that is still proposed: of near duplicates hardly any are left above it
SHOWN = 3  # links that are named
GROUPS = "groups"
ENOUGH = 0.5  # a cause without which the set falls to this share of its rows is the cause


class Cause(NamedTuple):
    """One kind of bond between rows, in words, with what can be done about it."""

    words: str
    way: str
    links: pl.DataFrame  # LINKS
    kind: str = ""  # GROUPS, where it is no link between two rows


def group_cause(examples: pl.DataFrame, column: str) -> Cause:
    """The groups as links; `column` is the source's column that they came from, empty if not known."""
    named = examples.filter(pl.col("group").is_not_null())
    hub = pl.concat_str(pl.lit("group:"), "group")
    what = f"the group column `{column}`" if column else "the group column"
    return Cause(
        f"rows of one group ({what})",
        "--no-group divides groups: their rows give one another away, so train and export then refuse",
        named.select("example_id", other_id=hub).cast(LINKS),
        GROUPS,
    )


def near_causes(near: Near, threshold: float) -> list[Cause]:
    """What rows say, by kind: of these only what is alike hangs on the threshold."""
    higher = min(HIGHEST, round(threshold + 0.2, 2))
    return [
        Cause("equal questions or rows", "they cannot be divided: one of two equal rows in the test is a leak", near.equal),
        Cause(
            f"near duplicates (wording alike by {threshold:g} or more, as of one template)",
            f"--link-threshold {higher:g} ties fewer" if higher > threshold else "no higher threshold ties fewer",
            near.alike,
        ),
        Cause(
            "questions that stand within other rows",
            "no threshold changes that; seatrial leaks shows such rows where they are divided",
            near.within,
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
        f"--semantic-threshold {higher:g} ties fewer"
        if higher > threshold
        else "no higher threshold ties fewer",
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
        ties = {each.words: _widest(inside, each) for each in causes}
        ranked = sorted(causes, key=lambda each: -ties[each.words])
        ways = [f"\n    {each.words}: {each.way}" for each in ranked[:SHOWN] if ties[each.words] > 1]
        return f"the largest set of {largest:,} rows is tied in more than one way:{''.join(ways)}"
    return f"the largest set of {largest:,} rows is tied by {cause.words}: {cause.way}"


def _widest(ids: list[str], cause: Cause) -> int:
    """The rows of the largest set that one cause alone makes among these."""
    return int(np.bincount(components_of(ids, [cause.links])).max(initial=0))


def told_of_bridges(examples: pl.DataFrame, causes: list[Cause]) -> str:
    """`the largest set of 1,439 rows hangs together by 118 links between groups: ...`; empty where no link ties it."""
    links = [cause for cause in causes if cause.kind != GROUPS and not cause.links.is_empty()]
    if not links:
        return ""
    ids = examples["example_id"].to_list()
    whole = components_of(ids, [cause.links for cause in causes if not cause.links.is_empty()])
    sizes = np.bincount(whole)
    inside = examples.filter(pl.Series(whole == int(sizes.argmax())))
    own = inside.select(
        "example_id", place=_place(), unit=pl.coalesce(pl.lit("group ") + pl.col("group"), "example_id")
    )
    apart: list[tuple[str, pl.DataFrame]] = []
    for cause in links:
        pairs = _row_pairs(cause.links, own)
        apart.append((cause.words.partition(" (")[0], pairs.filter(pl.col("unit") != pl.col("other_unit"))))
    pairs = pl.concat([found for _, found in apart]).unique(["example_id", "other_id"], maintain_order=True)
    if pairs.is_empty():
        return ""
    kinds = ", ".join(f"{words} {found.height:,}" for words, found in apart if found.height)
    shown = pairs.sort("example_id", "other_id").head(SHOWN).select("place", "other_place").iter_rows()
    between = "groups" if inside["group"].null_count() < inside.height else "rows"
    return (
        f"the largest set of {int(sizes.max()):,} rows hangs together by {counted(pairs.height, 'link')} between "
        f"{between} ({kinds}), as {'; '.join(f'{one} with {other}' for one, other in shown)}"
    )


def _place() -> pl.Expr:
    """Where a row came from, in words."""
    return pl.format("{}:{}", pl.col("source").fill_null("?"), pl.col("source_row").fill_null(-1))


def _row_pairs(links: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """The links as pairs of rows (`place`, `unit` of both); of rows that share a name, each with the first."""
    named = own["example_id"]
    direct = links.filter(pl.col("other_id").is_in(named.implode()))
    shared = links.filter(~pl.col("other_id").is_in(named.implode())).filter(
        pl.col("example_id").is_in(named.implode())
    )
    hung = shared.select(
        example_id=pl.col("example_id").min().over("other_id"), other_id="example_id"
    ).filter(pl.col("example_id") != pl.col("other_id"))
    both = pl.concat([direct, hung]).select(
        example_id=pl.min_horizontal("example_id", "other_id"),
        other_id=pl.max_horizontal("example_id", "other_id"),
    )
    others = own.select(pl.all().name.prefix("other_")).rename({"other_example_id": "other_id"})
    return both.unique(maintain_order=True).join(own, on="example_id").join(others, on="other_id")
