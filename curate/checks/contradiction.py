"""The same question with another label, or with a clearly different answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import polars as pl
from rapidfuzz.distance import OSA

from curate.checks import minhash
from curate.checks.frame import alike
from curate.checks.wording import (
    Named,
    Wording,
    hashed_shingles,
    jaccard,
    named,
    negations,
    normalise,
    numbers,
    other_names,
    shingle_sets,
    wordings,
)
from curate.errors import ConfigError
from curate.example import digest
from curate.finding import FINDINGS

BEGINNING = 2_000  # characters of a question in which it says what is wanted
SHORT = 8  # words of an answer that is a value rather than a text
FILLERS = frozenset(
    """hello hey dear team there good day morning evening please kindly thanks thank you regards best sincerely cheers
    any news sorry just really very also now again well okay and but for the this that with from have has had was are
    can could would will how what why where when who does did my our your get got""".split()  # noqa: SIM905
)
_OPEN = re.compile(  # requests with many right answers
    r"(?im)^[^\w\n]{0,20}(?:(?:please|kindly|can you|could you|i want you to|i need you to)[, ]+)*"
    r"(?:write|generate|create|compose|come up|brainstorm|suggest|list|name|imagine|make up|make (?:a|an|up)|design|invent|draft"
    r"|tell me (?:a|an|some|about)|give (?:me )?(?:an?|some|\w+ (?:examples?|ideas?|reasons?|tips?|ways?))|describe"
    r"|rewrite|paraphrase|rephrase|summari[sz]e|recommend|continue|choose an?|pick an?|think of|develop|construct|produce|provide an?)\b"
)
_VERDICT = re.compile(r"\A\W*(yes|yeah|true|correct|no|nope|not|false|incorrect)\b")
_YES = frozenset({"yes", "yeah", "true", "correct"})
_RESULT = re.compile(r"(?:####|\\boxed\{|answer(?: is|:))\s*\$?(-?\d[\d,]*(?:\.\d+)?)", re.IGNORECASE)
PAIRS = pl.Schema({"example_id": pl.String, "other_id": pl.String})


@dataclass(frozen=True)
class Contradiction:
    """Pair the rows that ask the same and say different things; the rarer or later one first.

    The same is: equal in normal form, or Jaccard of shingles of at least `threshold` with the same
    numbers, as many negations and no word of weight put in another's place (two order ids, `card` for
    `PIN` make two questions); and the same system prompt.
    Different is another label; where no label is set, an answer that shares less than `overlap` of
    its words with the other.

    Limits: no model reads the answers. Two answers in other words that agree are reported, and two
    in nearly the same words that disagree are not, but for a leading yes or no and for short ones
    with other numbers. A request that has many right answers (write a poem) is left out where its
    first words say so in English. So each finding is for a person to look at.
    """

    name: ClassVar[str] = "contradiction"
    version: ClassVar[int] = 1
    threshold: float = 0.7
    overlap: float = 0.2

    def __post_init__(self) -> None:
        if not 0.3 <= self.threshold <= 1:
            raise ConfigError(f"contradiction.threshold is {self.threshold}", hint="it is from 0.3 to 1")
        if not 0 <= self.overlap <= 1:
            raise ConfigError(f"contradiction.overlap is {self.overlap}", hint="it is from 0 to 1")

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Digests of question and answer, and the question's shingles; no question, no sketch."""
        said = list(wordings(batch))
        questions = [normalise(wording.question) for wording in said]
        return batch.select(
            "example_id",
            "label",
            key=pl.Series(
                [digest(w.system, q) if q else None for w, q in zip(said, questions, strict=True)],
                dtype=pl.String,
            ),
            says=pl.Series([digest(normalise(_answer(wording))) for wording in said], dtype=pl.String),
            shingles=hashed_shingles(questions),
        ).drop_nulls("key")

    def link(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """The odd ones of each question with its usual one, and the usual ones of near questions."""
        rows = sketches.with_columns(pl.coalesce(pl.concat_str(pl.lit("="), "label"), "says").alias("says"))
        votes = (
            rows.with_row_index("at").group_by("key", "says").agg(pl.len().alias("votes"), pl.col("at").min())
        )
        usual = votes.sort("votes", "at", descending=[True, False]).unique(
            "key", keep="first", maintain_order=True
        )
        usual = usual.sort("at").select(
            "key", "votes", usual_says="says", other_id=rows["example_id"].gather(usual.sort("at")["at"])
        )
        odd = rows.join(usual, on="key", maintain_order="left").filter(pl.col("says") != pl.col("usual_says"))
        return pl.concat([odd.select(list(PAIRS)), self._near(rows, usual)])

    def _near(self, rows: pl.DataFrame, usual: pl.DataFrame) -> pl.DataFrame:
        """Pairs of usual rows whose questions are near; the one with fewer votes, or the later, first."""
        heads = usual.join(
            rows.unique("key", keep="first").select("key", "shingles"), on="key", maintain_order="left"
        )
        met = minhash.candidates(minhash.bands(heads["shingles"], self.threshold))
        met = met[alike(heads["shingles"], met.tolist(), self.threshold)]
        left, right = heads[met[:, 0]], heads[met[:, 1]]
        swap = left["votes"] < right["votes"]
        pairs = pl.DataFrame(
            {
                "example_id": left["other_id"].zip_with(swap, right["other_id"]),
                "other_id": right["other_id"].zip_with(swap, left["other_id"]),
            },
            schema=PAIRS,
        )
        return pairs.filter(left["usual_says"] != right["usual_says"])

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """The pairs that do contradict each other, as far as words can tell."""
        said = _asked(texts)
        rows = []
        for name, other in pairs.iter_rows():
            left, right = said[name], said[other]
            same = self._same_question(left, right)
            difference = self._difference(left, right) if same else {}
            if difference:
                evidence = {"question": "equal" if same == 1 else round(same, 4), **difference}
                rows.append(
                    {
                        "example_id": name,
                        "other_id": other,
                        "label": difference["differs"],
                        "score": same,
                        "action": "review",
                        "evidence": json.dumps(evidence),
                    }
                )
        return pl.DataFrame(rows, schema_overrides=FINDINGS) if rows else pl.DataFrame(schema=FINDINGS)

    def _same_question(self, left: Asked, right: Asked) -> float:
        """How alike two questions are (1 is equal), 0 where they are not the same one."""
        if left.system != right.system:
            return 0.0
        if left.question == right.question:
            return 1.0
        if left.numbers != right.numbers or left.negations != right.negations:
            return 0.0
        if other_names(left.named, right.named) or _other_matter(left.question, right.question):
            return 0.0
        score = jaccard(left.shingles, right.shingles)
        return score if score >= self.threshold else 0.0

    def _difference(self, left: Asked, right: Asked) -> dict[str, object]:
        """What the two say differently, without their words; empty if nothing that counts."""
        if left.label is not None and right.label is not None:
            return {} if left.label == right.label else {"differs": "label"}
        if left.answer == right.answer or not left.answer or not right.answer:
            return {}
        one, two = frozenset(left.answer.split()), frozenset(right.answer.split())
        shared = round(jaccard(one, two), 4)
        verdicts = [found[1] in _YES for text in (left, right) if (found := _VERDICT.match(text.answer))]
        if len(verdicts) == 2 and verdicts[0] != verdicts[1]:
            return {"differs": "answer", "why": "yes against no", "shared_words": shared}
        results = [_results(text) for text in (left, right)]
        if all(results) and results[0] != results[1]:
            return {"differs": "answer", "why": "another result", "shared_words": shared}
        if left.is_open or right.is_open or shared >= self.overlap:
            return {}
        return {"differs": "answer", "why": "other words", "shared_words": shared}


class Asked(NamedTuple):
    """What verification needs of one example."""

    system: str
    question: str
    shingles: frozenset[int]
    numbers: tuple[str, ...]
    named: Named
    negations: int
    is_open: bool
    answer: str
    verbatim: str
    label: str | None


def _asked(texts: pl.DataFrame) -> dict[str, Asked]:
    """What verification needs of each example, by its id."""
    all_said = list(wordings(texts))
    questions = [normalise(wording.question) for wording in all_said]
    return {
        wording.example_id: Asked(
            wording.system,
            question,
            cut,
            numbers(question),
            named(wording.question),
            negations(question),
            bool(_OPEN.search(wording.question[:BEGINNING])),
            normalise(_answer(wording)),
            _answer(wording),
            label,
        )
        for wording, question, cut, label in zip(
            all_said, questions, shingle_sets(questions), texts["label"], strict=True
        )
    }


def _other_matter(left: str, right: str) -> bool:
    """Whether each question has a word of weight that the other has not, a slip of the pen apart."""
    one, two = ({word for word in text.split() if len(word) > 2} - FILLERS for text in (left, right))
    mine, theirs = one - two, two - one
    return any(not _slip(word, theirs) for word in mine) and any(not _slip(word, mine) for word in theirs)


def _slip(word: str, others: set[str]) -> bool:
    """Whether a word is another but for a letter or two."""
    return any(min(len(word), len(other)) > 3 and OSA.distance(word, other) < 3 for other in others)


def _results(text: Asked) -> tuple[str, ...]:
    """The value that an answer comes to: after a sign that announces it, or the numbers of a short one."""
    announced = _RESULT.findall(text.verbatim)
    if announced:
        return (announced[-1].replace(",", "").rstrip("."),)
    return numbers(text.answer) if len(text.answer.split()) <= SHORT else ()


def _answer(wording: Wording) -> str:
    """The answer, or the preferred one."""
    return wording.answer or wording.chosen
