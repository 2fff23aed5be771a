"""Confident learning: held against a count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from curate.scanning.confident import (
    confidences,
    confident_errors,
    confident_joint,
    find_label_issues,
    margins,
)

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
SAID = np.array([0.9, 0.8, 0.9, 0.1, 0.1, 0.2, 0.1, 0.9])  # of class 0
CHANCES = np.stack([SAID, 1 - SAID], axis=1)


def test_a_class_asks_for_as_much_as_its_rows_have_on_the_mean():
    assert confidences(LABELS, CHANCES) == pytest.approx(
        [(0.9 + 0.8 + 0.9 + 0.1) / 4, (0.9 + 0.8 + 0.9 + 0.1) / 4]
    )


def test_a_class_without_rows_is_never_reached():
    wider = np.hstack([CHANCES, np.zeros((8, 1))])
    assert confidences(LABELS, wider)[2] == np.inf
    assert find_label_issues(LABELS, wider).tolist() == [3, 7]


def test_the_joint_counts_the_confident_rows_and_sums_to_all_rows():
    """Thresholds are .675: rows 0 to 2 are of class 0, row 3 of class 1, and the other way round."""
    joint = confident_joint(LABELS, CHANCES)
    assert joint.tolist() == [[3.0, 1.0], [1.0, 3.0]]


def test_the_rows_that_speak_most_against_their_label_come_first():
    chances = CHANCES.copy()
    chances[3] = 0.05, 0.95
    assert find_label_issues(LABELS, chances).tolist() == [3, 7]
    assert margins(LABELS, chances)[3] == pytest.approx(0.9)


def test_right_labels_are_no_issue():
    chances = np.stack([1 - LABELS * 0.9 - 0.05, LABELS * 0.9 + 0.05], axis=1)
    assert find_label_issues(LABELS, chances).tolist() == []


def test_a_label_keeps_a_row():
    """All rows of a label may look wrong; then it is the model that does not know the label."""
    labels = np.array([0, 0, 1, 1, 1, 1])
    said = np.array([0.2, 0.3, 0.1, 0.1, 0.2, 0.1])
    issues = find_label_issues(labels, np.stack([said, 1 - said], axis=1))
    assert len(set(issues.tolist()) & {0, 1}) <= 1


def test_equal_to_a_slow_independent_count():
    draw = np.random.default_rng(5)
    labels = draw.integers(0, 4, 300)
    chances = draw.dirichlet([0.4] * 4, 300)
    limits = [np.mean([chances[i, k] for i in range(300) if labels[i] == k]) for k in range(4)]
    counts = [[0.0] * 4 for _ in range(4)]
    for i in range(300):
        over = [k for k in range(4) if chances[i, k] >= limits[k]]
        if over:
            counts[labels[i]][max(over, key=lambda k: chances[i, k])] += 1
    wanted = set()
    for given in range(4):
        members = [i for i in range(300) if labels[i] == given]
        for true in range(4):
            if true == given:
                continue
            share = round(counts[given][true] / sum(counts[given]) * len(members))
            ahead = sorted(members, key=lambda i: chances[i, given] - chances[i, true])
            wanted |= set(ahead[:share])
    wanted = {i for i in wanted if max(chances[i]) > chances[i, labels[i]]}
    assert set(find_label_issues(labels, chances).tolist()) == wanted


def test_errors_are_counted_where_the_model_is_confident_of_another_class() -> None:
    """One row reaches another class's threshold, one is unsure of its own, the others are right."""
    labels = np.array([0, 0, 0, 1, 1, 1])
    sure = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.2, 0.8], [0.45, 0.55]])
    assert confident_errors(labels, sure) == 1
    assert confident_errors(labels[[0, 1, 3, 4]], sure[[0, 1, 3, 4]]) == 0
