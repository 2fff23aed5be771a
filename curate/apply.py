"""Decisions carried out: a dataset version and its review in, the clean version and every change out.

Drop wins over edit and redact; an edit replaces a field's text, and values to be redacted are taken
out of the new text too; spans that overlap are merged before text is cut. Where two rules would
drop each other's keeper, one copy stays (`settle`). Nothing here holds a raw value.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import polars as pl

from curate.errors import AccountError
from curate.example import KEY, with_content_hash
from curate.redact import (
    Replacer,
    Span,
    Style,
    at_pointer,
    cut_json,
    renamed_layout,
    renaming,
    with_pointer,
)
from curate.settle import NEEDED, Row, settle

CHANGES = pl.Schema(
    {
        "example_id": pl.String,
        "change": pl.String,  # drop, redact or edit; keep and ignored changed nothing, and say why in detail
        "check": pl.String,
        "label": pl.String,
        "finding_id": pl.String,
        "reviewer": pl.String,
        "detail": pl.String,  # a small JSON object: place, counterpart, reason; never a raw value
    }
)

META = "meta:"


class Edit(NamedTuple):
    """A new text for one field of one example."""

    example_id: str
    message: int | None
    field: str
    text: str


class Applied(NamedTuple):
    """The clean version (columns of EXAMPLES) and what was done to get there (columns of CHANGES)."""

    clean: pl.DataFrame
    changes: pl.DataFrame


def apply(
    examples: pl.DataFrame,
    review: pl.DataFrame,
    edits: Mapping[str, Edit] | None = None,
    *,
    style: Style = "placeholder",
    numbered: bool = False,
) -> Applied:
    """The clean examples and the change log; rows of `review` with no decision change nothing.

    `review` is what `curate.review.review` returns; `edits` maps the digests in its column `edit` to
    new texts. The kept rows keep their order. A decision about a text that has changed since
    (`content_hash`, `other_hash`) or about a row that is gone is ignored, with a row in the log.
    Raises AccountError if rows in do not equal rows out plus dropped.
    """
    decided, stale = _current(examples, review)
    changes = [_change(row, "ignored", reason="the text changed after the decision") for row in stale]
    dropped, rescued = settle(examples, review, [r for r in decided if r["decided"] == "drop"])
    for rows in dropped.values():
        also = sorted({f"{r['check']}/{r['label']}" for r in rows[1:]})
        changes.append(_change(rows[0], "drop", other=rows[0]["other_id"], also=also or None))
    for row in rescued.values():
        changes.append(_change(row, "keep", reason="the copy that was to stay is dropped as well"))

    texts: dict[str, list[Row]] = defaultdict(list)
    for row in decided:
        if row["decided"] in ("redact", "edit") and row["target"] not in dropped:
            texts[row["target"]].append(row)
    kept = examples.with_row_index("position").filter(~pl.col("example_id").is_in(list(dropped)))
    touched = pl.col("example_id").is_in(list(texts))
    values: dict[str, set[str]] = {}
    rewritten: list[dict[str, object]] = []
    for example in kept.filter(touched).iter_rows(named=True):
        rewriting = Rewriting(example, Replacer(style, numbered=numbered))
        changes += rewriting.carry_out(texts[example["example_id"]], edits or {})
        values[example["example_id"]] = rewriting.values
        rewritten.append(rewriting.example)
    new = with_content_hash(pl.DataFrame(rewritten, schema=kept.schema, orient="row"))
    clean = pl.concat([kept.filter(~touched), new]).sort("position").drop("position")
    clean = _anonymous_groups(clean, values)
    if examples.height != clean.height + len(dropped):
        raise AccountError(f"{examples.height} examples in, {clean.height} out, {len(dropped)} dropped")
    log = pl.DataFrame(changes, schema=CHANGES, orient="row")
    return Applied(clean, log.sort("example_id", "change", "check", "label", "finding_id"))


def dropped_by(examples: pl.DataFrame, review: pl.DataFrame) -> set[str]:
    """The ids of the examples that the decisions of a review drop: what `apply` would, without the work."""
    decided, _ = _current(examples, review)
    return set(settle(examples, review, [row for row in decided if row["decided"] == "drop"])[0])


def _current(examples: pl.DataFrame, review: pl.DataFrame) -> tuple[list[Row], list[Row]]:
    """The decisions that change something, apart from those whose text is not what it was."""
    target = pl.coalesce("target", "example_id") if "target" in review.columns else pl.col("example_id")
    absent = [n for n in ("edit", "reviewer") if n not in review.columns]
    acting = (
        review.with_columns(target=target, **dict.fromkeys(absent, pl.lit(None, dtype=pl.String)))
        .filter(pl.col("decided").is_in(["drop", "redact", "edit"]))
        .sort("finding_id")
    )
    hashes = dict(examples.select("example_id", "content_hash").iter_rows())
    current: list[Row] = []
    stale: list[Row] = []
    for row in acting.iter_rows(named=True):
        said = ((row["example_id"], row.get("content_hash")), (row["other_id"], row.get("other_hash")))
        fresh = row["target"] in hashes and all(hashes.get(i, h) == h for i, h in said if h is not None)
        (current if fresh else stale).append(cast(Row, {name: row[name] for name in NEEDED}))
    return current, stale


def _change(row: Row, change: str, **detail: object) -> tuple[object, ...]:
    said = {name: value for name, value in detail.items() if value is not None}
    return (
        row["target"],
        change,
        row["check"],
        row["label"],
        row["finding_id"],
        row["reviewer"],
        json.dumps(said, sort_keys=True),
    )


# what becomes of the texts


@dataclass
class Rewriting:
    """One example while its texts are changed; `values` collects what was redacted, for the caller's eyes."""

    example: dict[str, object]
    replacer: Replacer
    values: set[str] = field(default_factory=set)

    def carry_out(self, rows: Sequence[Row], edits: Mapping[str, Edit]) -> list[tuple[object, ...]]:
        """Do what the rows say and return the changes."""
        changes: list[tuple[object, ...]] = []
        spans: dict[tuple[int | None, str], list[Span]] = defaultdict(list)
        said: dict[tuple[int | None, str], Edit] = {}
        for row in rows:
            message, name = row["message"], row["field"] or "content"
            if row["decided"] == "edit":
                edit = edits[row["edit"] or ""]
                said[edit.message, edit.field] = edit
                changes.append(_change(row, "edit", message=edit.message, field=edit.field))
                continue
            text = self.text(message, name)
            if text is None:
                changes.append(_change(row, "ignored", reason="there is no such text to redact"))
                continue
            start, end = row["start"] or 0, len(text) if row["end"] is None else row["end"]
            spans[message, name].append(Span(start, end, row["label"] or row["check"]))
            changes.append(_change(row, "redact", message=message, field=name, start=start, end=end))
        for place in sorted({*spans, *said}, key=_turn):
            self.rewrite(place, spans.get(place, []), said.get(place))
        return changes

    def rewrite(self, place: tuple[int | None, str], spans: list[Span], edit: Edit | None) -> None:
        """Put the new text of one field in its place."""
        message, name = place
        old = self.text(message, name) or ""
        found = [(old[s.start : s.end], s.label) for s in spans]
        self.values |= {value for value, _ in found if value}
        if edit is None:
            new = cut_json(old, spans, self.replacer)
        else:
            new = edit.text
            # the offsets belong to the old text: take its values out of the new one, longest first
            for value, label in sorted(found, key=lambda pair: (-len(pair[0]), pair)):
                if value:
                    new = new.replace(value, self.replacer(label, value))
        self.put(message, name, new)

    def text(self, message: int | None, name: str) -> str | None:
        """The text of a field, None where there is none."""
        if message is not None:
            messages = self.example["messages"]
            if not isinstance(messages, list) or message >= len(messages):
                return None
            value = messages[message].get(name)
        elif name.startswith(META):
            value = at_pointer(json.loads(str(self.example["meta"] or "{}")), name.removeprefix(META))
        else:
            value = self.example.get(name)
        return value if isinstance(value, str) else None

    def put(self, message: int | None, name: str, text: str) -> None:
        """Let the field say `text`."""
        if message is not None:
            messages = self.example["messages"]
            if isinstance(messages, list):
                messages[message] = {**messages[message], name: text}
        elif name.startswith(META):
            pointer, meta = name.removeprefix(META), json.loads(str(self.example["meta"] or "{}"))
            changed = with_pointer(meta, pointer, text)
            self.example["meta"] = json.dumps(changed, ensure_ascii=False)
            if pointer.endswith(KEY):
                layout = json.loads(str(self.example["layout"] or "{}"))
                layout = renamed_layout(layout, *renaming(meta, changed, pointer))
                self.example["layout"] = json.dumps(layout, ensure_ascii=False)
        else:
            self.example[name] = text


def _turn(place: tuple[int | None, str]) -> tuple[bool, int, int, str]:
    """Where a place comes in the order of rewriting: keys last and from below, as they are parts of paths."""
    message, name = place
    is_key = name.startswith(META) and name.endswith(KEY)
    return is_key, -name.count("/") if is_key else 0, -1 if message is None else message, name


def _anonymous_groups(clean: pl.DataFrame, values: Mapping[str, set[str]]) -> pl.DataFrame:
    """Groups whose own name holds a value that was redacted get a name that says nothing.

    A group column may be a customer's address. The rows stay together under `group-` and the
    smallest example id among them.
    """
    telling = {
        group
        for example_id, group in clean.select("example_id", "group").iter_rows()
        if group and any(value in group for value in values.get(example_id, ()))
    }
    if not telling:
        return clean
    anonymous = pl.concat_str(pl.lit("group-"), pl.col("example_id").min().over("group").str.head(12))
    return clean.with_columns(
        group=pl.when(pl.col("group").is_in(list(telling))).then(anonymous).otherwise(pl.col("group"))
    )
