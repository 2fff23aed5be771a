"""How well a model knows rows: the loss of each, and by how much it prefers the chosen answer of a pair."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from curate.example import digest
from evalharness.encoding.encode import Encoded
from evalharness.models import likelihood
from evalharness.models.loaded import LoadedModel
from evalharness.models.reward import scores


def losses(model: Any, rows: Sequence[Encoded], device: str) -> list[float]:  # noqa: ANN401
    """The mean loss of each row's trained tokens."""
    return likelihood.losses(model, [(row.ids, row.labels) for row in rows], device)


def leads(loaded: LoadedModel, pairs: Sequence[Encoded], *, scored: bool) -> list[float]:
    """By how much each chosen answer leads its rejected one: in log probability, or (`scored`) as a reward model.

    Pairs are a chosen answer, then its rejected one.
    """
    if scored:
        pad = int(loaded.tokenizer.pad_token_id or 0)
        told = scores(loaded.model, [answered(row) for row in pairs], pad, loaded.device)
    else:
        found = losses(loaded.model, pairs, loaded.device)
        told = [-loss * sum(row.trained) for loss, row in zip(found, pairs, strict=True)]
    return [chosen - rejected for chosen, rejected in zip(told[::2], told[1::2], strict=True)]


def told_apart(first: Sequence[float], last: Sequence[float]) -> dict[str, Any]:
    """Validation pairs whose chosen answer leads, before and after; and those where its lead has grown."""
    if not last:
        return {}
    before, right = (sum(each > 0 for each in some) for some in (first, last))
    grew = sum(after > before for before, after in zip(first, last, strict=True))
    return {"pairs": {"validation": len(last), "right_before": before, "right": right, "lead_grew": grew}}


def answered(row: Encoded) -> tuple[int, ...]:
    """A row up to its last trained token: without what the template puts after the answer's end."""
    return row.ids[: len(row.ids) - row.trained[::-1].index(True)]


def in_pairs(rows: Sequence[Encoded]) -> Iterator[tuple[list[int], list[int], list[int]]]:
    """(prompt, chosen answer, rejected answer) of each pair, in tokens; an answer ends with its end token."""
    for chosen, rejected in zip(rows[::2], rows[1::2], strict=True):
        start = chosen.trained.index(True)
        prompt = list(chosen.ids[:start])
        yield prompt, list(answered(chosen)[start:]), list(answered(rejected)[start:])


def key_of(*rows: Encoded) -> str:
    """Digest of a row's tokens and which of them are trained on; of a pair, of both its answers'."""
    keys = [digest(json.dumps([row.ids, row.trained])) for row in rows]
    return digest(*keys) if len(keys) > 1 else keys[0]
