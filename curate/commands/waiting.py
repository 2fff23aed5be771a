"""What is still open on a version, in words: personal data first, for it is still in the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

PERSONAL = "pii"
NAMES = "PERSON"
SHOWN = 6  # kinds that are named, those with most open findings first


def open_lines(summary: Iterable[Mapping[str, Any]], way: str = "", *, perhaps: bool = True) -> list[str]:
    """A line for each kind of personal data that is open, and one for all the rest; nothing where all is decided.

    `summary` are the rows of `curate.deciding.review.summary`; `way` says what takes an open value out of the
    rows, with `{kind}` where its CHECK/LABEL goes. Names that are perhaps none are counted apart, with `perhaps` in a
    line of their own.
    """
    waiting: dict[tuple[str, str], int] = {}
    unsure_ones = 0
    for row in summary:
        unsure = row.get("perhaps", 0)
        unsure_ones += unsure
        if row["open"] > unsure:
            kind = (row["check"], row["label"])
            waiting[kind] = waiting.get(kind, 0) + row["open"] - unsure
    order = sorted(waiting.items(), key=lambda item: (-item[1], item[0]))
    lines = []
    for (check, label), count in order:
        if check != PERSONAL:
            continue
        what = ("name" if label == NAMES else "value") + ("" if count == 1 else "s")
        told = f"{check}/{label}"
        how = f": {way.format(kind=told)}, or seatrial review" if way else ""
        lines.append(f"  {count:,} {what} ({told}) {'is' if count == 1 else 'are'} still in the rows{how}")
    if perhaps and unsure_ones:
        places = "place names" if unsure_ones == 1 else "places name"
        lines.append(
            f"  {unsure_ones:,} {places} what is perhaps no person but a product, a company or a label ({PERSONAL}/{NAMES}): "
            "say once for each word what it is: seatrial review --value WORD --reject-all, or --accept-all"
        )
    rest = [(f"{check}/{label}", count) for (check, label), count in order if check != PERSONAL]
    if rest:
        shown = ", ".join(f"{kind} {count:,}" for kind, count in rest[:SHOWN])
        more = f" and {len(rest) - SHOWN} kinds more" if len(rest) > SHOWN else ""
        lines.append(f"  still open: {shown}{more}")
    return lines
