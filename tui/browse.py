"""`seatrial rows`: look through the rows of a version, on the screens or printed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from curate.answer import Answer
from curate.errors import ConfigError

WIDTH = 90  # cells of a row's text, printed


def rows(
    dataset: Annotated[str | None, typer.Argument(help="name or digest; the one named last")] = None,
    where: Annotated[str, typer.Option(help='expression over columns: label == "oak" and chars > 400')] = "",
    words: Annotated[str, typer.Option(help="words that the row must all hold")] = "",
    order: Annotated[str, typer.Option(help="chars, -chars (longest first), label or group")] = "",
    limit: Annotated[int, typer.Option(min=0, help="print so many rows; 0 opens the screens")] = 0,
) -> Answer:
    """Look through the rows of a dataset version: all of them, or those like an expression."""
    from curate.workspace import Workspace
    from tui.rowfile import Choice, Pages, RowFile

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    choice = Choice(where.strip(), words.strip(), order.strip())
    if limit:
        file = RowFile(workspace, digest)
        ids = file.choose(choice)
        pages = Pages(file, ids, choice)
        return _printed(pages, limit)
    if not (sys.stdin.isatty() and sys.__stdout__ is not None and sys.__stdout__.isatty()):
        raise ConfigError("the screens need a terminal; this is none", hint="--limit 20 prints rows")
    from tui.app import Seatrial
    from tui.rowfile import condition
    from tui.screens.rows_view import RowsScreen

    condition(choice)  # a filter that cannot be read is told in the shell
    name = workspace.name_of(digest) or digest[:12]
    app = Seatrial(workspace)
    app.first = lambda: RowsScreen(lambda: RowFile(workspace, digest), name, choice, alone=True)
    app.run(mouse=True)
    workspace.close()
    return Answer([], {})


def _printed(pages: object, limit: int) -> Answer:
    raise ConfigError("x")
