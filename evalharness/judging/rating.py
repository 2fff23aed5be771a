"""Blind rating of two arms' answers by people: what is shown, on which side, and what was said of it.

A rating is an annotation under `rating:CANDIDATE-BASELINE`. Its content hash is of the example together
with both answers: a rating counts only for the very answers that were read, and counts again where
another run gives the same ones. Whoever rates sees neither arm's name; the side is drawn for each
person and example, the order of the examples is the same for all, so that two people who rate the
first hundred have rated the same hundred.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from sqlite3 import Row
from typing import Any, Literal, NamedTuple

import polars as pl

from curate.errors import ConfigError, NotFoundError
from curate.example import answer_text, digest
from curate.workspace import Annotation, Workspace
from curate.workspace.differences import Word, answers
from evalharness.asking.arms import NAMED_TUNED, SERVED, TUNED_RAG
from evalharness.deciding.comparison import ARMS, CANDIDATE

Side = Literal["left", "right"]
SAID = ("left", "right", "tie", "both bad")
TIE, BOTH_BAD = "tie", "both bad"


class Item(NamedTuple):
    """One example with the answers of both arms."""

    example_id: str
    judged: str  # digest of the example and both answers
    messages: list[dict[str, Any]]  # what was asked, without the reference answer
    reference: str
    group: str | None
    answers: dict[str, str]  # by arm


@dataclass(frozen=True)
class Pairing:
    """The answers of two arms to one split of a dataset version, in the order in which they are rated."""

    dataset: str
    split: str
    candidate: str
    baseline: str
    items: list[Item]
    alike: int  # examples to which both said the same
    absent: int  # examples to which one of them has no answer

    @property
    def key(self) -> str:
        """Of the annotations."""
        return f"rating:{self.candidate}-{self.baseline}"

    @cached_property
    def places(self) -> dict[tuple[str, str], int]:
        """(example id, what was judged) to the place in `items`."""
        return {(item.example_id, item.judged): place for place, item in enumerate(self.items)}

    def left(self, item: Item, reviewer: str, seed: int = 0) -> str:
        """The arm whose answer this person sees on the left: chance, and always the same."""
        first = int(digest(str(seed), reviewer, self.key, item.judged), 16) % 2
        return self.candidate if first else self.baseline


def pairing(
    workspace: Workspace,
    dataset: str,
    tables: Mapping[str, str],
    *,
    baseline: str,
    candidate: str = CANDIDATE,
    split: str = "test",
    seed: int = 0,
) -> Pairing:
    """Two arms' answers; `tables` are arms to digests of predictions.

    Raises ConfigError for an arm that has not answered, or is the other one.
    """
    for arm in (candidate, baseline):
        must_have_answered(tables, arm, split)
    if candidate == baseline:
        raise ConfigError(f"{candidate} and {baseline}: an arm cannot be rated against itself")
    said = {arm: _said(workspace, tables[arm], arm) for arm in (candidate, baseline)}
    rows = workspace.scan_examples(dataset).filter(pl.col("split") == split)
    columns = rows.select("example_id", "content_hash", "messages", "group").collect()
    items, alike, absent = [], 0, 0
    for example_id, content, messages, group in columns.iter_rows():
        if example_id not in said[candidate] and example_id not in said[baseline]:
            continue  # nobody was asked
        found = {arm: said[arm].get(example_id) for arm in said}
        one, two = found[candidate], found[baseline]
        if one is None or two is None:
            absent += 1
        elif one.strip() == two.strip():
            alike += 1
        else:
            judged = digest(content, *(part for arm in sorted(found) for part in (arm, found[arm] or "")))
            asked, reference = _asked(messages)
            items.append(Item(example_id, judged, asked, reference, group, {candidate: one, baseline: two}))
    items.sort(key=lambda item: digest(str(seed), item.example_id))
    return Pairing(dataset, split, candidate, baseline, items, alike, absent)


def must_have_answered(tables: Mapping[str, str], arm: str, split: str) -> None:
    """ConfigError for an arm without answers in `tables`; where there is no such arm, with the nearest name."""
    if arm in tables:
        return
    near = get_close_matches(arm, tables, n=1, cutoff=0.5)
    known = arm in (*ARMS, TUNED_RAG) or arm.startswith((NAMED_TUNED, SERVED))
    if near and not known:
        hint = f"did you mean `{near[0]}`?"
    else:
        hint = f"there are answers of {', '.join(tables) or 'none'}" + (
            f"; seatrial predict --arm {arm}" if known else ""
        )
    raise ConfigError(f"the arm {arm} has not answered the {split} rows", hint=hint)


def _said(workspace: Workspace, table: str, arm: str) -> dict[str, str]:
    rows = workspace.table(table).filter(pl.col("arm") == arm, pl.col("answer").is_not_null())
    return dict(rows.select("example_id", "answer").iter_rows())


def _asked(messages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """(the messages before the last answer, that answer)."""
    last = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=len(messages))
    return messages[:last], answer_text(messages) if last < len(messages) else ""


def open_pairing(
    workspace: Workspace,
    dataset: str,
    *,
    baseline: str | None = None,
    candidate: str = CANDIDATE,
    split: str = "test",
) -> Pairing:
    """The newest answers of two arms to a split, as they are scored by default.

    Without a baseline, the one that people have rated most of all against the candidate, else the last
    of the verdict's arms but it. Raises NotFoundError where nothing was asked on that split.
    """
    from evalharness.scoring.score import newest

    tables = newest(workspace, dataset, split)
    others = [arm for arm in tables if arm != candidate]
    if baseline is None:
        if not others:
            raise NotFoundError(
                f"only {', '.join(tables)} has answered the {split} rows: there is nothing to rate it against",
                hint="seatrial predict asks the other arms",
            )
        query = "select count(*) as n from annotation where key = ?"
        often = {arm: workspace.ledger.rows(query, f"rating:{candidate}-{arm}")[0]["n"] for arm in others}
        # of those rated alike often the last of the verdict's own arms, before arms that only inform
        baseline = max(reversed(others), key=lambda arm: (often[arm], arm in ARMS))
    return pairing(workspace, dataset, tables, baseline=baseline, candidate=candidate, split=split)


class Ratings(NamedTuple):
    """What people say of a pairing, and how many of their words are no rating of these two arms."""

    words: dict[int, tuple[Word, ...]]  # by place
    strange: int


def ratings(workspace: Workspace, pair: Pairing, *, alone: bool = False) -> Ratings:
    """What each person says of each of these answers now; `alone` as in `own_words`.

    A journal from elsewhere may say anything under the key of a pairing: what names neither arm, is no
    tie and not both bad is counted, and left out.
    """
    known = (pair.candidate, pair.baseline, TIE, BOTH_BAD)
    words: dict[int, tuple[Word, ...]] = {}
    strange = 0
    for (example_id, _, judged), said in answers(workspace.ledger, pair.key, alone=alone).items():
        place = pair.places.get((example_id, judged))
        if place is None:
            continue
        fitting = tuple(word for word in said if word.said in known)
        strange += len(said) - len(fitting)
        if fitting:
            words[place] = fitting
    return Ratings(words, strange)


def standing(workspace: Workspace, pair: Pairing, *, alone: bool = False) -> dict[int, tuple[Word, ...]]:
    """The words of `ratings`, by place."""
    return ratings(workspace, pair, alone=alone).words


class Rater:
    """One person at one pairing: what they said, and undo and redo without limit, across restarts.

    All is read from the ledger, so that two windows and a merged journal are one rater. On return from
    each method the word is on the disk.
    """

    def __init__(self, workspace: Workspace, pair: Pairing, reviewer: str, seed: int = 0) -> None:
        self.workspace, self.pair, self.reviewer, self.seed = workspace, pair, reviewer, seed
        self.mine: dict[int, str] = {}  # place to arm, tie or both bad
        self.catch_up()

    def catch_up(self) -> None:
        """Read what this person says now, from whichever process or journal."""
        self.mine = {
            place: word.said
            for place, words in standing(self.workspace, self.pair).items()
            for word in words
            if word.reviewer == self.reviewer
        }

    def left(self, place: int) -> str:
        """The arm on the left; for the screen to draw by, never to show."""
        return self.pair.left(self.pair.items[place], self.reviewer, self.seed)

    def side(self, place: int) -> str | None:
        """What was said of an example, as it was seen: left, right, tie or both bad; None if nothing."""
        said = self.mine.get(place)
        return None if said is None else self.seen_as(place, said)

    def seen_as(self, place: int, said: str) -> str:
        """An answer as this person sees it: left, right, tie or both bad."""
        if said in (TIE, BOTH_BAD):
            return said
        return "left" if said == self.left(place) else "right"

    def differing(self) -> dict[int, tuple[Word, ...]]:
        """The examples of which people say different things, with each one's word."""
        found = standing(self.workspace, self.pair)
        return {
            place: found[place] for place in sorted(found) if len({word.said for word in found[place]}) > 1
        }

    def next_open(self, place: int) -> int | None:
        """The next example after `place` that this person has not rated, else the first one."""
        order = (*range(place + 1, len(self.pair.items)), *range(min(place + 1, len(self.pair.items))))
        return next((each for each in order if each not in self.mine), None)

    def rate(
        self,
        place: int,
        said: str,
        *,
        seconds: float | None = None,
        reference: bool = False,
        settles: Sequence[Word] = (),
    ) -> None:
        """Record left, right, tie or both bad. `reference`: the reference answer was looked at.

        `settles` are the words, of whomever, that were seen and that this one overrules.
        """
        if said not in SAID:
            raise ConfigError(f"a rating is {', '.join(SAID)}, not `{said}`")
        left = self.left(place)
        right = self.pair.baseline if left == self.pair.candidate else self.pair.candidate
        answer = {"left": left, "right": right}.get(said, said)
        value: dict[str, object] = {"answer": answer, "left": left}
        if seconds is not None:
            value["seconds"] = round(seconds, 1)
        if reference:
            value["reference"] = True
        item = self.pair.items[place]
        text = json.dumps(value, sort_keys=True)
        uids = tuple(word.uid for word in settles)
        word = Annotation(item.example_id, item.judged, self.pair.key, text, self.reviewer, uids)
        self.workspace.ledger.annotate([word])
        self.mine[place] = answer

    def undo(self) -> int | None:
        """Take the newest rating back; its place, or None where there is none."""
        done, _ = self._stacks()
        return self._turn("undo", done[-1]) if done else None

    def redo(self) -> int | None:
        """Say the newest undone rating again; its place, or None where there is none."""
        _, undone = self._stacks()
        return self._turn("redo", undone[-1]) if undone else None

    def _turn(self, turn: str, row: Row) -> int:
        value = row["value"] if turn == "redo" else None
        self.workspace.ledger.annotate(
            [
                Annotation(
                    row["example_id"], row["content_hash"], self.pair.key, value, self.reviewer,
                    turns=f"{turn} {row['uid']}",
                )
            ]
        )  # fmt: skip
        self.catch_up()
        return self.pair.places[row["example_id"], row["content_hash"]]

    def _stacks(self) -> tuple[list[Row], list[Row]]:
        """(done, undone), the newest last, of this person's ratings of these very answers."""
        query = """select * from annotation where reviewer = ? and key = ? order by annotated_at, uid"""
        done: list[Row] = []
        undone: list[Row] = []
        for row in self.workspace.ledger.rows(query, self.reviewer, self.pair.key):
            if (row["example_id"], row["content_hash"]) not in self.pair.places:
                continue
            turn, _, uid = (row["turns"] or "").partition(" ")
            if turn not in ("undo", "redo"):
                done.append(row)
                undone.clear()
                continue
            source, target = (done, undone) if turn == "undo" else (undone, done)
            for index in range(len(source) - 1, -1, -1):
                if source[index]["uid"] == uid:
                    target.append(source.pop(index))
                    break
        return done, undone
