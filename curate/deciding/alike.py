"""Which rows are like one row, and which could be mended as one was.

Two things that a person asks for while deciding: the rows most similar to this one, and after an edit
the other rows in which the same words could be changed in the same way.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.changing.rewriting import Place
from curate.checks.wording import said
from curate.deciding.aligned import Run, changed
from curate.deciding.pending import Pending
from curate.dedup.examples import sets_of
from curate.dedup.shingling import Shingling
from curate.errors import NotFoundError
from curate.scanning.embedding import key_of

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


def applied(text: str, made: Iterable[Change]) -> str:
    """The text with the changes made wherever they fit, each in the text as it was: none changes another's words."""
    anywhere: dict[str, str] = {}
    for change in made:
        if change.at == "start":
            text = change.put + text[len(change.find) :] if text.startswith(change.find) else text
        elif change.at == "end":
            kept = text[: len(text) - len(change.find)]
            text = kept + change.put if text.endswith(change.find) else text
        else:
            anywhere[change.find] = change.put
    if not anywhere:
        return text
    longest = sorted(anywhere, key=lambda find: (-len(find), find))
    return re.sub("|".join(map(_bounded, longest)), lambda hit: anywhere[hit[0]], text)


class Proposal(NamedTuple):
    """A row in which the same change could be made, at the same kind of place; `over` is as in `Edit`."""

    example_id: str
    message: int | None
    field: str
    before: str
    after: str
    over: tuple[str, ...] = ()


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
    runs = [run for run in _joined(before, changed(before, after)) if not run.whole]
    found: list[Change] = []
    for run in runs:
        find, put = before[run.start : run.end], after[run.other_start : run.other_end]
        if len(re.findall(r"[^\W_]", find)) < SHORTEST or run.end - run.start == len(before):
            continue
        at = "" if put else "start" if run.start == 0 else "end" if run.end == len(before) else ""
        found.append(Change(find, put, at))
    kept = len(before) - sum(run.end - run.start for run in changed(before, after))
    rewritten = kept * 2 < min(len(before), len(after))
    # the same words changed in two ways: nobody knows which of the two is meant elsewhere
    puts: dict[tuple[str, str], set[str]] = defaultdict(set)
    for change in found:
        puts[change.find, change.at].add(change.put)
    one_way = [change for change in found if len(puts[change.find, change.at]) == 1]
    return [] if rewritten else list(dict.fromkeys(one_way))


def _joined(text: str, runs: Iterable[Run]) -> list[Run]:
    """Runs with nothing but space between them as one: `arrived broken` is one thing to say, not two."""
    found: list[Run] = []
    for run in runs:
        last = found[-1] if found else None
        filled = last and last.start < last.end and run.start < run.end
        if last and filled and not text[last.end : run.start].strip():
            whole = last.whole or run.whole
            found[-1] = Run(last.start, run.end, last.other_start, run.other_end, whole)
        else:
            found.append(run)
    return found


def proposals(
    examples: pl.LazyFrame,
    made: Iterable[Change],
    *,
    role: str | None,
    field: str,
    except_id: str,
    pending: Pending | None = None,
) -> list[Proposal]:
    """The other rows in which the changes fit, in the same field of messages of the same role.

    `role` is None for a field of the whole row: chosen, rejected or label. Texts that are edited already
    are taken as they are decided by now (`pending`); those with edits made apart are left out.
    """
    wanted = list(made)
    if not wanted:
        return []
    pending = pending or Pending({}, {})
    edited = {place.example_id for place in pending.places}
    held = pl.col("messages").list.eval(pl.element().struct.field("content")) if role else pl.col(field)
    text = held.list.join("\n", ignore_nulls=True) if role else held.fill_null("")
    has = pl.any_horizontal(text.str.contains(change.find, literal=True) for change in wanted)
    here = has.fill_null(value=False) | pl.col("example_id").is_in(sorted(edited))
    rows = examples.filter(here & (pl.col("example_id") != except_id)).collect()
    found: list[Proposal] = []
    for row in rows.iter_rows(named=True):
        places = (
            [(at, m["content"]) for at, m in enumerate(row["messages"] or ()) if m["role"] == role]
            if role
            else [(None, row[field])]
        )
        for at, original in places:
            draft = pending.draft(Place(row["example_id"], at, field), original or "")
            if draft is None or not draft.text:
                continue
            after = applied(draft.text, wanted)
            if after != draft.text:
                found.append(Proposal(row["example_id"], at, field, draft.text, after, draft.over))
    return found
