"""The same question with another label, or with a clearly different answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import polars as pl

from curate.checks import minhash
from curate.checks.contradiction.difference import (
    ALIKE,
    SURELY,
    UNSURE,
    Difference,
    answers_differ,
    difference,
)
from curate.checks.contradiction.nli import contradictions, nli_digest
from curate.checks.contradiction.reading import Asked, answer_of, asked, says_label
from curate.checks.contradiction.sameness import CLOSE, by_meaning, by_words, turned_round
from curate.checks.contradiction.spread import Questions, met_across
from curate.checks.contradiction.votes import PAIRS, once, ordered, questions_of
from curate.checks.frame import alike, frame_across
from curate.checks.matter import other_matter
from curate.checks.spelling import plain_spelling
from curate.checks.twins import is_twin
from curate.checks.wording import Wording, hashed_shingles, normalise, wordings
from curate.errors import ConfigError
from curate.example import digest
from curate.finding import FINDINGS
from curate.scanning.embedding import AUTO, Units
from curate.scanning.fingerprint import marked, parted
from curate.scanning.neighbours import EXACT_UP_TO, pairs_above
from curate.scanning.terms import terms_of, topics_of

if TYPE_CHECKING:
    from curate.engine import Engine

NEAREST = 10  # questions near to one that are looked at
TOPICAL = 0.6  # cosine of two questions that may be one, where the vectors are made of their words
LABELS = 0.95  # sameness by meaning, from which on two labels of two questions cannot both be right
NLI_SURE = 0.5  # probability of contradiction that counts alone


@dataclass(frozen=True)
class Contradiction:
    """Pair the rows that ask the same and say different things; the rarer or later one first.

    The same is, under the same system prompt: equal in normal form; or Jaccard of shingles of at least
    `threshold` with the same numbers, as many negations and no word of weight put in another's place
    (two order ids, `card` for `PIN` make two questions); or near in meaning with the same numbers and
    names, which counts as far as these agree: at least `least`.
    Different is another label (not one that is only spelt otherwise); and, unless the answers are the
    labels: preferences the other way round, yes against no, another result, another number,
    name or negation in nearly the same words; and, of questions that are the same by their words, an
    answer that shares less than `overlap` of its words with the other. With `nli` (a cross-encoder, by
    hub id or path) also what it holds for a contradiction, in either direction; and answers in other
    words count only then.

    Without an encoder, up to 50,000 questions, nearness is taken from their words. A request that has
    many right answers (write a poem) is left out where its first words say so in English.
    """

    name: ClassVar[str] = "contradiction"
    version: ClassVar[int] = 5
    unseen: ClassVar[str] = (
        "questions in other words are found by the words, numbers and names they share only"
    )
    threshold: float = 0.7
    overlap: float = 0.2
    least: float = 0.3
    encoder: str = AUTO
    nli: str = ""

    def __post_init__(self) -> None:
        if not 0.3 <= self.threshold <= 1:
            raise ConfigError(f"contradiction.threshold is {self.threshold}", hint="it is from 0.3 to 1")
        for name in ("overlap", "least"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"contradiction.{name} is {getattr(self, name)}", hint="it is from 0 to 1")

    def pinned(self) -> Contradiction:
        """The same, with a digest of the cross-encoder behind its name, as the ledger should record it."""
        if not self.nli or parted(self.nli)[1]:
            return self
        return replace(self, nli=marked(self.nli, nli_digest(self.nli)))

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Digests of question and answer, and the question's shingles; no question, no sketch."""
        said = list(wordings(batch))
        questions = [normalise(wording.question) for wording in said]
        return batch.select(
            "example_id",
            label=pl.Series(
                [None if label is None else plain_spelling(label) for label in batch["label"]],
                dtype=pl.String,
            ),
            key=pl.Series(
                [digest(w.system, q) if q else None for w, q in zip(said, questions, strict=True)],
                dtype=pl.String,
            ),
            system=pl.Series([digest(wording.system) for wording in said], dtype=pl.String),
            says=pl.Series(
                [_says(wording, label) for wording, label in zip(said, batch["label"], strict=True)],
                dtype=pl.String,
            ),
            shingles=hashed_shingles(questions),
            texts=pl.Series([[wording.question] for wording in said], dtype=pl.List(pl.String)),
        ).drop_nulls("key")

    def relate(self, sketches: pl.DataFrame, units: Units | None) -> pl.DataFrame:
        """The odd ones of each question with its usual one, and the usual ones of near questions."""
        exact, heads = questions_of(sketches)
        found = pl.concat([exact, self._near(heads), self._close(heads, units)])
        return once(found)

    def spread(
        self,
        table: pl.DataFrame,
        engine: Engine,
        rows: int,
        parts: int,
        sketch: Callable[[pl.DataFrame], pl.DataFrame],
    ) -> pl.DataFrame:
        """What `relate` gives of all sketches without an encoder; by band key, if the questions are many."""
        if table.height > EXACT_UP_TO:
            frame, questions = frame_across(table, engine, rows, parts, Questions(sketch))
            if questions > EXACT_UP_TO:  # fewer are compared by the topics of their words, in one place
                return met_across(table, engine, rows, parts, sketch, self.threshold, frame)
        sketches = pl.concat(list(engine.map(sketch, table.iter_slices(rows))))
        return self.relate(sketches, None)

    def _near(self, heads: pl.DataFrame) -> pl.DataFrame:
        """Pairs of usual rows whose questions share words."""
        met = minhash.candidates(minhash.bands(heads["shingles"], self.threshold))
        met = met[alike(heads["shingles"], met.tolist(), self.threshold)]
        return ordered(heads, met[:, 0], met[:, 1], None)

    def _close(self, heads: pl.DataFrame, units: Units | None) -> pl.DataFrame:
        """Pairs of usual rows whose questions are near in meaning, or in the topics of their words."""
        if heads.height < 2 or (units is None and heads.height > EXACT_UP_TO):
            return PAIRS.to_frame()
        if units is not None:
            places = heads["units"].list.first().to_numpy().astype(np.int64)
            found = pairs_above(units.vectors[places], CLOSE, most=NEAREST)
            return ordered(heads, found.left, found.right, found.cosine)
        texts = [normalise(text) for text in heads["texts"].list.first()]
        found = pairs_above(topics_of(terms_of(texts)), TOPICAL, most=NEAREST)
        return ordered(heads, found.left, found.right, found.cosine)

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """The pairs that do contradict each other, as far as can be told."""
        said = asked(texts)
        held: list[tuple[str, str, str, float, Difference | None]] = []
        for name, other, cosine in pairs.select(list(PAIRS)).iter_rows():
            left, right = said[name], said[other]
            how, same = self._same(left, right, cosine)
            differs = self._difference(left, right, how, same)
            if same and (differs is not None or self._may_ask(left, right)):
                held.append((name, other, how, same, differs))
        wanted = [
            at for at, (*_, differs) in enumerate(held) if differs is None or differs.differs == "answer"
        ]
        chances: dict[int, float] = {}
        if self.nli:
            answers = [(said[held[at][0]].verbatim, said[held[at][1]].verbatim) for at in wanted]
            chances = dict(zip(wanted, contradictions(self.nli, answers), strict=True))
        rows = [self._finding(*pair, chances.get(at)) for at, pair in enumerate(held)]
        told = [row for row in rows if row]
        return pl.DataFrame(told, schema_overrides=FINDINGS) if told else pl.DataFrame(schema=FINDINGS)

    def _same(self, left: Asked, right: Asked, cosine: float | None) -> tuple[str, float]:
        """By what (`words` or `meaning`) and how surely two ask the same; 0 where they do not."""
        words = by_words(left, right, self.threshold)
        meaning = by_meaning(left, right, min(cosine, 1.0)) if cosine is not None and words < 1 else 0.0
        if words:
            return "words", max(words, meaning)
        if meaning < self.least or turned_round(left, right):
            return "meaning", 0.0
        return "meaning", meaning

    def _difference(self, left: Asked, right: Asked, how: str, same: float) -> Difference | None:
        """What the two say differently, so far as the sameness of the questions bears it."""
        found = difference(left, right, self.overlap) if same else None
        if found is None or how == "words":
            return found
        if found.differs == "label":
            if same >= LABELS:
                return found
            found = answers_differ(left, right, self.overlap)
            if found is None:
                return None
        # answers of nearly the same words belong to one question, however near a template it is
        apart = (found.shared_words or 0.0) < ALIKE
        if not found.is_clear or (apart and is_twin(left.question, right.question)):
            return None
        return found if found.alike < SURELY or not other_matter(left.question, right.question) else None

    def _may_ask(self, left: Asked, right: Asked) -> bool:
        """Whether a cross-encoder can say something of two answers in which the words show nothing."""
        return bool(
            self.nli
            and not (left.says_label and right.says_label)
            and left.answer != right.answer
            and left.answer
            and right.answer
            and not (left.is_open or right.is_open)
        )

    def _finding(
        self, name: str, other: str, how: str, same: float, differs: Difference | None, chance: float | None
    ) -> dict[str, object] | None:
        """One pair as a finding; None where the cross-encoder sees no contradiction and nothing else does."""
        if chance is not None and (differs is None or differs.why in UNSURE):
            if chance < NLI_SURE:
                return None
            differs = Difference("answer", "nli", 0.0, differs.shared_words if differs else None)
        if differs is None:
            return None
        question = "equal" if same == 1 and how == "words" else round(same, 4)
        evidence = {"question": question, "by": how, **differs.evidence}
        if chance is not None:
            evidence["nli"] = round(chance, 4)
        return {
            "example_id": name,
            "other_id": other,
            "label": differs.differs,
            "score": same * max(differs.weight, chance or 0.0),
            "action": "review",
            "evidence": json.dumps(evidence),
        }


def _says(wording: Wording, label: str | None) -> str:
    """A digest of what a row says: its label, and its answer unless that is the label."""
    answer = normalise(answer_of(wording))
    if wording.chosen and answer == normalise(wording.rejected):
        answer = wording.chosen  # one form of it is preferred to another
    if label is None:
        return digest(answer)
    return digest(plain_spelling(label), "" if says_label(answer_of(wording), label) else answer)
