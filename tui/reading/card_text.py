"""What a card says, as content: an example with its marks, two texts with their differences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from textual.content import Content

from curate.deciding.aligned import changed
from tui.terminal.display_text import display_text, displayed, excerpt, name_text

LONGEST = 12_000  # characters of one text shown; the rest is counted
AROUND = 4_000  # of them before the mark, where the text is longer
QUOTED = 40  # characters of what is to be cut that are quoted
REPAIRS = {
    "mojibake": "mend characters read in the wrong encoding",
    "controls": "take out control characters",
    "invisible": "take out invisible characters",
    "json": "unwrap the text from its JSON",
    "escapes": "write escaped letters as characters",
    "entities": "write HTML entities as characters",
    "tags": "take out HTML tags",
    "bbcode": "take out BBCode tags",
    "wiki": "take out wiki markup",
}
# reasons that checks give often, in words: numbers, and what stands before texts
REASONS = {
    "neighbours": "of the {:,} rows most like it",
    "with_this_label": "{:,} have this label",
    "with_the_other": "{:,} the other",
    "probability": "a model gives this label {:.0%}",
    "of_the_other": "the other {:.0%}",
    "opinions_against": "{:,} opinions against it",
}
BEFORE = {"kept": "keeps", "why": "because"}
TOO_LONG = "[too long to compare word by word, so all of it is marked] "

SPAN, OTHER_SPAN, CHANGED = "bold reverse", "underline", "bold underline $warning"


class Mark(NamedTuple):
    """Characters `start` to `end` of a field, how to draw them, and the signs around them."""

    start: int
    end: int
    style: str
    before: str = ""
    after: str = ""


Place = tuple[int | None, str]  # message index or None, field
Marks = dict[Place, list[Mark]]


def marked(text: str, marks: Sequence[Mark]) -> Content:
    """A text made harmless, with its marks; overlapping marks keep the first."""
    ordered: list[Mark] = []
    for mark in sorted(marks, key=lambda m: (m.start, -m.end)):
        if mark.start < mark.end and (not ordered or mark.start >= ordered[-1].end):
            ordered.append(mark)
    first = ordered[0].start if ordered else 0
    begin = max(0, min(first - AROUND, len(text) - LONGEST)) if len(text) > LONGEST else 0
    window = text[begin : begin + LONGEST]
    ordered = [m._replace(start=m.start - begin, end=m.end - begin) for m in ordered]
    ordered = [m for m in ordered if m.start < len(window)]
    shown, places = displayed(window, [edge for m in ordered for edge in (m.start, m.end)])
    parts: list[Content | str | tuple[str, str]] = []
    if begin:
        parts.append((f"… {begin:,} characters before\n", "dim italic"))
    at = 0
    for index, mark in enumerate(ordered):
        start, end = places[2 * index], places[2 * index + 1]
        parts.append(shown[at:start])
        parts.append((f"{mark.before}{shown[start:end]}{mark.after}", mark.style))
        at = end
    parts.append(shown[at:])
    left = len(text) - begin - len(window)
    if left > 0:
        parts.append((f"\n… {left:,} characters more; E opens all of it", "dim italic"))
    return Content.assemble(*parts)


def fields(example: dict[str, Any]) -> list[tuple[Place, str, str]]:
    """((message index, field), title, text) for each text of an example, as one reads them."""
    found: list[tuple[Place, str, str]] = []
    for index, message in enumerate(example["messages"] or ()):
        title = str(message["role"]) + (f" ({message['name']})" if message["name"] else "")
        if message["content"]:
            found.append(((index, "content"), title, message["content"]))
        if message["tool_calls"]:
            found.append(((index, "tool_calls"), f"{title} calls", message["tool_calls"]))
    for name in ("chosen", "rejected"):
        if example[name]:
            found.append(((None, name), name, example[name]))
    return found


def conversation(example: dict[str, Any], marks: Marks) -> Content:
    """All texts of an example, one after the other, each under its title."""
    parts: list[Content] = []
    shown = set()
    for place, title, text in fields(example):
        shown.add(place)
        parts.append(
            Content.assemble(
                (display_text(title, lines=False), "bold $secondary"),
                "\n",
                marked(text, marks.get(place, [])),
            )
        )
    for place, there in marks.items():
        if place not in shown:
            parts.append(_elsewhere(example, place, there))
    if not parts:
        parts.append(Content.styled("this row has no text", "dim italic"))
    return Content("\n\n").join(parts)


def _elsewhere(example: dict[str, Any], place: Place, marks: Sequence[Mark]) -> Content:
    """A marked text outside the conversation: a label, a name, a place within `meta`."""
    text = text_at(example, place) or ""
    title = Content.styled(display_text(place[1], lines=False), "bold $secondary")
    return Content.assemble(title, "\n", marked(text, marks))


def text_at(example: dict[str, Any], place: Place) -> str | None:
    """The text of a field, as `curate.example.strings` names it; None where there is none."""
    index, name = place
    if index is not None:
        messages = example["messages"] or []
        value = messages[index].get(name) if 0 <= index < len(messages) else None
    elif name.startswith("meta:"):
        value = _pointed(example["meta"], name.removeprefix("meta:"))
    else:
        value = example.get(name)
    return value if isinstance(value, str) else None


def _pointed(meta: str | None, pointer: str) -> object:
    from curate.example import pointers

    try:
        return dict(pointers(json.loads(meta or "{}"))).get(pointer)
    except ValueError:
        return None


def differences(left: str, right: str) -> tuple[list[Mark], list[Mark]]:
    """What each text has that the other has not, in words; what is too long for that is one mark, and says so."""
    left_marks: list[Mark] = []
    right_marks: list[Mark] = []
    for run in changed(left, right):
        before = TOO_LONG if run.whole else ""
        if run.start < run.end:
            left_marks.append(Mark(run.start, run.end, CHANGED, before))
        if run.other_start < run.other_end:
            right_marks.append(Mark(run.other_start, run.other_end, CHANGED, before))
    return left_marks, right_marks


def compared(left: dict[str, Any], right: dict[str, Any]) -> tuple[Marks, Marks]:
    """The differences of two examples, field by field."""
    texts = {place: text for place, _, text in fields(right)}
    left_marks: Marks = {}
    right_marks: Marks = {}
    for place, _, text in fields(left):
        here, there = differences(text, texts.get(place, ""))
        left_marks[place], right_marks[place] = here, there
    mine = {place for place, _, _ in fields(left)}
    for place, text in texts.items():
        if place not in mine:
            right_marks[place] = [Mark(0, len(text), CHANGED)]
    return left_marks, right_marks


def origin(example: dict[str, Any]) -> str:
    """Where a row came from and what is known of it, on one line."""
    parts = [f"{example['source']}:{example['source_row']}"]
    parts += [f"{name} {name_text(example[name])}" for name in ("label", "split") if example[name]]
    return display_text(" · ".join(parts), lines=False)


def first_words(example: dict[str, Any], cells: int = 120) -> str:
    """The beginning of what was asked, for a list."""
    from curate.example import answer_text, prompt_text

    messages = example["messages"] or []
    return excerpt(prompt_text(messages) or answer_text(messages), cells)


def evidence(text: str | None, label: str | None = None) -> Content:
    """The check's reasons on one line: in words where they are known, else as `name value` pairs."""
    try:
        values = json.loads(text or "{}")
    except ValueError:
        values = {"evidence": text}
    if not isinstance(values, dict):
        values = {"evidence": values}
    parts: list[Content] = []
    for name, value in values.items():
        # a row's id, places in the text, and the kind once more: the card says them in words
        told = (name == "edit" and isinstance(value, dict)) or (name == "kind" and value == label)
        if name == "looks_like" or told:
            continue
        said = value if isinstance(value, str) else _number(value)
        if name in REASONS and isinstance(value, int | float):
            parts.append(Content(REASONS[name].format(value)))
            continue
        before = excerpt(BEFORE.get(name, str(name)), 40).replace("_", " ")
        parts.append(Content.assemble((before, "dim"), " ", excerpt(said, 90)))
    return Content(" · ").join(parts)


def proposes(finding: dict[str, Any]) -> bool:
    """Whether the check proposes what to do; else it leaves that to a person."""
    return finding["action"] in ("keep", "drop", "redact") or proposed_edit(finding) is not None


def proposed_edit(finding: Mapping[str, Any]) -> dict[str, Any] | None:
    """The change of a text that a check proposes, as its evidence holds it.

    None where it proposes none, or one that cannot be carried out, as another's check may.
    """
    from curate.checks.quality.edits import well_formed

    try:
        said = json.loads(finding["evidence"] or "{}")
    except ValueError:
        return None
    edit = said.get("edit") if isinstance(said, dict) and finding["action"] == "edit" else None
    return edit if well_formed(edit) else None


def with_proposal(finding: Mapping[str, Any], original: str, now: str) -> str:
    """A text as it is by `now`, with what a finding proposes for the original; where it fits no more, as it is."""
    from curate.changing.rewriting import elsewhere
    from curate.checks.quality import combined

    edit = proposed_edit(finding)
    if edit is None:
        return now
    told = {"edit": edit}
    return combined(now, [told if now == original else elsewhere(told, original, now)])


def told_edit(finding: Mapping[str, Any], example: Mapping[str, Any] | None) -> str:
    """In words what a proposed edit does to its row; empty where there is none."""
    edit = proposed_edit(finding)
    if edit is None or example is None:
        return ""
    text = text_at(dict(example), (finding["message"], finding["field"] or "content")) or ""
    parts = [f'"{_short(text[start:end])}"' for start, end in edit.get("cut", ())]
    words = []
    if parts:
        words.append(f"cut {parts[0]}" + (f" and {len(parts) - 1} more" if len(parts) > 1 else ""))
    if "repair" in edit:
        words.append(REPAIRS.get(str(edit["repair"]), f"repair: {_short(str(edit['repair']))}"))
    if "spelling" in edit:
        # quoted, since a blank may be all that is wrong with it
        words.append(f'"{_short(text, trim=False)}" becomes "{_short(with_proposal(finding, text, text))}"')
    if "trim" in edit:
        words.append("take this turn off, with what follows: nothing answers it")
    return ", then ".join(words)


def _short(text: str, *, trim: bool = True) -> str:
    line = " ".join(text.split()) if trim else text
    return line if len(line) <= QUOTED else f"{line[: QUOTED - 1]}…"


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return json.dumps(value, ensure_ascii=False)
