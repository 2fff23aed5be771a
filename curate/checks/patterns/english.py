"""spaCy's English tokens from spaCy's own rules, without its package: that loads thinc, and thinc torch."""

from __future__ import annotations

import importlib
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NamedTuple

PACKAGE = "spacy"
_ORTH = "orth"  # stands for spaCy's number of that attribute: the texts of a special case's tokens


class Rules(NamedTuple):
    """What makes tokens of a text."""

    prefixes: Iterable[str]  # patterns
    suffixes: Iterable[str]
    infixes: Iterable[str]
    cases: Mapping[str, tuple[str, ...]]  # the tokens of some strings, whatever the patterns say
    url: Any  # `match` of what is one token
    stops: frozenset[str]


class Tokens:
    """Makes the tokens that spaCy's Tokenizer makes of a piece: of white space alone, or with none in it."""

    def __init__(self, rules: Rules) -> None:
        """Compile the patterns, as spacy.util does."""
        self._cases = rules.cases
        self._url = rules.url
        self._prefix = re.compile("|".join(f"^{each}" for each in rules.prefixes if each.strip())).search
        self._suffix = re.compile("|".join(f"{each}$" for each in rules.suffixes if each.strip())).search
        self._infix = re.compile("|".join(each for each in rules.infixes if each.strip())).finditer
        # cases that the patterns cut up where they stand beside something; by their first token
        self._phrases: dict[str, list[tuple[str, ...]]] = {}
        for text in rules.cases:
            if " " in text or self._prefix(text) or self._suffix(text) or any(self._infix(text)):
                cut = tuple(self._cut(text, {}))
                self._phrases.setdefault(cut[0], []).append(cut)

    def __call__(self, piece: str) -> Iterator[tuple[int, str]]:
        """Where each token starts, and its text."""
        at = 0
        for token in self._whole(list(self._cut(piece, self._cases))):
            yield at, token
            at += len(token)

    def _cut(self, piece: str, cases: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
        """The tokens by the patterns, and by the cases where nothing else is left."""
        prefixes: list[str] = []
        suffixes: list[str] = []
        middle = self._without_affixes(piece, cases, prefixes, suffixes)
        yield from prefixes
        if middle in cases:
            yield from cases[middle]
        elif middle and self._url(middle):
            yield middle
        elif middle:
            yield from self._parts(middle)
        yield from reversed(suffixes)

    def _without_affixes(
        self, text: str, cases: Mapping[str, tuple[str, ...]], prefixes: list[str], suffixes: list[str]
    ) -> str:
        """What stands between the affixes, which are put into the lists from the outside in."""
        last = -1
        while text and len(text) != last and text not in cases:
            last = len(text)
            found = self._prefix(text)
            before = found.end() - found.start() if found else 0
            if before and text[before:] in cases:
                prefixes.append(text[:before])
                return text[before:]
            found = self._suffix(text[before:])
            behind = found.end() - found.start() if found else 0
            if behind and text[:-behind] in cases:
                suffixes.append(text[-behind:])
                return text[:-behind]
            if before:
                prefixes.append(text[:before])
            elif not behind:
                break
            if behind and before + behind <= len(text):
                suffixes.append(text[-behind:])
                text = text[:-behind]
            text = text[before:]
        return text

    def _parts(self, text: str) -> Iterator[str]:
        """The text, cut by what stands within it."""
        start = 0
        for found in self._infix(text):
            if found.start() == 0:
                continue
            yield from filter(None, (text[start : found.start()], found[0]))
            start = found.end()
        if start < len(text):
            yield text[start:]

    def _whole(self, tokens: list[str]) -> list[str]:
        """The tokens, with the cases that the patterns have cut up put together again: the longest first."""
        spans = [
            (-len(phrase), at)
            for at, token in enumerate(tokens)
            for phrase in self._phrases.get(token, ())
            if tuple(tokens[at : at + len(phrase)]) == phrase
        ]
        if not spans:
            return tokens
        taken: set[int] = set()
        cases: dict[int, int] = {}
        for length, at in sorted(spans):
            end = at - length
            if at not in taken and end - 1 not in taken:
                cases[at] = end
            taken.update(range(at, end))
        made: list[str] = []
        at = 0
        while at < len(tokens):
            end = cases.get(at, at + 1)
            text = "".join(tokens[at:end])
            made += self._cases.get(text, tokens[at:end]) if at in cases else [text]
            at = end
        return made


def is_punctuation(text: str) -> bool:
    """Whether all of it is punctuation, as Unicode has it."""
    return all(unicodedata.category(char).startswith("P") for char in text)


@lru_cache(maxsize=1)
def rules() -> Rules:
    """The rules of spaCy for English, from its modules of data.

    They are loaded under a parent that holds nothing else, and taken out of `sys.modules` again, where a
    later `import spacy` finds nothing half loaded. A release that is built in another way is imported whole.
    """
    if PACKAGE in sys.modules:
        return _whole()
    spec = find_spec(PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(PACKAGE, name=PACKAGE)
    try:
        found = _alone(list(spec.submodule_search_locations))
    except (ImportError, AttributeError, KeyError):
        found = None
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
    return found or _whole()


def _alone(folders: list[str]) -> Rules:
    """The rules without the package round them; whatever of it they use is made here."""
    for name in (PACKAGE, f"{PACKAGE}.lang", f"{PACKAGE}.lang.en"):
        parent = ModuleType(name)
        parent.__path__ = [folder + name.removeprefix(PACKAGE).replace(".", "/") for folder in folders]
        sys.modules[name] = parent
    symbols, util = ModuleType(f"{PACKAGE}.symbols"), ModuleType(f"{PACKAGE}.util")
    symbols.ORTH, symbols.NORM = _ORTH, "norm"  # type: ignore[attr-defined]
    util.update_exc = _joined  # type: ignore[attr-defined]
    sys.modules.update({symbols.__name__: symbols, util.__name__: util})
    both, english = (
        {part: importlib.import_module(f"{PACKAGE}.{place}.{part}") for part in parts}
        for place, parts in (
            ("lang", ("punctuation", "tokenizer_exceptions")),
            ("lang.en", ("punctuation", "tokenizer_exceptions", "stop_words")),
        )
    )
    cases = english["tokenizer_exceptions"].TOKENIZER_EXCEPTIONS
    return Rules(
        both["punctuation"].TOKENIZER_PREFIXES,
        both["punctuation"].TOKENIZER_SUFFIXES,
        english["punctuation"].TOKENIZER_INFIXES,
        {text: tuple(token[_ORTH] for token in tokens) for text, tokens in cases.items()},
        both["tokenizer_exceptions"].URL_MATCH,
        frozenset(english["stop_words"].STOP_WORDS),
    )


def _joined(*parts: Mapping[str, list[dict[str, str]]]) -> dict[str, list[dict[str, str]]]:
    """What spaCy's `update_exc` makes of special cases: all of them, and again with the other apostrophe."""
    every = {text: tokens for part in parts for text, tokens in part.items()}
    other = {
        text.replace("'", "’"): [{**token, _ORTH: token[_ORTH].replace("'", "’")} for token in tokens]
        for text, tokens in every.items()
        if "'" in text
    }
    return every | other


def _whole() -> Rules:
    """The same after an ordinary import."""
    from spacy.lang.en import English
    from spacy.symbols import ORTH

    own = English.Defaults
    cases = {
        text: tuple(token[ORTH] for token in tokens) for text, tokens in own.tokenizer_exceptions.items()
    }
    return Rules(own.prefixes, own.suffixes, own.infixes, cases, own.url_match, frozenset(own.stop_words))
