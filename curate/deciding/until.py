"""Which of all words a run had read that carried them out, told by the digest of what it found decided."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from sqlite3 import Row
from typing import NamedTuple

import polars as pl

from curate.changing.rewriting import Edit
from curate.deciding.pending import apart
from curate.workspace import Workspace
from curate.workspace.differences import counting

TRIED = 1_000  # cuts, at most: with many more no session would come to an end
SAID = "said"  # what an applying leaves beside its rows: the number of the last word that it may have read


def decisions_digest(table: pl.DataFrame) -> str:
    """A digest of what was decided on a review, by whom; not of when or of notes."""
    said = table.filter(pl.col("decided").is_not_null()).sort("finding_id")
    hasher = blake2b(digest_size=16)
    for row in said.select("finding_id", "decided", "target", "edit", "reviewer").iter_rows():
        hasher.update(json.dumps(row).encode())
    return hasher.hexdigest()


def newest(workspace: Workspace, run_id: str) -> int | None:
    """The number of the last word that had come when a run began; None where an older Seatrial made it."""
    made = workspace.ledger.run_artifacts(run_id, "out").get(SAID)
    value = workspace.json(made) if made is not None and workspace.store.holds(made) else None
    return int(value["upto"]) if isinstance(value, dict) else None


class _Cut(NamedTuple):
    """A way to part the words that came before a run from those after it."""

    end: int  # how many words came before, at least
    most: int  # and at most: those between are about other findings


@dataclass(frozen=True)
class Words:
    """The decisions of a workspace, and where each finding's are among them."""

    rows: Sequence[Row]  # in the order in which they came
    texts: Mapping[str, Edit]  # of edits
    places: Mapping[str, Sequence[int]]  # by finding
    acts: Sequence[
        tuple[int, int]
    ]  # of each word, where those begin and end that were said in one act with it
    times: Sequence[str]  # when they were said, in order

    @classmethod
    def of(cls, rows: Sequence[Row], texts: Mapping[str, Edit]) -> Words:
        """The words, looked through once for all runs."""
        places: dict[str, list[int]] = defaultdict(list)
        acts: list[tuple[int, int]] = []
        for _, act in groupby(range(len(rows)), key=lambda n: rows[n]["decided_at"]):
            numbers = list(act)
            acts += [(numbers[0], numbers[-1] + 1)] * len(numbers)
        for number, row in enumerate(rows):
            places[row["finding_id"]].append(number)
        return cls(rows, texts, places, acts, sorted(row["decided_at"] for row in rows))

    def cut(self, said: int, known: set[str], *, wanted: str, began: str, last: int | None) -> int | None:
        """How many of the words had been said when a run carried them out: those that make its digest, `wanted`.

        `known` are the findings that the run read, `said` is how many words an earlier run had read.
        Those up to the `last` that the run saw are tried first, without it those said before it `began`;
        a clock that jumped, or a journal merged later, may need another cut: the nearest TRIED are tried.
        Of words that make no difference to it none is counted at the end: so the session of a replay is
        the session. None where no cut fits.
        """
        mine = sorted(n for finding in known for n in self.places.get(finding, ()))
        cuts = self._cuts(mine, said)
        if last is None:
            first = bisect_right(self.times, began)
        else:
            first = bisect_right(self.rows, last, key=lambda row: row["decision_id"])

        def near(cut: _Cut) -> tuple[int, int]:
            nearest = min(max(first, cut.end), cut.most)
            return abs(nearest - first), -nearest

        for cut in sorted(cuts, key=near)[:TRIED]:
            before = mine[: bisect_left(mine, cut.end)]
            if decisions_digest(_decided([self.rows[n] for n in before], self.texts)) == wanted:
                return self._trimmed(before, [each.end for each in cuts if each.end <= cut.end])
        return None

    def _cuts(self, mine: Sequence[int], said: int) -> list[_Cut]:
        """The cuts behind `said` words that differ in what they say of these findings, in order."""
        acts = dict.fromkeys(self.acts[n] for n in mine if n >= said)
        ends = [said, *(end for _, end in acts)]
        return list(map(_Cut, ends, [*(max(begin, said) for begin, _ in acts), len(self.rows)]))

    def _trimmed(self, mine: Sequence[int], ends: list[int]) -> int:
        """The last of these ends, or an earlier one behind which no word makes a difference.

        Of each word it is asked only what it does to its own finding and, of an edit, to the others: what
        counts on a finding depends on nothing else.
        """
        by_finding: dict[str, list[Row]] = defaultdict(list)
        for number in mine:
            by_finding[self.rows[number]["finding_id"]].append(self.rows[number])
        edited = {finding for finding, words in by_finding.items() if any(row["edit"] for row in words)}
        left = list(mine)
        while len(ends) > 1:
            gone = []
            while left and left[-1] >= ends[-2]:
                gone.append(self.rows[left.pop()])
            touched = {row["finding_id"] for row in gone}
            touched |= edited if touched & edited else set()
            uids = {row["uid"] for row in gone}
            words = [row for finding in touched for row in by_finding[finding]]
            others = [row for row in words if row["uid"] not in uids]
            both = (decisions_digest(_decided(some, self.texts)) for some in (words, others))
            if len(set(both)) > 1:
                break
            for finding in touched:
                by_finding[finding] = [row for row in by_finding[finding] if row["uid"] not in uids]
            ends.pop()
        return ends[-1]


def _decided(rows: Sequence[Row], texts: Mapping[str, Edit]) -> pl.DataFrame:
    """The last word on each finding by these rows, as a review has it; `texts` are of edits."""
    words = counting(sorted(rows, key=lambda row: (row["decided_at"], row["uid"]))).words
    left_out = apart({i: word.edit for i, word in words.items() if word.edit}, texts)
    said = [
        (finding_id, word.said, word.target, word.edit, word.reviewer)
        for finding_id, word in words.items()
        if finding_id not in left_out
    ]
    names = ("finding_id", "decided", "target", "edit", "reviewer")
    return pl.DataFrame(said, schema=dict.fromkeys(names, pl.String), orient="row")
