"""Nothing lost while people decide: a burst of keys, kills at random moments, two processes, merges in any order."""

from __future__ import annotations

import itertools
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path

from benchmarks.tickets import here

NAME = "labelling"
HELP = "keys at 20 a second, kill -9 while deciding, journals merged in any order: nothing lost or doubled"
SEED = 7
RATE = 20  # keys a second
PATIENCE = 120.0  # seconds until something that must come has failed to
COMMAND = [sys.executable, "-P", "-m", "tui"]

# what a person does, without a terminal: acts of one, and of five every fourth time; the number of each
# act is printed when the desk says that it is on the disk
DECIDE = """
import sys
from curate.workspace import Workspace
from tui.desk.desk import Desk

who, begin, end, count = sys.argv[1], *map(int, sys.argv[2:5])
workspace = Workspace.open()
desk = Desk(workspace, workspace.dataset(), "rows", who)
span = end - begin
for act in range(count):
    size = 5 if act % 4 == 3 else 1
    places = [begin + (act * 7 + k) % span for k in range(size)]
    desk.decide(places, "keep" if act % 2 else "redact")
    print(act, flush=True)
"""

# one decision on each finding of a part, as its own act
EACH = """
import sys
from curate.workspace import Workspace
from tui.desk.desk import Desk

who, begin, end, action = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
workspace = Workspace.open()
desk = Desk(workspace, workspace.dataset(), "rows", who)
for place in range(begin, end):
    desk.decide([place], action)
"""


def environment(home: Path, who: str = "anna") -> dict[str, str]:
    """Of a child that works in one workspace."""
    return {
        **os.environ, "SEATRIAL_HOME": str(home), "SEATRIAL_REVIEWER": who, "TERM": "xterm-256color",
        "LANG": "C.UTF-8", "XDG_CONFIG_HOME": str(home / "config"),
    }  # fmt: skip


def seatrial(home: Path, *words: str, who: str = "anna") -> str:
    """The output of a command that must succeed, or say no."""
    done = here(home.parent, environment(home, who), *words)
    if done.returncode > 1:
        raise RuntimeError(f"{words}: {done.stderr[-1000:]}")
    return done.stdout


def scanned(folder: Path, count: int) -> Path:
    """A workspace with one finding of personal data in each of `count` rows."""
    rows = (
        {
            "messages": [
                {"role": "user", "content": f"Order no{n:06d} broke; write to p{n}@example.org please."},
                {"role": "assistant", "content": f"We are sorry about parcel {n * 7919}."},
            ]
        }
        for n in range(count)
    )
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    home = folder / "base"
    seatrial(home, "import", "rows.jsonl")
    seatrial(home, "scan", "--check", "pii", "--set", 'pii.names="none"')
    found = json.loads(seatrial(home, "review", "--json", "--limit", "0"))["open"]
    if found != count:
        raise RuntimeError(f"{found} findings on {count} rows")
    return home


def copy(home: Path, name: str) -> Path:
    """A workspace of its own with the same rows and findings."""
    return Path(shutil.copytree(home, home.with_name(name)))


class Screens:
    """The screens in a pseudo-terminal, on the card of the first finding."""

    def __init__(self, home: Path) -> None:
        self.seen = ""
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(home.parent)
            os.execvpe(COMMAND[0], COMMAND, environment(home))
        ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.until(lambda: "rows" in self.seen and "open" in self.seen)
        self.press("\r")
        self.until(lambda: re.search(r"of [\d,]+ shown", self.seen))
        self.press("\r")
        self.until(lambda: self.cards() and "Accept" in self.seen)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.terminal, keys.encode())

    def read(self, seconds: float) -> None:
        """Take what is painted within some seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.terminal], [], [], left)[0]:
                self.seen += os.read(self.terminal, 1 << 16).decode(errors="replace")
                if len(self.seen) > 1 << 18:
                    self.seen = self.seen[-(1 << 16) :]

    def until(self, there: Callable[[], object]) -> None:
        """Read until something is there."""
        end = time.monotonic() + PATIENCE
        while not there():
            if time.monotonic() > end:
                raise TimeoutError(f"not painted: {self.seen[-500:]!r}")
            self.read(0.05)

    def cards(self) -> list[str]:
        """The orders named on the cards painted lately, the newest last."""
        return re.findall(r"Order no(\d{6})", self.seen.rpartition("shown")[2] or self.seen)

    def end(self, by: int) -> None:
        """End the program by a signal, and wait until it is gone."""
        os.kill(self.child, by)
        os.waitpid(self.child, 0)
        os.close(self.terminal)


def decisions(home: Path, after: int = 0) -> list[tuple[int, str, str, str, str]]:
    """(number, finding, example, action, time) of what stands in a ledger, as SQLite reads it."""
    db = sqlite3.connect(home / "ledger.db")
    query = "select decision_id, finding_id, example_id, action, decided_at from decision where decision_id > ? order by decision_id"
    try:
        return db.execute(query, (after,)).fetchall()
    finally:
        db.close()


def burst(home: Path, keys: int) -> int:
    """How many findings were decided exactly once, as their key said, of `keys` keys at 20 a second."""
    screens = Screens(home)
    began = time.monotonic()
    for number in range(keys):
        screens.press("ax"[number % 2])
        screens.read(max(0.0, began + (number + 1) / RATE - time.monotonic()))
    late = time.monotonic() - began - keys / RATE
    end = time.monotonic() + PATIENCE
    while len(decisions(home)) < keys and time.monotonic() < end:
        screens.read(0.1)
    behind = time.monotonic() - began - keys / RATE
    screens.end(signal.SIGTERM)
    rows = decisions(home)
    findings = [row[1] for row in rows]
    right = sum(row[3] == ("redact", "keep")[n % 2] for n, row in enumerate(rows))
    print(
        f"burst: {keys:,} keys, {len(rows):,} decisions on {len(set(findings)):,} findings, {right:,} as pressed; "
        f"sender {late:.2f} s late, last decision {behind:.2f} s after the last key",
        file=sys.stderr,
    )
    return right if len(set(findings)) == len(rows) == keys else min(right, len(set(findings)))


def killed_desk(home: Path, draw: random.Random, rows: int) -> bool:
    """Whether each act that was said to be on the disk is there whole, after a kill of the process."""
    before = max((row[0] for row in decisions(home)), default=0)
    words = [sys.executable, "-P", "-c", DECIDE, "anna", "0", str(rows), "1000000"]
    with subprocess.Popen(words, env=environment(home), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(draw.uniform(0, 0.15))
        child.send_signal(signal.SIGKILL)
        said = [line for line in (first + child.stdout.read()).split(b"\n")[:-1] if line]
    acts = [list(group) for _, group in itertools.groupby(decisions(home, before), key=lambda row: row[4])]
    whole = all(len(act) == (5 if n % 4 == 3 else 1) for n, act in enumerate(acts))
    return whole and len(said) <= len(acts) <= len(said) + 1 and opens(home)


def killed_screens(home: Path, draw: random.Random) -> bool:
    """Whether each decision after which the next card was painted is there, after a kill of the screens."""
    before = max((row[0] for row in decisions(home)), default=0)
    screens = Screens(home)
    shown: list[str] = []
    end = time.monotonic() + draw.uniform(0.05, 1.5)
    while time.monotonic() < end:
        screens.press("x")
        screens.read(draw.uniform(0, 1 / RATE))
        shown += [card for card in screens.cards() if card not in shown]
    screens.end(signal.SIGKILL)
    rows = decisions(home, before)
    examples = [row[2] for row in rows]
    twice = len(set(examples)) < len(examples)
    # whatever card was painted, the decisions on all before it are acknowledged
    return not twice and len(rows) >= len(shown) - 1 and opens(home)


def opens(home: Path) -> bool:
    """Whether the file is whole, and the product reads it."""
    db = sqlite3.connect(home / "ledger.db")
    try:
        return bool(db.execute("pragma quick_check").fetchall() == [("ok",)])
    finally:
        db.close()


def kills(base: Path, count: int, rows: int, screens_every: int) -> int:
    """After how many of `count` kills nothing was lost; some are of the screens in a pseudo-terminal."""
    draw = random.Random(SEED)
    good = 0
    for turn in range(count):
        if turn % 100 == 0:  # a new one, so that the ledger's size says nothing of the last thousand
            home = copy(base, f"killed-{turn}")
        of_screens = turn % screens_every == screens_every - 1
        # the screens on a copy of their own: where all is decided already, a key decides again on what is shown
        fine = (
            killed_screens(copy(base, f"screens-{turn}"), draw)
            if of_screens
            else killed_desk(home, draw, rows)
        )
        good += fine
        if not fine or turn % 50 == 49:
            print(f"kill {turn + 1} of {count}: {good} lossless", file=sys.stderr)
    json.loads(seatrial(home, "verify", "--json"))
    return good


def merged(base: Path, each: int, orders: int) -> int:
    """1 if two processes on one workspace lose nothing, and three people's journals merge alike in any order."""
    shared = copy(base, "shared")
    at_once = [("anna", 0, each, "redact"), ("ben", each // 2, each // 2 + each, "keep")]
    children = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", EACH, *map(str, words)], env=environment(shared, words[0])
        )
        for words in at_once
    ]
    if any(child.wait() for child in children):
        raise RuntimeError("one of two processes on a workspace failed")
    there = len(decisions(shared))
    alone = copy(base, "alone")
    words = [sys.executable, "-P", "-c", EACH, "carl", "0", str(each // 4), "drop"]
    subprocess.run(words, env=environment(alone, "carl"), check=True)
    files = []
    for home, who in ((shared, "anna"), (shared, "ben"), (alone, "carl")):
        files.append(base.parent / f"{who}.jsonl")
        seatrial(home, "journal", "export", "--by", who, "--to", str(files[-1]))
    states = set()
    ways = list(itertools.permutations(files))
    for turn, order in enumerate(list(dict.fromkeys([ways[0], ways[-1], *ways]))[:orders]):
        home = copy(base, f"merged-{turn}")
        for file in order:
            seatrial(home, "journal", "merge", str(file))
        seatrial(home, "journal", "merge", *map(str, reversed(order)))
        seatrial(home, "journal", "export", "--to", str(home / "all.jsonl"))
        differences = seatrial(home, "journal", "differences", "--json", "--limit", "0")
        states.add(((home / "all.jsonl").read_bytes(), differences))
    print(
        f"two processes: {there:,} of {2 * each:,} decisions there; {len(states)} state of {orders} orders, "
        f"{json.loads(differences)['total']:,} differences",
        file=sys.stderr,
    )
    return int(there == 2 * each and len(states) == 1)


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """The burst, then the kills, then the merges; in full about half an hour."""
    keys, count, each = (60, 3, 40) if quick else (10_000, 1_000, 5_000)
    with tempfile.TemporaryDirectory() as name:
        base = scanned(Path(name), keys + 20)
        recorded = burst(copy(base, "burst"), keys)
        small = base
        if not quick:
            (Path(name) / "small").mkdir()
            small = scanned(Path(name) / "small", 400)
        lossless = kills(small, count, 80 if quick else 400, 3 if quick else 20)
        equal = merged(base, each, 2 if quick else 6)
    figures: dict[str, float | None] = {
        "burst_sent": keys, "burst_recorded": recorded, "kills": count, "kills_lossless": lossless,
        "merge_orders_equal": equal,
    }  # fmt: skip
    return figures, {}, {}, keys
