"""What a line of a journal may say. A journal comes from somebody else: each field is looked at."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import ClassVar

from curate.changing.apply import Edit
from curate.deciding import byhand
from curate.deciding.edit_texts import edit_digest
from curate.deciding.review import DECIDABLE
from curate.workspace.limits import LONGEST, NAME

VERSION = 1
JOURNAL, DECISION, ANNOTATION, STEP = "journal", "decision", "annotation", "step"
STEPS = ("scan", "mark", "label", "apply", "split")
RAW = "raw_edit"  # the new text of an edit, as it was typed
MARK = "by_hand"  # the finding itself, where a person made it: no scan finds it again
AHEAD = timedelta(days=1)  # how far a clock may be ahead of this one

_UID = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(r"[^\s\x00-\x1f]{1,200}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
_TURN = re.compile(r"(undo|redo|back) [0-9a-f]{32}")
_LATEST = "9000"  # a year; later ones leave no room for words after them
LONG = {"note": LONGEST, "value": LONGEST}  # characters of what may be longer than a name
OVERRULED = 10_000  # uids at most
FORMS = {
    **dict.fromkeys(("uid", "edit"), (_UID, "32 digits of 0-9a-f")),
    **dict.fromkeys(
        ("finding_id", "example_id", "content_hash"), (_ID, "1 to 200 characters without spaces")
    ),
    **dict.fromkeys(
        ("decided_at", "annotated_at"), (_TIME, "a time in UTC like 2026-01-31T09:30:00.000000+00:00")
    ),
    **dict.fromkeys(("reviewer", "key"), (re.compile(r"(?s).+"), "a name")),
    "turns": (_TURN, "undo, redo or back, and a uid"),
}


class Known:
    """The fields of each kind of line."""

    COLUMNS: ClassVar[dict[str, tuple[str, ...]]] = {
        DECISION: (
            "uid", "finding_id", "example_id", "action", "edit", "reviewer", "note", "decided_at",
            "settles", "turns",
        ),
        ANNOTATION: (
            "uid", "example_id", "content_hash", "key", "value", "reviewer", "annotated_at", "settles", "turns",
        ),
    }  # fmt: skip
    OTHER: ClassVar[dict[str, tuple[str, ...]]] = {
        JOURNAL: ("version",),
        STEP: ("step", "made", "settings", "protect", "marks"),
    }
    REQUIRED: ClassVar[dict[str, tuple[str, ...]]] = {
        DECISION: ("uid", "finding_id", "example_id", "reviewer", "decided_at"),
        ANNOTATION: ("uid", "example_id", "content_hash", "key", "reviewer", "annotated_at"),
        JOURNAL: ("version",),
        STEP: ("step", "made", "settings"),
    }

    @classmethod
    def columns(cls, kind: str) -> tuple[str, ...]:
        """The columns of the ledger that a word of this kind fills."""
        return cls.COLUMNS[kind]

    @classmethod
    def fields(cls, kind: str) -> tuple[str, ...]:
        """All fields of a line of this kind, beside `kind`."""
        if kind in cls.OTHER:
            return cls.OTHER[kind]
        return (*cls.COLUMNS[kind], RAW, MARK) if kind == DECISION else cls.COLUMNS[kind]


def parsed(text: bytes) -> dict[str, object]:
    """The JSON object of a line. Raises ValueError in words that quote nothing of it."""
    try:
        line = json.loads(text.decode("utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8") from error
    except RecursionError as error:
        raise ValueError("is nested too deep") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error.msg} at column {error.colno}") from error
    if not isinstance(line, dict):
        raise ValueError("is no JSON object")
    return line


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("names a field twice")
    return found


def checked(line: dict[str, object]) -> dict[str, object]:
    """The line, if each of its fields is what it must be. Raises ValueError that says which is not."""
    kind = line.get("kind")
    if not isinstance(kind, str) or kind not in (*Known.COLUMNS, *Known.OTHER):
        raise ValueError(f"`kind` must be one of {JOURNAL}, {DECISION}, {ANNOTATION}, {STEP}")
    known = Known.fields(kind)
    for name in line:
        if name != "kind" and name not in known:
            near = get_close_matches(name[:50], known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"
            raise ValueError(f"a {kind} has no field `{name[:50]}`; {hint}")
    for name in Known.REQUIRED[kind]:
        if name not in line:
            raise ValueError(f"a {kind} needs `{name}`")
    if kind == JOURNAL and line["version"] != VERSION:
        raise ValueError(f"journal of version {str(line['version'])[:20]}; this Seatrial reads {VERSION}")
    for name in known:
        if name in line and kind in Known.COLUMNS:
            _field(name, line[name])
    if kind == DECISION:
        _decision(line)
    if kind == STEP:
        _step(line)
    return line


def _field(name: str, value: object) -> None:
    """Raise ValueError unless a value can stand in that field of a word."""
    if name in (RAW, MARK):
        return
    if name == "settles":
        _settles(value)
        return
    if not isinstance(value, str):
        raise ValueError(f"`{name}` must be text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"`{name}` holds half a character (a lone surrogate)") from error
    if name in FORMS:
        form, words = FORMS[name]
        if not form.fullmatch(value):
            raise ValueError(f"`{name}` must be {words}")
    if name in ("decided_at", "annotated_at") and not (value < _LATEST and _is_time(value)):
        raise ValueError(f"`{name}` is no time before the year {_LATEST}")
    if name == "action" and value not in DECIDABLE:
        raise ValueError(f"`action` must be one of {', '.join(DECIDABLE)}")
    if len(value) > LONG.get(name, NAME):
        raise ValueError(f"`{name}` has more than {LONG.get(name, NAME):,} characters")


def _settles(value: object) -> None:
    good = isinstance(value, list) and 0 < len(value) <= OVERRULED
    good = good and all(isinstance(uid, str) and _UID.fullmatch(uid) for uid in value)  # type: ignore[attr-defined]
    if not good or value != sorted(set(value)):  # type: ignore[call-overload]
        raise ValueError("`settles` must be uids in order, each once")


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def future(moment: str) -> bool:
    """Whether a time is more than a day from now."""
    return datetime.fromisoformat(moment) > datetime.now(UTC) + AHEAD


def _step(line: dict[str, object]) -> None:
    """Raise ValueError unless a step is one that can be done again."""
    if line["step"] not in STEPS:
        raise ValueError(f"`step` must be one of {', '.join(STEPS)}")
    if not isinstance(line["made"], str) or not _UID.fullmatch(line["made"]):
        raise ValueError("`made` must be 32 digits of 0-9a-f")
    if not isinstance(line["settings"], dict):
        raise ValueError("`settings` must be an object")
    protect = line.get("protect", [])
    if not isinstance(protect, list) or not all(isinstance(name, str) for name in protect):
        raise ValueError("`protect` must be a list of paths")
    marks = line.get("marks")
    if (line["step"] == "mark") != isinstance(marks, list):
        raise ValueError("`marks` goes with the step mark, and is a list")
    for mark in marks if isinstance(marks, list) else ():
        byhand.checked(mark)


def _decision(line: dict[str, object]) -> None:
    """Raise ValueError unless the edit of a decision fits its action and its text fits its digest."""
    if "edit" in line and line.get("action") != "edit":
        raise ValueError("`edit` goes with the action edit")
    if MARK in line:
        byhand.checked(line[MARK])
    raw = line.get(RAW)
    if raw is None:
        return
    if "edit" not in line:
        raise ValueError(f"`{RAW}` goes with `edit`")
    kinds = {"example_id": str, "message": (int, type(None)), "field": str, "text": str}
    if not isinstance(raw, dict) or set(raw) | {"over"} != set(Edit._fields):
        raise ValueError(f"`{RAW}` must have {', '.join(Edit._fields[:-1])}, and may have over")
    if not all(isinstance(raw[name], kind) for name, kind in kinds.items()):  # type: ignore[arg-type]
        raise ValueError(f"`{RAW}` has a field of the wrong kind")
    over = raw.get("over", [""])
    if not isinstance(over, list) or not over or not all(isinstance(each, str) for each in over):
        raise ValueError(f"`over` of `{RAW}` must be a list of digests")
    try:
        digest = edit_digest(Edit.of(raw))
    except UnicodeEncodeError as error:
        raise ValueError(f"`{RAW}` holds half a character (a lone surrogate)") from error
    if digest != line["edit"]:
        raise ValueError(f"`{RAW}` is not the text that `edit` names")
