"""The rows that a model ranks: all of a version, or of a large one a seeded sample; and their words.

What the words of a row are does not depend on other rows, so they are cut once: a file in the folder of
the suggestions keeps them, and the next training reads of the version only rows that it does not have.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from curate.labelling.suggestions import FOLDER
from curate.labelling.tasks import Task
from curate.workspace import Workspace

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

RANKED = 20_000  # rows without an answer that are ranked at most
SEED = 0
WORDS = 300  # of a text; what comes after them does not count
MIXED = np.uint64(0x9E3779B97F4A7C15)  # an odd number: tells a pair of words from the pair turned round

Places = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]


def drawn(total: int, answered: npt.ArrayLike) -> Places:
    """Places of the rows to rank, in order: the answered ones, and up to RANKED others.

    The others are the first of an order that depends on the number of rows alone, so that from one
    training to the next nearly all of them are the same.
    """
    known = np.unique(np.asarray(answered, dtype=np.int64))
    if total <= RANKED:
        return np.arange(total, dtype=np.int64)
    order = np.random.default_rng(SEED).permutation(total)[: RANKED + len(known)]
    others = order[~np.isin(order, known)][:RANKED]
    return np.union1d(known, others)


def texts_at(rows: pl.LazyFrame, task: Task, places: Places) -> list[str]:
    """What the card shows of the rows at these places, which are in order: what was asked, or all of it."""
    from curate.checks.wording import wordings

    columns = rows.select("example_id", "messages", "chosen", "rejected").with_row_index("place")
    wanted = pl.Series("place", places).cast(pl.get_index_type())
    some = columns.filter(pl.col("place").is_in(wanted.implode())).collect(engine="streaming")
    texts = []
    for wording in wordings(some.sort("place").drop("place")):
        part = "\n".join(wording.parts("prompt" if task.show == "prompt" else "whole")).strip()
        texts.append(part or "\n".join(wording.parts("whole")).strip())
    return texts


class Words(NamedTuple):
    """The words and pairs of words of some rows, as numbers: those of a row stand together."""

    places: Places  # of the rows, in order
    sizes: Places  # how many each has
    keys: Keys


def words_of(places: Places, texts: Sequence[str]) -> Words:
    """The words of texts, and each two that stand beside one another."""
    lists = (
        pl.Series("text", texts, dtype=pl.String).str.to_lowercase().str.extract_all(r"\w+").list.head(WORDS)
    )
    counts = lists.list.len().to_numpy().astype(np.int64)
    if not counts.sum():
        return Words(places, np.zeros(len(places), dtype=np.int64), np.zeros(0, dtype=np.uint64))
    words = lists.explode().drop_nulls().hash(SEED).to_numpy()
    text = np.repeat(np.arange(len(texts)), counts)
    beside = text[1:] == text[:-1]
    pairs = (words[:-1] * MIXED + words[1:])[beside]
    row = np.concatenate([text, text[:-1][beside]])
    order = np.argsort(row, kind="stable")
    sizes = np.bincount(row, minlength=len(texts)).astype(np.int64)
    return Words(places, sizes, np.concatenate([words, pairs])[order])


def kept_words(workspace: Workspace, dataset: str, task: Task, places: Places) -> Words:
    """The words of the rows at these places, which are in order: from the file, or cut now and put there."""
    path = workspace.root / FOLDER / f"words-{task.show}-{dataset[:32]}.npz"
    held = _read(path)
    missing = np.setdiff1d(places, held.places, assume_unique=True)
    if len(missing):
        texts = texts_at(workspace.scan_examples(dataset), task, missing)
        held = _joined(held, words_of(missing, texts))
    some = _some(held, places)
    if len(missing):
        _write(path, some)
    return some


def _joined(one: Words, two: Words) -> Words:
    both = Words(*(np.concatenate(parts) for parts in zip(one, two, strict=True)))
    return _some(both, np.sort(both.places))


def _some(words: Words, places: Places) -> Words:
    """Those of the rows at these places, in their order."""
    order = np.argsort(words.places)
    at = order[np.searchsorted(words.places, places, sorter=order)]
    ends = np.cumsum(words.sizes)
    sizes = words.sizes[at]
    # the place of each key: where its row begins, and how far into the row it is
    first = np.repeat(ends[at] - sizes, sizes)
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return Words(places, sizes, words.keys[first + within])


def _read(path: Path) -> Words:
    """What a file holds; nothing where there is none, or it is of another release of polars (other hashes)."""
    nothing = Words(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64))
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as part:
            found = Words(part["places"], part["sizes"], part["keys"])
            same = str(part["polars"]) == pl.__version__ and len(found.places) == len(found.sizes)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return nothing  # a cache: it is written again
    return found if same and int(found.sizes.sum()) == len(found.keys) else nothing


def _write(path: Path, words: Words) -> None:
    """Keep them; the file under its final name is always whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.part")
    with temporary.open("wb") as file:
        np.savez(file, places=words.places, sizes=words.sizes, keys=words.keys, polars=pl.__version__)
    temporary.replace(path)


def weights(words: Words) -> csr_matrix:
    """(row, word or pair): TF-IDF, rows of length 1; what stands in one row alone tells nothing of others."""
    from scipy.sparse import csr_matrix

    rows = len(words.places)
    distinct, column = np.unique(words.keys, return_inverse=True)
    row = np.repeat(np.arange(rows), words.sizes)
    found = csr_matrix((np.ones(len(row), dtype=np.float32), (row, column)), shape=(rows, len(distinct)))
    found.sum_duplicates()
    often = found.getnnz(axis=0)
    kept = np.flatnonzero(often > 1)
    if not len(kept):
        return csr_matrix((rows, 1), dtype=np.float32)
    found = found[:, kept]
    rare = np.log((1 + rows) / (1 + often[kept])) + 1
    found.data = ((np.log(found.data) + 1) * rare[found.indices]).astype(np.float32)
    of = np.repeat(np.arange(rows), np.diff(found.indptr))
    lengths = np.sqrt(np.bincount(of, found.data.astype(np.float64) ** 2, rows))
    found.data /= lengths[of].astype(np.float32)
    return found
