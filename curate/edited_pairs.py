"""Edits of answers as preference pairs: what stood there is rejected, what a person put there is chosen."""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl

from curate.apply import Edit
from curate.outgoing import origins
from curate.review import edits_of, review
from curate.workspace import Workspace


class EditedPairs(NamedTuple):
    """Rows as TRL reads preferences, and how many edits are no pair: of questions, labels, meta."""

    rows: list[dict[str, Any]]
    others: int


def edited_pairs(workspace: Workspace, dataset: str) -> EditedPairs:
    """The edits that stand on a version and on those it was made from, each example's text as it was then.

    A row has `prompt`, `chosen` and `rejected` as lists of messages, and `example_id`. In the order of
    the versions, the oldest first, and of their findings. An edit of an edit is two pairs.
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
        edits = edits_of(workspace, said)
        ids = pl.Series([edit.example_id for edit in edits.values()], dtype=pl.String)
        found = workspace.scan_examples(version).filter(pl.col("example_id").is_in(ids.implode())).collect()
        examples = {row["example_id"]: row for row in found.iter_rows(named=True)}
        for digest in said["edit"]:
            edit = edits[digest]
            key = (edit.example_id, edit.message, edit.field, edit.text)
            if edit.example_id not in examples or key in seen:
                continue
            seen.add(key)
            pair = _pair(examples[edit.example_id], edit)
            if pair is None:
                others += 1
            else:
                rows.append(pair)
    return EditedPairs(rows, others)


def _pair(example: dict[str, Any], edit: Edit) -> dict[str, Any] | None:
    """One edit as a pair; None where it is not of an answer, or says the same."""
    messages = example["messages"] or []
    if edit.message is None and edit.field == "chosen":
        before, prompt = example["chosen"], messages
    elif (
        edit.message is not None and edit.field == "content" and messages[edit.message]["role"] == "assistant"
    ):
        before, prompt = messages[edit.message]["content"], messages[: edit.message]
    else:
        return None
    if not before or not edit.text or before == edit.text:
        return None
    return {
        "prompt": [{"role": m["role"], "content": m["content"] or ""} for m in prompt],
        "chosen": [{"role": "assistant", "content": edit.text}],
        "rejected": [{"role": "assistant", "content": before}],
        "example_id": edit.example_id,
    }
