"""Answers without an end mark, among answers of like length that nearly all have one."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

ENDED = 0.9  # share of a task's answers of like length that end in a mark, for one without to be told
OTHERS = 0.8  # ... and in each other task of the row, where some of its answers are of that length
SOME = 5
CLOSING = 10  # characters of an end that many answers share
WORDS = 5  # of an answer that may be a sentence

_MARK = r"[.!?…。！？｡؟।۔։።៖་\"'”’»›」』）)\]}>*_`~:：|]\s*\z|\p{So}\s*\z|[\x{1F3FB}-\x{1F3FF}\x{FE0F}\x{200D}]\s*\z"
_PLAIN = r"[^\s\d/@#=<>\\{}|]*"  # what an address, a formula, a tag is not: these need no mark
_SPACELESS = r"[\x{0e00}-\x{0eff}\x{1000}-\x{109f}\x{1780}-\x{17ff}\x{3040}-\x{30ff}\x{3400}-\x{9fff}]"
_WORD = rf"(?:(?:\A|\s){_PLAIN}[\p{{L}}\p{{M}}]|{_SPACELESS})[,;،、；]?\s*\z"
_NAMED = r"[-–—~] ?\p{Lu}[^.!?\n]{0,40}\z"  # who said it
_SMALL = r"(?:\A|\s)[\p{Ll}\p{Lo}]"  # a word of small letters, or of a script that has no others


def features(text: pl.Expr) -> dict[str, pl.Expr]:
    """Of each answer: `size` (its length, by doublings; the next ones are still like it), `closing`, `ended`, and `breaks`: whether a sentence stops in it.

    No sentence: a few words, a list, code, lines of verse, and what is written like a title or has no capital
    at its beginning.
    """
    words = text.str.count_matches(r"\S+")
    line = text.str.extract(r"([^\n]*)\z", 1)
    prose = (
        ((words >= WORDS) & (line.str.count_matches(r"\S+") >= WORDS))
        | (line.str.count_matches(_SPACELESS) >= 3 * WORDS)
    ) & ~text.str.contains(r"```|(?m)^[ \t]*(?:[-*•+]|\d{1,3}[.)]|[a-zA-Z][.)]|#+|\|)[ \t]")
    verse = (text.str.count_matches("\n", literal=True) >= 3) & (
        text.str.len_chars() < 60 * (text.str.count_matches("\n", literal=True) + 1)
    )
    sentence = (line.str.count_matches(_SMALL) * 5 >= line.str.count_matches(r"\S+") * 2) & text.str.contains(
        r"\A[^\p{L}]*[\p{Lu}\p{Lt}\p{Lo}]"
    )
    return {
        "size": text.str.len_chars().log(2).floor().cast(pl.Int8),
        "closing": text.str.tail(CLOSING).hash(),
        "ended": text.str.contains(_MARK),
        "breaks": text.str.contains(_WORD) & ~text.str.contains(_NAMED) & prose & ~verse & sentence,
    }


def unended(rows: pl.DataFrame, tasks: dict[str, str], least: int) -> Iterator[tuple[dict[str, object], str]]:
    """(row, task) of each answer that breaks off where `least` of like length or more are of its task.

    `rows` have the `features` and a column for each of the tasks. Added are `rows`, of like length in the task,
    and `ended_rows` of them.
    """
    # who takes leave in the same words as many others, is at an end
    rows = rows.with_columns(ended=pl.col("ended") | (pl.len().over("closing") >= least))
    counted = rows
    for task in tasks:
        each = rows.group_by(task, "size").agg(pl.len().alias("rows"), pl.col("ended").sum())
        near = pl.concat([each.with_columns(pl.col("size") + step) for step in (-1, 0, 1)])
        around = near.group_by(task, "size").agg(
            pl.col("rows").sum().alias(f"{task}_rows"), pl.col("ended").sum().alias(f"{task}_ended")
        )
        counted = counted.join(around, on=[task, "size"], how="left", maintain_order="left")
    known = {task: pl.col(task).is_not_null() for task in tasks}
    share = {task: pl.col(f"{task}_ended") / pl.col(f"{task}_rows") for task in tasks}
    against = pl.any_horizontal(
        known[task] & (pl.col(f"{task}_rows") >= SOME) & (share[task] < OTHERS) for task in tasks
    )
    broken = counted.filter(pl.col("breaks") & ~pl.col("ended") & ~against)
    for task in tasks:
        enough = known[task] & (pl.col(f"{task}_rows") >= least) & (share[task] >= ENDED)
        named = pl.col(f"{task}_rows").alias("rows"), pl.col(f"{task}_ended").alias("ended_rows")
        yield from ((row, task) for row in broken.filter(enough).with_columns(named).iter_rows(named=True))
