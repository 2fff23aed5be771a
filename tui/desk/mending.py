"""What one edit leads to: the same change in other rows, and places that a person marks otherwise.

Both make findings of a person's own (`curate.deciding.byhand`) and decide on them at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from curate.changing.apply import Edit
from curate.deciding import byhand
from curate.deciding.alike import Change, Proposal, changes, proposals
from curate.deciding.edit_texts import decide_edits
from curate.deciding.pending import Pending
from curate.deciding.review import as_decided, record
from curate.errors import ConfigError
from curate.workspace import Decision
from tui.desk.desk import Desk

MOST = 2_000  # rows mended as one act


class Offer(NamedTuple):
    """Other rows in which the change that was just made fits too."""

    changes: list[Change]
    proposals: list[Proposal]


def offer(desk: Desk, edit: Edit, before: str) -> Offer:
    """The rows in which the same could be changed; in a thread, since all rows are looked through."""
    made = changes(before, edit.text)
    role: str | None = None
    if edit.message is not None:
        example = desk.examples.get([edit.example_id])[edit.example_id]
        role = example["messages"][edit.message]["role"]
    plain = edit.message is None or edit.field == "content"
    if not plain or (edit.message is None and edit.field not in ("chosen", "rejected", "label")):
        return Offer([], [])
    pending = Pending.of(desk.workspace, as_decided(desk.workspace, desk.dataset))
    rows = desk.examples.rows
    found = proposals(rows, made, role=role, field=edit.field, except_id=edit.example_id, pending=pending)
    return Offer(made, found)


def spelt_alike(desk: Desk, place: int) -> list[int]:
    """The finding, and the open ones that propose the same for the same label; it alone where it is of no label."""
    finding = desk.finding(place)
    if finding["field"] != "label" or finding["message"] is not None or finding["action"] != "edit":
        return [place]
    same = (pl.col("check") == finding["check"]) & (pl.col("action") == "edit")
    same &= (pl.col("field") == "label") & pl.col("message").is_null()
    found = desk.rows.with_row_index("place").filter(same)
    of_them = desk.examples.rows.filter(pl.col("example_id").is_in(found["example_id"].implode()))
    labels = dict(of_them.select("example_id", "label").collect().iter_rows())
    wanted = labels.get(finding["example_id"])
    return [place] + [
        other
        for other, row in found.select("place", "example_id").iter_rows()
        if other != place and labels.get(row) == wanted and desk.waits[other] and not desk.decided[other]
    ]


def mend(desk: Desk, chosen: Sequence[Proposal], *, like: str) -> int:
    """Decide the change on each row chosen, as one act; on return it is on the disk. Returns how many.

    `like` is the id of the finding whose edit it was. Raises ConfigError above MOST rows.
    """
    if len(chosen) > MOST:
        raise ConfigError(f"{len(chosen):,} rows at once are too many to look at", hint=f"{MOST:,} at most")
    if not chosen:
        return 0
    table = pl.DataFrame(
        {
            "example_id": [p.example_id for p in chosen],
            "message": pl.Series([p.message for p in chosen], dtype=pl.Int32),
            "field": [p.field for p in chosen],
        }
    ).with_columns(
        label=pl.lit("alike"),
        action=pl.lit("edit"),
        score=pl.lit(1.0),
        evidence=pl.lit(json.dumps({"like": like[:8]})),
    )
    added = byhand.add(desk.workspace, desk.dataset, table).findings
    places = {(row["example_id"], row["message"], row["field"]): row for row in added.iter_rows(named=True)}
    said = [
        (places[p.example_id, p.message, p.field], Edit(p.example_id, p.message, p.field, p.after, p.over))
        for p in chosen
    ]
    decisions = decide_edits(desk.workspace, said, by=desk.reviewer, note=f"like {like[:8]}")
    record(desk.workspace, decisions)
    desk.take_in(added)
    desk.remember(decision.finding_id for decision in decisions)
    return len(decisions)


def edit_beside(desk: Desk, place: int, edit: Edit) -> None:
    """Edit another text of a finding's row: a finding of one's own and the word on it, as one act."""
    finding = desk.finding(place)
    like = finding["finding_id"][:8]
    row = {"example_id": edit.example_id, "label": "edited", "action": "edit", "score": 1.0, "evidence": json.dumps({"beside": like})}  # fmt: skip
    table = pl.DataFrame([row]).with_columns(
        message=pl.lit(edit.message, dtype=pl.Int32), field=pl.lit(edit.field, dtype=pl.String)
    )
    added = byhand.add(desk.workspace, desk.dataset, table).findings
    said = [(added.row(0, named=True), edit)]
    decisions = decide_edits(desk.workspace, said, by=desk.reviewer)
    record(desk.workspace, decisions)
    desk.take_in(added)
    desk.remember(decision.finding_id for decision in decisions)


def redact_instead(desk: Desk, place: int, start: int, end: int) -> None:
    """Redact other characters than a finding marks: one act, which keeps the finding's own place as it is."""
    finding = desk.finding(place)
    names = ("example_id", "message", "field", "label", "score", "blocking")
    row = {name: finding[name] for name in names}
    row |= {"start": start, "end": end, "action": "redact", "evidence": json.dumps({"instead_of": finding["finding_id"][:8]})}  # fmt: skip
    added = byhand.add(desk.workspace, desk.dataset, pl.DataFrame([row], infer_schema_length=None)).findings
    desk.take_in(added)
    note = f"instead of {finding['finding_id'][:8]}"
    new = Decision(added["finding_id"][0], finding["example_id"], "redact", desk.reviewer, note)
    desk.decide([place], "keep", note="adjusted", also=[new])
