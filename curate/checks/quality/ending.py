"""Answers that stop before they are finished."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from curate.checks.quality.hanging import hanging
from curate.checks.quality.text import ANSWER, CODE, Problem, Rule, Text, said

_DONE = frozenset(".!?\"'”’»)]}>:;*_`~…。！？」』）】》؟।|#=$%°©®™-–—/\\^+&@")
_HANGING = re.compile(
    r"\b(?:the|an|of|to|and|or|but|with|for|in|by|from|that|which|is|are|was|were|be|as|at|on|into|than|because|if|when|while|can|will|would|should|their|its|his|your|our|my|such as|including|und|oder|der|die|das|mit|et|ou|le|la|les|des|avec|y|el|los|las|con|que|por|para|(?:if|when|because|unless|until|although) (?:you|we|they|it|i|he|she))\Z"
)
_LAST = re.compile(r"[.!?][\"')]?[ \t]+([^.!?]+)\Z")  # what follows the last sentence that has an end
_SENTENCE = re.compile(r"[.!?]\s+[A-Z\"“(]|[。！？]")
_OPEN = {"(": ")", "[": "]", "{": "}", "（": "）", "“": "”", "「": "」", "《": "》"}
_FINISH = re.compile(
    r'"(?:finish_reason|stop_reason|finishReason)"\s*:\s*"(?:length|max_tokens|MAX_TOKENS|model_length)"'
)
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]\Z")
# signs that hold sentences together: nothing ends in them
_HANGING_SIGN = re.compile(
    "(?:[をはがのにへ]|和|与|與|把|被|从|對|对|因为|因為|但是|以及|如果|并且|或者|是)\\Z"
)
_FENCED_JSON = re.compile(r"\A\s*```json[ \t]*\n(.*?)(?:\n```\s*)?\Z", re.DOTALL | re.IGNORECASE)
_OBJECT = re.compile(r'\A(?:\{\s*"[^"\n]*"\s*:|\[\s*(?:\{\s*"|"))')
_LIST_LINE = re.compile(r"^[ \t]*(?:[-*•+]|\d{1,3}[.)]|[a-zA-Z][.)]|#+)[ \t]")
_VERSE = 60  # characters; lines of verse, of a list, of a signature are shorter


def _stops(text: Text) -> Iterator[Problem]:
    """The end of an answer that is not an end."""
    body = text.text.rstrip()
    if not body or not text.question:  # a document that answers nothing may end as it likes
        return
    end = len(body)
    if "```" in body and len(re.findall(r"^[ \t]*```", body, re.MULTILINE)) % 2:
        last = body.rsplit("\n", 1)[-1]
        if last[-1] in ".!?" and " " in last and not CODE.search(last):
            yield Problem("open-code", end - 1, end, 0.5, "fenced code is never closed, and prose follows")
        elif not body.endswith("```"):
            yield Problem("truncated", end - 1, end, 0.9, "fenced code is never closed")
        return
    found = _stopped(body, text.question)
    if found and not _is_verse(body, found) and not _completes(text, body) and not CODE.search(body[-400:]):
        yield found


def _stopped(body: str, question: str) -> Problem | None:
    """How prose shows that it is not at its end."""
    end, line = len(body), body.rsplit("\n", 1)[-1]
    if _UNSPACED.search(line[-4:]):
        behind = line.rpartition("。")[2] if "。" in line else ""
        if behind and _HANGING_SIGN.search(line) and len(line) > 20:
            return Problem("truncated", end - 1, end, 0.8, "the last sign needs another behind it")
        if len(behind) >= 12 and not _LIST_LINE.match(line):
            return Problem(
                "truncated", end - 1, end, 0.6, "the last sentence has no end, those before it have"
            )
        return None
    if (
        (len(line) > 30 or "\n" in body)
        and len(body) > 60
        and (found := _HANGING.search(line[-20:].casefold()))
    ):
        place = end - len(found.group())
        return Problem("truncated", place, end, 0.85, "the last word needs another behind it")
    if (at := hanging(body, question)) is not None:
        return Problem("truncated", at, end, 0.8, "the last word needs another behind it")
    if len(line) > 30 and line[-1] in ",，、":
        return Problem("truncated", end - 1, end, 0.8, "the answer ends in a comma")
    if _is_broken_off(body, line):
        return Problem("truncated", end - 1, end, 0.6, "the last sentence has no end, those before it have")
    return None


def _is_broken_off(body: str, line: str) -> bool:
    """Whether the last line is a sentence without an end, in a text whose sentences have one."""
    if not body[-1].isalpha() or len(body) < 60 or _LIST_LINE.match(line):
        return False
    last = line.rsplit(None, 1)[-1]
    if last.startswith(("#", "@")) or "/" in last or "|" in line:
        return False
    before = body[: len(body) - len(line)].rstrip()
    others = [other.rstrip() for other in before.split("\n") if len(other.strip()) > _VERSE]
    if any(other[-1] not in _DONE for other in others):
        return False
    if len(body) >= 250 and len(line) > _VERSE and len(_SENTENCE.findall(body)) >= 3:
        return bool(_SENTENCE.search(line) or others)
    behind = _LAST.search(line)
    if behind is None and not (before.endswith((".", "!", "?")) and len(line) > 40):
        return False  # a line by itself may be a greeting
    return _is_prose(behind[1] if behind else line)


def _is_prose(piece: str) -> bool:
    """Whether words begin a sentence: no name, title, signature or source, which need no full stop."""
    words = piece.split()
    small = sum(word[0].islower() for word in words)
    return len(words) >= 4 and words[0][0].isupper() and small >= 0.6 * len(words) and ":" not in piece


def _is_verse(body: str, found: Problem) -> bool:
    """Whether the text is made of short lines, which need no full stop."""
    if found.score < 0.8:
        return False
    lines = [line for line in body.split("\n") if line.strip()]
    return len(lines) >= 4 and sorted(map(len, lines))[len(lines) // 2] < _VERSE


def _completes(text: Text, body: str) -> bool:
    """Whether the answer is a piece of the question, which may end anywhere."""
    return body[-25:] in text.asked or "|" in body[-200:] or text.asked.rstrip()[-1:] in (",", "，", "、")


def _open_json(text: Text) -> Iterator[Problem]:
    """JSON, as the whole answer or within a fence, that ends in the middle."""
    fence = _FENCED_JSON.search(text.text)
    body = (fence[1] if fence else text.text).strip()
    if not _OBJECT.match(body) or body[-25:] in text.asked:
        return
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        if _is_open(body):
            end = fence.end(1) if fence else len(text.text.rstrip())
            yield Problem("truncated", end - 1, end, 0.8, "JSON is begun and never closed")


def _is_open(body: str) -> bool:
    """Whether brackets or a string of JSON are open at its end."""
    depth, quoted, escaped = 0, False, False
    for sign in body:
        if quoted:
            quoted, escaped = escaped or sign != '"', not escaped and sign == "\\"
        elif sign == '"':
            quoted = True
        elif sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
            if depth == 0:
                return False  # whole; what follows is something else
    return quoted or depth > 0


def _told(text: Text) -> Iterator[Problem]:
    """The source says itself that the model was stopped at its limit."""
    if _FINISH.search(text.meta):
        end = len(text.text)
        yield Problem("truncated", end - 1, end, 1.0, "the source says that the limit was reached")


def _empty_code(text: Text) -> Iterator[Problem]:
    """Fenced code with nothing in it."""
    if found := re.search(r"^[ \t]*```[\w+-]*[ \t]*\n\s*```[ \t]*$", text.text, re.MULTILINE):
        yield Problem("empty-code", *found.span(), 0.8, "fenced code holds nothing")


LIMIT = _FINISH
RULES = (
    Rule(ANSWER & said(r"[\w,，、]\s*\z|```"), _stops),
    Rule(ANSWER & said(r"```[\w+-]*[ \t]*\n\s*```"), _empty_code),
    Rule(ANSWER & said(r'\A\s*(```json\s*)?[\[{]\s*["{]'), _open_json),
)
TOLD = _told
