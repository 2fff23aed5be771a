"""`seatrial edits`: what people wrote anew, as preference pairs for DPO."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from curate.answer import Answer, counted


def edits(
    dataset: Annotated[str | None, typer.Argument(help="name or digest; the one named last")] = None,
    to: Annotated[Path | None, typer.Option(help="write the pairs here, as JSON lines")] = None,
    overwrite: Annotated[bool, typer.Option(help="replace a file that exists")] = False,
) -> Answer:
    """Edits of answers as pairs: the text that stood there is rejected, the new one chosen."""
    from curate.deciding.edited_pairs import edited_pairs
    from curate.errors import ConfigError, ResourceError
    from curate.workspace import Workspace

    workspace = Workspace.open()
    found = edited_pairs(workspace, workspace.dataset(dataset))
    data = {"pairs": len(found.rows), "others": found.others, "written": str(to) if to else None}
    lines = [
        f"{counted(len(found.rows), 'pair')} of edited answers; {found.others:,} edits of other texts are no pairs"
    ]
    if to is None:
        return Answer([*lines, "next: --to pairs.jsonl writes them; they are raw texts"], data)
    if to.exists() and not overwrite:
        raise ConfigError(f"{to} is there already", hint="--overwrite replaces it")
    draft = to.with_name(f".{to.name}.draft")
    try:
        draft.write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found.rows),
            encoding="utf-8", errors="surrogatepass",
        )  # fmt: skip
        draft.replace(to)
    except OSError as error:
        raise ResourceError(f"{to}: {error}", hint="free some disk space or choose another folder") from error
    return Answer([*lines, f"written to {to}; seatrial import {to} reads them again"], data)
