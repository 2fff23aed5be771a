"""Agreement, against published worked examples."""

from __future__ import annotations

import random

import pytest

from curate.agreement import METRICS, Metric, alpha, kappa, pairs
from curate.errors import ConfigError


def units(rows: dict[str, str]) -> list[dict[str, str]]:
    """Columns of a table of raters, `.` for a gap, as units."""
    length = len(next(iter(rows.values())).split())
    told = {rater: row.split() for rater, row in rows.items()}
    return [{r: v[i] for r, v in told.items() if v[i] != "."} for i in range(length)]


# K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), sections A to C and the answers there
MEG_OWEN = units({"Meg": "0 1 0 0 0 0 0 0 1 0", "Owen": "1 1 1 0 0 1 0 0 0 0"})
BEN_GERRY = units({"Ben": "a a b b d c c c e d d a", "Gerry": "b a b b b c c c e d d d"})
FOUR = units(
    {
        "A": "1 2 3 3 2 1 4 1 2 . . .",
        "B": "1 2 3 3 2 2 4 1 2 5 . 3",
        "C": ". 3 3 3 2 3 4 2 2 5 1 .",
        "D": "1 2 3 3 2 4 4 1 2 5 1 .",
    }
)


@pytest.mark.parametrize(
    ("data", "metric", "published"),
    [
        (MEG_OWEN, "nominal", 0.095),
        (BEN_GERRY, "nominal", 0.692),
        (FOUR, "nominal", 0.743),
        (FOUR, "ordinal", 0.815),
        (FOUR, "interval", 0.849),
    ],
)
def test_alpha_as_published(data: list[dict[str, str]], metric: Metric, published: float) -> None:
    """To the three digits in the paper; the interval holds the point."""
    found = alpha(data, metric)
    assert found.alpha is not None and round(found.alpha, 3) == published
    assert found.low is not None and found.high is not None and found.low <= found.alpha <= found.high


def spread(table: list[list[int]]) -> list[dict[str, str]]:
    """Units of two raters from a table of counts."""
    return [
        {"A": str(i), "B": str(j)}
        for i, row in enumerate(table)
        for j, count in enumerate(row)
        for _ in range(count)
    ]


def test_kappa_and_its_error_as_published() -> None:
    """J. L. Fleiss, "Statistical methods for rates and proportions" (2nd ed. 1981), table 13.1: .68, se .087.

    The book goes on from a kappa rounded to .68; from .6765 the error is .0877.
    """
    found = kappa(spread([[75, 1, 4], [5, 4, 1], [0, 0, 10]]), "A", "B")
    assert found.kappa is not None and found.low is not None and found.high is not None
    assert (found.n, round(found.agreement or 0, 2), round(found.kappa, 2)) == (100, 0.89, 0.68)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.087, abs=0.001)


def test_kappa_is_that_of_scikit_learn() -> None:
    """On random words of three kinds, many times."""
    from sklearn.metrics import cohen_kappa_score

    draw = random.Random(5)
    for _ in range(20):
        one = [draw.choice("abc") for _ in range(60)]
        two = [word if draw.random() < 0.6 else draw.choice("abcd") for word in one]
        found = kappa([{"A": a, "B": b} for a, b in zip(one, two, strict=True)], "A", "B")
        assert found.kappa == pytest.approx(cohen_kappa_score(one, two), abs=1e-12)


def test_the_interval_of_kappa_covers_as_often_as_it_says() -> None:
    """Of 400 samples of a known table about 95 % of the intervals hold its kappa."""
    draw = random.Random(1)
    # shares .4 .1 / .1 .4: observed .8, chance .5, kappa .6
    cells = [("x", "x")] * 4 + [("x", "y"), ("y", "x")] + [("y", "y")] * 4
    hits = 0
    for _ in range(400):
        sample = [draw.choice(cells) for _ in range(150)]
        found = kappa([{"A": a, "B": b} for a, b in sample], "A", "B")
        assert found.low is not None and found.high is not None
        hits += found.low <= 0.6 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


@pytest.mark.parametrize("metric", METRICS)
def test_full_agreement_chance_and_nothing(metric: Metric) -> None:
    """One where all agree, near zero by chance, none where nothing is shared or nothing varies."""
    full = [{"A": str(n % 3), "B": str(n % 3), "C": str(n % 3)} for n in range(30)]
    assert alpha(full, metric).alpha == 1
    draw = random.Random(2)
    chance = [{r: draw.choice("123") for r in "AB"} for _ in range(3000)]
    assert abs(alpha(chance, metric).alpha or 1) < 0.05
    assert alpha([{"A": "1"}, {"B": "2"}], metric).alpha is None
    assert alpha([{"A": "1", "B": "1"}] * 4, metric).alpha is None
    assert kappa([{"A": "1", "B": "1"}] * 4, "A", "B")[1:4] == (4, 1.0, None)
    assert kappa([], "A", "B").n == 0


def test_words_are_no_scale() -> None:
    """Ordinal and interval need numbers, and say so."""
    for word in ("good", "nan", "inf"):
        with pytest.raises(ConfigError, match="no number"):
            alpha([{"A": word, "B": "2"}], "ordinal")


def test_each_pair_that_shares_units() -> None:
    """Carl has rated nothing that the others have."""
    found = pairs([{"anna": "x", "ben": "x"}, {"anna": "y", "ben": "x"}, {"carl": "y"}])
    assert [(each.raters, each.n) for each in found] == [(("anna", "ben"), 2)]


def test_order_of_units_and_names_changes_nothing() -> None:
    """The same words shuffled: the same figures, intervals included."""
    shuffled = [dict(reversed(unit.items())) for unit in FOUR]
    random.Random(3).shuffle(shuffled)
    assert alpha(shuffled, "ordinal") == alpha(FOUR, "ordinal")


def test_many_values_give_the_same_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Free texts are held otherwise; the figures are those of the table."""
    draw = random.Random(9)
    texts = [{r: str(draw.randrange(90)) if draw.random() < 0.5 else "x" for r in "ABC"} for _ in range(150)]
    table = alpha(texts)
    monkeypatch.setattr("curate.agreement.WIDE", 10)
    wide = alpha(texts)
    assert wide.alpha == pytest.approx(table.alpha, abs=1e-12)
    assert wide.agreement == pytest.approx(table.agreement, abs=1e-12)
    assert wide.low == pytest.approx(table.low, abs=0.02) and wide.high == pytest.approx(table.high, abs=0.02)
