"""How likely a label was given without regard to its text: what parts a wrong label from classes that overlap.

Where classes overlap, the surer the opinions are of a text, the fewer labels speak against them. Labels that
are wrong get no fewer: they stand against texts of which all else is sure. So each label is taken to be drawn
from what the opinions say (at some scale), or, with a small probability, by lot from all labels. Where that
probability may as well be 0, with few rows or labels that are hard to tell, no row can be called wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curate.checks.wrong_label.opinions import SCALES, Codes, Table, balanced, softmax

SHARES = np.concatenate([[0.0], np.geomspace(0.001, 0.4, 28)])  # of labels given by lot
# of the log likelihood, from which on a share above 0 is sure at 95 %: half of 1.645 squared, as of a chi-square
FALL = 1.35
FAINTEST = 1e-6  # probability that is added to all, for an opinion may be 0


def by_lot(opinions: Sequence[Table], codes: Codes) -> NDArray[np.float64]:
    """(row,): the probability that the label was given by lot; 0 where it is not sure that any label was.

    The mean of the opinions is taken, not what they say jointly: that has a floor for each label, and of many
    labels the floors together are as many wrong ones as there may be.
    """
    mean = np.asarray(sum(opinions) / len(opinions) + FAINTEST, dtype=np.float32)
    logs = np.log(balanced(mean, codes) + 1e-9)
    classes = logs.shape[1]
    rows = np.arange(len(codes))
    own = np.stack([softmax(logs * scale)[rows, codes] for scale in SCALES]).astype(np.float64)
    likely = np.array(
        [np.log((1 - share) * own + share / classes + 1e-12).sum(axis=1) for share in SHARES]
    )  # (share, scale)
    best = likely.max(axis=1)
    at = int(best.argmax())
    if best[0] >= best[at] - FALL:
        return np.zeros(len(codes))
    drawn = SHARES[at] / classes
    said = (1 - SHARES[at]) * own[likely[at].argmax()]
    return np.asarray(drawn / (said + drawn), dtype=np.float64)
