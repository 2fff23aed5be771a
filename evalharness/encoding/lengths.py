"""How long rows are, and what a context would cost: rows over it, and trained tokens lost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from evalharness.encoding.encode import Encoded
from evalharness.encoding.rows import fit

BARS, BAR_WIDTH = 8, 40


def lost(rows: Sequence[Encoded], cap: int, *, pairs: bool) -> dict[str, int]:
    """Trained tokens that either way with over-long rows would lose."""
    return {policy: fit(rows, cap, policy, pairs=pairs)[1].lost for policy in ("drop", "truncate")}


def caps(rows: Sequence[Encoded], context: int, *, pairs: bool = False) -> list[dict[str, int]]:
    """Rows over, and trained tokens lost by dropping or cutting them, at the context and at powers of two below the longest."""
    lengths = [len(row.ids) for row in rows]
    most = max(lengths, default=0)
    looked = {min(context, most), *(1 << power for power in range(5, 24) if most // 16 < 1 << power < most)}
    over = {cap: sum(each > cap for each in lengths) for cap in sorted(looked)}
    return [{"cap": cap, "rows": over[cap], **lost(rows, cap, pairs=pairs)} for cap in over]


def cap_lines(found: Sequence[dict[str, int]]) -> list[str]:
    """A line for each cap."""
    told = "  context={cap:,}: rows over: {rows:,}; trained tokens lost: {drop:,} by drop, {truncate:,} by truncate"
    return [told.format(**each) for each in found]


def histogram(rows: Sequence[Encoded], context: int) -> list[str]:
    """Rows by length, in eighths of the longest that fits; the longer ones in a line of their own."""
    lengths = [len(row.ids) for row in rows]
    width = max(1, math.ceil(max((each for each in lengths if each <= context), default=context) / BARS))
    bars = Counter(BARS if each > context else (each - 1) // width for each in lengths)
    told = [f"{at * width + 1:,} to {(at + 1) * width:,} tokens" for at in range(BARS)]
    told.append(f"more than {context:,}")
    scale = BAR_WIDTH / max(bars.values(), default=1)
    return [f"  {told[at]:>24} {n:>7,}  {'#' * math.ceil(n * scale)}" for at, n in sorted(bars.items())]
