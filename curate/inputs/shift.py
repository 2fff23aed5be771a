"""How two samples differ: labels' mix, lengths, languages, and how well a classifier tells them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Reals = NDArray[np.float64]

MOST = 4_000  # rows of each side that a classifier learns from
SEED = 20_260_101
FOLDS = 5
RESAMPLES = 50  # for the interval of the labels' mix
STEPS = 60  # of the estimate at most
NEAR = 1e-6  # change of a share at which the estimate stands
SHOWN = 10  # labels, those that differ most first


@dataclass(frozen=True)
class Shift:
    """A two-sample test of one property."""

    what: str
    test: str  # Kolmogorov-Smirnov or chi-squared
    p: float
    effect: float  # KS distance, 0 to 1; or Cramer's V, 0 to 1
    train: dict[str, float]  # quantiles, or shares
    inputs: dict[str, float]


def drift_of(what: str, train: pl.Series, inputs: pl.Series) -> Shift:
    """Numbers by Kolmogorov and Smirnov's test, names by chi-squared; p is not corrected for several tests."""
    from scipy.stats import chi2_contingency, ks_2samp

    if train.dtype.is_numeric():
        found = ks_2samp(train.to_numpy(), inputs.to_numpy())
        return Shift(
            what,
            "Kolmogorov-Smirnov",
            float(found.pvalue),
            round(float(found.statistic), 4),
            _quartiles(train),
            _quartiles(inputs),
        )
    names = sorted({*train.unique().to_list(), *inputs.unique().to_list()})
    table = np.array([[(side == name).sum() for name in names] for side in (train, inputs)], dtype=float)
    p, effect = 1.0, 0.0
    if len(names) > 1:
        statistic, p, _, _ = chi2_contingency(table, correction=False)
        effect = float(np.sqrt(statistic / table.sum()))  # of two rows Cramer's V is the root of chi2 / n
    shares = table / table.sum(axis=1, keepdims=True)
    told = [dict(zip(names, (round(float(s), 4) for s in row), strict=True)) for row in shares]
    return Shift(what, "chi-squared", float(p), round(effect, 4), told[0], told[1])


def _quartiles(sizes: pl.Series) -> dict[str, float]:
    return {f"{q:.0%}": float(sizes.quantile(q, "nearest") or 0) for q in (0.05, 0.25, 0.5, 0.75, 0.95)}


def mix_of(known: Any, labels: pl.Series, met: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - dense or sparse
    """How the inputs are probably mixed by label, beside the training part; empty where that has no two labels.

    A classifier's probabilities, with its prior moved until it agrees with them (Saerens, Latinne and
    Decaestecker 2002), so that its own errors do not pass for a shift. The intervals (95 %) are of
    resampled inputs: they leave out the classifier's own doubt, and assume that a label's inputs look
    as its training rows do.
    """
    told = labels.is_not_null().to_numpy()
    counts = labels.drop_nulls().value_counts().filter(pl.col("count") >= FOLDS)
    if counts.height < 2:
        return []
    keep = np.flatnonzero(
        told & labels.is_in(counts.to_series(0).implode()).fill_null(value=False).to_numpy()
    )[: 2 * MOST]
    names = labels.gather(keep).to_numpy()
    model = _classifier().fit(known[keep], names)
    if len(model.classes_) < 2:
        return []
    sure = model.predict_proba(met[: min(met.shape[0], MOST)])
    prior = np.array([(names == name).mean() for name in model.classes_])
    share = _prior(sure, prior)
    draw = np.random.default_rng(SEED)
    again = np.array([_prior(sure[draw.integers(0, len(sure), len(sure))], prior) for _ in range(RESAMPLES)])
    low, high = np.quantile(again, [0.025, 0.975], axis=0)
    order = np.argsort(-np.abs(share - prior), kind="stable")[:SHOWN]
    return [
        {
            "label": str(model.classes_[n]),
            "train": round(float(prior[n]), 4),
            "inputs": round(float(share[n]), 4),
            "low": round(float(low[n]), 4),
            "high": round(float(high[n]), 4),
        }
        for n in order
    ]


def _prior(sure: Reals, prior: Reals) -> Reals:
    """The mix of labels under which the probabilities, moved to it, agree with it."""
    share = prior
    for _ in range(STEPS):
        moved = sure * (share / prior)
        moved /= moved.sum(axis=1, keepdims=True)
        new = moved.mean(axis=0)
        if np.abs(new - share).max() < NEAR:
            return np.asarray(new)
        share = new
    return share


def distinguished(train: Any, inputs: Any) -> tuple[float, float, float]:  # noqa: ANN401
    """(AUC, low, high) of a classifier that tells inputs from training rows, on rows it did not learn from.

    0.5: it cannot. The interval (95 %) is DeLong's. Both sides are cut to equal size.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    few = min(train.shape[0], inputs.shape[0], MOST)
    sides = [train[:few], inputs[:few]]
    if hasattr(train, "toarray"):
        from scipy.sparse import vstack

        points = vstack(sides).tocsr()
    else:
        points = np.concatenate(sides)
    truth = np.repeat([0, 1], few)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    scores = cross_val_predict(_classifier(), points, truth, cv=folds, method="decision_function")
    return delong(scores[truth == 0], scores[truth == 1])


def delong(lower: Reals, higher: Reals) -> tuple[float, float, float]:
    """(AUC, low, high): the chance that a score of `higher` is above one of `lower`, ties by half (DeLong 1988)."""
    from scipy.stats import rankdata

    both = rankdata(np.concatenate([lower, higher]))
    m, n = len(lower), len(higher)
    below = (both[m:] - rankdata(higher)) / m  # of each higher score, the share of lower ones below it
    above = 1 - (both[:m] - rankdata(lower)) / n
    auc = float(below.mean())
    spread = 1.959964 * float(np.sqrt(below.var(ddof=1) / n + above.var(ddof=1) / m))
    return auc, max(0.0, auc - spread), min(1.0, auc + spread)


def _classifier() -> Any:  # noqa: ANN401
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10.0, max_iter=1_000)
