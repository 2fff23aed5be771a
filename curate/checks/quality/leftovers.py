"""What a program left where an answer should stand: thoughts without an end, its errors, letters of an old encoding."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import polars as pl

from curate.checks.quality.text import ANSWER, SPOKEN, Problem, Rule, Text, said

_THOUGHT = re.compile(r"<(/?)(think|thinking|thought|reasoning)>", re.IGNORECASE)
_ASKS_OF_THOUGHTS = re.compile(r"<\W?(?:think|thought|reason)|\btags?\b|\bxml\b", re.IGNORECASE)
_ERROR = re.compile(
    r"\A\W{0,3}(?:(?:api |http |server |openai )?error(?: code)?\W{1,3}(?:\d{3}\b|rate limit|time[d ]?-?\s?out|too many|overloaded|internal|bad gateway|service unavailable|connection)"
    r"|(?:an )?(?:unknown |unexpected |internal )?error (?:has )?occurred\b|something went wrong(?=\W*(?:\Z|[.!,:;]|while|with|on our|please|try))|internal server error\b|too many requests\b|rate limit (?:exceeded|reached)\b"
    r"|(?:the )?(?:server|model|service|engine) (?:is (?:currently )?(?:overloaded|unavailable)|had an error)|(?:the )?request timed out\b|network error\b|service (?:temporarily )?unavailable\b)",
    re.IGNORECASE,
)
_ASKS_OF_ERRORS = re.compile(
    r"error|exception|status|\bcodes?\b|translat|tradu[cz]|übersetz|перевед|翻译|翻訳|fallo\b|\bfout|errore|https?\b|\bapi\b|server|timeout|message|fehler|erreur|ошибк|错误|错誤|エラー",
    re.IGNORECASE,
)
_LONGEST = 400  # characters of an error that stands for an answer
_KEYS = frozenset(
    ("error", "errors", "code", "message", "type", "status", "detail", "details", "param", "request_id")
)
# two bytes to an ideograph, all of them beyond ASCII, read one by one as letters of Western Europe
_PAIRS = re.compile("(?:[\u00a1-\u00f7][\u00a1-\u00fe]){4,}")
_CYRILLIC = re.compile("[\u0400-\u045f]{3,}")
_TURNED = re.compile("[а-яё][А-ЯЁ]+")
COMMON = 0.85  # of the pairs that are ideographs of the first level, the 3,755 most used


def _thinks(text: Text) -> Iterator[Problem]:
    """Thoughts that never end or never begin, or with no answer behind them; whole ones may be meant."""
    if _ASKS_OF_THOUGHTS.search(text.asked):
        return
    marks = list(_THOUGHT.finditer(text.text))
    opened = sum(not mark[1] for mark in marks)
    closed = len(marks) - opened
    if opened > closed:
        yield Problem("open-thought", *marks[-1].span(), 0.9, "thoughts are begun and never end")
    elif closed > opened:
        yield Problem("open-thought", *marks[0].span(), 0.9, "thoughts end that were never begun")
    elif marks and not text.text[marks[-1].end() :].strip():
        yield Problem("open-thought", *marks[-1].span(), 0.8, "behind the thoughts there is no answer")


def _errs(text: Text) -> Iterator[Problem]:
    """An error of the program that was asked, as the whole answer."""
    body = text.text.strip()
    if len(body) > _LONGEST or _ASKS_OF_ERRORS.search(text.asked):
        return
    if (found := _ERROR.match(body)) or _is_error_object(body):
        end = found.end() if found else len(body)
        yield Problem("error-as-answer", 0, end, 0.8, "a program's error stands for the answer")


def _is_error_object(body: str) -> bool:
    if not body.startswith("{"):
        return False
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(parsed, dict) and bool({"error", "errors"} & parsed.keys()) and parsed.keys() <= _KEYS


def _misread(text: Text) -> Iterator[Problem]:
    """Chinese (GBK) read as Latin letters, Russian (KOI8) as Cyrillic ones of another encoding."""
    for run in _PAIRS.finditer(text.raw):
        body = run.group()
        pairs = body.encode("latin-1")
        whole = pairs[: len(pairs) // 2 * 2]
        # in GB 2312 the most used ideographs begin with B0 to D7, and marks with A1 to A3
        first = whole[::2]
        common = sum(0xB0 <= byte <= 0xD7 or 0xA1 <= byte <= 0xA3 for byte in first)
        if common >= COMMON * len(first) and len(set(body)) > 4 and not body.isalpha():
            yield Problem(
                "mojibake", *run.span(), 0.8, "Chinese of an old encoding (GBK) read as Latin letters"
            )
            return
    words = _CYRILLIC.findall(text.raw)
    turned = sum(bool(_TURNED.fullmatch(word)) for word in words)
    upper = sum(word.isupper() for word in words)
    if turned and len(words) >= 3 and turned + upper >= 0.9 * len(words):
        place = _CYRILLIC.search(text.raw)
        assert place is not None  # there are words
        yield Problem("mojibake", *place.span(), 0.8, "Russian of an old encoding (KOI8) read as another one")


RULES = (
    Rule(ANSWER & said(r"</?(think|thinking|thought|reasoning)>"), _thinks),
    Rule(
        ANSWER
        & (pl.col("text").str.len_chars() <= _LONGEST)
        & said(r"error|went wrong|too many requests|rate limit|overloaded|unavailable|timed out", head=120),
        _errs,
    ),
    Rule(
        SPOKEN
        & (pl.col("text").str.len_bytes() != pl.col("text").str.len_chars())
        & pl.col("text").str.contains("[\u00a1-\u00fe]{8}|[а-яё][А-ЯЁ]{2}"),
        _misread,
    ),
)
