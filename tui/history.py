"""Undo and redo without limit, across restarts: both are read from the ledger, and both add to it.

An act is what one keystroke decided: all of a reviewer's decisions of one moment. To undo it is a new
act that gives each finding its former word and names, in `turns`, the decision that it takes back; so
`seatrial why` tells of it, and the stacks can be read back from the ledger, also after the journal of
the same person from another machine was merged into it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from sqlite3 import Row

from curate.workspace import Decision, Workspace

_TURN = re.compile(r"(undo|redo) of \w+(?:: |$)")


@dataclass(frozen=True)
class Act:
    """One keystroke's decisions, by their moment, and a name for people: the first one's uid."""

    moment: str
    first: str = field(compare=False)


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
        self.read = 0  # the number of the newest decision seen
        self.newest = ""  # its moment

    def catch_up(self) -> None:
        """Take in what the ledger has gained since the last look, from whichever process or journal."""
        query = """select decision_id, decided_at from decision where reviewer = ? and decision_id > ?
                   order by decided_at limit 1"""
        gained = self.workspace.ledger.rows(query, self.reviewer, self.read)
        if gained and gained[0]["decided_at"] <= self.newest:
            # a merged journal brought words from before: the order is by time, so read it all again
            self.done, self.undone, self.read, self.newest = [], [], 0, ""
        if gained:
            self._read_on()

    def _read_on(self) -> None:
        """Take in the acts after the newest seen, in the order of time."""
        query = """select decided_at, min(uid) as first, turns from decision
                   where reviewer = ? and decided_at > ? group by decided_at order by decided_at"""
        for row in self.workspace.ledger.rows(query, self.reviewer, self.newest):
            self._take(Act(row["decided_at"], row["first"]), row["turns"] or "")
            self.newest = row["decided_at"]
        last = "select max(decision_id) as last from decision where reviewer = ?"
        self.read = int(self.workspace.ledger.rows(last, self.reviewer)[0]["last"] or 0)

    def _take(self, act: Act, turns: str) -> None:
        turn, _, uid = turns.partition(" ")
        if turn not in ("undo", "redo"):  # a word put back from the shell is an act like any other
            self.done.append(act)
            self.undone.clear()
            return
        source, target = (self.done, self.undone) if turn == "undo" else (self.undone, self.done)
        found = self.workspace.ledger.rows("select decided_at from decision where uid = ?", uid)
        moment = found[0]["decided_at"] if found else ""
        for index in range(len(source) - 1, -1, -1):
            if source[index].moment == moment:
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
                    wanted["example_id"] if wanted else row["example_id"],
                    wanted["action"] if wanted else None,
                    self.reviewer,
                    note=f"{word} of {act.first[:8]}" + (f": {said}" if said else ""),
                    edit=wanted["edit"] if wanted else None,
                    turns=f"{word} {row['uid']}",
                )
            )
        if decisions:
            self.workspace.ledger.decide(decisions)
            self.catch_up()
        return Turned(decisions, others)

    def _rows(self, act: Act) -> list[Row]:
        query = "select * from decision where reviewer = ? and decided_at = ? order by uid"
        return self.workspace.ledger.rows(query, self.reviewer, act.moment)

    def _former(self, row: Row) -> Row | None:
        query = """select * from decision where finding_id = ? and (decided_at, uid) < (?, ?)
                   order by decided_at desc, uid desc limit 1"""
        found = self.workspace.ledger.rows(query, row["finding_id"], row["decided_at"], row["uid"])
        return found[0] if found else None

    def _holder(self, finding_id: str) -> str:
        query = "select reviewer from latest_decision where finding_id = ?"
        found = self.workspace.ledger.rows(query, finding_id)
        return str(found[0]["reviewer"]) if found else ""
