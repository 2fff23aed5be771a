"""Secrets that only the word beside them tells: `password = ...`, `"api_key": ...`, `my password is ...`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.secrets.dummy import expression, leet, placeholder, uuid, weak
from curate.checks.secrets.shape import classes, entropy, in_order

# what a text must hold, in small letters, before anything is looked for
WORDS = ("pass", "pwd", "secret", "token", "key", "credential", "contrase", "senha", "kennwort")
_PASSWORD = r"pass(?:word|wort|wd|phrase|code)?|pwd|kennwort|contrase(?:ñ|n)a|senha|mot[ _-]de[ _-]passe"
_KEY = (
    r"secret|token|credentials?"
    r"|(?:api|access|account|auth|master|encryption|signing|session|shared|storage|service|licen[sc]e|webhook"
    r"|private|bot|app|consumer|write|read|admin|deploy|subscription|instrumentation|ssh|jwt|cookie)[ _-]?key"
)
_TAIL = (
    r"(?:[_-]?(?:key|token|secret|access|value|val|string|text|b(?:ase)?64|prod|production|dev|live|staging|test"
    r"|admin|root|user|db|base|aws|api|v))*s?[_-]?\d{0,2}"
)
_QUOTE = r"(?:\\{0,4}[\"'`])"
_TYPE = r"(?:\s*:\s*(?:&?(?:'static )?str|[Ss]tring|Optional\[str\]|SecretStr|bytes|const char ?\*|text)\s*(?==))?"
_SIGN = r"(?:=>|:=|==?=?|:|<-)"
# word, then `=` or `:` (in JSON after a quote, in a table after `]`), then what may be the secret
ASSIGNED = re.compile(
    rf"(?i)(?P<password>{_PASSWORD})?(?(password)|(?P<key>{_KEY})){_TAIL}"
    rf"(?P<close>{_QUOTE}?\s{{0,3}}\]?\)?){_TYPE}(?P<before>[ \t]*(?:\*\*)?){_SIGN}(?P<after>(?:\s|\\n)*(?:\*\*)?[ \t]*)"
    rf"(?:[brufBRUF@]{{0,2}}(?P<open>{_QUOTE}|\$')(?P<quoted>[^\r\n]{{1,512}}?)(?P=open)"
    r"|(?P<bare>[^\s\"'`<>]{4,512}))"
)
_PROSE = re.compile(
    rf"(?i)\b(?:{_PASSWORD}|api[ _-]?key|secret key|access token|token|secret)\b(?: (?:for|to|of|on|at|zu|für|de|para) [^.\n:]{{1,40}}?)?"
    r" (?:is|was|ist|lautet|war|es|est|será|é)(?: (?:now|still|set to|jetzt))?[: ]{1,3}"
    rf"(?P<open>[\"'`“‘«*]{{1,2}})?(?P<value>[^\s\"'`“”’«»]{{4,200}})"
)
_TAG = re.compile(
    rf"(?i)<(?P<name>[\w:.-]{{0,40}}?(?:{_PASSWORD}|{_KEY}){_TAIL})>\s*(?P<value>[^<>\s]{{4,200}})\s*</"
)
_CALL = re.compile(
    rf"(?i)(?:(?:define|setproperty|putenv|setenv|setx|set|put|setvalue)\(\s*{_QUOTE}[\w.-]{{0,40}}?(?:{_PASSWORD}|{_KEY}){_TAIL}{_QUOTE}\s*,"
    rf"|\bset(?:{_PASSWORD}|{_KEY}){_TAIL}\()\s*(?P<open>{_QUOTE})(?P<value>[^\r\n\"'`\\]{{4,200}})(?P=open)"
)
_FLAG = re.compile(
    rf"(?i)(?<![\w-])--?(?:[\w-]{{0,30}}?-)?(?:{_PASSWORD}|{_KEY}){_TAIL}[ =](?P<open>[\"'])?(?P<value>[^\s\"'`<>|;]{{4,200}})"
)
_MARKS = ".,;:!?)]}*_>|"
_OTHER_TAIL = re.compile(
    r"(?i)(?:hash(?:ed)?|digest|salt|_?id|file|path|url|uri|name|type|count|len(?:gth)?|policy|field|label|class|expir\w*)\Z"
)
LONGEST_NAME = 40


def assigned(text: str, small: str) -> Iterator[tuple[str, int, int]]:
    """(label, start, end) of each value that a word beside it makes a secret."""
    if not any(word in small for word in WORDS):
        return
    at = 0
    while found := ASSIGNED.search(text, at):
        group = "quoted" if found["quoted"] is not None else "bare"
        start, end = found.span(group)
        if group == "bare":
            end = start + len(_bare(found["bare"]))
        value = text[start:end]
        at = found.start(group)  # a value may be a name again: `token=secret=...`
        if group == "quoted" and value.endswith("\\"):
            continue
        if _owned(text, found.start()) and _secret(text, found, value, quoted=group == "quoted"):
            yield _label(found["password"]), start, end
            at = end
    for pattern in (_PROSE, _TAG, _CALL, _FLAG):
        yield from _told(pattern, text)


def _label(password: str | None) -> str:
    return "SECRET_PASSWORD" if password else "SECRET_API_KEY"


def _bare(value: str) -> str:
    """An unquoted value up to what ends it in a list, a query, a sentence or an escape."""
    value = re.split(r"\\[nrt\"']|[,;&|](?=[\w\s]|\Z)|\Z", value, maxsplit=1)[0]
    return value.rstrip(_MARKS)


def _owned(text: str, at: int) -> bool:
    """Whether the word begins a name or stands at the end of one: `DB_PASSWORD`, not `compass`."""
    before = text[at - 1] if at else " "
    if not before.isalpha():
        return True
    if text[at].isupper() and before.islower():  # dbPassword
        return True
    name = re.search(r"[A-Za-z0-9]{1,40}\Z", text[max(0, at - LONGEST_NAME) : at])
    known = (
        "db",
        "my",
        "user",
        "admin",
        "root",
        "client",
        "app",
        "login",
        "auth",
        "smtp",
        "mail",
        "sql",
        "ftp",
        "ssh",
        "wifi",
        "n",
        "t",
    )
    return name is not None and name[0].lower().endswith(known)


def _secret(text: str, found: re.Match[str], value: str, *, quoted: bool) -> bool:
    """Whether what is assigned is a secret rather than a placeholder, a word or a piece of code."""
    if placeholder(value) or (not quoted and expression(value) and not _line(text, found)):
        return False
    if found["password"]:
        if quoted:
            return _password(value) and "{" not in value and " " not in value.strip()
        return _password(value) and _written_bare(text, found, value)
    spaced = " " in value
    return (
        not spaced and _key_value(value, named=found["key"]) and (quoted or _written_bare(text, found, value))
    )


def _password(value: str) -> bool:
    """Not everyone's: some digit or sign among letters, or capitals within."""
    if not 5 <= len(value) <= 128 or weak(value) or leet(value) or uuid(value):
        return False
    letters = any(c.isalpha() for c in value)
    other = any(not c.isalpha() and c not in "_-. '" for c in value)
    return letters and other and not re.search(r"[()\[\]{}]{2}|\w\(|\\[dwsDWSbBnrtu]|\(\?|https?://", value)


def _key_value(value: str, *, named: str) -> bool:
    """Drawn by chance: long, with letters and digits, of enough entropy."""
    if (
        len(value) < 16
        or weak(value)
        or in_order(value)
        or not re.fullmatch(r"[A-Za-z0-9_\-+/=.~:!@#$%^&*]+", value)
    ):
        return False
    if not (any(c.isdigit() for c in value) and any(c.isalpha() for c in value)):
        return False
    if uuid(value):
        return named.lower() not in ("token", "credential", "credentials")
    words = re.findall(r"[A-Za-z]{5,}", value)
    wordy = sum(map(len, (w for w in words if w.islower() or w.isupper() or w.istitle()))) > 0.6 * len(value)
    return not wordy and entropy(value) >= (3.0 if classes(value) > 2 else 2.7)


def _line(text: str, found: re.Match[str]) -> bool:
    """Whether name and value are a line of their own, as in a file of settings: `export NAME=value`."""
    start = max(text.rfind("\n", 0, found.start()), text.rfind("\\n", 0, found.start()) + 1) + 1
    lead = text[start : found.start()]
    rest = text[found.end("bare") :]
    spaced = found["before"] or (found["after"] and "=" in text[found.end("before") : found.start("after")])
    alone = (
        re.fullmatch(r"\s*(?:export |set |setx |ENV |ARG |\$env:|- )?[\"']?[A-Za-z0-9_.-]{0,40}", lead)
        is not None
    )
    return alone and not spaced and re.match(r"[ \t]*(?:#.*|\\n.*)?(?:[\r\n]|\Z)", rest) is not None


def _written_bare(text: str, found: re.Match[str], value: str) -> bool:
    """Whether an unquoted value is written as in settings or in a sentence, not as in code."""
    if "(" in value or "[" in value or value.endswith(("{", "(")):
        return False
    if expression(value):
        # in a file of settings also a plain word with digits is a value
        return _line(text, found) and any(c.isdigit() for c in value) and "." not in value
    return True


def _told(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, int, int]]:
    """What a sentence, a tag, a call or an option of a command gives away."""
    for found in pattern.finditer(text):
        start = found.start("value")
        value = found["value"] if pattern is not _PROSE else found["value"].rstrip(_MARKS + "…")
        if placeholder(value) or (expression(value) and not any(c.isdigit() for c in value)):
            continue
        is_password = re.search(rf"(?i){_PASSWORD}", text[found.start() : start]) is not None
        if pattern is _PROSE and is_password:
            known = _said(value)
        else:
            known = _password(value) if is_password else _key_value(value, named="key")
        if known and not re.search(r"\w\(|\)\.", value):
            yield _label("p" if is_password else None), start, start + len(value)


def _said(value: str) -> bool:
    """A password that someone says is theirs: anything that is no plain word or number."""
    drawn = any(c.isdigit() for c in value) or any(not c.isalnum() and c not in "'’-./" for c in value)
    return (
        len(value) >= 4 and drawn and any(c.isalpha() for c in value) and not value.startswith(("http", "/"))
    )
