"""Leaks that no text shows: one user, conversation or document on both sides, templates, and times."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b

import polars as pl

from curate.checks.leak.sides import COLUMN, GROUP, PAIRS, PROTECTED, TEMPLATE, TIME, Sides, remark
from curate.checks.wording import normalise

# columns that name who or what a row is from, as data sets call them
OWNERS = re.compile(
    r"(?:user|customer|client|author|account|speaker|annotator|patient|student|sender|member)(?:_?(?:id|uuid|name|hash))?"
    r"|(?:conversation|conv|dialog|dialogue|session|thread|chat|ticket|case|document|doc|article|page|passage|paragraph"
    r"|repo|repository|video|book|parent|problem|template|prompt_template)(?:_?(?:id|uuid|hash|name|url))?",
    re.IGNORECASE,
)
MOMENTS = re.compile(
    r"(?:created|updated|posted|sent|asked)(?:_?(?:at|on|time|date|utc))?|time_?stamp|date_?time|date|time",
    re.IGNORECASE,
)
FEWEST_VALUES = 20  # of a column that names somebody: one of fewer is a category
LARGEST_SHARE = 0.1  # of the rows that one value has: of a column with a larger one, likewise
HEAD = 8  # words with which prompts of one template begin
TEMPLATE_ROWS = 5  # on each side that begin alike, from which on it is a template
IN_ORDER = 0.05  # share of the rows that are out of order: with more, the split does not go by time
MILLISECONDS = 10**11  # a number of seconds is smaller, until the year 5138


def owners_of(meta: dict[str, object]) -> list[str]:
    """`column` and a digest of its value, for each column that names who or what a row is from."""
    found = []
    for name, value in meta.items():
        if (
            isinstance(value, str | int)
            and not isinstance(value, bool)
            and value != ""
            and OWNERS.fullmatch(name)
        ):
            found.append(f"{name}\t{blake2b(str(value).encode(), digest_size=12).hexdigest()}")
    return found


def moment_of(meta: dict[str, object]) -> float | None:
    """When a row was made, in seconds since 1970; None where no column says so."""
    for name, value in meta.items():
        if MOMENTS.fullmatch(name) and (moment := _seconds(value)) is not None:
            return moment
    return None


def template_of(system: str, frame: str | None) -> str | None:
    """A digest of the system prompt and of `frame_of_question`; None where there is neither."""
    return _digest(f"{system}\n{frame or ''}") if frame or system else None


def frame_of_question(question: str, normal: Callable[[str], str] = normalise) -> str | None:
    """A digest of the first words; None for a question too short to have a frame."""
    words = normal(question[:400]).split()
    return _digest(" ".join(words[:HEAD])) if len(words) >= 2 * HEAD else None


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _seconds(value: object) -> float | None:
    """A number of seconds or milliseconds, or a date as ISO 8601 writes it."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) / 1000 if value > MILLISECONDS else float(value) if value > 10**8 else None
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def crossings(sides: Sides) -> Iterator[pl.DataFrame]:
    """PAIRS of what crosses from one split to the other; nothing of protected rows, which are not ours."""
    if sides.name == PROTECTED:
        return
    yield _groups(sides)
    yield from _columns(sides)
    yield from _templates(sides)
    yield from _times(sides)


def _groups(sides: Sides) -> pl.DataFrame:
    """Each row of a group that has rows on the other side too, with the first of these."""
    there = (
        sides.stays.filter(pl.col("group").is_not_null())
        .group_by("group", maintain_order=True)
        .agg(other_id=pl.col("example_id").first(), there=pl.len())
    )
    here = sides.goes.filter(pl.col("group").is_not_null()).with_columns(here=pl.len().over("group"))
    met = here.join(there, on="group", how="inner", maintain_order="left")
    told = [
        json.dumps({"group_rows": here, "group_rows_there": there})
        for here, there in met.select("here", "there").iter_rows()
    ]
    return met.select(
        "example_id",
        "other_id",
        sides=pl.lit(sides.name),
        kind=pl.lit(GROUP),
        score=pl.lit(1.0),
        # which rows go is a person's choice: dividing anew keeps them all
        action=pl.lit("review"),
        blocking=pl.lit(value=True),
        brief=pl.lit(value=False),
        evidence=pl.Series(told, dtype=pl.String),
    ).cast(PAIRS)


def _columns(sides: Sides) -> Iterator[pl.DataFrame]:
    """For each column that names somebody, and is not the group, how many rows share one over the sides."""
    here, there = (
        part.select("example_id", owner="owners").explode("owner").drop_nulls("owner")
        for part in (sides.goes, sides.stays)
    )
    both = pl.concat([here, there]).with_columns(column=pl.col("owner").str.split("\t").list.first())
    sizes = both.group_by("column", "owner").len()
    rows = sides.goes.height + sides.stays.height
    named = sizes.group_by("column").agg(values=pl.len(), largest=pl.col("len").max())
    named = named.filter(pl.col("values") >= FEWEST_VALUES, pl.col("largest") <= LARGEST_SHARE * rows)
    crossing = here.join(there.select("owner").unique(), on="owner", how="semi", maintain_order="left")
    crossing = crossing.with_columns(column=pl.col("owner").str.split("\t").list.first())
    for column in sorted(set(named["column"]) & set(crossing["column"])):
        own = crossing.filter(column=column)
        told = {"column": column, "rows": own.height, "values": own["owner"].n_unique()}
        yield remark(sides, COLUMN, own["example_id"][0], told)


def _templates(sides: Sides) -> Iterator[pl.DataFrame]:
    """How many rows begin as rows of the other side do; as instruction data should."""
    there = sides.stays.drop_nulls("template").group_by("template").len("there")
    here = sides.goes.drop_nulls("template").with_columns(here=pl.len().over("template"))
    met = here.join(there, on="template", how="inner", maintain_order="left")
    met = met.filter(pl.col("here") >= TEMPLATE_ROWS, pl.col("there") >= TEMPLATE_ROWS)
    if met.height:
        told = {"rows": met.height, "templates": met["template"].n_unique()}
        yield remark(sides, TEMPLATE, met["example_id"][0], told)


def _times(sides: Sides) -> Iterator[pl.DataFrame]:
    """Rows that are later than the first of the other side: each, if the split goes by time, else how many."""
    here, there = sides.goes.drop_nulls("time"), sides.stays.drop_nulls("time")
    if here.is_empty() or there.is_empty():
        return
    begins = there["time"].min()
    late = here.filter(pl.col("time") > begins)
    told = {"rows": late.height, "of_rows_with_a_time": here.height}
    if not late.height:
        return
    if late.height > IN_ORDER * here.height:
        yield remark(sides, TIME, late["example_id"][0], told)
        return
    first = there.sort("time", maintain_order=True)["example_id"][0]
    days = ((late["time"] - begins) / 86_400).round(2).to_list()
    yield late.select(
        "example_id",
        other_id=pl.lit(first),
        sides=pl.lit(sides.name),
        kind=pl.lit(TIME),
        score=pl.lit(1.0),
        action=pl.lit("review"),
        blocking=pl.lit(value=False),
        brief=pl.lit(value=False),
        evidence=pl.Series([json.dumps({**told, "days_later": each}) for each in days], dtype=pl.String),
    ).cast(PAIRS)
