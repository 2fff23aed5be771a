"""Words taken for persons that stand in very many rows: rather a product or a company, told as doubtful.

The tagger reads one text at a time, and to it `Vaultly` at the place of a name is a name. Over a whole
version a customer's name stands in few rows, and what is sold stands in all of them.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from curate.example import strings
from curate.finding import PERHAPS, perhaps_nobody

FEWEST_ROWS = 8
FEWEST_GROUPS = 5  # of rows that belong together: what one customer says often is no product
SHARE = 0.01  # of all rows
AS_A_THING = (
    0.5  # of its places an article stands before it: from there on it is rather one, in FEWEST_ROWS already
)
DOUBTFUL = 0.3  # score of what is told so, at most
WHAT = "a product or a company"
AROUND = 60  # characters to either side that are looked at

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_BEFORE = re.compile(r"([^\W\d_]+)(\.?)[ \t]*\Z")
_AFTER = re.compile(r"\A[ \t]+([^\W\d_]+)")
# "the Tessa stroller", "du Tessa"; what Portuguese and Dutch write before a noun is too short to be told from names
_ARTICLE = re.compile(
    r"(?i)(?<!\w)(?:the|an?|this|that|your|my|our|their|any|each|every|another|der|die|das|den|dem|des|eine?[mnrs]?|dies(?:e[mnrs]?)"
    r"|mein(?:e[mnrs]?)?|ihre?[mnrs]?|le|la|les|du|une?|ce|cette|votre|el|los|las|una|del|al|su|il|lo|il|gli|uno|het|een|um|uma)[ \t]+"
    r"(?:[^\W\d_A-Z][\w-]*[ \t]+|(?-i:[A-ZÄÖÜ][a-zäöüß]+)[ \t]+)?\Z"
)
_TITLES = frozenset(
    "mr mrs ms miss mx dr prof professor sir madam lord lady mister aunt uncle agent colleague".split()  # noqa: SIM905
)


class Place(NamedTuple):
    """A place in a text where a person was found."""

    row: int  # of the findings
    example_id: str
    before: str
    value: str
    after: str


def told(findings: pl.DataFrame, examples: pl.DataFrame) -> pl.DataFrame:
    """The findings; persons that are one word in many rows have a lower score, and `perhaps` in their evidence.

    A word counts that begins with a capital, is no listed given name, stands as a person in at least 8 rows, in
    1 % of them and in 5 groups (a row without a group is one of its own), and nowhere with a title or a given
    name beside it. The result depends on the version alone: what an earlier one made doubtful is judged anew.
    """
    persons = (pl.col("check") == "pii") & (pl.col("label") == "PERSON")
    if not findings.select(persons.any()).item():
        return findings
    table = _undone(findings)
    rows = table.with_row_index("row").filter(persons & pl.col("start").is_not_null())
    if rows["example_id"].n_unique() < FEWEST_ROWS:
        return table
    found = _often(list(_places(rows, examples)), examples)
    if not found:
        return table
    evidence, scores = table["evidence"].to_list(), table["score"].to_list()
    for row, count in found.items():
        more = {PERHAPS: WHAT, "rows": count, "score_before": scores[row]}
        evidence[row] = json.dumps({**json.loads(evidence[row]), **more})
        scores[row] = min(scores[row], DOUBTFUL)
    return table.with_columns(
        pl.Series("evidence", evidence, dtype=pl.String), pl.Series("score", scores, dtype=pl.Float64)
    )


def _undone(findings: pl.DataFrame) -> pl.DataFrame:
    """The findings as the check made them."""
    if not findings.select(perhaps_nobody().any()).item():
        return findings
    evidence, scores = findings["evidence"].to_list(), findings["score"].to_list()
    for row in findings.with_row_index("row").filter(perhaps_nobody())["row"]:
        said = json.loads(evidence[row])
        scores[row] = said.pop("score_before")
        evidence[row] = json.dumps({k: v for k, v in said.items() if k not in (PERHAPS, "rows")})
    return findings.with_columns(
        pl.Series("evidence", evidence, dtype=pl.String), pl.Series("score", scores, dtype=pl.Float64)
    )


def _places(rows: pl.DataFrame, examples: pl.DataFrame) -> Iterator[Place]:
    """The places of the findings with what stands there."""
    named = rows["example_id"].unique()
    wanted: dict[tuple[str, int | None, str], list[tuple[int, int, int]]] = defaultdict(list)
    for row, *place, start, end in rows.select(
        "row", "example_id", "message", "field", "start", "end"
    ).iter_rows():
        wanted[place[0], place[1], place[2]].append((row, start, end))
    for example_id, message, field, text in strings(
        examples.filter(pl.col("example_id").is_in(named.implode()))
    ):
        for row, start, end in wanted.get((example_id, message, field), ()):
            before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
            yield Place(row, example_id, before, text[start:end], after)


def _often(places: list[Place], examples: pl.DataFrame) -> dict[int, int]:
    """The findings that are of a word in many rows, with how many rows those are."""
    by_word: dict[str, list[Place]] = defaultdict(list)
    parts: set[str] = set()  # words of longer names
    for place in places:
        words = _WORD.findall(place.value)
        own = [word for word in words if _is_listed(word)] or words
        if len(words) == 1 and words[0] == place.value.strip() and place.value[0].isupper():
            by_word[place.value.casefold()].append(place)
        elif len(words) > 1 and len(own) == 1 and own[0] == words[-1]:  # `Gerät Tessa`: a noun and a name
            before = place.before + place.value[: place.value.rfind(own[0])]
            by_word[own[0].casefold()].append(place._replace(value=own[0], before=before))
        else:
            parts.update(word.casefold() for word in words)
    groups = dict(
        examples.select("example_id", pl.coalesce("group", "example_id").alias("group")).iter_rows()
    )
    found: dict[int, int] = {}
    for word, here in by_word.items():
        rows = {place.example_id for place in here}
        if word in parts or len(rows) < FEWEST_ROWS or len({groups[i] for i in rows}) < FEWEST_GROUPS:
            continue
        is_thing = sum(map(_has_article, here)) >= AS_A_THING * len(here)
        is_many = len(rows) >= SHARE * examples.height and not _is_given_name(here[0].value)
        if (is_thing or is_many) and not any(map(_beside_name, here)):
            found |= {place.row: len(rows) for place in here}
    return found


def _has_article(place: Place) -> bool:
    """Whether an article, or a word for whose a thing is, stands before the word."""
    return _ARTICLE.search(place.before) is not None


def _is_listed(word: str) -> bool:
    """Whether it is a listed given name or family name."""
    from curate.names.tagger import lexicon
    from curate.names.tokens import BIT

    return bool(lexicon().flags(word) & (BIT["first"] | BIT["last"]))


def _is_given_name(word: str) -> bool:
    """Whether it is listed as one; an agent who signs each answer stays a person."""
    from curate.names.tagger import lexicon
    from curate.names.tokens import BIT

    return bool(lexicon().flags(word) & BIT["first"])


def _beside_name(place: Place) -> bool:
    """Whether a title or a given name stands next to the word."""
    before, after = _BEFORE.search(place.before), _AFTER.match(place.after)
    if before and before[1].casefold() in _TITLES:
        return True
    near = [found[1] for found in (before, after) if found and not (found is before and before[2])]
    return any(word[0].isupper() and _is_only_given_name(word) for word in near)


def _is_only_given_name(word: str) -> bool:
    """The same without words that begin many a sentence: `Can`, `Hope`, `Mark`."""
    from curate.names.ordinary import is_word_too
    from curate.names.tagger import lexicon
    from curate.names.tokens import BIT

    frequent = lexicon().flags(word) & BIT["english_300"]
    return not frequent and not is_word_too(word.lower()) and _is_given_name(word)
