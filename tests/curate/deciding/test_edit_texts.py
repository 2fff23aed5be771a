"""Many edits at once: the same artifacts as one by one, and nothing half decided."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from curate.changing.apply import Edit
from curate.deciding.byhand import add, as_table
from curate.deciding.edit_texts import decide_edits, edit_digest, keep_edits
from curate.deciding.review import EDIT_KIND, edits_of, record, review
from curate.errors import ConfigError, ResourceError
from curate.example import frame, with_ids
from curate.runs.history import verify
from curate.workspace import Workspace

EDITS = [Edit(f"e{n}", 0, "content", f"text {n} é\n") for n in range(20)]

# decides on 300 rows in a process of its own, which is killed
WORK = """
import sys
from pathlib import Path
from curate.changing.apply import Edit
from curate.deciding.edit_texts import decide_edits
from curate.deciding.review import record, review
from curate.workspace import Workspace
here = Workspace(Path(sys.argv[1]))
rows = list(review(here, here.dataset()).iter_rows(named=True))
print("ready", flush=True)
said = [(row, Edit(row["example_id"], 0, "content", "new " + row["example_id"])) for row in rows]
record(here, decide_edits(here, said, by="anna"))
print("done", flush=True)
"""


def test_they_are_kept_as_one_by_one(tmp_path: Path) -> None:
    """Digests, bytes and kinds are those of `put_json`; twice is once; the folder of the draft is gone."""
    one, many = Workspace(tmp_path / "one"), Workspace(tmp_path / "many")
    want = [one.put_json(EDIT_KIND, edit.said()) for edit in EDITS]
    assert keep_edits(many, []) == []
    assert keep_edits(many, [*EDITS, EDITS[0]]) == [*want, want[0]] == [*map(edit_digest, EDITS), want[0]]
    assert keep_edits(many, EDITS) == want
    assert sorted(path.name for path in many.store.root.iterdir()) == sorted(want)
    assert [many.json(digest) for digest in want] == [one.json(digest) for digest in want]
    kinds = {row["kind"] for row in many.ledger.rows("select kind from artifact")}
    assert kinds == {EDIT_KIND} and not verify(many).damage


def marked(home: Path, count: int) -> tuple[Workspace, pl.DataFrame]:
    """A workspace with a finding by hand on each row."""
    here = Workspace(home)
    rows = [
        {"messages": [{"role": "user", "content": f"row {n}"}], "source": "rows.jsonl", "source_row": n}
        for n in range(count)
    ]
    dataset = here.put_dataset(with_ids(frame(rows), [json.dumps(row) for row in rows]))
    here.ledger.set_name("rows", dataset)
    ids = here.examples(dataset)["example_id"]
    add(here, dataset, as_table([{"example_id": i, "label": "alike", "action": "edit"} for i in ids]))
    return here, review(here, dataset)


def test_one_that_does_not_fit_decides_nothing(tmp_path: Path) -> None:
    """An edit of another row stops all, before anything is written."""
    here, table = marked(tmp_path, 3)
    rows = list(table.iter_rows(named=True))
    said = [(row, Edit(row["example_id"], 0, "content", "new")) for row in rows]
    with pytest.raises(ConfigError, match="no side of"):
        decide_edits(here, [*said, (rows[0], Edit("other", 0, "content", "new"))], by="anna")
    assert not here.ledger.rows("select 1 from artifact where kind = ?", EDIT_KIND)
    assert record(here, decide_edits(here, said, by="anna")) == 3
    assert len(edits_of(here, review(here, here.dataset()))) == 3


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Workspace(tmp_path)

    def full(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(ResourceError, match="No space left"):
        keep_edits(here, EDITS)
    assert not list(here.store.root.iterdir())


@pytest.mark.parametrize("after", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_killed_in_between_nothing_is_half_decided(tmp_path: Path, after: float) -> None:
    """All 300 or none; what is there is whole, and the same again ends well."""
    here, _ = marked(tmp_path / "ws", 300)
    here.close()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", WORK, str(tmp_path / "ws")], stdout=subprocess.PIPE, text=True, env=environment
    ) as work:
        assert work.stdout is not None
        assert work.stdout.readline() == "ready\n"
        try:
            work.wait(after)
        except subprocess.TimeoutExpired:
            work.send_signal(signal.SIGKILL)
    there = Workspace(tmp_path / "ws")
    table = review(there, there.dataset())
    assert table["decided"].count() in (0, 300)
    assert len(edits_of(there, table)) == table["decided"].count()
    assert not verify(there).damage
    said = [
        (r, Edit(r["example_id"], 0, "content", "new " + r["example_id"]))
        for r in table.iter_rows(named=True)
    ]
    record(there, decide_edits(there, said, by="anna"))
    assert review(there, there.dataset())["decided"].count() == 300
