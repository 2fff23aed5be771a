"""Children: progress arrives, answers are read, cancel reaches the one child and only it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curate.workspace import Workspace
from tests.tui.test_screens_showing import lines
from tui.jobs import Job
from tui.screens.dialogs import Leaving, Panel
from tui.terminal.keymap import Preferences
from tui.workbench import workbench

WORKS = """
import json, sys
from curate.progress import Progress
with Progress("counting", total=3) as progress:
    for _ in range(3):
        progress.step()
print(json.dumps({"rows": 3, "words": sys.argv[1:]}))
"""
WAITS = """
import sys, time
from curate.progress import Progress
with Progress("waiting", total=9) as progress:
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        sys.exit(130)
"""
FAILS = 'import json, sys; print("a bad line \\x1b[31m", file=sys.stderr); print(json.dumps({"error": "no such [/foo]", "hint": "try"})); sys.exit(2)'
SHOUTS = 'import os; os.write(int(os.environ["SEATRIAL_PROGRESS_FD"]), b"{torn"); print("x" * 3_000_000)'

WORKS_ON = """
import sys, time
from pathlib import Path
from curate.progress import Progress
with Progress("working", total=10) as progress:
    for _ in range(10):
        progress.step()
        print("a warning", file=sys.stderr, flush=True)
        print("a line", flush=True)
        time.sleep(0.1)
Path(sys.argv[1]).touch()
"""
SCREENS = """
import asyncio, sys
from tests.tui.test_screens_showing import lines
from tui.jobs import Job
async def screens():
    job = Job([sys.argv[2]], None, told=lambda job: None, program=(sys.executable, "-c", sys.argv[1]))
    running = asyncio.create_task(job.run())
    while not job.done:
        await asyncio.sleep(0.01)
asyncio.run(screens())
"""


def job(code: str, seen: list[str], *words: str) -> Job:
    return Job(
        list(words), None, told=lambda job: seen.append(job.line()), program=(sys.executable, "-c", code)
    )


async def test_progress_and_answer() -> None:
    """Each event is told, and the one JSON object on stdout is the answer."""
    seen: list[str] = []
    ran = job(WORKS, seen, "scan", "tickets")
    await ran.run()
    assert (ran.exit_code, ran.done, ran.total, ran.stage) == (0, 3, 3, "counting")
    assert ran.answer == {"rows": 3, "words": ["scan", "tickets", "--json"]}
    assert any("counting" in line for line in seen)
    assert ran.command == "seatrial scan tickets"


async def test_cancel_interrupts_that_child() -> None:
    """SIGINT reaches the child; another one goes on."""
    seen: list[str] = []
    first, second = job(WAITS, seen), job(WAITS, [])
    tasks = [asyncio.create_task(first.run()), asyncio.create_task(second.run())]
    while not (first.stage and second.stage):
        await asyncio.sleep(0.02)
    await first.cancel()
    await tasks[0]
    assert (first.exit_code, first.cancelled) == (130, True)
    assert second.running
    await second.cancel()
    await tasks[1]


async def test_failure_keeps_what_was_said() -> None:
    """The error is in the answer and the talk is kept."""
    ran = job(FAILS, [])
    await ran.run()
    assert ran.exit_code == 2
    assert ran.answer["error"] == "no such [/foo]"
    assert ran.talk[0].startswith("a bad line")


async def test_odd_output() -> None:
    """A torn event and an answer that is no JSON break nothing."""
    ran = job(SHOUTS, [])
    await ran.run()
    assert (ran.exit_code, ran.answer) == (0, {})


async def test_program_that_is_not_there() -> None:
    """What cannot start is an exit code with a reason, and leaves no descriptor open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    ran = Job(["scan"], None, told=lambda job: None, program=("/nowhere/python",))
    await ran.run()
    assert ran.exit_code == 3
    assert ran.talk
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of the app run the waiting script."""
    monkeypatch.setattr(Job, "program", (sys.executable, "-c", WAITS))
    defaults = list(Job.__init__.__defaults__ or ())
    defaults[0] = (sys.executable, "-c", WAITS)
    monkeypatch.setattr(Job.__init__, "__defaults__", tuple(defaults))


async def test_the_app_asks_before_it_leaves(workspace: Workspace, programs: None) -> None:
    """While a child runs, leaving asks, by the keys that are one's own; stopping it leaves."""
    app = workbench(workspace, Preferences({"leaving.stop": "j"}, "seatrial-dark"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.start(["scan", "tickets"])
        assert app.job is not None
        while not app.job.stage:
            await pilot.pause(0.02)
        await pilot.press("ctrl+q")
        assert isinstance(app.screen, Leaving)
        await pilot.press("n")
        assert app.job.running
        await pilot.press("ctrl+q")
        assert "j  Stop it and leave" in "\n".join(lines(app))
        await pilot.press("j")
        for _ in range(200):
            if app.job.exit_code is not None:
                break
            await pilot.pause(0.05)
        assert app.job.exit_code == 130


async def test_the_app_leaves_a_child_running(workspace: Workspace, programs: None) -> None:
    """Who leaves may let it go on."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.start(["train", "tickets"])
        assert app.job is not None
        while not app.job.stage:
            await pilot.pause(0.02)
        await pilot.press("ctrl+q", "l")
        await pilot.pause()
        assert app.return_code == 0
        assert app.job.process is not None and app.job.process.poll() is None
    app.job.process.kill()
    app.job.process.wait()


def test_a_child_outlives_the_screens(tmp_path: Path) -> None:
    """Where the process of the screens ends, by whatever cause, the child works on and may talk as before."""
    done = tmp_path / "done"
    subprocess.run([sys.executable, "-c", SCREENS, WORKS_ON, str(done)], check=True, timeout=30)
    assert not done.exists()
    until = time.monotonic() + 30
    while not done.exists():
        assert time.monotonic() < until
        time.sleep(0.02)


async def test_a_real_command(workspace: Workspace, home: Path) -> None:
    """The app runs the program itself: what it answers is told, and what fails can be copied."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.command("seatrial doctor --no-such-option")
        assert app.job_task is not None
        await app.job_task
        await pilot.pause()
        assert app.job is not None and app.job.exit_code == 2
        assert isinstance(app.screen, Panel)
        await pilot.press("c", "escape")
        assert not isinstance(app.screen, Panel)


async def test_where_no_file_can_be_made_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, and another command can be begun."""

    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tui.jobs.TemporaryFile", full)
    made = job(FAILS, [])
    await made.run()
    assert (made.exit_code, made.running) == (3, False) and "No space left" in made.talk[0]
