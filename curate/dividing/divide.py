"""Which part each row goes to: large sets one by one, the others evenly, single rows by what is lacking.

What is left uneven is mended by moving sets between parts while that brings the rows of labels nearer
to what was asked. Nothing here depends on the order of the rows: sets are known by their rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curate.dividing.together import Ints

Reals = NDArray[np.float64]

LARGE = 2_000  # sets, the largest first, that are placed one by one, each where most room is left
DENSE = 40_000_000  # cells of a table of sets and tags up to which it is counted at once
ROUNDS = 100  # of moving sets
POOL = 20_000  # sets among which moves are sought; all, where these have none to offer
LEAST_GAIN = 1e-6  # rows squared; below it a move is rounding
MOVES = 400  # tried in a round, the best first
GOLDEN = 0.6180339887498949  # steps of it fall evenly on a circle, however many there are (Weyl)


@dataclass(frozen=True)
class Asked:
    """What is to be divided. Arrays hold one number a row.

    `columns` are the codes of each column to stratify by, from 0, the label first; `cells` number their
    combinations in order; `whole` the sets that must stay together; `order` is a random order of the
    rows (a permutation), `pins` the part a row is bound to, -1 for none. `shares` are the parts' shares,
    train first, summing to 1.
    """

    columns: Sequence[Ints]
    cells: Ints
    whole: Ints
    order: Ints
    pins: Ints
    shares: Reals


@dataclass(frozen=True)
class Tags:
    """Rows of each set by tag: a tag is a value of one of the columns; the last tag is on every row."""

    starts: Ints  # of each set's stretch in the two below
    tag: Ints
    count: Reals
    wanted: Reals  # (tag, part)
    weight: (
        Reals  # of each tag where evenness is weighed; the last one's is small, for the others add up to it
    )


@dataclass
class Division:
    """A division in the making; sets are numbered by their rank in the random order."""

    asked: Asked
    sets: Ints  # of each row
    size: Ints  # of each set
    tags: Tags
    placed: Reals  # (tag, part): rows so far
    part: Ints  # of each set, -1 while open
    fixed: NDArray[np.bool_]  # sets that must stay where they are
    warnings: list[str] = field(default_factory=list)

    def stretch(self, number: int) -> tuple[Ints, Reals]:
        """(tags, rows) of a set."""
        found = slice(self.tags.starts[number], self.tags.starts[number + 1])
        return self.tags.tag[found], self.tags.count[found]

    def put(self, number: int, k: int) -> None:
        """Place one set."""
        tag, count = self.stretch(number)
        self.part[number] = k
        self.placed[tag, k] += count

    def put_all(self, numbers: Ints, parts: Ints) -> None:
        """Place many sets at once."""
        self.part[numbers] = parts
        self.recount()

    def recount(self) -> None:
        """Count what is placed."""
        of = np.repeat(self.part, np.diff(self.tags.starts))
        known = of >= 0
        width = self.placed.shape[1]
        flat = np.bincount(
            self.tags.tag[known] * width + of[known], self.tags.count[known], minlength=self.placed.size
        )
        self.placed = flat.astype(np.float64).reshape(self.placed.shape)


def divide(asked: Asked) -> tuple[Ints, list[str]]:
    """(the part of each row, warnings)."""
    division = _begin(asked)
    _pin(division)
    _hold_only_examples(division)
    _place_large(division)
    _place_others(division)
    _deal_singles(division)
    _mend(division)
    part = division.part[division.sets]
    return np.where(asked.pins >= 0, asked.pins, part), division.warnings


def _begin(asked: Asked) -> Division:
    rows, parts = len(asked.order), len(asked.shares)
    turned = np.empty(rows, dtype=np.int64)
    turned[asked.order] = asked.whole
    first = np.full(int(asked.whole.max(initial=-1)) + 1, rows, dtype=np.int64)
    first[turned[::-1]] = np.arange(rows - 1, -1, -1)  # the last one written is the set's least rank
    begins = np.zeros(rows + 1, dtype=np.int64)
    begins[first[first < rows]] = 1
    sets = (np.cumsum(begins) - begins)[first[asked.whole]]
    size = np.bincount(sets, minlength=1 if rows == 0 else 0)
    tags = _tags(asked, sets, len(size))
    placed = np.zeros_like(tags.wanted)
    free = np.full(len(size), -1, dtype=np.int64)
    assert placed.shape[1] == parts
    return Division(asked, sets, size, tags, placed, free, np.zeros(len(size), dtype=bool))


def _tags(asked: Asked, sets: Ints, count: int) -> Tags:
    """The rows of each set by tag, and what each part should hold of each tag."""
    owners, names, rows, wanted, base = [], [], [], [], 0
    columns = [codes for codes in asked.columns if codes.max(initial=0) > 0]
    for codes in [*columns, np.zeros_like(sets)]:
        width = int(codes.max(initial=0)) + 1
        owner, name, number = _counted(sets, codes, count, width)
        owners.append(owner)
        names.append(name + base)
        rows.append(number)
        wanted.append(np.bincount(codes, minlength=width)[:, None] * asked.shares)
        base += width
    owner = np.concatenate(owners)
    by_set = np.argsort(owner, kind="stable")  # tags stay in order within a set
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=count))])
    weight = np.ones(base)
    weight[-1] = 1 / max(base - 1, 1)
    return Tags(
        starts.astype(np.int64),
        np.concatenate(names)[by_set],
        np.concatenate(rows)[by_set].astype(np.float64),
        np.concatenate(wanted),
        weight,
    )


def _counted(sets: Ints, codes: Ints, count: int, width: int) -> tuple[Ints, Ints, Ints]:
    """(set, code, rows) of each combination that occurs, in order."""
    if width == 1:
        return np.arange(count), np.zeros(count, dtype=np.int64), np.bincount(sets, minlength=count)
    key = sets * width + codes
    if count * width <= DENSE:
        table = np.bincount(key, minlength=count * width)
        found = np.flatnonzero(table)
        rows = table[found]
    else:
        found, rows = np.unique(key, return_counts=True)
    return found // width, found % width, rows


def _pin(division: Division) -> None:
    """Keep rows where they came with; the rest of a set follows the most of them."""
    pins, parts = division.asked.pins, len(division.asked.shares)
    bound = np.flatnonzero(pins >= 0)
    if not len(bound):
        return
    votes = np.bincount(division.sets[bound] * parts + pins[bound], minlength=len(division.size) * parts)
    table = votes.reshape(-1, parts)
    held = np.flatnonzero(table.any(axis=1))
    division.put_all(held, table[held].argmax(axis=1))
    division.fixed[held] = True
    torn = held[(table[held] > 0).sum(axis=1) > 1]
    if len(torn):
        division.warnings.append(
            f"{int(division.size[torn].sum()):,} rows in {len(torn):,} sets that belong together came divided "
            "over several splits and were left so; do not keep the existing splits, or drop the copies first"
        )


def _hold_only_examples(division: Division) -> None:
    """The only example of a label stays in train, where nothing else binds it."""
    label = division.asked.columns[0]
    counts = np.bincount(label)
    if (counts > 0).sum() < 2:
        return
    alone = np.flatnonzero(counts[label] == 1)
    if not len(alone):
        return
    sets = division.sets[alone]
    free = np.sort(sets[(division.size[sets] == 1) & (division.part[sets] < 0)])
    division.put_all(free, np.zeros_like(free))
    division.fixed[free] = True
    division.warnings.append(
        f"{len(alone):,} labels have one example each: those stay in train, so no test row asks for them"
    )


def _place_large(division: Division) -> None:
    """Place the largest sets one by one: where no tag's quota overflows, then where most room is left."""
    quota = division.asked.shares * division.size.sum()
    parts = [k for k in range(len(quota)) if quota[k] > 0]
    largest = max(parts, key=lambda k: quota[k])
    free = np.flatnonzero((division.part < 0) & (division.size > 1))
    order = free[np.argsort(-division.size[free], kind="stable")][:LARGE]
    for number in order.tolist():
        fits = [k for k in parts if k == largest or quota[k] >= division.size[number]]
        division.put(number, _best(division, number, fits))
    least = min(quota[k] for k in parts)
    over = order[(division.size[order] > least) & (division.part[order] == largest)]
    division.fixed[over] = True
    if len(over):
        most = int(division.size[over].max())
        what = f"a set of {most:,} rows that belong together is"
        if len(over) > 1:
            what = f"{len(over):,} sets of rows that belong together, the largest of {most:,} rows, are"
        division.warnings.append(
            f"{what} larger than a part that was asked for ({least:,.0f} rows): all in the largest"
        )


def _best(division: Division, number: int, parts: Sequence[int]) -> int:
    """The part for a set: where it overflows no tag's quota by half a row, then where most room would be left."""
    tag, count = division.stretch(number)
    wanted = division.tags.wanted[tag][:, parts]
    left = wanted - division.placed[tag][:, parts] - count[:, None]
    room = left / np.maximum(wanted, 1e-9)
    some = slice(0, max(len(tag) - 1, 1))  # the last tag, on every row, breaks ties only
    overflow = np.maximum(0.0, -left[some] - 0.5).sum(axis=0).round(6).tolist()
    worth = (
        (count @ room).round(6).tolist() if len(tag) == 1 else (count[some] @ room[some]).round(6).tolist()
    )
    total = room[-1].round(6).tolist()
    return parts[min(range(len(parts)), key=lambda k: (overflow[k], -worth[k], -total[k], k))]


def _place_others(division: Division) -> None:
    """Place the other sets of several rows evenly: among those of one leading label, large and small alike."""
    free = np.flatnonzero((division.part < 0) & (division.size > 1))
    if not len(free):
        return
    lead = _leads(division, free)
    order = np.lexsort((free, -division.size[free], lead))
    ranked, lead = free[order], lead[order]
    labels = int(lead[-1]) + 1
    begins = np.searchsorted(lead, np.arange(labels))
    place = np.arange(len(ranked)) - begins[lead]
    even = ((place + 0.5) * GOLDEN) % 1.0
    lacks = np.maximum(division.tags.wanted - division.placed, 0.0)
    if division.asked.columns[0].max(initial=0) == 0:
        lacks = lacks[-1:]  # one label: what all rows lack
    lacks = lacks[:labels].copy()
    lacks[lacks.sum(axis=1) == 0] = division.asked.shares
    edges = np.cumsum(lacks / lacks.sum(axis=1, keepdims=True), axis=1)[lead]
    parts = (even[:, None] >= edges[:, :-1]).sum(axis=1)
    division.put_all(ranked, parts)


def _leads(division: Division, sets: Ints) -> Ints:
    """The label that most rows of each set have; of several the lowest."""
    width = int(division.asked.columns[0].max(initial=0)) + 1
    if width == 1:
        return np.zeros(len(sets), dtype=np.int64)
    tags = division.tags
    score = np.where(tags.tag < width, tags.count * width + (width - 1 - tags.tag), -1)
    best = np.maximum.reduceat(score, tags.starts[:-1])[sets]
    return (width - 1 - best % width).astype(np.int64)


def _deal_singles(division: Division) -> None:
    """Deal single rows, cell by cell, by what each part still lacks of the cell.

    Whole rows by rounding down; the rest to the part that lacks most, with what rounding has cost a
    part so far carried over to the next cell, so that many small ones do not all round one way.
    """
    asked, parts = division.asked, len(division.asked.shares)
    row_part = division.part[division.sets]
    single = np.flatnonzero(row_part < 0)
    if not len(single):
        return
    single = single[np.lexsort((asked.order[single], asked.cells[single]))]
    cells, counts = np.unique(asked.cells[single], return_counts=True)
    total = np.bincount(asked.cells)
    done = row_part >= 0
    placed = np.bincount(asked.cells[done] * parts + row_part[done], minlength=len(total) * parts)
    lacks = np.maximum(total[cells, None] * asked.shares - placed.reshape(-1, parts)[cells], 0.0)
    lacks[lacks.sum(axis=1) == 0] = asked.shares
    ideal = counts[:, None] * lacks / lacks.sum(axis=1, keepdims=True)
    floor = np.floor(ideal + 1e-9)
    given = floor.astype(np.int64)
    open_parts = [k for k in range(parts) if asked.shares[k] > 0]
    carry = [0.0] * parts
    for at, (rest, missing) in enumerate(
        zip((ideal - floor).tolist(), (counts - given.sum(axis=1)).tolist(), strict=True)
    ):
        carry = [carry[k] + rest[k] for k in range(parts)]
        for _ in range(missing):
            k = max(open_parts, key=lambda k: (round(carry[k], 6), -k))
            given[at, k] += 1
            carry[k] -= 1
    dealt = np.repeat(np.tile(np.arange(parts), len(cells)), given.ravel())
    division.put_all(division.sets[single], dealt)


# mending


def _mend(division: Division) -> None:
    """Move sets between parts while a tag is off by a row or more and a move makes the whole more even.

    Even is a small sum of squares of (rows - rows wanted) over tags and parts. A set c that goes from
    part a to part b changes it by 2 sum c (off_b - off_a) + 2 sum c^2.
    """
    tags = division.tags
    open_parts = [k for k in range(len(division.asked.shares)) if division.asked.shares[k] > 0]
    if len(open_parts) < 2 or not len(division.size):
        return
    few = min(POOL, len(division.size))  # ranks are random, so the first sets are a fair sample
    for _ in range(ROUNDS):
        if np.abs(division.placed - tags.wanted).max() < 1:
            return
        if not _moved(division, *_moves(division, few)) and (
            few == len(division.size) or not _moved(division, *_moves(division, len(division.size)))
        ):
            return


def _moves(division: Division, first: int) -> tuple[Ints, Ints]:
    """(sets, parts to move them to) that would make it more even, the best first, among the `first` sets."""
    tags, shares = division.tags, division.asked.shares
    starts, end = tags.starts[:first], tags.starts[first]
    tag, count = tags.tag[:end], tags.count[:end]
    off = division.placed - tags.wanted
    heavy = tags.weight[tag] * count
    pull = np.add.reduceat(heavy[:, None] * off[tag], starts, axis=0)
    squares = np.add.reduceat(heavy * count, starts)
    rows, here = np.arange(first), division.part[:first]
    change = 2 * (pull - pull[rows, here][:, None] + squares[:, None])
    change[rows, here] = np.inf
    change[:, shares <= 0] = np.inf
    to = change.argmin(axis=1)
    gain = -change[rows, to]
    gain[division.fixed[:first]] = -np.inf
    good = np.flatnonzero(gain > LEAST_GAIN)
    best = good[np.lexsort((good, -gain[good].round(6)))][:MOVES]
    return best, to[best]


def _moved(division: Division, numbers: Ints, parts: Ints) -> int:
    """Make the moves that still make it more even when their turn comes; how many did."""
    made = 0
    off = division.placed - division.tags.wanted
    for number, k in zip(numbers.tolist(), parts.tolist(), strict=True):
        tag, count = division.stretch(number)
        here = int(division.part[number])
        heavy = division.tags.weight[tag] * count
        change = 2 * float(heavy @ (off[tag, k] - off[tag, here] + count))
        if change < -LEAST_GAIN:
            off[tag, k] += count
            off[tag, here] -= count
            division.part[number] = k
            made += 1
    division.placed = off + division.tags.wanted
    return made
