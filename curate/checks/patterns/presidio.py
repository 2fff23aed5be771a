"""Presidio's recognisers by form, without the engines that its package loads with them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from functools import lru_cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any

PACKAGE = "presidio_analyzer"
# what its recognisers take from the top of the package, and where each is
_CORE = {
    "AnalysisExplanation": "analysis_explanation",
    "RecognizerResult": "recognizer_result",
    "EntityRecognizer": "entity_recognizer",
    "LocalRecognizer": "local_recognizer",
    "Pattern": "pattern",
    "PatternRecognizer": "pattern_recognizer",
}
_RECOGNISERS = f"{PACKAGE}.predefined_recognizers"
_NOT_BY_FORM = ("za_phone_number_recognizer",)
_COMPILES = "_Pattern__validate_regex"
_ONLY_FORM = (
    "Plate",
    "Vehicle",
    "Passport",
    "Licen",
    "Ssn",
    "Company",
)  # no check digits, or asked for by name


@lru_cache(maxsize=1)
def classes() -> dict[str, type[Any]]:
    """Presidio's classes by name: the core ones and all recognisers that need no language model.

    The top of its package loads spaCy, and torch and transformers where they are installed, which
    takes seconds; no recogniser by form needs any of them. So the modules are loaded here under a
    parent that holds the core classes only, and are taken out of `sys.modules` again, where a later
    `import presidio_analyzer` finds nothing half loaded. A release that is built in another way is
    imported whole.
    """
    if PACKAGE in sys.modules:
        return _whole()
    spec = find_spec(PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(PACKAGE, name=PACKAGE)
    try:
        found = _modules(list(spec.submodule_search_locations))
    except (ImportError, AttributeError):
        found = {}
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
    return found or _whole()


def _modules(folders: list[str]) -> dict[str, type[Any]]:
    parent = ModuleType(PACKAGE)
    parent.__path__ = folders
    engines = ModuleType(f"{PACKAGE}.nlp_engine")
    engines.NlpArtifacts = object  # type: ignore[attr-defined] # named in annotations, and no more
    recognisers = ModuleType(_RECOGNISERS)
    recognisers.__path__ = [f"{folder}/predefined_recognizers" for folder in folders]
    sys.modules.update({PACKAGE: parent, engines.__name__: engines, _RECOGNISERS: recognisers})
    found: dict[str, type[Any]] = {}
    for name, module in _CORE.items():
        found[name] = getattr(importlib.import_module(f"{PACKAGE}.{module}"), name)
        setattr(parent, name, found[name])
    # it compiles each pattern of each country when it is stated, and throws the result away
    if hasattr(found["Pattern"], _COMPILES):
        setattr(found["Pattern"], _COMPILES, staticmethod(_as_released))
    for part in ("generic", "country_specific"):
        package = importlib.import_module(f"{_RECOGNISERS}.{part}")
        found |= _recognisers(package, found["EntityRecognizer"])
    return found


def _as_released(pattern: str) -> None:
    """A pattern of a release needs no look; one that is asked for is compiled when it is read."""


def _whole() -> dict[str, type[Any]]:
    """The same after an ordinary import."""
    package = importlib.import_module(PACKAGE)
    found = {name: getattr(package, name) for name in _CORE}
    for part in ("generic", "country_specific"):
        found |= _recognisers(importlib.import_module(f"{_RECOGNISERS}.{part}"), found["EntityRecognizer"])
    return found


def _recognisers(package: ModuleType, parent: type[Any]) -> dict[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.rpartition(".")[2] in _NOT_BY_FORM:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(value) and issubclass(value, parent) and value.__module__ == module.name:
                found[name] = value
    return found


@lru_cache(maxsize=1)
def national() -> dict[str, tuple[type[Any], ...]]:
    """By two-letter country code, the recognisers of numbers that have check digits."""
    found: dict[str, list[type[Any]]] = {}
    known = classes()
    for name in sorted(known):
        value = known[name]
        country = getattr(value, "COUNTRY_CODE", None)
        has_checks = value.__dict__.keys() & {"validate_result", "invalidate_result"}
        if country and has_checks and not any(word in name for word in _ONLY_FORM):
            found.setdefault(country.lower(), []).append(value)
    return {country: tuple(values) for country, values in sorted(found.items())}
