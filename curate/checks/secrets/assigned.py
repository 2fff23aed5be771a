"""Secrets that only the word beside them tells: `password = ...`, `"api_key": ...`, `my password is ...`.

Each place of such a word is found first, as that is quick, and what stands around it is read then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.secrets.dummy import expression, placeholder
from curate.checks.secrets.listed import in_column, paired
from curate.checks.secrets.value import CODE, drawn, drawn_short, password
from curate.checks.secrets.words import named

Place = tuple[str, int, int]

_TAIL = re.compile(
    r"(?:[_.-]?(?:key|token|secret|access|value|val|string|text|b(?:ase)?64|production|prod|development|dev|live|staging"
    r"|test|admin|root|user|db|base|aws|api)){0,8}s?[_-]?\d{0,2}"  # no more: from each of very many it would be read anew
)
_QUOTE = r"\\{0,4}[\"'`]"
_TYPE = r"(?:\s*:\s*(?:&?(?:'static )?str|[Ss]tring|Optional\[str\]|SecretStr|bytes|const char ?\*|text)\s*(?==))?"
# `=` or `:` (in JSON after a quote, in a table after `]`), then what may be the secret
_ASSIGNED = re.compile(
    rf"(?:{_QUOTE})?\s{{0,3}}\]?{_TYPE}(?P<before>[ \t]*(?:\*\*)?)(?P<sign>=>|:=|==?=?|:|：|<-)"
    r"(?P<after>(?:\s|\\n){0,40}(?:\*\*)?[ \t]{0,20})"
    rf"(?:[brufBRUF@]{{0,2}}(?P<open>{_QUOTE}|\$')(?P<quoted>[^\r\n]{{1,512}}?)(?P=open)|(?P<bare>[^\s\"'`<>]{{4,200}}))"
)
_OF_WHAT = r" (?:for|to|of|on|at|zu|zum|für|de|para|pour|per|voor|do|til|для|от|к) [^.\n:]{1,40}?"
_IS = r" (?:is|was|ist|lautet|war|es|est|será|é|è|to|jest|er|är|on|je|este|adalah|là|это|—|–)"
_SAID = re.compile(
    rf"(?:{_OF_WHAT})?{_IS}(?: (?:now|still|set to|jetzt|nu|ora))?[: ]{{1,3}}(?P<open>[\"'`“‘«*]{{1,2}})?(?P<value>[^\s\"'`“”’«»]{{4,200}})"
)
# `Passwort für den Server: ...`, and no more on that line
_TITLED = re.compile(
    rf"{_OF_WHAT}: ?(?P<open>[\"'`“‘«*]{{1,2}})?(?P<value>[^\s\"'`“”’«»]{{4,200}})[\"'`”’»*.]{{0,3}}[ \t]*(?:\n|\Z)"
)
# in scripts without blanks the next word may follow at once
_WIDE = re.compile(r"[^ -~]")
_SAID_WIDE = re.compile(
    r"[ 　]{0,2}(?:(?:은|는|이|가|是|为|為|は|が|คือ|هي|היא|है)[ 　]{0,2}[:：]?[ 　]?(?:\\?[\"'`“「『]){0,2}|[:：][ 　]?(?:\\?[\"'`“「『]){0,2}|(?:\\?[\"'`“「『]){1,2})"
    r"(?P<value>[!#-&(-\[\]-_a-~]{5,128})"
)
_TAGGED = re.compile(r">\s*(?P<value>[^<>\s]{4,200})\s*</")
_CALLED = re.compile(rf"(?:{_QUOTE}\s*,|\()\s*(?P<open>{_QUOTE})(?P<value>[^\r\n\"'`\\]{{4,200}})(?P=open)")
_CALL_LEAD = re.compile(
    rf"(?i)(?:\b(?:define|setproperty|putenv|setenv|setx|set|put|setvalue|values)\s?\(\s*{_QUOTE}[\w.-]{{0,40}}|\bset\w{{0,20}})\Z"
)
_OPTION = re.compile(r"[ =](?P<open>[\"'])?(?P<value>[^\s\"'`<>|;]{4,200})")
_OPTION_LEAD = re.compile(r"(?:\A|[\s\"'`(])--?(?:[\w-]{0,30}-)?\Z")
# `--set auth.`, `--from-literal=`, `-e POSTGRES_`: an option whose argument is itself an assignment
_ARGUMENT_LEAD = re.compile(
    r"(?:\A|[\s\"'`(\[,])--?[A-Za-z][\w-]{0,30}(?:[= ]|[\"'], ?)[\"']?[\w.,=-]{0,80}\Z"
)
# `ENV NAME value` of a container's recipe, `login NAME password VALUE` of a netrc
_SPACED_LEAD = re.compile(
    r"(?:(?:\A|\n|\\n)[ \t]*(?:ENV|ARG|SetEnv|setenv|set -gx|set -x)[ \t]+[\w.]{0,40}"
    r"|\b(?:login|account)[ \t]+[^\s,;]{1,80}\s+)\Z"
)
_SPACED = re.compile(r"\s{1,8}(?P<open>[\"'])?(?P<value>[^\s\"'`<>]{4,200})")
_SQL = re.compile(r"\s{1,3}(?P<open>[\"'])(?P<value>[^\s\"'`<>]{4,200})(?P=open)")  # PASSWORD '...'
_NOUN = re.compile(r".?(?:password|passwd)|.*kennwort|.*passwort")  # `pass` may be the verb
_FOLLOWS = frozenset(" \t\n\r=:\"'`\\]<>-(*,;|}：　")  # what may come behind the word at all
_MARKS = ".,;:?)]}*_>|"
_LINE_LEAD = re.compile(r"\s*(?:export |set |setx |ENV |ARG |\$env:|- )?[\"']?[A-Za-z0-9_.-]{0,40}")
_WORDS_LEAD = re.compile(r"[^\W\d_][\w'’,/ -]{0,40} ")  # `Mot de passe :`, `The database password:`
_DECLARED = re.compile(
    r"\b(?:var|let|val|const|private|public|protected|readonly|static|final|def|fun|func|class|type|lambda|abstract|get|set|override|return|case|if|elif|else|for|while|in|and|or|not)\b"
)
_CAPITALS = re.compile(r"(?:\A|[\s\"'`;&|(])([A-Z][A-Z0-9_]{0,60})\Z")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")


def assigned(text: str, small: str) -> Iterator[Place]:
    """(label, start, end) of each value that a word beside it makes a secret; `small` in small letters."""
    for at, end, is_password in named(text, small):
        tail = _TAIL.match(small, end)
        end = tail.end() if tail else end
        if end >= len(text) or (text[end] not in _FOLLOWS and text[end].isascii()):
            continue
        label = "SECRET_PASSWORD" if is_password else "SECRET_API_KEY"
        for start, stop in _beside(text, at, end, is_password=is_password):
            yield label, start, stop


def _beside(text: str, at: int, end: int, *, is_password: bool) -> Iterator[tuple[int, int]]:
    """What stands behind the word at `at`, which ends at `end`."""
    found = _ASSIGNED.match(text, end)
    if found:
        group = "quoted" if found["quoted"] is not None else "bare"
        start = found.start(group)
        value = found["quoted"] if group == "quoted" else _bare(found["bare"])
        if not text[at].isascii():  # the sentence may go on without a blank
            value = _WIDE.split(value, maxsplit=1)[0]
        if _secret(text, at, found, value, is_password=is_password):
            yield start, start + len(value)
    elif (told := _told(text, at, end, is_password=is_password)) is not None:
        yield told
    else:
        pair = paired(text, at, end, is_password=is_password)
        if pair is not None:
            yield pair
        yield from in_column(text, at, end, is_password=is_password)


def _bare(value: str) -> str:
    """An unquoted value up to what ends it in a list, a query, a sentence or an escape."""
    return re.split(r"\\[nrt\"']|&\w+=|[,;|](?=[\w\s]|\Z)|\Z", value, maxsplit=1)[0].rstrip(_MARKS)


def _secret(text: str, at: int, found: re.Match[str], value: str, *, is_password: bool) -> bool:
    """Whether what is assigned is a secret rather than a placeholder, a word or a piece of code."""
    quoted = found["quoted"] is not None
    if " " in value.strip() or (quoted and value.endswith("\\")):
        return False
    good = password(value) and "{" not in value if is_password else drawn(text[at : found.start()], value)
    # `PWD` of an environment is the folder in which one works
    if good and is_password and value.startswith("/") and text[at : at + 3].lower() == "pwd":
        return False
    return good and not placeholder(value) and (quoted or _as_settings(text, at, found, value))


def _line(text: str, at: int, found: re.Match[str]) -> bool:
    """Whether name and value are a line of their own, as in a file of settings: `export NAME=value`."""
    escaped = text.rfind("\\n", 0, at)
    start = max(text.rfind("\n", 0, at) + 1, escaped + 2 if escaped >= 0 else 0)
    lead = text[start:at]
    spaced = "=" in found["sign"] and (found["before"] or found["after"])
    rest = re.match(
        r"[ \t]*(?:#.*|\\n.*)?(?:[\r\n]|\Z)", text[found.start("bare") + len(_bare(found["bare"])) :][:200]
    )
    if spaced or rest is None or len(lead) > 80:
        return False
    said = found["sign"] in ":：" and _WORDS_LEAD.fullmatch(lead) and not _DECLARED.search(lead)
    return bool(said) or _LINE_LEAD.fullmatch(lead) is not None


def _as_argument(text: str, at: int, found: re.Match[str], value: str) -> bool:
    """Whether a shell would read it as one word: `NAME=value` before a command or behind an option."""
    if found["sign"] != "=" or found["before"] or found["after"] or _CONSTANT.fullmatch(value):
        return False
    stop = found.start("bare") + len(value)
    if stop < len(text) and not text[stop].isspace() and text[stop] not in "\"'`;&\\,":
        return False
    name = _CAPITALS.search(text[max(0, at - 64) : found.start()])
    return name is not None or _ARGUMENT_LEAD.search(text[max(0, at - 120) : at]) is not None


def _as_settings(text: str, at: int, found: re.Match[str], value: str) -> bool:
    """Whether an unquoted value is written as in settings or in a sentence, not as in code."""
    if "(" in value or "[" in value or value.endswith(("{", "(")):
        return False
    if expression(value):
        # in a file of settings also a word with digits is a value
        # letters and digits that change this often are no name
        by_chance = len(value) >= 20 and len(re.findall(r"\d+|[^\W\d_]+", value)) >= 7
        written = (
            by_chance
            or not text[at].isascii()  # no program's name is written so
            or (found["sign"] in ":：" and drawn_short(value))
            or _line(text, at, found)
            or _as_argument(text, at, found, value)
            or _OPTION_LEAD.search(text[max(0, at - 40) : at]) is not None
        )
        return any(c.isdigit() for c in value) and "." not in value and written
    return True


def _told(text: str, at: int, end: int, *, is_password: bool) -> tuple[int, int] | None:
    """What a sentence, a tag, a call, an option of a command or a statement gives away."""
    lead = text[max(0, at - 120) : at]
    found = _form(text, end, lead)
    said = None
    if found is None and not text[at].isascii():
        said = _SAID_WIDE.match(text, end)
    if found is None and said is None and text[end] == " ":
        said = _SAID.match(text, end)
        found = None if said else _TITLED.match(text, end)
    match = found or said
    if match is None:
        return None
    start = match.start("value")
    # the whole word first: without its closing mark `[SECRET]` is no placeholder any more
    whole = match["value"].split(",")[0]
    value = whole.rstrip(_MARKS + "…") if said else match["value"].rstrip("\\.*")
    if (
        placeholder(whole)
        or placeholder(value)
        or (expression(value) and not any(c.isdigit() for c in value))
    ):
        return None
    if said and is_password:
        good = _spoken(value)
    else:
        good = password(value) if is_password else drawn(text[at:end], value)
    return (start, start + len(value)) if good and not CODE.search(value) else None


def _form(text: str, end: int, lead: str) -> re.Match[str] | None:
    """The value behind a word that ends at `end`, by what stands before the word and right behind it."""
    follows = text[end]
    if follows == ">" and re.search(r"<[\w:.-]{0,40}\Z", lead):
        return _TAGGED.match(text, end)
    if _OPTION_LEAD.search(lead[-40:]):
        return _OPTION.match(text, end)
    if follows in "\"'`\\(" and _CALL_LEAD.search(lead[-64:]):
        return _CALLED.match(text, end)
    if follows.isspace():
        sql = _SQL.match(text, end) if _NOUN.fullmatch(text[end - 8 : end].lower()) else None
        return sql or (_SPACED.match(text, end) if _SPACED_LEAD.search(lead) else None)
    return None


def _spoken(value: str) -> bool:
    """A password that someone says is theirs: anything that is no plain word or number."""
    by_chance = any(c.isdigit() for c in value) or any(not c.isalnum() and c not in "'’-./" for c in value)
    return (
        len(value) >= 4
        and by_chance
        and any(c.isalpha() for c in value)
        and not value.startswith(("http", "/"))
    )
