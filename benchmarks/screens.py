"""A million rows on the screen, beside two table widgets, each in a real pseudo-terminal.

Ours is `seatrial rows`, from the start of the process; the peers are the smallest apps that show the
same columns of the same file, by their documented means. First paint is when the first row's own words
have reached the terminal. A key is painted when the last byte that it caused has.
"""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from fcntl import ioctl
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import polars as pl

NAME = "screens"
HELP = "1,000,000 rows: first paint, memory, key to painted, bytes a key; beside two table widgets"
COLUMNS, LINES = 120, 36
PATIENCE = 300.0  # seconds until something that must be painted has failed to
QUIET = 0.08  # seconds without a byte after which a key is done
OPENINGS = 5
MOVES, PAGES, CARDS = 300, 60, 200  # keys of each kind
SEED = 7
PEER = "textual-fastdatatable>=0.19,<0.20"  # an environment of its own: it may want another Textual

LABELS = """[tasks.queue]
instructions = "Who is to answer?"
options = ["billing", "delivery", "stock", "returns"]
suggest = "none"
retrain = 0
"""

PEERS = {
    "datatable": """
import sys, polars as pl
from textual.app import App
from textual.widgets import DataTable
class Peer(App):
    def compose(self):
        yield DataTable(cursor_type="row")
    def on_mount(self):
        table = self.query_one(DataTable)
        rows = pl.read_parquet(sys.argv[1])
        table.add_columns(*rows.columns)
        table.add_rows(rows.iter_rows())
        table.focus()
Peer().run()
""",
    "fastdatatable": """
import sys
from textual.app import App
from textual_fastdatatable import DataTable
class Peer(App):
    def compose(self):
        yield DataTable(data=sys.argv[1], cursor_type="row", render_markup=False)
Peer().run()
""",
}


class Opened(NamedTuple):
    """How a program opened: seconds to its first paint, CPU seconds till then, megabytes at the highest."""

    seconds: float
    cpu: float
    megabytes: float


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, words: list[str], home: Path) -> None:
        settings = {
            "SEATRIAL_HOME": str(home), "SEATRIAL_REVIEWER": "anna", "TERM": "xterm-256color",
            "COLORTERM": "truecolor", "LANG": "C.UTF-8", "XDG_CONFIG_HOME": str(home / "config"),
            "COLUMNS": str(COLUMNS), "LINES": str(LINES), "TEXTUAL_ANIMATIONS": "none",
        }  # fmt: skip
        self.began = time.perf_counter()
        self.child, self.handle = pty.fork()
        if self.child == 0:
            os.execvpe(words[0], words, {**os.environ, **settings})
        ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.seen = b""

    def _more(self, seconds: float) -> bytes:
        """What arrives within some seconds; empty if nothing does."""
        if not select.select([self.handle], [], [], seconds)[0]:
            return b""
        got = os.read(self.handle, 1 << 16)
        self.seen = (self.seen + got)[-(1 << 18) :]
        return got

    def until(self, wanted: bytes) -> float:
        """Seconds from the start until something is painted."""
        while wanted not in self.seen:
            if time.perf_counter() - self.began > PATIENCE:
                raise TimeoutError(f"not painted: {wanted!r}; {self.seen[-300:]!r}")
            self._more(0.5)
        return time.perf_counter() - self.began

    def rest(self, seconds: float = 0.5) -> None:
        """Read until nothing has come for a while."""
        while self._more(seconds):
            pass

    def press(self, key: bytes) -> tuple[float, int]:
        """(milliseconds to the last byte that a key caused, bytes); not a number where there was none."""
        began = last = time.perf_counter()
        os.write(self.handle, key)
        total = 0
        wait = 2.0
        while got := self._more(wait):
            last, total, wait = time.perf_counter(), total + len(got), QUIET
        return ((last - began) * 1e3 if total else float("nan")), total

    def cost(self) -> tuple[float, float]:
        """(CPU seconds so far, megabytes resident at the highest)."""
        fields = Path(f"/proc/{self.child}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{self.child}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), peak / 1024

    def close(self) -> None:
        """End the program and wait until it is gone."""
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.handle)


class Keys(NamedTuple):
    """What keys of one kind cost."""

    milliseconds: list[float]
    sizes: list[int]

    @property
    def p95(self) -> float:
        """Milliseconds that 95 of 100 keys take at most."""
        ordered = sorted(self.milliseconds)
        return ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]

    @property
    def bytes(self) -> float:
        """Bytes of a key, on the mean."""
        return statistics.fmean(self.sizes)


def build(home: Path, count: int, findings: int) -> tuple[str, bytes]:
    """A workspace with `count` rows, the first of them with findings; (digest, first row's first words).

    Texts are those of benchmarks.rows, 100,000 of them distinct and then again with a number before.
    """
    from benchmarks.rows import rows
    from curate.example import frame, with_ids
    from curate.finding import stamp
    from curate.workspace import Workspace

    parts = []
    source = rows(min(count, 100_000), SEED)
    while chunk := list(islice(source, 20_000)):
        made = [
            {
                "messages": [
                    {**m, "name": None, "tool_calls": None, "tool_call_id": None}  # type: ignore[dict-item]
                    for m in row["messages"]  # type: ignore[attr-defined]
                ],
                "label": row["queue"], "group": row["customer"], "source": "rows.jsonl",
                "source_row": int(str(row["ticket"])) + 1, "meta": json.dumps({"ticket": row["ticket"]}),
            }
            for row in chunk
        ]  # fmt: skip
        parts.append(with_ids(frame(made), [str(row["source_row"]) for row in made]))
    some = pl.concat(parts)
    field = pl.element().struct.field
    again = [some]
    for turn in range(1, -(-count // some.height)):
        content = pl.concat_str(pl.lit(f"{turn}: "), field("content"))
        message = pl.struct(field("role"), content.alias("content"), field("name"), field("tool_calls"), field("tool_call_id"))  # fmt: skip
        again.append(
            some.with_columns(
                pl.col("messages").list.eval(message),
                pl.concat_str(pl.lit(f"{turn:02d}"), pl.col("example_id").str.tail(30)).alias("example_id"),
                (pl.col("source_row") + turn * some.height).cast(pl.UInt32),
            )
        )
    table = pl.concat(again).head(count)
    workspace = Workspace(home)
    with workspace.run("import", {"source": "rows.jsonl"}, {}) as run:
        run.outputs["dataset"] = digest = workspace.put_dataset(table)
    workspace.ledger.set_name("rows", digest)
    first = table.head(findings)
    found = first.select("example_id").with_columns(
        label=pl.lit("EMAIL_ADDRESS"), message=pl.lit(0), field=pl.lit("content"), start=pl.lit(0),
        end=pl.lit(12), score=pl.lit(0.5), action=pl.lit("redact"), blocking=pl.lit(value=True),
    )  # fmt: skip
    hashes = dict(first.select("example_id", "content_hash").iter_rows())
    with workspace.run("scan", {"pii": {}}, {"dataset": digest}) as run:
        run.outputs["findings"] = workspace.put_table(
            "findings", stamp(found, hashes, check="pii", version=1)
        )
    workspace.close()
    return digest, str(table["messages"][0][0]["content"])[:24].encode()


def peer_file(home: Path, digest: str, to: Path) -> None:
    """The columns that the list shows, as a file of their own, for the peers."""
    from curate.workspace.store import DATASET

    rows = pl.scan_parquet(home / "artifacts" / digest / DATASET)
    text = pl.col("messages").list.get(0).struct.field("content").str.head(120)
    rows.select(text.alias("text"), "source_row", "label", "group", "source").collect().write_parquet(to)


def opening(words: list[str], home: Path, first: bytes, times: int) -> Opened:
    """The median of several openings."""
    runs = []
    for _ in range(times):
        terminal = Terminal(words, home)
        try:
            seconds = terminal.until(first)
            cpu, _ = terminal.cost()
            terminal.rest()
            runs.append(Opened(seconds, cpu, terminal.cost()[1]))
        finally:
            terminal.close()
    return Opened(*(statistics.median(values) for values in zip(*runs, strict=True)))


def typed(terminal: Terminal, keys: Callable[[int], bytes], count: int) -> Keys:
    """Press `count` keys, each when the one before is painted."""
    terminal.rest()
    found = [terminal.press(keys(number)) for number in range(count)]
    painted = [(ms, size) for ms, size in found if size]
    if len(painted) < count * 0.9:
        raise RuntimeError(f"{len(painted)} of {count} keys painted anything")
    return Keys([ms for ms, _ in painted], [size for _, size in painted])


def keys_of_lists(home: Path, ours: list[str], first: bytes, few: bool) -> tuple[Keys, Keys, float]:
    """(steps, pages, megabytes at the end): keys on the list, at the top, then all over the file."""
    terminal = Terminal(ours, home)
    try:
        terminal.until(first)
        steps = typed(terminal, lambda n: b"k" if n % 40 > 30 else b"j", 20 if few else MOVES)
        terminal.press(b"G")
        pages = typed(terminal, lambda n: b"\x1b[5~", 5 if few else PAGES)
        return steps, pages, terminal.cost()[1]
    finally:
        terminal.close()


def keys_of_cards(home: Path, few: bool) -> Keys:
    """Decisions on the card of one finding after the other."""
    terminal = Terminal([sys.executable, "-P", "-m", "tui"], home)
    try:
        terminal.until(b"open findings")
        terminal.rest()
        os.write(terminal.handle, b"\r")
        terminal.until(b" shown")
        terminal.rest()
        os.write(terminal.handle, b"\r")
        terminal.until(b"Accept")
        return typed(terminal, lambda n: b"ax"[n % 2 : n % 2 + 1], 15 if few else CARDS)
    finally:
        terminal.close()


def keys_of_answers(home: Path, few: bool) -> tuple[Keys, float, float]:
    """(keys, seconds until the first row is there, megabytes): one answer of four after the other."""
    (home / "labels.toml").write_text(LABELS, encoding="utf-8")
    terminal = Terminal([sys.executable, "-P", "-m", "tui"], home)
    try:
        terminal.until(b"open findings")
        terminal.rest()
        began = time.perf_counter()
        os.write(terminal.handle, b"L")
        terminal.until(b"Who is to answer?")
        opened = time.perf_counter() - began
        keys = typed(terminal, lambda n: b"1234"[n % 4 : n % 4 + 1], 15 if few else CARDS)
        return keys, opened, terminal.cost()[1]
    finally:
        terminal.close()


def looked_through(home: Path) -> float:
    """Wall seconds of a filter and words over all rows, in the shell."""
    words = [sys.executable, "-P", "-m", "tui", "rows", "--limit", "1", "--words", "ba da", "--where", 'label == "stock"']  # fmt: skip
    began = time.perf_counter()
    subprocess.run(words, env={**os.environ, "SEATRIAL_HOME": str(home)}, check=True, capture_output=True)
    return time.perf_counter() - began


def own_python(folder: Path) -> tuple[Path, str]:
    """(a Python that has PEER and nothing of ours, the release that it has); raises CalledProcessError."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", PEER], check=True, capture_output=True, text=True)
    asked = "from importlib.metadata import version as v; print(v('textual-fastdatatable'), 'with Textual', v('textual'))"
    told = subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True)
    return python, told.stdout.strip()


def beside(
    file: Path, home: Path, first: bytes, cpu: float
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str]]:
    """(figures, why some are null, versions) of the peers on the same rows."""
    figures: dict[str, float | None] = {}
    why: dict[str, str] = {}
    versions: dict[str, str] = {}
    for name, source in PEERS.items():
        keys = [f"{name}_{part}" for part in ("first_paint_seconds", "cpu_seconds", "peak_mb")]
        python = Path(sys.executable)
        if name == "datatable":
            versions["textual"] = version("textual")
        else:
            try:
                python, versions["textual-fastdatatable"] = own_python(file.parent / "peer-venv")
            except subprocess.CalledProcessError as error:
                ended = str(error.stderr or "").strip().rpartition("\n")[2][:200]
                nulls = [*keys, f"ratio_{name}"]
                figures |= dict.fromkeys(nulls)
                why |= dict.fromkeys(nulls, f"{PEER} could not be installed: {ended}")
                continue
        once = opening([str(python), "-P", "-c", source, str(file)], home, first[:12], 1)
        print(f"{name}: {once}", file=sys.stderr)
        figures |= dict(zip(keys, (once.seconds, once.cpu, once.megabytes), strict=True))
        figures[f"ratio_{name}"] = once.cpu / cpu
    return figures, why, versions


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Open, type and measure; the peers once each, on the same rows."""
    count = 5_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "workspace"
        digest, first = build(home, count, 300)
        ours = [sys.executable, "-P", "-m", "tui", "rows"]
        once = opening(ours, home, first, 1 if quick else OPENINGS)
        steps, pages, peak = keys_of_lists(home, ours, first, quick)
        cards = keys_of_cards(home, quick)
        answers, opened, most = keys_of_answers(home, quick)
        kinds = {"step": steps, "page": pages, "decision": cards, "answer": answers}
        for kind, keys in kinds.items():
            print(
                f"{kind}: p50 {statistics.median(keys.milliseconds):.1f} ms, p95 {keys.p95:.1f} ms, {keys.bytes:.0f} bytes, n {len(keys.sizes)}",
                file=sys.stderr,
            )
        figures: dict[str, float | None] = {
            "first_paint_seconds": once.seconds,
            "first_paint_cpu_seconds": once.cpu,
            "peak_mb": max(once.megabytes, peak),
            # of the worst kind of keys; a page of the list is all new, so its bytes stand apart
            "key_p95_ms": max(kind.p95 for kind in kinds.values()),
            "bytes_per_key": max(kind.bytes for kind in (steps, cards, answers)),
            "step_p95_ms": steps.p95, "step_bytes": steps.bytes,
            "page_p95_ms": pages.p95, "page_bytes": pages.bytes,
            "decision_p95_ms": cards.p95, "decision_bytes": cards.bytes,
            "answer_p95_ms": answers.p95, "answer_bytes": answers.bytes,
            "label_open_seconds": opened, "label_peak_mb": most,
            "look_through_seconds": looked_through(home),
            "ratio_datatable": None, "ratio_fastdatatable": None,
        }  # fmt: skip
        if quick:
            why = "the peers take minutes; only in a full run"
            return figures, {"ratio_datatable": why, "ratio_fastdatatable": why}, {}, count
        file = Path(name) / "peer.parquet"
        peer_file(home, digest, file)
        more, why, versions = beside(file, home, first, once.cpu)
    return figures | more, why, versions, count
