"""Names by which people log in and are addressed: in paths of homes, fields, logs, prompts, profiles and handles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from curate.checks.secrets.dummy import WEAK, placeholder
from curate.checks.signs import Signs
from curate.names.code import bare, within
from curate.names.tagger import lexicon
from curate.names.tokens import BIT

_NAME = r"(?P<name>[^\W\d_][\w.-]{1,38}(?<![.-]))"
_HOME = re.compile(
    rf"(?:(?<![\w.$}}])(?:/[a-z]{{1,10}})?/home/|(?<![\w.$}}])(?:/[a-z]{{1,10}})?/Users/|\b[A-Za-z]:(?:\\{{1,4}}|/)Users(?:\\{{1,4}}|/)){_NAME}(?=[/\\\s\"'`:;,)\]>]|\.(?:\s|\Z)|\Z)"
)
_FIELD = re.compile(
    r"(?i:(?<![^\W_])(?:user[ _-]?(?:name|id)|login(?:[ _-]?(?:name|id))?|screen[ _-]?name|nick[ _-]?name|nick|logon|benutzername|nutzername|usuario"
    r"|nombre de usuario|nome utente|usuário|gebruikersnaam|nom d['’]utilisateur|nazwa użytkownika|gamertag))(?![^\W_])[\"'`*_]{0,4}(?P<between>\s{0,3}(?:[:=]|=>)\s{0,3}| (?:is|ist|es|est|è|:) |,? its )"
    rf"(?P<quote>\\?[\"'`]|\*\*)?@?{_NAME}(?P<after>[(\[{{]?)"
)
_PAIR = re.compile(
    rf"(?i:\b(?:user|usr|uname|login|username|account|owner|uid|euser|ruser|acct))=[\"']?{_NAME}(?![(\[{{\w])"
)
_LOGGED = re.compile(
    r"(?:\b(?:(?:[Aa]ccepted|[Ff]ailed) [\w/-]{3,24} for (?:invalid user )?|session (?:opened|closed) for user |(?:for|by|[Ii]nvalid) user [\"']?|sudo: {1,4})"
    rf"|(?:^|[\s\"'])\d{{1,3}}(?:\.\d{{1,3}}){{3}} - (?=\S+ \[)|(?m:^)[-dlbcps](?:[r-][w-][xsStT-]){{3}}[.+@]? +\d{{1,4}} +){_NAME}(?![\w(])"
)
_PROMPT = re.compile(
    rf"(?:(?m:^)(?:\(\w+\) )?{_NAME.replace('name', 'prompt')}@[\w-]{{1,40}}:[~/]|\b(?:ssh|scp|sftp|rsync)\b[^\n@]{{0,80}}?[ \"']{_NAME}@(?=[\w.-]))"
)
_MARKED = re.compile(rf"\b(?:TODO|FIXME|XXX|HACK)\({_NAME}\)")
_PROFILE = re.compile(
    r"(?i:\b(?:(?:www\.|m\.|[a-z]{2}\.)?linkedin\.com/in/|instagram\.com/|(?:twitter|x)\.com/|facebook\.com/(?!(?:groups|pages|events|watch|marketplace)\b)"
    r"|t\.me/|tiktok\.com/@|medium\.com/@|youtube\.com/@|reddit\.com/u(?:ser)?/|threads\.net/@|twitch\.tv/|steamcommunity\.com/id/|keybase\.io/|github\.com/(?![\w.-]{1,40}/[\w.-])))"
    rf"{_NAME}"
)
# a name with @ in what people write to each other: told by a word before it, or by its figures
_HANDLE = re.compile(rf"(?<![\w@./:+=#`\\-])@{_NAME}(?![\w(@/\[{{]|\.\w)")
_HOST = re.compile(
    r"(?i)\.(?:com|org|net|edu|gov|info|example|io|co|uk|de|fr|es|it|nl|eu|us|in|br|pl|exe|py|js|json|txt|html?)\Z"
)
_GOES_ON = re.compile(r"[,:]? [^\W\d_]")
_SPOKEN = re.compile(
    r"(?i)\b(?:instagram|insta|ig|twitter|tiktok|telegram|threads|snapchat|snap|mastodon|bluesky|handle|follow(?:ed|ing)?|dm|rt|cc|via|tag|tagging|twitch|signal|line|wechat"
    r"|username|by|from|to|thanks|hey|hi|hello|@\w+)\b[^\n@]{0,16}\Z"
)
_TAGGED = re.compile(r"(?<![\w#])(?P<name>[^\W\d_][\w.]{1,30}#\d{4})(?!\w)")  # as Discord had them
# accounts of systems and of examples
_NOBODY = frozenset(
    """
    root admin administrator user users guest public shared default defaultuser0 all ubuntu debian centos fedora ec2-user azureuser opc
    vagrant node app apps appuser runner travis circleci jovyan codespace vscode pi git svn hg www www-data nginx apache httpd http
    jenkins docker airflow spark hadoop hdfs postgres postgresql mysql redis mongo mongodb oracle sa dba elastic kibana rabbitmq daemon
    nobody ftp sftp mail postfix backup deploy deployer ansible builder build ci bot service sys system staff wheel operator sshd ssh
    systemd cron test tester testuser demo example sample username userid login name me you your yourname yourusername myuser myusername
    anonymous anon none null nil undefined true false str string int text varchar required optional self this request req res here there
    someone somebody foo bar baz foobar john.doe jdoe johndoe alice bob project projects work workspace data media param return returns
    author since see override import media property throws deprecated link code everyone channel here kubernetes kube k8s server client
    local localhost host home password email phone http https ftp file runneradmin containeradministrator linuxbrew homebrew lib share
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
_FREQUENT = sum(BIT[name] for name in ("english_300", "english_1500", "english_5000"))
_ORDINARY = _FREQUENT | BIT["english_15000"] | BIT["english_60000"]
_PARTS = re.compile(r"[^\W\d_]+")

# of each pattern: one of these, in small letters, is in every text that it matches
_KINDS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (("/home/", "/users/", "\\users\\"), _HOME),
    (("user=", "usr=", "login=", "username=", "owner=", "account=", "uid=", "acct=", "uname="), _PAIR),
    (("accepted ", "failed ", "for user ", "by user ", "invalid user", "sudo: ", "-rw", "drw", "lrw", "-r-", '] "'), _LOGGED),
    (("@",), _PROMPT),
    (("todo(", "fixme(", "xxx(", "hack("), _MARKED),
    ((".com/", "t.me/", ".tv/", ".net/@", "keybase.io/"), _PROFILE),
)  # fmt: skip
_BY_SIGN = {sign: pattern for signs, pattern in _KINDS for sign in signs}
_PLATFORMS = ("discord", "battle.net", "battlenet", "gamertag")
_FIELD_SIGNS = ("username", "user name", "user_name", "user-name", "userid", "user id", "user_id", "user-id", "login", "logon", "nick", "screen", "usuario", "usuário", "benutzer", "nutzername", "gebruiker", "utente", "utilisateur", "gamertag", "użytkownika")  # fmt: skip
_SIGNS = Signs((*_BY_SIGN, *_FIELD_SIGNS, *_PLATFORMS))


def logins(text: str, small: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each, without the `@` before it; `small` is the text in small letters."""
    there = _SIGNS.of(small)
    if not there:
        return
    for pattern in dict.fromkeys(_BY_SIGN[sign] for sign in there if sign in _BY_SIGN):
        for found in pattern.finditer(text):
            group = "name" if found["name"] is not None else "prompt"
            if _somebody(found[group]):
                yield found.span(group)
    if any(sign in _FIELD_SIGNS for sign in there):
        yield from _in_fields(text)
    if "@" in there:
        yield from _handles(text)
    if "#" in text and any(sign in _PLATFORMS for sign in there):
        yield from (found.span("name") for found in _TAGGED.finditer(text))


def _in_fields(text: str) -> Iterator[tuple[int, int]]:
    """What stands behind `username:` and its like, where it is no piece of code."""
    for found in _FIELD.finditer(text):
        name = found["name"]
        between = found["between"]
        computed = not found["quote"] and "=" in between and (between != between.strip() or "." in name)
        said = ":" not in between and "=" not in between  # a sentence goes on with any word
        if (
            found["after"]
            or computed
            or not _somebody(name)
            or (said and not (_by_chance(name) or not lexicon().flags(name)))
        ):
            continue
        yield found.span("name")


def _handles(text: str) -> Iterator[tuple[int, int]]:
    code: list[tuple[int, int]] | None = None
    for found in _HANDLE.finditer(text):
        name = found["name"]
        lead = text[max(0, found.start() - 80) : found.start()]
        opens = not lead.rpartition("\n")[2].strip()
        # at the head of a line stand decorators too
        told = _by_chance(name) and (not opens or _GOES_ON.match(text, found.end()) is not None)
        if not (told or _SPOKEN.search(lead[-40:])):
            continue
        code = bare(text) if code is None else code
        if _somebody(name) and not _HOST.search(name) and not within(code, found.start(), found.end()):
            yield found.span("name")


def _by_chance(name: str) -> bool:
    """Whether a name has what words have not: figures or marks within it."""
    return any(map(str.isdigit, name)) or any(each in "_." for each in name[1:-1])


@cache
def _somebody(name: str) -> bool:
    """Whether a login may be a person's: no account of a system, no word or words of a program."""
    small = name.lower()
    if (
        len(small) < 3
        or small in _NOBODY
        or small.strip("0123456789._-") in _NOBODY | WEAK
        or placeholder(name)
    ):
        return False
    parts = _PARTS.findall(small)
    return any(_own(part) for part in parts)


def _own(part: str) -> bool:
    """Whether a part of a login is no ordinary word: a name, or letters that mean nothing."""
    flags = lexicon().flags(part)
    if len(part) < 3 or part in _NOBODY or part in WEAK:
        return False
    return bool(flags & BIT["first"]) or not flags & (_FREQUENT if flags & BIT["last"] else _ORDINARY)
