"""Seeded chat rows with planted faults, for whole runs: any number, the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SYLLABLES = "ba be bi bo bu da de di do du fa fe fi fo ka ke ki ko la le li lo ma me mi mo na ne ni no pa pe pi po ra re ri ro sa se si so ta te ti to va ve vi vo".split()  # noqa: SIM905
WORDS = 60_000  # in the language of the rows, as frequent as Zipf says
LABELS = ("billing", "delivery", "returns", "account", "warranty", "stock", "other")
CHUNK = 10_000


def vocabulary(draw: np.random.Generator) -> np.ndarray:
    """Distinct words of two to five syllables."""
    words: dict[str, None] = {}
    while len(words) < WORDS:
        for count in draw.integers(2, 6, 20_000):
            words["".join(draw.choice(SYLLABLES, count))] = None
    return np.array(list(words)[:WORDS])


def texts(count: int, shortest: int, longest: int, seed: int) -> Iterator[list[str]]:
    """`count` texts as lists of words, `shortest` to `longest` long."""
    draw = np.random.default_rng(seed)
    words = vocabulary(draw)
    share = 1.0 / np.arange(1, WORDS + 1) ** 0.9
    edges = np.cumsum(share / share.sum())
    for start in range(0, count, CHUNK):
        sizes = draw.integers(shortest, longest + 1, min(CHUNK, count - start))
        picked = words[np.minimum(np.searchsorted(edges, draw.random(int(sizes.sum()))), WORDS - 1)]
        at = 0
        for size in sizes.tolist():
            yield picked[at : at + size].tolist()
            at += size


def rows(count: int, seed: int = 7) -> Iterator[dict[str, object]]:
    """Chat rows of 40 to 160 words, 7 a customer on the average; 5 % are faulty.

    Of 1,000 rows 15 are copies, 10 copies with one or two words changed, 10 hold an address or a
    number of somebody, 5 an empty answer, 5 a placeholder, 5 copies but for case and marks.
    """
    draw = np.random.default_rng(seed + 1)
    kinds = draw.choice(
        ["plain", "copy", "near", "person", "empty", "placeholder", "spelling"],
        count,
        p=[0.95, 0.015, 0.01, 0.01, 0.005, 0.005, 0.005],
    )
    customers = draw.integers(0, max(1, count // 7), count)
    labels = draw.choice(len(LABELS), count, p=[0.3, 0.25, 0.15, 0.12, 0.1, 0.05, 0.03])
    recent: list[tuple[str, str, int]] = []
    for at, words in enumerate(texts(count, 40, 160, seed)):
        cut = len(words) // 2
        question, answer, label = (
            " ".join(words[:cut]).capitalize() + "?",
            " ".join(words[cut:]).capitalize() + ".",
            int(labels[at]),
        )
        kind = kinds[at]
        if kind in ("copy", "near", "spelling") and recent:
            question, answer, label = recent[int(draw.integers(0, len(recent)))]
            if kind == "near":
                spoken = answer.split()
                spoken[int(draw.integers(0, len(spoken)))] = words[0]
                answer = " ".join(spoken)
            elif kind == "spelling":
                question, answer = question.upper(), answer.lower().rstrip(".")
        elif kind == "person":
            question = f"{question} Write to {words[0]}.{words[1]}{at}@{words[2]}.com or call +1 415-555-{at % 10_000:04d}."
        elif kind == "empty":
            answer = ""
        elif kind == "placeholder":
            answer = "<noinput>"
        elif at % 10 == 0:
            recent = [*recent[-199:], (question, answer, label)]
        yield {
            "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}],
            "queue": LABELS[label],
            "customer": f"c{customers[at]:07d}",
            "ticket": at,
        }


def write(path: Path, count: int, seed: int = 7) -> None:
    """The rows as JSONL."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows(count, seed):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
