"""Whether one answer contradicts another, by a natural-language-inference cross-encoder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from curate.errors import ConfigError, MissingExtraError
from curate.scanning.fingerprint import folder_digest, parted, snapshot

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

BATCH = 32


class Judge(NamedTuple):
    """A cross-encoder, and which of its classes is contradiction."""

    model: CrossEncoder
    contradiction: int


@lru_cache(maxsize=2)
def judge(name: str) -> Judge:
    """The cross-encoder of a hub id or in a folder, once a process.

    Raises ConfigError where it cannot be had, or has no class `contradiction`.
    """
    if find_spec("sentence_transformers") is None:
        raise MissingExtraError("sentence-transformers", "embed")
    from sentence_transformers import CrossEncoder

    name, _ = parted(name)
    place = Path(name).expanduser()
    if not place.is_dir() and (name.startswith((".", "/", "~")) or name.count("/") != 1):
        raise ConfigError(
            f"no cross-encoder at {name}", hint="a hub id as `org/model`, or a folder with a model"
        )
    try:
        model = CrossEncoder(str(place) if place.is_dir() else name)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the cross-encoder {name} cannot be loaded: {type(error).__name__}",
            hint="check the id or the folder; a model of sequence classification is needed",
        ) from error
    classes = {str(said).casefold(): int(at) for at, said in (model.config.id2label or {}).items()}
    if "contradiction" not in classes:
        raise ConfigError(
            f"the cross-encoder {name} has no class `contradiction`",
            hint=f"its classes are {', '.join(classes) or 'not named'}; take one trained for NLI",
        )
    return Judge(model, classes["contradiction"])


def nli_digest(name: str) -> str:
    """128 bits, in hex, of the files of a cross-encoder; one of the hub that is not on this disk is fetched."""
    folder = Path(name).expanduser()
    return folder_digest(folder if folder.is_dir() else snapshot(name), name=f"the cross-encoder {name}")


def contradictions(name: str, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """For each pair of answers how probably they contradict: the greater of the two directions, 0 to 1."""
    if not pairs:
        return []
    found = judge(name)
    both = [*pairs, *((right, left) for left, right in pairs)]
    said = found.model.predict(both, batch_size=BATCH, apply_softmax=True, show_progress_bar=False)
    chance = np.asarray(said, dtype=np.float64)[:, found.contradiction]
    return [float(each) for each in np.maximum(chance[: len(pairs)], chance[len(pairs) :])]
