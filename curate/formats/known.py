"""The formats that are known, as a list, and which of them some rows are in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from curate.errors import ConfigError, SourceError

Row = dict[str, Any]

SYSTEM = ("system", "system_prompt")
TEXTS = ("text", "sentence", "utterance", "query", "question", "message", "content", "review")
LABELS = (
    "label_text",
    "label",
    "labels",
    "category",
    "intent",
    "class",
    "target",
    "sentiment",
    "topic",
    "queue",
)


@dataclass(frozen=True)
class Part:
    """A part of a format: its name, who says it, and the columns it may stand in, likeliest first."""

    name: str
    role: str
    columns: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True)
class Format:
    """A format by its parts, in the order of the conversation. `words` end "50 of 50 rows have ..."."""

    name: str
    words: str
    parts: tuple[Part, ...]
    fits: Callable[[Row], bool]


def column_of(part: Part, row: Row, columns: Mapping[str, str]) -> str | None:
    """The row's column that holds a part, in whatever case; `columns` overrules the usual names."""
    if part.name in columns:
        return columns[part.name] if columns[part.name] in row else None
    exact = next((name for name in part.columns if name in row), None)
    if exact is not None:
        return exact
    folded = _folded(tuple(row))
    return next((folded[name] for name in part.columns if name in folded), None)


@lru_cache(maxsize=64)  # most files have one set of columns
def _folded(names: tuple[str, ...]) -> dict[str, str]:
    """{a column's name without case and outer space: the name as it stands}; of equals the first."""
    return {name.strip().casefold(): name for name in reversed(names)}


def _chat(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _said(value: object) -> bool:
    return (
        isinstance(value, str)
        or _chat(value)
        or (isinstance(value, dict) and bool({"content", "value"} & set(value)))
    )


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _any(row: Row, names: Sequence[str], test: Callable[[object], bool]) -> bool:
    return any(name in row and test(row[name]) for name in names)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _label(value: object) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and len(value) <= 200)


def _is_tree(row: Row) -> bool:
    prompt = row.get("prompt")
    node = prompt if isinstance(prompt, dict) else row
    return isinstance(node.get("text"), str) and "message_id" in node and "role" in node


# "question" and "answer" as spreadsheets of other languages have them
QUESTION = ("frage", "pregunta", "pergunta", "domanda", "vraag", "fråga", "pytanie", "вопрос", "问题", "質問")
ANSWER = ("antwort", "respuesta", "resposta", "risposta", "réponse", "antwoord", "svar", "odpowiedź", "ответ")
PROMPT = ("prompt", "question", "query", "problem", *QUESTION)
COMPLETION = ("completion", "response", "answer", "output", "canonical_solution", *ANSWER, "答案", "回答")
CHATS = ("messages", "conversations", "conversation")

_system = Part("system", "system", SYSTEM, required=False)
_history = Part("history", "user", ("history",), required=False)
_instruction = Part("instruction", "user", ("instruction",))
_input = Part("input", "user", ("input", "context"), required=False)
_output = Part("output", "assistant", ("output", "response"), required=False)
_prompt = Part("prompt", "user", PROMPT)
_completion = Part("completion", "assistant", COMPLETION, required=False)

FORMATS: tuple[Format, ...] = (
    Format(
        "oasst",
        "a message tree (message_id, role, text, replies)",
        (Part("tree", "user", ("prompt",), required=False),),
        _is_tree,
    ),
    Format(
        "preference",
        "both `chosen` and `rejected`",
        (
            _system,
            _history,
            Part("messages", "user", CHATS, required=False),
            Part("prompt", "user", (*PROMPT, "instruction"), required=False),
            _input,
        ),
        lambda row: _said(row.get("chosen")) and _said(row.get("rejected")),
    ),
    Format(
        "kto",
        "a conversation and a true or false `label`",
        (
            _system,
            Part("messages", "user", CHATS, required=False),
            Part("prompt", "user", PROMPT, required=False),
            _completion,
        ),
        lambda row: (
            (isinstance(row.get("label"), bool) or isinstance(row.get("kto_tag"), bool))
            and (_any(row, CHATS, _chat) or (_any(row, ("prompt",), _said) and "completion" in row))
        ),
    ),
    Format(
        "messages",
        "a `messages` list",
        (_system, Part("messages", "user", ("messages",))),
        lambda row: _chat(row.get("messages")),
    ),
    Format(
        "sharegpt",
        "a `conversations` list",
        (_system, Part("conversations", "user", ("conversations", "conversation"))),
        lambda row: _any(row, ("conversations", "conversation"), _chat),
    ),
    Format(
        "alpaca",
        "an `instruction` text",
        (_system, _history, _instruction, _input, _output),
        lambda row: isinstance(row.get("instruction"), str),
    ),
    Format(
        "prompt-completion",
        "a prompt and a completion (or question and answer)",
        (_system, _prompt, _completion),
        lambda row: _any(row, PROMPT, _said) and _any(row, COMPLETION, lambda v: v is None or _said(v)),
    ),
    Format(
        "classification",
        "a text and a label",
        (Part("text", "user", TEXTS), Part("label", "assistant", LABELS, required=False)),
        lambda row: _any(row, TEXTS, _text) and _any(row, LABELS, _label),
    ),
    Format(
        "text", "a `text` alone", (Part("text", "assistant", ("text",)),), lambda row: _text(row.get("text"))
    ),
    Format(
        "prompt",
        "a prompt and no answer",
        (_system, Part("prompt", "user", (*PROMPT, "turns", "instruction", "input"))),
        lambda row: _any(row, (*PROMPT, "turns"), lambda value: _said(value) or _texts(value)),
    ),
)
BY_NAME = {known.name: known for known in FORMATS}
# each says what is not there: it is told only by rows of which no other format reads more
ALONE = ("text", "prompt")
# conversations to learn from: a file may mix them, for each row says by itself which it is
MIXED = ("messages", "sharegpt", "alpaca", "prompt-completion")


def named(name: str) -> Format:
    """The format of that name; ConfigError with the names there are."""
    if name not in BY_NAME:
        raise ConfigError(f"no format is called `{name}`", hint=f"formats: {', '.join(BY_NAME)}")
    return BY_NAME[name]


def fits(known: Format, row: Row, columns: Mapping[str, str]) -> bool:
    """Whether a row looks like a format, with its columns by their usual names where mapped."""
    renamed = dict(row)
    for part in known.parts:
        theirs = columns.get(part.name)
        if theirs in row:
            renamed[part.columns[0]] = row[theirs]
        elif theirs is None and (column := column_of(part, row, columns)) is not None:
            renamed.setdefault(column.strip().casefold(), row[column])
    return known.fits(renamed)


def recognise_alone(row: Row, columns: Mapping[str, str]) -> Format | None:
    """The one demonstration that a row is by itself; null where it is in none of them, or in several."""
    fitting = [known for known in FORMATS if known.name not in ALONE and fits(known, row, columns)]
    return fitting[0] if len(fitting) == 1 and fitting[0].name in MIXED else None


_WORD = re.compile(
    r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])"
)  # of a column's name: `question_text`, `userQuestion`
_BESIDE = frozenset(
    ("id", "ids", "time", "date", "type", "length", "tokens", "count", "score", "language", "lang")
)


def _columns_meant(row: Row) -> str:
    """`perhaps --column ...`, by a word of a question's and of an answer's column; empty where one has none."""
    words = {name: set(map(str.casefold, _WORD.findall(name))) for name in row}
    meant: dict[str, str] = {}
    for part, names in (("prompt", PROMPT), ("completion", COMPLETION)):
        fitting = [name for name, said in words.items() if said & set(names) and not said & _BESIDE]
        if len(fitting) != 1 or fitting[0] in meant.values():  # none, or which of them is a guess
            return ""
        meant[part] = fitting[0]
    said = " ".join("--column " + shlex.quote(f"{part}={name}") for part, name in meant.items())
    return f"perhaps {said}; docs/import.md lists the formats"


def recognise(rows: Sequence[Row], columns: Mapping[str, str]) -> tuple[Format, str]:
    """The format that most of the rows are in (of equals, the first in FORMATS), and why, in words."""
    counts = dict.fromkeys(BY_NAME, 0)
    for row in rows:
        fitting = [known.name for known in FORMATS if fits(known, row, columns)]
        for name in [name for name in fitting if name not in ALONE] or fitting:
            counts[name] += 1
    known = max(FORMATS, key=lambda one: counts[one.name])
    best = counts[known.name]
    if not best:
        names = ", ".join(f"`{name}`" for name in list(rows[0])[:12]) if rows else "none"
        raise SourceError(
            f"the rows are in no known format; the columns are {names}",
            hint=_columns_meant(rows[0] if rows else {})
            or "name the columns: --column prompt=YOURS --column completion=YOURS, or "
            "--column text=YOURS --label YOURS; docs/import.md lists the formats",
        )
    return known, f"{known.name}: {best} of {len(rows)} first rows have {known.words}"
