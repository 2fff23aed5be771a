"""The keys of the label screen."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from curate.labelling.tasks import KEYS

LABEL_KEYS: list[BindingType] = [
    Binding("a", "accept", "Accept", id="label.accept"),
    Binding("enter", "submit", "Done", id="label.submit"),
    Binding("e", "write", "Write", id="label.write"),
    Binding("space", "skip", "Skip", id="label.skip"),
    Binding("u", "undo", "Undo", id="label.undo"),
    Binding("o", "order", "Order", id="label.order"),
    Binding("slash", "find", "Choose by name", show=False, id="label.find"),
    Binding("U", "redo", "Redo", show=False, id="label.redo"),
    Binding("n", "note", "Note", show=False, id="label.note"),
    Binding("f", "flag", "Flag", show=False, id="label.flag"),
    Binding("g", "gold", "Show or hide the score on gold rows", show=False, id="label.gold"),
    Binding("t", "train", "Train the model now", show=False, id="label.train"),
    Binding("left_square_bracket", "step(-1)", "Previous row", show=False, id="label.previous"),
    Binding("right_square_bracket", "step(1)", "Next row", show=False, id="label.next"),
    Binding("j,down", "scroll(2)", "Scroll down", show=False, id="label.down"),
    Binding("k,up", "scroll(-2)", "Scroll up", show=False, id="label.up"),
    Binding("pagedown", "scroll(10)", "Page down", show=False, id="label.pagedown"),
    Binding("pageup", "scroll(-10)", "Page up", show=False, id="label.pageup"),
    Binding("c", "copy", "Copy the text", show=False, id="label.copy"),
    Binding("ctrl+r", "reread", "Read again", show=False, id="label.reread"),
    Binding("ctrl+s,f2", "save", "Save", id="label.save"),
    Binding("escape", "leave", "Leave the text", id="label.leave"),
    Binding("q,escape", "back", "Back", show=False, id="label.back"),
    # last: the help names what a digit means less well than the card
    *(
        Binding(key, f"choose('{key}')", f"Answer {key}", show=False, id=f"label.choose-{key}")
        for key in KEYS
    ),
]

UNREAD = "the rows could not be read; {label.back} goes back"
ANSWERED = "everything here is answered; {label.back} goes back, {label.undo} takes the last one back"
ALWAYS = ("quit", "command_palette", "help", "stop_job", "focus_next", "back")  # also before rows are there


def alive(action: str, kind: str | None, *, writing: bool) -> bool:
    """Whether a key does something in a task of a kind; None where no rows are there."""
    if action in ALWAYS:
        return action != "back" or not writing
    if action in ("save", "leave"):
        return writing
    if writing or kind is None:
        return action == "reread" and not writing
    if action == "submit":
        return kind in ("several", "text")
    if action in ("choose", "find"):
        return kind != "text"
    return action != "write" or kind == "text"


def resting(kind: str | None, *, suggested: bool) -> frozenset[str]:
    """What is not named at the foot: to accept where nothing is suggested, and what e says of a free text."""
    unnamed = {"submit"} if kind == "text" else set()
    return frozenset(unnamed if suggested else unnamed | {"accept"})
