"""A split says why a set of rows is so large, and a report of leaks that there is nothing to compare."""

from __future__ import annotations

import json
import random

import pytest

from curate.commands import main as cli
from curate.commands.leaks import leaks
from curate.errors import ConfigError
from curate.workspace import Workspace

WORDS = [
    a + b for a in ("bar", "kel", "mor", "tis", "wun", "fal") for b in ("dan", "grop", "list", "mek", "sorn")
]


def put(folder, rows):
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.import_([str(path)], group="who" if "who" in rows[0] else "")
    cli.scan(check=["structure", "pii"])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    return tmp_path


def said(n):
    return " ".join(random.Random(n).sample(WORDS, 12))


def test_the_group_column_is_named_with_its_way_out(folder):
    put(
        folder, [{"prompt": said(n), "completion": said(n + 500), "who": f"c{max(n, 40)}"} for n in range(60)]
    )
    words = "\n".join(cli.split(sizes="40,30,30").lines)
    assert (
        "the largest set of 41 rows is tied by rows of one group (the group column `who`): --no-group"
        in words
    )
    assert "not stratified: no row has a label" in words and "1 labels" not in words
    assert "largest set of 41" not in "\n".join(cli.split(sizes="40,30,30", group=False).lines)


def test_near_duplicates_are_named_with_their_way_out(folder):
    like = [{"prompt": f"{said(1)} {said(2)} {n}", "completion": f"{said(n)}"} for n in range(30)]
    put(folder, like + [{"prompt": said(n), "completion": said(n + 500)} for n in range(100, 130)])
    words = "\n".join(cli.split(sizes="40,30,30", allow_blocking=True).lines)
    assert (
        "tied in more than one way:\n    near duplicates (wording alike by 0.6 or more, as of one template): "
        "--link-threshold 0.8 ties fewer\n    questions that stand within other rows: no threshold" in words
    )


def test_leaks_of_a_version_without_splits_is_refused_and_leaves_no_scan(folder):
    put(folder, [{"prompt": said(n), "completion": said(n + 500)} for n in range(30)])
    workspace = Workspace.open()
    before = len(workspace.scans(workspace.dataset("rows")))
    with pytest.raises(ConfigError, match="nothing to compare") as caught:
        leaks("rows")
    assert "seatrial split rows" in caught.value.hint and "--protect" in caught.value.hint
    assert len(workspace.scans(workspace.dataset("rows"))) == before
    cli.split()
    assert leaks("rows").exit_code == 0
