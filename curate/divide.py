"""Which part each row goes to: sets that must stay together first, then single rows, label by label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

PARTS = (0, 1, 2)  # train, validation, test


def divide(
    strata: Sequence[int],
    whole: Sequence[int],
    order: Sequence[int],
    pins: Sequence[int],
    shares: Sequence[float],
) -> tuple[list[int], list[str]]:
    """(the part of each row, warnings). All arguments but `shares` hold one number a row.

    `strata` numbers the labels from 0, `whole` the sets that must stay together; `order` is a random
    order of the rows (a permutation), `pins` the part a row is bound to, -1 for none.
    """
    counts = Counter(strata)
    wanted = [[counts[label] * share for share in shares] for label in range(max(counts, default=-1) + 1)]
    division = Division(strata, shares, wanted, [[0] * 3 for _ in wanted], [-1] * len(strata))
    sets: dict[int, list[int]] = {}
    for row in sorted(range(len(strata)), key=order.__getitem__):
        sets.setdefault(whole[row], []).append(row)
    pinned = [rows for rows in sets.values() if any(pins[row] >= 0 for row in rows)]
    free = [rows for rows in sets.values() if all(pins[row] < 0 for row in rows)]
    for rows in pinned:
        division.pin(rows, pins)
    for rows in sorted(
        (rows for rows in free if len(rows) > 1), key=lambda rows: (-len(rows), order[rows[0]])
    ):
        division.put(rows, division.best(rows))
    division.deal([rows[0] for rows in free if len(rows) == 1])
    alone = sum(count == 1 for count in counts.values())
    if alone and len(wanted) > 1:
        division.warnings.append(
            f"{alone:,} labels have one example each: those stay in train, so no test row asks for them"
        )
    return division.part, division.warnings


@dataclass
class Division:
    """A division in the making: what each part should hold of each label, and what it holds so far."""

    strata: Sequence[int]
    shares: Sequence[float]
    wanted: list[list[float]]  # by label and part
    placed: list[list[int]]
    part: list[int]
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.quota = [sum(label[k] for label in self.wanted) for k in PARTS]
        self.held = [0, 0, 0]

    def put(self, rows: Sequence[int], k: int) -> None:
        """Place rows in a part."""
        for row in rows:
            self.part[row] = k
            self.placed[self.strata[row]][k] += 1
        self.held[k] += len(rows)

    def pin(self, rows: Sequence[int], pins: Sequence[int]) -> None:
        """Keep rows where they came with; the rest of the set follows the most of them."""
        bound = Counter(pins[row] for row in rows if pins[row] >= 0)
        follow = min(bound, key=lambda k: (-bound[k], k))
        if len(bound) > 1:
            self.warnings.append(
                f"{len(rows):,} rows that belong together came divided over several splits and were left so; "
                "do not keep the existing splits, or drop the copies first"
            )
        for row in rows:
            self.put([row], pins[row] if pins[row] >= 0 else follow)

    def best(self, rows: Sequence[int]) -> int:
        """The part for a set of rows: where it overflows no label's quota, then where most room is left."""
        if any(0 < self.quota[k] < len(rows) for k in (1, 2)):
            self.warnings.append(
                f"a set of {len(rows):,} rows that belong together is larger than a part's quota: all in train"
            )
            return 0
        need = Counter(self.strata[row] for row in rows)
        return min((k for k in PARTS if self.shares[k] > 0), key=lambda k: self._cost(need, k))

    def _cost(self, need: Counter[int], k: int) -> tuple[float, float, float, int]:
        overflow = room = 0.0
        for label, count in need.items():
            left = self.wanted[label][k] - self.placed[label][k]
            overflow += max(0.0, count - left - 0.5)  # half a row is within rounding
            room += count * left / self.wanted[label][k]
        total = (self.quota[k] - self.held[k]) / self.quota[k]
        return round(overflow, 6), -round(room, 6), -round(total, 6), k

    def deal(self, rows: Sequence[int]) -> None:
        """Deal single rows, label by label, by what each part still lacks of the label.

        Whole rows by rounding down; the rest to the part that lacks most, with what rounding has cost
        a part so far carried over to the next label, so that many small labels do not all round one way.
        """
        by_label: dict[int, list[int]] = {}
        for row in rows:
            by_label.setdefault(self.strata[row], []).append(row)
        carry = [0.0, 0.0, 0.0]
        for label in sorted(by_label):
            own = by_label[label]
            if sum(self.wanted[label]) < 1.5 and len(self.wanted) > 1:  # the label's only example
                self.put(own, 0)
                continue
            lacks = [max(0.0, self.wanted[label][k] - self.placed[label][k]) for k in PARTS]
            ideal = [len(own) * (lacks[k] / sum(lacks) if sum(lacks) else self.shares[k]) for k in PARTS]
            count = [int(share + 1e-9) for share in ideal]
            carry = [carry[k] + ideal[k] - count[k] for k in PARTS]
            while sum(count) < len(own):
                k = max((k for k in PARTS if self.shares[k] > 0), key=lambda k: (round(carry[k], 6), -k))
                count[k] += 1
                carry[k] -= 1
            at = 0
            for k in PARTS:
                self.put(own[at : at + count[k]], k)
                at += count[k]
