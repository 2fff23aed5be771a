"""Texts that say the same again: lines, phrases, and endings that run in a loop.

The measures are those of Rae et al., "Scaling Language Models" (Gopher, 2021), table A1: shares of
characters in repeated lines and in the most frequent and in all repeated word n-grams; limits are looser,
for answers are shorter than web pages.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator

from curate.checks.quality.text import CODE, Problem, Text

SHORT = 60  # bytes, 20 letters of Chinese; shorter answers are not looked at
AGAIN = 8  # times that one word must stand in a row
LEAST = 200  # characters; shorter texts repeat by chance
PROBE = 16  # characters at the end that are looked for before it
LOOPS = 4  # times that a piece must stand at the end to be a loop
COMPRESSED = 0.32  # of the bytes: what is packed smaller than this repeats a lot
LINES = 0.3  # share of characters in repeated lines
TOP, ALL = 0.5, 0.5  # shares of the most frequent 4-gram, and of all repeated 8-grams


_WORD = re.compile(r"[^\W\d_]+")
# what is to be said again, mended or left as it is may come out the same
_SAME_WANTED = re.compile(
    r"\b(?:repeat|echo|copy|say|read|type|write|print|recite|quote|translat|correct|proofread|grammar|edit|fix|rewrite|rephrase|punctuat|capitali|format|check|improve)"
    r"|重复|复述|翻译|改写|修改",
    re.IGNORECASE,
)


def repeats(text: Text) -> Iterator[Problem]:
    """What is said too often in an answer; nothing in code, tables and verse with a refrain."""
    body = text.text
    if echoed := _echo(text):
        yield echoed
        return
    if _bytes(body) < SHORT:
        return
    if loop := _loop(body):
        start, period = loop
        once = _turn_end(body, start + period, period)
        if _bytes(body[once:]) >= 40 and not _asked_for(text):
            span = (once, len(body))
            times: dict[str, object] = {"times": (len(body) - start) // period}
            yield Problem("looping-end", *span, 0.9, "the end runs in a loop", "edit", {"cut": [span]}, times)
            return
    if (run := _run(body)) and not _asked_for(text) and not CODE.search(body):
        same: dict[str, object] = {"times": run[2]}
        yield Problem(
            "repeated-phrases", *run[:2], 0.7, "one word stands there again and again", measured=same
        )
        return
    if len(body) < LEAST or not _packs(body) or CODE.search(body) or _asked_for(text):
        return
    lines = [line.strip() for line in body.split("\n") if len(line.strip()) > 20 and "|" not in line]
    doubled = sum(len(line) * (times - 1) for line, times in Counter(lines).items() if times > 1)
    if doubled > LINES * len(body):
        share: dict[str, object] = {"share": round(doubled / len(body), 3)}
        yield Problem("repeated-lines", None, None, 0.8, "lines stand there several times", measured=share)
        return
    top, again = _phrases(body)
    if top > TOP or again > ALL:
        shares: dict[str, object] = {"top_4_gram": round(top, 3), "repeated_8_grams": round(again, 3)}
        yield Problem(
            "repeated-phrases", None, None, 0.7, "the same phrases come again and again", measured=shares
        )


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _echo(text: Text) -> Problem | None:
    """An answer that is its question and nothing else."""
    whole = text.text.strip()
    if len(whole) < 12 or abs(len(whole) - len(text.question.strip())) > 4:
        return None
    said, asked = (re.sub(r"\W+", " ", each).strip().casefold() for each in (whole, text.question))
    if said != asked or (len(said.split()) < 4 and said.isascii()) or _SAME_WANTED.search(text.asked):
        return None
    return Problem("echo", 0, len(text.text), 0.8, "the answer is the question again")


def _run(body: str) -> tuple[int, int, int] | None:
    """(start, end, times) of one word that stands AGAIN times or more in a row."""
    words = [found for found in _WORD.finditer(body)] if len(body) < LEAST else []
    first = 0
    for at, word in enumerate(words[1:], 1):
        if word[0].casefold() != words[first][0].casefold():
            if at - first >= AGAIN and len(words[first][0]) > 2:  # no `la la la`
                return words[first].start(), words[at - 1].end(), at - first
            first = at
    return None


def _loop(body: str) -> tuple[int, int] | None:
    """(where the loop begins, length of one turn) of a piece that stands LOOPS times or more at the end."""
    end = body.rstrip()
    probe = end[-PROBE:]
    last = len(end) - PROBE
    before = end.rfind(probe, 0, len(end) - 1)
    if before < 0 or (period := last - before) > len(end) // LOOPS or len(set(probe)) < 3:
        return None
    start = len(end)
    while start > period and end[start - 1] == end[start - 1 - period]:
        start -= 1
    begin = start - period
    # a row of one sign, a rule of a table and columns of figures are no loops of words
    piece = end[begin : begin + period]
    if (len(end) - begin) // period < LOOPS or sum(map(str.isalpha, piece)) < 0.4 * len(piece):
        return None
    return begin, period


def _turn_end(body: str, place: int, period: int) -> int:
    """Where the first turn ends: behind the next sentence or line, else word, of which each turn has one."""
    ends = range(place, place + period)
    whole = next((at for at in ends if body[at - 1] in ".!?\n。！？"), None)
    return whole or next((at for at in ends if body[at - 1].isspace()), place)


def _packs(body: str) -> bool:
    data = body.encode("utf-8", "surrogatepass")
    return len(zlib.compress(data, 1)) < COMPRESSED * len(data)


def _phrases(body: str) -> tuple[float, float]:
    """Shares of the characters: of the most frequent 4-gram of words, of all 8-grams that came before."""
    words = body.split()
    if len(words) < 40:
        return 0.0, 0.0
    fours = Counter(zip(*(words[at:] for at in range(4)), strict=False))
    gram, times = fours.most_common(1)[0]
    top = times * sum(map(len, gram)) / len(body) if times > 3 else 0.0
    seen: set[tuple[str, ...]] = set()
    covered = bytearray(len(words))
    for at in range(len(words) - 7):
        eight = tuple(words[at : at + 8])
        if eight in seen:
            covered[at : at + 8] = b"\1" * 8
        seen.add(eight)
    again = sum(len(word) for word, hit in zip(words, covered, strict=True) if hit)
    return top, again / len(body)


def _asked_for(text: Text) -> bool:
    """Whether the question asks for repetition."""
    return bool(
        re.search(
            r"\brepeat\w*\b|\b\d+ times\b|\btimes tables?\b|\blyrics\b|\bsong\b|\brap\b|\bpoem\b|\bverses?\b|\bchorus\b|\bloop\w*\b|\bvillanelle\b|重复|遍",
            text.asked,
            re.IGNORECASE,
        )
    )
