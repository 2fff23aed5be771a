"""What the label screen asks for in words: an answer by its name, a note; and which task to begin with."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App

from curate.labelling.tasks import label_set, path_of
from curate.labelling.work import Work
from tui.screens.choosing import Choose
from tui.screens.dialogs import Ask

if TYPE_CHECKING:
    from tui.app import Seatrial


async def choose_by_name(app: App[Any], names: Sequence[str], then: Callable[[str], None]) -> None:
    """Ask for one of the answers by its name."""

    def chosen(name: str | None) -> None:
        if name is not None:
            then(name)

    await app.push_screen(Choose("answer", names, "which answer", digits=False), chosen)


async def ask_note(app: App[Any], before: str, then: Callable[[str], None]) -> None:
    """Ask for a note."""

    def noted(text: str | None) -> None:
        if text is not None:
            then(text)

    await app.push_screen(Ask("note", before, "enter keeps the note"), noted)


async def open_labelling(app: Seatrial, dataset: str, name: str) -> None:
    """Ask which task, where there are several, and open its screen on a version."""
    from tui.screens.label import LabelScreen

    workspace, who = app.here, app.reviewer
    if not path_of(workspace).exists():
        words = shlex.join(["label", "init", name, "--task", "label"])
        await app.ask_command(
            words, "no label set yet: this writes one with the version's labels; then L again"
        )
        return
    tasks = label_set(workspace)

    def opened(answer: str | None) -> None:
        if answer is not None:
            task = tasks[answer]
            app.push_screen(LabelScreen(lambda: Work(workspace, dataset, name, task, who), name))

    if len(tasks) == 1:
        opened(next(iter(tasks)))
    else:
        await app.push_screen(Choose("task", list(tasks), "which task"), opened)
