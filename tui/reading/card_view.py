"""From a finding to what its card shows, by its shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from textual.content import Content

from curate.changing.apply import Edit
from curate.deciding.relabelling import looks_like, of_label
from tui.desk.desk import Desk, Finding
from tui.desk.examples import Example
from tui.reading.card_text import (
    CHANGED,
    OTHER_SPAN,
    SPAN,
    Mark,
    Marks,
    compared,
    conversation,
    differences,
    evidence,
    first_words,
    marked,
    origin,
    proposed_edit,
    text_at,
    told_edit,
    with_proposal,
)
from tui.terminal.display_text import display_text, fit, name_text, plain

MEMBERS = 7  # members of a cluster listed at once

DOES = {
    "keep": "keep the row as it is",
    "drop": "drop the row",
    "redact": "redact the span",
    "edit": "edit the text",
    "review": "your choice",
}


class Card(NamedTuple):
    """The parts of a card; `right` and `members` are None where the shape has none."""

    facts: Content
    left: Content
    right: Content | None
    members: Content | None
    example: Example | None


def card(desk: Desk, place: int, finding: Finding, *, narrow: bool = False, after: bool = False) -> Card:
    """What to show of a finding; `narrow` leaves out what matters least.

    `after` shows the text before and after the edit that the finding proposes, where it does and is open.
    """
    witness = looks_like(finding["evidence"])
    examples = desk.examples.get([finding["example_id"], finding["other_id"], witness])
    example = examples.get(finding["example_id"])
    other = examples.get(finding["other_id"] or "")
    top = facts(finding, narrow=narrow, does=told_edit(finding, example))
    if example is not None and witness in examples:
        top = Content.assemble(top, "\n", _labels(example, examples[str(witness)]))
    if example is None:
        gone = Content.styled("The row is not in this version any more.", "dim italic")
        return Card(top, gone, None, None, None)
    edit = desk.edited(finding)
    if edit is not None:
        return Card(top, *_before_after(examples.get(edit.example_id, example), edit), None, example)
    if after and finding["decided"] is None and proposed_edit(finding) is not None:
        where = (finding["message"], finding["field"] or "content")
        old = text_at(example, where) or ""
        new = Edit(finding["example_id"], *where, with_proposal(finding, old, old))
        return Card(top, *_before_after(example, new), None, example)
    if finding["shape"] == "span":
        return Card(top, _spans(desk, place, example, finding), None, None, example)
    if finding["shape"] == "example":
        return Card(top, _side("", example, _own_marks(finding)), None, None, example)
    members = _members(desk, place, finding, narrow) if finding["shape"] == "cluster" else None
    if other is None:
        title = "keeper" if finding["shape"] == "cluster" else "this row"
        return Card(top, _side(title, example, {}), None, members, example)
    left, right = compared(example, other)
    names = ("this row", "keeper" if finding["shape"] == "cluster" else "other row")
    return Card(top, _side(names[0], example, left), _side(names[1], other, right), members, example)


def _labels(example: Example, witness: Example) -> Content:
    """What the row is labelled, what its text looks like, and the nearest row that is labelled so."""
    return Content.assemble(
        "labelled ", plain(name_text(example["label"] or "(none)"), "bold"),
        ", looks like ", plain(name_text(witness["label"] or "(none)"), "bold $accent"),
        plain(f"  as {first_words(witness)}", "dim", lines=False),
    )  # fmt: skip


def facts(finding: Finding, *, narrow: bool = False, does: str = "") -> Content:
    """What was found, how sure, what is proposed, and why; `does` is the proposed edit in words."""
    action = str(finding["action"])
    proposal = display_text(does, lines=False) or (action if narrow else DOES.get(action, action))
    head = Content.assemble(
        (display_text(finding["check"], lines=False), "bold"),
        plain(f" {finding['label'] or ''}", "bold $accent", lines=False),
        "" if narrow else (f"  {finding['shape']}  score {finding['score']:.2f}", "dim"),
        ("  ■" if narrow else "  ■ blocking", "bold $error") if finding["blocking"] else "",
        ("  → ", "dim"),
        (proposal, "bold"),
    )
    why = evidence(finding["evidence"], finding["label"])
    return Content.assemble(head, "\n", why) if why.plain else head


def anchor(text: Content) -> int | None:
    """The character at which the eye should land: the marked span, else the first difference."""
    for style in (SPAN, CHANGED):
        starts = [span.start for span in text.spans if span.style == style]
        if starts:
            return min(starts)
    return None


def word(finding: Finding, *, flagged: bool, narrow: bool = False, recent: Sequence[str] = ()) -> Content:
    """The last word on a finding, or what the keys would make it; then what was said of others before.

    `narrow` says it in fewer letters.
    """
    line = _word(finding, flagged=flagged, narrow=narrow)
    return Content.assemble(line, ("   before: " + " ".join(recent), "dim")) if recent else line


def _word(finding: Finding, *, flagged: bool, narrow: bool) -> Content:
    flag = ("⚑ " if narrow else "⚑ flagged  ", "bold $warning") if flagged else ""
    note = plain(f"  note: {finding['note']}", "italic", lines=False) if finding["note"] else ""
    decided: str | None = finding["decided"]
    if finding["differ"]:
        people = plain(finding["people"], "bold", lines=False)
        return Content.assemble(
            flag, ("≠ people differ  ", "$warning"), people, ("  your word settles it", "dim"), note
        )
    if decided:
        other = " (the other row)" if finding["target"] not in (None, finding["example_id"]) else ""
        by = plain(f" by {finding['reviewer']}", "dim", lines=False)
        return Content.assemble(flag, ("✓ ", "$success"), (decided + other, "bold"), by, note)
    proposal = finding["action"]
    if proposal in ("keep", "drop", "redact"):
        keep = " · x keep" if proposal != "keep" else ""
        everywhere = " · B this text everywhere" if finding["start"] is not None and not narrow else ""
        does = Content.assemble("a ", (proposal, "bold"), keep + everywhere)
    elif proposed_edit(finding) is not None:
        wide = (
            "b all spelt so · d before and after"
            if finding["field"] == "label"
            else "d before and after · e edit"
        )
        does = Content("a edit x keep d after" if narrow else f"a edit · x keep · {wide}")
    else:
        does = Content((" " if narrow else " · ").join(choices(finding)))
    return Content.assemble(flag, ("○ " if narrow else "○ open  ", "$warning"), does, note)


def counted(desk: Desk, position: int, *, narrow: bool) -> str:
    """Where one stands among the findings shown."""
    if narrow:
        return f"{position + 1:,}/{len(desk.ids):,} of {desk.total:,}"
    at = f"{position + 1:,} of {len(desk.ids):,} shown"
    return f"{at}, {desk.total:,} in all" if len(desk.ids) < desk.total else at


def left_to_people(desk: Desk, places: list[int]) -> bool:
    """Whether of some findings the check leaves one to a person, so that nobody can accept them all."""
    return bool((desk.rows[places]["action"] == "review").any())


def choices(finding: Finding) -> list[str]:
    """The keys that decide where the check leaves it to a person, and what each does."""
    return [
        "1 keep",
        "2 drop",
        *(["3 redact"] if finding["field"] else []),
        *(["4 drop other"] if finding["other_id"] else []),
        "e label" if of_label(finding) else "e edit",
    ]


def _side(title: str, example: Example, marks: Marks) -> Content:
    head = Content.assemble((f"{title}\n" if title else "", "bold"), (origin(example), "dim"))
    return Content.assemble(head, "\n\n", conversation(example, marks))


def _own_marks(finding: Finding) -> Marks:
    if finding["start"] is None or finding["end"] is None:
        return {}
    mark = Mark(finding["start"], finding["end"], SPAN, "»", "«")
    return {(finding["message"], finding["field"] or "content"): [mark]}


def _spans(desk: Desk, place: int, example: Example, current_finding: Finding) -> Content:
    """The example with this span marked, as `current_finding` has it, and the row's other spans underlined."""
    places = desk.spans(desk.finding(place))
    marks: Marks = {}
    for number in places:
        here = number == place
        found = current_finding if here else desk.finding(number)
        where = (found["message"], found["field"] or "content")
        mark = Mark(found["start"], found["end"], SPAN if here else OTHER_SPAN, *("»«" if here else ("", "")))
        # this one first: where marks overlap it is the one that is drawn
        marks.setdefault(where, []).insert(0 if here else len(marks[where]) if where in marks else 0, mark)
    current = _own_marks(current_finding)
    for where, own in current.items():
        marks[where] = own + [
            m for m in marks.get(where, []) if m.end <= own[0].start or m.start >= own[0].end
        ]
    count = f"span {places.index(place) + 1} of {len(places)} in this row" if len(places) > 1 else ""
    if not count:
        return _side("", example, marks)
    return Content.assemble(
        (count, "bold"), ("  tab goes to the next", "dim"), "\n", _side("", example, marks)
    )


def _before_after(example: Example, edit: Edit) -> tuple[Content, Content]:
    """What the text said and what it is to say."""
    old = text_at(example, (edit.message, edit.field)) or ""
    left, right = differences(old, edit.text)
    titles = (("before", "bold"), ("after", "bold $success"))
    return (
        Content.assemble(titles[0], "\n\n", marked(old, left)),
        Content.assemble(titles[1], "\n\n", marked(edit.text, right)),
    )


def _members(desk: Desk, place: int, finding: Finding, narrow: bool) -> Content:
    """The rows of a cluster, the keeper first; the current one has the arrow."""
    places = desk.cluster(finding)
    at = places.index(place)
    first = max(0, min(at - MEMBERS // 2, len(places) - MEMBERS))
    shown = places[first : first + MEMBERS]
    findings = [desk.finding(number) for number in shown]
    examples = desk.examples.get([found["example_id"] for found in findings])
    keys = (
        "tab next"
        if left_to_people(desk, places)
        else "tab next · b all"
        if narrow
        else "tab next · b accepts for all"
    )
    if not narrow:
        keys = f"{len(shown)} of {len(places)} shown · {keys}"
    lines = [Content.assemble((f"a cluster of {len(places)} rows", "bold"), (f"  {keys}", "dim"))]
    lines += [
        _member(found, examples.get(found["example_id"]), current=number == place, narrow=narrow)
        for number, found in zip(shown, findings, strict=True)
    ]
    return Content("\n").join(lines)


def _member(found: dict[str, Any], example: Example | None, *, current: bool, narrow: bool) -> Content:
    keeper = found["other_id"] is None
    decided: str | None = found["decided"]
    sign = "✓" if decided else "○" if not keeper else "★"
    does = decided or ("keeper" if keeper else found["action"])
    said = first_words(example, 60) if example else "(gone)"
    where = f"{example['source']}:{example['source_row']}" if example else ""
    return Content.assemble(
        ("▸ " if current else "  ", "bold $primary"),
        (f"{sign} {does:<7}", "bold" if current else ""),
        " " if narrow else (f"{found['score']:>5.2f}  {fit(where, 18)}  ", "dim"),
        (said, "bold" if current else ""),
    )
