"""A ledger that may be read and not written, while its owner goes on in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from curate.workspace.ledger import Ledger


def written(ledger: Ledger, *names: str) -> None:
    ledger.write(
        "insert into run values (?, 'scan', '{}', 'c', 'seatrial', '2026-01-01')", [(n,) for n in names]
    )


@pytest.mark.parametrize("open_meanwhile", [True, False])
def test_what_the_owner_writes_later_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, open_meanwhile: bool
) -> None:
    """Also where all was taken over into the file before, and where nobody had it open."""
    owner, may = Ledger(tmp_path / "ledger.db"), os.access
    written(owner, "a", "b")
    owner.rows("pragma wal_checkpoint(truncate)")
    if not open_meanwhile:
        owner.close()
    with monkeypatch.context() as here:
        here.setattr("curate.workspace.readonly.os.access", lambda at, how: how != os.W_OK and may(at, how))
        reader = Ledger(tmp_path / "ledger.db")
    assert len(reader.rows("select * from run")) == 2
    if not open_meanwhile:
        owner = Ledger(tmp_path / "ledger.db")
    written(owner, "c")
    assert len(reader.rows("select * from run")) == 3
    owner.rows("pragma wal_checkpoint(truncate)")
    written(owner, "d")
    assert [row["run_id"] for row in reader.rows("select run_id from run order by 1")] == ["a", "b", "c", "d"]
    owner.close()
    assert len(reader.rows("select * from run")) == 4
