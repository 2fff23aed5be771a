"""One workspace in which all that comes from outside is hostile; made once, since it holds megabytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.hostile_workspace import PERSON, furnish, source
from curate.workspace import Workspace
from tui.cli import main

EVERY = 3  # one text in so many stands in the workspace's rows; all of them stand in names, notes, answers


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the hostile file, and the environment of a person with a hostile name."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEATRIAL_HOME", str(folder / ".seatrial"))
        patch.setenv("SEATRIAL_REVIEWER", PERSON)
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.delenv("NO_COLOR", raising=False)
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def rows(surroundings: Path) -> Iterator[Workspace]:
    """The rows, with findings, decisions, answers, runs and a label set beside them."""
    path = source(surroundings, EVERY)
    words = [
        "import",
        path.name,
        "--label",
        "queue",
        "--group",
        "customer",
        "--as",
        "hostile",
        "--allow-rejects",
    ]
    assert main(words) == 0
    workspace = Workspace(surroundings / ".seatrial")
    furnish(workspace)
    yield workspace
    workspace.close()
