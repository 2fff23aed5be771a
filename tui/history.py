"""Undo and redo without limit, across restarts: both are read from the ledger, and both add to it.

An act is what one keystroke decided: all decisions that were written at one moment. To undo it is a
new act that gives each finding its former word, with the note `undo of N`, N being the first
decision's number; so `seatrial why` tells of it, and the stacks can be read back from the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Row

from curate.workspace import Decision, Workspace

_TURN = re.compile(r"(undo|redo) of (\d+)(?:: |$)")


@dataclass(frozen=True)
class Act:
    """One keystroke's decisions, by the number of the first and the numbers of all."""

    first: int
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Turned:
    """What an undo or redo came to: the decisions written, and how many findings others hold now."""

    written: list[Decision]
    held_by_others: int


def spoken(note: str | None) -> str:
    """A note as the person wrote it, without the mark of an undo or redo."""
    return _TURN.sub("", note or "", count=1)


class History:
    """What `reviewer` may undo and redo, from the newest back."""

    def __init__(self, workspace: Workspace, reviewer: str) -> None:
        self.workspace, self.reviewer = workspace, reviewer
        self.done: list[Act] = []
        self.undone: list[Act] = []
        self.read = 0

    def catch_up(self) -> None:
        """Take in what the ledger has gained since the last look, from whichever process."""
        query = """select decision_id, note, decided_at from decision
                   where reviewer = ? and decision_id > ? order by decision_id"""
        moment, note = "", ""
        numbers: list[int] = []
        for row in self.workspace.ledger.rows(query, self.reviewer, self.read):
            if numbers and row["decided_at"] != moment:
                self._take(Act(numbers[0], tuple(numbers)), note)
                numbers = []
            if not numbers:
                moment, note = row["decided_at"], row["note"]
            numbers.append(int(row["decision_id"]))
        if numbers:
            self.read = numbers[-1]
            self._take(Act(numbers[0], tuple(numbers)), note)

    def _take(self, act: Act, note: str) -> None:
        turn = _TURN.match(note)
        if turn is None:
            self.done.append(act)
            self.undone.clear()
            return
        source, target = (self.done, self.undone) if turn[1] == "undo" else (self.undone, self.done)
        for index in range(len(source) - 1, -1, -1):
            if source[index].first == int(turn[2]):
                target.append(source.pop(index))
                return

    def undo(self) -> Turned | None:
        """Take the newest act back; None when there is none. On return it is on the disk."""
        self.catch_up()
        if not self.done:
            return None
        act = self.done[-1]
        turned = self._write(act, "undo", [(row, self._former(row)) for row in self._rows(act)])
        if not turned.written:  # nothing to tell the ledger: step over it here
            self.undone.append(self.done.pop())
        return turned

    def redo(self) -> Turned | None:
        """Do the newest undone act again; None when there is none. On return it is on the disk."""
        self.catch_up()
        if not self.undone:
            return None
        act = self.undone[-1]
        turned = self._write(act, "redo", [(row, row) for row in self._rows(act)])
        if not turned.written:
            self.done.append(self.undone.pop())
        return turned

    def _write(self, act: Act, word: str, pairs: Iterable[tuple[Row, Row | None]]) -> Turned:
        decisions, others = [], 0
        for row, wanted in pairs:
            if self._holder(row["finding_id"]) != self.reviewer:
                others += 1
                continue
            said = spoken(wanted["note"]) if wanted else ""
            decisions.append(
                Decision(
                    row["finding_id"],
                    row["example_id"],
                    wanted["action"] if wanted else None,
                    self.reviewer,
                    note=f"{word} of {act.first}" + (f": {said}" if said else ""),
                    edit=wanted["edit"] if wanted else None,
                )
            )
        if decisions:
            self.workspace.ledger.decide(decisions)
            self.catch_up()
        return Turned(decisions, others)

    def _rows(self, act: Act) -> list[Row]:
        # an act's rows are neighbours, but another process may have written between two of them
        query = (
            "select * from decision where decision_id between ? and ? and reviewer = ? order by decision_id"
        )
        return self.workspace.ledger.rows(query, act.numbers[0], act.numbers[-1], self.reviewer)

    def _former(self, row: Row) -> Row | None:
        query = """select * from decision where finding_id = ? and decision_id < ?
                   order by decision_id desc limit 1"""
        found = self.workspace.ledger.rows(query, row["finding_id"], row["decision_id"])
        return found[0] if found else None

    def _holder(self, finding_id: str) -> str:
        query = "select reviewer from latest_decision where finding_id = ?"
        found = self.workspace.ledger.rows(query, finding_id)
        return str(found[0]["reviewer"]) if found else ""
