"""Words of names: how they are told apart and compared, which language and kind they are of."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

POOLS = Path(__file__).with_name("pools.json")
WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u0e30-\u0e4e])*(?:['’][^\W\d_]{2,})*")
_PLAIN = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "Ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})  # fmt: skip
SCRIPTS = (  # first and last character, language
    ("\u0400", "\u04ff", "ru"),
    ("\u0370", "\u03ff", "el"),
    ("\u0590", "\u05ff", "he"),
    ("\u0600", "\u06ff", "ar"),
    ("\u0900", "\u097f", "hi"),
    ("\u0e00", "\u0e7f", "th"),
    ("\u3040", "\u30ff", "ja"),
    ("\uac00", "\ud7af", "ko"),
    ("\u4e00", "\u9fff", "zh"),
)
UNSPACED = frozenset(("zh", "ja", "ko"))  # surname and given name stand together
# letters that one language has and its neighbours have not
_MARKS = (("ß", "de"), ("äöü", "de"), ("ñ", "es"), ("ãõ", "pt"), ("ąęłżźćśń", "pl"), ("řěů", "cs"), ("ğışİ", "tr"), ("øæ", "da"), ("å", "sv"), ("őű", "hu"), ("ășț", "ro"), ("çèêëàâîôœ", "fr"), ("áíóú", "es"), ("іїєґ", "uk"))  # fmt: skip


class Known(NamedTuple):
    """What a word is in one language: female, male, last, last_female, last_male or cities."""

    language: str
    kind: str


@cache
def pools() -> dict[str, dict[str, tuple[str, ...]]]:
    """Language to kind to names."""
    read = json.loads(POOLS.read_text(encoding="utf-8"))
    return {
        language: {kind: tuple(names.split()) for kind, names in kinds.items()}
        for language, kinds in read.items()
        if isinstance(kinds, dict)
    }


@cache
def known() -> dict[str, tuple[Known, ...]]:
    """Each word of the pools, folded, to what it is; the languages in the order of the file."""
    found: dict[str, list[Known]] = {}
    for language, kinds in pools().items():
        for kind, names in kinds.items():
            for name in names:
                found.setdefault(fold(name), []).append(Known(language, kind))
    return {word: tuple(dict.fromkeys(which)) for word, which in found.items()}


def fold(word: str) -> str:
    """The word in small letters, without accents: equal for spellings of one name."""
    plain = unicodedata.normalize("NFKD", word.translate(_PLAIN)).casefold()
    return "".join(each for each in plain if not "\u0300" <= each <= "\u036f")


def written_in(word: str) -> str:
    """The language that the script, or else a letter, tells of; empty where it could be any Latin one."""
    small = word.casefold()
    if any(each in "іїєґ" for each in small):
        return "uk"
    for first, last, language in SCRIPTS:
        if any(first <= each <= last for each in word):
            return language
    return next((language for letters, language in _MARKS if any(each in letters for each in small)), "")


def as_written(word: str, like: str) -> str:
    """The word in the letters that another has: all capital, all small, or as it is."""
    if len(like) > 1 and like.isupper():
        return word.upper()
    return word.lower() if like.islower() else word


def ascii_letters(word: str) -> str:
    """The word as it stands in an e-mail address; empty where it has no Latin letters."""
    folded = fold(word).replace("-", "").replace("'", "")
    return folded if folded.isascii() and folded.isalpha() else ""
