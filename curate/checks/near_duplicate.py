"""Examples that say nearly the same: MinHash finds candidates, exact Jaccard decides."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import polars as pl

from curate.checks import minhash
from curate.checks.frame import alike
from curate.checks.keep import POLICY, ranked
from curate.checks.wording import (
    Named,
    Wording,
    check_compare,
    hashed_shingles,
    jaccard,
    named,
    normalise,
    normalised,
    numbers,
    other_names,
    shingle_sets,
    wordings,
)
from curate.errors import ConfigError
from curate.example import digest
from curate.finding import FINDINGS

ANSWERS_ALIKE = 0.5  # of the words; below it two answers are not copies of each other
PAIRS = pl.Schema({"example_id": pl.String, "other_id": pl.String})


class Edge(NamedTuple):
    """Two examples that are alike, and why the later may still not be dropped (empty: it may)."""

    other: str
    score: float
    doubt: str


class Text(NamedTuple):
    """What verification needs of one example."""

    shingles: frozenset[int]
    numbers: tuple[str, ...]
    named: Named
    answer: frozenset[str]
    label: str | None


@dataclass(frozen=True)
class NearDuplicate:
    """Group the examples whose shingles overlap by at least `threshold` (Jaccard, 0.3 to 1).

    A row is proposed for dropping only if it is itself that near to the kept row, has the same
    numbers, names and label, and an answer alike; any other is for review, with the reason as its
    label: `numbers-differ`, `names-differ`, `labels-differ`, `answers-differ`, or `chained` (near to
    a dropped row only). So rows made from one template, which differ in an order id or a city, stay.
    What stands in very many rows does not make two of them alike (see frame.py).
    Equal texts are left to the exact-duplicate check: one of each group takes part. Shingles are three
    words, or five characters where the script sets no spaces and in texts of fewer than three words.
    """

    name: ClassVar[str] = "near-duplicate"
    version: ClassVar[int] = 1
    threshold: float = 0.7
    compare: str = "whole"

    def __post_init__(self) -> None:
        check_compare(self.compare)
        if not 0.3 <= self.threshold <= 1:
            raise ConfigError(f"near-duplicate.threshold is {self.threshold}", hint="it is from 0.3 to 1")

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The shingles and band keys of each example, and a digest of its normal form."""
        texts = [normalised(wording.parts(self.compare)) for wording in wordings(batch)]
        shingles = hashed_shingles(texts)
        return batch.select(
            "example_id",
            "split",
            "label",
            key=pl.Series([digest(text) for text in texts], dtype=pl.String),
            shingles=shingles,
            bands=minhash.bands(shingles, self.threshold),
        )

    def link(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """Pairs that share a band, and not only a template; the one to keep is `other_id`."""
        distinct = ranked(sketches).unique("key", keep="first", maintain_order=True)
        met = minhash.candidates(distinct["bands"])
        pairs = met[alike(distinct["shingles"], met.tolist(), self.threshold)]
        names = distinct["example_id"]
        return pl.DataFrame(
            {"example_id": names.gather(pairs[:, 1]), "other_id": names.gather(pairs[:, 0])}, schema=PAIRS
        )

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """Stars round the rows that stay; scores are exact."""
        order = ranked(texts)
        labels = dict(order.select("example_id", "label").iter_rows())
        said = self._texts(list(wordings(order)), labels)
        edges: dict[str, list[Edge]] = defaultdict(list)
        for left, right in pairs.iter_rows():
            score = jaccard(said[left].shingles, said[right].shingles)
            if score >= self.threshold:
                doubt = _doubt(said[left], said[right])
                edges[left].append(Edge(right, score, doubt))
                edges[right].append(Edge(left, score, doubt))
        return _findings(_stars([name for name in order["example_id"] if name in edges], edges), said)

    def _texts(self, all_said: list[Wording], labels: dict[str, str | None]) -> dict[str, Text]:
        """What verification needs of each example, by its id."""
        verbatim = ["\n".join(wording.parts(self.compare)) for wording in all_said]
        whole = [normalised(wording.parts(self.compare)) for wording in all_said]
        texts = {}
        for wording, raw, text, cut in zip(all_said, verbatim, whole, shingle_sets(whole), strict=True):
            answer = normalise(wording.answer or wording.chosen) if self.compare == "whole" else ""
            label = labels[wording.example_id]
            texts[wording.example_id] = Text(cut, numbers(text), named(raw), frozenset(answer.split()), label)
        return texts


def _doubt(left: Text, right: Text) -> str:
    """Why two near texts are perhaps not copies; empty if nothing speaks against it."""
    if left.label is not None and right.label is not None and left.label != right.label:
        return "labels-differ"
    if left.numbers != right.numbers:
        return "numbers-differ"
    if other_names(left.named, right.named):
        return "names-differ"
    if left.answer != right.answer and jaccard(left.answer, right.answer) < ANSWERS_ALIKE:
        return "answers-differ"
    return ""


def _stars(order: list[str], edges: dict[str, list[Edge]]) -> dict[str, tuple[str, str]]:
    """Each member that does not stay with (its keeper, doubt); `order` has those to keep first.

    No chains: a row falls only to a row that stays. A row that stays, round which nothing gathers,
    but which is near to something, joins that group for review.
    """
    rank = {name: at for at, name in enumerate(order)}
    fallen: dict[str, tuple[str, str]] = {}
    gathered: set[str] = set()
    for name in order:
        sure = [
            e for e in edges[name] if not e.doubt and rank[e.other] < rank[name] and e.other not in fallen
        ]
        if sure:
            keeper = min(sure, key=lambda edge: (-edge.score, rank[edge.other])).other
            fallen[name] = (keeper, "")
            gathered.add(keeper)
    dropped = dict(fallen)
    for name in reversed(order):
        if name in dropped or name in gathered:
            continue
        for edge in sorted(edges[name], key=lambda edge: (-edge.score, rank[edge.other])):
            keeper = dropped[edge.other][0] if edge.other in dropped else edge.other
            if edge.other in dropped or (rank[keeper] < rank[name] and keeper not in fallen):
                fallen[name] = (keeper, edge.doubt or "chained")
                gathered.add(keeper)
                break
    return fallen


def _findings(fallen: dict[str, tuple[str, str]], said: dict[str, Text]) -> pl.DataFrame:
    """One finding a member of each star, the keeper's own among them."""
    members: dict[str, list[str]] = defaultdict(list)
    for name, (keeper, _) in fallen.items():
        members[keeper].append(name)
    rows = []
    for keeper, others in members.items():
        cluster = digest("near-duplicate", keeper)
        for name in (keeper, *others):
            doubt = fallen[name][1] if name != keeper else ""
            score = 1.0 if name == keeper else jaccard(said[name].shingles, said[keeper].shingles)
            evidence = {"members": len(others) + 1, "jaccard": round(score, 4), "kept": POLICY}
            rows.append(
                {
                    "example_id": name,
                    "other_id": None if name == keeper else keeper,
                    "cluster_id": cluster,
                    "label": doubt or "near",
                    "score": score,
                    "action": "keep" if name == keeper else "review" if doubt else "drop",
                    "evidence": json.dumps(evidence),
                }
            )
    return pl.DataFrame(rows, schema_overrides=FINDINGS) if rows else pl.DataFrame(schema=FINDINGS)
