"""What people answer: annotations under `label:TASK`, only ever added to, undone and done again by new ones.

An answer holds for what was judged, as it was then: of a task that shows the prompt that, else all of
the row. The label and the other columns may change, as they do when answers are applied.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from sqlite3 import Row
from typing import Any, NamedTuple

import polars as pl

from curate.example import EXAMPLES, canonical
from curate.labelling.tasks import Task, Value
from curate.workspace import Annotation, Workspace
from curate.workspace.differences import MACHINES, Word, own_words

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


def judged(task: Task, example: Mapping[str, Any]) -> dict[str, Any]:
    """What of a row is shown and judged: with `prompt` the turns before the last answer, without the system's.

    A row in which nothing is asked is judged as a whole. A last answer that is the row's label does not
    count: applying answers changes it together with the label.
    """
    messages = example["messages"] or []
    last = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=len(messages))
    if task.show == "prompt":
        asked = [message for message in messages[:last] if message["role"] != "system"]
        if asked:
            return {
                **example,
                "label": None,
                "meta": None,
                "messages": asked,
                "chosen": None,
                "rejected": None,
            }
    label = (example["label"] or "").strip()
    if label and last < len(messages) and (messages[last]["content"] or "").strip() == label:
        messages = [*messages[:last], {**messages[last], "content": None}, *messages[last + 1 :]]
    return {**example, "label": None, "meta": None, "messages": messages}


def shown_hashes(task: Task, examples: pl.DataFrame) -> pl.Series:
    """A 128-bit digest of what is judged in each row."""
    rows = [judged(task, row) for row in examples.select(list(EXAMPLES)).iter_rows(named=True)]
    texts = pl.DataFrame(rows, schema=EXAMPLES, orient="row").select(canonical()).to_series()
    hashes = [blake2b(text.encode(), digest_size=16).hexdigest() for text in texts]
    return pl.Series("shown", hashes, dtype=pl.String)


def shown_hash(task: Task, example: Mapping[str, Any]) -> str:
    """The same of one row."""
    row = {name: example[name] for name in EXAMPLES}
    return str(shown_hashes(task, pl.DataFrame([row], schema=EXAMPLES, orient="row"))[0])


def packed(
    value: Value, seconds: float | None = None, suggestion: Suggestion | None = None, *, raw: bool = False
) -> str:
    """An answer as the ledger holds it: equal answers have an equal `answer`. `raw`: it is free text."""
    told: dict[str, object] = {"answer": value}
    if raw:
        told["raw"] = True
    if seconds is not None:
        told["seconds"] = round(seconds, 2)
    if suggestion is not None:
        told |= {"suggested": suggestion.value, "origin": suggestion.origin}
        if suggestion.probability is not None:
            told["probability"] = round(suggestion.probability, 4)
    return json.dumps(told, ensure_ascii=False)


def is_raw(key: str, value: str | None) -> bool:
    """Whether an annotation is what somebody typed freely, which may hold anything: a note, or a free text."""
    if value is None or key == "flag":
        return False
    if key.startswith("note:"):
        return True
    try:
        told = json.loads(value)
    except ValueError:
        return True  # none of our words: nobody knows what it is
    return isinstance(told, dict) and told.get("raw") is True


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
    query = "select * from annotation where key = ? order by annotated_at, uid"
    return standing_of(task, workspace.ledger.rows(query, task.key))


def standing_on(workspace: Workspace, task: Task, example_id: str, shown: str) -> list[Said]:
    """The same of one row."""
    query = """select * from annotation where example_id = ? and key = ? and content_hash = ?
               order by annotated_at, uid"""
    return standing_of(task, workspace.ledger.rows(query, example_id, task.key, shown)).said


def standing_of(task: Task, rows: Iterable[Row]) -> Standing:
    """The same of words as rows of the ledger's table, in the order of (time, uid); machines are no people."""
    by_row: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if not row["reviewer"].startswith(MACHINES):
            by_row[row["example_id"], row["content_hash"]].append(row)
    found: list[Said] = []
    strange = 0
    for (example_id, shown), group in sorted(by_row.items()):
        words = own_words(group)
        said = _said(task, example_id, shown, words, {row["uid"]: row["value"] for row in group})
        found += said
        strange += len(words) - len(said)
    return Standing(found, strange)


def _said(
    task: Task, example_id: str, shown: str, words: Iterable[Word], told: Mapping[str, str]
) -> list[Said]:
    """Those of the words that answer the task as it is now."""
    read = [(word, unpacked(task, told[word.uid])) for word in words]
    return [
        Said(
            example_id, shown, word.reviewer, answer["answer"], _seconds(answer), answer.get("suggested"),
            word.uid, word.at,
        )
        for word, answer in read
        if answer is not None
    ]  # fmt: skip


def _seconds(told: Mapping[str, Any]) -> float | None:
    seconds = told.get("seconds")
    good = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < 1e6
    return float(seconds) if good and seconds is not None else None


class Turn(NamedTuple):
    """An answer as it was given, or taken back: the row, and the word that stands for it now."""

    example_id: str
    shown: str
    value: str | None


Shown = Callable[[Iterable[str]], Mapping[str, str]]  # example ids to the hash of what they show now


class Turns:
    """What one person may undo and redo in one task and version, from the newest back, across restarts.

    Answers to rows that are not of this version, or said something else when they were answered, are
    none of its: nobody takes back unseen what another version's card showed.
    """

    def __init__(self, workspace: Workspace, task: Task, reviewer: str, shown: Shown) -> None:
        self.ledger, self.key, self.reviewer = workspace.ledger, task.key, reviewer
        self._shown = shown
        self.here: dict[str, str | None] = {}  # example id to what it shows; None: not of this version
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
        unknown = {row["example_id"] for row in gained} - self.here.keys()
        if unknown:
            self.here |= {**dict.fromkeys(unknown), **self._shown(unknown)}
        for row in gained:
            self._take(row)
            self.read = max(self.read, int(row["annotation_id"]))
            self.newest = row["annotated_at"]

    def _take(self, row: Row) -> None:
        if self.here[row["example_id"]] != row["content_hash"]:
            return
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
