"""The workbench as one opens it: the app with its first screen, the versions or the way in."""

from __future__ import annotations

import sys

from textual.screen import Screen

from curate.workspace import Workspace
from tui.app import Seatrial
from tui.terminal.keymap import Preferences


def home(workspace: Workspace | None) -> Screen[None]:
    """The versions, or where there are none, the way in."""
    from tui.reading.lineage import versions

    if workspace is None or not versions(workspace):
        from tui.screens.welcome import WelcomeScreen

        return WelcomeScreen()
    from tui.screens.versions import VersionsScreen

    return VersionsScreen()


def workbench(workspace: Workspace | None, settings: Preferences | None = None) -> Seatrial:
    """The screens over a workspace, or over none yet."""
    return Seatrial(workspace, home, settings=settings)


def run(workspace: Workspace | None) -> int:
    """Open the screens and stay until the person leaves; the exit code."""
    app = workbench(workspace)
    code = app.run()
    return code if isinstance(code, int) else (app.return_code or 0)


def open_here() -> int:
    """Open the screens on the workspace here, if there is one; `seatrial serve` runs this for each page."""
    from curate.errors import WorkspaceError

    try:
        workspace: Workspace | None = Workspace.open()
    except WorkspaceError as error:
        if "no workspace" not in error.message:
            raise
        workspace = None
    return run(workspace)


if __name__ == "__main__":
    sys.exit(open_here())
