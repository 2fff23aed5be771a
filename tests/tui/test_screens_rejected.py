"""Rows that an import could not read are told of on the versions screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from curate.runs.steps import Reading, import_files
from curate.workspace import Workspace
from tui.reading.lineage import rejected
from tui.workbench import workbench


@pytest.mark.parametrize("broken", [0, 1, 2])
async def test_rejected_rows_are_told_with_the_first_reason(home: Path, tmp_path: Path, broken: int) -> None:
    good = '{"prompt": "where is it?", "completion": "on its way"}\n'
    (tmp_path / "t.jsonl").write_text(good + "{broken\n" * broken)
    home.mkdir(parents=True)
    workspace = Workspace(home)
    done = import_files(workspace, [str(tmp_path / "t.jsonl")], Reading())
    said = rejected(workspace, done.made.outputs["dataset"])
    assert bool(said) == bool(broken)
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(3):
            await app.workers.wait_for_complete()
            await pilot.pause()
        text = str(app.screen.query_one("#summary", Static).render())
    words = ["rejected", "1 row was rejected; ", "2 rows were rejected; "][broken]
    assert (words in text) == bool(broken)
    assert ("t.jsonl:2: " in text) == bool(broken)
    workspace.close()
