"""Where people's words on one thing differ: found from what each said, settled by who has seen it.

Each person has one word of their own on a finding: the last one that they did not take back. A word
that was said in sight of others' (`settles`) overrules those, and only those: one that comes later, out
of a journal that had not been merged, is not overruled by somebody who had not read it. What is left
differs, or does not. All of it depends on the set of words and their times, not on the order in which
the ledger got them. Rules and recipes are no people: whoever overrules `seatrial:safe` differs with nobody,
and what they say counts only where no person's word stands, however late they said it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from sqlite3 import Row
from typing import NamedTuple

import polars as pl

from curate.workspace import Decision, Workspace
from curate.workspace.ledger import Ledger

OPINIONS = ("label:", "rating:")  # annotations that two people may differ on begin so
MACHINES = ("seatrial:", "recipe:")  # what rules and recipes are called
_PERSON = "reviewer not glob 'seatrial:*' and reviewer not glob 'recipe:*'"

DIFFERING = pl.Schema({"finding_id": pl.String, "differ": pl.Boolean, "people": pl.String})


class Word(NamedTuple):
    """What one person says now: of a finding an action, of an example an answer."""

    uid: str
    reviewer: str
    said: str  # action or answer
    target: str  # the example that it is about
    edit: str | None  # of an edit: the digest of the new text
    note: str
    at: str

    @property
    def opinion(self) -> tuple[str, ...]:
        """What makes two words the same."""
        return (self.said,) if self.said == "keep" else (self.said, self.target, self.edit or "")


class Difference(NamedTuple):
    """A thing on which people differ; the words in the order of the people's names."""

    key: str  # a finding's id, or an annotation's key
    example_id: str
    words: tuple[Word, ...]
    beside: tuple[str, ...] = ()  # whose edits of the same text, on other findings, were made apart from it

    @property
    def told(self) -> str:
        """`anna: drop; ben: keep`."""
        said = "; ".join(f"{word.reviewer}: {word.said}" for word in self.words)
        whose = " and ".join(f"{name}'s edit" for name in self.beside)
        return said + (f", made apart from {whose} of the same text" if whose else "")


def several(ledger: Ledger) -> bool:
    """Whether more than one person has decided anything here."""
    query = f"select count(*) as n from (select distinct reviewer from decision where {_PERSON} limit 2)"
    return bool(ledger.rows(query)[0]["n"] > 1)


def differing(ledger: Ledger, finding_ids: Collection[str] | None = None) -> dict[str, Difference]:
    """The findings on which people differ, of all or of those given, by id."""
    if finding_ids is None and not several(ledger):
        return {}
    asked = "" if finding_ids is None else "and finding_id in (select value from json_each(?))"
    query = f"""select * from decision
                where finding_id in (select finding_id from decision where {_PERSON} {asked}
                                     group by finding_id having count(distinct reviewer) > 1
                                     and count(distinct action || example_id || coalesce(edit, '')) > 1)
                      and {_PERSON}
                order by finding_id, decided_at, uid"""
    rows = ledger.rows(query, *([json.dumps(list(finding_ids))] if finding_ids is not None else []))
    return differing_words(rows)


def differing_words(rows: Sequence[Row]) -> dict[str, Difference]:
    """The same of words as rows of the ledger's table, in the order of (time, uid)."""
    found = {}
    for finding_id, words in _by(rows, "finding_id").items():
        standing = own_words([row for row in words if not row["reviewer"].startswith(MACHINES)])
        if len({word.opinion for word in standing}) > 1:
            found[finding_id] = Difference(finding_id, standing[0].target, standing)
    return found


class Said(NamedTuple):
    """What counts on findings, and where nobody's word counts since people differ; both by finding."""

    words: dict[str, Word]
    differ: dict[str, Difference]


def said_on(ledger: Ledger, finding_ids: Collection[str]) -> Said:
    """What counts on these findings."""
    query = """select * from decision where finding_id in (select value from json_each(?))
               order by finding_id, decided_at, uid"""
    return counting(ledger.rows(query, json.dumps(list(finding_ids))))


def counting(rows: Sequence[Row]) -> Said:
    """What counts by words as rows of the ledger's table, those of a finding in the order of (time, uid).

    The people's word where they agree, as the last of them said it; a machine's last one that nobody
    took back where no person's word stands.
    """
    found = Said({}, {})
    for finding_id, words in _by(rows, "finding_id").items():
        people = [row for row in words if not row["reviewer"].startswith(MACHINES)]
        standing = own_words(people)
        if len({word.opinion for word in standing}) > 1:
            found.differ[finding_id] = Difference(finding_id, standing[0].target, standing)
            continue
        if standing:
            found.words[finding_id] = max(standing, key=lambda word: (word.at, word.uid))
            continue
        gone = _taken_back(people)
        machines = [row for row in words if row["reviewer"].startswith(MACHINES) and row["uid"] not in gone]
        word = _word(machines[-1]) if machines else None
        if word is not None:
            found.words[finding_id] = word
    return found


def last_rows(ledger: Ledger) -> tuple[list[tuple[str | None, ...]], Said]:
    """What counts on all findings: rows where that is the last word of its kind, and the rest as `Said`.

    A row has finding_id, action, example_id, edit, reviewer, note, decided_at.
    """
    query = """select finding_id, action, example_id, edit, reviewer, note, decided_at from latest_decision"""
    turned = """select distinct finding_id from decision
                where turns is not null or settles is not null or action is null"""
    known = {row["finding_id"] for row in ledger.rows(turned)}
    people = {row[0] for row in ledger.rows(f"select distinct finding_id from decision where {_PERSON}")}
    rows = [tuple(row) for row in ledger.rows(query)]
    # a machine's word that came after a person's
    known |= {row[0] for row in rows if row[0] in people and row[4].startswith(MACHINES)}
    weighed = said_on(ledger, known)
    differ = {**differing(ledger), **weighed.differ}
    others = known | set(differ)
    plain = [row for row in rows if row[0] not in others]
    return plain, Said(weighed.words, differ)


def differing_answers(ledger: Ledger, key: str | None = None) -> list[Difference]:
    """The examples to which people gave different answers under a key, or under any."""
    found = []
    for (example_id, answered, _), words in answers(ledger, key).items():
        if len({word.said for word in words}) > 1:
            found.append(Difference(answered, example_id, words))
    return found


def answers(
    ledger: Ledger, key: str | None = None, *, alone: bool = False
) -> dict[tuple[str, str, str], tuple[Word, ...]]:
    """(example id, key, content hash) to what each person says of it now; `alone` as in `own_words`."""
    fits = "key = ?" if key is not None else "(" + " or ".join(f"key like '{k}%'" for k in OPINIONS) + ")"
    query = f"select * from annotation where {fits} and {_PERSON} order by annotated_at, uid"
    rows = ledger.rows(query, *([key] if key is not None else []))
    grouped: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["example_id"], row["key"], row["content_hash"]].append(row)
    standing = {place: own_words(words, alone=alone) for place, words in sorted(grouped.items())}
    return {place: words for place, words in standing.items() if words}


def said_alone(ledger: Ledger) -> dict[str, list[dict[str, str]]]:
    """For each key (`decisions`, `label:TASK`, `rating:PAIR`): for each thing, who said what independently."""
    query = f"select * from decision where {_PERSON} order by finding_id, decided_at, uid"
    units: dict[str, list[dict[str, str]]] = defaultdict(list)
    for words in _by(ledger.rows(query), "finding_id").values():
        standing = own_words(words, alone=True)
        if standing:
            units["decisions"].append(_kinds(standing))
    for (_, key, _), standing_words in answers(ledger, alone=True).items():
        units[key].append({word.reviewer: word.said for word in standing_words})
    return dict(units)


def _kinds(words: Sequence[Word]) -> dict[str, str]:
    """Who said which kind of thing: the action, numbered where one action was meant for different ends."""
    ends: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for opinion in sorted({word.opinion for word in words}):
        ends[opinion[0]].append(opinion)
    return {
        word.reviewer: word.said
        if len(ends[word.said]) == 1
        else f"{word.said} {ends[word.said].index(word.opinion) + 1}"
        for word in words
    }


def _by(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[column]].append(row)
    return grouped


def own_words(rows: Sequence[Row], *, alone: bool = False) -> tuple[Word, ...]:
    """Each person's standing word on one thing, in the order of names; `rows` are in the order of time.

    A word taken back (`undo`, `back`) leaves what its author said before it; what it settled is open
    again. With `alone`, what was said in sight of others' words does not count, nor what it overruled:
    what is left was said independently.
    """
    if alone:
        rows = [row for row in rows if not row["settles"]]
    said = {row["uid"]: row for row in rows}
    own, undone = _folded(rows)
    overruled = {
        uid
        for row in rows
        if row["settles"] and row["uid"] not in undone
        for uid in json.loads(row["settles"])
        if uid != row["uid"]
    }
    standing = [uid for _, uid in sorted(own.items()) if uid and uid not in overruled]
    words = (_word(said[uid]) for uid in standing)
    return tuple(word for word in words if word is not None)


def _folded(rows: Sequence[Row]) -> tuple[dict[str, str | None], set[str]]:
    """(person to the uid of the word that they stand by, uids of what was undone)."""
    said = {row["uid"]: row for row in rows}
    own: dict[str, str | None] = {}  # person to uid
    before: dict[str, str | None] = {}  # uid to what its author's word was until then
    undone: set[str] = set()
    for row in rows:
        before[row["uid"]] = own.get(row["reviewer"])
        turn, _, other = (row["turns"] or "").partition(" ")
        if turn == "redo" and other in said:
            undone.discard(other)
            own[row["reviewer"]] = other
        elif turn in ("undo", "back") and other in said and said[other]["reviewer"] == row["reviewer"]:
            undone.add(other)
            own[row["reviewer"]] = before.get(other)
            _turned_back(said[other], undone)
        else:
            own[row["reviewer"]] = row["uid"]
    return own, undone


def _taken_back(rows: Sequence[Row]) -> set[str]:
    """The uids of the words, of whomever, that people took back and did not bring back again."""
    _, undone = _folded(rows)
    turns = [(row["uid"], *(row["turns"] or "").split(" ")) for row in rows if row["turns"]]
    return {other for uid, turn, other in turns if turn in ("undo", "back") and uid not in undone}


def _turned_back(row: Row, undone: set[str]) -> None:
    """What a word did that is itself an undo or a redo, the other way round."""
    turn, _, other = (row["turns"] or "").partition(" ")
    if turn == "redo":
        undone.add(other)
    elif turn:
        undone.discard(other)


def _word(row: Row) -> Word | None:
    """The word of a row of either table; None for one that takes back."""
    if "finding_id" in row.keys():  # noqa: SIM118 (a Row iterates values)
        if row["action"] is None:
            return None
        at, edit, note = row["decided_at"], row["edit"], row["note"]
        return Word(row["uid"], row["reviewer"], row["action"], row["example_id"], edit, note, at)
    if row["value"] is None:
        return None
    said, at = answer_of(row["value"]), row["annotated_at"]
    return Word(row["uid"], row["reviewer"], said, row["example_id"], None, "", at)


def answer_of(value: str) -> str:
    """What an annotation answers, as text that is equal for equal answers.

    Of a JSON object its `answer`; of a list its items in order of the alphabet, since several choices
    have no order; of a string itself; anything else as JSON, and what is no JSON as it is.
    """
    try:
        told = json.loads(value)
    except ValueError:
        return value
    if isinstance(told, dict) and "answer" in told:
        told = told["answer"]
    if isinstance(told, list):
        return json.dumps(sorted(told, key=str), ensure_ascii=False)
    return told if isinstance(told, str) else json.dumps(told, ensure_ascii=False, sort_keys=True)


def as_table(found: Mapping[str, Difference]) -> pl.DataFrame:
    """Differences by finding; columns of DIFFERING."""
    rows = [(finding_id, True, one.told) for finding_id, one in found.items()]
    return pl.DataFrame(rows, schema=DIFFERING, orient="row")


def settling(decisions: Sequence[Decision], seen: Mapping[str, Difference]) -> list[Decision]:
    """The decisions, each overruling those words on its finding that its author has seen.

    `seen` is what was shown when it was decided, not what the ledger holds by now.
    """
    return [
        replace(word, settles=tuple(each.uid for each in seen[word.finding_id].words))
        if word.finding_id in seen
        else word
        for word in decisions
    ]


def tell(workspace: Workspace) -> list[Difference]:
    """All differences of a workspace, findings first, in the order of their ids."""
    found = differing(workspace.ledger)
    return [*(found[key] for key in sorted(found)), *differing_answers(workspace.ledger)]
