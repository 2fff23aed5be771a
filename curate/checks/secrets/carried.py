"""Secrets that an address or a header carries: DSN passwords, tokens in a query, Authorization."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.secrets.dummy import placeholder, weak
from curate.checks.secrets.shape import entropy, in_order, user_and_password

Place = tuple[str, int, int]

_DSN = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]{1,30}:(?:\\?/){2}(?P<user>[^\s:/@\"'<>`\\]{0,100}):(?P<value>[^\s\"'<>`]{1,200})@(?=[\w\[$%{-])"
)
_QUERY = re.compile(
    r"(?i)(?:[?&;#]|&amp;|\\u0026|%26|%3F)(?P<name>[\w.-]{0,20}?(?:access_?token|auth_?token|refresh_?token|id_?token|token|api_?key|"
    r"apikey|app_?key|secret|client_secret|password|passwd|pwd|signature|sig|x-amz-signature|x-amz-security-token|sas|"
    r"private_?token|session_?key|auth|key|code))(?:=|%3D)(?P<value>[A-Za-z0-9_.~+/%:=-]{6,4000})"
)
_LOOSE = frozenset(("key", "code", "auth", "sig", "signature"))  # names that also carry other things
_HEADER = re.compile(
    r"(?i)\b(?P<scheme>bearer|basic|token|apikey|bot)(?:\s|\\t|%20)+(?P<value>[A-Za-z0-9_.~+/=-]{8,4000})"
)
_CURL = re.compile(
    r"\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[ =]?[\"']?(?P<user>[^\s:\"']{1,64}):(?P<value>[^\s\"'\\]{4,200})"
)


def carried(text: str, small: str) -> Iterator[Place]:
    """(label, start, end) of the part that is secret."""
    if "@" in text and ("://" in text or ":\\/" in text):
        yield from _dsn(text)
    if "=" in text or "%3" in text:
        yield from _queries(text)
    if "bearer" in small or "authorization" in small or "basic " in small:
        yield from _headers(text)
    if "curl" in small:
        for found in _CURL.finditer(text):
            if not placeholder(found["value"]) and not weak(found["value"]):
                yield "SECRET_PASSWORD", *found.span("value")


def _dsn(text: str) -> Iterator[Place]:
    """The password of `scheme://user:password@host`."""
    for found in _DSN.finditer(text):
        value = found["value"]
        if placeholder(value) or value.startswith(("//", ":")) or value == found["user"]:
            continue
        plain = value.isalpha() and (value.islower() or len(value) < 6)
        if not (plain and weak(value)) and not re.fullmatch(r"\d{1,5}(?:/.*)?|[A-Z_]{3,}", value):
            yield "SECRET_DSN_PASSWORD", *found.span("value")


def _queries(text: str) -> Iterator[Place]:
    """What stands behind `?token=` and its like."""
    for found in _QUERY.finditer(text):
        value = found["value"].rstrip(".:=")
        name = found["name"].lower()
        mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
        loose = (
            name.rsplit("_", 1)[-1].rsplit("-", 1)[-1] in _LOOSE and "api" not in name and "amz" not in name
        )
        if placeholder(value) or not mixed or value.lower().strip("0123456789") in ("abc", "token", "key"):
            continue
        if len(value) < (20 if loose else 8) or (loose and (in_order(value) or entropy(value) < 3.3)):
            continue
        yield "SECRET_URL_TOKEN", found.start("value"), found.start("value") + len(value)


def _headers(text: str) -> Iterator[Place]:
    """What an Authorization header carries."""
    for found in _HEADER.finditer(text):
        value = found["value"].rstrip(".")
        scheme = found["scheme"].lower()
        before = text[max(0, found.start() - 40) : found.start()].lower()
        if placeholder(value) or (
            scheme != "bearer" and "authorization" not in before and "auth" not in before
        ):
            continue
        if scheme == "basic":
            good = user_and_password(value)
        else:
            mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
            good = len(value) >= 16 and mixed and entropy(value) >= 3 and not weak(value)
        if good:
            yield "SECRET_AUTH_HEADER", found.start("value"), found.start("value") + len(value)
