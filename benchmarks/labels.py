"""Wrong labels and altered answers, planted and found again by the public checks as a user gets them."""

from __future__ import annotations

import csv
import gzip
import json
import random
import re
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from curate.check import Check
from curate.checks.contradiction import Contradiction
from curate.checks.wrong_label import WrongLabel
from curate.example import frame, with_ids
from curate.scanning.confident import find_label_issues
from curate.scanning.embedding import Encoder, Vectors, find_encoder
from curate.scanning.scan import scan

NAME = "labels"
HELP = "3 % wrong labels (uniform, to near classes) and altered answers: average precision of what is found"

SHARE = 0.03
ALTERED = 130
SEEDS = (0, 1, 2)
KEYS = ("ap_uniform", "ap_confusable", "p_at_100_uniform", "ap_answers")
_RESULT = re.compile(r"####\s*(-?[\d,.]+)")
THINGS = "card loan rent phone parcel ticket refund invoice lamp garden".split()  # noqa: SIM905
DEEDS = "lost broken late blocked charged renewed changed missing cancelled delivered".split()  # noqa: SIM905
NAMES = "Ada Ben Cleo Dora Emil Fay Gus Hana Ivo June".split()  # noqa: SIM905

Figures = dict[str, float | None]
Pair = tuple[str, str]  # question and answer, or text and label


class Store:
    """One store of vectors for all runs, so that a text is encoded once."""

    def __init__(self) -> None:
        self.kept: dict[str, Vectors] = {}

    def __call__(self, encoder: Encoder) -> Vectors:
        """The vectors of an encoder."""
        return self.kept.setdefault(encoder.fingerprint, Vectors(encoder))


def average_precision(true: Sequence[bool], planted: int) -> float:
    """Of a ranking: the mean precision at each true one, over all planted; one not found counts 0."""
    hits, total = 0, 0.0
    for place, hit in enumerate(true, start=1):
        if hit:
            hits += 1
            total += hits / place
    return total / planted


def found(rows: Sequence[Pair], check: Check, store: Store, *, labelled: bool) -> pl.DataFrame:
    """The findings on the rows, the surest first, with row numbers `at` and `other`."""
    made: list[dict[str, object]] = []
    for number, (text, said) in enumerate(rows, start=1):
        turns = [{"role": "user", "content": text}]
        if not labelled:
            turns.append({"role": "assistant", "content": said})
        full = [{"name": None, "tool_calls": None, "tool_call_id": None, **turn} for turn in turns]
        row = {"messages": full, "label": said if labelled else None, "meta": "{}"}
        made.append({**row, "source": "planted", "source_row": number})
    examples = with_ids(frame(made), [str(at) for at in range(len(made))])
    at = examples.select("example_id").with_row_index("at")
    findings = scan(examples, [check], vectors=store).findings.sort(
        "score", descending=True, maintain_order=True
    )
    return findings.join(at, on="example_id", maintain_order="left").join(
        at.rename({"example_id": "other_id", "at": "other"}), on="other_id", how="left", maintain_order="left"
    )


def wrong_labels(
    rows: Sequence[Pair], kind: str, seed: int, near: dict[str, list[str]]
) -> tuple[list[Pair], set[int]]:
    """The rows with 3 % of the labels changed: to any other, or to one of the 3 classes nearest."""
    draw = random.Random(seed)
    chosen = draw.sample(range(len(rows)), round(SHARE * len(rows)))
    changed = list(rows)
    for at in chosen:
        text, label = rows[at]
        choice = near[label][:3] if kind == "confusable" else [other for other in near if other != label]
        changed[at] = (text, draw.choice(sorted(choice)))
    return changed, set(chosen)


def nearest_classes(rows: Sequence[Pair], store: Store) -> dict[str, list[str]]:
    """The other classes of each, the nearest first: by the centres of their vectors, or of their words."""
    encoder = find_encoder("auto")
    texts = [text for text, _ in rows]
    if encoder is not None:
        vectors = store(encoder).of(texts)
    else:
        from curate.scanning.terms import terms_of, topics_of

        vectors = topics_of(terms_of(texts))
    names = sorted({label for _, label in rows})
    codes = np.array([names.index(label) for _, label in rows])
    centres = np.stack([vectors[codes == code].mean(axis=0) for code in range(len(names))])
    near = centres @ centres.T
    np.fill_diagonal(near, -9)
    return {name: [names[at] for at in np.argsort(-near[code])] for code, name in enumerate(names)}


def altered_answers(rows: Sequence[Pair], seed: int, count: int) -> tuple[list[Pair], set[int]]:
    """The rows with the result of some changed to another number."""
    draw = random.Random(seed)
    chosen = sorted(draw.sample(range(len(rows)), count))
    changed = list(rows)
    for at in chosen:
        question, answer = rows[at]
        said = _RESULT.search(answer)
        assert said is not None, question
        value = float(said[1].replace(",", "").rstrip("."))
        other = value * 2 + 1 if draw.random() < 0.3 else value + draw.choice((1, 2, 5, 10, -1, -3))
        changed[at] = (question, f"{answer[: said.start()]}#### {other:g}")
    return changed, set(chosen)


def intents(data: Path | None, quick: bool) -> list[Pair]:
    """Texts with their label: banking77's training rows, or made ones."""
    if data is not None and not quick:
        with (data / "banking77" / "train.csv").open(encoding="utf-8", newline="") as file:
            return [(row["text"], row["category"]) for row in csv.DictReader(file)]
    draw = random.Random(7)
    made = []
    for _ in range(150 if quick else 4_000):
        thing, deed = draw.choice(THINGS), draw.choice(DEEDS[: 3 if quick else 10])
        words = ["my", thing, draw.choice(("was", "is", "got", "seems")), deed]
        extra = [
            draw.choice(("please", "again", "today", "why", "help", "since monday"))
            for _ in range(draw.randint(0, 3))
        ]
        made.append(
            (" ".join([*extra, *words, draw.choice(THINGS), str(draw.randint(1, 9))]), f"{thing}-{deed}")
        )
    return made


def problems(data: Path | None, quick: bool) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """(questions, the same in other words, other questions), each with its answer."""
    if data is not None and not quick:
        folder = data / "gsm8k"
        test = [json.loads(line) for line in (folder / "test.jsonl").read_text(encoding="utf-8").splitlines()]
        with gzip.open(folder / "train.jsonl.gz", "rt", encoding="utf-8") as file:
            train = [json.loads(line) for line in file]
        again = []
        for line in (folder / "rephrase_gsm8k.jsonl").read_text(encoding="utf-8").splitlines():
            question, _, answer = json.loads(line)["text"].rpartition("\nAnswer:")
            again.append((question.removeprefix("Question: ").strip(), answer.strip()))
        return (
            [(r["question"], r["answer"]) for r in test],
            again,
            [(r["question"], r["answer"]) for r in train],
        )
    draw = random.Random(11)
    test, again = [], []
    for at in range(30 if quick else 600):
        name, thing, one, two = NAMES[at % 10], draw.choice(THINGS), draw.randint(3, 99), draw.randint(3, 99)
        answer = f"#### {one + two}"
        test.append(
            (f"{name} buys {one} of {thing} and then {two} more. How many has {name} got in all?", answer)
        )
        again.append(
            (f"After getting {one} {thing} items, {name} adds {two}. What is the total of {name}?", answer)
        )
    return test, again, []


def labels_found(rows: list[Pair], seeds: Sequence[int], store: Store) -> Figures:
    """Both kinds of wrong labels, by one check with its defaults; means over the seeds."""
    near = nearest_classes(rows, store)
    kept: dict[str, list[float]] = {"uniform": [], "confusable": [], "at_100": []}
    for seed in seeds:
        for kind in ("uniform", "confusable"):
            changed, planted = wrong_labels(rows, kind, seed, near)
            ranked = found(changed, WrongLabel(), store, labelled=True).filter(
                pl.col("label") != "rare-label"
            )
            true = [at in planted for at in ranked["at"]]
            kept[kind].append(average_precision(true, len(planted)))
            print(f"{kind} seed {seed}: {kept[kind][-1]:.4f}, {len(true)} reported", file=sys.stderr)
            if kind == "uniform":
                kept["at_100"].append(sum(true[:100]) / min(100, len(planted)))
    return {
        "ap_uniform": round(statistics.mean(kept["uniform"]), 4),
        "ap_confusable": round(statistics.mean(kept["confusable"]), 4),
        "p_at_100_uniform": round(statistics.mean(kept["at_100"]), 4),
    }


def answers_found(data: Path | None, quick: bool, seeds: Sequence[int], store: Store) -> Figures:
    """Altered answers, with the encoder that is there and without one; means over the seeds."""
    test, again, others = problems(data, quick)
    scores: dict[str, list[float]] = {"ap_answers": [], "ap_answers_no_encoder": []}
    for seed in seeds:
        changed, planted = altered_answers(again, seed, ALTERED if len(again) > 1_000 else len(again) // 10)
        far = len(test) + len(others)
        for key, encoder in (("ap_answers", "auto"), ("ap_answers_no_encoder", "none")):
            if encoder == "none" and seed != seeds[0]:
                continue
            ranked = found([*test, *others, *changed], Contradiction(encoder=encoder), store, labelled=False)
            true = [
                max(one, two) - far == min(one, two) and min(one, two) in planted
                for one, two in ranked.select("at", "other").iter_rows()
            ]
            scores[key].append(average_precision(true, len(planted)))
            print(f"{key} seed {seed}: {scores[key][-1]:.4f}, {len(true)} reported", file=sys.stderr)
    return {key: round(statistics.mean(found), 4) for key, found in scores.items()}


def imdb(data: Path) -> tuple[Figures, dict[str, str]]:
    """The published counts of label errors in IMDB's test part, by confident learning; and the peer's."""
    folder = data / "label_errors_imdb"
    chances = np.load(folder / "imdb_test_set_pyx.npy", allow_pickle=False)
    given = np.load(folder / "imdb_test_set_original_labels.npy", allow_pickle=False).astype(np.int64)
    votes = json.loads((folder / "imdb_mturk.json").read_text(encoding="utf-8"))
    figures: Figures = {
        "imdb_flagged": len(find_label_issues(given, chances)),
        "imdb_published": len(votes),
        "imdb_not_upheld": sum(vote["mturk"]["given"] < 3 for vote in votes),
        "imdb_flagged_cleanlab": None,
        "imdb_same_as_cleanlab": None,
    }
    try:
        import cleanlab
        from cleanlab.filter import find_label_issues as peer
    except ModuleNotFoundError:
        return figures, {}
    theirs = set(np.flatnonzero(peer(given, chances / chances.sum(axis=1, keepdims=True), n_jobs=1)).tolist())
    figures["imdb_flagged_cleanlab"] = len(theirs)
    figures["imdb_same_as_cleanlab"] = len(theirs & set(find_label_issues(given, chances).tolist()))
    return figures, {"cleanlab": cleanlab.__version__}


def run(data: Path | None, quick: bool) -> tuple[Figures, dict[str, str], dict[str, str], int]:
    """Plant with several seeds, scan with the checks as they come, rank by score."""
    store, seeds = Store(), SEEDS[:1] if quick else SEEDS
    rows = intents(data, quick)
    figures = labels_found(rows, seeds, store) | answers_found(data, quick, seeds, store)
    why: dict[str, str] = {}
    peer: dict[str, str] = {}
    if data is not None and not quick:
        told, peer = imdb(data)
        figures |= told
        if not peer:
            why = dict.fromkeys(
                ("imdb_flagged_cleanlab", "imdb_same_as_cleanlab"), "cleanlab is not installed"
            )
    if find_encoder("auto") is None:
        figures["ap_answers"] = None
        why["ap_answers"] = "no encoder (extra [embed])"
    return figures, why, peer, len(rows)
