"""Which rows must not be divided by a split: what was found about them, what is nearly the same, or means it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from curate.checks.copies import witnesses
from curate.checks.frame import own_words
from curate.checks.near_duplicate import BETWEEN, SHINGLING
from curate.checks.wording import said, wordings
from curate.dedup.bands import Met
from curate.dedup.examples import met_by, near_pairs, sets_of, sketches, without_frame
from curate.dividing.together import LINKS, components_of
from curate.progress import Progress
from curate.scanning.embedding import Vectors
from curate.scanning.neighbours import Pairs, pairs_above
from curate.scanning.within import contained

CONTAINED = 0.8  # of a question's shingles that stand in another row: as the leak check's own


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


class Near(NamedTuple):
    """LINKS of rows of which one would give the other away, by what makes it so."""

    equal: pl.DataFrame
    alike: pl.DataFrame  # overlapping by the threshold or more
    within: pl.DataFrame  # a question that stands within another row: of these the threshold says nothing

    def all(self) -> pl.DataFrame:
        """All of them."""
        return pl.concat(self).unique(maintain_order=True)


def near_links(examples: pl.DataFrame, threshold: float) -> Near:
    """LINKS of rows of which one would give the other away: what the leak check would call a leak, and more.

    That is: equal questions, questions or whole rows that overlap by at least `threshold` (Jaccard,
    0.3 to 1), and a question that stands within another row. `threshold` is lower than the checks'
    own, for a twin that is not near enough to drop is still near enough to spoil a test.
    """
    with Progress("split: compare rows", total=3) as progress:
        equal, alike = [], []
        columns = said(examples)
        for compare in ("prompt", "whole"):
            same, near = _near(examples, columns, compare, threshold)
            equal.append(same)
            alike.append(near)
            progress.step()
        within = _within(examples, columns)
        progress.step()
    return Near(pl.concat(equal), pl.concat(alike), within)


def _near(
    examples: pl.DataFrame, columns: pl.DataFrame, compare: str, threshold: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(rows that are equal in normal form, pairs that are near): candidates by MinHash, measured exactly.

    What stands in very many rows, a template, does not make two of them near, if their answers are not the same.
    """
    texts = _whole(columns) if compare == "whole" else columns["question"]
    key, bands = sketches(texts, SHINGLING, threshold)
    rows = pl.DataFrame(
        {"example_id": examples["example_id"], "text": texts, "key": key, "bands": bands}
    ).with_columns(witnesses(columns))
    rows = rows.filter(pl.col("key") != 0).sort("example_id")
    name = pl.concat_str(pl.lit(f"equal {compare}:"), pl.col("key").cast(pl.String))
    equal = rows.filter(pl.col("key").is_duplicated()).select("example_id", other_id=name)
    distinct = rows.unique("key", keep="first", maintain_order=True)
    met = met_by(distinct["bands"])
    used = np.unique(np.concatenate([met.left, met.right, met.crowd]))
    own_texts = distinct["text"].gather(used)
    sets = sets_of(own_texts, SHINGLING)
    own = without_frame(sets, distinct.height, distinct["witness"].gather(used).to_numpy())
    renumbered = Met(*(np.searchsorted(used, side) for side in met))
    marks = np.arange(len(met.crowd), dtype=np.int64)
    near = near_pairs(renumbered, sets, own, threshold, marks, own_texts)
    ids = distinct["example_id"].gather(used)
    pairs = pl.DataFrame(
        {"example_id": ids.gather(near.left), "other_id": ids.gather(near.right)}, schema=LINKS
    )
    return equal.cast(LINKS), pairs


def _within(examples: pl.DataFrame, columns: pl.DataFrame) -> pl.DataFrame:
    """Pairs of which one's question stands in the other; of equal questions one speaks for all."""
    order = examples["example_id"].arg_sort()
    ids, rows = examples["example_id"].gather(order), columns[order.to_numpy()]
    asked = rows.select(pl.when(pl.col("question").is_first_distinct()).then("question")).to_series()
    left, right = contained(asked, _whole(rows), CONTAINED)
    return pl.DataFrame({"example_id": ids.gather(left), "other_id": ids.gather(right)}, schema=LINKS)


def _whole(columns: pl.DataFrame) -> pl.Series:
    """All that a row says but for the system prompt, as one text."""
    spoken = pl.element().filter(pl.element().str.strip_chars() != "")
    return columns.select(pl.concat_list(pl.all()).list.eval(spoken).list.join(BETWEEN)).to_series()


# by meaning


class Meant(NamedTuple):
    """LINKS of questions that mean nearly the same, and what was done to find them."""

    links: pl.DataFrame
    told: Told


@dataclass(frozen=True)
class Told:
    """How rows were compared by meaning, for the report; `warning` is empty where all was kept together."""

    encoder: str
    asked: float  # cosine above which no two questions were to be divided
    used: float  # and above which none is
    pairs: int  # of distinct questions above `asked`
    kept: int  # and above `used`
    recall: float  # of the search; 1 where each was compared with each
    largest: int  # rows in the largest set that hangs together at `asked`, with the other links
    largest_used: int
    warning: str = ""

    def as_json(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


STEPS = (0.96, 0.97, 0.98, 0.99, 0.995)  # tried in turn where what was asked ties too many rows together


def meant_links(
    examples: pl.DataFrame, links: pl.DataFrame, vectors: Vectors, threshold: float, most: float
) -> Meant:
    """LINKS of rows whose questions have a cosine of at least `threshold` (0 to 1).

    A row without a question is compared as a whole; sentences that stand in very many rows are left
    out. Chains of such pairs, and of `links`, may tie more than `most` rows together, so that no part
    could hold the rest: then the threshold is raised step by step until they do not, and the warning says so.
    Where no step gets there, the threshold stays: raising it would divide pairs for nothing.
    """
    asked = own_words([w.question or "\n".join(w.parts("whole")) for w in wordings(examples)])
    rows = examples.select("example_id", text=pl.Series(asked, dtype=pl.String))
    texts = rows.filter(pl.col("text") != "").select("text").unique().sort("text").with_row_index("at")
    hung = rows.join(texts, on="text").select("example_id", "at").sort("example_id")
    found = pairs_above(vectors.of(texts["text"].to_list()), threshold)
    ids = examples["example_id"].to_list()
    largest: dict[float, int] = {}
    for used in [threshold, *(step for step in STEPS if step > threshold)]:
        tied = _tied(hung, found, used)
        largest[used] = int(np.bincount(components_of(ids, [links, tied])).max(initial=0))
        if largest[used] <= most:
            break
    else:
        used = threshold
        tied = _tied(hung, found, used)
    warning = _raised(examples.height, found.cosine, threshold, used, largest)
    told = Told(
        vectors.encoder.told, threshold, used, len(found.cosine), int((found.cosine >= used).sum()),
        found.recall, largest[threshold], largest[used], warning,
    )  # fmt: skip
    return Meant(tied, told)


def _tied(hung: pl.DataFrame, found: Pairs, cosine: float) -> pl.DataFrame:
    """LINKS of the rows (`example_id`, `at`: their text) of equal texts and of each pair of texts as near as `cosine`, by a name for each."""
    keep = found.cosine >= cosine
    pairs = pl.DataFrame({"left": found.left[keep], "right": found.right[keep]}).cast(pl.UInt32)
    pair = pl.concat_str(pl.lit("meaning:"), "left", pl.lit("-"), "right")
    ends = [pairs.select(at=side, other_id=pair) for side in ("left", "right")]
    equal = hung.filter(pl.col("at").is_duplicated()).select(
        "example_id", other_id=pl.concat_str(pl.lit("meaning:"), "at")
    )
    near = [hung.join(end, on="at").select("example_id", "other_id") for end in ends]
    return pl.concat([equal, *near]).cast(LINKS).sort("example_id", "other_id")


def _raised(rows: int, cosine: np.ndarray, asked: float, used: float, largest: dict[float, int]) -> str:
    """What is said where rows could not be kept together as asked; empty where they could."""
    if used == asked:
        return ""
    return (
        f"questions above cosine {asked:g} were to stay together, but that ties {largest[asked]:,} of {rows:,} rows "
        f"into one set; kept together are those above {used:g} (largest set {largest[used]:,} rows), so "
        f"{int((cosine < used).sum()):,} of {len(cosine):,} pairs may be divided"
    )
