"""Which languages the tagger is made for, and what of a dataset is in others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import polars as pl

from curate.example import answer_text, prompt_text

MADE_FOR = "en"
# in these a name needs more evidence than its place in a sentence (see evidence.py)
LATIN = frozenset(
    ("de", "es", "fr", "it", "nl", "pt", "sv", "da", "no", "pl", "tr", "id", "vi", "ro", "cs", "hu", "fi")
)
LOOKED_AT = 1_000  # rows, spread over all
WORTH = 0.02  # of these rows, from which on a language is told


def uncovered(examples: pl.DataFrame) -> str:
    """What the shipped tagger does not do for the languages of these rows; empty where all seem English."""
    step = max(1, examples.height // LOOKED_AT)
    rows = examples["messages"].gather_every(step).to_list()
    counts = Counter(_language(messages or []) for messages in rows)
    counts.pop(None, None)
    told = [
        (language, count / len(rows))
        for language, count in sorted(counts.items(), key=lambda each: (-each[1], str(each[0])))
        if language != MADE_FOR and count >= max(2, WORTH * len(rows))
    ]
    few = {
        language: count
        for language, count in sorted(counts.items(), key=str)
        if language not in {MADE_FOR, *LATIN, *dict(told)}
    }
    said = [
        (f"names are found only beside a title, a form's field or in a list in {_shares(told, latin=True)}", True),
        (f"names are not looked for in {_shares(told, latin=False)}", False),
    ]  # fmt: skip
    lines = [text for text, latin in said if any((name in LATIN) is latin for name, _ in told)]
    return "; ".join([*lines, *_few(few, step)])


def _few(few: Mapping[str | None, int], step: int) -> list[str]:
    """What is said of languages in other scripts that a few rows are in; those in Latin script are less sure."""
    count = sum(few.values()) * step
    if not count:
        return []
    about, rows = "about " if step > 1 else "", "row" if count == 1 else "rows"
    return [f"names are not looked for in {about}{count:,} {rows} in {', '.join(map(str, few))}"]


def _language(messages: list[dict[str, str | None]]) -> str | None:
    from curate.checks.quality.language import LIKELY, language_of

    return language_of("\n".join((prompt_text(messages), answer_text(messages))), LIKELY)


def _shares(told: Sequence[tuple[str | None, float]], *, latin: bool) -> str:
    """`de (43 % of the rows), fr (2 %)`."""
    parts = [(name, share) for name, share in told if (name in LATIN) is latin]
    return ", ".join(
        f"{name} ({share:.0%}{' of the rows' if at == 0 else ''})" for at, (name, share) in enumerate(parts)
    )
