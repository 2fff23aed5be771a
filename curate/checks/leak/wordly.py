"""Leaks by wording: equal questions, near ones, and questions, or a conversation's last, that stand within a row."""

from __future__ import annotations

import json
import re

import numpy as np
import polars as pl

from curate.checks import overlap
from curate.checks.frame import FEWEST, SHARE
from curate.checks.leak.sides import PAIRS, PROTECTED, Sides
from curate.checks.overlap import Sets, Values
from curate.checks.wording import WORDS, is_unspaced, normalise

LONG_WORD = 5  # characters; words that long say what a question is about
BRIEF = 16  # words of a question, below which no long word of it may be missing where it is contained
SHORTEST = 8  # words of a protected text, below which being contained means nothing
OWN = 3  # words or numbers that most requests have not, below which anybody may ask so behind anything
EQUAL, NEAR, CONTAINED, LAST = HOW = ("equal", "near", "contained", "last question")


def frame_values(sketches: pl.DataFrame) -> Values:
    """The shingles that belong to a template, as `curate.checks.frame.frame_of` says."""
    distinct = overlap.sets_of(sketches.unique("key", keep="first")["question"])
    least = max(FEWEST, SHARE * len(distinct.sizes))
    values, counts = np.unique(distinct.values, return_counts=True)
    return values[counts >= least]


def worded(sides: Sides, frame: Values, threshold: float, containment: float, most: int) -> pl.DataFrame:
    """PAIRS: for each row that goes its nearest `most` counterparts by wording, the nearest first."""
    goes, stays = sides.goes, sides.stays
    questions, kept = _own(goes["question"], frame), _own(stays["question"], frame)
    left = goes.select("key").with_row_index("left")
    right = stays.select("key").with_row_index("right").unique("key", keep="first", maintain_order=True)
    equal = left.join(right, on="key").select("left", "right", score=pl.lit(1.0))
    near = overlap.similar(questions, kept, threshold)
    wholes = _own(goes["whole"], frame)
    inside = _inside(kept, wholes, containment)
    last = _inside(_own(stays["last"], frame), wholes, containment)
    met = pl.concat(
        part.with_columns(order=pl.lit(order, dtype=pl.UInt8))
        for order, part in enumerate((equal, near, inside, last))
    )
    met = met.sort("left", "order", "score", "right", descending=[False, False, True, False])
    best = met.unique(["left", "right"], keep="first", maintain_order=True)
    return _pairs(sides, best.group_by("left", maintain_order=True).head(most), kept)


def _inside(asked: Sets, wholes: Sets, containment: float) -> pl.DataFrame:
    """`left` (of the wholes), `right` (of what is asked) and `score` where the one holds the other."""
    long = np.flatnonzero(asked.sizes > SHORTEST - WORDS)
    found = overlap.contained(asked.of(long), wholes, containment)
    return found.select(
        pl.col("right").alias("left"), pl.Series("right", long[found["left"]], dtype=pl.UInt32), "score"
    )


def _own(shingles: pl.Series, frame: Values) -> Sets:
    """The sets without what belongs to a template."""
    return overlap.without(overlap.sets_of(shingles), frame)


def _pairs(sides: Sides, best: pl.DataFrame, kept: Sets) -> pl.DataFrame:
    """The pairs by name, with how they are alike."""
    brief = (kept.sizes <= BRIEF - WORDS)[best["right"]] & (best["order"] == HOW.index(CONTAINED)).to_numpy()
    is_last = best["order"] == HOW.index(LAST)
    told = [
        json.dumps({"question": HOW[order], "measure": round(score, 4), **_later(sides, left, right)})
        for left, right, order, score in best.select("left", "right", "order", "score").iter_rows()
    ]
    return pl.DataFrame(
        {
            "example_id": sides.goes["example_id"].gather(best["left"]),
            "other_id": sides.stays["example_id"].gather(best["right"]),
            "sides": [sides.name] * best.height,
            "kind": [""] * best.height,
            "score": best["score"],
            # behind another opening the same words may ask for something else
            "action": pl.select(
                pl.when(is_last).then(pl.lit("review")).otherwise(pl.lit("drop"))
            ).to_series(),
            "blocking": ~is_last | (sides.name == PROTECTED),
            "brief": brief,
            "evidence": told,
        },
        schema=PAIRS,
    )


def _later(sides: Sides, left: int, right: int) -> dict[str, float]:
    """By how many days the row that goes is later, where both have a time."""
    times = sides.goes["time"][left], sides.stays["time"][right]
    if times[0] is None or times[1] is None or times[0] <= times[1]:
        return {}
    return {"days_later": round((times[0] - times[1]) / 86_400, 2)}


def is_near(evidence: str) -> bool:
    """Whether a pair was found as near, not as equal or contained."""
    return bool(json.loads(evidence)["question"] == NEAR)


def is_last(evidence: str) -> bool:
    """Whether a pair was found by what a conversation asks last."""
    return bool(json.loads(evidence)["question"] == LAST)


def has_matter(question: str) -> bool:
    """Whether a question says what it is about: `give me an example of how to use it` asks for it of anything.

    Only of English the words that all use are known; a question in another language counts as one that does.
    """
    from curate.names.tagger import lexicon
    from curate.names.tokens import BIT

    form = normalise(question)
    if is_unspaced(form):
        return True
    common = BIT["english_300"] | BIT["english_1500"] | BIT["english_5000"]
    words = {word for word in re.findall(r"[^\W_]+", form) if len(word) > 2 or word.isdecimal()}
    return sum(not lexicon().flags(word) & common for word in words) >= OWN


def speaks_of(question: str, whole: str) -> bool:
    """Whether a brief question is there with all that it is about, and not only its frame."""
    about = {word for word in normalise(question).split() if len(word) >= LONG_WORD or word.isdecimal()}
    return about <= set(normalise(whole).split())
