"""Make the pictures of the README and of docs/screens.md: `python -P docs/pictures/make.py [DEMO]`.

The screens are opened on what `seatrial demo` leaves, and keys are pressed as a person would. DEMO is the
folder of a demo that was run before; without it one is run, which takes about 4 minutes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
SIZE = (100, 28)
LABELS = """[tasks.queue]
instructions = "Which queue answers this ticket?"
show = "prompt"
suggest = "none"
retrain = 0
options = [%s]

[tasks.urgency]
kind = "scale"
column = "meta:urgency"
low = 1
high = 5
instructions = "How urgent is it, from 1 (any day) to 5 (now)?"
"""


class Picture(NamedTuple):
    """A file's name, the keys that lead to the screen from the versions, and its size in cells.

    Where there is a list of runs a command stands for the key that goes to it.
    """

    name: str
    keys: tuple[str, ...]
    size: tuple[int, int] = SIZE


def typed(text: str) -> tuple[str, ...]:
    """The keys that write a text."""
    names = {
        " ": "space",
        '"': "quotation_mark",
        "=": "equals_sign",
        ">": "greater_than_sign",
        ".": "full_stop",
    }
    return tuple(names.get(letter, letter) for letter in text)


def found(expression: str, *then: str) -> tuple[str, ...]:
    """The first card of what a filter chooses, then keys."""
    return ("enter", "colon", *typed(expression), "enter", "enter", *then)


# on a version that was imported and scanned, with nothing decided
RAW = (
    Picture("versions", ()),
    Picture("queue", ("enter", "s", "s", "s", "down", "down", "down")),
    Picture("card", found('label == "EMAIL_ADDRESS"', "a", "a", "x")),
    Picture("card-pair", found('check == "contradiction"')),
    Picture("card-cluster", found('check == "near-duplicate"')),
    Picture("card-small", found('label == "EMAIL_ADDRESS"', "a"), (40, 12)),
    Picture("card-edited", found('check == "near-duplicate"', "e", *typed("Dear Sir, "), "ctrl+s")),
    Picture("rows", ("v", "s", "down", "down")),
    Picture("distributions", ("D",), (100, 44)),
    Picture("threshold", found('check == "near-duplicate"', "t", "down", "down")),
    Picture("label", ("L", "enter", "1", "2", "3")),
    Picture("help", ("enter", "enter", "question_mark")),
)
# on what the demo made of it
MADE = (
    Picture("steps", ("E",)),
    Picture("runs", ("r",), (100, 36)),
    Picture("training", ("r", "seatrial train tickets", "v"), (100, 32)),
    Picture("comparison", ("m",), (100, 36)),
    Picture("rating", ("m", "p")),
)


async def settle(pilot: Any) -> None:  # noqa: ANN401  of any app
    """Until all that was asked for is drawn."""
    for _ in range(4):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()


async def draw(home: Path, pictures: tuple[Picture, ...], prepare: Callable[[Any], Awaitable[None]]) -> None:
    """Open the screens on the workspace for each picture anew, and save what is seen."""
    from curate.workspace import Workspace
    from tui.workbench import workbench

    for picture in pictures:
        with tempfile.TemporaryDirectory() as folder:
            # each picture is of the workspace as it was: what is pressed for one shows in no other
            copy = Path(folder) / "workspace"
            shutil.copytree(home, copy)
            workspace = Workspace(copy)
            app = workbench(workspace)
            async with app.run_test(size=picture.size) as pilot:
                await settle(pilot)
                await prepare(pilot)
                for key in picture.keys:
                    await (onto_run(pilot, key) if " " in key else pilot.press(key))
                    await settle(pilot)
                app.clear_notifications()
                await settle(pilot)
                app.save_screenshot(f"{picture.name}.svg", str(HERE))
            workspace.close()
    sys.stderr.write(f"{len(pictures)} pictures\n")


async def onto(pilot: Any, name: str) -> None:  # noqa: ANN401
    """Put the cursor on a version."""
    from tui.screens.versions import VersionsScreen

    screen = pilot.app.screen
    assert isinstance(screen, VersionsScreen)
    for _ in range(next(n for n, version in enumerate(screen.versions) if version.name == name)):
        await pilot.press("down")
    await settle(pilot)


async def onto_run(pilot: Any, command: str) -> None:  # noqa: ANN401
    """Put the cursor on the newest run of a command."""
    from tui.screens.runs import RunsScreen
    from tui.widgets.rows import Rows

    screen = pilot.app.screen
    assert isinstance(screen, RunsScreen)
    rows = screen.query_one(Rows)
    rows.cursor = next(n for n, run in enumerate(screen.runs) if run.command.startswith(command))


async def welcome() -> None:
    """The first start."""
    from tui.workbench import workbench

    app = workbench(None)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        app.save_screenshot("welcome.svg", str(HERE))


def main() -> None:
    """Run the demo if none was given, import its tickets anew, scan, draw."""
    from tui.cli import main as seatrial
    from tui.demo_data import TICKETS

    with tempfile.TemporaryDirectory() as folder:
        demo = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "demo"
        if len(sys.argv) < 2 and seatrial(["demo", "--to", str(demo)]):
            raise SystemExit("the demo did not end well")
        home = Path(folder) / "workspace"
        shutil.copytree(demo / ".seatrial", home)
        os.environ.update(
            SEATRIAL_HOME=str(home), SEATRIAL_REVIEWER="anna", XDG_CONFIG_HOME=str(Path(folder) / "config")
        )
        os.environ.pop("NO_COLOR", None)
        asyncio.run(welcome())
        asyncio.run(draw(home, MADE, lambda pilot: onto(pilot, "tickets")))
        # by its short name, in a folder of its own: a picture names no folder of this machine
        home = Path(folder) / "fresh" / ".seatrial"
        home.parent.mkdir()
        os.environ["SEATRIAL_HOME"] = str(home)
        os.chdir(home.parent)
        shutil.copy(TICKETS, TICKETS.name)
        words = ["import", TICKETS.name, "--label", "queue", "--group", "customer", "--allow-rejects"]
        for command in (
            [*words, "--as", "support"],
            ["scan", "support", "--set", "structure.max_characters=4000"],
        ):
            sys.argv = ["seatrial", *command]  # what the ledger keeps, and the pictures show
            seatrial(command)
        from curate.workspace import Workspace

        workspace = Workspace.open()
        queues = workspace.examples(workspace.dataset("support"))["label"].drop_nulls().unique().sort()
        workspace.close()
        options = ", ".join(f'"{queue}"' for queue in queues)
        (home / "labels.toml").write_text(LABELS % options, encoding="utf-8")
        asyncio.run(draw(home, RAW, lambda pilot: onto(pilot, "support")))


if __name__ == "__main__":
    main()
