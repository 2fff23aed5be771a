"""Hostile rows through every place where data comes out: screens, commands, reports, exports, logs.

The screens run in a real pseudo-terminal, and so do the commands; each byte that comes out is judged.
Nothing may act, nothing may crash, and every line must hold its columns in terminals that count the
width of emoji and of vowel signs otherwise. The judge itself is tried first, on the raw rows.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.hostile_outputs import QUICK, command, commands, exports, files, printed, reports, written
from benchmarks.hostile_rows import CHARACTERS, SEQUENCES, TEXTS
from benchmarks.hostile_screens import screens
from benchmarks.hostile_session import COLUMNS, LINES, Place
from benchmarks.hostile_terminal import RULES, Grid, acts, moved
from benchmarks.hostile_workspace import PERSON, furnish, source

NAME = "hostile"
HELP = "hostile rows through every screen, command, report and export: what acts, what crashes"
ROOT = Path(__file__).parents[1]
EVERY = 20  # in the short form, one row in so many


def surroundings(folder: Path) -> dict[str, str]:
    """The environment of a person with a hostile name, at a plain terminal."""
    return {
        **os.environ, "SEATRIAL_HOME": str(folder / ".seatrial"), "SEATRIAL_REVIEWER": PERSON,
        "XDG_CONFIG_HOME": str(folder / "config"), "TERM": "xterm-256color", "COLORTERM": "truecolor",
        "LANG": "C.UTF-8", "COLUMNS": str(COLUMNS), "LINES": str(LINES), "TEXTUAL_ANIMATIONS": "none",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def control(folder: Path, environment: dict[str, str]) -> None:
    """Raise where the judge would let pass what it is there for: each raw sequence, and each shifted line."""
    for name, text in SEQUENCES.items():
        path = folder / "raw.txt"
        path.write_bytes(f"x{text}y\n".encode("utf-8", "surrogatepass"))
        if name not in ("tabs", "escapes in pieces") and not acts(f"x{text}y", columns=COLUMNS, lines=LINES):
            raise AssertionError(f"on a screen `{name}` would pass")
        if not acts(f"x{text}y"):
            raise AssertionError(f"printed, `{name}` would pass")
    path.write_bytes("".join(t for t in SEQUENCES.values()).encode("utf-8", "surrogatepass"))
    out, _ = printed(["cat", str(path)], folder, environment)
    if len(acts(out)) < len(SEQUENCES):
        raise AssertionError("in a pseudo-terminal raw sequences pass")
    line = f"\x1b[1;1H│{CHARACTERS['emoji joined']}│\x1b[2;1H│{CHARACTERS['Hindi']}│"
    for rule in RULES.values():
        counted, other = Grid(COLUMNS, LINES), Grid(COLUMNS, LINES, rule)
        counted.feed(line)
        other.feed(line)
        if moved(counted, other):
            return
    raise AssertionError("a shifted line passes")


def prepare(folder: Path, environment: dict[str, str], quick: bool) -> list[Place]:
    """The workspace, by `seatrial import` and what is written beside it."""
    from curate.workspace import Workspace

    files(folder)
    path = source(folder, EVERY if quick else 1)
    places = []
    for name in () if quick else ("plain", "raw"):
        words = ["import", "plain.jsonl", "--label", "queue", "--as", name, "--allow-rejects"]
        places.append(command(f"import, {name}", words, folder, environment))
    words = ["import", path.name, "--label", "queue", "--group", "customer", "--allow-rejects"]
    places.append(command("import, hostile", [*words, "--as", "hostile"], folder, environment))
    os.environ["SEATRIAL_REVIEWER"] = PERSON
    workspace = Workspace(folder / ".seatrial")
    furnish(workspace)
    workspace.close()
    return places


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """All places; `acted` and `crashed` count places at which something did."""
    before = os.environ.get("SEATRIAL_REVIEWER")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = surroundings(folder)
        control(folder, environment)
        try:
            places = prepare(folder, environment, quick)
        finally:
            if before is None:
                os.environ.pop("SEATRIAL_REVIEWER", None)
            else:
                os.environ["SEATRIAL_REVIEWER"] = before
        rows = len(TEXTS) // EVERY if quick else len(TEXTS)
        places += screens(folder, environment, rows, quick)
        for what, words in commands("hostile", source_name(folder)):
            if not quick or what in QUICK:
                places.append(command(what, words, folder, environment))
        places += reports(folder / "report")
        if not quick:
            places += exports(folder, environment)
            places += written(folder)
    for place in places:
        print(place.line(), file=sys.stderr)
    figures: dict[str, float | None] = {
        "rows": len(TEXTS),
        "places": len(places),
        "acted": sum(bool(place.acted) for place in places),
        "crashed": sum(bool(place.crashed) for place in places),
        "shifted": sum(bool(place.shifted) for place in places),
    }
    return figures, {}, {}, len(TEXTS)


def source_name(folder: Path) -> str:
    """The hostile name of the file with the rows."""
    return next(path.name for path in folder.glob("r*.jsonl") if "raw" not in path.name)
