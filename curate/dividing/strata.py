"""What a split is stratified by: columns of the examples, and length and language, which are read off the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from curate.dividing.together import Ints
from curate.errors import ConfigError

LENGTH, LANGUAGE = "length", "language"  # derived, where the examples hold no such column
UNSURE = "not sure"
QUARTERS = (0.25, 0.5, 0.75)


class Stratum(NamedTuple):
    """A column to stratify by: the code of each row, and the values that the codes stand for, in order."""

    column: str
    codes: Ints
    values: list[str | None]


def strata_of(examples: pl.DataFrame, by: str | Sequence[str] | None) -> list[Stratum]:
    """The columns named, one stratum of all rows where none is; null is a value of its own.

    `by` is a column of strings (label, source, group ...), or several, in a list or with commas
    between, the most important first; `length` means quarters by characters, `language` what the
    letters and commonest words say. Raises ConfigError for any other name.
    """
    names = [name.strip() for name in by.split(",")] if isinstance(by, str) else list(by or ())
    names = [name for name in names if name]
    if not names:
        return [Stratum("", np.zeros(examples.height, dtype=np.int64), [None])]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"`{twice[0]}` is named twice to stratify by", hint="name each column once")
    return [_coded(name, _column(examples, name)) for name in names]


def cells_of(strata: Sequence[Stratum]) -> Ints:
    """A number for each row's combination of values, in their order."""
    cells = strata[0].codes
    for stratum in strata[1:]:
        cells = np.unique(cells * len(stratum.values) + stratum.codes, return_inverse=True)[1]
    return cells


def _column(examples: pl.DataFrame, name: str) -> pl.Series:
    if name in examples.columns and examples.schema[name] == pl.String:
        return examples[name]
    if name == LENGTH:
        return quarters(lengths(examples))
    if name == LANGUAGE:
        return languages(texts(examples))
    raise ConfigError(
        f"no column `{name}` to stratify by",
        hint="label, source, group, length, language; import with --label for a label",
    )


def _coded(name: str, column: pl.Series) -> Stratum:
    values: list[str] = column.drop_nulls().unique().sort().to_list()
    codes = column.cast(pl.Enum(values)).to_physical().cast(pl.Int64)
    if column.null_count():
        return Stratum(name, codes.fill_null(-1).to_numpy() + 1, [None, *values])
    return Stratum(name, codes.to_numpy(), list(values))


def texts(examples: pl.DataFrame) -> pl.Series:
    """All that is said in each example: its messages, and its preferred answer."""
    said = (
        pl.col("messages").list.eval(pl.element().struct.field("content")).list.join("\n", ignore_nulls=True)
    )
    return examples.select(
        pl.concat_str(said.fill_null(""), pl.col("chosen").fill_null(""), separator="\n").str.strip_chars()
    ).to_series()


def lengths(examples: pl.DataFrame) -> pl.Series:
    """The characters of each example's text."""
    return texts(examples).str.len_chars()


def languages(said: pl.Series) -> pl.Series:
    """The language of each text by its letters and small words; `not sure` for some that are short."""
    from curate.checks.quality.language import LIKELY, language_of

    return pl.Series(LANGUAGE, [language_of(text, LIKELY) or UNSURE for text in said], dtype=pl.String)


def quarters(sizes: pl.Series) -> pl.Series:
    """Which quarter of the rows each length falls in, as words that sort by length."""
    edges = sorted({int(sizes.quantile(q, "nearest") or 0) for q in QUARTERS}) if len(sizes) else []
    names = [f"{n + 1}: to {edge:,} characters" for n, edge in enumerate(edges)]
    names.append(f"{len(edges) + 1}: longer")
    place = np.searchsorted(np.asarray(edges), sizes.to_numpy(), side="left")
    return pl.Series(LENGTH, names, dtype=pl.String).gather(place)
