"""Marks of web pages, forums, wikis and tools that were left in prose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from curate.checks.quality.edits import printed, without_bbcode, without_tags, without_wiki
from curate.checks.quality.tags import shielded
from curate.checks.quality.text import (
    ANSWER,
    SPOKEN,
    Problem,
    Rule,
    Text,
    asks_for_markup,
    fences,
    is_code,
    said,
    within,
)

_ENTITY = re.compile(
    r"&(?:amp|lt|gt|quot|apos|nbsp|ndash|mdash|lsquo|rsquo|ldquo|rdquo|hellip|bull|middot|copy|reg|trade|deg|euro|pound|eacute|egrave|agrave|"
    r"uuml|ouml|auml|szlig|ccedil|ntilde|#\d{2,6}|#x[0-9a-f]{2,5});",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"</?(?:p|br|b|i|u|em|strong|span|div|font|center|ul|ol|li|h[1-6]|a|small|big|sup|sub|blockquote|hr|table|tbody|thead|tr|td|th"
    r"|section|article|main|aside|figure|script|style)(?:\s+[\w:-]+=[^<>]*|\s*/?)>",
    re.IGNORECASE,
)
# what a page is made of, and what only its maker writes
_BLOCK = re.compile(
    r"<(?:p|div|h[1-6]|ul|ol|table|blockquote|section|article|main|script|style)(?:\s[^<>]*)?>", re.IGNORECASE
)
_BUILT = re.compile(
    r"<(?:!doctype|html|head|body|meta|link|form|input|button|select|textarea|nav|svg|canvas|code|pre)\b|```|<\?|\{[{%]",
    re.IGNORECASE,
)
_SHOWS = re.compile(  # an answer that presents markup
    r"\b(?:html|css|markup|snippets?|(?:this|the|some|following|example|sample|source) codes?)\b|<[a-z/]",
    re.IGNORECASE,
)
_CODE_LINE = re.compile(
    r"^[ \t]*(?:def |class \w+[(:{]|import \w|from \w+ import |#include|function \w+\(|return\b.*;|(?:var|let|const) \w+ ?=|//|SELECT )|[;{}]\s*$|=>"
)
_BBCODE = re.compile(
    r"\[(b|i|u|url|img|quote|code|color|size|list)(?:=[^\]\n]{0,300})?\][\s\S]{1,2000}?\[/\1\]", re.IGNORECASE
)
_WIKI = re.compile(
    r"\[\[(?!\s*[\d\[\"'-])[^\[\]\n]{2,80}\]\]|\{\{(?:cite|citation|infobox|main|reflist)\b[^{}]*\}\}|^={2,6} ?[\w ,'-]+ ?={2,6}[ \t]*$|<ref[ >/]|'''[^'\n]{1,80}'''",
    re.IGNORECASE | re.MULTILINE,
)
_DUMP_KEYS = frozenset(
    (
        "response",
        "answer",
        "content",
        "output",
        "text",
        "result",
        "message",
        "completion",
        "reply",
        "assistant",
    )
)
# what an interface returns beside the answer, and says nothing to its reader
_BESIDE = frozenset(
    (
        "status", "code", "ok", "success", "error", "id", "role", "type", "model", "created", "created_at", "timestamp", "finish_reason",
        "stop_reason", "usage", "tokens", "confidence", "score", "done", "object", "index", "version",
    )
)  # fmt: skip
_WRITTEN_MATHS = re.compile(r"\$[^$\n]+\$|\\\(|\\begin\{|\[\[\s*-?\d")


def _left(text: Text) -> Iterator[Problem]:
    """Marks that a reader should not see, in a text that is neither code nor about it."""
    if text.role == "user" and _speaks_of_marks(without_tags(text.text)):
        return
    if _is_scraped(text):
        if tags := _loose(_TAG, shielded(text.text)):
            yield _edit("html", text, tags, "tags", "a part of a web page stands as it was", 0.85)
        return
    if is_code(text) or asks_for_markup(text, tables=True) or _is_one_element(text):
        return
    if tags := _loose(_TAG, shielded(text.text)):
        yield _edit("html", text, tags, "tags", "HTML tags stand in prose", 0.8)
    elif entities := _loose(_ENTITY, text.text):
        yield _edit("html", text, entities, "entities", "HTML entities stand in prose", 0.85)
    if _speaks_of_marks(text.asked):
        return
    if (forum := _loose(_BBCODE, text.text)) and without_bbcode(text.text) != text.text:
        yield _edit("bbcode", text, forum, "bbcode", "forum marks stand in prose", 0.8)
    if (wiki := _loose(_WIKI, text.text)) and not _WRITTEN_MATHS.search(text.text):
        if without_wiki(text.text) != text.text:
            yield _edit("wiki-markup", text, wiki, "wiki", "wiki marks stand in prose", 0.7)
        else:
            yield Problem("wiki-markup", *wiki[0], 0.6, "wiki marks stand in prose")


def _is_scraped(text: Text) -> bool:
    """Whether prose was taken over from a page with the page's structure, though nobody asked for markup.

    A question is only where it begins with a tag: below an instruction, a piece of a page is what the
    instruction is about.
    """
    if not _BLOCK.search(shielded(text.text)) or _BUILT.search(text.text):
        return False
    if text.role == "user" and not re.match(r"\s*<", text.text):
        return False
    said = without_tags(text.text)
    lines = [line for line in said.split("\n") if line.strip()]
    coded = sum(bool(_CODE_LINE.search(line)) for line in lines)
    if not re.search(r"[^\W\d_]{2}", said) or (coded > 1 and coded * 4 >= len(lines)) or _SHOWS.search(said):
        return False
    tables = bool(re.search(r"<table\b", text.text, re.IGNORECASE))
    return not asks_for_markup(text, tables=tables, programs=False)


def _is_one_element(text: Text) -> bool:
    """Whether the text is markup from its first to its last character, of no kind that pages print prose in."""
    whole = re.match(
        r"\s*<([a-z][\w-]*)(?:\s[^<>]*)?>(?:.|\n)*</?([a-z][\w-]*)[^<>]*>\s*\Z", text.text, re.IGNORECASE
    )
    return bool(whole) and (text.role == "user" or not _TAG.match(text.text.lstrip()))


def _loose(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    """Where a mark stands outside code."""
    if not pattern.search(text):
        return []
    hidden = [*fences(text), *(found.span() for found in re.finditer(r"`[^`\n]+`", text))]
    return [found.span() for found in pattern.finditer(text) if not within(found.start(), hidden)]


def _edit(
    label: str, text: Text, places: list[tuple[int, int]], repair: str, reason: str, score: float
) -> Problem:
    """A finding with a repair; for a look only where nothing would be left or code would change."""
    measured: dict[str, object] = {"places": len(places)}
    little = repair == "tags" and len(without_tags(text.text)) < 0.2 * len(printed(text.text))
    if "`" in text.text or little:
        return Problem(label, *places[0], score, reason, measured=measured)
    return Problem(label, *places[0], score, reason, "edit", {"repair": repair}, measured)


def _speaks_of_marks(text: str) -> bool:
    """Whether a question may be about its marks."""
    return bool(
        re.search(
            r"\b(?:html|tags?|markup|bbcode|wiki\w*|entit\w+|escape|web ?(?:page|site)s?|code|css|xml)\b",
            text,
            re.IGNORECASE,
        )
    )


def _dumped(text: Text) -> Iterator[Problem]:
    """An answer that is still wrapped in the object that an interface returned."""
    if re.search(
        r"json|\bdict|\bobject|\bschema|\bformat|\bfunction|\btools?\b|\bapi\b|\bkeys?\b|\bfields?\b|\bextract|\bentit",
        text.asked,
        re.IGNORECASE,
    ):
        return
    try:
        value = json.loads(text.text)
    except (ValueError, RecursionError):
        return
    # with any other key beside it the object may be what the answer is
    wrapped = (
        isinstance(value, dict) and len(said := _DUMP_KEYS & set(value)) == 1 and set(value) <= said | _BESIDE
    )
    if wrapped and isinstance(value[min(said)], str):
        yield Problem(
            "json-dump",
            0,
            len(text.text),
            0.7,
            "the answer is wrapped in a JSON object",
            "edit",
            {"repair": "json"},
        )


RULES = (
    Rule(
        SPOKEN
        & said(
            r"&[a-z#][a-z0-9]{1,7};|</?[a-z][a-z0-9]{0,9}[ />]|\[/(b|i|u|url|img|quote|code|color|size|list)\]|\[\[|'''|\{\{|<ref|^={2}|\n={2}"
        ),
        _left,
    ),
    Rule(ANSWER & said(r"\A\s*\{\s*\x22\w+\x22\s*:"), _dumped),
)
