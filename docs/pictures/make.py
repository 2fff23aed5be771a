"""Make the README's pictures: `python -P docs/pictures/make.py` writes queue.svg and card.svg beside it.

It builds a workspace of the demo's tickets in a temporary folder and presses keys as a person would.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SIZE = (100, 26)


async def draw() -> None:
    """Open the screens on the tickets and save what is seen."""
    from textual.pilot import Pilot

    from curate.workspace import Workspace
    from tui.app import Seatrial

    async def settle(pilot: Pilot[int]) -> None:
        for _ in range(4):
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()

    workspace = Workspace.open()
    app = Seatrial(workspace)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("s", "s", "s")
        await settle(pilot)
        await pilot.press("down", "down", "down")
        await settle(pilot)
        app.save_screenshot("queue.svg", str(HERE))
        await pilot.press("colon", *"shape == ", "quotation_mark", *"span", "quotation_mark", "enter")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("a", "a", "x")
        await settle(pilot)
        app.save_screenshot("card.svg", str(HERE))


def main() -> None:
    """Import, scan, draw."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(SEATRIAL_HOME=str(Path(folder) / "workspace"), SEATRIAL_REVIEWER="anna")
        from tui.cli import main as seatrial
        from tui.demo_data import TICKETS

        seatrial(["import", str(TICKETS), "--label", "queue", "--group", "customer", "--allow-rejects"])
        seatrial(["scan", "tickets"])
        asyncio.run(draw())


if __name__ == "__main__":
    main()
