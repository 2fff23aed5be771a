"""Decisions carried out: a dataset version and its review in, the clean version and every change out.

Drop wins over edit and redact; an edit replaces a field's text, and values to be redacted are taken
out of the new text too; spans that overlap are merged before text is cut. Where two rules would
drop each other's keeper, one copy stays (`settle`). Nothing here holds a raw value.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple, cast
from unicodedata import normalize

import polars as pl

from curate.changing.redact import Scope, Style
from curate.changing.replacing import Action, Replacing, Trace
from curate.changing.rewriting import Edit, Rewriting, change
from curate.changing.settle import NEEDED, Row, settle
from curate.errors import AccountError
from curate.example import with_content_hash

__all__ = ["CHANGES", "Applied", "Edit", "apply", "dropped_by"]

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
    scope: Scope = "conversation",
    key: bytes = b"",
    trace: Trace | None = None,
) -> Applied:
    """The clean examples and the change log; rows of `review` with no decision change nothing.

    `review` is what `curate.deciding.review.review` returns; `edits` maps the digests in its column `edit` to
    new texts. `key` is for the styles hash and pseudonym, `scope` says where equal values get equal
    pseudonyms; `trace` is filled for a vault and for the next scan. The kept rows keep their order. A decision about a text that has changed since
    (`content_hash`, `other_hash`) or about a row that is gone is ignored, with a row in the log.
    Raises AccountError if rows in do not equal rows out plus dropped.
    """
    decided, stale = _current(examples, review)
    changes = [change(row, "ignored", reason="the text changed after the decision") for row in stale]
    dropped, rescued = settle(examples, review, [r for r in decided if r["decided"] == "drop"])
    for rows in dropped.values():
        also = sorted({f"{r['check']}/{r['label']}" for r in rows[1:]})
        changes.append(change(rows[0], "drop", other=rows[0]["other_id"], also=also or None))
    for row in rescued.values():
        changes.append(change(row, "keep", reason="the copy that was to stay is dropped as well"))

    texts: dict[str, list[Row]] = defaultdict(list)
    for row in decided:
        if row["decided"] in ("redact", "edit") and row["target"] not in dropped:
            texts[row["target"]].append(row)
    kept = examples.with_row_index("position").filter(~pl.col("example_id").is_in(list(dropped)))
    touched = pl.col("example_id").is_in(list(texts))
    values: dict[str, set[str]] = {}
    rewritten: list[dict[str, object]] = []
    rows_touched = kept.filter(touched)
    replacing = Replacing.over(rows_touched, texts, edits or {}, review, Action(style, numbered, scope, key))
    for example in rows_touched.iter_rows(named=True):
        before = {**example, "messages": list(example["messages"] or ())}
        rewriting = Rewriting(example, replacing.replacer(example))
        changes += rewriting.carry_out(texts[example["example_id"]], edits or {})
        changes += rewriting.sweep(replacing.spared.get(example["example_id"], set()))
        values[example["example_id"]] = rewriting.values
        rewritten.append(rewriting.example)
        if trace is not None:
            trace.note(before, rewriting, texts[example["example_id"]], edits or {})
    new = with_content_hash(pl.DataFrame(rewritten, schema=kept.schema, orient="row"))
    clean = pl.concat([kept.filter(~touched), new]).sort("position").drop("position")
    clean = _anonymous_groups(clean, values)
    if trace is not None:
        trace.groups(kept, clean)
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
    absent = [n for n in ("edit", "evidence", "reviewer") if n not in review.columns]
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


def _anonymous_groups(clean: pl.DataFrame, values: Mapping[str, set[str]]) -> pl.DataFrame:
    """Groups whose own name holds a value that was redacted get a name that says nothing.

    A group column may be a customer's address. The rows stay together under `group-` and the
    smallest example id among them. A name may be written otherwise than the value: `anna_keller` for
    `Anna Keller`; a part of a word (`Ann` in `Hanna`) is no value.
    """
    telling = {
        group
        for example_id, group in clean.select("example_id", "group").iter_rows()
        if group and any(_told_by(group, value) for value in values.get(example_id, ()))
    }
    if not telling:
        return clean
    anonymous = pl.concat_str(pl.lit("group-"), pl.col("example_id").min().over("group").str.head(12))
    return clean.with_columns(
        group=pl.when(pl.col("group").is_in(list(telling))).then(anonymous).otherwise(pl.col("group"))
    )


def _told_by(group: str, value: str) -> bool:
    """Whether a group's name holds a value as whole words, in whatever case and with whatever signs between."""
    wanted, name = _plain(value), _plain(group)
    if not wanted or wanted not in name:
        return False
    spelt = r"[\W_]*".join(map(re.escape, wanted))
    return re.search(rf"(?<![^\W_]){spelt}(?![^\W_])", normalize("NFC", group.casefold())) is not None


def _plain(text: str) -> str:
    """Letters and digits alone."""
    return "".join(filter(str.isalnum, normalize("NFC", text.casefold())))
