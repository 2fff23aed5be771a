"""What a newcomer meets: names with blanks, commands that fail, warnings, copies that may not arrive."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from curate.errors import ConfigError
from curate.workspace import Workspace
from tests.tui.walking import settle, to_card
from tui.jobs import Job, failure, unquoted
from tui.reading.lineage import runs
from tui.reading.run_detail import in_brief, whole
from tui.screens.card import CardScreen
from tui.screens.dialogs import Ask, Panel
from tui.screens.queue import QueueScreen
from tui.screens.runs import RunsScreen
from tui.terminal import clipboard
from tui.widgets.rows import Rows
from tui.workbench import workbench


async def test_warnings_stand_with_their_run(workspace: Workspace) -> None:
    """A scan's checks that did not look, and what a split's report warns of: below the list, and whole."""
    dataset = workspace.dataset()
    with workspace.run("scan", {"pii": {}, "not_run": {"leak": "no two splits"}}, {"dataset": dataset}):
        pass
    with workspace.run("split", {"seed": 7}, {"dataset": dataset}) as run:
        report = {"warnings": ["oak: 3 % where 10 % were asked", "viola has one group"]}
        run.outputs["split-report"] = workspace.put_json("split-report", report)
    by_kind = {row.kind: row for row in reversed(runs(workspace))}
    assert "2 warnings:\n! oak: 3 % where 10 % were asked\n! viola" in whole(workspace, by_kind["split"])[0]
    async with workbench(workspace).run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("r")
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, RunsScreen)
        place = [row.kind for row in screen.runs].index("scan")
        for _ in range(place):
            await pilot.press("down")
        await pilot.pause()
        said = str(screen.query_one("#run-detail").render())  # type: ignore[attr-defined]
        assert "! not looked: leak: no two splits" in said
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Panel)
        assert "1 warning:" in pilot.app.screen.message


def test_an_answer_in_brief() -> None:
    """Warnings are counted; what is for programs is left out."""
    answer = {"name": "tickets", "rows": 1200, "run": "x", "recorded": False, "warnings": ["a", "b"]}
    assert in_brief(answer) == [
        "name: tickets",
        "rows: 1,200",
        "2 warnings: r, then enter on the run, shows more",
    ]
    assert in_brief({"rows": 3}) == ["rows: 3"]


async def test_the_list_says_what_it_does_not_show(workspace: Workspace) -> None:
    """Findings on rows that stay are counted; those decided once the list is read again."""
    async with workbench(workspace).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, QueueScreen) and screen.desk is not None
        assert screen.desk.unshown == "not shown: 1 on rows that stay"
        screen.desk.decide([int(screen.desk.ids[0])], "keep")
        await pilot.press("ctrl+r")
        await settle(pilot)
        assert screen.desk.unshown == "not shown: 1 decided, 1 on rows that stay"
        assert screen.desk.unshown in str(screen.query_one("#choice").render())  # type: ignore[attr-defined]
        await pilot.press("o")
        await settle(pilot)
        assert screen.desk.unshown == ""


def test_a_name_with_blanks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint has the name as it is to be written; other lines pass."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my new tickets.csv").write_text("a\n")
    with pytest.raises(ConfigError) as error:
        unquoted(["import", "my", "new", "tickets.csv", "--label", "a"])
    assert "'my new tickets.csv'" in str(error.value.hint)
    unquoted(["import", "my new tickets.csv", "--label", "a"])
    unquoted(["import", "nowhere.csv", "--label", "a"])
    unquoted(["scan", "my", "new"])


async def test_a_command_that_failed_can_be_changed(workspace: Workspace) -> None:
    """The panel says the error once; `e` gives the line back. Exit code 1 with an error is no success."""
    app = workbench(workspace)
    job = Job(["import", "my file.csv", "--label", "x"], None, lambda job: None)
    job.exit_code, job.answer = 1, {"error": "no such column", "hint": "name one"}
    job.talk += ["error: no such column", "", "hint: name one", "read 3 rows"]
    assert failure(job) == ("no such column\n\nname one", "read 3 rows")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app._after(job)
        await pilot.pause()
        assert isinstance(app.screen, Panel)
        await pilot.press("e")
        await pilot.pause()
        assert isinstance(app.screen, Ask)
        assert app.screen.value == "import 'my file.csv' --label x"


@pytest.mark.parametrize(
    ("environment", "sure"),
    [
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-256color", "WT_SESSION": "1"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM": "linux"}, False),
    ],
)
def test_what_a_copy_says(environment: dict[str, str], *, sure: bool) -> None:
    """Copied is said only of terminals that are known to take it, and of what is not too long."""
    said, known = clipboard.sent("héllo", environment, "C")
    assert known is sure and said.startswith("copied 5 characters" if sure else "5 characters sent")
    said, known = clipboard.sent("x" * 80_000, environment, "C")
    assert not known and "C writes a file" in said


async def test_a_copy_goes_to_a_file(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Private, beside an older one; without a copy it says so."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("TMUX", raising=False)
    app = workbench(workspace)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("C")
        assert not list(folder.iterdir())
        await pilot.press("c", "C", "C")
        files = sorted(folder.iterdir())
        assert [path.name for path in files] == ["seatrial-copied-2.txt", "seatrial-copied.txt"]
        assert all(path.read_text(encoding="utf-8") == app.clipboard for path in files)
        assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_tmux_takes_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own command; where that fails the terminal is tried instead."""
    fake: Callable[[int], None] = lambda code: (tmp_path / "tmux").write_text(  # noqa: E731
        f'#!/bin/sh\n[ "$1 $2 $3" = "load-buffer -w -" ] || exit 9\ncat > "{tmp_path}/buffer"\nexit {code}\n'
    )
    fake(0)
    (tmp_path / "tmux").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert clipboard.to_tmux("héllo")
    assert (tmp_path / "buffer").read_text(encoding="utf-8") == "héllo"
    fake(1)
    assert not clipboard.to_tmux("héllo")


async def test_an_empty_list_tells_of_what_is_decided(workspace: Workspace) -> None:
    """What fits the filter and is decided is counted, with the key that shows it."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_card(pilot, 'check == "structure"')
        await pilot.press("a", "a", "q")
        await pilot.press("ctrl+r")
        await settle(pilot)
        rows = app.screen.query_one(Rows)
        assert rows.total == 0
        assert rows.empty.startswith("All 2 that fit are decided, or need no decision.")
        await pilot.press("o")
        await settle(pilot)
        assert rows.total == 2


async def test_thresholds_that_cannot_be_tried_offer_the_scan(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the scores of a crowd were not kept, the command that scans with another threshold is there."""
    hint = "scan with another threshold: --check near-duplicate --set near-duplicate.threshold=0.8"

    def of_a_crowd(*_: object) -> None:
        raise ConfigError("the scores of `near-duplicate` were not kept", hint=hint)

    monkeypatch.setattr("tui.screens.threshold.effects", of_a_crowd)
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'check == "near-duplicate"')
        await pilot.press("t")
        await settle(pilot)
        assert isinstance(app.screen, Ask)
        assert app.screen.value == f"scan {card.desk.dataset[:12]} {hint.partition(': ')[2]}"
        assert "were not kept" in app.screen.hint
        await pilot.press("escape")
        assert isinstance(app.screen, CardScreen)
