"""Another label for a row: which labels there are, and the decision that gives it one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from curate.changing.apply import Edit
from curate.deciding import byhand
from curate.deciding.edit_texts import decide_edits
from curate.deciding.relabelling import last_answer, looks_like, mark
from curate.deciding.review import record
from curate.errors import ConfigError, NotFoundError
from curate.workspace.differences import settling
from tui.desk.desk import Desk
from tui.screens.choosing import Choose
from tui.screens.editing import draft_at
from tui.terminal.display_text import name_text

if TYPE_CHECKING:
    from tui.app import Seatrial


class Labels(NamedTuple):
    """The labels of a version, the likeliest for one finding first; and what its row is labelled by now."""

    names: list[str]
    now: str | None


def labels_for(desk: Desk, place: int) -> Labels:
    """The labels that a finding's row may get: what it looks like, the other side's, then the most frequent."""
    finding = desk.finding(place)
    witness = looks_like(finding["evidence"])
    rows = desk.examples.get([finding["example_id"], witness, finding["other_id"]])
    if finding["example_id"] not in rows:
        raise NotFoundError("the row is not in this version any more")
    counts = desk.examples.rows.select(pl.col("label").drop_nulls()).collect()["label"].value_counts()
    frequent = counts.sort(["count", "label"], descending=[True, False])["label"].to_list()
    first = [rows[i]["label"] for i in (witness, finding["other_id"]) if i in rows and rows[i]["label"]]
    now = draft_at(desk, finding["example_id"], (None, "label")).text
    return Labels([name for name in dict.fromkeys([*first, *frequent]) if name != now], now or None)


def relabel(desk: Desk, place: int, label: str) -> bool:
    """Decide that a row has another label, as an edit: one act, on the disk on return.

    Where an answer of the row is its label, word for word, the finding's edit is of that answer as it is when
    one edits by hand, and the row's label is edited beside it, by a finding of one's own. Returns whether
    the old label still stands within the last answer, which was left as it is. Raises ConfigError for no
    label, for the label that it has, and where edits were made apart.
    """
    finding = desk.finding(place)
    name = finding["example_id"]
    example = desk.examples.get([name])[name]
    draft = draft_at(desk, name, (None, "label"))
    if not label.strip():
        raise ConfigError("a label has a letter at least", hint="1 keep · 2 drop")
    if label == draft.text:
        raise ConfigError("the row is labelled so already", hint="1 keeps it as it is")
    of_label = Edit(name, None, "label", label, draft.over)
    index, answer = last_answer(example)
    told = draft_at(desk, name, (index, "content")) if index is not None else None
    if index is None or told is None or told.text.strip() != draft.text or not draft.text:
        desk.begun[place] = draft.over
        desk.edit(place, of_label)
        return bool(draft.text) and draft.text in answer
    added = byhand.add(
        desk.workspace, desk.dataset, pl.DataFrame([mark(finding["finding_id"], name)])
    ).findings
    said = [(finding, Edit(name, index, "content", label, told.over)), (added.row(0, named=True), of_label)]
    decisions = settling(decide_edits(desk.workspace, said, by=desk.reviewer, note=""), desk.seen)
    record(desk.workspace, decisions)
    desk.take_in(added)
    desk.remember(decision.finding_id for decision in decisions)
    return False


async def choose_label(app: Seatrial, desk: Desk, place: int, then: Callable[[], None]) -> None:
    """Ask for another label and decide it, then go on; where the answer still says the old one, say so."""

    def chosen(label: str | None) -> None:
        if label is not None:
            if relabel(desk, place, label):
                app.say("the answer still says the old label; E edits it", "warning")
            then()

    names, now = labels_for(desk, place)
    hint = f"labelled {name_text(now or '(none)')}"
    await app.push_screen(Choose("label", names, hint, now=now, free=True), chosen)
