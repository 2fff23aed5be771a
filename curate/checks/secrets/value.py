"""Whether a value that stands where a secret would is one: a password, or a key drawn by chance."""

from __future__ import annotations

import re

from curate.checks.secrets.dummy import leet, uuid, weak
from curate.checks.secrets.shape import classes, entropy

CODE = re.compile(r"[()\[\]{}]{2}|\w\(|\\[dwsDWSbBnrtu]|\(\?|https?://")
_HEX = re.compile(r"(?i)[0-9a-f]{32,128}")
_KINDS = re.compile(r"[a-z]+|[A-Z]+|\d+")
_CASES = re.compile(r"[a-z]+|[A-Z]+")
_BODY = re.compile(r"[A-Za-z0-9_\-+/=.~:!@#$%^&*]+")


def password(value: str) -> bool:
    """Not everyone's: some digit or sign among letters, or letters whose case changes as no name's does."""
    if not 5 <= len(value) <= 128 or weak(value) or leet(value) or uuid(value) or _HEX.fullmatch(value):
        return False
    letters = any(c.isalpha() for c in value)
    other = any(not c.isalpha() and c not in "_-. '" for c in value)
    return letters and (other or _restless(value)) and not CODE.search(value)


def _restless(value: str) -> bool:
    """Whether the case changes at every second letter: `getUserName` has words, `wBhYxlQwVAz` none."""
    return len(value) >= 10 and value.isalpha() and 2 * len(_CASES.findall(value)) > len(value)


def drawn_short(value: str) -> bool:
    """Whether a word of letters and digits changes its kind at every second sign, as no name of a program does."""
    return len(value) >= 8 and value.isalnum() and 2 * len(_KINDS.findall(value)) > len(value)


def drawn(name: str, value: str) -> bool:
    """Drawn by chance: long, with letters and digits, of enough entropy. `name` is the word beside it."""
    if len(value) < 16 or not _BODY.fullmatch(value):
        return False
    if not (any(c.isdigit() for c in value) and any(c.isalpha() for c in value)) or weak(value):
        return False
    if uuid(value):
        return not name.lower().startswith(("token", "credential"))
    words = [w for w in re.findall(r"[A-Za-z]{5,}", value) if w.islower() or w.isupper() or w.istitle()]
    return sum(map(len, words)) <= 0.6 * len(value) and entropy(value) >= (3.0 if classes(value) > 2 else 2.7)
