"""Private keys that stand as a block between two lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST_KEY = 20_000  # characters
SIGN = "PRIVATE KEY"
_TITLE = r"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?"
_BEGIN = re.compile(rf"-{{4,5}} ?BEGIN {_TITLE} ?-{{4,5}}")
_END = re.compile(rf"-{{4,5}} ?END {_TITLE} ?-{{4,5}}")
_BODY = re.compile(r"[A-Za-z0-9+/=\s\\:,.-]*")  # with headers, and line ends escaped in JSON
_RUN = re.compile(r"[A-Za-z0-9+/]{4,}={0,2}")
_PUTTY = re.compile(r"Private-Lines: \d+(?:\\[nr]|[\r\n])+(?:[A-Za-z0-9+/=]+(?:\\[nr]|[\r\n]|\Z)+){1,200}")


def blocks(text: str) -> Iterator[tuple[str, int, int]]:
    """(label, start, end) of each block; one that was cut off goes as far as it looks like a key."""
    at = 0
    while begin := _BEGIN.search(text, at):
        limit = begin.end() + LONGEST_KEY
        end = _END.search(text, begin.end(), limit)
        if end is None or not _key(text[begin.end() : end.start()]):
            end = _BODY.match(text, begin.end(), limit)
        at = end.end() if end else begin.end()
        if _key(text[begin.end() : at]):
            yield "SECRET_PRIVATE_KEY", begin.start(), begin.start() + len(text[begin.start() : at].rstrip())
        at = max(at, begin.end())
    if "Private-Lines: " in text:
        for found in _PUTTY.finditer(text):
            yield "SECRET_PRIVATE_KEY", *found.span()


def _key(body: str) -> bool:
    """Whether most of what stands there is base64: code that only names the two lines is no key."""
    body = _END.sub("", body)
    runs = [run for run in _RUN.findall(body) if not run.isalpha() or len(run) >= 32 or not run.islower()]
    said = sum(map(len, re.findall(r"[^\s\"'+\\,;]+", body)))
    return bool(runs) and sum(map(len, runs)) >= 0.6 * said
