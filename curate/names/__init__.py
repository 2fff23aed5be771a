"""Names of persons, places and organisations in texts, with no model to download.

`tagger("auto")` is the one that the package ships; others come in by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from curate.errors import ConfigError
from curate.names.fingerprint import fingerprint
from curate.names.labels import KINDS
from curate.names.span import Span
from curate.names.tagger import shipped
from curate.scanning.fingerprint import parted

__all__ = ["FORMS", "KINDS", "Span", "Tagger", "check_name", "marked", "tagger"]

FORMS = ("auto", "none", "spacy:NAME", "hf:NAME", "gliner:NAME")


class Tagger(Protocol):
    """Finds names in texts."""

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in order, none over another."""
        ...


class _Nothing:
    """The tagger that finds no names."""

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """An empty list for each text."""
        return [[] for _ in texts]


def check_name(name: str) -> None:
    """Raise ConfigError unless `name` is of one of the FORMS; loads nothing."""
    kind, colon, model = name.partition(":")
    if name in ("auto", "none") or (colon and model and kind in ("spacy", "hf", "gliner")):
        return
    raise ConfigError(f"there is no tagger `{name}`", hint=f"known are: {', '.join(FORMS)}")


def marked(name: str) -> str:
    """The name with the fingerprint of its model behind it, as settings record it; `auto` and `none` as they are.

    `spacy:en_core_web_lg` becomes `spacy:en_core_web_lg@0123456789ab`, and every such name can be given
    to `tagger`. What comes with the package changes with the version of the check alone. Raises as
    `tagger` does; reads the model's files but does not load it.
    """
    check_name(name)
    plain, mark = parted(name)
    kind, colon, model = plain.partition(":")
    return f"{plain}@{fingerprint(kind, model)}" if colon and not mark else name


@lru_cache(maxsize=8)
def tagger(name: str = "auto", kinds: tuple[str, ...] = KINDS) -> Tagger:
    """The tagger of that name, loaded once in a process; the shipped one looks for these `kinds` alone.

    `auto` is the shipped one, `none` finds nothing; `spacy:`, `hf:` and `gliner:` go before the name or
    path of a model, and `@` and a fingerprint (`marked`) may follow. Raises ConfigError for another name,
    for a model that cannot be loaded or has another fingerprint, and MissingExtraError where the package
    for it is not installed.
    """
    check_name(name)
    if name == "none":
        return _Nothing()
    if name == "auto":
        return shipped(kinds)
    from curate.names import plugins

    plain, mark = parted(name)
    kind, _, model = plain.partition(":")
    if mark and fingerprint(kind, model) != mark:
        raise ConfigError(
            f"the model `{plain}` is not the one recorded as {mark}",
            hint=f"names = {plain!r} takes the one at hand",
        )
    if kind == "spacy":
        return plugins.load_spacy(model)
    return plugins.load_hf(model) if kind == "hf" else plugins.load_gliner(model)
