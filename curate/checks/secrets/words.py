"""The words that name a secret, by a part of each that is looked for first; all in small letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from curate.checks.signs import Signs


class Named(NamedTuple):
    """A word of a text that names a secret: where it stands, and whether it is a password's."""

    start: int
    end: int
    is_password: bool


_PASSWORDS: dict[str, str] = {
    "pass": r"pass(?:word|wort|wd|phrase|code|ord|e)?(?![a-df-hj-rt-z])",
    "pw": "pwd|pw(?![a-z0-9])",
    "kennwort": "kennwort",
    "contrase": "contrase[ñn]a",
    "senha": "senha",
    "wachtwoord": "wachtwoord",
    "adgangskode": "adgangskode",
    "salasana": "salasana",
    "heslo": "heslo",
    "parola": "parola",
    "lozinka": "lozinka",
    "kata sandi": "kata sandi",
}
# of scripts and letters that no text of ASCII holds
_OTHERS: dict[str, str] = {
    "lösenord": "lösenord(?:et)?",
    "hasł": "hasł(?:o|a|em)",
    "jelsz": "jelsz(?:ó|avam|óm)",
    "şifre": "şifre(?:m|si|niz)?",
    "parolă": "parolă",
    "khẩu": "khẩu",
    "парол": "парол[а-яіїє]{0,3}",
    "лозинк": "лозинк[а-я]",
    "κωδικ": "κωδικ[α-ωό]{1,3}",
    "密码": "密码",
    "密碼": "密碼",
    "口令": "口令",
    "パスワード": "パスワード",
    "暗証番号": "暗証番号",
    "비밀번호": "비밀번호",
    "รหัสผ่าน": "รหัสผ่าน",
    "كلمة": "كلمة (?:المرور|السر)",
    "סיסמ": "סיסמ(?:ה|ת)",
    "पासवर्ड": "पासवर्ड",
}
_KEYS: dict[str, str] = {
    "secret": "secret",
    "token": "token",
    "credential": "credentials?",
    "key": "key",
}
_WORDS = {
    anchor: (re.compile(word), is_password)
    for is_password, words in ((True, _PASSWORDS), (True, _OTHERS), (False, _KEYS))
    for anchor, word in words.items()
}
_SIGNS = Signs(_WORDS)
_KEY_LEAD = re.compile(  # a key of what; `key` alone is any word of a table
    r"(?:api|access|account|auth|master|encryption|signing|session|shared|storage|service|licen[sc]e|webhook|private"
    r"|bot|app|consumer|write|read|admin|deploy|subscription|instrumentation|ssh|jwt|cookie|secret)[ ._-]?\Z"
)
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
# of these no other word is a part: whatever letters stand before them name what they are for (`PGPASSWORD`)
_WHOLE = re.compile(r"pass(?:word|wort|wd|phrase)|kennwort|wachtwoord|adgangskode|salasana")
_ESCAPED = re.compile(r"\\[nrtbf]\Z")
LONGEST_NAME = 40  # characters before the word within one name


def named(text: str, small: str) -> Iterator[Named]:
    """Each word that names a secret; `small` is the text in small letters."""
    for anchor in _SIGNS.of(small):
        word, is_password = _WORDS[anchor]
        at = small.find(anchor)
        while at >= 0:
            found = word.match(small, at)
            if found and (begin := _begin(text, small, at, anchor)) >= 0 and _owned(text, small, begin):
                yield Named(at, found.end(), is_password)
            at = small.find(anchor, at + len(anchor))


def _begin(text: str, small: str, at: int, anchor: str) -> int:
    """Where the word begins with what must stand before it; -1 where that does not."""
    if anchor != "key":
        return at
    lead = _KEY_LEAD.search(small, max(0, at - 17), at)
    # `api` of `therapi key` names none, `Api` of `myApiKey` does
    return lead.start() if lead else -1


def _owned(text: str, small: str, at: int) -> bool:
    """Whether the word begins a name or stands at the end of one: `DB_PASSWORD`, not `compass`."""
    if not at or not text[at - 1].isalpha() or (text[at].isupper() and text[at - 1].islower()):
        return True
    if not text[at].isascii() or _WHOLE.match(small, at):
        return True
    before = text[max(0, at - LONGEST_NAME) : at]
    return _ESCAPED.search(before) is not None or before.lower().endswith(_NAME_PARTS)
