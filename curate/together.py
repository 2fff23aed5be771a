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
    ends = pl.concat([pairs.to_series(0), pairs.to_series(1)]).rename("name")
    known = ids.rename("name").to_frame().with_row_index("node").unique("name", keep="first")
    met = ends.to_frame().join(known, on="name", how="left", maintain_order="left")
    others = met.filter(pl.col("node").is_null()).select("name").unique(maintain_order=True)
    hubs = others.with_row_index("hub", offset=len(ids))
    both = met.join(hubs, on="name", how="left", maintain_order="left")
    codes = both.select(pl.coalesce("node", "hub").cast(pl.Int64)).to_series().to_numpy()
    return len(ids) + hubs.height, codes[: pairs.height], codes[pairs.height :]


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
    salt = blake2b(f"{purpose}:{seed}".encode(), digest_size=8).digest()
    keys = _hashes(names, np.frombuffer(salt, dtype="<u8")[0])
    order = np.argsort(keys, kind="stable")
    if len(keys) and (keys[order][1:] == keys[order][:-1]).any():  # equal keys: their names decide
        order = pl.DataFrame({"key": keys, "name": names}).select(pl.arg_sort_by("key", "name")).to_series().to_numpy()
    places = np.empty(len(keys), dtype=np.int64)
    places[order] = np.arange(len(keys))
    return places


def _hashes(names: pl.Series, salt: np.uint64) -> Words:
    """64 bits for each name, the same on every machine."""
    lengths = names.str.len_bytes().to_numpy().astype(np.int64)
    width = int(lengths.max(initial=0))
    if width > WIDEST:
        key = int(salt).to_bytes(8, "little")
        said = [blake2b(name.encode(), key=key, digest_size=8).digest() for name in names]
        return np.frombuffer(b"".join(said), dtype="<u8").astype(np.uint64)
    mix = np.full(len(names), salt, dtype=np.uint64) ^ lengths.astype(np.uint64)
    for column in _words(names, lengths, width):
        mix = (mix ^ column) * FACTOR
        mix ^= mix >> np.uint64(29)
    mix = (mix ^ (mix >> np.uint64(32))) * FACTOR
    return mix ^ (mix >> np.uint64(29))


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
