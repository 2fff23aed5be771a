"""Undo and redo without limit, across restarts: both are read from the ledger, and both add to it.

An act is what one keystroke decided: all of a reviewer's decisions of one moment. To undo it is a new
act that gives each finding the reviewer's own former word, or none, and names, in `turns`, the decision that it takes back; so
`seatrial why` tells of it, and the stacks can be read back from the ledger, also after the journal of
the same person from another machine was merged into it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from sqlite3 import Row

from curate.deciding.lastword import former_word
from curate.workspace import Decision, Workspace
from curate.workspace.differences import Word, said_on

_TURN = re.compile(r"(undo|redo) of \w+(?:: |$)")


@dataclass(frozen=True)
class Act:
    """One keystroke's decisions, by their moment, and a name for people: the first one's uid."""

    moment: str
    first: str = field(compare=False)


@dataclass(frozen=True)
class Turned:
    """What an undo or redo came to: the decisions written, and on how many of them others' words stand."""

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

    def next_size(self, word: str) -> int:
        """How many decisions `undo`, or `redo`, would turn now."""
        self.catch_up()
        acts = self.done if word == "undo" else self.undone
        query = "select count(*) as n from decision where reviewer = ? and decided_at = ?"
        return self.workspace.ledger.rows(query, self.reviewer, acts[-1].moment)[0]["n"] if acts else 0

    def undo(self) -> Turned | None:
        """Take the newest act back; None when there is none. On return it is on the disk."""
        self.catch_up()
        if not self.done:
            return None
        act = self.done[-1]
        rows = self._rows(act)
        said = self._said([row["finding_id"] for row in rows])
        return self._write("undo", act, [(row, former_word(said[row["finding_id"]], row)) for row in rows])

    def redo(self) -> Turned | None:
        """Do the newest undone act again; None when there is none. On return it is on the disk."""
        self.catch_up()
        if not self.undone:
            return None
        act = self.undone[-1]
        return self._write("redo", act, [(row, self._again(row)) for row in self._rows(act)])

    def _write(self, word: str, act: Act, pairs: Sequence[tuple[Row, Word | None]]) -> Turned:
        decisions = [
            Decision(
                row["finding_id"],
                wanted.target if wanted else row["example_id"],
                wanted.said if wanted else None,
                self.reviewer,
                note=f"{word} of {act.first[:8]}"
                + (f": {said}" if (said := spoken(wanted and wanted.note)) else ""),
                edit=wanted.edit if wanted else None,
                turns=f"{word} {row['uid']}",
            )
            for row, wanted in pairs
        ]
        self.workspace.ledger.decide(decisions)
        self.catch_up()
        now = said_on(self.workspace.ledger, [row["finding_id"] for row, _ in pairs])
        others = sum(each.reviewer != self.reviewer for each in now.words.values())
        return Turned(decisions, others + len(now.differ))

    def _rows(self, act: Act) -> list[Row]:
        query = "select * from decision where reviewer = ? and decided_at = ? order by uid"
        return self.workspace.ledger.rows(query, self.reviewer, act.moment)

    def _said(self, findings: Sequence[str]) -> dict[str, list[Row]]:
        """All that the person said of each finding: another's word is never repeated under one's own name."""
        query = """select * from decision where finding_id in (select value from json_each(?)) and reviewer = ?
                   order by decided_at, uid"""
        said: dict[str, list[Row]] = {finding: [] for finding in findings}
        for row in self.workspace.ledger.rows(query, json.dumps(list(findings)), self.reviewer):
            said[row["finding_id"]].append(row)
        return said

    def _again(self, row: Row) -> Word | None:
        if row["action"] is None:
            return None
        at, edit, note = row["decided_at"], row["edit"], row["note"]
        return Word(row["uid"], self.reviewer, row["action"], row["example_id"], edit, note, at)
