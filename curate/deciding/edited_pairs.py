"""Edits of answers as preference pairs: what stood there is rejected, what was put there is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from curate.changing.redact import Replacer
from curate.changing.rewriting import Edit, Place, Rewriting
from curate.deciding.pending import Draft, Pending, held
from curate.deciding.review import edits_of, review
from curate.workspace import Workspace
from curate.workspace.origins import origins


class EditedPairs(NamedTuple):
    """Rows as TRL reads preferences, and how many edits are no pair: of questions, labels, meta."""

    rows: list[dict[str, Any]]
    others: int


def edited_pairs(workspace: Workspace, dataset: str) -> EditedPairs:
    """The edits that stand on a version and on those it was made from, each example's text as it was then.

    A row has `prompt`, `chosen` and `rejected` as lists of messages, and `example_id`. In the order of
    the versions, the oldest first, and of their findings. An edit of an edit is two pairs; proposals that
    were accepted for one text are one. Edits that were made apart and wait to be settled are none.
    """
    versions = [
        origin.inputs["dataset"] for origin in origins(workspace, dataset) if "dataset" in origin.inputs
    ]
    rows: list[dict[str, Any]] = []
    seen: set[tuple[object, ...]] = set()
    others = 0
    for version in dict.fromkeys([*versions, dataset]):
        if not workspace.store.holds(version):
            continue
        said = review(workspace, version).filter(decided="edit")
        texts = edits_of(workspace, said)
        pending = Pending.of(workspace, said)
        ids = pl.Series([place.example_id for place in pending.places], dtype=pl.String)
        found = workspace.scan_examples(version).filter(pl.col("example_id").is_in(ids.implode())).collect()
        examples = {row["example_id"]: row for row in found.iter_rows(named=True)}
        for place, decided in pending.places.items():
            example = examples.get(place.example_id)
            original = Rewriting(example, Replacer()).text(*place[1:]) if example else None
            if example is None or original is None:
                continue
            for before, after in _steps(workspace, decided, texts, original, pending.draft(place, original)):
                if (*place, after) in seen:
                    continue
                seen.add((*place, after))
                pair = _pair(example, place, before, after)
                rows += [pair] if pair else []
                others += pair is None
    return EditedPairs(rows, others)


def _steps(
    workspace: Workspace,
    rows: Sequence[Mapping[str, Any]],
    texts: Mapping[str, Edit],
    original: str,
    draft: Draft | None,
) -> list[tuple[str, str]]:
    """(text before, text after) of each edit of one text, in the order of the findings.

    What a person edited is what was given to them: the text of the edit below theirs, where it is still
    here. Proposals make one step, where no person wrote the text anew.
    """
    steps = []
    for edit in (texts[row["edit"]] for row in rows if row["edit"]):
        below = held(workspace, edit.over[-1:])
        steps.append((next((each.text for each in below.values()), original), edit.text))
    return steps or ([(original, draft.text)] if draft else [])


def _pair(example: dict[str, Any], place: Place, before: str, after: str) -> dict[str, Any] | None:
    """One edit as a pair; None where it is not of an answer, or says the same."""
    messages = example["messages"] or []
    if place.message is None and place.field == "chosen":
        prompt = messages
    elif (
        place.message is not None
        and place.field == "content"
        and messages[place.message]["role"] == "assistant"
    ):
        prompt = messages[: place.message]
    else:
        return None
    if not before or not after or before == after:
        return None
    return {
        "prompt": [{"role": m["role"], "content": m["content"] or ""} for m in prompt],
        "chosen": [{"role": "assistant", "content": after}],
        "rejected": [{"role": "assistant", "content": before}],
        "example_id": place.example_id,
    }
