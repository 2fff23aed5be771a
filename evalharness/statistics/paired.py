"""Two systems on the same examples: the difference, its interval, and tests of it. Arrays in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalharness.statistics.intervals import (
    RESAMPLES,
    Codes,
    Floats,
    Interval,
    group_totals,
    no_interval,
    normal_quantile,
    resampled_means,
    why_no_spread,
)
from evalharness.statistics.studentised import bootstrap_t, unseen_loss

FLIPS = 9999
PATTERNS = 2.0 * ((np.arange(256) >> np.arange(8)[:, None]) & 1) - 1.0  # (8 units, 256 patterns of signs)
ALL_FLIPS = 13  # up to this many units each pattern of signs is tried, and p is exact


@dataclass(frozen=True)
class Rules:
    """What was settled before: the margin, the one-sided error rate, and how intervals are drawn."""

    margin: float = 0.0
    alpha: float = 0.05
    confidence: float = 0.95
    resamples: int = RESAMPLES
    seed: int = 0


STANDARD = Rules()


@dataclass(frozen=True)
class Tail:
    """One-sided p of a paired difference against a margin, both ways, and the test that gave them.

    `above`: chance of so large a difference if the truth were not above the margin.
    `below`: chance of so small a difference if the truth were not below it.
    """

    above: float
    below: float
    test: str


@dataclass(frozen=True)
class Difference:
    """Candidate minus baseline over the pairs that both scored.

    `interval` is two-sided at `confidence`, `inner` two-sided at 1 - 2 alpha: its ends are the
    one-sided bounds that a test at alpha looks at. `p` is against 0, `margin_tail` against the
    margin. What cannot be had is None, and `interval.reason` says why.
    """

    n: int
    units: int  # groups drawn whole, or n
    mean: float | None
    interval: Interval
    inner: Interval
    tail: Tail | None
    margin_tail: Tail | None
    variance: float | None  # of one pair, inflated by grouping: n x SE squared

    @property
    def p(self) -> float | None:
        """One-sided p of no gain at all."""
        return self.tail.above if self.tail else None

    def turned(self) -> Difference:
        """The same where less is better: a gain is below 0. No margin is defined for it."""
        tail = replace(self.tail, above=self.tail.below, below=self.tail.above) if self.tail else None
        return replace(self, tail=tail, margin_tail=None)


def mcnemar_exact(better: int, worse: int) -> float:
    """One-sided exact p that `better` of the discordant pairs is no more than chance; 1 if there are none."""
    from scipy.special import bdtrc

    discordant = better + worse
    return 1.0 if better == 0 else float(bdtrc(better - 1, discordant, 0.5))


def mcnemar_mid(better: int, worse: int) -> float:
    """One-sided mid-p that `better` of the discordant pairs is no more than chance; 1 if there are none.

    The exact p counts the whole of what was seen and errs on one side only: of the error rate that was
    settled it leaves a fifth unused at 300 rows. Half of it keeps the rate (M. Fagerland, S. Lydersen and
    P. Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better than exact
    conditional", 2013; `python -m benchmarks verdict`).
    """
    from scipy.special import bdtr

    discordant = better + worse
    if discordant == 0:
        return 1.0
    below = float(bdtr(worse - 1, discordant, 0.5)) if worse else 0.0
    return (below + float(bdtr(worse, discordant, 0.5))) / 2


def score_z(better: int, worse: int, n: int, margin: float) -> float:
    """Tango's (1998) score statistic of a paired difference of rates against `margin`.

    `better` of `n` pairs only the candidate got right, `worse` only the baseline. Equal to
    McNemar's without correction at margin 0.
    """
    linear = (2 * n - better + worse) * margin - better - worse
    constant = -worse * margin * (1 - margin)
    root = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * root + margin * (1 - margin))
    distance = better - worse - n * margin
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def binary_tail(better: int, worse: int, n: int, margin: float) -> Tail:
    """Tails for 0/1 pairs: McNemar's mid-p at margin 0, else the score test.

    Above a margin the score test is not let below the mid-p against 0: what is not shown to be
    a gain is not shown to be a gain of more than the margin.
    """
    if margin == 0:
        return Tail(mcnemar_mid(better, worse), mcnemar_mid(worse, better), "mid-p McNemar")
    z = score_z(better, worse, n, margin)
    above, below = 0.5 * math.erfc(z / math.sqrt(2)), 0.5 * math.erfc(-z / math.sqrt(2))
    return Tail(max(above, mcnemar_mid(better, worse)), below, "score test with margin")


def score_interval(better: int, worse: int, n: int, confidence: float = 0.95) -> Interval:
    """Tango's interval of a paired difference of rates; defined also where all pairs agree."""
    z = normal_quantile(0.5 + confidence / 2)

    def bound(target: float) -> float:
        low, high = -1.0, 1.0
        for _ in range(60):  # the statistic falls as the margin grows
            middle = (low + high) / 2
            low, high = (middle, high) if score_z(better, worse, n, middle) > target else (low, middle)
        return (low + high) / 2

    return Interval(bound(z), bound(-z), "score")


def sign_flips(units: Floats, margins: Sequence[float], seed: int, flips: int = FLIPS) -> list[Tail]:
    """Tails of a sum against each margin, under all or many ways to turn the units' signs.

    `units` has the sum of differences and the number of rows of each row or group; what is turned is the
    sum less the margin for each row. Up to 13 units every pattern is tried; else `flips` random ones,
    the same for each margin, and the observed counts as one of them, so p is never 0.
    """
    drawn: Floats | None = None
    found = []
    for margin in margins:
        less = units[:, 0] - margin * units[:, 1]
        moving = less[less != 0]
        observed = float(less.sum())
        slack = 1e-9 * max(1.0, float(np.abs(moving).sum()))  # equal sums in another order differ by rounding
        if len(moving) <= ALL_FLIPS:
            every = (np.arange(2 ** len(moving))[:, None] >> np.arange(len(moving))) & 1
            sums = (2.0 * every - 1.0) @ moving
            above, below = float(np.mean(sums >= observed - slack)), float(np.mean(sums <= observed + slack))
            found.append(Tail(above, below, "exact sign-flip"))
            continue
        drawn = _turned(units, seed, flips) if drawn is None else drawn
        sums = drawn[0] - margin * drawn[1]
        more, fewer = (int(np.sum(side)) for side in (sums >= observed - slack, sums <= observed + slack))
        found.append(Tail((1 + more) / (1 + flips), (1 + fewer) / (1 + flips), "sign-flip"))
    return found


def _turned(units: Floats, seed: int, flips: int) -> Floats:
    """(2, flips): sums of both columns under random signs of the rows.

    Eight rows at a time: a random byte says which of their 256 patterns of signs it is, and what each
    pattern comes to is known.
    """
    octets = np.zeros((-(-len(units) // 8) * 8, 2))
    octets[: len(units)] = units
    patterns = np.einsum("uec,ep->cup", octets.reshape(-1, 8, 2), PATTERNS)
    alike = bool(np.all(units[:, 1] == units[0, 1]))  # then the second sum is a count of signs
    rng = np.random.default_rng(seed)
    sums = np.zeros((2, flips))
    heads = np.zeros(flips, dtype=np.int64)
    for place in range(patterns.shape[1]):
        said = np.frombuffer(rng.bytes(flips), dtype=np.uint8)
        index = said.astype(np.intp)
        sums[0] += patterns[0, place].take(index)
        if alike:
            rest = min(8, len(units) - 8 * place)
            heads += np.bitwise_count(said if rest == 8 else said & ((1 << rest) - 1))
        else:
            sums[1] += patterns[1, place].take(index)
    if alike:
        sums[1] = units[0, 1] * (2.0 * heads - len(units))
    return sums


def reach(candidate: Floats, baseline: Floats) -> tuple[float, float]:
    """What a row can lose and what it can win, on average: of scores from 0 to 1 what the baseline has and lacks."""
    both = np.concatenate([candidate, baseline])
    if both.min() < 0 or both.max() > 1:
        most = max(1.0, float(np.abs(candidate - baseline).max()))
        return most, most
    mean = float(baseline.mean())
    return mean, 1 - mean


def tails(
    deltas: Floats,
    groups: Codes | None,
    margins: Sequence[float],
    seed: int,
    within: tuple[float, float] = (1.0, 1.0),
) -> list[Tail]:
    """The test that suits the values, against each margin: binary pairs without groups have one of their own.

    Else the largest p of sign-flip, bootstrap-t and `unseen_loss`, on either side: turning signs alone is too
    sure of differences that are skewed. Units without any spread have no bootstrap-t.
    """
    if groups is None and np.all((deltas == 0) | (np.abs(deltas) == 1)):
        better, worse = int(np.sum(deltas > 0)), int(np.sum(deltas < 0))
        return [binary_tail(better, worse, len(deltas), margin) for margin in margins]
    return unit_tails(group_totals(deltas, groups), margins, seed, within)


def unit_tails(
    units: Floats,
    margins: Sequence[float],
    seed: int,
    within: tuple[float, float],
    most: int | None = None,
) -> list[Tail]:
    """The same of sums and numbers of rows, a line each row or group; with at most so many flips and resamples."""
    turned = sign_flips(units, margins, seed, most or FLIPS)
    resampled = bootstrap_t(units, margins, seed, most=most)
    name = "" if resampled is None else " and bootstrap-t"
    others = zip(unseen_loss(units, margins, within), resampled or [(0.0, 0.0)] * len(margins), strict=True)
    return [
        Tail(max(tail.above, unseen[0], drawn[0]), max(tail.below, unseen[1], drawn[1]), tail.test + name)
        for tail, (unseen, drawn) in zip(turned, others, strict=True)
    ]


def mean_variance(values: Floats, groups: Codes | None) -> float:
    """The mean's squared standard error; by groups (Miller 2024, with C/(C-1)) where there are groups."""
    n = len(values)
    if groups is None:
        return float(values.var(ddof=1)) / n
    sums = group_totals(values - values.mean(), groups)[:, 0]
    return float(np.sum(sums**2)) / n**2 * len(sums) / (len(sums) - 1)


def paired_difference(
    candidate: Floats, baseline: Floats, groups: Codes | None = None, rules: Rules = STANDARD
) -> Difference:
    """The mean paired difference, its bootstrap interval and tests against 0 and the margin.

    Both arrays hold the same examples in the same order, without NaN. With groups whole groups are
    drawn and turned. Fewer than two pairs, or one group: no interval and no p, with the reason.
    """
    deltas = candidate - baseline
    n = len(deltas)
    units = n if groups is None else len(np.unique(groups))
    reason = why_no_spread(deltas, groups)
    if n < 2 or units < 2:
        none = no_interval(reason or "too few pairs")
        return Difference(n, units, float(deltas.mean()) if n else None, none, none, None, None, None)
    levels = (rules.confidence, 1 - 2 * rules.alpha)
    within = reach(candidate, baseline)
    tail, margin_tail = tails(deltas, groups, (0.0, rules.margin), rules.seed, within)
    # drawn patterns of signs differ by chance; what is no gain is no gain beyond a margin either
    margin_tail = replace(margin_tail, above=max(margin_tail.above, tail.above))
    if reason is None:
        draws = resampled_means(deltas, groups, rules.resamples, rules.seed)
        method = "paired bootstrap" if groups is None else "paired group bootstrap"
        wide, inner = (percentile_interval(draws, level, method) for level in levels)
    elif groups is None and np.all(np.isin(candidate, (0, 1)) & np.isin(baseline, (0, 1))):
        better, worse = int(np.sum(deltas > 0)), int(np.sum(deltas < 0))
        wide, inner = (score_interval(better, worse, n, level) for level in levels)
    else:
        wide = inner = no_interval(reason)
    variance, mean = mean_variance(deltas, groups) * n, float(deltas.mean())
    return Difference(n, units, mean, wide, inner, tail, margin_tail, variance)


def percentile_interval(draws: Floats, confidence: float, method: str) -> Interval:
    """The middle `confidence` of resampled values."""
    low, high = np.quantile(draws, ((1 - confidence) / 2, (1 + confidence) / 2))
    return Interval(float(low), float(high), method)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjusted p values, in the order given; a claim without p stays None and is not counted."""
    known = sorted((p, index) for index, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, index) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - rank)))
        adjusted[index] = highest
    return adjusted
