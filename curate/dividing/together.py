"""Which rows belong together, and an order of rows that looks random: by ids alone, whole columns at a time."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

WIDEST = 512  # bytes; longer ids are hashed one by one, so that no table of bytes grows without bound
FACTOR = np.uint64(0xBF58476D1CE4E5B9)  # of splitmix64's finaliser
LINKS = pl.Schema({"example_id": pl.String, "other_id": pl.String})


class Ties(NamedTuple):
    """Rows and what binds them, as numbers: nodes 0 to `rows` - 1 are rows, the rest are names that are no row."""

    rows: int
    nodes: int
    left: Ints  # one end of each link
    right: Ints  # the other
    group: Ints  # of each row; -1 for none

    def wholes(self, *, group: bool) -> Ints:
        """A number for each row: equal where a chain of links, and of groups if asked, leads from one to the other."""
        if not group:
            return components(self.nodes, self.left, self.right)[: self.rows]
        mates = np.arange(self.nodes, dtype=np.int64)
        grouped = np.flatnonzero(self.group >= 0)
        first = np.full(int(self.group.max(initial=-1)) + 1, self.nodes, dtype=np.int64)
        first[self.group[grouped[::-1]]] = grouped[::-1]  # the last one written is a group's first row
        mates[grouped] = first[self.group[grouped]]
        if not len(self.left):
            return mates[: self.rows]
        return components(self.nodes, mates[self.left], mates[self.right])[mates[: self.rows]]


def ties(examples: pl.DataFrame, links: pl.DataFrame) -> Ties:
    """The links (pairs of names; a null binds nothing) and groups of the examples, as numbers."""
    rows = examples.height
    nodes, left, right = _ends(examples["example_id"], links.select("example_id", "other_id"))
    names = examples["group"].drop_nulls().unique()
    codes = examples["group"].cast(pl.Enum(names)).to_physical().cast(pl.Int64).fill_null(-1)
    return Ties(rows, nodes, left, right, codes.to_numpy())


def _ends(ids: pl.Series, links: pl.DataFrame) -> tuple[int, Ints, Ints]:
    """(number of nodes, left ends, right ends) of the links; names that are no id come after the rows."""
    pairs = links.drop_nulls().cast(pl.String)
    if pairs.is_empty():
        return len(ids), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    ends = pl.concat([pairs.to_series(0), pairs.to_series(1)]).rename("name").to_frame()
    names = ends.unique(maintain_order=True).with_row_index("at")
    rows = (
        ids.rename("name")
        .to_frame()
        .with_row_index("row")
        .join(names, on="name")
        .sort("row", descending=True)
    )
    code = np.full(names.height, -1, dtype=np.int64)
    code[rows["at"].to_numpy()] = rows["row"].to_numpy()  # of equal ids the first
    hubs = code < 0
    code[hubs] = len(ids) + np.arange(hubs.sum())
    both = code[ends.join(names, on="name", how="left", maintain_order="left")["at"].to_numpy()]
    return len(ids) + int(hubs.sum()), both[: pairs.height], both[pairs.height :]


def components(nodes: int, left: Ints, right: Ints) -> Ints:
    """A number for each of the nodes: equal where a chain of edges leads from one to the other."""
    if not len(left):
        return np.arange(nodes, dtype=np.int64)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(nodes, nodes))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def components_of(ids: Sequence[str], links: Sequence[pl.DataFrame]) -> Ints:
    """A number for each id: equal where a chain of pairs leads from one to the other."""
    pairs = pl.concat([each.rename(dict(zip(each.columns, LINKS, strict=True))) for each in links])
    nodes, left, right = _ends(pl.Series("name", list(ids), dtype=pl.String), pairs)
    return components(nodes, left, right)[: len(ids)]


def crossing(codes: Ints, part: Ints) -> int:
    """How many codes (-1 aside) have rows in more than one part; rows of part -1 do not count."""
    known = (codes >= 0) & (part >= 0)
    parts = int(part.max(initial=0)) + 1
    seen = np.zeros((int(codes.max(initial=-1)) + 1) * parts, dtype=bool)
    seen[codes[known] * parts + part[known]] = True
    return int((seen.reshape(-1, parts).sum(axis=1) > 1).sum())


# an order that looks random


def ranks(ids: Sequence[str] | pl.Series, seed: int, purpose: str) -> Ints:
    """A place for each id, 0 to n - 1, that looks random and depends on nothing but ids and seed."""
    names = ids if isinstance(ids, pl.Series) else pl.Series("id", list(ids), dtype=pl.String)
    return places(names, hashes(names), seed, purpose)


def places(names: pl.Series, hashed: Words, seed: int, purpose: str) -> Ints:
    """`ranks` of names whose hashes are known."""
    keys = _salted(hashed, seed, purpose)
    order = np.argsort(keys)
    ordered = keys[order]
    if (ordered[1:] == ordered[:-1]).any():  # equal keys: their names decide
        both = pl.DataFrame({"key": keys, "name": names})
        order = both.select(pl.arg_sort_by("key", "name")).to_series().to_numpy()
    found = np.empty(len(keys), dtype=np.int64)
    found[order] = np.arange(len(keys))
    return found


def parts_by_place(names: pl.Series, hashed: Words, seed: int, purpose: str, ends: Sequence[int]) -> Ints:
    """For each name, how many of `ends` (ascending places) its place has reached; without sorting all of them."""
    keys = _salted(hashed, seed, purpose)
    inner = [end for end in ends if end < len(keys)]
    edges = np.partition(keys, inner)[inner] if inner else np.empty(0, dtype=np.uint64)
    part = np.asarray((keys[:, None] >= edges).sum(axis=1), dtype=np.int64)
    if (np.bincount(part, minlength=len(inner) + 1) == np.diff([0, *inner, len(keys)])).all():
        return part
    return np.searchsorted(np.asarray(ends), places(names, hashed, seed, purpose), side="right")  # equal keys


def _salted(hashed: Words, seed: int, purpose: str) -> Words:
    salt = blake2b(f"{purpose}:{seed}".encode(), digest_size=8).digest()
    return mixed(hashed ^ np.frombuffer(salt, dtype="<u8")[0])


def mixed(words: Words) -> Words:
    """The finaliser of splitmix64: each bit of a word moves all others."""
    words = (words ^ (words >> np.uint64(30))) * FACTOR
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def hashes(names: pl.Series) -> Words:
    """64 bits for each name, the same on every machine."""
    lengths = names.str.len_bytes().to_numpy().astype(np.int64)
    width = int(lengths.max(initial=0))
    if width > WIDEST:
        said = [blake2b(name.encode(), digest_size=8).digest() for name in names]
        return np.frombuffer(b"".join(said), dtype="<u8").astype(np.uint64)
    mix = mixed(lengths.astype(np.uint64))
    for column in _words(names, lengths, width):
        mix = (mix ^ column) * FACTOR
        mix ^= mix >> np.uint64(29)
    return mixed(mix)


def _words(names: pl.Series, lengths: Ints, width: int) -> list[Words]:
    """The bytes of the names as columns of 64-bit words, each name filled up with zeros."""
    room = -(-width // 8) * 8
    if not room:
        return []
    data = np.frombuffer(names.str.join("")[0].encode(), dtype=np.uint8)
    if (lengths == room).all():
        table = data.reshape(len(names), room)
    else:
        table = np.zeros((len(names), room), dtype=np.uint8)
        table[np.arange(room) < lengths[:, None]] = data  # a mask is filled row by row, as the bytes come
    return [np.ascontiguousarray(table[:, at : at + 8]).view("<u8").ravel() for at in range(0, room, 8)]
