"""Rows that are unlike the others of their task: in format, in length, in how they end, in language.

A task is a group of rows with the same system prompt, the same label, the same opening words of the question,
or the same source. A feature of the answers counts only where nearly all rows of a task agree in it, so that
open questions, whose answers differ by nature, raise nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar, NamedTuple

import polars as pl

from curate.checks.endings import features, unended
from curate.checks.quality.language import TRANSLATION, language_of
from curate.checks.quality.text import CODE
from curate.errors import ConfigError

TASKS = {
    "system": "system prompt",
    "label": "label",
    "opening": "opening words of the question",
    "source": "source",
}
FEATURES = {
    "form": "form",
    "end": "last character",
    "begin": "first character",
    "mark": "word with a colon at the start",
    "lines": "number of lines",
    "signs": "kinds of characters in a short answer",
    "markdown": "bold or headings in Markdown",
}
AGREED = 0.9  # share of a task's rows that are alike in a feature, for the feature to count
RARE = 0.02  # share of the rows that have an odd value, at most, where it is more than one row
SPREAD = 0.1  # least spread of logarithmic lengths; equal lengths would make any other one infinitely odd
NORMAL = 0.6745  # the median deviation of a normal distribution over its standard deviation
FOUND = {
    "example_id": pl.String,
    "message": pl.Int32,
    "field": pl.String,
    "label": pl.String,
    "score": pl.Float64,
    "evidence": pl.String,
}


class Answered(NamedTuple):
    """What of one row is compared: its last answer and where it stands, the question before it."""

    message: int | None
    field: str
    answer: str
    question: str
    system: str


@dataclass(frozen=True)
class Style:
    """Show the answer that is unlike the others of its task: another form, length, end or language.

    `least` rows make a task. `bits` is how surprising an answer's format must be: each feature counts
    the binary logarithm of how rare its value is among the task's rows. `deviations` is the robust
    z-score of the logarithm of the length from which an answer is too long or too short.
    `language_share` is the share of a source's rows from which their language is the language of the
    source; 1 or more turns that off.
    """

    name: ClassVar[str] = "style"
    version: ClassVar[int] = 2
    least: int = 20
    bits: float = 9.0
    deviations: float = 6.0
    language_share: float = 0.75

    def __post_init__(self) -> None:
        if self.least < 3:
            raise ConfigError(f"style.least is {self.least}", hint="it is at least 3")
        for setting in ("bits", "deviations", "language_share"):
            if not getattr(self, setting) > 0:
                raise ConfigError(f"style.{setting} is {getattr(self, setting)}", hint="it is above 0")

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The features of each row that has an answer, and the tasks to which it belongs."""
        rows = [_answered(*row) for row in batch.select("messages", "chosen").iter_rows()]
        table = batch.select("example_id", "label", "source").with_columns(
            pl.Series("message", [row.message for row in rows], dtype=pl.Int32),
            pl.Series("field", [row.field for row in rows], dtype=pl.String),
            pl.Series("answer", [row.answer.strip() for row in rows], dtype=pl.String),
            pl.Series(
                "copied", [row.answer.rstrip()[-25:] in row.question for row in rows], dtype=pl.Boolean
            ),
            pl.Series("system", [_code(row.system) for row in rows], dtype=pl.UInt64),
            pl.Series("opening", [_code(_opening(row.question)) for row in rows], dtype=pl.UInt64),
            pl.Series("language", [_language(row) for row in rows], dtype=pl.String),
            label=pl.col("label").hash(),
            origin=pl.col("source"),
            source=pl.col("source").hash(),
        )
        return _featured(table.filter(pl.col("answer") != "")).with_columns(answer=pl.col("answer").hash())

    def link(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """The rows that stand out, with the reason; nobody is their counterpart."""
        parts = [
            *self._formats(sketches),
            *self._lengths(sketches),
            *self._ends(sketches),
            *self._languages(sketches),
        ]
        found = pl.DataFrame(parts, schema=FOUND, orient="row")
        # of several tasks of a row the one in which it is oddest
        best = found.sort("score", "evidence", descending=True).unique(
            ["example_id", "label"], keep="first", maintain_order=True
        )
        return best.sort("example_id", "label").with_columns(other_id=pl.lit(None, dtype=pl.String))

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """One finding for each row that stands out; for a person to look at.

        What is in another language since a translation or code was asked for does not stand out.
        """
        meant = [
            row["example_id"]
            for row in texts.iter_rows(named=True)
            if TRANSLATION.search((told := _answered(row["messages"], row["chosen"])).question)
            or CODE.search(told.answer)
        ]
        other = (pl.col("label") == "other-language") & pl.col("example_id").is_in(meant)
        return pairs.filter(~other).with_columns(action=pl.lit("review"))

    def _tasks(self, sketches: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
        """(name, rows with `rows`) of each kind of task: those of tasks that are large enough."""
        for task in TASKS:
            # an answer that is given time and again is one of the task's own
            own = sketches.filter(pl.col(task).is_not_null() & (pl.len().over("answer") < self.least))
            sized = own.with_columns(rows=pl.len().over(task))
            large = sized.filter(pl.col("rows") >= self.least)
            if large.height:
                yield task, large

    def _formats(self, sketches: pl.DataFrame) -> Iterator[tuple[object, ...]]:
        """Answers whose format is rare in a task where nearly all have another, in two features or more."""
        for task, rows in self._tasks(sketches):
            odd = _surprises(rows, task).filter((pl.col("bits") >= self.bits) & (pl.col("odd") >= 2))
            for row in odd.iter_rows(named=True):
                said = {
                    "reason": "the answer's format is unlike that of its task's other answers",
                    "task": f"same {TASKS[task]}",
                    "rows": row["rows"],
                    "odd_rows_by_feature": {
                        words: row[f"{name}_odd"]
                        for name, words in FEATURES.items()
                        if row[f"{name}_bits"] > 0
                    },
                    "bits": round(row["bits"], 1),
                }
                yield _finding(row, "format-outlier", min(1.0, row["bits"] / (3 * self.bits) + 0.3), said)

    def _lengths(self, sketches: pl.DataFrame) -> Iterator[tuple[object, ...]]:
        """Answers far longer or shorter than their task's, by median and median deviation of log lengths."""
        for task, rows in self._tasks(sketches):
            # a source may hold several tasks
            limit = self.deviations * (1.5 if task == "source" else 1.0)
            middle = rows.with_columns(size=pl.col("characters").log()).with_columns(
                middle=pl.col("size").median().over(task)
            )
            spread = middle.with_columns(
                spread=(pl.col("size") - pl.col("middle")).abs().median().over(task).clip(lower_bound=SPREAD)
            )
            scored = spread.with_columns(z=NORMAL * (pl.col("size") - pl.col("middle")) / pl.col("spread"))
            beyond = scored.with_columns(beyond=(pl.col("z").abs() >= limit).sum().over(task))
            # lengths of two kinds are no outliers
            few = (pl.col("beyond") == 1) | (pl.col("beyond") <= RARE * pl.col("rows"))
            for row in beyond.filter((pl.col("z").abs() >= limit) & few).iter_rows(named=True):
                said = {
                    "reason": "the answer is far longer or shorter than its task's other answers",
                    "task": f"same {TASKS[task]}",
                    "rows": row["rows"],
                    "characters": row["characters"],
                    "median": round(math.exp(row["middle"])),
                    "robust_z": round(row["z"], 1),
                }
                score = min(1.0, abs(row["z"]) / (3 * self.deviations) + 0.2)
                yield _finding(row, "length-outlier", score, said)

    def _ends(self, sketches: pl.DataFrame) -> Iterator[tuple[object, ...]]:
        """Answers without a mark at their end, where nearly all of like length have one."""
        own = sketches.filter(~pl.col("copied") & (pl.len().over("answer") < self.least))
        for row, task in unended(own, TASKS, self.least):
            said = {
                "reason": "the answer ends in no mark, as nearly all of like length in its task do: cut off?",
                "task": f"same {TASKS[task]}",
                "rows": row["rows"],
                "ended_rows": row["ended_rows"],
            }
            yield _finding(row, "no-end-mark", 0.5, said)

    def _languages(self, sketches: pl.DataFrame) -> Iterator[tuple[object, ...]]:
        """Rows in another language than most of their source."""
        known = sketches.filter(pl.col("language").is_not_null()).with_columns(
            rows=pl.len().over("source"), alike=pl.len().over("source", "language")
        )
        most = known.filter(pl.col("alike") == pl.col("alike").max().over("source")).select(
            "source", main="language", top="alike"
        )
        compared = known.join(most.unique("source", keep="first", maintain_order=True), on="source")
        other = compared.filter(
            (pl.col("rows") >= self.least)
            & (pl.col("top") >= self.language_share * pl.col("rows"))
            & (pl.col("language") != pl.col("main"))
        )
        for row in other.iter_rows(named=True):
            said = {
                "reason": "the row is in another language than most of its source",
                "language": row["language"],
                "most": row["main"],
                "share": round(row["top"] / row["rows"], 3),
                "rows": row["rows"],
            }
            yield _finding(
                {**row, "message": None, "field": None}, "other-language", row["top"] / row["rows"], said
            )


def _surprises(rows: pl.DataFrame, task: str) -> pl.DataFrame:
    """The rows with, for each feature, how many rows of the task are odd in it, and the bits of surprise.

    Odd is who has a value that is rare; what is rare together in a task is not surprising.
    """
    counted = rows.with_columns(**{f"{name}_n": pl.len().over(task, name) for name in FEATURES})
    rare = {
        name: (pl.col(f"{name}_n") <= RARE * pl.col("rows")) | (pl.col(f"{name}_n") == 1) for name in FEATURES
    }
    summed = counted.with_columns(
        **{f"{name}_odd": rare[name].sum().over(task) for name in FEATURES},
        **{f"{name}_top": pl.col(f"{name}_n").max().over(task) for name in FEATURES},
    )
    bits = {
        f"{name}_bits": pl.when(rare[name] & (pl.col(f"{name}_top") >= AGREED * pl.col("rows")))
        .then(((pl.col("rows") + 1) / (pl.col(f"{name}_odd") + 0.5)).log(2))
        .otherwise(0.0)
        for name in FEATURES
    }
    names = list(bits)
    return summed.with_columns(**bits).with_columns(
        bits=pl.sum_horizontal(names), odd=pl.sum_horizontal(pl.col(name) > 0 for name in names)
    )


def _finding(row: dict[str, object], label: str, score: float, said: dict[str, object]) -> tuple[object, ...]:
    place = row["example_id"], row["message"], row["field"]
    return (*place, label, round(score, 4), json.dumps(said))


def _answered(messages: list[dict[str, str | None]] | None, chosen: str | None) -> Answered:
    """The last answer of a row and what it answers."""
    turns = messages or []
    system = "\n".join(turn["content"] or "" for turn in turns if turn["role"] == "system")
    last = next((at for at in reversed(range(len(turns))) if turns[at]["role"] == "assistant"), None)
    before = turns if last is None or chosen is not None else turns[:last]
    question = next((turn["content"] or "" for turn in reversed(before) if turn["role"] == "user"), "")
    if chosen is not None:
        return Answered(None, "chosen", chosen, question, system)
    answer = "" if last is None else turns[last]["content"] or ""
    return Answered(last, "content", answer, question, system)


def _code(text: str) -> int | None:
    """A 64-bit name of a text, the same in every process; None for an empty one."""
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") if data else None


def _opening(question: str) -> str:
    """The first five words of a question, or its first eight letters where words are not set apart."""
    words = question[:160].casefold().split(None, 5)[:5]
    if len(words) < 5 or not words[0].isascii():
        return question[:8] if question[:1] > "\u2e7f" and len(question) >= 8 else ""
    return " ".join("0" if word.isdigit() else word.strip(".,:;!?\"'") for word in words)


def _language(row: Answered) -> str | None:
    """The language of a row: of its question, which is in the data's, or of the answer where both agree or one is known."""
    asked, answered = language_of(row.question), language_of(row.answer)
    if asked is None and answered is None:
        return language_of(f"{row.question}\n{row.answer}")
    return asked if asked == answered or answered is None else answered if asked is None else None


def _featured(table: pl.DataFrame) -> pl.DataFrame:
    """The table with a column for each feature."""
    text = pl.col("answer")
    first, last = text.str.head(1), text.str.tail(1)
    listed = text.str.count_matches(r"(?m)^[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]")
    wrapped = text.str.contains(r"\A[{\[]") & text.str.contains(r"[}\]]\z")
    lines = text.str.count_matches("\n", literal=True)
    short = text.str.len_chars() <= 40
    kinds = [
        pl.when(text.str.contains(pattern)).then(pl.lit(sign)).otherwise(pl.lit(""))
        for pattern, sign in (
            (r"\p{Ll}", "a"),
            (r"\p{Lu}", "A"),
            (r"\p{Nd}", "0"),
            ("_", "_"),
            (r"[.!?;:,]", "."),
        )
    ]
    parsed = pl.Series(
        _parse(table.filter(wrapped).select("example_id", "answer").iter_rows()), dtype=pl.String
    )
    return table.with_columns(
        characters=text.str.len_chars(),
        form=pl.when(pl.col("example_id").is_in(parsed.implode()))
        .then(pl.lit("json"))
        .when(text.str.contains("```", literal=True))
        .then(pl.lit("code"))
        .when(text.str.count_matches(r"(?m)^\|.*\|[ \t]*$") >= 2)
        .then(pl.lit("table"))
        .when(listed >= 2)
        .then(pl.lit("list"))
        .otherwise(pl.lit("prose")),
        begin=_kind(first),
        end=_kind(last),
        mark=text.str.extract(r"\A[*#\s]*([\p{L}][\p{L} ]{0,20}):", 1).hash(),
        lines=pl.when(lines == 0).then(0).when(lines < 3).then(1).otherwise(2).cast(pl.Int8),
        signs=pl.when(short).then(pl.concat_str(kinds)),
        markdown=text.str.contains(r"\*\*[^*\n]+\*\*|(?m)^#{1,6} "),
        **features(text),
    )


def _kind(character: pl.Expr) -> pl.Expr:
    """A letter's or digit's kind; other characters stand for themselves."""
    return (
        pl.when(character.str.contains(r"\p{Lu}"))
        .then(pl.lit("A"))
        .when(character.str.contains(r"\p{L}"))
        .then(pl.lit("a"))
        .when(character.str.contains(r"\p{N}"))
        .then(pl.lit("0"))
        .when(character.str.contains(r"[.。!！?？]"))
        .then(pl.lit("."))
        .otherwise(character)
    )


def _parse(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The ids of those whose answer is JSON."""
    for example_id, answer in rows:
        try:
            json.loads(answer)
        except (ValueError, RecursionError):
            continue
        yield example_id
