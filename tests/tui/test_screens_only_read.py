"""A workspace in a folder that one may read and not write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from curate.errors import ResourceError
from curate.workspace import Workspace
from tests.tui.conftest import build
from tests.tui.test_screens_deciding import decided
from tests.tui.walking import settle, to_card
from tui.widgets.lines import Heading
from tui.workbench import workbench


@pytest.fixture
def sealed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose folder nobody may write in; root may, and is told that it may not."""
    build(home).close()
    may = os.access
    monkeypatch.setattr(
        "curate.workspace.readonly.os.access", lambda path, mode: mode != os.W_OK and may(path, mode)
    )
    home.chmod(0o555)
    (home / "ledger.db").chmod(0o444)
    return home


async def test_it_opens_to_be_looked_at(sealed: Path) -> None:
    """All is shown; a decision, a flag and many at once are refused in words, and no byte is written."""
    before = {path: path.read_bytes() for path in sealed.rglob("*") if path.is_file()}
    workspace = Workspace(sealed)
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert any("can only be read" in note.message for note in app._notifications)
        assert "only to be read" in app.screen.query_one(Heading).count
        await to_card(pilot, 'check == "pii"')
        for keys in (["a"], ["f"], ["q", "B", "a"]):
            app.clear_notifications()
            await pilot.press(*keys)
            await settle(pilot)
            assert ["nothing was kept" in note.message for note in app._notifications] == [True]
    assert not decided(workspace)
    workspace.close()
    assert {path: path.read_bytes() for path in sealed.rglob("*") if path.is_file()} == before


def test_words_that_cannot_be_read_from_here(sealed: Path) -> None:
    """What SQLite has not taken over yet is not passed over in silence."""
    (sealed / "ledger.db-wal").write_bytes(b"something")
    with pytest.raises(ResourceError, match="newest words") as failed:
        Workspace(sealed)
    assert "copy the whole folder" in str(failed.value.hint)
