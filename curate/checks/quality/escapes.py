r"""Letters that still stand in the form in which they were sent: `caf=C3=A9`, `caf%C3%A9`, `caf\u00e9`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.quality.mojibake import PLAUSIBLE
from curate.checks.quality.text import CODE, CODE_WORDS, SPOKEN, Problem, Rule, Text, said

# one character of UTF-8 beyond ASCII, as mail and addresses write its bytes
_MAIL = re.compile(r"(?:=[CDE][0-9A-F](?:=[89AB][0-9A-F]){1,2}|=F[0-4](?:=[89AB][0-9A-F]){3})+")
_ADDRESS = re.compile(
    r"(?:%[C-Ec-e][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){1,2}|%[Ff][0-4](?:%[89ABab][0-9A-Fa-f]){3})+"
)
# and as JSON does, with those of ASCII that some write so: & ' " < = >
_JSON = re.compile(r"(?:\\u(?:00(?:26|27|22|3[cdeCDE])|(?!00[0-9])[0-9a-fA-F]{4}))+")
_SOFT = re.compile(r"=\r?\n")  # where mail broke a line
# within these they belong
_WITHIN = re.compile(
    r"\b(?:https?|ftp|mailto|data):\S*|\bwww\.\S*|\b[A-Za-z]:\\\S*|(?<![\w.-])[\w.-]+\.(?:com|org|net|io|de|html?|php)/\S*|[?&][\w-]+=\S*|`[^`\n]*`|\"[^\"\n]*\"\s*:"
)
_ABOUT = re.compile(
    r"unicode|escape|encod|decod|utf|\burls?\b|quoted-printable|percent|\bhex|\bascii|\bjson|转义|编码",
    re.IGNORECASE,
)


def unescaped_letters(text: str) -> str:
    """The text with such letters as they were meant; what is no valid UTF-8 stays."""
    kept = [found.span() for found in _WITHIN.finditer(text)]

    def outside(found: re.Match[str], new: str | None) -> str:
        belongs = any(start <= found.start() < end for start, end in kept)
        return found[0] if belongs or new is None else new

    if _MAIL.search(text):
        text = _MAIL.sub(lambda found: _bytes(found[0].replace("=", "")) or found[0], _SOFT.sub("", text))
        return text
    if _ADDRESS.search(text):
        return _ADDRESS.sub(lambda found: outside(found, _bytes(found[0].replace("%", ""))), text)
    return _JSON.sub(lambda found: outside(found, _units(found[0])), text)


def _bytes(digits: str) -> str | None:
    try:
        return bytes.fromhex(digits).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _units(escaped: str) -> str | None:
    """The characters of UTF-16 units; pairs of surrogates are one."""
    units = bytes.fromhex(escaped.replace("\\u", ""))
    try:
        meant = units.decode("utf-16-be")
    except UnicodeDecodeError:
        return None
    other = re.sub(r"[ -~]", "", meant)
    return meant if not other or PLAUSIBLE.fullmatch(other) else None


def _escaped(text: Text) -> Iterator[Problem]:
    """Letters in the form in which they were sent, in prose."""
    if CODE.search(text.raw) or CODE_WORDS.search(text.asked) or _ABOUT.search(text.asked):
        return
    if text.role == "user" and _ABOUT.search(text.raw):
        return
    plain = unescaped_letters(text.raw)
    if plain == text.raw:
        return
    place = next(at for at, (a, b) in enumerate(zip(text.raw, plain + "\0", strict=False)) if a != b)
    reason = "letters stand in the form in which they were sent"
    yield Problem("escaped-letters", place, place + 1, 0.85, reason, "edit", {"repair": "escapes"})


RULES = (Rule(SPOKEN & said(r"=[c-f][0-9a-f]=[89ab]|%[c-f][0-9a-f]%[89ab]|\\u[0-9a-f]{4}"), _escaped),)
