"""What a key is made of: where it may begin and end, how varied it is, and the sums that some carry."""

from __future__ import annotations

import binascii
import json
import math
import re
import zlib
from base64 import b64decode, urlsafe_b64decode
from collections import Counter
from itertools import pairwise

# a letter that ends an escape (`\\n`, `\\u0022`, `%3D`) is no part of the word behind it
_ESCAPE = re.compile(
    r"(?:\\[abefnrtv0]|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\u\{[0-9a-fA-F]+\}|%[0-9A-F]{2})\Z"
)
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def begins(text: str, at: int) -> bool:
    """Whether a key may begin at `at`: no ASCII letter or digit stands before it, or one of an escape."""
    return at == 0 or not _word(text[at - 1]) or _ESCAPE.search(text, max(0, at - 8), at) is not None


def ends(text: str, at: int) -> bool:
    """Whether a key may end before `at`: no ASCII letter or digit goes on there."""
    return at >= len(text) or not _word(text[at])


def entropy(value: str) -> float:
    """Shannon's entropy of the characters, bits each."""
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values()) if value else 0.0


def classes(value: str) -> int:
    """How many of the four kinds occur: small letters, capitals, digits, others."""
    return sum(
        any(kind(each) for each in value)
        for kind in (str.islower, str.isupper, str.isdigit, lambda each: not each.isalnum())
    )


def varied(body: str) -> bool:
    """Whether a key's body is more than a few characters over and over, as `xxxx` and `0000` are."""
    return len(set(body)) >= min(8, max(4, len(body) // 4))


def in_order(value: str) -> bool:
    """Whether most characters follow the one before, as in `1234567890abcdef`.

    Of letters in both cases with digits only runs of 4 and more count: `abc123DEF456ghi789` is a poor
    token, and may be one.
    """
    runs, run = 0, 0
    least = 3 if classes(value) > 2 else 1
    steps = [abs(ord(b) - ord(a)) <= 1 for a, b in pairwise(value)]
    for step in (*steps, False):
        run, runs = (run + 1, runs) if step else (0, runs + (run if run >= least else 0))
    return bool(steps) and runs >= 0.6 * len(steps)


def github_sum(token: str) -> bool:
    """Whether the last six characters are the CRC-32 of the thirty before them, in base 62.

    The sum is over what stands behind the first underscore, as GitHub described in 2021.
    """
    body = token.split("_", 1)[1]
    number, digits = zlib.crc32(body[:30].encode()), ""
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return len(body) == 36 and body[30:] == digits.rjust(6, "0")


def json_header(segment: str) -> bool:
    """Whether the first part of a JSON web token says how it is signed or encrypted."""
    try:
        header = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, binascii.Error):
        return False
    return isinstance(header, dict) and "alg" in header


def user_and_password(code: str) -> bool:
    """Whether base64 holds `user:password` in readable characters."""
    try:
        said = b64decode(code + "=" * (-len(code) % 4), validate=True).decode()
    except (ValueError, binascii.Error):
        return False
    user, colon, password = said.partition(":")
    return bool(colon and password) and said.isprintable() and bool(user or len(password) >= 8)


def decimal_id(segment: str) -> bool:
    """Whether base64 holds a number of 17 to 20 digits, as the first part of a Discord token does."""
    try:
        said = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (ValueError, binascii.Error):
        return False
    return said.isdigit() and 17 <= len(said) <= 20
