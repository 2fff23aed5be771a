"""All checks by name, in the order in which they run. A new check is one file and one line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from curate.check import Check

PLACES = {
    "structure": "structure.Structure",
    "quality": "quality.Quality",
    "label-spelling": "label_spelling.LabelSpelling",
    "exact-duplicate": "exact_duplicate.ExactDuplicate",
    "near-duplicate": "near_duplicate.NearDuplicate",
    "semantic-duplicate": "semantic_duplicate.SemanticDuplicate",
    "pii": "pii.Pii",
    "wrong-label": "wrong_label.WrongLabel",
    "contradiction": "contradiction.Contradiction",
    "leak": "leak.Leak",
    "style": "style.Style",
}


class _Checks(Mapping[str, type[Check]]):
    """The checks; one is loaded when it is asked for: their patterns and lists take a third of a second."""

    def __getitem__(self, name: str) -> type[Check]:
        module, kind = PLACES[name].split(".")
        found: type[Check] = getattr(import_module(f"{__name__}.{module}"), kind)
        return found

    def __contains__(self, name: object) -> bool:
        return name in PLACES  # without loading it

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)


CHECKS: Mapping[str, type[Check]] = _Checks()
