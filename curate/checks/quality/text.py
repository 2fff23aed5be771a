"""The texts of a batch, one a row, and what a rule sees of one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import polars as pl

ANSWER = pl.col("role") == "assistant"
ASKED = pl.col("role") == "user"
SPOKEN = ANSWER | ASKED  # of people and models; system prompts, tools and calls say things in their own way


class Problem(NamedTuple):
    """One thing wrong with a text: where, how sure, what to do, and why in words."""

    label: str
    start: int | None
    end: int | None
    score: float
    reason: str
    action: str = "review"
    edit: dict[str, object] | None = None
    measured: dict[str, object] | None = None

    def evidence(self) -> str:
        """The reason, the proposed edit and what was measured, as JSON."""
        said: dict[str, object] = {"reason": self.reason, **(self.measured or {})}
        if self.edit is not None:
            said["edit"] = self.edit
        return json.dumps(said)


class Text(NamedTuple):
    """One text and what stands around it, with straight apostrophes; `raw` is the text as it came."""

    text: str
    role: str  # user, assistant (also chosen and rejected), system, tool or call
    question: str  # the user's last turn before an answer; empty for other texts
    asked: str  # all that the user said before an answer
    meta: str  # the row's other columns, JSON
    label: str
    first: bool  # the first turn of its role in the row
    system: str  # the row's system prompts
    raw: str


class Rule(NamedTuple):
    """`look` reads those texts that `may` lets through: a polars expression that is fast and never too strict."""

    may: pl.Expr
    look: Callable[[Text], Iterator[Problem]]


APOSTROPHES = "’ʼ＇"  # which programs and phones write for `'`


def straight(text: str) -> str:
    """The text with one kind of apostrophe, as the rules for wording are written; every place stays."""
    if not text.isascii():
        for mark in APOSTROPHES:
            text = text.replace(mark, "'")
    return text


def said(pattern: str, head: int | None = None) -> pl.Expr:
    """Whether the text, or its first `head` characters, hold a Rust regular expression.

    Without regard to case or to the kind of apostrophe.
    """
    text = pl.col("text") if head is None else pl.col("text").str.head(head)
    return text.str.contains(f"(?i){pattern}".replace("'", f"['{APOSTROPHES}]"))


def texts(batch: pl.DataFrame) -> pl.DataFrame:
    """Each text of the batch: row, message, field, role, text. Empty ones are left out."""
    rows = batch.with_row_index("row")
    turns = (
        rows.select("row", "messages")
        .explode("messages")
        .filter(pl.col("messages").is_not_null())
        .with_columns(message=pl.int_range(pl.len(), dtype=pl.Int32).over("row"))
        .unnest("messages")
    )
    contents = turns.select("row", "message", "role", field=pl.lit("content"), text="content")
    calls = turns.filter(pl.col("tool_calls").is_not_null()).select(
        "row", "message", role=pl.lit("call"), field=pl.lit("tool_calls"), text="tool_calls"
    )
    whole = [
        rows.filter(pl.col(name).is_not_null()).select(
            "row",
            message=pl.lit(None, dtype=pl.Int32),
            role=pl.lit("assistant"),
            field=pl.lit(name),
            text=name,
        )
        for name in ("chosen", "rejected")
    ]
    return pl.concat([contents, calls, *whole]).filter(pl.col("text").str.len_bytes() > 0)


def blank(text: str | None) -> bool:
    """Whether no reader sees anything in it."""
    return not text or not text.strip("\u200b\u200c\u200d\u2060\ufeff \t\r\n\x0b\x0c\u00a0\u3000")


# what kind of text it is

CODE = re.compile(
    r"```|<code|<(?:table|div|html|body|head|svg|script|style)\b|^[ \t]*(?:def |class \w+[(:{ ]|import |from \w+ import |#include|function |public |private |"
    r"var |let |const |return\b|select .* from |<!doctype|<html|<\?|#!/)|[;{}][ \t]*$|=>|\(\) ?\{",
    re.IGNORECASE | re.MULTILINE,
)
CODE_WORDS = re.compile(
    r"\b(?:code|coding|html|css|javascript|java|python|sql|xml|yaml|json|regex|regular expression|latex|markdown|bbcode|"
    r"wiki(?:text|media)|script|programs?|programming|function|algorithm|api|endpoint|tags?|web ?pages?|web ?sites?|web ?app\w*|ui|ux|components?|bold|italics?|fonts?|typograph\w*|highlight\w*|hyperlinks?|underline\w*|superscript|colou?r|markup|template|"
    r"snippet|parse[rs]?|query|table|debug|compile[rs]?|c\+\+|php|bash|shell|terminal|regexp?|react|vue|svg|"
    r"format|token\w*|element|escape|entit\w+|scrap\w+|url|link|button|menu|form|header|footer|layout)\b|代码|网页|编程|函数|脚本|标签|格式|程序",
    re.IGNORECASE,
)
# words that speak of markup or programs wherever they stand, and things that somebody may want made of markup
_MARKUP = re.compile(
    r"\b(?:x?html5?|css|xml|svg|javascript|jsx?|typescript|php|json|yaml|latex|markdown|markup|bbcode|wiki(?:text|media)"
    r"|react|vue|angular|bootstrap|jinja|front-?end|dom|parsers?|scrap(?:er?|ing)|snippets?|codes?|tags?|entit(?:y|ies)|hyperlinks?|bold|italics?"
    r"|web ?(?:pages?|apps?))\b|代码|网页|函数|脚本|标签|格式",
    re.IGNORECASE,
)
# of programs that print no pages; an answer about them is prose, or code that shows as such
_PROGRAMS = re.compile(
    r"\b(?:python|java|c\+\+|sql|regex\w*|regular expression|coding|programm(?:ing|ers?))\b|编程|程序",
    re.IGNORECASE,
)
_OTHER_CODE = re.compile(
    r"\b(?:promo\w*|discount|coupon|voucher|gift|zip|post|postal|area|country|dial\w*|error|status|access|security|verification|activation|confirmation"
    r"|login|sms|pin|pass|bar|qr|dress|building|tax|sort|referral|reset|backup|recovery|[\d-]+[ -]digit)[ -]?codes?\b"
    r"|\bcodes? (?:of conduct|from my|by sms|word)\b|\b(?:price|name|luggage|gift|dog) ?tags?\b",
    re.IGNORECASE,
)
_MADE = re.compile(
    r"\b(?:make|create|build|write|design|generate|develop|add|insert|give|produce|draw|format|wrap|convert|turn|put|render)\b[^.?!\n]{0,80}"
    r"\b(?:pages?|web ?sites?|sites?|forms?|buttons?|menus?|headers?|footers?|headings?|paragraphs?|layouts?|templates?|components?|elements?|links?|scripts?|programs?"
    r"|functions?|newsletter|landing|ui|newlines?|line breaks?)\b",
    re.IGNORECASE,
)
_TABLES = re.compile(r"\b(?:tables?|tabular|columns?|rows|spreadsheet|chart|grid|matrix)\b", re.IGNORECASE)
DIALOGUE_WORDS = re.compile(
    r"\b(?:dialog\w*|conversation\w*|chats?|chatbot|script|screenplay|interview\w*|transcript\w*|role-? ?play\w*|scene|"
    r"exchange|play|debate|monolog\w*|skit|q ?& ?a|questions?|quiz\w*|prompts?|instructions?|input|output|format|examples?|tasks?|"
    r"customer|assistant|chatgpt|gpt\S*)\b|对话|聊天|剧本|问答|访谈|指令|提示|输入|输出|问题|例子|示例|任务",
    re.IGNORECASE,
)
LETTER_WORDS = re.compile(
    r"\be-?mails?\b|\bletters?\b|\bmemos?\b|\bmessages?\b|\bsignatures?\b|\brepl(?:y|ies)\b|邮件|信",
    re.IGNORECASE,
)


def is_code(text: Text) -> bool:
    """Whether marks in the text may be meant: it holds code, or the question asks for something of the kind."""
    return bool(CODE.search(text.text) or CODE_WORDS.search(text.asked))


def asks_for_markup(text: Text, *, tables: bool, programs: bool = True) -> bool:
    """Whether what was asked, or the system prompt, wants markup.

    With `tables` a table counts as some, with `programs` a programming language. A customer who speaks of
    a link, a form or a discount code wants none.
    """
    asked = _OTHER_CODE.sub(" ", f"{text.asked}\n{text.system}")
    wanted = _MARKUP.search(asked) or _MADE.search(asked) or (tables and _TABLES.search(asked))
    return bool(wanted or (programs and _PROGRAMS.search(asked)))


def fences(text: str) -> list[tuple[int, int]]:
    """Where fenced code stands; one that is never closed reaches to the end."""
    marks = [found.start() for found in re.finditer(r"^[ \t]*```", text, re.MULTILINE)]
    if len(marks) % 2:
        marks.append(len(text))
    return list(zip(marks[::2], marks[1::2], strict=True))


def within(place: int, spans: list[tuple[int, int]]) -> bool:
    """Whether a place lies in one of the spans."""
    return any(start <= place < end for start, end in spans)


def tail(text: str, start: int) -> tuple[int, int]:
    """From `start` to the end, with the white space before it."""
    return len(text[:start].rstrip()), len(text)
