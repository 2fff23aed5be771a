"""The bytes that a real pseudo-terminal gets, with hostile rows on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

from curate.workspace import Workspace

PATIENCE = 40.0  # seconds until something that must appear has failed to


def read_until(handle: int, wanted: bytes) -> bytes:
    """What the terminal gets, until `wanted` is in it."""
    got = b""
    end = time.monotonic() + PATIENCE
    while wanted not in got and time.monotonic() < end:
        if select.select([handle], [], [], 0.2)[0]:
            got += os.read(handle, 65536)
    assert wanted in got, got[-400:]
    return got


def test_nothing_in_a_row_acts(hostile: Workspace) -> None:
    """List and card of rows with OSC 52, OSC 0, C1 and SGR: the sequences arrive as glyphs only."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui.app"], stdin=child, stdout=child, stderr=child, env=environment
    )
    os.close(child)
    try:
        out = read_until(parent, b"blocking")
        os.write(parent, b"\r")
        out += read_until(parent, b"contradiction")
        os.write(parent, b"\r")
        out += read_until(parent, "␛]52;c;aGk=␇".encode())
        os.write(parent, b"\x11")
        end = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < end:
            # whoever does not read keeps the program from writing, and so from ending
            if select.select([parent], [], [], 0.1)[0]:
                try:
                    out += os.read(parent, 65536)
                except OSError:
                    break
        assert process.wait(5) == 0
    finally:
        process.kill()
        os.close(parent)
    assert b"\x1b]52" not in out
    assert b"\x1b]0;" not in out
    assert b"aGk=\x07" not in out
    assert "\u202e".encode() not in out and "\x9b".encode() not in out
