"""Near duplicates of 1,000,000 documents, from the file to the rows that stay, beside rensa and datasketch.

All three read the same JSON lines in a process of their own and write what stays (ours: what goes).
The truth is made apart from the product: Python sets of five normalised words, the leader rule
(a row goes if it is near to an earlier one that stays) over each planted cluster; that no others are
near is looked at on a sample, by an exact join.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import unicodedata
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from benchmarks.dedup_corpus import documents, write

NAME = "dedup"
HELP = "near duplicates of 1,000,000 documents: speed beside rensa and datasketch, recall, memory"

THRESHOLD = 0.8
TIMES = 3
COLD_TIMES = 7
SAMPLE = 10_000  # documents on which no pair may be near that was not planted


class Spent(NamedTuple):
    """What a child process took."""

    wall: float
    user: float
    peak_mb: float


# The peak that the kernel tells of a program begins with that of the process which started it, and this
# one holds the corpus: so a small process starts it.
LAUNCHER = """
import json, os, sys, time
began = time.perf_counter()
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, used = os.wait4(pid, 0)
taken = time.perf_counter() - began
print(json.dumps([os.waitstatus_to_exitcode(status), taken, used.ru_utime, used.ru_maxrss / 1024]))
"""


def child(words: list[str]) -> Spent:
    """Run a program to its end; it must do well."""
    launched = [sys.executable, "-c", LAUNCHER, *words]
    told = subprocess.run(launched, stdout=subprocess.PIPE, check=True).stdout
    status, wall, user, peak_mb = json.loads(told)
    if status:
        raise RuntimeError(f"{' '.join(words)} ended with {status}")
    return Spent(wall, user, peak_mb)


def ours(source: Path, out: Path) -> Spent:
    """The public command."""
    return child([sys.executable, "-m", "tui", "dedup", str(source), "--dropped", str(out), "--overwrite"])


def peer(name: str, source: Path, out: Path) -> Spent:
    """A peer, in a process of its own."""
    return child([sys.executable, "-m", "benchmarks.dedup_peers", name, str(source), str(out)])


def have(name: str) -> bool:
    """Whether a peer is installed."""
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Five words each, of the text without case, marks at the ends of words, and kinds of characters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = re.sub(r"(?<!\w)[.,;:!?…]+|[.,;:!?…]+(?!\w)", " ", folded).split()
    return frozenset(tuple(words[at : at + 5]) for at in range(max(1, len(words) - 4)))


def index(left: frozenset[object], right: frozenset[object]) -> float:
    """Jaccard."""
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def judged(source: Path, out: Path) -> tuple[float, float]:
    """(recall, precision) of the rows that go, of all that should and of all that do."""
    gone = {row["row"] - 1: row["stays"] - 1 for row in map(json.loads, out.open())}
    clusters: dict[int, list[tuple[int, str]]] = {}
    with source.open() as file:
        for number, line in enumerate(file):
            row = json.loads(line)
            clusters.setdefault(row["cluster"], []).append((number, row["text"]))
    should, right = 0, 0
    hit = 0
    for members in clusters.values():
        if len(members) == 1:
            continue
        cut = {number: shingles(text) for number, text in members}
        stay: list[int] = []
        for number in cut:
            if any(index(cut[number], cut[other]) >= THRESHOLD for other in stay):
                should += 1
                hit += number in gone
            else:
                stay.append(number)
        right += sum(
            number in gone and gone[number] in cut and index(cut[number], cut[gone[number]]) >= THRESHOLD
            for number in cut
        )
    return hit / should, right / len(gone)


def unplanted(source: Path) -> int:
    """Pairs of the first SAMPLE documents that are near and of other clusters, by an exact join."""
    import itertools

    rows = [json.loads(line) for line in itertools.islice(source.open(), SAMPLE)]
    cut = [shingles(row["text"]) for row in rows]
    count: dict[tuple[str, ...], int] = {}
    for each in cut:
        for gram in each:
            count[gram] = count.get(gram, 0) + 1
    posted: dict[tuple[str, ...], list[int]] = {}
    near = 0
    for number, each in enumerate(cut):
        rare = sorted(each, key=lambda gram: (count[gram], gram))
        seen = set()
        for gram in rare[: len(rare) - int(-(-THRESHOLD * len(rare) // 1)) + 1]:
            for other in posted.get(gram, ()):
                if other not in seen:
                    seen.add(other)
                    strange = rows[other]["cluster"] != rows[number]["cluster"]
                    near += strange and index(each, cut[other]) >= THRESHOLD
            posted.setdefault(gram, []).append(number)
    return near


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Alternate ours and rensa; datasketch once, for it takes minutes."""
    count = 2_000 if quick else 1_000_000
    keys = (
        "wall_ratio_rensa",
        "wall_ratio_datasketch",
        "recall",
        "precision",
        "peak_mb",
        "growth",
        "cold_ratio_rensa",
    )
    figures: dict[str, float | None] = dict.fromkeys(keys)
    why = {key: "not in a quick run" for key in keys}
    peers = {name: version(name) for name in ("rensa", "datasketch") if have(name)}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        large, out = place / "large.jsonl", place / "out"
        write(large, documents(count, 80, 300, 0.15))
        warm = ours(large, out)
        say(f"ours, first: {warm}")
        figures["recall"], figures["precision"] = judged(large, out)
        figures["peak_mb"] = warm.peak_mb
        if unplanted(large):
            raise RuntimeError("the corpus has near pairs that were not planted")
        if not quick:
            _timed(place, large, out, figures, why, data)
    why = {key: reason for key, reason in why.items() if figures[key] is None}
    return figures, why, peers, count


def say(words: str) -> None:
    """Talk."""
    print(words, file=sys.stderr, flush=True)


def _timed(
    place: Path,
    large: Path,
    out: Path,
    figures: dict[str, float | None],
    why: dict[str, str],
    data: Path | None,
) -> None:
    """The figures that take minutes."""
    small, rows = place / "small.jsonl", place / "rows.jsonl"
    with large.open() as source, small.open("w") as target:
        target.writelines(line for _, line in zip(range(50_000), source, strict=False))
    own, theirs = [], []
    for _ in range(TIMES):
        own.append(ours(large, out))
        if have("rensa"):
            theirs.append(peer("rensa", large, out))
        say(f"1,000,000: ours {own[-1]}, rensa {theirs[-1:]}")
    wall = statistics.median(spent.wall for spent in own)
    figures["peak_mb"] = max(spent.peak_mb for spent in own)
    few = statistics.median(ours(small, out).wall for _ in range(TIMES))
    figures["growth"] = wall / few / 20
    say(f"50,000: ours {few:.2f} s")
    if theirs:
        figures["wall_ratio_rensa"] = statistics.median(spent.wall for spent in theirs) / wall
        figures["cold_ratio_rensa"] = _cold(rows, out, data)
    else:
        why["wall_ratio_rensa"] = why["cold_ratio_rensa"] = "rensa is not installed (extra bench)"
    if have("datasketch"):
        slow = peer("datasketch", large, out)
        say(f"1,000,000: datasketch {slow}")
        figures["wall_ratio_datasketch"] = slow.wall / wall


def _cold(rows: Path, out: Path, data: Path | None) -> float:
    """Rensa's time over ours on 52,000 instruction rows, each in a new process."""
    write(rows, instructions(data))
    own, theirs = [], []
    ours(rows, out)
    for _ in range(COLD_TIMES):
        own.append(ours(rows, out).wall)
        theirs.append(peer("rensa", rows, out).wall)
    say(f"52,000 instructions: ours {statistics.median(own):.3f} s, rensa {statistics.median(theirs):.3f} s")
    return statistics.median(theirs) / statistics.median(own)


def instructions(data: Path | None, count: int = 52_000):  # noqa: ANN201
    """Instruction rows: real ones as often as it takes, each time with another number; or made ones."""
    file = data / "alpaca_original" if data else None
    found = sorted(file.glob("*.json*")) if file and file.is_dir() else []
    real: list[str] = []
    for each in found:
        real += _instructions_of(each)
    if not real:
        yield from documents(count, 20, 110, 0.05)
        return
    for number in range(count):
        text = real[number % len(real)]
        yield number, text if number < len(real) else f"{text} {number // len(real)}"


def _instructions_of(path: Path) -> list[str]:
    """Prompt and answer of each row of an Alpaca file."""
    import gzip

    opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()  # noqa: SIM115
    with opened as file:
        read = json.load(file)
    if not isinstance(read, list):
        return []
    return [
        "\n".join(str(row.get(key) or "") for key in ("instruction", "input", "output"))
        for row in read
        if isinstance(row, dict)
    ]
