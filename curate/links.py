"""Which rows must not be divided by a split: what was found about them, and what is nearly the same."""

from __future__ import annotations

import polars as pl

from curate.checks import overlap
from curate.checks.leak import SHORTEST, Leak
from curate.checks.near_duplicate import NearDuplicate
from curate.checks.wording import jaccard, normalised, shingle_sets, wordings
from curate.progress import Progress
from curate.split import LINKS

BATCH = 2_000


def found_links(review: pl.DataFrame) -> pl.DataFrame:
    """LINKS of all clusters and pairs of a review, whatever was decided about them.

    A pair that a person kept is still a pair: half of it in the test would be a leak. Members of a
    cluster are linked to the cluster's name, so that they are one another's twins.
    """
    hub = pl.concat_str(pl.lit("cluster:"), pl.col("check"), pl.lit(":"), pl.col("cluster_id"))
    clusters = review.filter(pl.col("cluster_id").is_not_null()).select("example_id", other_id=hub)
    pairs = review.filter(pl.col("cluster_id").is_null() & pl.col("other_id").is_not_null())
    return (
        pl.concat([clusters, pairs.select("example_id", "other_id")]).cast(LINKS).unique(maintain_order=True)
    )


def near_links(examples: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """LINKS of rows of which one would give the other away: what the leak check would call a leak, and more.

    That is: equal questions, questions or whole rows that overlap by at least `threshold` (Jaccard,
    0.3 to 1), and a question that stands within another row. `threshold` is lower than the checks'
    own, for a twin that is not near enough to drop is still near enough to spoil a test.
    """
    with Progress("split: compare rows", total=3) as progress:
        found = []
        for compare in ("prompt", "whole"):
            found.append(_near(examples, compare, threshold))
            progress.step()
        found.append(_within(examples))
        progress.step()
    return pl.concat(found).unique(maintain_order=True)


def _near(examples: pl.DataFrame, compare: str, threshold: float) -> pl.DataFrame:
    """Pairs that are equal in normal form, or near: candidates by MinHash, measured exactly."""
    check = NearDuplicate(threshold=threshold, compare=compare)
    parts = [check.sketch(batch) for batch in examples.iter_slices(BATCH)]
    if not parts:
        return pl.DataFrame(schema=LINKS)
    spoken = [any(w.parts(compare)) for w in wordings(examples)]
    sketches = pl.concat(parts).filter(pl.Series(spoken, dtype=pl.Boolean))
    name = pl.concat_str(pl.lit(f"equal {compare}:"), pl.col("key"))
    equal = sketches.filter(pl.col("key").is_duplicated()).select("example_id", other_id=name)
    pairs = check.link(sketches)
    named = pl.concat([pairs["example_id"], pairs["other_id"]]).unique()
    rows = examples.filter(pl.col("example_id").is_in(named.implode()))
    texts = (normalised(w.parts(compare)) for w in wordings(rows))
    words = dict(zip(rows["example_id"], shingle_sets(texts), strict=True))
    near = [pair for pair in pairs.iter_rows() if jaccard(words[pair[0]], words[pair[1]]) >= threshold]
    return pl.concat([equal.cast(LINKS), pl.DataFrame(near, schema=LINKS, orient="row")])


def _within(examples: pl.DataFrame) -> pl.DataFrame:
    """Pairs of which one's question stands in the other, by the leak check's own measure."""
    check = Leak()
    parts = [check.sketch(batch) for batch in examples.iter_slices(BATCH)]
    if not parts:
        return pl.DataFrame(schema=LINKS)
    sketches = pl.concat(parts)
    ids = sketches["example_id"]
    long = sketches.with_row_index("row").filter(pl.col("words") >= SHORTEST)
    found = overlap.contained(long["question"], sketches["whole"], check.containment)
    left = ids.gather(long["row"].gather(found["left"]))
    pairs = pl.DataFrame({"example_id": left, "other_id": ids.gather(found["right"])}, schema=LINKS)
    return pairs.filter(pl.col("example_id") != pl.col("other_id"))
