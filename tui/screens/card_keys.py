"""The keys of the card, with their ids; and what is said of an act taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from textual.binding import Binding, BindingType

from tui.desk.history import Turned

KEYS: list[BindingType] = [
    Binding("a", "accept", "Accept", id="card.accept"),
    Binding("x", "reject", "Reject", id="card.reject"),
    Binding("space", "skip", "Skip", id="card.skip"),
    Binding("u", "undo", "Undo", id="card.undo"),
    Binding("e", "edit", "Edit", id="card.edit"),
    Binding("U", "redo", "Redo", show=False, id="card.redo"),
    Binding("1", "decide('keep')", "Keep this row", show=False, id="card.keep"),
    Binding("2", "decide('drop')", "Drop this row", show=False, id="card.drop"),
    Binding("3", "decide('redact')", "Redact the span", show=False, id="card.redact"),
    Binding("4", "drop_other", "Drop the other row", show=False, id="card.drop-other"),
    Binding("b", "cluster", "Accept for the whole cluster, or all labels spelt so", show=False, id="card.cluster"),
    Binding("B", "everywhere", "Decide on this text everywhere", show=False, id="card.everywhere"),
    Binding("m", "turn", "Edit another turn", show=False, id="card.turn"),
    Binding("E", "editor", "Edit in $EDITOR", show=False, id="card.editor"),
    Binding("n", "note", "Note", show=False, id="card.note"),
    Binding("f", "flag", "Flag", show=False, id="card.flag"),
    Binding("d", "stack", "Side by side or above; before and after", show=False, id="card.diff"),
    Binding("left_square_bracket", "step(-1)", "Previous finding", show=False, id="card.previous"),
    Binding("right_square_bracket", "step(1)", "Next finding", show=False, id="card.next"),
    Binding("tab", "sibling(1)", "Next span or member here", show=False, id="card.sibling"),
    Binding("shift+tab", "sibling(-1)", "Previous span or member", show=False, id="card.sibling-back"),
    Binding("j,down", "scroll(2)", "Scroll down", show=False, id="card.down"),
    Binding("k,up", "scroll(-2)", "Scroll up", show=False, id="card.up"),
    Binding("pagedown", "scroll(10)", "Page down", show=False, id="card.pagedown"),
    Binding("pageup", "scroll(-10)", "Page up", show=False, id="card.pageup"),
    Binding("greater_than_sign,shift+right", "span(0, 1)", "Span: end to the right", show=False, id="card.end-right"),
    Binding("less_than_sign,shift+left", "span(0, -1)", "Span: end to the left", show=False, id="card.end-left"),
    Binding("right_curly_bracket,ctrl+right", "span(1, 0)", "Span: start to the right", show=False, id="card.start-right"),
    Binding("left_curly_bracket,ctrl+left", "span(-1, 0)", "Span: start to the left", show=False, id="card.start-left"),
    Binding("p", "alike", "The same change elsewhere", show=False, id="card.alike"),
    Binding("t", "threshold", "Try other thresholds", show=False, id="card.threshold"),
    Binding("c", "copy", "Copy the text", show=False, id="card.copy"),
    Binding("ctrl+s,f2", "save", "Save", id="edit.save"),
    Binding("escape", "leave", "Leave the text", id="edit.leave"),
    Binding("q,escape", "back", "Back", show=False, id="card.back"),
]  # fmt: skip


def turned_says(
    turned: Turned | None, places: Sequence[int], *, word: str, nothing: str
) -> Iterator[tuple[str, Literal["information", "warning"]]]:
    """What there is to say, and how gravely, where an act was taken back or done again."""
    if turned is None:
        yield nothing, "information"
        return
    if turned.held_by_others:
        yield f"another's word stands on {turned.held_by_others} of these findings", "warning"
    if turned.written and not places:
        yield f"{len(turned.written)} {word}, on another version of the data", "information"
