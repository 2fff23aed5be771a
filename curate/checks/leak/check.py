"""The check: what is sketched of a row, who is compared with whom, and what is told of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import polars as pl

from curate.checks.leak import crossing, meaning
from curate.checks.leak import spread as spreading
from curate.checks.leak.given import given_away
from curate.checks.leak.sides import GIVEN, PAIRS, PROTECTED, REPHRASED, SIDES, Sides, sides_of
from curate.checks.leak.subject import NormalForms, Subject, as_columns, asked, subjects
from curate.checks.leak.wordly import frame_values, has_matter, is_last, is_near, speaks_of, worded
from curate.checks.twins import COPY, asks_otherwise, is_twin, other_answers
from curate.checks.wording import hashed_shingles
from curate.errors import ConfigError
from curate.example import digest
from curate.finding import FINDINGS
from curate.scanning.embedding import AUTO, NONE, Units

if TYPE_CHECKING:
    from curate.engine import Engine

TWIN = ', "asks_otherwise": true}'
NEAREST = 3  # counterparts of a row that are looked at more closely, for each that is reported


@dataclass(frozen=True)
class Leak:
    """Pair each row that must go with the test or protected row whose question it gives away.

    By wording: questions equal in normal form, Jaccard of shingles of at least `threshold`, or at least
    `containment` of the shingles of the test or protected question (of 8 words or more) found anywhere
    in the row; of a brief one also all long words. What stands in very many questions, a template, does
    not count (see curate/checks/frame.py). That search is exact: no such pair is missed. By meaning, with an encoder:
    a score of at least `meaning` (see meaning.py); where more than `crowd` rows reach it for one item, only
    those that are its twins count, and none that differs in one place and has another answer, as rows of one template do. By origin: a group with rows on both sides. A
    row is reported with its `counterparts` nearest of each pair of sides. It cannot look where neither
    splits nor protected rows are given.
    """

    name: ClassVar[str] = "leak"
    version: ClassVar[int] = 5
    reads_protected: ClassVar[bool] = True
    unseen: ClassVar[str] = "rephrased questions are not looked for"
    threshold: float = 0.7
    containment: float = 0.8
    meaning: float = 0.66
    counterparts: int = 1
    crowd: int = 10
    encoder: str = AUTO

    def __post_init__(self) -> None:
        for name in ("threshold", "containment", "meaning"):
            if not 0.3 <= getattr(self, name) <= 1:
                raise ConfigError(f"leak.{name} is {getattr(self, name)}", hint="it is from 0.3 to 1")
        for name in ("counterparts", "crowd"):
            if getattr(self, name) < 1:
                raise ConfigError(f"leak.{name} is {getattr(self, name)}", hint="it is 1 or more")

    def obstacle(self, examples: pl.DataFrame) -> str:
        """It needs two sides."""
        splits = set(examples["split"].drop_nulls())
        if PROTECTED in splits and (splits != {PROTECTED} or examples["split"].has_nulls()):
            return ""
        if any(goes in splits and stays in splits for goes, stays in SIDES):
            return ""
        return "no two splits to compare, and no protected file was given (--protect FILE)"

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The question's digest and shingles, those of the row as a whole, its origin, and what to encode."""
        said = list(subjects(batch))
        normal = NormalForms()
        questions = [normal[subject.question] for subject in said]
        wholes = [normal.of_parts(subject.parts) for subject in said]
        shingles = _halved(
            hashed_shingles([*questions, *wholes, *(normal[subject.last] for subject in said)])
        )
        blind = self.encoder == NONE
        return batch.select(
            "example_id",
            "group",
            split=pl.col("split").fill_null(""),
            words=pl.Series([len(question.split()) for question in questions], dtype=pl.UInt32),
            key=pl.Series(
                [digest(question) if question else None for question in questions], dtype=pl.String
            ),
            question=shingles.head(len(said)),
            whole=shingles.slice(len(said), len(said)),
            last=shingles.tail(len(said)),
        ).with_columns(
            *_origins(batch, said, normal), *([] if blind else as_columns([asked(each) for each in said]))
        )

    def relate(self, sketches: pl.DataFrame, units: Units | None) -> pl.DataFrame:
        """All that crosses from one side to the other, and prompts that give themselves away."""
        frame = frame_values(sketches)
        looked_at = NEAREST * self.counterparts
        found = [PAIRS.to_frame(), _given(sketches.filter(pl.col("split") != PROTECTED))]
        for sides in sides_of(sketches):
            found.append(worded(sides, frame, self.threshold, self.containment, looked_at))
            found += crossing.crossings(sides)
            if units is not None:
                limits = meaning.Limits(self.meaning, looked_at, self.crowd)
                found.append(meaning.rephrased(sides, units.vectors, units.languages, limits))
        return pl.concat(found)

    def spread(
        self, table: pl.DataFrame, engine: Engine, rows: int, parts: int, sketch: spreading.Sketch
    ) -> pl.DataFrame:
        """What `relate` gives of all sketches without an encoder; see spread.py."""
        limits = self.threshold, self.containment, NEAREST * self.counterparts
        met = spreading.compared(table, engine, rows, parts, sketch, limits)
        found = [PAIRS.to_frame(), _given(met.origins.filter(pl.col("split") != PROTECTED))]
        for sides in sides_of(met.origins):
            found += [met.pairs[sides.name], *crossing.crossings(sides)]
        return pl.concat(found)

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """The nearest pairs of each kind that hold when their texts are read."""
        read = pairs.filter(pl.col("kind").is_in(["", REPHRASED]))
        named = pl.concat([read["example_id"], read["other_id"]]).unique()
        rows = texts.filter(pl.col("example_id").is_in(named.implode()))
        said = {subject.example_id: subject for subject in subjects(rows)}
        told: Counter[tuple[str, str]] = Counter()
        met: set[tuple[str, str, str]] = set()
        keep, doubted, common = (np.zeros(pairs.height, dtype=np.bool_) for _ in range(3))
        columns = pairs.select("example_id", "other_id", "sides", "kind", "brief", "score", "evidence")
        for at, (goes, stays, sides, kind, is_brief, score, evidence) in enumerate(columns.iter_rows()):
            if kind not in ("", REPHRASED):
                keep[at] = True
                continue
            if told[goes, sides] >= self.counterparts or (goes, stays, sides) in met:
                continue
            if is_brief and not speaks_of(said[stays].question, said[goes].whole):
                continue
            questions = said[goes].question, said[stays].question
            if (
                kind == REPHRASED
                and is_twin(*questions)
                and other_answers(*(said[i].answer for i in (goes, stays)))
            ):
                continue
            doubted[at] = is_near(evidence) and score < COPY and asks_otherwise(*questions)
            common[at] = is_last(evidence) and not has_matter(said[stays].last)
            told[goes, sides] += 1
            met.add((goes, stays, sides))
            keep[at] = True
        label = (
            pl.when(kind="").then("sides").when(sides="").then("kind")
            .otherwise(pl.concat_str("sides", pl.lit("-"), "kind"))
        )  # fmt: skip
        twin = pl.Series(doubted)
        pairs = pairs.with_columns(
            action=pl.when(twin).then(pl.lit("review")).otherwise("action"),
            blocking=pl.col("blocking") & ~twin & ~pl.Series(common),
            evidence=pl.when(twin).then(pl.col("evidence").str.replace(r"\}\z", TWIN)).otherwise("evidence"),
        )
        columns_kept = [name for name in PAIRS if name in FINDINGS]
        return pairs.filter(pl.Series(keep)).select(*columns_kept, label=label)


def _halved(shingles: pl.Series) -> pl.Series:
    """The upper half of each hash, in the same order: half the memory, and still one chance collision in 4 billion."""
    high = shingles.list.eval(pl.element() // 2**32).cast(pl.List(pl.UInt32))
    return high.alias(shingles.name)


def _origins(batch: pl.DataFrame, said: list[Subject], normal: NormalForms) -> list[pl.Series]:
    """Who a row is from, when it was made, which template it follows, and whether it tells its answer."""
    owners, moments, templates, frames, given = [], [], [], [], []
    columns = batch.select("meta", "messages", "label").iter_rows()
    for (text, messages, label), subject in zip(columns, said, strict=True):
        parsed = json.loads(text) if text and len(text) > 2 else {}
        meta = parsed if isinstance(parsed, dict) else {}
        owners.append(crossing.owners_of(meta))
        moments.append(crossing.moment_of(meta))
        system = next((turn["content"] or "" for turn in messages or () if turn["role"] == "system"), "")
        frames.append(crossing.frame_of_question(subject.question, normal.__getitem__))
        templates.append(crossing.template_of(system, frames[-1]))
        asks = bool(subject.question) and subject.question != subject.whole
        given.append(
            given_away(subject.question, subject.answer, label, normal.__getitem__) if asks else None
        )
    return [
        pl.Series("owners", owners, dtype=pl.List(pl.String)),
        pl.Series("time", moments, dtype=pl.Float64),
        pl.Series("template", templates, dtype=pl.String),
        pl.Series("frame", frames, dtype=pl.String),
        pl.Series("given", given, dtype=pl.String),
    ]


def _given(sketches: pl.DataFrame) -> pl.DataFrame:
    """PAIRS of the prompts that give their answer away."""
    rows = sketches.drop_nulls("given")
    return rows.select(
        "example_id",
        other_id=pl.lit(None, dtype=pl.String),
        sides=pl.lit(""),
        kind=pl.lit(GIVEN),
        score=pl.lit(0.9),
        action=pl.lit("review"),
        blocking=pl.lit(value=False),
        brief=pl.lit(value=False),
        evidence="given",
    ).cast(PAIRS)


__all__ = ["Leak", "Sides"]
