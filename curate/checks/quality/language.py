"""Which language a text is in: by its script, and by small words where several languages share one.

No model: a text of some sentences has so many of its language's small words that the question is never close;
a short one, a list of names, code or figures has few, and then the answer is None: not known.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

from curate.checks.quality.text import CODE, Problem, Text
from curate.checks.quality.words import LANGUAGES_OF

LOOKED_AT = 400  # characters of a text; more would not change the answer
SHARE = 0.2  # of all words


class Sureness(NamedTuple):
    """What it takes to tell a language by its small words."""

    least: int  # of them in the text
    different: int  # of these
    ahead: float  # times as many as of the next language


SURE = Sureness(5, 4, 1.6)
LIKELY = Sureness(2, 2, 3.0)  # two words that hardly another language has
KIN = (frozenset(("da", "no", "sv")), frozenset(("es", "ca", "pt")), frozenset(("ru", "uk", "bg")))
CLEAR = 0.6  # share of the letters that are of one script; what is below is mixed

_SCRIPTS = {
    "han": "\u3400-\u4dbf\u4e00-\u9fff",
    "kana": "\u3040-\u30ff",
    "ko": "\uac00-\ud7a3\u1100-\u11ff",
    "cyrillic": "\u0400-\u04ff",
    "arabic": "\u0600-\u06ff\u0750-\u077f",
    "hi": "\u0900-\u097f",
    "bn": "\u0980-\u09ff",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "th": "\u0e00-\u0e7f",
    "he": "\u0590-\u05ff",
    "el": "\u0370-\u03ff",
    "ka": "\u10a0-\u10ff",
    "hy": "\u0530-\u058f",
    "latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
}
_LETTERS = {name: re.compile(f"[{span}]") for name, span in _SCRIPTS.items()}
# one Han or Kana letter says as much as some letters of an alphabet
_WEIGHTS = {"han": 3.0, "kana": 2.0, "ko": 2.0}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_QUOTED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)
_PERSIAN, _URDU = re.compile("[پچژگ]"), re.compile("[ٹڈڑےں]")


def english(text: pl.Expr) -> pl.Expr:
    """Whether a text is English beyond doubt; not the other way round. Fast, for most rows are."""
    words = text.str.head(LOOKED_AT).str.count_matches(r" (?:the|of|and|to|is|that|for|with) ")
    brief = (text.str.len_chars() < 160) & text.str.contains(
        r"(?i)(?:^| )(?:the|what|how|and|with|that|this|write|you|your|why|give|create|describe|explain|which|tell) "
    )
    return (text.str.len_bytes() < 1.05 * text.str.len_chars()) & ((words >= 3) | brief)


def language_of(text: str, sureness: Sureness = SURE) -> str | None:
    """The ISO 639-1 code of the language; None where that is not sure.

    LIKELY tells it of most questions of one sentence too, and may take one language for its sister: enough
    to count rows by, not to accuse one.
    """
    part = text[: LOOKED_AT + 200]
    if "`" in part or "://" in part:
        part = _QUOTED.sub(" ", part)
    part = part[:LOOKED_AT]
    if part.isascii():
        return _by_words(part, sureness)
    script = _script(part[:200])
    if script in ("latin", "cyrillic"):
        return _by_words(part, sureness)
    if script == "arabic":
        return "ur" if _URDU.search(part) else "fa" if _PERSIAN.search(part) else "ar"
    return {"han": "zh", "kana": "ja"}.get(script or "", script)


def _script(text: str) -> str | None:
    """The script of most letters; None where none is clear."""
    counts = {
        name: len(letters.findall(text)) * _WEIGHTS.get(name, 1.0) for name, letters in _LETTERS.items()
    }
    if counts["kana"] > 0.1 * counts["han"]:
        counts["kana"] += counts.pop("han")
    total = sum(counts.values())
    best = max(counts, key=lambda name: counts[name])
    return best if total >= 6 and counts[best] >= CLEAR * total else None


def _by_words(text: str, sureness: Sureness) -> str | None:
    """The language whose small words stand in the text, if it is far ahead of all others."""
    # capitals are names of things: AI is no Italian
    words = [word.lower() for word in _WORD.findall(text.replace("’", "'")) if not word.isupper()]
    if len(words) < sureness.least:
        return None
    counts: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for word in words:
        # a letter alone is a variable, an initial or an item of a list as often as a word
        languages = LANGUAGES_OF.get(word, ()) if len(word) > 1 else ()
        for language in languages:
            counts[language] += 1
            seen[language].add(word)
            weights[language] += 60 // len(languages)  # a word of one language says more than one of six
    if not counts:
        return None
    # what is equal in weight is told apart by the alphabet, so that each run says the same
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    best, most = ranked[0]
    if counts[best] < max(sureness.least, SHARE * len(words)) or len(seen[best]) < sureness.different:
        return None
    kin = next((family for family in KIN if best in family), frozenset((best,)))
    others = max((weight for name, weight in ranked[1:] if name not in kin), default=0)
    close = max((weight for name, weight in ranked[1:] if name in kin), default=0)
    return best if most >= sureness.ahead * others and most > close else None


def foreign_to(wanted: Sequence[str], question: str, answer: str) -> str | None:
    """The language of a question and its answer if it is none of those wanted.

    An answer alone may be too short to tell. Where all languages that are wanted have letters of their
    own and the row has none of these, that is told as `latin` or what its script is.
    """
    found = language_of(answer) or language_of(f"{question}\n{answer}")
    if found is not None:
        return None if found in wanted else found
    both = f"{question} {answer}"
    if not set(wanted) <= set(_SCRIPT_OF) or any(_LETTERS[_SCRIPT_OF[name]].search(both) for name in wanted):
        return None
    script = _script(both[:LOOKED_AT])
    return script if script and len(_WORD.findall(both)) >= SURE.least else None


# languages whose letters no language in Latin letters has
_SCRIPT_OF = {
    "zh": "han", "ja": "han", "ko": "ko", "ru": "cyrillic", "uk": "cyrillic", "bg": "cyrillic", "ar": "arabic",
    "fa": "arabic", "ur": "arabic", "hi": "hi", "bn": "bn", "ta": "ta", "te": "te", "th": "th", "he": "he", "el": "el",
}  # fmt: skip
_OWN_SCRIPT = frozenset(_SCRIPT_OF)
TRANSLATION = re.compile(
    r"translat|in (?:english|spanish|french|german|italian|portuguese|chinese|mandarin|japanese|korean|russian|arabic|hindi|latin|greek|dutch|swedish|polish|turkish|vietnamese|indonesian)|"
    r"\b(?:english|spanish|french|german|italian|portuguese|chinese|mandarin|japanese|korean|russian|arabic|hindi|dutch|swedish|norwegian|danish|finnish|polish|turkish|romanian|hungarian|czech|vietnamese|indonesian|thai|hebrew|greek|ukrainian|language)\b|"
    r"übersetz|tradu|vertaal|перевед|翻译|翻譯|译成|译为|[英中日韩法德俄西]文|[英汉中日韩法德俄]语|外语|语言|訳|번역",
    re.IGNORECASE,
)


def switches(text: Text) -> Iterator[Problem]:
    """An answer in another language than its question, where no translation is asked for."""
    if len(text.text) < 40 or not text.question:
        return
    asked = language_of(text.question)
    answered = language_of(text.text) if asked else None
    if asked is None or answered is None or asked == answered or _mixed(text, answered):
        return
    said: dict[str, object] = {"question": asked, "answer": answered}
    yield Problem(
        "language-switch",
        None,
        None,
        0.8,
        "the answer is in another language than the question",
        measured=said,
    )


def _mixed(text: Text, answered: str) -> bool:
    """Whether the answer's language is asked for, or stands in what was said before."""
    if TRANSLATION.search(text.asked) or CODE.search(text.text):
        return True
    if any(language_of(part) == answered for part in re.split(r"\n+|[\"“”:：]", text.asked)):
        return True
    # a sentence to be made with a word of another language is in that language
    foreign = re.search(r"[A-Za-z]{3,}", text.asked) if not text.asked.isascii() else None
    return bool(foreign and language_of(text.question) in _OWN_SCRIPT and answered not in _OWN_SCRIPT)
