"""How far people are with a task, and their answers as rows for others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import polars as pl

from curate.labelling.answers import Said, packed, standing
from curate.labelling.gold import gold_of
from curate.labelling.sharing import mine
from curate.labelling.suggestions import proposed
from curate.labelling.tasks import Task
from curate.labelling.work import placed
from curate.workspace import Workspace


@dataclass(frozen=True)
class Person:
    """One person's part."""

    name: str
    answered: int
    rows: int  # that are theirs to answer
    seconds: float | None  # median of an answer, idle time taken out
    as_suggested: float | None  # share of those answers before which something was suggested
    gold_right: int
    gold: int


@dataclass(frozen=True)
class Status:
    """Where a task stands on one version."""

    task: Task
    rows: int
    answered: int  # rows with an answer
    differ: int  # rows on which people differ
    people: tuple[Person, ...]
    elsewhere: int  # answers to rows that are gone, or said something else then
    strange: int  # answers that are none of the options any more
    model: str

    def lines(self) -> list[str]:
        """For a person."""
        told = [
            f"{self.task.name} ({self.task.kind}): {self.answered:,} of {self.rows:,} rows answered"
            + (f", people differ on {self.differ:,}" if self.differ else "")
        ]
        for one in self.people:
            words = f"  {one.name}: {one.answered:,} of {one.rows:,}"
            words += "" if one.seconds is None else f", median {one.seconds:.1f} s"
            words += "" if one.as_suggested is None else f", {one.as_suggested:.0%} as suggested"
            words += f", gold {one.gold_right} of {one.gold} right" if one.gold else ""
            told.append(words)
        if self.elsewhere:
            told.append(f"  {self.elsewhere:,} answers are to rows that are gone, or whose text has changed")
        if self.strange:
            told.append(f"  {self.strange:,} answers fit no option any more")
        told.append(f"  {self.model}")
        return told

    def data(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "task": self.task.name, "kind": self.task.kind, "rows": self.rows, "answered": self.answered,
            "differ": self.differ, "elsewhere": self.elsewhere, "strange": self.strange,
            "people": [vars(one) for one in self.people], "model": self.model,
        }  # fmt: skip


def status_of(workspace: Workspace, dataset: str, task: Task) -> Status:
    """Where a task stands on a version."""
    stood = standing(workspace, task)
    words = list(placed(workspace, dataset, task, stood.said))
    ids = workspace.scan_examples(dataset).select("example_id").collect()["example_id"]
    gold = gold_of(workspace, dataset, task)
    by_person: dict[str, list[tuple[int, Said]]] = defaultdict(list)
    answers: dict[int, set[str]] = defaultdict(set)
    for place, word in words:
        by_person[word.reviewer].append((place, word))
        answers[place].add(packed(word.value))
    people = []
    for name, said in sorted(by_person.items()):
        seconds = [word.seconds for _, word in said if word.seconds is not None]
        proposals = [word.value == word.suggested for _, word in said if word.suggested is not None]
        checked = [word.value == gold[place] for place, word in said if place in gold]
        theirs = len(ids) if task.people and name not in task.people else int(mine(task, name, ids).sum())
        people.append(
            Person(
                name, len(said), theirs, median(seconds) if seconds else None,
                sum(proposals) / len(proposals) if proposals else None, sum(checked), len(checked),
            )
        )  # fmt: skip
    return Status(
        task, len(ids), len(answers), sum(len(said) > 1 for said in answers.values()), tuple(people),
        len(stood.said) - len(words), stood.strange, _model(workspace, dataset, task, len(words)),
    )  # fmt: skip


def _model(workspace: Workspace, dataset: str, task: Task, answers: int) -> str:
    found = proposed(workspace, dataset, task)
    if task.kind == "text":
        return "free text: no model proposes it"
    if found is None:
        return "no model yet: seatrial label suggest"
    new = answers - found.trained_on
    right = "" if found.right is None else f", right on {found.right:.0%} of the answers it had not seen"
    old = f"; {new:,} answers are newer" if new > 0 else ""
    return f"model of {found.trained_on:,} answers by {found.features}{right}{found.sample}{old}"


def exported(workspace: Workspace, dataset: str, task: Task, by: str = "") -> Iterator[dict[str, object]]:
    """A line for each person's answer to each row of a version, in the order of the rows."""
    words = list(placed(workspace, dataset, task, standing(workspace, task).said))
    rows = (
        workspace.scan_examples(dataset).select("example_id", "source", "source_row").with_row_index("place")
    )
    wanted = {place for place, _ in words}
    known = {
        row["place"]: row
        for row in rows.filter(pl.col("place").is_in(list(wanted))).collect().iter_rows(named=True)
    }
    query = "select example_id, reviewer, value from annotation where key = ? order by annotated_at, uid"
    notes = {
        (row["example_id"], row["reviewer"]): row["value"]
        for row in workspace.ledger.rows(query, f"note:{task.name}")
    }
    for place, word in sorted(words, key=lambda each: (each[0], each[1].reviewer)):
        if by and word.reviewer != by:
            continue
        yield {
            "example_id": word.example_id, "source": known[place]["source"], "row": known[place]["source_row"],
            "task": task.name, "reviewer": word.reviewer, "answer": word.value, "seconds": word.seconds,
            "suggested": word.suggested, "note": notes.get((word.example_id, word.reviewer)), "at": word.at,
        }  # fmt: skip
