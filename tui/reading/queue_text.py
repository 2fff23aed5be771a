"""What the queue's list says of a finding's row: the place found, in its surroundings, on one line."""

from __future__ import annotations

from collections.abc import Mapping

from curate.deciding.relabelling import looks_like
from curate.scanning.excerpts import CLOSES, OPENS
from tui.desk.desk import Finding
from tui.desk.examples import Example
from tui.reading.card_text import first_words, text_at
from tui.terminal.display_text import excerpt, name_text

BEFORE = 12  # characters before the place: a list has few cells for a text
MOST = 60  # characters of the place itself
AFTER = 120


def kind_of(finding: Finding) -> str:
    """The check and its label as one word; the label only where it says more than the check's own name."""
    check, label = str(finding["check"]), finding["label"]
    if not label or set(label.split("-")) <= set(check.split("-")):
        return check
    return f"{check}/{label}"


def row_words(finding: Finding, examples: Mapping[str, Example]) -> str:
    """The text from shortly before the place found; `label → other label` first where the label is doubted."""
    example = examples.get(finding["example_id"])
    if example is None:
        return "(the row is gone)"
    witness = examples.get(looks_like(finding["evidence"]) or "")
    words = _around(finding, example) or first_words(example)
    if witness is None:
        return words
    had, looks = (name_text(each["label"] or "(none)")[:40] for each in (example, witness))
    return f"{had} → {looks}  {words}"


def _around(finding: Finding, example: Example) -> str:
    """The place in marks with what stands around it; empty where the finding names none, or it is not there."""
    start, end = finding["start"], finding["end"]
    if start is None or end is None or not finding["field"]:
        return ""
    text = text_at(example, (finding["message"], finding["field"]))
    if not text or not text[start:end]:
        return ""
    begin = max(0, start - BEFORE)
    if begin:
        space = text.find(" ", begin, start)  # a word is not cut where one ends before the place
        begin = space + 1 if space >= 0 else begin
    found = text[start : min(end, start + MOST)] + ("…" if end - start > MOST else "")
    parts = ("…" if begin else "", text[begin:start], OPENS, found, CLOSES, text[end : end + AFTER])
    return excerpt("".join(parts), BEFORE + MOST + AFTER)
