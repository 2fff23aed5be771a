"""Where hostile rows leave as text and files: what commands print, reports, exports, journals, logs."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.hostile_rows import CANARY, DIVIDED, TEXTS, half, short
from benchmarks.hostile_session import PROGRAM, Place
from benchmarks.hostile_terminal import acts

LONGEST = 240.0  # seconds of one command
ELEMENTS = (
    "html head meta title style body main header footer nav section article aside div span p a h1 h2 h3 h4 h5 h6"
    " table caption colgroup col thead tbody tfoot tr th td ul ol li dl dt dd pre code b i em strong small sub sup kbd"
    " mark abbr time figure figcaption details summary fieldset legend input label button br hr bdi"
    " svg g line circle path rect text polygon polyline desc defs use"
)
INERT = set(ELEMENTS.split())
FENCED = re.compile(
    r"^(`{3,})text\n.*?^\1$", re.MULTILINE | re.DOTALL
)  # code blocks of Markdown: text is text there
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printed(words: Sequence[str], folder: Path, environment: dict[str, str]) -> tuple[str, int]:
    """(all that a command writes to its terminal, its exit code)."""
    child, handle = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe(words[0], list(words), environment)
    parts = []
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        if not select.select([handle], [], [], 0.5)[0]:
            continue
        try:
            parts.append(os.read(handle, 1 << 16))
        except OSError:
            break
    else:
        os.kill(child, 9)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(handle)
    return b"".join(parts).decode("utf-8", "surrogateescape"), code


def command(name: str, words: Sequence[str], folder: Path, environment: dict[str, str]) -> Place:
    """One command: nothing in what it prints acts, and it ends by words, not by a fault."""
    place = Place(f"command: {name}", looked=1)
    out, code = printed([*PROGRAM, *words], folder, environment)
    place.acted = [f"{act.what} in {act.around}" for act in acts(out)]
    if code not in (0, 1, 2) or "Traceback (most recent" in out:
        place.crashed.append(f"exit code {code}: {out[-900:]}")
    place.told = f"exit code {code}, {len(out):,} characters"
    return place


def commands(name: str, source: str) -> list[tuple[str, list[str]]]:
    """(what, command line) of each command that prints what came from data or from the command line."""
    evil = f"[/foo]\x1b]52;c;Y2Fu\x07\u202e{CANARY}"
    read = ["import", source, "--label", "queue", "--group", "customer"]
    return [
        ("compare", ["compare", DIVIDED]),
        ("verdict", ["verdict"]),
        ("verdict, as data", ["verdict", "--json"]),
        ("report", ["report", "--to", "report"]),
        ("import", [*read, "--again"]),
        ("import, rejects", [*read, "--again", "--as", "again", "--rejects-to", "rejects.jsonl"]),
        ("import, no such file", ["import", evil]),
        ("import, no such column", ["import", source, "--label", evil]),
        ("import, broken", ["import", "broken.jsonl"]),
        ("unknown command", [evil]),
        ("unknown option", ["scan", f"--{evil}"]),
        ("unknown version", ["scan", evil]),
        ("no such workspace", ["log", "--workspace", evil]),
        ("scan, unknown check", ["scan", "--check", evil]),
        ("review", ["review", name, "--limit", "200"]),
        ("review, open", ["review", name, "--open", "--label", evil]),
        ("review, differ", ["review", name, "--differ", "--limit", "200"]),
        ("review, unknown", ["review", name, "--accept", evil]),
        ("review, export", ["review", name, "--export", "findings.jsonl"]),
        ("rows", ["rows", name, "--limit", "200"]),
        ("rows, as data", ["rows", name, "--limit", "200", "--json"]),
        ("rows, wrong filter", ["rows", name, "--where", f"label == {evil}", "--limit", "1"]),
        ("why", ["why", f"{source}:1"]),
        ("why, unknown", ["why", evil]),
        ("log", ["log", "--limit", "300"]),
        ("log, as data", ["log", "--limit", "300", "--json"]),
        ("verify", ["verify"]),
        ("agree", ["agree"]),
        ("edits", ["edits", name]),
        ("journal export", ["journal", "export", "--to", "journal.jsonl", "--with-edits"]),
        ("journal differences", ["journal", "differences", "--limit", "200"]),
        ("journal merge, broken", ["journal", "merge", "broken.jsonl"]),
        ("label status", ["label", "status", name]),
        ("label, unknown task", ["label", "status", name, "--task", evil]),
        ("label init", ["label", "init", name, "--set", "set.toml", "--task", "t", "--options", f"a,{evil.replace(',', '')}"]),
        ("rate", ["rate", "status"]),
        ("rate, unknown", ["rate", "status", "--baseline", evil]),
        ("score, unknown", ["score", evil]),
        ("predict, unknown", ["predict", name, "--arm", evil]),
        ("train, unknown", ["train", evil]),
        ("dedup", ["dedup", "plain.jsonl", "--text", "messages", "--dropped", "dropped.jsonl"]),
        ("dedup, no such field", ["dedup", "plain.jsonl", "--text", evil]),
        ("coverage", ["coverage", "plain", "--inputs", "plain.jsonl", "--encoder", "none", "--texts"]),
        ("session write", ["session", "write", "plain", "--to", "session"]),
        ("purge", ["purge", name]),
        ("vault, no such file", ["vault", "show", evil]),
        ("curate, hostile recipe", ["curate", "recipe.toml"]),
        ("scan", ["scan", "plain", "--check", "structure", "--check", "near-duplicate", "--check", "quality", "--encoder", "none"]),
        ("apply", ["apply", "plain", "--safe"]),
        # each row has a label of its own, which leaves nothing to stratify by
        ("split", ["split", "plain", "--allow-blocking", "--by", ""]),
        ("leaks", ["leaks", "plain", "--encoder", "none"]),
        ("help", ["--help"]),
    ]  # fmt: skip


QUICK = ("import", "import, broken", "unknown command", "review", "rows", "why", "report")


def files(folder: Path) -> None:
    """What the commands read beside the rows: rows without names, broken lines, a recipe."""
    rows = [
        {"messages": [{"role": "user", "content": f"row {i} {text[:20_000]}"}, {"role": "assistant", "content": f"{text[:20_000]} indeed"}], "queue": short(text) or "empty"}
        for i, text in enumerate(TEXTS.values()) if not half(text)
    ]  # fmt: skip
    (folder / "plain.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="ascii")
    broken = [text.replace("\n", " ") for text in TEXTS.values() if not half(text) and len(text) < 20_000]
    broken += [json.dumps({"messages": [{"role": text, "content": text}]}) for text in broken[:40]]
    broken += [json.dumps({text: text, "messages": text}) for text in broken[:40]]
    (folder / "broken.jsonl").write_text("\n".join(broken) + "\n", encoding="utf-8", newline="")
    (folder / "recipe.toml").write_text(f'["\\u001b]0;{CANARY}\\u0007[/foo]"]\nx = 1\n', encoding="utf-8")


class _Page(HTMLParser):
    """Elements and attributes of a page that no report of ours has."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []
        self.elements = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements += 1
        if tag not in INERT:
            self.foreign.append(f"<{tag}>")
        for name, value in attrs:
            away = name in ("href", "src", "action", "xlink:href") and not (value or "#").startswith("#")
            if name.startswith("on") or away or CANARY in name:
                self.foreign.append(f"<{tag} {name}={value!r}>")


def reports(folder: Path) -> list[Place]:
    """HTML, Markdown and JSON of the comparison: nothing acts, and no element comes from data."""
    places = []
    for ending in ("html", "md", "json"):
        path = folder / f"report.{ending}"
        place = Place(f"report: {ending}", looked=1)
        if not path.is_file():
            place.crashed.append("it was not written")
            places.append(place)
            continue
        text = path.read_text(encoding="utf-8")
        if ending != "json":  # JSON is data: there the texts are as they are
            place.acted = [f"{act.what} in {act.around}" for act in acts(text)]
        if ending == "html":
            page = _Page()
            page.feed(text)
            place.acted += page.foreign
            place.told = f"{page.elements:,} elements"
            places.append(browsed(path))
        elif ending == "json":
            json.loads(text)
        elif (
            "](http" in (said := FENCED.sub("", text))
            or "](java" in said
            or "<script" in said
            or "<img" in said
        ):
            place.acted.append("a link or an element in Markdown")
        places.append(place)
    return places


def browsed(path: Path) -> Place:
    """The page in a browser, where there is one: what would run sets the title."""
    place = Place("report: html in a browser")
    browser = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)
    if browser is None:
        place.told = "no browser here"
        return place
    with tempfile.TemporaryDirectory() as profile:
        words = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", f"--user-data-dir={profile}", "--dump-dom", path.as_uri()]  # fmt: skip
        done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)
    place.looked = 1
    if done.returncode != 0:
        place.crashed.append(done.stderr[-500:])
    if f"<title>{CANARY}" in done.stdout or "<script" in done.stdout.lower():
        place.acted.append("a script ran or came to be")
    return place


def exports(folder: Path, environment: dict[str, str]) -> list[Place]:
    """Each format, written and read back: data is unchanged, cells are no formulas, names act nowhere."""
    from curate.runs.export import FORMATS

    wanted = [json.loads(line) for line in (folder / "plain.jsonl").read_text(encoding="ascii").splitlines()]
    places = []
    for form in FORMATS:
        words = ["export", "raw", "--to", f"out-{form}", "--format", form, "--allow-blocking"]
        place = command(f"export {form}", words, folder, environment)
        place.name = f"export: {form}"
        out = folder / f"out-{form}"
        if out.is_dir():
            place.crashed += [f"{form}: {said}" for said in READ[form](out, wanted)]
            card = next(out.rglob("*.card.md"), None)
            if card is not None:
                place.acted += [f"card: {act.what} in {act.around}" for act in acts(card.read_text("utf-8"))]
        else:
            place.crashed.append(f"nothing was written: {place.told}")
        places.append(place)
    return places


def _answers(
    out: Path, wanted: list[dict[str, Any]], texts: Callable[[dict[str, Any]], tuple[str, ...]]
) -> list[str]:
    """Whether the texts of JSON rows are those that came in, in their order."""
    path = next(p for p in sorted(out.rglob("*.json*")) if p.name != "dataset_info.json")
    read = path.read_text(encoding="utf-8")
    # a line ends at a line feed only: U+2028 and its like are data
    rows = (
        [json.loads(line) for line in read.split("\n") if line]
        if path.suffix == ".jsonl"
        else json.loads(read)
    )
    return _equal([texts(row) for row in rows], [_said(row) for row in wanted])


def _said(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(message["content"] for message in row["messages"])


def _equal(found: list[tuple[str, ...]], wanted: list[tuple[str, ...]]) -> list[str]:
    if len(found) != len(wanted):
        return [f"{len(wanted)} rows came in, {len(found)} went out"]
    return [f"row {i} is {a!r:.200}, and was {b!r:.200}" for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b]  # fmt: skip


def _csv(out: Path, wanted: list[dict[str, Any]]) -> list[str]:
    """No cell begins as a formula does; without the guard each is what came in."""
    csv.field_size_limit(1 << 30)
    with next(out.rglob("*.csv")).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    broken = [i for i, row in enumerate(rows) if None in row or None in row.values()]
    if broken:
        return [f"row {broken[0]} has other columns: {str(rows[broken[0]])[:300]}"]
    cells = [cell for row in rows for cell in row.values()]
    wrong = [f"a cell is a formula: {cell!r:.80}" for cell in cells if cell.startswith(FORMULA)]
    found = [tuple(_bare(row[name]) for name in ("text", "answer", "label")) for row in rows]
    return wrong + _equal(found, [(*_said(row), row["queue"]) for row in wanted])


def _bare(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell


def _parquet(out: Path, wanted: list[dict[str, Any]]) -> list[str]:
    rows = pl.read_parquet(next(out.rglob("*.parquet")))
    return _equal([tuple(m["content"] for m in row) for row in rows["messages"].to_list()], [_said(row) for row in wanted])  # fmt: skip


def _saved(out: Path, wanted: list[dict[str, Any]]) -> list[str]:
    import datasets

    rows = datasets.load_from_disk(str(next(p.parent for p in out.rglob("state.json"))))
    return _equal([_prompted(row) for row in rows], [_said(row) for row in wanted])


def _prompted(row: dict[str, Any]) -> tuple[str, ...]:
    """The texts of a row with `messages`, or with `prompt` and `completion`."""
    messages = row.get("messages") or [*row["prompt"], *row["completion"]]
    return tuple(message["content"] for message in messages)


def _shared(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(turn["value"] for turn in row["conversations"])


READ: dict[str, Callable[[Path, list[dict[str, Any]]], list[str]]] = {
    "original": lambda out, wanted: _answers(out, wanted, _said),
    "openai": lambda out, wanted: _answers(out, wanted, _said),
    "trl": lambda out, wanted: _answers(out, wanted, _prompted),
    "axolotl": lambda out, wanted: _answers(out, wanted, _said),
    "llamafactory": lambda out, wanted: _answers(out, wanted, _shared),
    "alpaca": lambda out, wanted: _answers(out, wanted, lambda row: (row["instruction"], row["output"])),
    "sharegpt": lambda out, wanted: _answers(out, wanted, _shared),
    "csv": _csv,
    "datasets": _saved,
    "parquet": _parquet,
}


def written(folder: Path) -> list[Place]:
    """Files that are read by people as they are: what the screens leave when they fail, and journals."""
    places = []
    for name, path in (("log: screens-error.log", folder / ".seatrial" / "screens-error.log"),):
        if path.is_file():
            place = Place(name, looked=1)
            place.acted = [f"{act.what} in {act.around}" for act in acts(path.read_text("utf-8"))]
            places.append(place)
    for name in ("journal.jsonl", "findings.jsonl", "rejects.jsonl", "dropped.jsonl"):
        path = folder / name
        place = Place(f"file: {name}", looked=int(path.is_file()))
        if path.is_file():
            try:
                for line in path.read_text("utf-8").split("\n"):
                    json.loads(line or "null")
            except ValueError as error:
                place.crashed.append(f"it is not JSON lines: {error}")
            raw = {c for c in path.read_text("utf-8") if c < " " and c != "\n"}
            place.acted += [f"a raw {c!a}" for c in raw]
        places.append(place)
    return places
