"""Words taken for persons that stand in very many rows: rather a product, a company or a class, told as doubtful.

The tagger reads one text at a time, and to it `Vaultly` at the place of a name is a name. Over a whole
version a customer's name stands in few rows, and what is sold stands in all of them. So does the name of a
class ("sierra: sorry"), which is what the rows teach.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from curate.example import KEY, strings
from curate.finding import PERHAPS, perhaps_nobody

FEWEST_ROWS = 8
FEWEST_GROUPS = 5  # of rows that belong together: what one customer says often is no product
SHARE = 0.01  # of all rows
AS_A_THING = (
    0.5  # of its places an article stands before it: from there on it is rather one, in FEWEST_ROWS already
)
DOUBTFUL = 0.3  # score of what is told so, at most
WHAT = "a product or a company"
FIELD = "the name of a field"
LABEL = "a label of these rows"
FIELDS = 0.5  # of all rows: a key that so many have is one
LOOKED_AT = 20_000  # rows, spread over all, in which it is counted where words stand at all
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
    is_key: bool = False  # of a JSON object


def told(findings: pl.DataFrame, examples: pl.DataFrame) -> pl.DataFrame:
    """The findings; persons that are one word in many rows have a lower score, and `perhaps` in their evidence.

    A word counts that begins with a capital, is no listed given name, stands in at least 8 rows, in 5 groups (a
    row without a group is one of its own), nowhere with a title, an initial or a given name beside it, and
    either in 1 % of all rows or as a person in no more than half of its own. So does a key of JSON objects that
    half of the rows have: it is a field. And so does what is called as a label that so many rows of so many groups
    bear, in whatever case, unless it is a full name. The result depends on the version alone: what an earlier one made doubtful is judged anew.
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
    for row, (what, count) in found.items():
        more = {PERHAPS: what, "rows": count, "score_before": scores[row]}
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
            yield Place(row, example_id, before, text[start:end], after, field.endswith(KEY))


def _often(places: list[Place], examples: pl.DataFrame) -> dict[int, tuple[str, int]]:
    """The findings that are of a word in many rows, or of a field, with what each is and how many rows have it."""
    classes = _classes(examples)
    found: dict[int, tuple[str, int]] = {}
    by_word: dict[str, list[Place]] = defaultdict(list)
    keys: dict[str, list[Place]] = defaultdict(list)
    parts: set[str] = set()  # words of longer names
    for place in places:
        if place.is_key:
            keys[place.before + place.value + place.after].append(place)
            continue
        bearers = classes.get(place.value.strip().casefold())
        if bearers and not _beside_name(place) and not _is_full_name(place.value):
            found[place.row] = (LABEL, bearers)
            continue
        words = _WORD.findall(place.value)
        own = [word for word in words if _is_listed(word)] or words
        if len(words) == 1 and words[0] == place.value.strip() and place.value[0].isupper():
            by_word[place.value].append(place)
        # `Gerät Tessa`: a noun and a name; an initial is somebody's
        elif len(words) > 1 and len(own) == 1 and own[0] == words[-1] and min(map(len, words)) > 1:
            before = place.before + place.value[: place.value.rfind(own[0])]
            by_word[own[0]].append(place._replace(value=own[0], before=before))
        else:
            parts.update(word.casefold() for word in words)
    found |= {row: (WHAT, count) for row, count in _things(by_word, parts, examples)}
    for same in keys.values():
        if len(same) >= max(FEWEST_ROWS, FIELDS * examples.height):
            found |= {place.row: (FIELD, len(same)) for place in same}
    return found


def _classes(examples: pl.DataFrame) -> dict[str, int]:
    """By label, casefolded: how many rows bear it; those of few rows or groups are left out."""
    labelled = examples.filter(pl.col("label").is_not_null())
    owner = pl.coalesce("group", "example_id").n_unique().alias("owners")
    counted = labelled.group_by("label").agg(pl.len().alias("rows"), owner)
    often = counted.filter((pl.col("rows") >= FEWEST_ROWS) & (pl.col("owners") >= FEWEST_GROUPS))
    rows: dict[str, int] = defaultdict(int)
    for label, count in often.select("label", "rows").iter_rows():
        rows[label.strip().casefold()] += count
    return dict(rows)


def _things(
    by_word: dict[str, list[Place]], parts: set[str], examples: pl.DataFrame
) -> Iterator[tuple[int, int]]:
    """(finding, rows) of the words that are rather things than persons."""
    tagged = {word: {place.example_id for place in here} for word, here in by_word.items()}
    asked = {word for word, rows in tagged.items() if len(rows) > 1 and word.casefold() not in parts}
    stands = _standing(asked, examples) if asked else {}
    groups = dict(
        examples.select("example_id", pl.coalesce("group", "example_id").alias("group")).iter_rows()
    )
    for word in sorted(asked):
        here = by_word[word]
        other, other_groups = stands.get(word, (0, set()))
        count = max(len(tagged[word]), other)
        owners = {groups[name] for name in tagged[word]} | other_groups
        if count < FEWEST_ROWS or len(owners) < FEWEST_GROUPS:
            continue
        is_thing = len(here) >= FEWEST_ROWS and sum(map(_has_article, here)) >= AS_A_THING * len(here)
        is_many = count >= SHARE * examples.height or 2 * len(tagged[word]) <= count
        if (is_thing or (is_many and not _is_given_name(word))) and not any(map(_beside_name, here)):
            for place in here:
                yield place.row, count


def _standing(asked: set[str], examples: pl.DataFrame) -> dict[str, tuple[int, set[str]]]:
    """By word: the rows that say it, person or not, and their groups; of very many rows, by some of them."""
    step = -(-examples.height // LOOKED_AT)
    rows: dict[str, int] = dict.fromkeys(asked, 0)
    groups: dict[str, set[str]] = defaultdict(set)
    said = examples.select(
        pl.coalesce("group", "example_id"),
        pl.concat_list(
            pl.col("messages").list.eval(pl.element().struct.field("content")), "chosen", "rejected"
        ).list.drop_nulls().list.join("\n"),
    ).gather_every(step)  # fmt: skip
    for group, text in said.iter_rows():
        for word in asked.intersection(_WORD.findall(text or "")):
            rows[word] += step
            groups[word].add(group)
    return {word: (count, groups[word]) for word, count in rows.items()}


def _has_article(place: Place) -> bool:
    """Whether an article, or a word for whose a thing is, stands before the word."""
    return _ARTICLE.search(place.before) is not None


def _is_listed(word: str) -> bool:
    """Whether it is a listed given name or family name."""
    from curate.names.tagger import lexicon
    from curate.names.tokens import BIT

    return bool(lexicon().flags(word) & (BIT["first"] | BIT["last"]))


def _is_full_name(value: str) -> bool:
    """Whether it is several words of which each is a listed name: a class called so is somebody's."""
    words = _WORD.findall(value)
    return len(words) > 1 and all(map(_is_listed, words))


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
