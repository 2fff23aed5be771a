"""The core: both arithmetics equal, nothing lost against brute force, a row goes only to one that is near."""

from __future__ import annotations

import gzip
import json
import random
import unicodedata
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from curate.dedup import bands as bands_module
from curate.dedup import near_duplicates
from curate.dedup.folding import DROPPED, SLOW, WIDE, codes_of, fold, learn, table
from curate.dedup.shingling import PERMUTATIONS, Shingling, bands_for, cut, permutations
from curate.errors import ConfigError, SourceError

pytestmark = pytest.mark.slow

ODD = [0xA0, 0xE9, 0xDF, 0x2019, 0x201C, 0x2026, 0x200B, 0xFB01, 0x301, 0x4E2D, 0x3042, 0x30A2, 0xE01,
       0xE33, 0xE48, 0xAC00, 0x1100, 0x1161, 0x1F600, 0xBD, 0xFF21, 0x3002, 0x627, 0x64E, 0x130, 0x3A3,
       0xAD, 0xFE0F, 0x2028, 0x85, 0x1D]  # fmt: skip
ALPHABET = [chr(code) for code in [*range(32, 127), *ODD]]


def texts(count: int = 400) -> list[str]:
    """Odd texts, and near copies of them."""
    draw = random.Random(3)
    made = []
    for _ in range(count):
        kind = draw.random()
        if kind < 0.3:
            made.append("".join(draw.choice(ALPHABET) for _ in range(draw.randrange(60))))
        elif kind < 0.5:
            made.append(
                "".join(
                    draw.choice("我们的客服团队将在三个工作日之内，。a ") for _ in range(draw.randrange(40))
                )
            )
        else:
            words = ["the", "cat", "3.5", "it's", "sat.", "on,", "a", "mat!", "Dog", "RAN", "far-away", "(x)"]
            made.append(" ".join(draw.choice(words) for _ in range(draw.randrange(30))))
    edges = ["", " \n", "?", "? !", "a" * 70_000, "é b " * 30_000]
    return [*made, *(text + " x" for text in made[:100]), *(text.upper() for text in made[:100]), *edges]


def by_brute_force(rows: list[str], threshold: float) -> dict[int, int]:
    """The leader rule over all pairs."""
    made = cut([codes_of(text) for text in rows], Shingling())
    sets = [set(made.shingles[a:b].tolist()) for a, b in zip(made.starts[:-1], made.starts[1:], strict=True)]
    gone: dict[int, int] = {}
    for row, own in enumerate(sets):
        near = [
            (-len(own & sets[other]) / len(own | sets[other]), other)
            for other in range(row)
            if other not in gone and own & sets[other]
        ]
        if near and -min(near)[0] >= threshold:
            gone[row] = min(near)[1]
    return gone


@pytest.mark.parametrize("crowd", [2, 32])
@pytest.mark.parametrize("compiled", [True, False])
def test_what_goes_is_what_brute_force_drops(monkeypatch, compiled, crowd):
    if compiled:
        pytest.importorskip("numba")
    monkeypatch.setattr(bands_module, "LARGE", crowd)
    rows = texts()
    found = near_duplicates(rows, threshold=0.7, compiled=compiled, threads=1)
    expected = by_brute_force(rows, 0.7)
    assert dict(zip(found.dropped.tolist(), found.stays.tolist(), strict=True)) == expected
    assert len(expected) > 150
    assert found.rows == len(rows) == len(found.kept) + len(found.dropped)
    assert (found.score >= 0.7).all()


@pytest.mark.parametrize("keep", ["first", "last", "longest", "shortest"])
def test_compiled_and_plain_give_the_same(tmp_path, keep):
    pytest.importorskip("numba")
    path = tmp_path / "rows.jsonl"
    rows = [{"n": {"text": [1, "no"]}, "text": text, "z": 'q\\"x'} for text in texts()]
    path.write_text("\n\n".join(json.dumps(row, ensure_ascii=at % 2 == 0) for at, row in enumerate(rows)))
    one = near_duplicates(path, keep=keep, compiled=True)
    two = near_duplicates(path, keep=keep, compiled=False, threads=1)
    for name in ("kept", "dropped", "stays", "score"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    assert (one.equal, one.empty, one.candidates, one.crowd) == (
        two.equal,
        two.empty,
        two.candidates,
        two.crowd,
    )


def test_every_kind_of_file_gives_the_same_rows(tmp_path):
    rows = [text for text in texts(60) if len(text) < 1000]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in rows)
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "a.json").write_text(json.dumps([{"text": text} for text in rows]))
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as file:
        file.write(lines)
    pl.DataFrame({"text": rows}).write_parquet(tmp_path / "a.parquet")
    expected = near_duplicates(rows).kept.tolist()
    for path in sorted(tmp_path.iterdir()):
        assert near_duplicates(path).kept.tolist() == expected, path.name


def test_short_and_unspaced_texts_are_told_apart():
    """None is empty, none is every other; copies are found whatever their Unicode form."""
    apart = ["hi", "ok", "no", "a b", "b a", "?", "!", "1", "漢", "yes no", "你好", "再见", "สวัสดี", "ขอบคุณ"]
    assert near_duplicates(apart).dropped.tolist() == []
    same = [
        "Café au  lait!",
        unicodedata.normalize("NFD", "café au lait"),
        "CAFÉ\u00a0AU LAIT",
        "ca\u200bfé au lait.",
    ]
    assert near_duplicates(same).kept.tolist() == [0]
    assert near_duplicates(["", None, "  ", "\u200b"]).dropped.tolist() == []


def test_a_changed_ideograph_in_a_sentence_is_near_and_another_sentence_is_not():
    one = "请解释一下机器学习中的过拟合现象以及如何避免它"
    rows = [one, one.replace("避免", "防止"), one + "吗", "今天天气很好我们去公园散步吧大家一起去"]
    assert near_duplicates(rows).dropped.tolist() == [2]
    assert near_duplicates(rows, threshold=0.7).dropped.tolist() == [1, 2]


def test_no_chains():
    """A near b, b near c, a far from c: c stays, for b does not."""
    words = [f"w{at}" for at in range(48)]
    rows = [" ".join(words[start : start + 40]) for start in (0, 3, 6)]
    assert near_duplicates(rows, threshold=0.8).dropped.tolist() == [1]


def test_a_template_in_thousands_of_rows_costs_no_quadrat():
    """5,000 rows of one frame: a crowd, searched exactly; only the copies go."""
    frame = "please read the message of the customer below and answer with the name of the right queue only"
    letters = "abcdefghij"
    rows = [f"{frame} {' '.join(letter + str(at) for letter in letters)}" for at in range(5_000)]
    found = near_duplicates([*rows, rows[7] + " k"], threshold=0.5)
    assert (found.crowd, found.dropped.tolist(), found.stays.tolist()) == (5_001, [5_000], [7])


def test_the_table_folds_as_the_whole_text_is_folded():
    """Each code point that the table knows may stand beside any other."""
    draw = random.Random(5)
    codes = [draw.randrange(0x30000) for _ in range(20_000)]
    learn(np.array(codes, dtype=np.uint32))
    becomes = table().becomes
    easy = [code for code in codes if becomes[code] != SLOW]
    assert len(easy) > 10_000
    text = "".join(map(chr, easy))
    folded = []
    for code in easy:
        entry = int(becomes[code]) if becomes[code] != DROPPED else 0
        while entry:
            folded.append(chr(entry % (1 << WIDE)))
            entry >>= WIDE
    assert "".join(folded) == fold(text).replace("\0", "")


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.8, 0.9, 1.0])
def test_bands_miss_next_to_nothing(threshold):
    bands = bands_for(threshold)
    assert bands.keys * bands.rows <= PERMUTATIONS
    assert 1 - (1 - threshold**bands.rows) ** bands.keys >= 0.999


def test_our_sketches_estimate_what_datasketch_estimates():
    """The share of equal MinHash values of two sets is their Jaccard index, within what chance allows."""
    datasketch = pytest.importorskip("datasketch")
    factors, terms = permutations()
    draw = np.random.default_rng(1)
    ours, theirs = [], []
    for _ in range(60):
        pool = draw.integers(0, 2**32, 300, dtype=np.uint32)
        sets = pool[:200], pool[100:]
        least = [(each[:, None] * factors + terms).min(axis=0) for each in sets]
        ours.append((least[0] == least[1]).mean())
        sketches = []
        for each in sets:
            sketch = datasketch.MinHash(num_perm=PERMUTATIONS)
            sketch.update_batch([int(value).to_bytes(4, "little") for value in each])
            sketches.append(sketch)
        theirs.append(sketches[0].jaccard(sketches[1]))
    assert np.mean(ours) == pytest.approx(1 / 3, abs=0.03)
    assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=0.04)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "rows.jsonl:2 is not JSON"),
        ('{"body": "x"}', "no field"),
        ('{"text": 5}', "no text"),
        ("[1]", "object"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "fine"}\n' + line + "\n")
    for compiled in (True, False):
        with pytest.raises(SourceError, match=says):
            near_duplicates(path, compiled=compiled)


def test_settings_have_their_ranges(tmp_path):
    with pytest.raises(ConfigError, match="threshold"):
        near_duplicates(["a"], threshold=0.1)
    with pytest.raises(ConfigError, match="keep"):
        near_duplicates(["a"], keep="best")
    with pytest.raises(SourceError, match="no file"):
        near_duplicates(tmp_path / "none.jsonl")
