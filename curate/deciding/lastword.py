"""The last word on each finding, as everyone reads it, and how a person takes their own back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from sqlite3 import Row

import polars as pl

from curate.deciding.notes import noted, told
from curate.workspace import Decision, Workspace, reviewer
from curate.workspace.differences import (
    MACHINES,
    Said,
    Word,
    as_table,
    counting,
    last_rows,
    own_words,
    said_on,
)

NAMES = ("finding_id", "decided", "target", "edit", "reviewer", "note", "decided_at")


def last_words(workspace: Workspace, finding_ids: Collection[str] | None = None) -> pl.DataFrame:
    """What counts on each finding ever decided or noted, or on those given, with the example that it acts on.

    A machine's word counts only where no person's stands. Where people differ nothing is decided:
    `differ` is true, and `people` has what each says. `note` has what people noted beside it.
    """
    if finding_ids is None:
        words, said = last_rows(workspace.ledger)
    else:
        words, said = [], said_on(workspace.ledger, finding_ids)
    words += [(i, w.said, w.target, w.edit, w.reviewer, w.note, w.at) for i, w in said.words.items()]
    table = pl.DataFrame(words, schema=dict.fromkeys(NAMES, pl.String), orient="row")
    table = pl.concat([table, as_table(said.differ)], how="diagonal")
    return _with_notes(workspace, table, finding_ids)


def _with_notes(
    workspace: Workspace, table: pl.DataFrame, finding_ids: Collection[str] | None
) -> pl.DataFrame:
    """The words with what was noted; a finding that was only noted is not decided."""
    notes = noted(workspace.ledger)
    if finding_ids is not None:
        notes = {finding: said for finding, said in notes.items() if finding in finding_ids}
    if not notes:
        return table
    only = pl.DataFrame({"finding_id": [i for i in notes]}, schema={"finding_id": pl.String})
    table = pl.concat([table, only.join(table, on="finding_id", how="anti")], how="diagonal")
    found = table.filter(pl.col("finding_id").is_in(list(notes)))
    words = [
        (row["finding_id"], told(notes[row["finding_id"]], row["reviewer"], row["note"]))
        for row in found.iter_rows(named=True)
    ]
    new = pl.DataFrame(words, schema={"finding_id": pl.String, "noted": pl.String}, orient="row")
    joined = table.join(new, on="finding_id", how="left", maintain_order="left")
    return joined.with_columns(note=pl.coalesce("noted", "note")).drop("noted")


# taking back


def undo(workspace: Workspace, finding_ids: Iterable[str], *, by: str | None = None) -> list[Decision]:
    """Decisions that bring back what `by` said before their last word; nothing said before opens it again.

    Undo is a decision like any other: it is recorded, and a second undo takes the first one back. Other
    people's words are theirs; a machine's, where it counts and is the later one, may be taken back by
    anyone. Findings on which there is nothing to take back are passed over.
    """
    by = by or reviewer()
    query = "select * from decision where finding_id = ? order by decided_at, uid"
    decisions: list[Decision] = []
    for finding_id in finding_ids:
        rows = workspace.ledger.rows(query, finding_id)
        last = _last(rows, by)
        if last is None:
            continue
        former = former_word([row for row in rows if row["reviewer"] == last["reviewer"] == by], last)
        target = former.target if former else last["example_id"]
        said, edit = (former.said, former.edit) if former else (None, None)
        decisions.append(Decision(finding_id, target, said, by, "undo", edit, turns=f"back {last['uid']}"))
    return decisions


def _last(rows: list[Row], by: str) -> Row | None:
    """The word that `by` may take back: their own last one, or the machine's that came after it and counts."""
    own = next((row for row in reversed(rows) if row["reviewer"] == by), None)
    counts = _counting(rows)
    if counts is None or not counts.reviewer.startswith(MACHINES):
        return own
    later = own is None or (counts.at, counts.uid) > (own["decided_at"], own["uid"])
    return next(row for row in rows if row["uid"] == counts.uid) if later else own


def _counting(rows: list[Row]) -> Word | None:
    said: Said = counting(rows)
    return next(iter(said.words.values()), None)


def former_word(own: Iterable[Row], row: Row) -> Word | None:
    """What a person stood by before one of their words; `own` are their words on the same finding."""
    before = [each for each in own if (each["decided_at"], each["uid"]) < (row["decided_at"], row["uid"])]
    return next(iter(own_words(before)), None)
