"""What is known of a base before it is trained: licence, whether it was tuned to instructions, its chat template."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from evalharness.models.chat import SWITCHES, Chat
from evalharness.models.loaded import PLAIN_TEMPLATE

FRONT = re.compile(r"\A---\s*\n(.*?)\n---", re.DOTALL)
LICENCE = re.compile(r"^license(?:_name)?:\s*[\"']?([^\"'\n#]+)", re.MULTILINE)
TUNED_NAME = re.compile(r"(?i)(^|[-_./])(instruct|chat|it|sft|dpo|assistant)([-_./\d]|$)")
TURNS = [
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "two"},
    {"role": "user", "content": "three"},
    {"role": "assistant", "content": "four"},
]


def facts(folder: Path, base: str, chat: Chat) -> dict[str, str]:
    """Each by its name, in words; what the base's files do not say is said to be not said."""
    own = (chat.tokenizer.chat_template or "") not in ("", PLAIN_TEMPLATE)
    return {
        "licence": licence(folder),
        "instruction-tuned": _tuned(folder, base, has_template=own),
        "template": _template(chat, own=own),
    }


def licence(folder: Path) -> str:
    """By the front matter of the model's card, else by the first line of a licence file."""
    card = folder / "README.md"
    front = FRONT.search(card.read_text(encoding="utf-8", errors="replace")) if card.is_file() else None
    named = LICENCE.search(front.group(1)) if front else None
    if named:
        return f"{named.group(1).strip()} (its README.md)"
    for path in sorted(folder.glob("LICEN[CS]E*")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        first = next((line.strip() for line in lines if line.strip()), "")
        if first:
            return f"{first[:80]} ({path.name})"
    return "not said in its files: look at its page before you pass anything on"


def _tuned(folder: Path, base: str, *, has_template: bool) -> str:
    """A guess by signs, and said so: no file states it."""
    name = folder.name if base != folder.name and Path(base).exists() else base
    signs = []
    if TUNED_NAME.search(name):
        signs.append(f"its name ({name.rpartition('/')[2]})")
    if has_template:
        signs.append("its chat template")
    if not signs:
        return (
            "no sign of it: no chat template of its own, and its name does not say so; a plain one stands in"
        )
    return f"likely, by {' and '.join(signs)}"


def _template(chat: Chat, *, own: bool) -> str:
    """Whether the template is fit for training on every turn, and how masks are found."""
    marks = "with generation marks" if chat.marked else "without generation marks: places in the text"
    kept = keeps_turns(chat)
    if kept is None:
        fit = "refuses a plain conversation of two questions"
    elif kept:
        fit = "keeps earlier turns as they were"
    else:
        fit = "retells earlier turns: --set train_on=last trains each row's last answer alone"
    return f"{'its own' if own else 'a plain one of ours'}, {marks}; {fit}"


def keeps_turns(chat: Chat) -> bool | None:
    """Whether a conversation begins with the tokens of its beginning; None if the template refuses it."""

    def told(turns: list[dict[str, Any]]) -> list[int]:
        text = chat.tokenizer.apply_chat_template(turns, tokenize=False, **SWITCHES)
        return list(chat.tokenizer(str(text), add_special_tokens=False).input_ids)

    try:
        first, whole = told(TURNS[:2]), told(TURNS)
    except (TemplateError, TypeError, ValueError):
        return None
    return whole[: len(first)] == first
