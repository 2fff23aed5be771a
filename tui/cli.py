"""The `seatrial` command: one table of commands, and what happens around each.

The table holds names only, so that `--help` and a misspelt command import nothing heavy; a command's
module is imported when it is called, and its own heavy imports stand inside the function.
"""

from __future__ import annotations

import gc
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from difflib import get_close_matches
from functools import wraps
from importlib import import_module
from textwrap import wrap
from typing import NamedTuple

from curate.answer import Answer
from curate.errors import ConfigError, ResourceError, SeatrialError, WorkspaceError
from tui.terminal import render

VERSION = "0.1.0"
INTERRUPTED = 130
GARBAGE = (50_000, 20, 100)  # objects, and rounds, between two looks for what refers to itself in a circle


class Command(NamedTuple):
    """Where a command stands in the help, where its function lives, and its one line."""

    group: str
    module: str
    function: str
    line: str


COMMANDS: dict[str, Command] = {
    "demo": Command(
        "Start", "tui.commands.demo", "demo", "the whole job on shipped tickets, in minutes, offline"
    ),
    "doctor": Command(
        "Start", "tui.commands.doctor", "doctor", "what is installed and missing, how to add it"
    ),
    "serve": Command("Start", "tui.commands.serve", "serve", "the screens in a browser on this machine"),
    "import": Command("Data", "curate.commands.main", "import_", "read files into a dataset version"),
    "scan": Command("Data", "curate.commands.main", "scan", "look for problems in a dataset version"),
    "review": Command("Data", "curate.commands.main", "review", "list findings and decide on them"),
    "apply": Command("Data", "curate.commands.main", "apply", "make the clean version from the decisions"),
    "split": Command(
        "Data", "curate.commands.main", "split", "train, validation and sealed test, without leaks"
    ),
    "export": Command("Data", "curate.commands.main", "export", "write files for trainers, with a data card"),
    "curate": Command("Data", "curate.commands.main", "curate", "all of that from a recipe, for a CI job"),
    "train": Command("Model", "train.cli", "train", "fine-tune a QLoRA adapter on the train split"),
    "predict": Command(
        "Model", "evalharness.commands.predict", "predict", "answer the test: base, few-shot, RAG, tuned"
    ),
    "score": Command("Model", "evalharness.commands.score", "score", "score the answers: metrics and judge"),
    "compare": Command(
        "Decide", "evalharness.commands.verdict", "compare", "the arms side by side, with intervals"
    ),
    "verdict": Command("Decide", "evalharness.commands.verdict", "verdict", "ship or not, as an exit code"),
    "report": Command(
        "Decide", "evalharness.commands.verdict", "report", "write the report: HTML, Markdown, JSON"
    ),
    "log": Command("Look back", "curate.commands.main", "log", "the runs of this workspace"),
    "why": Command("Look back", "curate.commands.main", "why", "the biography of one row"),
    "verify": Command("Look back", "curate.commands.main", "verify", "derive every digest again"),
    # asked for now and then: the help has their names in one line
    "adapters": Command("More", "train.cli_adapters", "adapters", "list, promote, merge, import; worst rows"),
    "agree": Command("More", "curate.commands.journal", "agree", "how far people agree: kappa, alpha"),
    "coverage": Command("More", "curate.commands.coverage", "coverage", "what deployment asks, train lacks"),
    "declare": Command(
        "More", "evalharness.commands.declare", "declare", "what will decide, said before any answer"
    ),
    "dedup": Command("More", "curate.commands.dedup", "dedup", "a file without its near duplicates, at once"),
    "edits": Command("More", "curate.commands.edits", "edits", "edited answers as preference pairs"),
    "journal": Command("More", "curate.commands.journal", "journal", "decisions from person to person"),
    "judge": Command(
        "More", "evalharness.commands.judge", "judge", "a model compares answers, in both orders"
    ),
    "label": Command("More", "curate.commands.label", "label", "a label set, answers, and a version of them"),
    "leaks": Command(
        "More", "curate.commands.leaks", "leaks", "what crosses from split to split, or benchmark"
    ),
    "probe": Command(
        "More", "evalharness.commands.probe", "probe", "forgetting, red team, noise of the measurement"
    ),
    "purge": Command("More", "curate.commands.vault", "purge", "erase raw versions, keep the history"),
    "rate": Command(
        "More", "evalharness.commands.rating", "rate", "people's blind ratings, preference pairs"
    ),
    "reward": Command("More", "evalharness.models.reward", "reward", "answers' scores by a reward model"),
    "rows": Command(
        "More", "tui.commands.browse", "rows", "look through the rows of a version, on the screens or printed"
    ),
    "search": Command("More", "train.cli", "search", "settings that do best on validation rows"),
    "session": Command("More", "curate.commands.journal", "session", "what was done, as a recipe to replay"),
    "tune": Command("More", "evalharness.commands.tune", "tune", "prompt, shots, retrieval of the baselines"),
    "vault": Command("More", "curate.commands.vault", "vault", "originals behind pseudonyms, encrypted"),
}

HEAD = """\
seatrial: is your fine-tune really better, on rows that you have checked?
usage: seatrial [COMMAND] [--json] [--workspace DIR]; alone it opens the screens"""


def help_lines() -> list[str]:
    """The help of the whole program: at most 24 lines of 80 columns."""
    lines = HEAD.splitlines()
    group = ""
    for name, command in COMMANDS.items():
        if command.group == "More":
            continue
        first = command.group if command.group != group else ""
        group = command.group
        lines.append(f"  {first:<9} {name:<8} {command.line}")
    more = " ".join(name for name, command in COMMANDS.items() if command.group == "More")
    lines += wrap(more, 80, initial_indent="  More      ", subsequent_indent=" " * 12)
    return [*lines, "seatrial COMMAND --help tells more; exit codes 0 done, 1 no, 2 usage, 3 fault"]


class Words(NamedTuple):
    """The command line without what is meant for the program as a whole."""

    rest: list[str]
    json: bool
    workspace: str | None


def common(argv: Sequence[str]) -> Words:
    """Take `--json` and `--workspace DIR` out, wherever they stand before a `--`."""
    words = list(argv)
    rest: list[str] = []
    as_json, workspace = False, None
    while words:
        word = words.pop(0)
        if word == "--":
            rest += [word, *words]
            break
        if word == "--json":
            as_json = True
        elif word == "--workspace" or word.startswith("--workspace="):
            _, equals, value = word.partition("=")
            if not equals and not words:
                raise ConfigError("--workspace needs a folder", hint="--workspace DIR")
            workspace = value if equals else words.pop(0)
        else:
            rest.append(word)
    return Words(rest, as_json, workspace)


def unknown(word: str) -> ConfigError:
    """The error for a command that is not there, with the nearest that is."""
    near = get_close_matches(word, COMMANDS, n=1, cutoff=0.5)
    hint = f"did you mean `seatrial {near[0]}`?" if near else "seatrial --help lists the commands"
    return ConfigError(f"no command `{word}`", hint=hint)


def _apart_from_stdout(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """The command, with what libraries print on their own sent to stderr: stdout is for answers."""

    @wraps(function)
    def command(*args: object, **options: object) -> Answer:
        with redirect_stdout(sys.stderr):
            return function(*args, **options)

    return command


def run(name: str, words: list[str]) -> Answer | None:
    """Run one command and return what it answers; None when it only printed its help."""
    import typer
    from typer.exceptions import TyperException

    command = COMMANDS[name]
    function: Callable[..., Answer] = getattr(import_module(command.module), command.function)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command(name)(_apart_from_stdout(function))
    sys.argv = ["seatrial", name, *words]  # what the ledger records as the run's command
    try:
        answer = app(words, prog_name=f"seatrial {name}", standalone_mode=False)
    except TyperException as error:
        raise ConfigError(error.format_message(), hint=f"seatrial {name} --help") from error
    if answer == INTERRUPTED:  # typer answers an interrupt with its exit code
        raise KeyboardInterrupt
    return answer if isinstance(answer, Answer) else None


def workbench() -> int:
    """Open the screens on the workspace here, if there is one."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):  # none: it was closed
        render.lines(help_lines())
        render.talk("the screens need a terminal; this is none")
        return 2
    from tui.workbench import open_here

    return open_here()


def dispatch(argv: Sequence[str]) -> int:
    """Do what the command line asks and return the exit code."""
    words = common(argv)
    if words.workspace is not None:
        os.environ["SEATRIAL_HOME"] = words.workspace
    if not words.rest:
        return workbench()
    # threads that wait without spinning: on cores shared with other work torch is up to 7 times faster
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # modules and rows are many objects that stay: to look at all of them so often takes a twentieth of the time
    gc.set_threshold(*GARBAGE)
    name, *rest = words.rest
    if name in ("--help", "-h", "help"):
        return shown(lambda: render.lines(help_lines()), 0)
    if name in ("--version", "-V"):
        return shown(lambda: render.lines([f"seatrial {VERSION}"]), 0)
    if name not in COMMANDS:
        raise unknown(name)
    render.narrate_to_stderr = words.json
    answer = run(name, rest)
    if answer is None:
        return 0
    told = answer
    return shown(lambda: render.data(told.data) if words.json else render.lines(told.lines), told.exit_code)


def shown(show: Callable[[], None], exit_code: int) -> int:
    """The exit code of what is shown, though the reader goes away (`| head`): silence, as other tools do."""
    try:
        show()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exit_code


def refused(error: OSError) -> ResourceError:
    """What the system refused, and what to do."""
    from pathlib import Path

    try:
        Path.cwd()
    except FileNotFoundError:
        return ResourceError("the folder that this was called in is gone", hint="cd to one that is there")
    return ResourceError(str(error), hint="free some disk space, or mend the permission")


def main(argv: Sequence[str] | None = None) -> int:
    """The entry point; every error that a person can mend ends as words and an exit code."""
    as_json = "--json" in (sys.argv if argv is None else argv)
    try:
        render.prepare()
        return dispatch(sys.argv[1:] if argv is None else argv)
    except SeatrialError as error:
        render.error(error, as_json=as_json)
        return error.exit_code
    except KeyboardInterrupt:
        render.talk("interrupted; what was acknowledged is kept")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ResourceError.exit_code
    except sqlite3.Error as error:
        hint = "seatrial verify looks at everything; restore .seatrial/ledger.db from a copy"
        render.error(
            WorkspaceError(f"the ledger cannot be read or written: {error}", hint=hint), as_json=as_json
        )
        return WorkspaceError.exit_code
    except OSError as error:
        render.error(refused(error), as_json=as_json)
        return ResourceError.exit_code
    except MemoryError:
        render.error(
            ResourceError("out of memory", hint="fewer workers, or a machine with more"), as_json=as_json
        )
        return ResourceError.exit_code


if __name__ == "__main__":
    sys.exit(main())
