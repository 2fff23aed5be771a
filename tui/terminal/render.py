"""The only module that prints: answers and data to stdout, errors and talk to stderr."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping, Sequence
from traceback import format_exception
from typing import TextIO

from curate.errors import ResourceError, SeatrialError
from tui.terminal.display_text import display_text

# set by the command line when --json was asked for: stdout then holds one JSON object and nothing else
narrate_to_stderr = False
# where answers go: while a command works, what others print to stdout goes to stderr
answers: TextIO = sys.stdout


def prepare() -> None:
    """Let no text that a terminal's encoding lacks end a command; raises ResourceError without a stdout."""
    global answers
    if sys.stdout is None:
        raise ResourceError("standard output is closed", hint="send it to a file, or to /dev/null")
    answers = sys.stdout
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # a fault of ours may quote what stood in a row: its traceback is made harmless like the rest
    sys.excepthook = lambda kind, fault, trace: talk("".join(format_exception(kind, fault, trace)).rstrip())


def lines(texts: Sequence[str]) -> None:
    """Print the lines of an answer; whatever came from data in them is made harmless."""
    for text in texts:
        print(display_text(text), file=answers)
    answers.flush()


def narrate(texts: Sequence[str]) -> None:
    """Print what a long command says as it goes: to stdout, unless that is kept for data."""
    if narrate_to_stderr:
        for text in texts:
            talk(text)
    else:
        lines(texts)


def data(value: Mapping[str, object]) -> None:
    """Print one JSON object; ASCII, so that no control character reaches a terminal."""
    # DEL is the one control character that JSON does not escape by itself
    print(json.dumps(value, default=str).replace("\x7f", "\\u007f"), file=answers)
    answers.flush()


def talk(text: str) -> None:
    """Print to stderr, if there is one."""
    if sys.stderr is not None:
        print(display_text(text), file=sys.stderr, flush=True)


def error(problem: SeatrialError, *, as_json: bool = False) -> None:
    """Print what went wrong and what to do; with `--json`, also as data on stdout."""
    if as_json:
        data({"error": problem.message, "hint": problem.hint, "exit_code": problem.exit_code})
    talk(f"error: {problem.message}" + (f"\n\nhint: {problem.hint}" if problem.hint else ""))
