"""Secrets that only the word beside them tells: `password = ...`, `"api_key": ...`, `my password is ...`.

Each place of such a word is found first, as that is quick, and what stands around it is read then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.secrets.dummy import expression, leet, placeholder, uuid, weak
from curate.checks.secrets.shape import classes, entropy

Place = tuple[str, int, int]

# a part of each word that is looked for, in small letters, and the whole of it from there
_ANCHORS: dict[str, re.Pattern[str]] = {
    "pass": re.compile(r"pass(?:word|wort|wd|phrase|code|e)?(?![a-df-hj-rt-z])"),
    "pwd": re.compile("pwd"),
    "kennwort": re.compile("kennwort"),
    "contrase": re.compile("contrase[ñn]a"),
    "senha": re.compile("senha"),
    "secret": re.compile("secret"),
    "token": re.compile("token"),
    "credential": re.compile("credentials?"),
    "key": re.compile("key"),
}
_PASSWORDS = frozenset(("pass", "pwd", "kennwort", "contrase", "senha"))
_KEY_LEAD = re.compile(  # a key of what; `key` alone is any word of a table
    r"(?:api|access|account|auth|master|encryption|signing|session|shared|storage|service|licen[sc]e|webhook|private"
    r"|bot|app|consumer|write|read|admin|deploy|subscription|instrumentation|ssh|jwt|cookie|secret)[ _-]?\Z"
)
_TAIL = re.compile(
    r"(?:[_-]?(?:key|token|secret|access|value|val|string|text|b(?:ase)?64|production|prod|development|dev|live|staging"
    r"|test|admin|root|user|db|base|aws|api)){0,8}s?[_-]?\d{0,2}"  # no more: from each of very many it would be read anew
)
_QUOTE = r"\\{0,4}[\"'`]"
_TYPE = r"(?:\s*:\s*(?:&?(?:'static )?str|[Ss]tring|Optional\[str\]|SecretStr|bytes|const char ?\*|text)\s*(?==))?"
# `=` or `:` (in JSON after a quote, in a table after `]`), then what may be the secret
_ASSIGNED = re.compile(
    rf"(?:{_QUOTE})?\s{{0,3}}\]?{_TYPE}(?P<before>[ \t]*(?:\*\*)?)(?P<sign>=>|:=|==?=?|:|<-)"
    r"(?P<after>(?:\s|\\n){0,40}(?:\*\*)?[ \t]{0,20})"
    rf"(?:[brufBRUF@]{{0,2}}(?P<open>{_QUOTE}|\$')(?P<quoted>[^\r\n]{{1,512}}?)(?P=open)|(?P<bare>[^\s\"'`<>]{{4,200}}))"
)
_SAID = re.compile(
    r"(?: (?:for|to|of|on|at|zu|für|de|para) [^.\n:]{1,40}?)? (?:is|was|ist|lautet|war|es|est|será|é)"
    r"(?: (?:now|still|set to|jetzt))?[: ]{1,3}(?P<open>[\"'`“‘«*]{1,2})?(?P<value>[^\s\"'`“”’«»]{4,200})"
)
_TAGGED = re.compile(r">\s*(?P<value>[^<>\s]{4,200})\s*</")
_CALLED = re.compile(rf"(?:{_QUOTE}\s*,|\()\s*(?P<open>{_QUOTE})(?P<value>[^\r\n\"'`\\]{{4,200}})(?P=open)")
_CALL_LEAD = re.compile(
    rf"(?i)(?:\b(?:define|setproperty|putenv|setenv|setx|set|put|setvalue)\(\s*{_QUOTE}[\w.-]{{0,40}}|\bset\w{{0,20}})\Z"
)
_OPTION = re.compile(r"[ =](?P<open>[\"'])?(?P<value>[^\s\"'`<>|;]{4,200})")
_OPTION_LEAD = re.compile(r"(?:\A|[\s\"'`(])--?(?:[\w-]{0,30}-)?\Z")
_FOLLOWS = frozenset(" \t\n\r=:\"'`\\]<>-(*")  # what may come behind the word at all
_MARKS = ".,;:?)]}*_>|"
_NAME_PARTS = (
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
)
_ESCAPED = re.compile(r"\\[nrtbf]\Z")
_CODE = re.compile(r"[()\[\]{}]{2}|\w\(|\\[dwsDWSbBnrtu]|\(\?|https?://")
_HEX = re.compile(r"(?i)[0-9a-f]{32,128}")
LONGEST_NAME = 40  # characters before the word within one name


def assigned(text: str, small: str) -> Iterator[Place]:
    """(label, start, end) of each value that a word beside it makes a secret; `small` in small letters."""
    for anchor, word in _ANCHORS.items():
        at = small.find(anchor)
        while at >= 0:
            found = word.match(small, at)
            if (
                found
                and _owned(text, at)
                and (anchor != "key" or _KEY_LEAD.search(small, max(0, at - 17), at))
            ):
                yield from _beside(text, small, at, found.end(), is_password=anchor in _PASSWORDS)
            at = small.find(anchor, at + len(anchor))


def _beside(text: str, small: str, at: int, end: int, *, is_password: bool) -> Iterator[Place]:
    """What stands behind the word at `at`, which ends at `end`."""
    tail = _TAIL.match(small, end)
    end = tail.end() if tail else end
    if end >= len(text) or text[end] not in _FOLLOWS:
        return
    label = "SECRET_PASSWORD" if is_password else "SECRET_API_KEY"
    found = _ASSIGNED.match(text, end)
    if found:
        group = "quoted" if found["quoted"] is not None else "bare"
        start = found.start(group)
        value = found["quoted"] if group == "quoted" else _bare(found["bare"])
        if _secret(text, at, found, value, is_password=is_password):
            yield label, start, start + len(value)
    else:
        yield from _told(text, at, end, label, is_password=is_password)


def _bare(value: str) -> str:
    """An unquoted value up to what ends it in a list, a query, a sentence or an escape."""
    return re.split(r"\\[nrt\"']|&\w+=|[,;|](?=[\w\s]|\Z)|\Z", value, maxsplit=1)[0].rstrip(_MARKS)


def _owned(text: str, at: int) -> bool:
    """Whether the word begins a name or stands at the end of one: `DB_PASSWORD`, not `compass`."""
    if not at or not text[at - 1].isalpha() or (text[at].isupper() and text[at - 1].islower()):
        return True
    before = text[max(0, at - LONGEST_NAME) : at]
    return _ESCAPED.search(before) is not None or before.lower().endswith(_NAME_PARTS)


def _secret(text: str, at: int, found: re.Match[str], value: str, *, is_password: bool) -> bool:
    """Whether what is assigned is a secret rather than a placeholder, a word or a piece of code."""
    quoted = found["quoted"] is not None
    if " " in value.strip() or (quoted and value.endswith("\\")):
        return False
    good = _password(value) and "{" not in value if is_password else _drawn(text[at : found.start()], value)
    return good and not placeholder(value) and (quoted or _as_settings(text, at, found, value))


def _password(value: str) -> bool:
    """Not everyone's: some digit or sign among letters."""
    if not 5 <= len(value) <= 128 or weak(value) or leet(value) or uuid(value) or _HEX.fullmatch(value):
        return False
    letters = any(c.isalpha() for c in value)
    other = any(not c.isalpha() and c not in "_-. '" for c in value)
    return letters and other and not _CODE.search(value)


def _drawn(name: str, value: str) -> bool:
    """Drawn by chance: long, with letters and digits, of enough entropy."""
    if len(value) < 16 or not re.fullmatch(r"[A-Za-z0-9_\-+/=.~:!@#$%^&*]+", value):
        return False
    if not (any(c.isdigit() for c in value) and any(c.isalpha() for c in value)) or weak(value):
        return False
    if uuid(value):
        return not name.lower().startswith(("token", "credential"))
    words = [w for w in re.findall(r"[A-Za-z]{5,}", value) if w.islower() or w.isupper() or w.istitle()]
    return sum(map(len, words)) <= 0.6 * len(value) and entropy(value) >= (3.0 if classes(value) > 2 else 2.7)


def _line(text: str, at: int, found: re.Match[str]) -> bool:
    """Whether name and value are a line of their own, as in a file of settings: `export NAME=value`."""
    escaped = text.rfind("\\n", 0, at)
    start = max(text.rfind("\n", 0, at) + 1, escaped + 2 if escaped >= 0 else 0)
    lead = text[start:at]
    before_name = r"\s*(?:export |set |setx |ENV |ARG |\$env:|- )?[\"']?[A-Za-z0-9_.-]{0,40}"
    spaced = "=" in found["sign"] and (found["before"] or found["after"])
    rest = re.match(
        r"[ \t]*(?:#.*|\\n.*)?(?:[\r\n]|\Z)", text[found.start("bare") + len(_bare(found["bare"])) :][:200]
    )
    return re.fullmatch(before_name, lead) is not None and not spaced and rest is not None


def _as_settings(text: str, at: int, found: re.Match[str], value: str) -> bool:
    """Whether an unquoted value is written as in settings or in a sentence, not as in code."""
    if "(" in value or "[" in value or value.endswith(("{", "(")):
        return False
    if expression(value):
        # in a file of settings also a word with digits is a value
        # letters and digits that change this often are no name
        drawn = len(value) >= 20 and len(re.findall(r"\d+|[^\W\d_]+", value)) >= 7
        written = (
            drawn or _line(text, at, found) or _OPTION_LEAD.search(text[max(0, at - 40) : at]) is not None
        )
        return any(c.isdigit() for c in value) and "." not in value and written
    return True


def _told(text: str, at: int, end: int, label: str, *, is_password: bool) -> Iterator[Place]:
    """What a sentence, a tag, a call or an option of a command gives away."""
    lead = text[max(0, at - 64) : at]
    found = None
    if text[end] == ">" and re.search(r"<[\w:.-]{0,40}\Z", lead):
        found = _TAGGED.match(text, end)
    elif _OPTION_LEAD.search(lead):
        found = _OPTION.match(text, end)
    elif text[end] in "\"'`\\(" and _CALL_LEAD.search(lead):
        found = _CALLED.match(text, end)
    said = _SAID.match(text, end) if found is None and text[end] == " " else None
    match = found or said
    if match is None:
        return
    start = match.start("value")
    # the whole word first: without its closing mark `[SECRET]` is no placeholder any more
    whole = match["value"].split(",")[0]
    value = whole.rstrip(_MARKS + "…") if said else match["value"]
    if (
        placeholder(whole)
        or placeholder(value)
        or (expression(value) and not any(c.isdigit() for c in value))
    ):
        return
    if said and is_password:
        good = _spoken(value)
    else:
        good = _password(value) if is_password else _drawn(text[at:end], value)
    if good and not _CODE.search(value):
        yield label, start, start + len(value)


def _spoken(value: str) -> bool:
    """A password that someone says is theirs: anything that is no plain word or number."""
    drawn = any(c.isdigit() for c in value) or any(not c.isalnum() and c not in "'’-./" for c in value)
    return (
        len(value) >= 4 and drawn and any(c.isalpha() for c in value) and not value.startswith(("http", "/"))
    )
