"""What people answer: annotations under `label:TASK`, only ever added to, undone and done again by new ones.

An answer holds for what the row said when it was given: its messages and the preferred and rejected
answers. The label and the other columns may change, as they do when answers are applied.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import blake2b
from sqlite3 import Row
from typing import Any, NamedTuple

import polars as pl

from curate.differences import answers, own_words
from curate.example import canonical
from curate.labelling.tasks import Task, Value
from curate.workspace import Annotation, Workspace

IDLE = 60.0  # seconds: so much of a pause between two keys counts at most


class Suggestion(NamedTuple):
    """What is proposed: the column's own value, or a model's with its probability."""

    value: Value
    probability: float | None
    origin: str  # label or model


class Said(NamedTuple):
    """One person's standing answer to one row."""

    example_id: str
    shown: str  # hash of what was judged
    reviewer: str
    value: Value
    seconds: float | None  # idle time taken out
    suggested: Value | None
    uid: str
    at: str


def shown_hashes(examples: pl.DataFrame) -> pl.Series:
    """A 128-bit digest of what is judged in each row: all that it says but label and other columns."""
    bare = examples.with_columns(
        label=pl.lit(None, dtype=pl.String), meta=pl.lit(None, dtype=pl.String)
    ).select(canonical())
    hashes = [blake2b(text.encode(), digest_size=16).hexdigest() for text in bare.to_series()]
    return pl.Series("shown", hashes, dtype=pl.String)


def shown_hash(example: Mapping[str, Any]) -> str:
    """The same of one row."""
    from curate.example import EXAMPLES

    row = {name: example[name] for name in EXAMPLES}
    return str(shown_hashes(pl.DataFrame([row], schema=EXAMPLES, orient="row"))[0])


def packed(value: Value, seconds: float | None = None, suggestion: Suggestion | None = None) -> str:
    """An answer as the ledger holds it: equal answers have an equal `answer`."""
    told: dict[str, object] = {"answer": value}
    if seconds is not None:
        told["seconds"] = round(seconds, 2)
    if suggestion is not None:
        told |= {"suggested": suggestion.value, "origin": suggestion.origin}
        if suggestion.probability is not None:
            told["probability"] = round(suggestion.probability, 4)
    return json.dumps(told, ensure_ascii=False)


def unpacked(task: Task, value: str) -> dict[str, Any] | None:
    """What an annotation says, if it answers the task as it is now; an option may be gone since."""
    from curate.errors import ConfigError

    try:
        told = json.loads(value)
        if not isinstance(told, dict) or "answer" not in told:
            told = {"answer": told}
        return {**told, "answer": task.checked(told["answer"])}
    except (ValueError, ConfigError):
        return None


class Standing(NamedTuple):
    """What stands answered, and how many words are no answers to the task as it is now."""

    said: list[Said]
    strange: int


def standing(workspace: Workspace, task: Task) -> Standing:
    """Each person's last word on each row that they did not take back and nobody overruled."""
    told = {
        row["uid"]: row["value"]
        for row in workspace.ledger.rows("select uid, value from annotation where key = ?", task.key)
    }
    found: list[Said] = []
    strange = 0
    for (example_id, _, shown), words in answers(workspace.ledger, task.key).items():
        for word in words:
            answer = unpacked(task, told[word.uid])
            if answer is None:
                strange += 1
                continue
            found.append(
                Said(
                    example_id, shown, word.reviewer, answer["answer"], _seconds(answer), answer.get("suggested"),
                    word.uid, word.at,
                )
            )  # fmt: skip
    return Standing(found, strange)


def _seconds(told: Mapping[str, Any]) -> float | None:
    seconds = told.get("seconds")
    good = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < 1e6
    return float(seconds) if good and seconds is not None else None


class Turn(NamedTuple):
    """An answer as it was given, or taken back: the row, and the word that stands for it now."""

    example_id: str
    shown: str
    value: str | None


class Turns:
    """What one person may undo and redo in one task, from the newest back, across restarts."""

    def __init__(self, workspace: Workspace, task: Task, reviewer: str) -> None:
        self.ledger, self.key, self.reviewer = workspace.ledger, task.key, reviewer
        self._forget()

    def _forget(self) -> None:
        self.done: list[Row] = []
        self.undone: list[Row] = []
        self.read, self.newest = 0, ""

    def catch_up(self) -> None:
        """Take in what the ledger has gained since the last look, from whichever process or journal."""
        query = """select annotation_id, uid, example_id, content_hash, value, turns, annotated_at
                   from annotation where reviewer = ? and key = ? and annotation_id > ?
                   order by annotated_at, uid"""
        gained = self.ledger.rows(query, self.reviewer, self.key, self.read)
        if gained and (gained[0]["annotated_at"]) <= self.newest:
            # a merged journal brought words from before: the order is by time, so read it all again
            self._forget()
            gained = self.ledger.rows(query, self.reviewer, self.key, 0)
        for row in gained:
            self._take(row)
            self.read = max(self.read, int(row["annotation_id"]))
            self.newest = row["annotated_at"]

    def _take(self, row: Row) -> None:
        turn, _, uid = (row["turns"] or "").partition(" ")
        if turn not in ("undo", "redo"):
            self.done.append(row)
            self.undone.clear()
            return
        source, target = (self.done, self.undone) if turn == "undo" else (self.undone, self.done)
        for index in range(len(source) - 1, -1, -1):
            if source[index]["uid"] == uid:
                target.append(source.pop(index))
                return

    def undo(self) -> Turn | None:
        """Take the newest answer back; None when there is none. On return it is on the disk."""
        self.catch_up()
        if not self.done:
            return None
        row = self.done[-1]
        return self._write(row, "undo", self._before(row))

    def redo(self) -> Turn | None:
        """Give the newest undone answer again; None when there is none. On return it is on the disk."""
        self.catch_up()
        if not self.undone:
            return None
        row = self.undone[-1]
        return self._write(row, "redo", row["value"])

    def _write(self, row: Row, word: str, value: str | None) -> Turn:
        example_id, shown = row["example_id"], row["content_hash"]
        said = Annotation(example_id, shown, self.key, value, self.reviewer, turns=f"{word} {row['uid']}")
        self.ledger.annotate([said])
        self.catch_up()
        return Turn(example_id, shown, value)

    def _before(self, row: Row) -> str | None:
        """What the person's own word on the row was before this one."""
        query = """select * from annotation where reviewer = ? and key = ? and example_id = ?
                   and content_hash = ? and (annotated_at, uid) < (?, ?) order by annotated_at, uid"""
        rows = self.ledger.rows(
            query, self.reviewer, self.key, row["example_id"], row["content_hash"], row["annotated_at"], row["uid"]
        )  # fmt: skip
        words = own_words(rows)
        values = {each["uid"]: each["value"] for each in rows}
        return values[words[0].uid] if words else None


class Pace:
    """How long one looks at a card: the time between keys, of each pause IDLE seconds at most."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.start()

    def start(self) -> None:
        """A new card is there."""
        self.spent = 0.0
        self.last = self.clock()

    def beat(self) -> None:
        """A key was pressed: the person is there."""
        now = self.clock()
        self.spent += min(max(now - self.last, 0.0), IDLE)
        self.last = now

    def seconds(self) -> float:
        """Spent on this card until now."""
        self.beat()
        return self.spent
