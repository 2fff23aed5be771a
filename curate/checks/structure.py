"""Rows that cannot be trained on, or look as if they should not be."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from curate.check import Scan
from curate.checks.placeholders import DOUBTFUL, PLACEHOLDERS, is_put_off
from curate.checks.spelling import plain_spelling
from curate.checks.tool_calls import Message, Problem, calls_of, declared
from curate.errors import ConfigError
from curate.finding import FINDINGS

MOST = 1_000_000_000  # characters of all turns; no row that is read has so many

TRIM: dict[str, object] = {"last": "user", "edit": {"trim": True}}  # of a turn: it goes, with all that follow

# of a label these are likely where one was missing; of the second set one may well be a class
NO_LABEL = PLACEHOLDERS | frozenset(
    [
        "n/a",
        "na",
        "null",
        "nil",
        "-",
        "--",
        "...",
        "…",
        ".",
        "empty",
        "???",
        "unlabeled",
        "unlabelled",
        "missing",
    ]
)
DOUBTFUL_LABEL = frozenset({"unknown", "undefined", "?"})


@dataclass(frozen=True)
class Structure:
    """Look at each row's form: roles, emptiness, length, tool calls, placeholders.

    What no trainer can use is proposed for dropping and blocks (`empty-answer`, `no-question`,
    `unanswered`, `role-order`, `over-long` ...); of a conversation that ends with the user, what follows the
    last answer is proposed for taking off. What is doubtful is for review. `max_characters` is
    the length of all turns together.
    """

    name: ClassVar[str] = "structure"
    version: ClassVar[int] = 6
    anew: ClassVar[frozenset[str]] = frozenset(
        {"unanswered"}
    )  # looked at anew by each scan: goes by the layout, too
    max_characters: int = 20_000

    def __post_init__(self) -> None:
        if not 1 <= self.max_characters <= MOST:
            raise ConfigError(
                f"structure.max_characters is {self.max_characters}",
                hint=f"it is at least 1 and at most {MOST:,}",
            )

    def scan(self, batch: pl.DataFrame) -> Scan:
        """One finding a problem; a place where one is told."""
        rows: list[dict[str, object]] = []
        columns = batch.select("example_id", "messages", "chosen", "rejected", "label", "meta", "layout")
        for example_id, messages, chosen, rejected, label, meta, layout in columns.iter_rows():
            problems = self._problems(messages or [], chosen, rejected, label, layout)
            for problem in itertools.chain(problems, calls_of(messages or [], declared(meta))):
                row = problem._asdict()
                drop = row.pop("drop")
                row["evidence"] = json.dumps(row["evidence"] or {})
                row.update(example_id=example_id, score=1.0 if drop else 0.5)
                row.update(action="drop" if drop else "review", blocking=drop)
                if problem.evidence == TRIM:
                    row.update(action="edit")
                rows.append(row)
        wanted = [name for name in FINDINGS if not rows or name in rows[0]]
        return Scan(pl.DataFrame(rows, schema={name: FINDINGS[name] for name in wanted}, orient="row"))

    def _problems(
        self,
        messages: Sequence[Message],
        chosen: str | None,
        rejected: str | None,
        label: str | None,
        layout: str | None,
    ) -> Iterator[Problem]:
        """All that is wrong with one row."""
        preference = chosen is not None or rejected is not None
        if not messages:
            yield Problem("no-messages")
        else:
            yield from _roles(messages, preference=preference)
            if not preference:
                yield from _end(messages, layout, label)
            yield from _emptiness(messages, preference=preference)
            yield from _placeholders(messages, label)
        yield from _label(label)
        if preference:
            yield from _preference(chosen, rejected)
            if is_put_off((chosen or "").strip()):
                yield Problem("placeholder-answer", None, "chosen", drop=False, evidence={"doubtful": True})
        texts = _texts(messages, chosen, rejected)
        length = sum(len(text) for _, _, text in texts)
        if length > self.max_characters:
            yield Problem("over-long", evidence={"characters": length, "limit": self.max_characters})


def _texts(
    messages: Sequence[Message], chosen: str | None, rejected: str | None
) -> list[tuple[int | None, str, str]]:
    """(message, field, text) of each text that is trained on or read."""
    texts: list[tuple[int | None, str, str]] = [
        (at, field, text)
        for at, message in enumerate(messages)
        for field in ("content", "tool_calls")
        if (text := message[field])
    ]
    return texts + [(None, name, text) for name, text in (("chosen", chosen), ("rejected", rejected)) if text]


def _blank(text: str | None) -> bool:
    return not text or not text.strip("\u200b\u200c\u200d\u2060\ufeff \t\r\n\x0b\x0c\u00a0\u3000")


def _roles(messages: Sequence[Message], *, preference: bool) -> Iterator[Problem]:
    """Turns in an order that chat templates refuse."""
    roles = [message["role"] for message in messages]
    if "user" not in roles:
        yield Problem("no-question")
    if "assistant" not in roles and not preference:
        yield Problem("no-answer")
    calling = False
    before: str | None = None
    for at, (role, message) in enumerate(zip(roles, messages, strict=True)):
        if role == "assistant" and before in (None, "system") and "user" in roles:
            yield Problem("role-order", at, evidence={"why": "the assistant speaks first"})
        elif role == "assistant" and before == "assistant":
            yield Problem("role-order", at, evidence={"why": "two answers in a row"})
        elif role == "user" and before == "user":
            yield Problem("two-questions", at, drop=False)
        elif role == "system" and before not in (None, "system"):
            yield Problem("late-system", at, drop=False)
        elif role == "tool" and not calling:
            yield Problem("role-order", at, evidence={"why": "a tool answers that was not called"})
        calling = bool(message["tool_calls"]) if role != "tool" else calling
        before = role


def _end(messages: Sequence[Message], layout: str | None, label: str | None) -> Iterator[Problem]:
    """A conversation that does not end with an answer; what the user says behind the last one can go."""
    roles = [message["role"] for message in messages]
    if "assistant" not in roles or roles[-1] == "assistant":
        return
    answer = len(roles) - 1 - roles[::-1].index("assistant")
    rest, last = roles[answer + 1 :], messages[answer]
    form = json.loads(layout or "{}")
    turns = form.get("turns", [])
    # of columns that hold one turn each, none can be taken off; a prompt without its end asks something else
    listed = not turns or (turns[-1].get("as") == "list" and turns[-1]["n"] > len(rest))
    listed &= form.get("format") != "prompt"
    listed &= label is None  # which may be of what the user says last
    if set(rest) == {"user"} and "user" in roles[:answer] and not last["tool_calls"] and listed:
        yield Problem("unanswered", answer + 1, "content", evidence=TRIM)
    else:
        yield Problem("unanswered", len(roles) - 1, evidence={"last": roles[-1]})


def _emptiness(messages: Sequence[Message], *, preference: bool) -> Iterator[Problem]:
    """Answers and questions that hold nothing."""
    asked = [at for at, message in enumerate(messages) if message["role"] == "user"]
    if asked and all(_blank(messages[at]["content"]) for at in asked):
        yield Problem("empty-question", asked[-1], "content")
    else:
        for at in asked:
            if _blank(messages[at]["content"]):
                yield Problem("empty-turn", at, "content", drop=False)
    for at, message in enumerate(messages):
        if message["role"] == "assistant" and _blank(message["content"]) and not message["tool_calls"]:
            yield Problem("empty-answer", at, "content")


def _placeholders(messages: Sequence[Message], label: str | None) -> Iterator[Problem]:
    """Words that stand where a text is missing, as the whole of it."""
    for at, message in enumerate(messages):
        content = message["content"] or ""
        word = "-".join(content.split()).casefold()[:40]
        word = word.rstrip(".") or word  # `None.` is none, and three points stay what they are
        if _blank(content) or message["role"] not in ("user", "assistant"):
            continue
        is_answer = message["role"] == "assistant"
        put_off = is_answer and is_put_off(content.strip())
        if word not in PLACEHOLDERS and word not in DOUBTFUL and not put_off:
            continue
        if is_answer and label is not None and plain_spelling(content) == plain_spelling(label):
            continue  # a class may well be called `none`
        if is_answer and _offered(content.strip(), messages[:at]):
            continue
        kind = "answer" if is_answer else "question"
        if word in PLACEHOLDERS:
            yield Problem(f"placeholder-{kind}", at, "content")
        else:
            yield Problem(f"placeholder-{kind}", at, "content", drop=False, evidence={"doubtful": True})


def _offered(answer: str, before: Sequence[Message]) -> bool:
    """Whether a question has the word among others, as one that may be chosen."""
    asked = "\n".join(message["content"] or "" for message in before if message["role"] == "user")
    lines = [line for line in asked.split("\n") if line.strip() != answer]
    return (
        answer[:1].isalnum()
        and len(answer) > 1
        and any(re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", line) for line in lines)
    )


def _label(label: str | None) -> Iterator[Problem]:
    """A word that stands where a label is missing. A row without a label has nothing wrong."""
    if label is None:
        return
    word = "-".join(label.split()).casefold()
    marks = set(word) <= set("?-._/") and "?" in word[1:]  # `???`
    if _blank(label) or marks or word in NO_LABEL:
        yield Problem("placeholder-label", drop=False, evidence={"label": label[:40]})
    elif word in DOUBTFUL_LABEL:
        yield Problem("placeholder-label", drop=False, evidence={"label": label[:40], "doubtful": True})


def _preference(chosen: str | None, rejected: str | None) -> Iterator[Problem]:
    """Pairs from which no preference can be learned."""
    for name, text in (("chosen", chosen), ("rejected", rejected)):
        if _blank(text):
            yield Problem("empty-answer", None, name)
    if not _blank(chosen) and chosen == rejected:
        yield Problem("no-preference")
