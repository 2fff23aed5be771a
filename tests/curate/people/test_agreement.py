"""Agreement, against published worked examples."""

from __future__ import annotations

import random

import numpy as np
import pytest

from curate.errors import ConfigError
from curate.people.agreement import METRICS, RESAMPLES, Metric, alpha, kappa, kappa_error, pairs


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
    cells = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]
    found = kappa(spread(cells), "A", "B")
    assert found.kappa is not None and found.low is not None and found.high is not None
    assert (found.n, round(found.agreement or 0, 2), round(found.kappa, 2)) == (100, 0.89, 0.68)
    table = np.array(cells) / 100
    chance = float(table.sum(1) @ table.sum(0))
    error = kappa_error(table, found.kappa, chance, 100)
    assert error == pytest.approx(0.087, abs=0.001)
    assert found.low <= found.kappa - 1.95 * error and found.high >= found.kappa + 1.95 * error


def test_kappa_is_that_of_scikit_learn() -> None:
    """On random words of three kinds, many times."""
    from sklearn.metrics import cohen_kappa_score

    draw = random.Random(5)
    for _ in range(20):
        one = [draw.choice("abc") for _ in range(60)]
        two = [word if draw.random() < 0.6 else draw.choice("abcd") for word in one]
        found = kappa([{"A": a, "B": b} for a, b in zip(one, two, strict=True)], "A", "B")
        assert found.kappa == pytest.approx(cohen_kappa_score(one, two), abs=1e-12)


def drawn(true: float, often: float, n: int, draw: random.Random) -> list[dict[str, str]]:
    """N units of two raters with a kappa of `true`, who both say x of a share `often`."""
    both = often * (1 - often)
    cells = [
        often * often + both * true,
        both * (1 - true),
        both * (1 - true),
        (1 - often) ** 2 + both * true,
    ]
    said = draw.choices(("xx", "xy", "yx", "yy"), cells, k=n)
    return [{"A": each[0], "B": each[1]} for each in said]


@pytest.mark.parametrize("n", [6, 20, 100])
@pytest.mark.parametrize("often", [0.5, 0.9])
@pytest.mark.parametrize("true", [0.0, 0.6, 0.95])
def test_the_interval_of_kappa_covers_as_often_as_it_says(true: float, often: float, n: int) -> None:
    """Of 300 samples of a known table at least 92 % of the intervals hold its kappa, also of few units."""
    draw = random.Random(1)
    found = [kappa(drawn(true, often, n, draw), "A", "B") for _ in range(300)]
    told = [(each.low, each.high) for each in found if each.low is not None and each.high is not None]
    assert len(told) >= 20
    assert sum(low <= true <= high for low, high in told) / len(told) >= 0.92


@pytest.mark.parametrize("n", [6, 30])
def test_the_interval_of_alpha_covers_as_often_as_it_says(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for alpha, whose true value is that of kappa where both say x equally often."""
    monkeypatch.setattr("curate.people.agreement.RESAMPLES", 200)
    draw = random.Random(4)
    found = [alpha(drawn(0.9, 0.7, n, draw)) for _ in range(100)]
    told = [(each.low, each.high) for each in found if each.low is not None and each.high is not None]
    assert sum(low <= 0.9 <= high for low, high in told) / len(told) >= 0.9


def test_full_agreement_of_few_is_not_sure() -> None:
    """Six judged alike: 1, and a lower limit that six can bear; the more there are, the higher it is."""
    units = [{"a": word, "b": word} for word in "xxxyyy"]
    for found in (kappa(units, "a", "b"), alpha(units)):
        value = found.kappa if hasattr(found, "kappa") else found.alpha
        assert value == 1 == found.high and found.low is not None and 0 < found.low < 0.5
    # Wilson's lower limit of 6 of 6 is .6097; chance is .5
    assert kappa(units, "a", "b").low == pytest.approx((0.6097 - 0.5) / 0.5, abs=1e-3)
    more = kappa(units * 20, "a", "b").low
    assert more is not None and more > 0.9
    scale = alpha([{"a": word, "b": word} for word in "123456"], "interval")
    assert scale.low is not None and scale.low < 0.5


def test_one_who_says_the_same_of_all_has_no_interval() -> None:
    """Kappa is 0 whatever the other says: told as such, not as a sure 0."""
    units = [{"a": "x", "b": "x" if number % 3 else "y"} for number in range(50)]
    found = kappa(units, "a", "b")
    assert (found.kappa, found.low, found.high, found.reason) == (0, None, None, "a says the same of all 50")
    assert str(found.kappa) == "0.0"


def test_resamples_in_which_nothing_varies_are_left_out_and_counted() -> None:
    """One unit of 50 has the other answer: a third of the resamples lack it, and do not count as 1."""
    found = alpha([{"a": "x", "b": "x"}] * 49 + [{"a": "x", "b": "y"}])
    assert 0.3 < found.undefined / RESAMPLES < 0.43
    assert found.alpha is not None and found.low is not None and found.high is not None
    assert found.low < -1 and found.high < 1, "one difference in 50 tells nearly nothing"
    assert alpha([{"a": "x", "b": "y"}]).reason == "n is 1"


def test_as_many_resamples_as_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there are many values."""
    draws = []
    real = np.random.default_rng(0)

    class Counted:
        def integers(self, *args: int) -> object:
            draws.append(args)
            return real.integers(*args)

    monkeypatch.setattr("curate.people.agreement.WIDE", 1)
    monkeypatch.setattr("numpy.random.default_rng", lambda seed: Counted())
    alpha([{"a": str(n), "b": str(n // 2)} for n in range(20)])
    assert len(draws) == RESAMPLES == 2_000


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
    same = kappa([{"A": "1", "B": "1"}] * 4, "A", "B")
    assert same[1:4] == (4, 1.0, None) and same.reason.startswith("all say the same")
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
    monkeypatch.setattr("curate.people.agreement.WIDE", 10)
    wide = alpha(texts)
    assert wide.alpha == pytest.approx(table.alpha, abs=1e-12)
    assert wide.agreement == pytest.approx(table.agreement, abs=1e-12)
    assert wide.low == pytest.approx(table.low, abs=0.02) and wide.high == pytest.approx(table.high, abs=0.02)
