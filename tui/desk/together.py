"""Which findings of a desk one key decides at once, and the act itself."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from curate.deciding.together import Together, of_the_same, together
from curate.errors import ConfigError
from curate.workspace.differences import said_on
from tui.desk.desk import Desk
from tui.reading.card_text import text_at


class Many(NamedTuple):
    """Findings to decide on at once, and what chose them."""

    of: str  # in words
    found: Together
    rows: int  # different rows of data among the open ones


def blocks(desk: Desk) -> bool:
    """Whether something open stops `split` and `export`."""
    return bool((desk.waits & ~desk.decided & desk.rows["blocking"].to_numpy()).any())


def shown(desk: Desk) -> Many:
    """Those that the list shows."""
    fit = " that fit" if desk.filter or desk.search else ""
    return _many(f"findings{fit}", desk.current()[desk.ids.tolist()])


def of_its_value(desk: Desk, place: int) -> Many:
    """Those of one finding's kind at whose place the same text stands; it reads the texts: do it in a thread."""
    finding = desk.finding(place)
    example = desk.examples.get([finding["example_id"]]).get(finding["example_id"])
    start, end = finding["start"], finding["end"]
    text = text_at(example, (finding["message"], finding["field"] or "content")) if example else None
    value = (text or "")[start:end] if start is not None else ""
    if not value.strip():
        raise ConfigError("this finding marks no text", hint="B in the list decides on all that it shows")
    same = of_the_same(desk.workspace, desk.dataset, desk.current(), finding["finding_id"], value)
    kind = f"{finding['check']}/{finding['label']}" if finding["label"] else finding["check"]
    return _many(f"findings {kind} of the text «{value}»", same)


def _many(of: str, rows: pl.DataFrame) -> Many:
    found = together(rows)
    return Many(of, found, found.open["example_id"].n_unique())


def decide_all(desk: Desk, found: pl.DataFrame, action: str | None) -> int:
    """Decide on them in one act: `action`, or each one's own proposal where it is None; how many.

    On return all are in the ledger's file; a process that is killed before has decided none. What somebody
    has said of them since they were counted, in another window too, stands, and the desk shows it.
    """
    said = said_on(desk.workspace.ledger, found["finding_id"].to_list())
    since = said.words.keys() | said.differ.keys()
    places = [p for name in found["finding_id"] if name not in since and (p := desk.where(name)) is not None]
    if places:
        desk.decide(places, action)
    desk.remember(since)
    return len(places)
