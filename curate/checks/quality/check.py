"""The check: what makes a row poor to learn from, each finding with its reason and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import polars as pl

from curate.check import Scan
from curate.checks.quality import (
    absent,
    encoding,
    ending,
    escapes,
    leftovers,
    letters,
    markup,
    phrases,
    sheets,
    turns,
)
from curate.checks.quality.language import english, foreign_to, switches
from curate.checks.quality.length import lengths, tokenizer_digest
from curate.checks.quality.repetition import SHORT, repeats
from curate.checks.quality.text import ANSWER, SPOKEN, Problem, Rule, Text, straight, texts
from curate.errors import ConfigError
from curate.finding import FINDINGS
from curate.scanning.fingerprint import marked, parted

RULES: tuple[Rule, ...] = (
    *encoding.RULES,
    *escapes.RULES,
    *phrases.RULES,
    *sheets.RULES,
    *absent.RULES,
    *markup.RULES,
    *turns.RULES,
    *letters.RULES,
    *ending.RULES,
    *leftovers.RULES,
    # an answer of fewer bytes is looked at where it may be its question again
    Rule(
        ANSWER & ((pl.col("text").str.len_bytes() >= SHORT) | pl.col("text").str.contains(r"[?？]\s*\z")),
        repeats,
    ),
)
TOLD = Rule(ANSWER & pl.col("last") & pl.col("limited"), ending.TOLD)


@dataclass(frozen=True)
class Quality:
    """Look for poor texts: refusals, cut or looping answers, leftovers of pages, letters and tools, missing inputs.

    `max_words` and `max_tokens` are for the whole row and off at 0; so are `min_words`, of the last
    answer. `tokenizer` is a folder, a `tokenizer.json` or a hub id, and is needed where `max_tokens` is
    set. `languages` (ISO 639-1) are those that an answer may be in; empty: any. `leave_out` names
    labels that are not wanted.
    """

    name: ClassVar[str] = "quality"
    version: ClassVar[int] = 4
    max_words: int = 0
    min_words: int = 0
    max_tokens: int = 0
    tokenizer: str = ""
    languages: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for setting in ("max_words", "min_words", "max_tokens"):
            if getattr(self, setting) < 0:
                raise ConfigError(f"quality.{setting} is {getattr(self, setting)}", hint="0 turns it off")
        if self.max_tokens and not self.tokenizer:
            raise ConfigError(
                "quality.max_tokens needs quality.tokenizer", hint="a folder, a file or a hub id"
            )

    def pinned(self) -> Quality:
        """The same, with a digest of the tokenizer behind its name, as the ledger should record it."""
        if not self.max_tokens or parted(self.tokenizer)[1]:
            return self
        return replace(self, tokenizer=marked(self.tokenizer, tokenizer_digest(self.tokenizer)))

    def scan(self, batch: pl.DataFrame) -> Scan:
        """One finding a problem; a place where one is told."""
        rows: list[dict[str, object]] = []
        for row, message, field, problem in (*self._problems(batch), *self._limits(batch)):
            if problem.label not in self.leave_out:
                rows.append(
                    {
                        "label": problem.label,
                        "row": row,
                        "message": message,
                        "field": field,
                        "start": problem.start,
                        "end": problem.end,
                        "score": problem.score,
                        "action": problem.action,
                        "evidence": problem.evidence(),
                    }
                )
        found = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
        ids = batch.select("example_id").with_row_index("row")
        return Scan(found.join(ids, on="row", maintain_order="left").drop("row"))

    def _problems(self, batch: pl.DataFrame) -> Iterator[tuple[int, int | None, str, Problem]]:
        """(row, message, field, problem) of all rules that look at one text and what stands before it."""
        foreign = ANSWER & (pl.col("text").str.len_bytes() >= 40) & ~pl.col("english")
        # an answer in a wrong language is a good one to reject
        rules = (*RULES, TOLD, Rule(foreign & (pl.col("field") != "rejected"), switches))
        if self.languages:
            rules = (*rules, Rule(ANSWER, self._foreign))
        every = texts(batch).with_columns(
            last=pl.col("message").is_null() | (pl.col("message") == pl.col("message").max().over("row")),
            limited=pl.col("row").is_in(_limited(batch).implode()),
            # all that was said in the row reads as English at first sight, so no language can have changed
            english=pl.when(SPOKEN).then(english(pl.col("text"))).all().over("row"),
        )
        marked = every.with_columns(
            rule.may.fill_null(value=False).alias(f"rule{at}") for at, rule in enumerate(rules)
        )
        names = [f"rule{at}" for at in range(len(rules))]
        context = _Context(every, batch)
        columns = marked.filter(pl.any_horizontal(names)).select(
            "row", "message", "role", "field", "text", *names
        )
        for row, message, role, field, body, *masks in columns.iter_rows():
            text = context.text(row, message, role, body)
            for rule, may in zip(rules, masks, strict=True):
                if may:
                    for problem in rule.look(text):
                        yield row, message, field, problem

    def _foreign(self, text: Text) -> Iterator[Problem]:
        """Answers in another language than those that are wanted."""
        found = foreign_to(self.languages, text.question, text.text)
        if found:
            said: dict[str, object] = {"language": found}
            yield Problem(
                "other-language", None, None, 0.8, "the language is not one of those wanted", measured=said
            )

    def _limits(self, batch: pl.DataFrame) -> Iterator[tuple[int, int | None, str | None, Problem]]:
        """Rows beyond the limits of length."""
        if not (self.max_words or self.min_words or self.max_tokens):
            return
        for row, problem in lengths(
            texts(batch).filter(SPOKEN | (pl.col("role") == "system")),
            self.max_words,
            self.min_words,
            self.max_tokens,
            self.tokenizer,
        ):
            yield row, None, None, problem


def _limited(batch: pl.DataFrame) -> pl.Series:
    """The rows whose source says that the model was stopped at its limit."""
    told = batch["meta"].fill_null("").str.contains(ending.LIMIT.pattern)
    return told.arg_true().cast(pl.UInt32)


_SCHEMA = {"row": pl.UInt32} | {
    name: FINDINGS[name]
    for name in ("label", "message", "field", "start", "end", "score", "action", "evidence")
}


class _Context:
    """What was asked before each answer, and what stands beside it."""

    def __init__(self, every: pl.DataFrame, batch: pl.DataFrame) -> None:
        asked = every.filter((pl.col("role") == "user") & (pl.col("field") == "content"))
        self.turns: dict[int, list[tuple[int, str]]] = {}
        for row, message, text in asked.select("row", "message", "text").iter_rows():
            self.turns.setdefault(row, []).append((message, text))
        systems = every.filter((pl.col("role") == "system") & (pl.col("field") == "content"))
        self.systems: dict[int, list[str]] = {}
        for row, text in systems.select("row", "text").iter_rows():
            self.systems.setdefault(row, []).append(text)
        self.meta = batch["meta"].to_list()
        self.labels = batch["label"].to_list()

    def text(self, row: int, message: int | None, role: str, body: str) -> Text:
        """One text with its question."""
        before: list[str] = []
        if role == "assistant":
            before = [said for at, said in self.turns.get(row, ()) if message is None or at < message]
        first = role != "user" or not self.turns.get(row) or self.turns[row][0][0] == message
        told = before[-1] if before else "", "\n\n".join(before)
        question, asked = map(straight, told)
        return Text(
            straight(body),
            role,
            question,
            asked,
            self.meta[row] or "",
            self.labels[row] or "",
            first,
            straight("\n\n".join(self.systems.get(row, ()))),
            body,
        )
