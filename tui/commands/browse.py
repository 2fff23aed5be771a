"""`seatrial rows`: look through the rows of a version, on the screens or printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from curate.answer import Answer
from curate.errors import ConfigError

if TYPE_CHECKING:
    from tui.desk.rowfile import Pages

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
    from tui.desk.rowfile import Choice, Pages, RowFile

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
    from tui.desk.rowfile import condition
    from tui.screens.rows_view import RowsScreen

    condition(choice)  # a filter that cannot be read is told in the shell
    name = workspace.name_of(digest) or digest[:12]
    app = Seatrial(
        workspace, lambda _: RowsScreen(lambda: RowFile(workspace, digest), name, choice, alone=True)
    )
    code = app.run()
    workspace.close()
    return Answer([], {}, code if isinstance(code, int) else (app.return_code or 0))


def _printed(pages: Pages, limit: int) -> Answer:
    """The first rows of a choice, as lines and as data."""
    from tui.reading.card_text import first_words
    from tui.terminal.display_text import fit

    found = []
    for unit in range(-(-min(limit, pages.total) // pages.size)):
        pages.read(unit)
        start = unit * pages.size
        found += pages.rows(start, min(start + pages.size, pages.total, limit)) or []
    numbers = [pages.number(at) + 1 for at in range(len(found))]
    lines = [
        f"{number:>9,}  {fit(row['label'] or '-', 14)}  {row['chars']:>7,}  {fit(first_words(row), WIDTH).rstrip()}"
        for number, row in zip(numbers, found, strict=True)
    ]
    lines.append(f"{len(found):,} of {pages.total:,} shown, {pages.file.height:,} in all")
    data = {
        "rows": [
            {
                "row": number,
                **{name: row[name] for name in ("label", "group", "split", "source", "source_row", "chars")},
                "text": first_words(row, 480),
            }
            for number, row in zip(numbers, found, strict=True)
        ],
        "shown": len(found),
        "like": pages.total,
        "all": pages.file.height,
    }
    return Answer(lines, data)
