"""A model trained again in the background while one goes on: a child process that nothing waits for."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable

from curate.labelling.work import Work
from tui.jobs import Job

KEPT: set[asyncio.Task[None]] = set()  # a task that nobody holds may be thrown away while it runs
NICE = 10  # the screens and whoever types come first


class Teacher:
    """One training at a time; it goes on when its screen is closed, and writes a file when it is done."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self.task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a model is being trained."""
        return self.task is not None and not self.task.done()

    def start(self, work: Work, then: Callable[[Job], None]) -> None:
        """Train on all answers to a task; `then` is called in the event loop when it has ended."""
        words = ["label", "suggest", work.dataset, "--task", work.task.name]
        program = [sys.executable, "-P", "-m", "tui.cli"]
        nice = shutil.which("nice")
        if nice:
            program = [nice, "-n", str(NICE), *program]
        job = Job(words, work.workspace.root.resolve(), told=lambda job: None, program=program)
        self.job = job
        self.task = asyncio.create_task(self._run(job, then))
        KEPT.add(self.task)
        self.task.add_done_callback(KEPT.discard)

    async def _run(self, job: Job, then: Callable[[Job], None]) -> None:
        await job.run()
        then(job)
