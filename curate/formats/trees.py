"""OASST message trees: the best-ranked path is the conversation, the rest of the tree stays in `meta`.

The texts of the path are taken out of the tree (null in their place), so that each text stands in
one place only: what is redacted in the conversation is gone from the row.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from curate.errors import SourceError
from curate.formats.turns import KNOWN, Message, Taken, Turn, kind, said


def _usable(node: object) -> bool:
    return (
        isinstance(node, dict)
        and isinstance(node.get("text"), str)
        and not node.get("deleted")
        and node.get("review_result") is not False
    )


def _rank(node: Mapping[str, Any]) -> float:
    rank = node.get("rank")
    return rank if isinstance(rank, (int, float)) else float("inf")


def best_path(root: Mapping[str, Any]) -> list[int]:
    """The indices of the replies from the root on: the best rank each time (0 is best), else the first.

    It ends with the last assistant's message, if there is one. Deleted and failed messages are passed by.
    """
    path: list[int] = []
    node, answered = root, 0
    while isinstance(replies := node.get("replies"), list):
        usable = [(index, reply) for index, reply in enumerate(replies) if _usable(reply)]
        if not usable:
            break
        index, node = min(usable, key=lambda pair: (_rank(pair[1]), pair[0]))
        path.append(index)
        if node.get("role") == "assistant":
            answered = len(path)
    return path[:answered] if answered else []


def read_tree(root: object, at: str, roles: Mapping[str, str]) -> tuple[Taken, dict[str, Any]]:
    """The path as messages, and the tree without the path's texts. `at` is empty where the row is the root."""
    if not isinstance(root, dict):
        raise SourceError(f"`{at}` is {kind(root)}, not the root of a message tree")
    if not isinstance(root.get("text"), str):
        raise SourceError(f"the root's `text` is {kind(root.get('text'))}, not a text")
    rest = copy.deepcopy(root)
    path = best_path(root)
    messages: list[Message] = []
    node = rest
    for step in (None, *path):
        node = node if step is None else node["replies"][step]
        spelled = str(node.get("role"))
        role = roles.get(spelled) or KNOWN.get(spelled.lower())
        if role is None:
            raise SourceError(
                f"message {len(messages) + 1} has role `{spelled[:40]}`",
                hint=f"map it with --role {spelled[:40]}=assistant",
            )
        messages.append(said(role, node["text"]))
        node["text"] = None
    return Taken(messages, {"at": at, "as": "tree", "n": len(messages), "path": path}, {}), rest


def fill_tree(turn: Turn, row: dict[str, Any], messages: Sequence[Message]) -> None:
    """Put the path's texts back into the row's tree."""
    node = row[turn["at"]] if turn["at"] else row
    for step, message in zip((None, *turn["path"]), messages, strict=True):
        node = node if step is None else node["replies"][step]
        node["text"] = message["content"]
