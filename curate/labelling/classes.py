"""Which of a version's labels are answers to choose from: one spelling of each, and none that is rare."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from curate.checks.spelling import plain_spelling, tidy
from curate.example import answer_text

FEWEST = 3  # rows, below which a label is likelier a slip than a class
SHARE = 0.002  # and of all labelled rows
SHOWN = 5
LOOKED_AT = 2_000  # labelled rows whose answers are looked at
TOLD = 0.05  # share of them whose answer begins with the label, from which answers give labels away


class Classes(NamedTuple):
    """What may be chosen, the most frequent first; what was folded into it, and what was left out."""

    names: list[str]
    folded: dict[str, list[str]]  # by the label it was folded into
    rare: dict[str, int]  # rows by label

    def lines(self) -> list[str]:
        """What a person should know of it."""
        told = [
            f"  one label in several spellings: {name!r} is offered for {', '.join(map(repr, others))}"
            for name, others in list(self.folded.items())[:SHOWN]
        ]
        if len(self.folded) > SHOWN:
            told.append(f"    {SHOWN} of {len(self.folded):,} such labels shown")
        if self.rare:
            shown = [f"{name!r} {rows:,}" for name, rows in list(self.rare.items())[:SHOWN]]
            more = f" and {len(self.rare) - SHOWN:,} more" if len(self.rare) > SHOWN else ""
            told.append(f"  rare, left out: {', '.join(shown)}{more}; --all takes them")
        return told


def told_by_answers(rows: pl.LazyFrame) -> bool:
    """Whether the answers give the labels away: whoever saw them would only read the label off.

    Where they do not, as in a helpdesk's file whose label is a topic, the answer helps to judge.
    """
    labelled = (
        rows.filter(pl.col("label").is_not_null()).select("label", "messages").head(LOOKED_AT).collect()
    )
    told = [
        answer_text(messages).lstrip(" \t\n\"'*{[(").casefold().startswith(label.strip().casefold())
        for label, messages in labelled.iter_rows()
        if messages and label.strip()
    ]
    return sum(told) > TOLD * len(told)


def classes_of(labels: pl.Series, *, every: bool = False) -> Classes:
    """The classes among labels (no nulls); `every` takes each as it stands.

    Labels that are equal but for case, Unicode form and blanks around count as the most frequent of them,
    without blanks around. Rare are those of fewer than 3 rows, or of fewer than 2 in 1,000.
    Where that would leave fewer than two, none is rare.
    """
    counts = labels.rename("label").value_counts(sort=True).sort("count", "label", descending=[True, False])
    pairs = list(counts.iter_rows())
    if every:
        return Classes([label for label, _ in pairs], {}, {})
    spellings: dict[str, list[str]] = {}
    rows: dict[str, int] = {}
    for label, count in pairs:
        plain = plain_spelling(label)
        spellings.setdefault(plain, []).append(label)
        rows[plain] = rows.get(plain, 0) + count
    least = max(FEWEST, SHARE * len(labels))
    frequent = [plain for plain in rows if plain and rows[plain] >= least]
    kept = frequent if len(frequent) > 1 else [plain for plain in rows if plain]
    kept.sort(key=lambda plain: -rows[plain])
    names = {plain: tidy(spellings[plain][0]) for plain in kept}
    folded = {
        name: others
        for plain, name in names.items()
        if (others := [label for label in spellings[plain] if label != name])
    }
    rare = {spellings[plain][0]: rows[plain] for plain in rows if plain not in names}
    return Classes(list(names.values()), folded, rare)
