"""Examples that say nearly the same: MinHash finds candidates, exact Jaccard decides."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import polars as pl

from curate.checks.copies import doubt_of, texts_of, witnesses
from curate.checks.keep import DEFAULT, carried, check_keep, ranked, reads_texts, sentence, why
from curate.checks.relinking import relinked
from curate.checks.wording import (
    check_compare,
    jaccard,
    normalise,
    numbers,
    said,
)
from curate.dedup.bands import Met
from curate.dedup.examples import (
    Near,
    by,
    fewest_of_a_frame,
    met_by,
    near_pairs,
    sets_of,
    sketches,
    without_frame,
)
from curate.dedup.shingling import Hashes, Shingling
from curate.errors import ConfigError
from curate.example import digest
from curate.finding import FINDINGS
from curate.rows import Rows

SHINGLING = Shingling(words=3, characters=4)
BETWEEN = "\n␞\n"  # stands between question and answer, so that words do not pass from one to the other
PAIRS = pl.Schema(
    {
        "example_id": pl.String,
        "other_id": pl.String,  # null of a row that is one of a crowd: very many that may be alike
        "texts": pl.UInt32,  # distinct texts in all; on a row without ids too
    }
)
MEASURED = pl.Schema(
    {
        "example_id": pl.String,
        "other_id": pl.String,  # is kept before the other
        "score": pl.Float64,  # exact Jaccard
        "least": pl.Float64,  # the lower of it and that without a template: what must reach the threshold
        "doubt": pl.String,  # why they are perhaps not copies; empty if nothing speaks against it, null if not near
    }
)


class Edge(NamedTuple):
    """Two examples that are alike, and why the later may still not be dropped (empty: it may)."""

    other: str
    score: float
    doubt: str


@dataclass(frozen=True)
class NearDuplicate:
    """Group the examples whose shingles overlap by at least `threshold` (Jaccard, 0.3 to 1).

    A row is proposed for dropping only if it is itself that near to the kept row, has the same
    numbers, names and label, denies as much, puts no word of weight in another's place, and has an
    answer alike; any other is for review, with the reason as its label: `numbers-differ`, `names-differ`,
    `negation-differs`, `words-differ`, `labels-differ`, `answers-differ`, `preference-differs`, or `chained` (near to a dropped
    row only). So rows made from one template, which differ in an order id or a city, stay.
    What stands in very many rows does not make two of them alike. Equal texts are left to the
    exact-duplicate check: one of each group takes part. `keep` is the policy that says which row of a
    group stays (see keep.py). Shingles are three words, or four characters (three ideographs) where the
    script sets no spaces; a text of fewer is compared whole.
    """

    name: ClassVar[str] = "near-duplicate"
    version: ClassVar[int] = 5
    threshold: float = 0.7
    compare: str = "whole"
    keep: tuple[str, ...] = DEFAULT

    def __post_init__(self) -> None:
        check_compare(self.compare)
        check_keep(self.keep)
        if not 0.3 <= self.threshold <= 1:
            raise ConfigError(f"near-duplicate.threshold is {self.threshold}", hint="it is from 0.3 to 1")

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The band keys of each example, and a key of its words (0: it says nothing)."""
        key, bands = sketches(self._texts(said(batch)), SHINGLING, self.threshold)
        own = batch.select("example_id", key=key, bands=bands)
        return pl.concat([own, carried(batch, self.keep)], how="horizontal")

    def link(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """Pairs that share a band; the one to keep is `other_id`."""
        order = ranked(sketches.filter(pl.col("key") != 0))
        distinct = order.unique("key", keep="first", maintain_order=True)
        return _pairs(distinct["example_id"], met_by(distinct["bands"]), distinct.height)

    def relinked(self, sketches: pl.DataFrame, known: int, before: pl.DataFrame) -> pl.DataFrame | None:
        """What `link` gives, from what it gave of the first `known` rows."""
        found = relinked(sketches, known, before)
        return None if found is None else _complete(*found)

    def scatter(self, sketches: pl.DataFrame, parts: int) -> list[pl.DataFrame]:
        """A row for each band key, in pieces by it."""
        keyed = sketches.filter(pl.col("key") != 0).with_columns(
            band=pl.int_ranges(pl.col("bands").list.len(), dtype=pl.UInt8)
        )
        rows = keyed.explode("bands", "band")
        part = rows.select(pl.col("bands") % parts).to_series()
        return [rows.filter(part == number) for number in range(parts)]

    def meet(self, piece: pl.DataFrame) -> pl.DataFrame:
        """Pairs of one piece, and how many distinct texts have their first band key in it."""
        order = ranked(piece).unique(["band", "bands", "key"], keep="first", maintain_order=True)
        step = np.uint64(0x9E3779B97F4A7C15)
        mixed: Hashes = order["bands"].to_numpy() ^ (order["band"].cast(pl.UInt64).to_numpy() * step)
        one = pl.Series("bands", mixed, dtype=pl.UInt64).reshape((order.height, 1)).cast(pl.List(pl.UInt64))
        return _pairs(order["example_id"], met_by(one), order.filter(band=0).height)

    def joined(self, met: pl.DataFrame) -> pl.DataFrame:
        """The pairs of all pieces, each once."""
        texts = sum(met.filter(pl.col("example_id").is_null())["texts"])
        pairs = met.drop_nulls("example_id").select("example_id", "other_id").unique()
        crowd = pairs.filter(pl.col("other_id").is_null())["example_id"].implode()
        inside = pl.col("example_id").is_in(crowd) & pl.col("other_id").is_in(crowd)
        return _complete(pairs.filter(pl.col("other_id").is_null() | ~inside), int(texts))

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """Stars round the rows that stay; scores are exact."""
        return self.decided(self.measured(pairs, texts), texts)

    def measured(
        self, pairs: pl.DataFrame, texts: pl.DataFrame | Rows, told: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """MEASURED: all near pairs, and others that met. A higher threshold needs no more: see `decided`.

        Of a pair that is in `told` (see `lasting`) the doubt is not looked for again; nor is the score taken
        again where the rows are too few for a template, and so no other rows matter.
        """
        every = Rows.of(texts)
        rows = self._ordered(every, pl.concat([pairs["example_id"], pairs["other_id"]]))
        met, count = _met(rows, pairs), int(pairs["texts"].max() or 0)  # type: ignore[arg-type]
        if len(met.crowd) or rows.height >= fewest_of_a_frame(count):
            near = self._near(_whole(every, rows), met, count)
        else:
            near = self._scored(every, rows, met, told)
        left, right = rows["example_id"].gather(near.left), rows["example_id"].gather(near.right)
        known = _known(told, left, right)["doubt"]
        new = np.flatnonzero(known.is_null().to_numpy() & (near.least >= self.threshold))
        used, at = np.unique(np.concatenate([near.left[new], near.right[new]]), return_inverse=True)
        read = texts_of(_whole(every, rows[used]), self.compare)
        doubts = [doubt_of(read[one], read[two]) for one, two in at.reshape(2, -1).T.tolist()]
        return pl.DataFrame(
            {
                "example_id": right,
                "other_id": left,
                "score": near.score,
                "least": near.least,
                "doubt": known.scatter(new, doubts),
            },
            schema=MEASURED,
        ).sort("example_id", "other_id")

    def _near(self, rows: pl.DataFrame, met: Met, count: int) -> Near:
        """The near pairs of those met, among `count` distinct texts in all."""
        columns = said(rows)
        sets = sets_of(self._texts(columns), SHINGLING)
        marks = _marks(rows, columns, met, self.compare)
        own = without_frame(sets, count, witnesses(columns).to_numpy())
        return near_pairs(met, sets, own, self.threshold, marks, columns["question"])

    def _scored(self, every: Rows, rows: pl.DataFrame, met: Met, told: pl.DataFrame | None) -> Near:
        """All pairs met with their scores, where there is no template; those that were told are not taken again."""
        ids = rows["example_id"]
        score = np.array(_known(told, ids.gather(met.left), ids.gather(met.right))["score"].to_numpy())
        new = np.flatnonzero(np.isnan(score))
        used, at = np.unique(np.concatenate([met.left[new], met.right[new]]), return_inverse=True)
        if len(used):
            texts = self._texts(said(_whole(every, rows[used])))
            sets, (left, right) = sets_of(texts, SHINGLING), at.reshape(2, -1)
            score[new] = by(texts).jaccards(sets.items, sets.starts, left, right, 0.0)
        return Near(met.left, met.right, score, score)

    def _ordered(self, every: Rows, ids: pl.Series) -> pl.DataFrame:
        """The rows of these ids, light or whole, by rank."""
        named = ids.drop_nulls().unique()
        if reads_texts(self.keep):
            rows = every.named(named)
        else:
            rows = every.light.filter(pl.col("example_id").is_in(named.implode()))
        return ranked(pl.concat([rows, carried(rows, self.keep)], how="horizontal"))

    def lasting(self, measured: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
        """Scores and doubts; and the scores of rows that came together though they were not paired."""
        pairs = measured.select("example_id", "other_id", "score", "doubt")
        more = found.drop_nulls("other_id").select("example_id", "other_id", "score")
        more = more.with_columns(doubt=pl.lit(None, dtype=pl.String))
        return pl.concat([pairs, more.join(pairs, on=["example_id", "other_id"], how="anti")])

    def decided(
        self, measured: pl.DataFrame, texts: pl.DataFrame | Rows, told: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """Findings, from the pairs of `measured` at this or a lower threshold."""
        near = measured.filter(pl.col("least") >= self.threshold).drop("least")
        every = Rows.of(texts)
        order = self._ordered(every, pl.concat([near["example_id"], near["other_id"]]))
        edges: dict[str, list[Edge]] = defaultdict(list)
        for right, left, score, doubt in near.iter_rows():
            edges[left].append(Edge(right, score, doubt))
            edges[right].append(Edge(left, score, doubt))
        fallen = _stars(order["example_id"].to_list(), edges)
        names = [name for name in order.columns if name.startswith("keep_")]
        policy = dict(zip(order["example_id"], order.select(names).iter_rows(), strict=True))
        missing = [(name, keeper) for name, (keeper, _, score) in fallen.items() if score is None]
        scores = self._between(missing, every, told)
        return _findings(fallen, scores, policy, self.keep)

    def _texts(self, columns: pl.DataFrame) -> pl.Series:
        """What is compared of each row, as one text; empty where it says nothing."""
        _question, answer, chosen = pl.col("question"), pl.col("answer"), pl.col("chosen")
        if self.compare == "prompt":
            return columns["question"]
        if self.compare == "answer":
            return columns.select(pl.when(answer != "").then(answer).otherwise(chosen)).to_series()
        spoken = pl.element().filter(pl.element().str.strip_chars() != "")
        parts = pl.concat_list("question", "answer", "chosen", "rejected").list.eval(spoken)
        return columns.select(parts.list.join(BETWEEN)).to_series()

    def _between(
        self, pairs: list[tuple[str, str]], every: Rows, told: pl.DataFrame | None
    ) -> dict[tuple[str, str], float]:
        """The exact Jaccard index of rows that were not paired."""
        sides = (pl.Series([pair[side] for pair in pairs], dtype=pl.String) for side in (0, 1))
        scores = dict(zip(pairs, _known(told, *sides)["score"], strict=True))
        unknown = [pair for pair, score in scores.items() if score is None]
        rows = every.named(pl.Series(sorted({name for pair in unknown for name in pair}), dtype=pl.String))
        sets = sets_of(self._texts(said(rows)), SHINGLING)
        cut = {
            name: frozenset(sets.items[sets.starts[at] : sets.starts[at + 1]].tolist())
            for at, name in enumerate(rows["example_id"])
        }
        return scores | {(one, two): jaccard(cut[one], cut[two]) for one, two in unknown}


def _whole(every: Rows, rows: pl.DataFrame) -> pl.DataFrame:
    """The whole rows in the order of these."""
    if "messages" in rows.columns:
        return rows
    order = rows.select("example_id")
    return order.join(every.named(rows["example_id"]), on="example_id", how="left", maintain_order="left")


def _pairs(ids: pl.Series, met: Met, texts: int) -> pl.DataFrame:
    """PAIRS of row numbers; the rows of the crowd with none."""
    pairs = pl.DataFrame({"example_id": ids.gather(met.right), "other_id": ids.gather(met.left)})
    crowd = pl.DataFrame({"example_id": ids.gather(met.crowd).unique()}).with_columns(
        other_id=pl.lit(None, dtype=pl.String)
    )
    return _complete(pl.concat([pairs.unique(), crowd]), texts)


def _complete(pairs: pl.DataFrame, texts: int) -> pl.DataFrame:
    """PAIRS in their one order, with a row that says how many texts there are."""
    count = pl.lit(texts, dtype=pl.UInt32)
    ends = pl.DataFrame({"example_id": [None], "other_id": [None]}, schema=pairs.schema)
    rows = pl.concat([pairs.sort("example_id", "other_id"), ends])
    return rows.with_columns(texts=count).cast(PAIRS)


def _met(rows: pl.DataFrame, pairs: pl.DataFrame) -> Met:
    """The pairs as row numbers."""
    at = rows.select("example_id", place=pl.int_range(pl.len(), dtype=pl.Int64))
    known = pairs.drop_nulls("example_id").join(at, on="example_id")
    crowd = known.filter(pl.col("other_id").is_null())["place"].sort().to_numpy()
    both = known.drop_nulls("other_id").join(at, left_on="other_id", right_on="example_id", suffix="_other")
    left = both.select(pl.min_horizontal("place", "place_other")).to_series().to_numpy()
    right = both.select(pl.max_horizontal("place", "place_other")).to_series().to_numpy()
    return Met(left, right, crowd)


def _known(told: pl.DataFrame | None, left: pl.Series, right: pl.Series) -> pl.DataFrame:
    """Score and doubt of each pair, whichever way round they were told; null where they were not."""
    pairs = pl.DataFrame({"example_id": left, "other_id": right})
    if told is None:
        nothing = {"score": [None] * pairs.height, "doubt": [None] * pairs.height}
        return pl.DataFrame(nothing, schema={"score": pl.Float64, "doubt": pl.String})
    turned = told.select("score", "doubt", example_id="other_id", other_id="example_id")
    both = pl.concat([told.select(turned.columns), turned]).unique(["example_id", "other_id"])
    joined = pairs.join(both, on=["example_id", "other_id"], how="left", maintain_order="left")
    return joined.select("score", "doubt")


def _marks(rows: pl.DataFrame, columns: pl.DataFrame, met: Met, compare: str) -> np.ndarray:
    """Numbers of the crowd's rows: equal where label and numbers are, as they are of copies."""
    kinds: dict[object, int] = {}
    some, labels = columns[met.crowd], rows["label"].gather(met.crowd)
    marks = [
        kinds.setdefault((label, numbers(normalise(" ".join(parts)))), len(kinds))
        for label, parts in zip(labels, some.iter_rows(), strict=True)
    ]
    return np.array(marks, dtype=np.int64)


def _stars(order: list[str], edges: dict[str, list[Edge]]) -> dict[str, tuple[str, str, float | None]]:
    """Each member that does not stay with (its keeper, doubt, score); `order` has those to keep first.

    No chains: a row falls only to a row that stays. A row that stays, round which nothing gathers,
    but which is near to something, joins that group for review; its score is None where the two
    were not paired.
    """
    rank = {name: at for at, name in enumerate(order)}
    fallen: dict[str, tuple[str, str, float | None]] = {}
    gathered: set[str] = set()
    for name in order:
        sure = [
            e for e in edges[name] if not e.doubt and rank[e.other] < rank[name] and e.other not in fallen
        ]
        if sure:
            keeper = min(sure, key=lambda edge: (-edge.score, rank[edge.other]))
            fallen[name] = (keeper.other, "", keeper.score)
            gathered.add(keeper.other)
    dropped = dict(fallen)
    for name in reversed(order):
        if name in dropped or name in gathered:
            continue
        for edge in sorted(edges[name], key=lambda edge: (-edge.score, rank[edge.other])):
            kept = dropped[edge.other][0] if edge.other in dropped else edge.other
            if edge.other in dropped or (rank[kept] < rank[name] and kept not in fallen):
                direct = {e.other: e.score for e in edges[name]}.get(kept)
                fallen[name] = (kept, edge.doubt or "chained", direct)
                gathered.add(kept)
                break
    return fallen


def _findings(
    fallen: dict[str, tuple[str, str, float | None]],
    scores: dict[tuple[str, str], float],
    policy: dict[str, tuple[float, ...]],
    keep: tuple[str, ...],
) -> pl.DataFrame:
    """One finding a member of each star, the keeper's own among them."""
    members: dict[str, list[str]] = defaultdict(list)
    for name, (keeper, _, _) in fallen.items():
        members[keeper].append(name)
    rows: list[tuple[object, ...]] = []
    written: dict[tuple[int, float, str], str] = {}  # few are told apart, and there may be very many rows
    for keeper, others in members.items():
        cluster = digest("near-duplicate", keeper)
        for name in (keeper, *others):
            other, doubt, direct = fallen[name] if name != keeper else (None, "", 1.0)
            score = direct if direct is not None else scores[name, keeper]
            reason = "" if other is None else why(policy[keeper], policy[name], keep)
            key = (len(others) + 1, round(score, 4), reason)
            evidence = written.get(key) or written.setdefault(key, _evidence(*key, sentence(keep)))
            action = "keep" if other is None else "review" if doubt else "drop"
            rows.append((name, other, cluster, doubt or "near", score, action, evidence))
    columns = ("example_id", "other_id", "cluster_id", "label", "score", "action", "evidence")
    return pl.DataFrame(rows, schema={name: FINDINGS[name] for name in columns}, orient="row")


def _evidence(members: int, jaccard: float, why: str, policy: str) -> str:
    """What is told of a member; the keeper has no reason why it is not kept."""
    told: dict[str, object] = {"members": members, "jaccard": jaccard, "kept": policy}
    return json.dumps(told | ({"why": why} if why else {}))
