"""What must not be learned from, and is: test questions among the training rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from curate.checks import overlap
from curate.checks.frame import frame_of, matter
from curate.checks.wording import WORDS, Wording, hashed_shingles, normalise, wordings
from curate.errors import ConfigError
from curate.example import digest
from curate.finding import FINDINGS

PROTECTED = "protected"  # the split of rows that come from benchmark files
SIDES = (  # (goes, stays): the first of a pair is proposed for dropping
    ("train", "test"),
    ("train", "validation"),
    ("validation", "test"),
)
NEAREST = 3  # counterparts of a row that are looked at more closely, of which one is reported
LONG_WORD = 5  # characters; words that long say what a question is about
BRIEF = 16  # words of a question, below which no long word of it may be missing where it is contained
SHORTEST = 8  # words of a protected text, below which being contained means nothing
PAIRS = pl.Schema(
    {
        "example_id": pl.String,
        "other_id": pl.String,
        "label": pl.String,
        "how": pl.String,  # equal, near or contained
        "score": pl.Float64,
        "brief": pl.Boolean,  # whether the question that stays has fewer words of its own than BRIEF
    }
)


@dataclass(frozen=True)
class Leak:
    """Pair each row that must go with the test or protected row whose question it gives away.

    Compared are the questions, without system prompts and answers: equal in normal form, Jaccard of
    shingles of at least `threshold`, or at least `containment` of the shingles of the test or
    protected question (of 8 words or more) found anywhere in the row; of a brief one also all long
    words. What stands in very many questions, a template, does not count (see frame.py). The search
    is exact: no such pair is missed. Rephrased and translated questions are not found by it. A row is reported once
    for each kind of leak, with its nearest counterpart; labels are `train/test`,
    `train/validation`, `validation/test` and `protected`. It cannot look where neither splits nor
    protected rows are given.
    """

    name: ClassVar[str] = "leak"
    version: ClassVar[int] = 1
    reads_protected: ClassVar[bool] = True
    threshold: float = 0.7
    containment: float = 0.8

    def __post_init__(self) -> None:
        for name in ("threshold", "containment"):
            if not 0.3 <= getattr(self, name) <= 1:
                raise ConfigError(f"leak.{name} is {getattr(self, name)}", hint="it is from 0.3 to 1")

    def obstacle(self, examples: pl.DataFrame) -> str:
        """It needs two sides."""
        splits = set(examples["split"].drop_nulls())
        if PROTECTED in splits and (splits != {PROTECTED} or examples["split"].has_nulls()):
            return ""
        if any(goes in splits and stays in splits for goes, stays in SIDES):
            return ""
        return "no two splits to compare, and no protected file was given (--protect FILE)"

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The question's digest and shingles, and the shingles of the row as a whole."""
        said = list(wordings(batch))
        questions = [normalise(wording.question) for wording in said]
        wholes = [normalise("\n".join(wording.parts("whole"))) for wording in said]
        return batch.select(
            "example_id",
            split=pl.col("split").fill_null(""),
            words=pl.Series([len(question.split()) for question in questions], dtype=pl.UInt32),
            key=pl.Series(
                [digest(question) if question else None for question in questions], dtype=pl.String
            ),
            question=hashed_shingles(questions),
            whole=hashed_shingles(wholes),
        )

    def link(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """For each row that must go its nearest counterparts of each kind, the nearest first."""
        frame = frame_of(sketches.unique("key", keep="first")["question"])
        own = sketches.with_columns(
            question=matter(sketches["question"], frame), whole=matter(sketches["whole"], frame)
        )
        found = [
            self._between(own.filter(split=goes), own.filter(split=stays), f"{goes}/{stays}")
            for goes, stays in SIDES
        ]
        ours, theirs = own.filter(pl.col("split") != PROTECTED), own.filter(split=PROTECTED)
        return pl.concat([*found, self._between(ours, theirs, PROTECTED)])

    def _between(self, goes: pl.DataFrame, stays: pl.DataFrame, label: str) -> pl.DataFrame:
        """The pairs of one kind, with how they are alike and how much."""
        if goes.is_empty() or stays.is_empty():
            return PAIRS.to_frame()
        left, right = goes.with_row_index("left"), stays.with_row_index("right")
        keyed = right.unique("key", keep="first", maintain_order=True).select("key", "right")
        equal = left.join(keyed, on="key").select("left", "right", score=pl.lit(1.0))
        near = overlap.similar(goes["question"], stays["question"], self.threshold)
        long = right.filter(pl.col("question").list.len() > SHORTEST - WORDS)
        inside = overlap.contained(long["question"], goes["whole"], self.containment)
        inside = inside.select(
            pl.col("right").alias("left"), long["right"].gather(inside["left"]).alias("right"), "score"
        )
        met = pl.concat(
            part.with_columns(how=pl.lit(how), order=pl.lit(order))
            for order, (how, part) in enumerate((("equal", equal), ("near", near), ("contained", inside)))
        )
        met = met.sort("left", "order", "score", "right", descending=[False, False, True, False])
        best = met.group_by("left", maintain_order=True).head(NEAREST)
        return pl.DataFrame(
            {
                "example_id": goes["example_id"].gather(best["left"]),
                "other_id": stays["example_id"].gather(best["right"]),
                "label": [label] * best.height,
                "how": best["how"],
                "score": best["score"],
                "brief": stays["question"].gather(best["right"]).list.len() <= BRIEF - WORDS,
            },
            schema=PAIRS,
        )

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """The nearest pair of each kind that holds when its texts are read."""
        said = {wording.example_id: wording for wording in wordings(texts)}
        rows: list[dict[str, object]] = []
        told: set[tuple[str, str]] = set()
        for goes, stays, label, how, score, brief in pairs.select(list(PAIRS)).iter_rows():
            if (goes, label) in told:
                continue
            if how == "contained" and brief and not _matter_stands_in(said[stays].question, said[goes]):
                continue
            told.add((goes, label))
            rows.append(
                {
                    "example_id": goes,
                    "other_id": stays,
                    "label": label,
                    "score": score,
                    "action": "drop",
                    "blocking": True,
                    "evidence": json.dumps({"question": how, "measure": round(score, 4)}),
                }
            )
        return pl.DataFrame(rows, schema_overrides=FINDINGS) if rows else pl.DataFrame(schema=FINDINGS)


def _matter_stands_in(question: str, row: Wording) -> bool:
    """Whether a brief question is there with all that it is about, and not only its frame."""
    about = {word for word in normalise(question).split() if len(word) >= LONG_WORD or word.isdecimal()}
    return about <= set(normalise("\n".join(row.parts("whole"))).split())
