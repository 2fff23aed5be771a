"""Which text a finding lets one edit, and the hand-over to $EDITOR."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from textual.app import App, SuspendNotSupported

from curate.changing import rewriting
from curate.deciding.notes import noted
from curate.deciding.pending import Draft, Pending
from curate.deciding.review import as_decided_on
from curate.errors import ConfigError, NotFoundError
from tui.desk.desk import Desk, Finding
from tui.desk.examples import Example
from tui.reading.card_text import text_at, with_proposal
from tui.terminal.display_text import display_text
from tui.terminal.ending import interrupts_elsewhere

Place = tuple[int | None, str]


class Edited(NamedTuple):
    """A text that is edited: its place, and what it said when it was given out."""

    place: Place
    before: str
    over: tuple[str, ...] | None = None  # on top of which edits, where it is another text than the finding's


def place_to_edit(desk: Desk, place: int) -> tuple[Place, str]:
    """((message index, field), text as it is now decided to be) that a finding lets one edit.

    Where the finding names no place, it is the last answer, else the last message. The text has all that
    was edited in it, on whichever finding and by whom, and what this finding proposes while it is open;
    what `Desk.edit` is given next is made on top of it. Raises ConfigError where edits of it were made apart.
    """
    finding = desk.finding(place)
    example = desk.examples.get([finding["example_id"]]).get(finding["example_id"])
    if example is None:
        raise NotFoundError("the row is not in this version any more")
    there = _place(desk, finding, example)
    draft = draft_at(desk, finding["example_id"], there)
    desk.begun[place] = draft.over
    if finding["decided"] is None and there == (finding["message"], finding["field"]):
        return there, with_proposal(finding, text_at(example, there) or "", draft.text)
    return there, draft.text


def draft_at(desk: Desk, example_id: str, there: Place) -> Draft:
    """What a text of a row is decided to say by now. Raises ConfigError where edits of it were made apart."""
    example = desk.examples.get([example_id])[example_id]
    table = as_decided_on(desk.workspace, desk.dataset, [example_id])
    original = text_at(example, there) or ""
    draft = Pending.of(desk.workspace, table).draft(rewriting.Place(example_id, *there), original)
    if draft is None:
        raise ConfigError(
            "two edits of this text were made apart: neither has what the other changed",
            hint="x on one of the two findings leaves its edit out; then e goes on from the other",
        )
    return draft


def _place(desk: Desk, finding: Finding, example: Example) -> Place:
    said = desk.edited(finding)
    if said is not None:
        return said.message, said.field
    if finding["field"]:
        return finding["message"], finding["field"]
    messages = example["messages"] or []
    answers = [
        i for i, message in enumerate(messages) if message["role"] == "assistant" and message["content"]
    ]
    index = answers[-1] if answers else len(messages) - 1
    if index < 0:
        raise ConfigError("this row has no text to edit", hint="1 keep · 2 drop")
    return index, "content"


def own_note(desk: Desk, place: int) -> str:
    """The reviewer's own note on a finding, or what they said with their decision on it."""
    finding = desk.finding(place)
    notes = noted(desk.workspace.ledger, [finding["example_id"]]).get(finding["finding_id"], {})
    with_it = finding["note"] if finding["reviewer"] == desk.reviewer and not notes else ""
    return notes.get(desk.reviewer, with_it)


def moved(desk: Desk, place: int, span: tuple[int, int] | None, start: int, end: int) -> tuple[int, int]:
    """A span with its ends moved by so many characters, within its text and never empty.

    `span` is where its ends are by now; None where the finding says. Raises ConfigError for no span.
    """
    finding = desk.finding(place)
    example = desk.examples.get([finding["example_id"]]).get(finding["example_id"])
    if finding["shape"] != "span" or finding["start"] is None or example is None:
        raise ConfigError("this finding marks no span", hint="e edits the text")
    text = text_at(example, (finding["message"], finding["field"] or "content")) or ""
    first, last = span or (finding["start"], finding["end"])
    first = max(0, min(first + start, last - 1))
    return first, min(max(last + end, first + 1), len(text))


def harmless_to_edit(text: str) -> bool:
    """Whether a text can be edited in place without a character that acts or hides."""
    spaces = text.replace("\t", " ").replace("\r\n", "\n")
    return display_text(spaces) == spaces


def _handed_over(app: App[Any], command: list[str]) -> int | OSError:
    """How the editor ended, or why it did not begin."""
    with interrupts_elsewhere(app):
        try:
            return subprocess.call(command)
        except (
            OSError
        ) as error:  # raised through the hand-over it would leave the screens without their terminal
            return error


def in_editor(app: App[Any], text: str) -> str:
    """The text as $VISUAL or $EDITOR leaves it. Raises ConfigError where the editor failed.

    The file is in a folder that only this user can read, and is gone afterwards.
    """
    asked = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        command = shlex.split(asked) or ["vi"]
    except ValueError as error:
        raise ConfigError(
            f"EDITOR cannot be read: {asked}: {error}", hint="set EDITOR to your editor"
        ) from error
    with tempfile.TemporaryDirectory(prefix="seatrial-") as folder:
        path = Path(folder) / "text.txt"
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
        try:
            with app.suspend():
                ended = _handed_over(app, [*command, str(path)])
        except SuspendNotSupported as error:
            raise ConfigError("there is no terminal to hand over here", hint="e edits in place") from error
        if isinstance(ended, OSError):
            raise ConfigError(f"{command[0]}: {ended.strerror}", hint="set EDITOR to your editor") from ended
        if ended != 0:
            how = f"was ended by signal {-ended}" if ended < 0 else f"ended with exit code {ended}"
            raise ConfigError(f"{command[0]} {how}; the text stays as it was", hint="E opens it again")
        changed = path.read_bytes().decode("utf-8", "replace")
    # editors end a file with a line feed; the text had none
    return changed if text.endswith("\n") else changed.removesuffix("\n")
