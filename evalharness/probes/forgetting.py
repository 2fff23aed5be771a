"""Before and after: how likely the right answers to general questions and passages of general text are.

Right answers are told by likelihood, not by writing: this works for a base that was never taught to chat,
and is far less noisy than right or wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from evalharness.asking.task import Query, Solved
from evalharness.deciding.probed import loss
from evalharness.probes.items import Question
from evalharness.scoring.perplexity import Asked, asked_row, measure
from evalharness.statistics.intervals import Floats
from evalharness.statistics.paired import Rules

if TYPE_CHECKING:
    from evalharness.asking.answerers import Local
    from evalharness.models.chat import Chat

DROP = 0.05  # of the probability of the right answer, in the mean
EDGE = 0.05  # over chance: a base that surely knows less than this has nothing that could be lost
REMEDY = "train with a lower rank, rate or fewer epochs, or mix general rows in"
RISE = 0.1  # of the loss, in nats a token: one token in ten costs e times as much


def general(local: Local, asked: Sequence[Question], rules: Rules) -> dict[str, Any]:
    """The condition `forgetting`: the probability of the right one among the answers, before and after."""
    rows: list[Asked] = []
    for number, each in enumerate(asked):
        turns = ({"role": "user", "content": each.question},)
        for place, choice in enumerate(each.choices):
            row = asked_row(local.chat, Solved(Query(f"{number}/{place}", None, turns), choice, None))
            rows += [row] if row else []
    sums = _twice(local, rows, "general questions")
    before, after = (_right(told, asked) for told in sums)
    found = loss(before, after, rules=rules)
    if found.drop is None or found.upper is None:
        return _unknown(found.reason or "too few questions fit")
    chance = np.array([1 / len(each.choices) for each in asked])
    edge = loss(before, chance, rules=rules)  # its upper bound is the most that the base may know over chance
    if edge.upper is not None and edge.upper < EDGE:
        return _nothing(
            f"the base answers {found.n} general questions hardly better than chance "
            f"(probability {np.nanmean(before):.3f} of the right one, chance {chance.mean():.3f})"
        )
    said, guessing = _nats(sums[0], rows), _guessing(local)
    if said >= guessing:
        return _nothing(
            f"the base finds the right answers to {found.n} general questions no likelier than any tokens "
            f"({said:.2f} nats a token, guessing has {guessing:.2f})"
        )
    hits = [float((part > 0.5).sum() / found.n) for part in (before, after)]
    return {
        "state": "pass" if found.upper <= DROP else "fail",
        "detail": f"right answers to {found.n} general questions: probability {np.nanmean(before):.3f} before, "
        f"{np.nanmean(after):.3f} after",
        "value": found.drop,
        "upper": found.upper,
        "limit": DROP,
        "n": found.n,
        "sure": hits,
        "topics": _by_topic(asked, before, after),
        "remedy": REMEDY,
    }


def held_out(local: Local, texts: Sequence[str], rules: Rules) -> dict[str, Any]:
    """The condition `held-out loss`: nats a token on passages of general text, before and after."""
    rows = [each for number, text in enumerate(texts) if (each := _passage(local.chat, number, text))]
    if not rows:
        return _unknown("no passage fits")
    sums = _twice(local, rows, "passages")
    tokens = np.array([len(each.answer) for each in rows], dtype=np.float64)
    before, after = (-np.array([told[each.example_id] for each in rows]) / tokens for told in sums)
    found = loss(-before, -after, rules=rules)  # less is better: what is lost is how likely the text is
    if found.drop is None or found.upper is None:
        return _unknown(found.reason or "too few passages fit")
    guessing = _guessing(local)
    if before.mean() >= guessing:
        return _nothing(
            f"the base reads {found.n} passages of general text no better than by guessing "
            f"({before.mean():.2f} nats a token, guessing has {guessing:.2f})"
        )
    return {
        "state": "pass" if found.upper <= RISE else "fail",
        "detail": f"loss on {found.n} passages of general text: {before.mean():.3f} nats a token before, "
        f"{after.mean():.3f} after",
        "value": found.drop,
        "upper": found.upper,
        "limit": RISE,
        "unit": "nats a token",
        "n": found.n,
        "remedy": REMEDY,
    }


def _twice(local: Local, rows: Sequence[Asked], what: str) -> list[dict[str, float]]:
    """Log probabilities by id: of the base alone, then with the adapter."""
    found = []
    for when, gone in (("before", True), ("after", False)):
        with local.loaded.without_adapter() if gone else nullcontext():
            found.append(dict(measure(local.loaded, rows, f"{what}, {when}")))
    return found


def _right(told: dict[str, float], asked: Sequence[Question]) -> Floats:
    """The probability of the right answer among those offered; NaN where one of them does not fit."""
    found = np.full(len(asked), np.nan)
    for number, each in enumerate(asked):
        logs = [told.get(f"{number}/{place}") for place in range(len(each.choices))]
        known = np.array([log for log in logs if log is not None])
        if len(known) == len(logs):
            weights = np.exp(known - known.max())
            found[number] = weights[0] / weights.sum()
    return found


def _nats(told: dict[str, float], rows: Sequence[Asked]) -> float:
    """What a token of the right answers costs in the mean."""
    right = [each for each in rows if each.example_id.endswith("/0")]
    return -sum(told[each.example_id] for each in right) / sum(len(each.answer) for each in right)


def _guessing(local: Local) -> float:
    """What a token costs where every one is as likely as any other."""
    return float(np.log(local.loaded.model.get_input_embeddings().weight.shape[0]))


def _passage(chat: Chat, number: int, text: str) -> Asked | None:
    """A passage as the model reads plain text: its first token is given, the rest is told."""
    ids = list(chat.tokenizer(text, verbose=False).input_ids)[: chat.loaded.context]
    return Asked(str(number), ids[:1], ids[1:]) if len(ids) > 1 else None


def _by_topic(asked: Sequence[Question], before: Floats, after: Floats) -> dict[str, list[float]]:
    """Mean probability before and after, by topic."""
    topics = np.array([each.topic for each in asked])
    return {
        str(topic): [float(np.nanmean(before[topics == topic])), float(np.nanmean(after[topics == topic]))]
        for topic in sorted(set(topics.tolist()))
        if not np.isnan(before[topics == topic]).all()
    }


def _nothing(why: str) -> dict[str, Any]:
    """A base that knows nothing of it has nothing to forget; a rise from nowhere would be no loss."""
    return {"state": "pass", "detail": f"{why}: there is nothing to forget"}


def _unknown(why: str) -> dict[str, Any]:
    return {"state": "not measured", "detail": why}
