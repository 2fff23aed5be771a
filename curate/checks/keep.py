"""Which of several alike examples stays: one order for all checks that propose to drop.

The policy is a sentence: `keep = ["labelled", "newest", "longest", "source:support > forum"]`. What
comes first counts first; what no rule tells apart stays in the order of the dataset.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import polars as pl

from curate.errors import ConfigError

# The test split's copy stays, for the leak check takes the training one: together they lose neither
SPLITS = {"test": 0, "validation": 1}
DEFAULT = ("labelled",)
LONG = ("newest", "oldest", "longest", "shortest")  # by the row's times or its texts
RULES = ("labelled", "newest", "oldest", "longest", "shortest", "earliest")
_ORDERED = re.compile(r"(source|label|split|group|meta\.[^:]+):(.+)")
_TIME = re.compile(
    r"(?i)(?:\A|[_./ -])(?:created|updated|modified|date|time|timestamp|ts)(?:[_ -]?at|[_ -]?utc|[_ -]?on)?\Z"
)
_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%Y-%m", "%Y")


def check_keep(keep: Sequence[str]) -> None:
    """Raise ConfigError where a rule of the policy means nothing."""
    for rule in keep:
        if rule not in RULES and not _ORDERED.fullmatch(rule):
            raise ConfigError(
                f"keep has `{rule}`",
                hint=f'rules are: {", ".join(RULES)}, and orders such as "source:support > forum"',
            )


def reads_texts(keep: Sequence[str]) -> bool:
    """Whether a rule of the policy asks for more of a row than its light columns (`curate.rows.LIGHT`)."""
    return any(rule in LONG or rule.startswith("meta.") for rule in keep)


def carried(batch: pl.DataFrame, keep: Sequence[str] = DEFAULT) -> pl.DataFrame:
    """Of each example what the policy asks for, as columns `keep_0` ... : the least is kept first.

    Needs the columns of EXAMPLES. A rule that says nothing of a row (no label, no time, a source that
    is not named) puts it last. Times are read from columns of `meta` that are called so.
    """
    split = pl.col("split").replace_strict(SPLITS, default=2, return_dtype=pl.Float64).fill_null(2.0)
    columns = [batch.select(split.alias("keep_0")).to_series()]
    columns += [_ranks(batch, rule).alias(f"keep_{n}") for n, rule in enumerate(keep, start=1)]
    return pl.DataFrame(columns)


def ranked(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, of which those to keep come first, with `rank` (0 is kept before all others).

    Ordered by the columns of `carried`; where they are not there, by `split` and `label`. Rows that
    are equal in all keep their order.
    """
    order = [name for name in rows.columns if name.startswith("keep_")]
    if not order:
        rows = rows.with_columns(
            pl.col("split").replace_strict(SPLITS, default=2, return_dtype=pl.Float64).alias("keep_0"),
            pl.col("label").is_null().cast(pl.Float64).alias("keep_1"),
        )
        return (
            rows.sort("keep_0", "keep_1", maintain_order=True).drop("keep_0", "keep_1").with_row_index("rank")
        )
    return rows.sort(*order, maintain_order=True).with_row_index("rank")


def sentence(keep: Sequence[str] = DEFAULT) -> str:
    """The policy in words, as a finding's evidence says it."""
    return f"the test split's first, then {', then '.join((*map(_said, keep), 'the earliest'))}"


def why(kept: Sequence[float], dropped: Sequence[float], keep: Sequence[str] = DEFAULT) -> str:
    """What told a kept row from a dropped one, by the values of their `keep_` columns in order."""
    for name, left, right in zip(_reasons(tuple(keep)), kept, dropped, strict=True):
        if left != right:
            return name
    return "the earlier row"


def _said(rule: str) -> str:
    """A rule as a part of the sentence."""
    named = _ORDERED.fullmatch(rule)
    return (
        f"{named[1]} {named[2].strip()}" if named else {"labelled": "a labelled one"}.get(rule, f"the {rule}")
    )


@lru_cache(maxsize=16)
def _reasons(keep: tuple[str, ...]) -> tuple[str, ...]:
    """What each rule of a policy says of the row that it keeps, as asked for each pair."""
    return ("in the test split", *(_reason(rule) for rule in keep))


def _reason(rule: str) -> str:
    """What a rule says of the row that it keeps."""
    named = _ORDERED.fullmatch(rule)
    if named:
        return f"by {named[1]}: {named[2].strip()}"
    return {"labelled": "has a label", "newest": "newer", "oldest": "older", "longest": "longer",
            "shortest": "shorter"}.get(rule, "the earlier row")  # fmt: skip


def _ranks(batch: pl.DataFrame, rule: str) -> pl.Series:
    """One number a row, the least kept first."""
    if rule == "labelled":
        return batch.select(pl.col("label").is_null().cast(pl.Float64)).to_series()
    if rule == "earliest":
        return pl.Series([0.0] * batch.height, dtype=pl.Float64)
    if rule in ("longest", "shortest"):
        length = batch.select(
            pl.col("messages").list.eval(pl.element().struct.field("content").str.len_chars()).list.sum()
            + pl.col("chosen").str.len_chars().fill_null(0)
        ).to_series()
        return length.cast(pl.Float64) * (-1.0 if rule == "longest" else 1.0)
    if rule in ("newest", "oldest"):
        sign = -1.0 if rule == "newest" else 1.0
        found = [_moment(text) for text in batch["meta"]]
        values = [float("inf") if moment is None else sign * moment for moment in found]
        return pl.Series(values, dtype=pl.Float64)
    named = _ORDERED.fullmatch(rule)
    assert named is not None, rule  # check_keep has read the policy
    order = {value.strip(): float(place) for place, value in enumerate(named[2].split(">"))}
    return pl.Series([order.get(text, float("inf")) for text in _texts(batch, named[1])], dtype=pl.Float64)


def _texts(batch: pl.DataFrame, column: str) -> list[str]:
    """A column's values as text; of `source` a file's name without its ending; absent is empty."""
    if column == "source":
        return [(name or "").rsplit("/", 1)[-1].split(".")[0] for name in batch["source"]]
    if not column.startswith("meta."):
        return [value or "" for value in batch[column]]
    key = column.removeprefix("meta.")
    found = (json.loads(text) if text else {} for text in batch["meta"])
    return [str(each.get(key, "")) if isinstance(each, dict) else "" for each in found]


def _moment(meta: str | None) -> float | None:
    """Seconds since 1970 of the last time that a row's other columns name; None without one."""
    read = json.loads(meta) if meta else None
    if not isinstance(read, dict):
        return None
    times = [_seconds(value) for key, value in read.items() if _TIME.search(str(key))]
    return max((time for time in times if time is not None), default=None)


def _seconds(value: object) -> float | None:
    """A time as seconds since 1970: ISO 8601, a date, or a number of seconds or milliseconds."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value) / 1000 if value > 1e11 else float(value)
    text = str(value).strip()
    for form in ("", *_FORMS):
        try:
            read = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        except ValueError:  # not of this form; of none, it is no time
            continue
        return read.replace(tzinfo=read.tzinfo or UTC).timestamp()
    return None


POLICY = sentence()  # in words, of the default
