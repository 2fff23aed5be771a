"""Sets too large for a part, taken apart: rows that would give one another away across parts leave both.

Groups that share twins hang together in chains, until one set holds nearly all rows. Such a set is cut
into blocks of whole groups that lie close to one another, each block goes to a part as any set does, and
where a link still leads from part to part, the row at one of its ends is set aside: as few rows as a
greedy cover finds. Which rows these are depends on ids and seed alone, never on the order of the rows.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np

from curate.dividing.together import Ints, Ties

FINE = 10  # blocks that fill the smallest part: few enough to lie together, enough to keep labels even
FIRST_TO_GO = (0, 1, 2)  # train before validation before test, where it makes no other difference
NOWHERE = 3  # the part of rows in no part


class Bridge(NamedTuple):
    """A row to be set aside, and a row of another part that it is linked to."""

    row: int
    other: int


def blocks(bonds: Ties, whole: Ints, order: Ints, room: float, *, group: bool) -> Ints:
    """A number for each row: as `whole`, but sets of more than `room` rows are cut into blocks of whole groups."""
    large = np.bincount(whole)[whole] > room
    if not large.any():
        return whole
    units = replace_links(bonds).wholes(group=group)
    first = np.full(bonds.nodes, bonds.rows, dtype=np.int64)
    np.minimum.at(first, units, order)  # a unit is known by the least place of its rows
    unit = first[units]
    left, right = _between_rows(bonds, order)
    near = large[left]  # both ends are of one set
    walked = _walk(unit[left[near]], unit[right[near]], np.unique(unit[large]), unit, whole, bonds.rows)
    sizes = np.bincount(unit[large], minlength=bonds.rows + 1).tolist()
    of_set = np.zeros(bonds.rows + 1, dtype=np.int64)
    of_set[unit[large]] = whole[large]
    block = np.zeros(bonds.rows + 1, dtype=np.int64)
    number, held, at_set, most = int(whole.max()), 0, -1, max(room / FINE, 1)
    for each in walked.tolist():
        if of_set[each] != at_set or held + sizes[each] > most:
            number, held, at_set = number + 1, 0, int(of_set[each])
        block[each] = number
        held += sizes[each]
    return np.where(large, block[unit], whole)


def replace_links(bonds: Ties) -> Ties:
    """The same rows and groups with no link."""
    none = np.empty(0, dtype=np.int64)
    return bonds._replace(left=none, right=none)


def _between_rows(bonds: Ties, order: Ints) -> tuple[Ints, Ints]:
    """The links as pairs of rows: of the rows that hang on one name, each with the first of them."""
    left, right = bonds.left, bonds.right
    both = (left < bonds.rows) & (right < bonds.rows)
    row, hub = _hung(bonds)
    least = np.full(bonds.nodes, bonds.rows, dtype=np.int64)
    np.minimum.at(least, hub, order[row])
    at = np.empty(bonds.rows, dtype=np.int64)
    at[order] = np.arange(bonds.rows)
    return np.concatenate([left[both], at[least[hub]]]), np.concatenate([right[both], row])


def _hung(bonds: Ties) -> tuple[Ints, Ints]:
    """(row, name) of each link to a name that is no row, once each, in order."""
    pairs = [
        (one[here], other[here])
        for one, other in ((bonds.left, bonds.right), (bonds.right, bonds.left))
        for here in ((one < bonds.rows) & (other >= bonds.rows),)
    ]
    row, hub = (np.concatenate(side) for side in zip(*pairs, strict=True))
    both = np.unique(hub * bonds.rows + row)
    return both % max(bonds.rows, 1), both // max(bonds.rows, 1)


def _walk(left: Ints, right: Ints, units: Ints, unit: Ints, whole: Ints, rows: int) -> Ints:
    """The units in the order in which one comes upon them, going from each as far as links lead.

    One after the other: the neighbours of a unit are taken in order of their numbers, and each set is
    begun at its first unit. What lies close in a set comes close in the order.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import depth_first_order

    begin = np.full(int(whole.max()) + 1, rows, dtype=np.int64)
    known = np.isin(unit, units)
    np.minimum.at(begin, whole[known], unit[known])
    begin = begin[begin < rows]
    root = np.full(len(begin), rows, dtype=np.int64)  # a unit that is none, from which each set is reached
    ends = np.concatenate([left, right, root]), np.concatenate([right, left, begin])
    graph = coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(rows + 1, rows + 1)).tocsr()
    graph.sum_duplicates()
    graph.sort_indices()
    graph.data[:] = 1
    found = depth_first_order(graph, rows, directed=True, return_predecessors=False)
    return np.asarray(found[1:], dtype=np.int64)


def bridges(bonds: Ties, part: Ints, order: Ints) -> list[Bridge]:
    """The rows to be set aside so that no link leads from part to part, and no name is shared between two.

    Of the rows that hang on one name the part with most of them keeps its own; of linked rows the one
    with most links across goes first.
    """
    part = part.copy()
    found = _on_names(bonds, part, order)
    part[[each.row for each in found]] = NOWHERE
    return found + _on_links(bonds, part, order)


def _on_names(bonds: Ties, part: Ints, order: Ints) -> list[Bridge]:
    """The rows that share a name with rows of another part, which has as many of them or more."""
    row, hub = _hung(bonds)
    inside = part[row] < NOWHERE
    row, hub = row[inside], hub[inside]
    width = len(FIRST_TO_GO)
    counts = np.bincount(hub * width + part[row], minlength=bonds.nodes * width).reshape(-1, width)
    stays = (counts * width + np.asarray(FIRST_TO_GO)).argmax(axis=1)
    least = np.full(bonds.nodes, bonds.rows, dtype=np.int64)
    home = part[row] == stays[hub]
    np.minimum.at(least, hub[home], order[row[home]])
    at = np.empty(bonds.rows, dtype=np.int64)
    at[order] = np.arange(bonds.rows)
    away = np.flatnonzero(~home)
    away = away[np.lexsort((least[hub[away]], order[row[away]]))]
    other = dict(zip(row[away][::-1].tolist(), at[least[hub[away]]][::-1].tolist(), strict=True))
    return [Bridge(each, other[each]) for each in sorted(other, key=order.__getitem__)]


def _on_links(bonds: Ties, part: Ints, order: Ints) -> list[Bridge]:
    """Rows that touch every link from part to part: again and again the one with most such links left."""
    left, right = bonds.left, bonds.right
    rows = (left < bonds.rows) & (right < bonds.rows)
    left, right = left[rows], right[rows]
    cross = (part[left] != part[right]) & (part[left] < NOWHERE) & (part[right] < NOWHERE)
    beside: dict[int, set[int]] = {}
    for one, other in zip(left[cross].tolist(), right[cross].tolist(), strict=True):
        beside.setdefault(one, set()).add(other)
        beside.setdefault(other, set()).add(one)

    def urge(row: int) -> tuple[int, int, int, int]:
        return -len(beside[row]), FIRST_TO_GO[part[row]], int(order[row]), row

    waiting = [urge(row) for row in beside]
    heapq.heapify(waiting)
    found = []
    while waiting:
        said = heapq.heappop(waiting)
        row = said[-1]
        if not beside[row]:
            continue
        if said != urge(row):  # links of it went with other rows since
            heapq.heappush(waiting, urge(row))
            continue
        found.append(Bridge(row, min(beside[row], key=order.__getitem__)))
        for other in beside.pop(row):
            beside[other].discard(row)
        beside[row] = set()
    return found
