"""What people's blind ratings come to: the candidate's win rate over a baseline, and preference pairs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from curate.errors import ConfigError
from curate.formats.outward import chat
from curate.people.agreement import alpha
from curate.workspace import Workspace
from curate.workspace.differences import Word
from evalharness.deciding.comparison import Comparison, PeopleRow
from evalharness.judging.rating import BOTH_BAD, TIE, Pairing, pairing, ratings, standing
from evalharness.statistics.intervals import group_codes, wilson_of_scores

POLICIES = ("unanimous", "majority")
NOBODY = "people's opinion: nobody rated the answers side by side"


def score_of(words: Sequence[Word], candidate: str) -> float:
    """The mean of what people say of one example: 1 for the candidate, 0 for the other, 0.5 for neither."""
    return float(np.mean([0.5 if word.said in (TIE, BOTH_BAD) else word.said == candidate for word in words]))


def people_row(workspace: Workspace, pair: Pairing) -> PeopleRow:
    """The ratings of one pairing, summed up. `rate` is None where nobody has rated."""
    said, strange = ratings(workspace, pair)
    places = sorted(said)
    scores = np.array([score_of(said[place], pair.candidate) for place in places], dtype=np.float64)
    groups = group_codes([pair.items[place].group for place in places])
    interval = wilson_of_scores(scores, groups)
    names = {pair.candidate: "won", pair.baseline: "lost", TIE: TIE, BOTH_BAD: BOTH_BAD}
    words = [word for each in said.values() for word in each]
    counts = Counter(names[word.said] for word in words)
    alone = standing(workspace, pair, alone=True).values()
    agreed = alpha([{word.reviewer: word.said for word in each} for each in alone])
    return PeopleRow(
        baseline=pair.baseline,
        n=len(places),
        people=len({word.reviewer for word in words}),
        answers={name: counts[name] for name in names.values()},
        rate=float(scores.mean()) if len(scores) else None,
        low=interval.low,
        high=interval.high,
        method=interval.method,
        reason=interval.reason,
        differ=sum(len({word.said for word in each}) > 1 for each in said.values()),
        alpha=agreed.alpha,
        alpha_n=agreed.n,
        left=_left(workspace, pair, words),
        strange=strange,
        alike=pair.alike,
        open=len(pair.items) - len(places),
    )


def _left(workspace: Workspace, pair: Pairing, words: Sequence[Word]) -> float | None:
    """The share of choices between the two that fell on the left one; None where none tells its side."""
    query = "select uid, value from annotation where uid in (select value from json_each(?))"
    chosen = {word.uid: word.said for word in words if word.said not in (TIE, BOTH_BAD)}
    rows = workspace.ledger.rows(query, json.dumps(list(chosen)))
    sides = ((chosen[row["uid"]], _left_arm(row["value"])) for row in rows)
    known = [said == left for said, left in sides if left in (pair.candidate, pair.baseline)]
    return sum(known) / len(known) if known else None


def _left_arm(value: str) -> str | None:
    """The arm that stood on the left when a rating was given; None where the rating does not tell."""
    try:
        told = json.loads(value)
    except ValueError:
        return None  # a plain word, from a journal of another program
    left = told.get("left") if isinstance(told, dict) else None
    return left if isinstance(left, str) else None


def with_people(workspace: Workspace, comparison: Comparison) -> Comparison:
    """The comparison with what people say by now of the very answers that it compared.

    Ratings have no part in the verdict: they may be added to a comparison that stands. Where the answers
    were purged since, it stays as it is.
    """
    candidate, dataset = comparison["candidate"], comparison["subject"]["dataset"]
    tables = {
        arm: digest
        for arm in comparison["arms"]
        if (digest := comparison["artifacts"].get(f"predictions of {arm}"))
    }
    if not all(workspace.store.holds(digest) for digest in (dataset, *tables.values())):
        return comparison
    rows = []
    for arm in tables:
        query = "select 1 from annotation where key = ? limit 1"
        if arm == candidate or not workspace.ledger.rows(query, f"rating:{candidate}-{arm}"):
            continue
        pair = pairing(workspace, dataset, tables, baseline=arm, candidate=candidate)
        row = people_row(workspace, pair)
        if row["n"]:
            rows.append(row)
    told = [each for each in comparison["not_measured"] if each != NOBODY]
    return cast(
        "Comparison",
        {**comparison, "people": rows, "not_measured": told if rows else [*told, NOBODY]},
    )


class Preferences(NamedTuple):
    """Rows for preference tuning, and what was left out."""

    rows: list[dict[str, Any]]
    neither: int  # ties and both bad
    differ: int  # people say different things


def preferences(
    workspace: Workspace, pair: Pairing, *, by: str = "", policy: str = "unanimous"
) -> Preferences:
    """(prompt, chosen, rejected) as trainers of DPO read them, from the ratings of all or of one person.

    With `unanimous`, an example counts where all who rated it prefer the same answer; with `majority`,
    where more prefer it than the other. Raises ConfigError for another policy.
    """
    if policy not in POLICIES:
        raise ConfigError(f"--policy {policy}", hint=f"one of {', '.join(POLICIES)}")
    rows, neither, differ = [], 0, 0
    for place, words in sorted(standing(workspace, pair).items()):
        heard = [word for word in words if by in ("", word.reviewer)]
        votes = Counter(word.said for word in heard)
        one, two = votes[pair.candidate], votes[pair.baseline]
        if not heard:
            continue
        if one == two == 0:
            neither += 1
        elif one == two or (policy == "unanimous" and len(votes) > 1):
            differ += 1
        else:
            better, worse = (pair.candidate, pair.baseline) if one > two else (pair.baseline, pair.candidate)
            item = pair.items[place]
            rows.append(
                {
                    "prompt": chat(item.messages),
                    "chosen": [{"role": "assistant", "content": item.answers[better]}],
                    "rejected": [{"role": "assistant", "content": item.answers[worse]}],
                    "chosen_by": ", ".join(word.reviewer for word in heard),
                    "chosen_arm": better,
                    "rejected_arm": worse,
                    "rated_row": item.example_id,
                    **({"group": item.group} if item.group is not None else {}),
                }
            )
    return Preferences(rows, neither, differ)


def write_preferences(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """JSON lines, whole or not at all."""
    draft = path.with_name(f".{path.name}.part")
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft.write_bytes(text.encode("utf-8", "replace"))
    draft.replace(path)
