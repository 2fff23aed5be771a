"""The kept index finds for new rows what a search over all rows finds."""

from __future__ import annotations

import random

import polars as pl

from curate.dedup.examples import met_by, sketches
from curate.dedup.index import BandIndex, link_new
from curate.dedup.shingling import Shingling


def test_new_rows_meet_all_that_a_search_over_all_rows_meets():
    draw = random.Random(2)
    texts = []
    for _ in range(80):
        words = [f"w{draw.randrange(900)}" for _ in range(40)]
        texts += [" ".join(words), " ".join(word if draw.random() > 0.05 else "x" for word in words)]
    draw.shuffle(texts)
    _, bands = sketches(pl.Series(texts), Shingling(), 0.8)
    index, pairs = BandIndex.empty(), []
    for part in (bands[:100], bands[100:101], bands[101:]):
        index, found = link_new(index, part)
        pairs.append(found)
    met = met_by(bands)
    told = {(left, right) for right, left in pl.concat(pairs).iter_rows()}
    assert told == set(zip(met.left.tolist(), met.right.tolist(), strict=True))
    assert len(told) > 40
    assert index.rows == len(texts)


def test_texts_that_say_nothing_meet_none():
    bands = pl.Series("bands", [None, None], dtype=pl.List(pl.UInt64))
    index, found = link_new(BandIndex.empty(), bands)
    assert (found.height, index.rows, index.table.height) == (0, 2, 0)
