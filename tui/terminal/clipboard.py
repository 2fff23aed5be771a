"""Copying out of the screens: to tmux, to the terminal that one sits at (OSC 52), or to a file.

A terminal says nothing about whether it took what OSC 52 sends, and some do not, so what is told is what
was done. A file is always there to be had.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

# terminals that take OSC 52 as they come; others do after a setting, or never
TAKE = ("xterm-kitty", "alacritty", "foot", "xterm-ghostty", "wezterm", "contour", "rio")
PROGRAMS = ("WezTerm", "ghostty", "kitty", "rio", "vscode")
SIGNS = ("KITTY_WINDOW_ID", "ALACRITTY_WINDOW_ID", "WT_SESSION", "WEZTERM_PANE")
MOST = 74_000  # bytes: of more than about 100,000 characters in base64 many terminals take nothing
PATIENCE = 2.0  # seconds for tmux


def known_to_take(environment: Mapping[str, str]) -> bool:
    """Whether the terminal is one that puts on the clipboard what OSC 52 sends."""
    return (
        environment.get("TERM", "").startswith(TAKE)
        or environment.get("TERM_PROGRAM") in PROGRAMS
        or any(environment.get(sign) for sign in SIGNS)
    )


def to_tmux(text: str) -> bool:
    """Give text to tmux, which keeps it in a buffer and passes it to its own terminal; whether it took it."""
    words = ["tmux", "load-buffer", "-w", "-"]
    try:
        done = subprocess.run(words, input=text.encode(), capture_output=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def sent(text: str, environment: Mapping[str, str], key: str) -> tuple[str, bool]:
    """(what is said once text was sent to the terminal, whether that is all); `key` writes a file."""
    count = f"{len(text):,} characters"
    if len(text.encode()) > MOST:
        return (
            f"{count} sent to the terminal (OSC 52), which is more than most take; {key} writes a file",
            False,
        )
    if known_to_take(environment):
        return f"copied {count}", True
    return f"{count} sent to the terminal (OSC 52); if it does not paste them, {key} writes a file", False


def to_file(text: str, folder: Path) -> Path:
    """Write text to a new file in a folder, for this user alone to read. Raises OSError."""
    for number in range(1, 1_000):
        path = folder / ("seatrial-copied.txt" if number == 1 else f"seatrial-copied-{number}.txt")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        return path
    raise FileExistsError(f"{folder} holds 1,000 copied texts already")
