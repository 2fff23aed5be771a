"""Active learning: a model of the answers so far says what the others may be, and which to ask for next.

Logistic regression on sentence vectors, or on words and pairs of words where there is no encoder. The
rows that it is least sure of come first, of many kinds; of each few the alike come one after the other.
Of a large version it ranks a sample: what a training reads, holds and takes does not grow with the rows.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from curate.labelling.answers import Said, standing
from curate.labelling.pool import drawn, kept_words, texts_at, weights
from curate.labelling.suggestions import keep
from curate.labelling.tasks import Task
from curate.labelling.work import placed
from curate.progress import Progress
from curate.scanning.embedding import AUTO, NONE, Encoder, Vectors, find_encoder
from curate.workspace import Workspace, now

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

TAUGHT = 20_000  # answers at most, the newest, that are learned from
FEWEST = 4  # answers, below which nothing is learned
FEWEST_TOLD = 20  # answers, below which nobody can say how often the model is right
FOLDS = 5
STRENGTH = 10.0  # inverse regularisation
ENCODED = 20_000  # texts at most that are encoded without having been asked for an encoder
BLOCK = 20  # rows that are chosen to differ from one another
POOL = 200  # of so many, the most in doubt
ARRANGED = 2_000  # rows so arranged; nobody answers more before the model is trained again

Table = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class Taught(NamedTuple):
    """What came of it; `why` says why nothing was learned, else it is empty."""

    trained_on: int
    rows: int  # that have a suggestion and a place in the order
    of: int  # rows of the version; where there are more, those ranked are a seeded sample
    features: str
    right: float | None
    why: str = ""


def suggest(workspace: Workspace, dataset: str, task: Task, encoder: str = AUTO) -> Taught:
    """Train on all people's standing answers and write what is proposed for each row of a version."""
    said = list(placed(workspace, dataset, task, standing(workspace, task).said))
    ids = workspace.scan_examples(dataset).select("example_id").collect()["example_id"]
    why = _too_little(task, said)
    if why:
        return Taught(len(said), 0, len(ids), "", None, why)
    learned = sorted(said, key=lambda each: (each[1].at, each[1].uid))[-TAUGHT:]
    with Progress("suggest", total=3) as progress:
        answered = np.array([place for place, _ in learned], dtype=np.int64)
        pool = drawn(len(ids), answered)
        features, told = _features(workspace, dataset, task, pool, encoder)
        progress.step()
        answers = [word.value for _, word in learned]
        learn = _several if task.kind == "several" else _one_of
        guess = learn(task, features, np.searchsorted(pool, answered), answers)
        progress.step()
        rank = arranged(features, guess.doubt)
        progress.step()
    if len(learned) < len(said):
        told += f", of the newest {TAUGHT:,} answers"
    rows = pl.DataFrame(
        {"example_id": ids[pool], "answer": guess.answers, "probability": guess.sure, "rank": rank}
    )
    facts: dict[str, object] = {
        "trained_on": len(said), "made_at": now(), "features": told, "right": guess.right, "of": len(ids),
    }  # fmt: skip
    keep(workspace, dataset, task, rows, facts)
    return Taught(len(said), rows.height, len(ids), told, guess.right)


def _too_little(task: Task, said: Sequence[tuple[int, Said]]) -> str:
    """Why nothing can be learned from these answers; empty where it can."""
    if task.kind == "text":
        return "free text cannot be suggested"
    if len(said) < FEWEST:
        return f"{len(said)} answers are too few to learn from: it takes {FEWEST}, of two kinds"
    if len({json.dumps(word.value) for _, word in said}) < 2:
        return "all answers are the same so far: there is nothing to tell apart"
    return ""


def _features(workspace: Workspace, dataset: str, task: Task, pool: Places, encoder: str) -> tuple[Any, str]:
    """(one line for each row of the pool, what they are made by): vectors if they can be had soon, else words."""
    found = find_encoder(encoder)
    if found is not None:
        texts = texts_at(workspace.scan_examples(dataset), task, pool)
        vectors = Vectors(found, workspace.vectors / found.fingerprint)
        if encoder != AUTO or _missing(vectors, texts) <= ENCODED:
            return vectors.of(texts), _told(found)
    why = "" if encoder == NONE else " (no encoder)" if found is None else " (too many texts to encode)"
    return weights(kept_words(workspace, dataset, task, pool)), f"words{why}"


def _told(encoder: Encoder) -> str:
    return f"meaning by {encoder.name}"


def _missing(vectors: Vectors, texts: Sequence[str]) -> int:
    """How many different texts have yet to be encoded."""
    from curate.scanning.embedding import key_of

    return len({key for key in map(key_of, texts) if key not in vectors.known})


class Guess(NamedTuple):
    """For each row: the answer as JSON, how probable it is, and how much is in doubt (0 to 1)."""

    answers: list[str]
    sure: Table
    doubt: Table
    right: float | None


def _one_of(task: Task, features: Any, places: Places, answers: Sequence[Any]) -> Guess:  # noqa: ANN401
    """One of several answers: their probabilities; doubt is what the best two leave between them."""
    del task
    values = sorted({json.dumps(value) for value in answers})
    number = {value: at for at, value in enumerate(values)}
    codes = np.array([number[json.dumps(value)] for value in answers], dtype=np.int64)
    table = _probabilities(features, places, codes)(features)
    best = table.argmax(axis=1)
    top = np.sort(table, axis=1)[:, -2:]
    right = _out_of_fold(features, places, codes)
    return Guess([values[at] for at in best], top[:, 1], 1 - (top[:, 1] - top[:, 0]), right)


def _several(task: Task, features: Any, places: Places, answers: Sequence[Any]) -> Guess:  # noqa: ANN401
    """Any of several: each option for itself; what nobody or everybody chose is not learned."""
    sure = np.zeros((features.shape[0], len(task.names)))
    for at, name in enumerate(task.names):
        codes = np.array([name in value for value in answers], dtype=np.int64)
        if 0 < codes.sum() < len(codes):
            sure[:, at] = _probabilities(features, places, codes)(features)[:, 1]
        else:
            sure[:, at] = float(codes.all())
    chosen = sure >= 0.5
    said = [json.dumps([n for n, on in zip(task.names, row, strict=True) if on]) for row in chosen]
    each = np.where(chosen, sure, 1 - sure)
    return Guess(said, each.prod(axis=1), 2 * (1 - each.min(axis=1)), None)


def _probabilities(features: Any, places: Places, codes: Places) -> Callable[[Any], Table]:  # noqa: ANN401
    """A model of these rows, as a function from features to (row, class)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=STRENGTH, max_iter=200, tol=1e-3)
    shown = features[places]
    # a word that no answered row has gets no weight: left out, the model is the same, and small
    kept = np.unique(shown.indices) if hasattr(shown, "indices") else slice(None)
    with warnings.catch_warnings():
        # the order of the rows does not change with more steps
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(shown[:, kept], codes)
    return lambda asked: np.asarray(model.predict_proba(asked[:, kept]), dtype=np.float64)


def _out_of_fold(features: Any, places: Places, codes: Places) -> float | None:  # noqa: ANN401
    """The share of the answers that models tell which have not seen them; None for too few."""
    rows = np.unique(places)
    if len(rows) < FEWEST_TOLD:
        return None
    fold = dict(zip(rows.tolist(), (np.arange(len(rows)) % FOLDS).tolist(), strict=True))
    turns = np.array([fold[place] for place in places.tolist()])
    right = 0
    for turn in range(FOLDS):
        seen, asked = turns != turn, turns == turn
        kinds = np.unique(codes[seen])
        if len(kinds) < 2:
            right += int((codes[asked] == kinds[0]).sum())
            continue
        table = _probabilities(features, places[seen], codes[seen])(features[places[asked]])
        right += int((kinds[table.argmax(axis=1)] == codes[asked]).sum())
    return right / len(codes)


def arranged(features: Any, doubt: Table) -> Places:  # noqa: ANN401
    """(row,): at which place it comes: those most in doubt first, each BLOCK of them unlike one another.

    Of the POOL most in doubt a block takes by turns the one whose doubt, times how unlike it is to those
    taken, is greatest: twenty answers to one question teach little. Within a block each row is followed
    by the one most like it of those that are left.
    """
    order = np.lexsort((np.arange(len(doubt)), -np.round(doubt, 6)))
    for start in range(0, min(len(order), ARRANGED), BLOCK):
        pool = order[start : start + POOL]
        likeness = _likeness(features[pool])
        taken = _unlike(likeness, doubt[pool])
        block = taken[_chain(likeness[np.ix_(taken, taken)])]
        others = np.setdiff1d(np.arange(len(pool)), taken)  # in the order of doubt
        order[start : start + POOL] = pool[np.concatenate([block, others])]
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _unlike(likeness: Table, doubt: Table) -> Places:
    """At most BLOCK rows: the first, then always the most doubtful and unlike those taken."""
    taken = [0]
    nearest = likeness[0].copy()
    while len(taken) < min(BLOCK, len(doubt)):
        worth = doubt * (1 - np.clip(nearest, 0, 1)) + 1e-9 * doubt
        worth[taken] = -1
        taken.append(int(worth.argmax()))
        nearest = np.maximum(nearest, likeness[taken[-1]])
    return np.array(taken, dtype=np.int64)


def _likeness(some: npt.NDArray[np.float32] | csr_matrix) -> Table:
    product = some @ some.T
    return np.asarray(product.todense() if hasattr(product, "todense") else product, dtype=np.float64)


def _chain(likeness: Table) -> Places:
    """The rows of a table of likeness, from the first on, each followed by the likest that is left."""
    left = np.ones(len(likeness), dtype=bool)
    chain = [0]
    left[0] = False
    while left.any():
        nearest = np.where(left, likeness[chain[-1]], -np.inf).argmax()
        chain.append(int(nearest))
        left[nearest] = False
    return np.array(chain, dtype=np.int64)
