"""Which rows are like one row, and which could be mended as one was.

Two things that a person asks for while deciding: the rows most similar to this one, and after an edit
the other rows in which the same words could be changed in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.checks.wording import said
from curate.dedup.examples import sets_of
from curate.dedup.shingling import Shingling
from curate.embedding import key_of
from curate.errors import NotFoundError

SHINGLING = Shingling(words=2, characters=4)
VECTORS, WORDS = "vectors", "words"
SHORTEST = 4  # letters or digits that a change must replace, to be looked for in other rows
PARTS = 16_384  # rows that are compared at once


class Similar(NamedTuple):
    """`example_id` and `similarity` (0 to 1) of each row, in the rows' order; how it was measured."""

    rows: pl.DataFrame
    by: str  # VECTORS or WORDS


def similar(examples: pl.LazyFrame, example_id: str, vectors: Path | None = None) -> Similar:
    """How similar each row is to one of them.

    By cosine of vectors that some encoder gave before, in a folder of `vectors`, where it gave this row
    one (a row that has none gets 0); else by the Jaccard index of pairs of words, or of four characters
    where the script sets no spaces. Raises NotFoundError where there is no such row.
    """
    own = examples.filter(pl.col("example_id") == example_id).collect()
    if own.is_empty():
        raise NotFoundError(f"there is no row {example_id}", hint="it may be of another version")
    asked = said(own.head(1)).row(0, named=True)
    for known in _caches(vectors):
        for form in _FORMS:
            text = form(asked)
            if text and (vector := known.get(key_of(text))) is not None:
                return Similar(_by_vectors(examples, known, form, vector), VECTORS)
    return Similar(_by_words(examples, _whole(asked)), WORDS)


def _whole(row: Mapping[str, str]) -> str:
    return "\n".join(
        part for part in (row["question"], row["answer"], row["chosen"], row["rejected"]) if part
    )


_FORMS = (_whole, lambda row: row["question"], lambda row: row["answer"])


def _caches(folder: Path | None) -> Iterable[dict[bytes, NDArray[np.float16]]]:
    """What each encoder said, the fullest cache first."""
    if folder is None or not folder.is_dir():
        return
    found = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        known: dict[bytes, NDArray[np.float16]] = {}
        for file in sorted(place.glob("*.npz")):
            with np.load(file, allow_pickle=False) as part:
                known |= zip((key.tobytes() for key in part["keys"]), part["vectors"], strict=True)
        found.append(known)
    yield from sorted(found, key=len, reverse=True)


def _slices(examples: pl.LazyFrame) -> Iterable[pl.DataFrame]:
    height = int(examples.select(pl.len()).collect().item())
    for start in range(0, height, PARTS):
        yield examples.slice(start, PARTS).select("example_id", "messages", "chosen", "rejected").collect()


def _by_vectors(
    examples: pl.LazyFrame,
    known: dict[bytes, NDArray[np.float16]],
    form: object,
    vector: NDArray[np.float16],
) -> pl.DataFrame:
    own = _unit(vector.astype(np.float32))
    parts = []
    for part in _slices(examples):
        values = np.zeros(part.height, dtype=np.float64)
        for at, row in enumerate(said(part).iter_rows(named=True)):
            there = known.get(key_of(form(row)))  # type: ignore[operator]
            if there is not None:
                values[at] = max(float(_unit(there.astype(np.float32)) @ own), 0.0)
        parts.append(part.select("example_id", similarity=pl.Series(values.round(6))))
    return pl.concat(parts)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector


def _by_words(examples: pl.LazyFrame, text: str) -> pl.DataFrame:
    own = np.unique(sets_of(pl.Series([text]), SHINGLING).items)
    parts = []
    for part in _slices(examples):
        rows = said(part)
        texts = rows.select(
            pl.concat_list("question", "answer", "chosen", "rejected")
            .list.eval(pl.element().filter(pl.element() != ""))
            .list.join("\n")
        ).to_series()
        sets = sets_of(texts, SHINGLING)
        ends = sets.starts
        shared = np.concatenate([[0], np.cumsum(np.isin(sets.items, own))])
        both = shared[ends[1:]] - shared[ends[:-1]]
        either = len(own) + np.diff(ends) - both
        values = np.where(either > 0, both / np.maximum(either, 1), 0.0)
        parts.append(part.select("example_id", similarity=pl.Series(values.round(6))))
    return pl.concat(parts)


# the same change elsewhere


@dataclass(frozen=True)
class Change:
    """What an edit did at one place: `find` became `put`.

    `at` says where it must stand: `start` or `end` of the text, or `` for anywhere.
    """

    find: str
    put: str
    at: str = ""

    def applied(self, text: str) -> str:
        """The text with the change made wherever it fits; the same text where it fits nowhere."""
        if self.at == "start":
            return self.put + text[len(self.find) :] if text.startswith(self.find) else text
        if self.at == "end":
            kept = text[: len(text) - len(self.find)]
            return kept + self.put if text.endswith(self.find) else text
        return re.sub(_bounded(self.find), lambda _: self.put, text)


class Proposal(NamedTuple):
    """A row in which the same change could be made, at the same kind of place."""

    example_id: str
    message: int | None
    field: str
    before: str
    after: str


def _bounded(find: str) -> str:
    """A pattern for the words of a change: `he` is not looked for within `the`."""
    before = r"(?<!\w)" if re.match(r"\w", find) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", find) else ""
    return before + re.escape(find) + after


def changes(before: str, after: str) -> list[Change]:
    """What an edit did, as changes that may be made elsewhere; none where it rewrote the text.

    Words that were replaced or taken out, by whole words, of at least four letters or digits in all;
    what was taken from the start or the end is looked for only there. What was only put in says
    nothing of where it should stand in another text, so that no change comes of it.
    """
    old, new = (re.findall(r"\w+|\s+|[^\w\s]", text) for text in (before, after))
    found: list[Change] = []
    kept = 0
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            kept += j - i
            continue
        find, put = "".join(old[i:j]), "".join(new[k:m])
        if len(re.findall(r"[^\W_]", find)) < SHORTEST:
            continue
        whole = i == 0 and j == len(old)
        at = "" if whole or put else "start" if i == 0 else "end" if j == len(old) else ""
        if not whole:
            found.append(Change(find, put, at))
    rewritten = kept * 2 < min(len(old), len(new))
    return [] if rewritten else list(dict.fromkeys(found))


def proposals(
    examples: pl.LazyFrame, made: Iterable[Change], *, role: str | None, field: str, except_id: str
) -> list[Proposal]:
    """The other rows in which the changes fit, in the same field of messages of the same role.

    `role` is None for a field of the whole row: chosen, rejected or label.
    """
    wanted = list(made)
    if not wanted:
        return []
    held = pl.col("messages").list.eval(pl.element().struct.field("content")) if role else pl.col(field)
    text = held.list.join("\n", ignore_nulls=True) if role else held.fill_null("")
    has = pl.any_horizontal(text.str.contains(change.find, literal=True) for change in wanted)
    rows = examples.filter(has.fill_null(value=False) & (pl.col("example_id") != except_id)).collect()
    found: list[Proposal] = []
    for row in rows.iter_rows(named=True):
        places = (
            [(at, m["content"]) for at, m in enumerate(row["messages"] or ()) if m["role"] == role]
            if role
            else [(None, row[field])]
        )
        for at, before in places:
            after = before
            for change in wanted:
                after = change.applied(after) if after else after
            if after != before:
                found.append(Proposal(row["example_id"], at, field, before or "", after or ""))
    return found
