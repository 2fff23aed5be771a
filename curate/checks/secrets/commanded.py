"""Secrets that a command, a statement, a call or a file of logins gives away by their place alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.secrets.dummy import placeholder
from curate.checks.secrets.value import CODE, password
from curate.checks.signs import Signs

Place = tuple[str, int, int]

_IDENTIFIED = re.compile(
    r"(?i)\b(?:create|alter|grant|set)\s[^;\n]{0,200}?\bidentified\s{1,5}(?:with\s{1,5}[\"'`]?[\w-]{1,40}[\"'`]?\s{1,5})?(?:by|as)\s{1,5}(?:password\s{1,5})?"
    r"(?P<open>[\"'])(?P<value>[^\s\"']{4,128})(?P=open)"
)
# one word of a shell, which ends at more signs where it is not quoted
_WORD = r"(?P<open>[\"'])?(?P<value>(?(open)[^\s\"']|[^\s\"'`|;&<>]){4,128})"
# -pVALUE in one word; -p VALUE in two
_GLUED = re.compile(rf"\b(?:mysql\w{{0,20}}|mariadb[\w-]{{0,20}}|7za?)\s(?:[^\n|;&]{{0,200}}?\s)?-p{_WORD}")
_APART = re.compile(
    rf"\b(?:sshpass|(?:docker|podman|nerdctl|az|helm|oras|skopeo) (?:registry )?login|mongo\w{{0,10}}|twine upload|plink|pscp|redis-cli"
    r"|ldap(?:search|add|modify|delete|whoami|passwd)|mosquitto_(?:pub|sub)|smbclient|xfreerdp|cqlsh|clickhouse-client|expect)"
    rf"\s(?:[^\n|;&]{{0,200}}?\s)?-(?:pw|p|a|w)(?:\s{{1,3}}|=){_WORD}"
)
_ZIPPED = re.compile(rf"\b(?:un)?zip\s(?:[^\n|;&]{{0,200}}?\s)?-P\s{{1,3}}{_WORD}")
_COMMANDS = (" -p", "redis-cli", "ldap")  # most of them, and those with other options
_ORACLE = re.compile(
    r"(?:jdbc:oracle:\w{1,8}:|\b(?:sqlplus|impdp|expdp)\s(?:-\w{1,4}\s){0,3})[\w$#]{1,40}/(?P<value>[^\s\"'@/]{4,128})@"
)
_PGPASS = re.compile(
    r"(?m)^(?:[\w.-]{1,200}|\*):(?:\d{2,5}|\*):(?:[\w-]{1,64}|\*):[\w.-]{1,64}:(?P<value>[^\s:]{4,128})[ \t]*$"
)
_SECURED = re.compile(rf"(?i)\bConvertTo-SecureString\s{{1,3}}(?:-String\s{{1,3}})?{_WORD}")
_REQUIRED = re.compile(rf"(?m)^[ \t]*(?:requirepass|masterauth)[ \t]{{1,8}}{_WORD}[ \t]*$")
# the last of the words in brackets, behind a user's name
_LOGIN = re.compile(
    r"(?:\.login|auth\s?=\s?|[Bb]asic_?[Aa]uth|[Dd]igest_?[Aa]uth|getConnection|[Cc]redentials?|PasswordAuthentication|authenticate)"
    r"\(\s{0,40}(?:[\w.]{1,60}|[\"'][^\"'\n]{1,200}[\"']),\s{0,40}(?:[\"'][^\"'\n]{1,80}[\"'],\s{0,40})?(?P<open>[\"'])(?P<value>[^\s\"']{4,128})(?P=open)\s{0,40}\)"
)
_LOGINS = (".login(", "auth=(", "auth = (", "auth(", "getconnection(", "redential", "uthentica")
_SIGNS = Signs(
    ("identified", "sqlplus", "convertto-securestring", "requirepass", "masterauth", *_COMMANDS, *_LOGINS)
)


def commanded(text: str, small: str, long: str) -> Iterator[Place]:
    """(label, start, end) of each; `small` is the text in small letters, `long` its long words."""
    there = _SIGNS.of(small)
    patterns: list[re.Pattern[str]] = []
    if "identified" in there:
        patterns.append(_IDENTIFIED)
    if any(command in there for command in _COMMANDS):
        patterns += [_GLUED, _APART, _ZIPPED]
    if "convertto-securestring" in there:
        patterns.append(_SECURED)
    if "requirepass" in there or "masterauth" in there:
        patterns.append(_REQUIRED)
    if "@" in long and ("jdbc:oracle:" in long or "sqlplus" in there):
        patterns.append(_ORACLE)
    if ":5432:" in long or ":5433:" in long or ":*:" in long:
        patterns.append(_PGPASS)
    if ("')" in text or '")' in text) and any(login in there for login in _LOGINS):
        patterns.append(_LOGIN)
    for pattern in patterns:
        for found in pattern.finditer(text):
            value = found["value"]
            if password(value) and not placeholder(value) and not CODE.search(value):
                yield "SECRET_PASSWORD", *found.span("value")
