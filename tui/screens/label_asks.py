"""What the label screen asks for in words: an answer by its name, a note; and which task to begin with."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App

from curate.errors import ConfigError
from curate.labelling.tasks import label_set, path_of, task_of
from curate.labelling.work import Work
from tui.screens.dialogs import Ask

if TYPE_CHECKING:
    from tui.app import Seatrial


def called(names: Sequence[str], text: str) -> list[str]:
    """The names that a text means: the one it is, else those that begin with it, else those that hold it."""
    asked = text.strip().lower()
    exact = [name for name in names if name.lower() == asked]
    begun = [name for name in names if name.lower().startswith(asked)]
    return exact or begun or [name for name in names if asked in name.lower()]


async def choose_by_name(app: App[Any], names: Sequence[str], then: Callable[[str], None]) -> None:
    """Ask for one of the names: all of it, its beginning, or a part that no other has."""

    def checked(text: str) -> None:
        fits = called(names, text)
        if len(fits) != 1:
            raise ConfigError(f"{len(fits)} answers are called so", hint=", ".join(fits[:6] or names[:6]))

    def chosen(text: str | None) -> None:
        if text is not None:
            then(called(names, text)[0])

    await app.push_screen(Ask("answer", "", "its name, or a part that no other has", checked), chosen)


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
            task = task_of(tasks, answer.strip())
            app.push_screen(LabelScreen(lambda: Work(workspace, dataset, name, task, who), name))

    def checked(text: str) -> None:
        task_of(tasks, text.strip())

    if len(tasks) == 1:
        opened(next(iter(tasks)))
    else:
        hint = f"which task: {', '.join(tasks)}"
        await app.push_screen(Ask("task", next(iter(tasks)), hint, checked), opened)
