"""What to look at twice in rows that were read: labels in several spellings, missing, too rare; lists for a text."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

SHOWN = 12  # labels that are named
PARTS = r'"as": ?"strings", ?"n": ?(?:[2-9]|\d\d)'  # of a layout: a list of texts that became turns
FEW, RARE = 5, 20  # rows of a label that may be a slip; or so many times fewer than of the other
_SPEECH = re.compile(r"[\s,:;!'\"’`´()\[\]&]+|[./_]+$")  # `A-` is not `A`
LIKE = 0.75  # of two labels, as difflib measures it: rather one of them misspelt


def spelling_lines(examples: pl.LazyFrame) -> list[str]:
    """Labels that differ only in case, spaces or marks: likely one label, and to some models the same.

    One that is rare beside another may be its plural, too.
    """
    counts = _counts(examples)
    spellings: dict[str, list[str]] = {}
    for label in counts:
        spellings.setdefault(_bare(label), []).append(label)
    for bare in sorted(spellings, key=len, reverse=True):
        for single in _singulars(bare):
            if single in spellings and bare in spellings and _is_rare(spellings, counts, bare, single):
                spellings[single] += spellings.pop(bare)
    several = [
        [f"{label!r} {counts[label]:,}" for label in sorted(each, key=lambda label: -counts[label])]
        for each in spellings.values()
        if len(each) > 1
    ]
    lines = [f"  look twice: one label in several spellings? {', '.join(each)}" for each in several[:SHOWN]]
    if len(several) > SHOWN:
        lines.append(f"    {SHOWN} of {len(several):,} such labels shown")
    return lines


def _bare(label: str) -> str:
    """The label without what parts its words, and without marks of speech; signs that tell classes apart stay."""
    from curate.checks.spelling import plain_spelling, unmarked

    plain = plain_spelling(label)
    if not any(letter.isalpha() for letter in plain):
        return plain  # -1 is not 1
    return _SPEECH.sub("", unmarked(label)) or plain


def _singulars(bare: str) -> list[str]:
    """What a label may be the plural of, in languages whose plurals end in -s, -es, -en, -n, -e."""
    if not bare.isalpha():
        return []
    return [
        bare.removesuffix(end)
        for end in ("s", "es", "en", "n", "e")
        if bare.endswith(end) and len(bare) - len(end) > 2
    ]


def _is_rare(spellings: dict[str, list[str]], counts: dict[str, int], one: str, other: str) -> bool:
    """Whether one of two groups of spellings is rare beside the other."""
    few, many = sorted(sum(counts[label] for label in spellings[each]) for each in (one, other))
    return few < FEW or few * RARE < many


def missing_lines(examples: pl.LazyFrame) -> list[str]:
    """How many rows have no label, where others have one."""
    column = examples.select("label").collect()["label"]
    bare = column.null_count()
    if not bare or bare == len(column):
        return []
    have = "has" if bare == 1 else "have"
    return [f"  look twice: {bare:,} of {len(column):,} rows {have} no label"]


def listed_lines(examples: pl.LazyFrame) -> list[str]:
    """Rows in which a list of texts stood where one text is expected, and each became a turn of its own."""
    import polars as pl

    lists = examples.filter(pl.col("layout").str.contains(PARTS)).select("source", "source_row")
    found = lists.sort("source", "source_row").collect()
    if found.is_empty():
        return []
    where = f"{found['source'][0]}:{found['source_row'][0]}"
    rows = "1 row has" if found.height == 1 else f"{found.height:,} rows have"
    first = "" if found.height == 1 else "the first is "
    return [
        f"  look twice: {rows} a list of texts as one part, and each text became a turn of its own: {first}{where}"
    ]


def rare_lines(table: pl.DataFrame, examples: pl.LazyFrame) -> list[str]:
    """Labels of too few texts to be judged, as `wrong-label` found them; with the label that one may be misspelt for."""
    import polars as pl

    judged = table.filter(pl.col("check") == "wrong-label")
    found = judged.filter(pl.col("label") == "rare-label")
    unclear = [
        "  look twice: the labels cannot be told from the texts better than by chance: none was judged"
        for _ in range(int((judged["label"] == "unclear-labels").any()))
    ]
    unclear += _same_lines(judged.filter(pl.col("label") == "same-label"), examples)
    if found.is_empty():
        return unclear
    ids = found["example_id"].implode()
    rare = examples.filter(pl.col("example_id").is_in(ids)).select("label").drop_nulls().collect()["label"]
    counts = _counts(examples)
    others = {label.casefold(): label for label in counts if label not in set(rare)}
    told = []
    for label in sorted(set(rare), key=lambda each: (-counts[each], each)):
        near = get_close_matches(label.casefold(), others, n=1, cutoff=LIKE)
        told.append(f"{label!r} {counts[label]:,}" + (f" (is it {others[near[0]]!r}?)" if near else ""))
    told.sort(key=lambda each: "(is it" not in each)
    more = f" and {len(told) - SHOWN:,} more" if len(told) > SHOWN else ""
    what = "label is too rare to be judged" if len(told) == 1 else "labels are too rare to be judged"
    return [*unclear, f"  look twice: {len(told):,} {what}: {', '.join(told[:SHOWN])}{more}"]


def _same_lines(found: pl.DataFrame, examples: pl.LazyFrame) -> list[str]:
    """The labels that texts hardly tell apart, as `wrong-label` found them."""
    import polars as pl

    from curate.deciding.relabelling import looks_like

    sides = {
        name: looks_like(evidence) for name, evidence in found.select("example_id", "evidence").iter_rows()
    }
    asked = sorted({name for pair in sides.items() for name in pair if name})
    rows = examples.filter(pl.col("example_id").is_in(asked)).select("example_id", "label").collect()
    labels = dict(rows.iter_rows())
    pairs = {(labels[one], labels.get(other or "")) for one, other in sides.items()}
    counts = _counts(examples) if pairs else {}
    told = [
        f"{one!r} {counts[one]:,} and {other!r} {counts[other]:,}"
        for one, other in sorted(pairs, key=str)
        if one in counts and other in counts
    ]
    lines = [f"  look twice: hardly told apart by their texts, one label? {each}" for each in told[:SHOWN]]
    if len(told) > SHOWN:
        lines.append(f"    {SHOWN} of {len(told):,} such labels shown")
    return lines


def _counts(examples: pl.LazyFrame) -> dict[str, int]:
    """How many rows each label has, the most frequent first."""
    counts = examples.select("label").drop_nulls().collect()["label"].value_counts(sort=True, name="count")
    return dict(counts.sort("count", "label", descending=[True, False]).iter_rows())
