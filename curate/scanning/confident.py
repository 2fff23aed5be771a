"""Confident learning: which labels are wrong, by probabilities that did not see them.

The method of Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset
Labels", JAIR 70 (2021). The probabilities must be out of sample: those of a row by a model that was
not fitted on it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.integer]
Probabilities = NDArray[np.floating]


def confidences(labels: Codes, probabilities: Probabilities) -> NDArray[np.float64]:
    """(class,): how sure the model is of a class in the rows that carry its label, on the mean.

    It is the threshold above which a row counts for a class; of a class without rows, infinity.
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    rows = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, weights=own, minlength=classes)
    mean = np.full(classes, np.inf)
    mean[rows > 0] = sums[rows > 0] / rows[rows > 0]
    return mean


def confident_classes(labels: Codes, probabilities: Probabilities) -> NDArray[np.int64]:
    """(row,): the most probable of the classes whose threshold the row reaches; -1 where none."""
    # probabilities that are equal but for rounding must not fall to different sides
    reached = probabilities >= confidences(labels, probabilities) - 1e-6
    best = np.where(reached, probabilities, -1.0).argmax(axis=1)
    return np.where(reached.any(axis=1), best, -1)


def confident_errors(labels: Codes, probabilities: Probabilities) -> int:
    """How many rows are confidently of another class than their label: the joint's count beside its diagonal.

    It is not scaled to all rows, so it errs on the side of too few where the model is unsure.
    """
    true = confident_classes(labels, probabilities)
    return int(((true >= 0) & (true != labels)).sum())


def confident_joint(labels: Codes, probabilities: Probabilities) -> NDArray[np.float64]:
    """(given, true): how many rows carry one label and are confidently of a class, scaled to all rows.

    Each line sums to the rows with that label, as in formula (2) of the paper.
    """
    classes = probabilities.shape[1]
    true = confident_classes(labels, probabilities)
    counted = np.zeros((classes, classes))
    np.add.at(counted, (labels[true >= 0], true[true >= 0]), 1)
    empty = counted.sum(axis=1) == 0  # a label none of whose rows counts is taken to be right
    counted[empty, empty] = 1
    rows = np.bincount(labels, minlength=classes)
    counted *= (rows / counted.sum(axis=1))[:, None]
    return counted


def margins(labels: Codes, probabilities: Probabilities) -> NDArray[np.float64]:
    """(row,): the probability of the best other class less that of the label, -1 to 1."""
    at = np.arange(len(labels))
    others = probabilities.astype(np.float64)
    others[at, labels] = -np.inf
    return np.asarray(others.max(axis=1) - probabilities[at, labels], dtype=np.float64)


def find_label_issues(labels: Codes, probabilities: Probabilities) -> NDArray[np.int64]:
    """The numbers of the rows whose label is probably wrong, the surest first.

    Of each (given, true) cell of the joint so many rows as it counts: those with that label for which
    the other class is ahead of it by most ("prune by noise rate" of the paper). A label keeps at least
    one row. A row whose label is its most probable class is never among them.
    """
    joint = np.rint(confident_joint(labels, probabilities)).astype(np.int64)
    issue = np.zeros(len(labels), dtype=bool)
    for given in range(probabilities.shape[1]):
        members = np.flatnonzero(labels == given)
        if len(members) < 2:
            continue
        own = probabilities[members, given]
        for true in np.flatnonzero(joint[given]):
            if true == given:
                continue
            ahead = probabilities[members, true] - own
            order = np.argsort(-ahead, kind="stable")[: joint[given, true]]
            issue[members[order]] = True
        if issue[members].all():
            issue[members[np.argmax(own)]] = False
    issue &= probabilities.argmax(axis=1) != labels
    found = np.flatnonzero(issue)
    return found[np.argsort(-margins(labels, probabilities)[found], kind="stable")]
