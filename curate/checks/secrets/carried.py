"""Secrets that an address or a header carries: DSN passwords, tokens in a query, Authorization."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.secrets.dummy import placeholder, weak
from curate.checks.secrets.shape import entropy, in_order, user_and_password

Place = tuple[str, int, int]

_DSN_LEAD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}\Z")
_DSN = re.compile(r"(?P<user>[^\s:/@\"'<>`\\]{0,100}):(?P<value>[^\s\"'<>`]{1,200})@(?=[\w\[$%{-])")
# names in a query that carry nothing but secrets, and names that also carry other things
_NAMES = ("token", "api_key", "apikey", "api-key", "secret", "password", "passwd", "pwd", "amz-signature")
_LOOSE = ("key", "code", "auth", "sig", "signature", "sas")
_QUERY_LEAD = re.compile(r"(?:[?&;#]|\\u0026|%26|%3f)[\w.-]{0,30}\Z")
_QUERY_VALUE = re.compile(r"[A-Za-z0-9_.~+/%:=-]{6,4000}")
_HEADER = re.compile(
    r"(?i)\b(?P<scheme>bearer|basic|token|apikey|bot|ssws)(?:\s|\\t|%20){1,4}(?P<value>[A-Za-z0-9_.~+/=-]{8,4000})"
)
# of a registry's login: .npmrc, a config.json of Docker
_ENCODED = re.compile(
    r"(?:\b_auth|\\?\"auth\\?\")\s{0,3}[:=]\s{0,3}(?:\\?\")?(?P<value>[A-Za-z0-9+/]{8,400}={0,2})(?![\w+/=])"
)
_CURL = re.compile(
    r"\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[ =]?[\"']?(?P<user>[^\s:\"']{1,64}):(?P<value>[^\s\"'\\]{4,200})"
)


def carried(text: str, small: str, long: str) -> Iterator[Place]:
    """(label, start, end) of the part that is secret.

    `small` is the text in small letters, `long` its long words so.
    """
    if "@" in long:
        for mark in ("://", ":\\/\\/"):
            yield from _dsn(text, mark)
    if "=" in long or "%3d" in long:
        for name in (*_NAMES, *_LOOSE):
            for sign in ("=", "%3d"):
                if name + sign in long:
                    yield from _queries(text, small, name, sign)
    if "bearer" in small or "authorization" in small:
        yield from _headers(text)
    if "_auth" in long or '"auth' in small:
        yield from _encoded(text)
    if "curl" in small:
        for found in _CURL.finditer(text):
            if not placeholder(found["value"]) and not weak(found["value"]):
                yield "SECRET_PASSWORD", *found.span("value")


def _encoded(text: str) -> Iterator[Place]:
    """The login of a registry, as one word."""
    for found in _ENCODED.finditer(text):
        if user_and_password(found["value"]):
            yield "SECRET_AUTH_HEADER", *found.span("value")


def _dsn(text: str, mark: str) -> Iterator[Place]:
    """The password of `scheme://user:password@host`."""
    at = text.find(mark)
    while at >= 0:
        found = _DSN.match(text, at + len(mark)) if _DSN_LEAD.search(text, max(0, at - 32), at) else None
        if found and _dsn_password(found["value"], found["user"]):
            yield "SECRET_DSN_PASSWORD", *found.span("value")
        at = text.find(mark, at + len(mark))


def _dsn_password(value: str, user: str) -> bool:
    if placeholder(value) or value.startswith(("/", ":")) or value == user:
        return False
    plain = value.isalpha() and (value.islower() or len(value) < 6)
    return not (plain and weak(value)) and not re.fullmatch(r"\d{1,5}(?:/.*)?|[A-Z_]{3,}", value)


def _queries(text: str, small: str, name: str, sign: str) -> Iterator[Place]:
    """What stands behind `?name=`."""
    wanted = name + sign
    at = small.find(wanted)
    while at >= 0:
        start = at + len(wanted)
        found = _QUERY_VALUE.match(text, start) if _QUERY_LEAD.search(small, max(0, at - 40), at) else None
        if found:
            value = re.split("%26|%3F", found[0], maxsplit=1)[0].rstrip(".:=")
            if _query_token(value, loose=name in _LOOSE):
                yield "SECRET_URL_TOKEN", start, start + len(value)
        at = small.find(wanted, start)


def _query_token(value: str, *, loose: bool) -> bool:
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    if placeholder(value) or not mixed or value.lower().strip("0123456789") in ("abc", "token", "key"):
        return False
    if loose:
        return len(value) >= 20 and not in_order(value) and entropy(value) >= 3.3
    return len(value) >= 8


def _headers(text: str) -> Iterator[Place]:
    """What an Authorization header carries."""
    for found in _HEADER.finditer(text):
        value = found["value"].rstrip(".")
        scheme = found["scheme"].lower()
        before = text[max(0, found.start() - 40) : found.start()].lower()
        if placeholder(value) or (scheme != "bearer" and "auth" not in before):
            continue
        if scheme == "basic":
            good = user_and_password(value)
        else:
            mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
            good = len(value) >= 16 and mixed and entropy(value) >= 3 and not weak(value)
        if good:
            yield "SECRET_AUTH_HEADER", found.start("value"), found.start("value") + len(value)
