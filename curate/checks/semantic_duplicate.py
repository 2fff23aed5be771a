"""Examples that say the same in other words: near in meaning, with the same numbers and names."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import polars as pl

from curate.checks.copies import Text, doubt_of, texts_of
from curate.checks.keep import DEFAULT, carried, check_keep, ranked, sentence
from curate.checks.wording import check_compare, jaccard, normalised, shingle_sets, wordings
from curate.errors import ConfigError
from curate.example import digest
from curate.finding import FINDINGS
from curate.scanning.embedding import AUTO, NO_ENCODER, NONE, Units, find_encoder
from curate.scanning.neighbours import EXACT_UP_TO, pairs_above

NEAREST = 50  # rows near to one that are looked at
PIECE = 800  # characters: of prose as many as a small encoder reads at once; of the rest `curate.scanning.windows` sees to it
PIECES = 8  # of a long text; one with more is compared by its first ones
NEAR_ALREADY = 0.7  # Jaccard of shingles at which the near-duplicate check has the pair
PAIRS = pl.Schema(
    {
        "example_id": pl.String,
        "other_id": pl.String,
        "cosine": pl.Float64,
        "answers": pl.Float64,
        "recall": pl.Float64,
        "uncovered": pl.UInt32,
    }
)


class Read(NamedTuple):
    """What verification needs of one example."""

    shingles: frozenset[int]
    text: Text
    unread: bool  # whether something stands behind the pieces that are encoded


class Edge(NamedTuple):
    """Another row that stands before this one and is near to it, and why this may yet stay."""

    other: str
    cosine: float
    doubt: str


@dataclass(frozen=True)
class SemanticDuplicate:
    """Group the examples whose vectors have a cosine of at least `threshold`.

    A row is proposed for dropping only if it is itself that near to the row that stays, with the same
    numbers, names, label and denials, and an answer that is near as well; any other is for review, with
    the reason as its label (see copies.py): `numbers-differ`, `names-differ`, `negation-differs`, `labels-differ`,
    `preference-differs`, `answers-differ`, `words-differ` (in one place or two of texts that are the same besides), and `end-not-read` where one is too long to be encoded whole. Which row stays is told by `keep`. Pairs that share most of their words are left
    to the checks of exact and near duplicates. `compare` is `whole`, `prompt` or `answer`.

    Exact up to 50,000 distinct texts; above, approximate, with the recall measured in the evidence.
    A long text is cut into pieces of 800 characters, of which the first 8 count, by their mean; what has
    more of them is never proposed for dropping. A piece that is more than the encoder reads at once, as
    code and figures are, is the mean of its parts, cut by the encoder's own tokenizer. Texts in
    scripts that the encoder was not made for are not compared; one finding, `not-covered`, counts them.
    """

    name: ClassVar[str] = "semantic-duplicate"
    version: ClassVar[int] = 4
    unseen: ClassVar[str] = "nothing was compared"
    threshold: float = 0.95
    compare: str = "whole"
    keep: tuple[str, ...] = DEFAULT
    encoder: str = AUTO

    def __post_init__(self) -> None:
        check_compare(self.compare)
        check_keep(self.keep)
        if not 0.5 <= self.threshold <= 1:
            raise ConfigError(f"semantic-duplicate.threshold is {self.threshold}", hint="it is from 0.5 to 1")

    def obstacle(self, examples: pl.DataFrame) -> str:
        """It can do nothing without an encoder."""
        del examples
        return NO_ENCODER if self.encoder == NONE or _is_missing(self.encoder) else ""

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The pieces of what is compared, then those of the answer where it is a part of that."""
        said = list(wordings(batch))
        texts = [pieces("\n".join(part for part in wording.parts(self.compare) if part)) for wording in said]
        own = [self.compare == "whole" for _ in said]
        answers = [pieces(w.answer or w.chosen) if use else [] for w, use in zip(said, own, strict=True)]
        keys = [digest(normalised(wording.parts(self.compare))) for wording in said]
        return batch.select(
            "example_id",
            *carried(batch, self.keep).get_columns(),
            key=pl.Series(keys, dtype=pl.String),
            count=pl.Series([len(cut) for cut in texts], dtype=pl.UInt32),
            texts=pl.Series(
                [cut + more for cut, more in zip(texts, answers, strict=True)], dtype=pl.List(pl.String)
            ),
        )

    def relate(self, sketches: pl.DataFrame, units: Units | None) -> pl.DataFrame:
        """Pairs near enough; the one to keep is `other_id`, and pairs are in the order of the kept."""
        if units is None:
            return PAIRS.to_frame()
        rows = ranked(sketches).filter(pl.col("count") > 0).unique("key", keep="first", maintain_order=True)
        covered = [covers(units.languages, "".join(texts)) for texts in rows["texts"]]
        left_out = rows.filter(~pl.Series(covered, dtype=pl.Boolean))
        rows = rows.filter(pl.Series(covered, dtype=pl.Boolean))
        whole = _means(rows["units"].to_list(), rows["count"].to_list(), units.vectors, head=True)
        found = pairs_above(whole, self.threshold, most=NEAREST)
        answers = _means(rows["units"].to_list(), rows["count"].to_list(), units.vectors, head=False)
        alike = np.einsum("ij,ij->i", answers[found.left], answers[found.right])
        alike[~answers[found.left].any(axis=1) & ~answers[found.right].any(axis=1)] = 1
        names = rows["example_id"]
        size = len(found.left)
        pairs = pl.DataFrame(
            {
                "example_id": names.gather(found.right),
                "other_id": names.gather(found.left),
                "cosine": np.minimum(found.cosine, 1).astype(np.float64),
                "answers": alike.astype(np.float64),
                "recall": [found.recall] * size,
                "uncovered": [0] * size,
            },
            schema=PAIRS,
        )
        if left_out.is_empty():
            return pairs
        told = (left_out["example_id"][0], None, None, None, None, left_out.height)
        return pl.concat([pairs, pl.DataFrame([told], schema=PAIRS, orient="row")])

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """Stars round the rows that stay."""
        said = self._texts(texts)
        told = pairs.filter(pl.col("uncovered") > 0)
        near = pairs.filter(pl.col("uncovered") == 0)
        edges: dict[str, list[Edge]] = defaultdict(list)
        for name, other, cosine, answers in near.select(
            "example_id", "other_id", "cosine", "answers"
        ).iter_rows():
            left, right = said[name], said[other]
            if jaccard(left.shingles, right.shingles) < NEAR_ALREADY:
                edges[name].append(Edge(other, cosine, _doubt(left, right, answers)))
        order = ranked(carried(texts, self.keep).with_columns(texts["example_id"]))["example_id"]
        fallen = _fallen([name for name in order if name in edges], edges)
        recall = near["recall"].min() if near.height else 1.0
        rows = self._findings(fallen, float(recall or 0.0))  # type: ignore[arg-type]
        rows += [
            _not_covered(name, count) for name, count in told.select("example_id", "uncovered").iter_rows()
        ]
        return pl.DataFrame(rows, schema_overrides=FINDINGS) if rows else pl.DataFrame(schema=FINDINGS)

    def _texts(self, rows: pl.DataFrame) -> dict[str, Read]:
        """What verification needs of each example, by its id."""
        all_said = list(wordings(rows))
        cuts = shingle_sets([normalised(wording.parts(self.compare)) for wording in all_said])
        return {
            wording.example_id: Read(
                cut, text, _unread("\n".join(part for part in wording.parts(self.compare) if part))
            )
            for wording, text, cut in zip(all_said, texts_of(rows, self.compare), cuts, strict=True)
        }

    def _findings(self, fallen: dict[str, Edge], recall: float) -> list[dict[str, object]]:
        """One finding a member of each star, the keeper's own among them."""
        members: dict[str, list[str]] = defaultdict(list)
        for name, edge in fallen.items():
            members[edge.other].append(name)
        rows: list[dict[str, object]] = []
        for keeper, others in members.items():
            for name in (keeper, *others):
                edge = fallen[name] if name != keeper else Edge(keeper, 1.0, "")
                evidence: dict[str, object] = {"members": len(others) + 1, "cosine": round(edge.cosine, 4)}
                evidence["kept"] = sentence(self.keep)
                if recall < 1:
                    evidence["search"] = f"approximate above {EXACT_UP_TO:,}, recall {recall:.3f}"
                rows.append(
                    {
                        "example_id": name,
                        "other_id": None if name == keeper else keeper,
                        "cluster_id": digest(self.name, keeper),
                        "label": edge.doubt or "semantic",
                        "score": edge.cosine,
                        "action": "keep" if name == keeper else "review" if edge.doubt else "drop",
                        "evidence": json.dumps(evidence),
                    }
                )
        return rows


def _is_missing(name: str) -> bool:
    """Whether `auto` finds nothing; a name was looked for before."""
    return name == AUTO and find_encoder(name) is None


def pieces(text: str) -> list[str]:
    """The text in pieces that an encoder can read whole, cut at white space; the first few of a long one."""
    return _cut(text)[0]


def _unread(text: str) -> bool:
    """Whether a text goes on behind its pieces."""
    return _cut(text)[1] != ""


def _cut(text: str) -> tuple[list[str], str]:
    """The pieces, and what stands behind the last of them."""
    found: list[str] = []
    rest = text.strip()
    while rest and len(found) < PIECES:
        if len(rest) <= PIECE:
            return [*found, rest], ""
        end = max(rest.rfind(" ", PIECE // 2, PIECE), rest.rfind("\n", PIECE // 2, PIECE))
        end = end if end > 0 else PIECE
        found.append(rest[:end])
        rest = rest[end:].lstrip()
    return found, rest


def covers(languages: Sequence[str], text: str) -> bool:
    """Whether a text may be in a language of the encoder: an English one reads no script but Latin.

    Languages in Latin script are not told apart.
    """
    if set(languages) != {"en"} or text.isascii():
        return True
    letters = [letter for letter in text if letter.isalpha()]
    # Latin letters, with all their accents, end there; what follows are Greek, Cyrillic and so on
    latin = sum(letter < "\u0250" or "\u1e00" <= letter <= "\u1eff" for letter in letters)
    return 2 * latin >= len(letters)


def _means(
    units: Sequence[Sequence[int]], counts: Sequence[int], vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    *, head: bool,
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:  # fmt: skip
    """(row, dimension): the unit mean of each row's first pieces (`head`), or of those after them."""
    means = np.zeros((len(units), vectors.shape[1]), dtype=np.float32)
    for at, (places, count) in enumerate(zip(units, counts, strict=True)):
        mine = places[:count] if head else places[count:]
        if len(mine):
            means[at] = vectors[list(mine)].mean(axis=0)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _doubt(left: Read, right: Read, answers: float) -> str:
    """Why two texts that are near in meaning are perhaps not copies; empty if nothing speaks against it."""
    # of the rest nothing is known: two contracts may differ in their last line
    unread = "end-not-read" if left.unread or right.unread else ""
    return doubt_of(left.text, right.text, answers) or unread


def _fallen(order: Sequence[str], edges: dict[str, list[Edge]]) -> dict[str, Edge]:
    """Each row that falls, or is doubtful, with the row that stays for it; `order` has those to keep first."""
    dropped: dict[str, Edge] = {}
    doubtful: dict[str, Edge] = {}
    for name in order:
        staying = [edge for edge in edges[name] if edge.other not in dropped]
        sure = [edge for edge in staying if not edge.doubt]
        if sure:
            dropped[name] = max(sure, key=lambda edge: edge.cosine)
        elif staying:
            doubtful[name] = max(staying, key=lambda edge: edge.cosine)
    keepers = {edge.other for edge in dropped.values()}
    # a row round which others gather is their keeper, and in no second group
    loose = {
        name: edge for name, edge in doubtful.items() if name not in keepers and edge.other not in doubtful
    }
    return dropped | loose


def _not_covered(name: str, count: int) -> dict[str, object]:
    """The one finding that counts the rows that were not compared; it stands at the first of them."""
    told = {"rows": count, "why": "a script that the encoder was not made for: not compared"}
    return {
        "example_id": name,
        "other_id": None,
        "cluster_id": None,
        "label": "not-covered",
        "score": 0.0,
        "action": "keep",
        "evidence": json.dumps(told),
    }
