"""What compares on the workers of a cluster finds what a comparison in one place finds."""

from __future__ import annotations

import json
import pickle
import random

import polars as pl
import pytest

from curate.checks.contradiction import Contradiction
from curate.checks.contradiction import check as contradiction
from curate.checks.frame import frame_across, frame_of
from curate.checks.leak import Leak
from curate.engine import Serial
from curate.scanning import looking
from curate.scanning.scan import scan

FRAME = "Please answer this question about our shop, and keep it as short as you can, thank you:"


class Apart:
    """An engine in this process: but what goes to a worker goes as bytes, as to another machine."""

    def __init__(self) -> None:
        self.moved = 0

    def map(self, function, batches):
        kept = pickle.dumps(function)
        for batch in batches:
            yield pickle.loads(kept)(pickle.loads(pickle.dumps(batch)))

    def exchange(self, function, batches, finish, parts):
        pieces = list(self.map(function, batches))
        assert all(len(row) == parts for row in pieces)
        self.moved += sum(piece.height for row in pieces for piece in row)
        yield from self.map(finish, [list(column) for column in zip(*pieces, strict=True)])

    def close(self):
        """Nothing is held."""


def rows(asked, examples, seed: int, count: int) -> pl.DataFrame:
    """Questions from a template, copies of others, parts of others, and two answers; with origins and times."""
    draw = random.Random(seed)
    made: list[dict[str, object]] = []
    for at in range(count):
        words = [f"word{draw.randrange(600)}" for _ in range(draw.randrange(4, 25))]
        kind = draw.random()
        question = " ".join(words)
        if kind < 0.3:
            question = f"{FRAME} {' '.join(words[:4])}?"
        elif kind < 0.6 and made:
            question = draw.choice(made)["messages"][0]["content"]
            if kind > 0.5:
                question = f"{' '.join(words)} {question} and {words[0]}"
            elif kind > 0.4:
                question = question.replace("word1", "word2", 1)
        elif kind < 0.65:
            question = draw.choice(["", "?", "Why?"])
        meta = {"user_id": draw.randrange(40), "created_at": f"2026-01-{draw.randrange(1, 28):02d}"}
        split = draw.choice(["train", "train", "train", "validation", "test", "protected", None])
        made.append(
            asked(
                question,
                draw.choice(["Yes.", "No.", "It costs 5 euros.", "Label: a"]),
                split=split,
                group=draw.choice([None, f"g{draw.randrange(60)}"]),
                label=draw.choice([None, "a", "b"]) if seed % 2 else None,
                meta=json.dumps(meta) if at % 3 else "{}",
            )
        )
    return examples(*made)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [37, 150])
def test_leaks_by_wording_and_by_origin(asked, examples, seed, size):
    table, check, engine = rows(asked, examples, seed, 400), Leak(encoder="none"), Apart()
    together = check.relate(check.sketch(table), None)
    apart = check.spread(table, engine, size, 5, check.sketch)
    assert apart.equals(together)
    assert together.filter(pl.col("score") < 1).height > 5
    assert {"group", "column", "template", "time"} <= set(together["kind"])
    assert engine.moved > 0


def test_leaks_where_a_side_is_empty(asked, examples):
    table = rows(asked, examples, 9, 90).filter(pl.col("split").is_in(["train", "protected"]))
    check = Leak(encoder="none")
    apart = check.spread(table, Apart(), 20, 3, check.sketch)
    assert apart.equals(check.relate(check.sketch(table), None))
    assert set(apart["sides"]) <= {"protected", ""}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [29, 200])
def test_contradictions_go_by_band_key(asked, examples, monkeypatch, seed, size):
    monkeypatch.setattr(contradiction, "EXACT_UP_TO", 50)
    table, check = rows(asked, examples, seed, 400), Contradiction(encoder="none")
    order = ["example_id", "other_id"]
    together = check.relate(check.sketch(table), None).sort(order)
    apart = check.spread(table, Apart(), size, 5, check.sketch).sort(order)
    assert apart.equals(together)
    assert together.height > 20


def test_few_contradictions_are_compared_in_one_place_by_their_topics(asked, examples):
    table, check = rows(asked, examples, 2, 60), Contradiction(encoder="none")
    apart = check.spread(table, Apart(), 20, 3, check.sketch)
    assert apart.equals(check.relate(check.sketch(table), None))


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_a_template_is_known_though_no_place_has_all_texts(share):
    draw = random.Random(5)
    sets = [
        sorted({draw.randrange(9_000) for _ in range(20)} | ({1, 2, 3} if draw.random() < share else set()))
        for _ in range(1_500)
    ]
    table = pl.DataFrame(
        {"key": [f"{at * 7_919:032x}"[::-1] for at in range(1_500)], "shingles": sets},
        schema={"key": pl.String, "shingles": pl.List(pl.UInt64)},
    )
    twice = pl.concat([table, table[:300]])
    frame, texts = frame_across(twice, Serial(), 100, 7, lambda batch: batch)
    assert texts == 1_500
    assert sorted(frame) == sorted(frame_of(table["shingles"])) == ([1, 2, 3] if share > 0.1 else [])


@pytest.mark.parametrize("check", [Leak(encoder="none"), Contradiction(encoder="none")])
def test_a_scan_on_a_cluster_takes_this_way(asked, examples, monkeypatch, check):
    table = rows(asked, examples, 3, 300)
    plain = scan(table, [check]).findings
    monkeypatch.setattr(looking, "Ray", Apart)
    monkeypatch.setattr(contradiction, "EXACT_UP_TO", 50)
    engine = Apart()
    found = scan(table, [check], engine=engine, rows=40).findings
    assert engine.moved > 0
    if check.name == "leak":
        assert found.equals(plain)
    else:  # fewer: what shares topics alone is looked for among few questions
        assert found.equals(scan(table, [check]).findings)
    assert found.height > 5
