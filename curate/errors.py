"""Everything that can go wrong, as one tree.

    SeatrialError                2   what, where, and what to do
    ├── SourceError              2   a source cannot be read as what it was said to be
    ├── ConfigError              2   a setting, flag or recipe is wrong
    ├── MissingExtraError        2   an optional package is not installed
    ├── WorkspaceError           2   the workspace is absent, damaged or newer than this program
    │   └── NotFoundError        2   no artifact, row or run of that name
    ├── GateError                1   the answer is no: open findings, a leak, do not ship
    ├── AccountError             3   rows in do not equal rows out; a fault of ours
    └── ResourceError            3   memory, disk, a device or an endpoint failed; try again

The number is the exit code. Only `tui/terminal/render.py` prints an error.
"""

from __future__ import annotations

from typing import ClassVar


class SeatrialError(Exception):
    """What went wrong and where; `hint` says what to do about it, or is empty."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SourceError(SeatrialError):
    """A source cannot be read as what it was said to be."""


class ConfigError(SeatrialError):
    """A setting, a flag or a recipe is wrong."""


class MissingExtraError(SeatrialError):
    """A package of an optional extra is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"the package `{package}` is not installed",
            hint=f"pip install -c constraints.txt -e '.[{extra}]'",
        )


class WorkspaceError(SeatrialError):
    """The workspace is absent, damaged or newer than this program."""


class NotFoundError(WorkspaceError):
    """No artifact, row, run or name of that spelling."""


class GateError(SeatrialError):
    """The question was answered, and the answer is no."""

    exit_code = 1


class AccountError(SeatrialError):
    """Rows in do not equal rows out plus dropped plus rejected."""

    exit_code = 3


class ResourceError(SeatrialError):
    """Memory, disk, a device or an endpoint failed; the same call may work later."""

    exit_code = 3
