"""Examples with all arms side by side, the regressions first; and what the answers took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from curate.example import answer_text, prompt_text
from evalharness.deciding.budget import money_of
from evalharness.deciding.compare import Pairs
from evalharness.deciding.comparison import ArmAnswer, CostRow, ExampleRow, Examples, Prices, Settings
from evalharness.metrics.about import about
from evalharness.statistics.intervals import Floats

Kind = Literal["lost", "won", "none right", "alike"]
KINDS: tuple[Kind, ...] = ("lost", "won", "none right", "alike")
# Of each kind so many are kept before any kind is given more: what was lost matters most, but a
# report that shows nothing else misleads.
QUOTAS = {"lost": 80, "won": 50, "none right": 40, "alike": 30}
SHOWN = sum(QUOTAS.values())
REASON = 160  # characters of why an answer failed
CUT = 1200  # characters of a text


def kind_of(values: Mapping[str, float | None], candidate: str) -> Kind:
    """`lost`: some baseline did better; `won`: the candidate beat all; `none right`: all have 0; else `alike`."""
    own = values[candidate]
    others = [value for arm, value in values.items() if arm != candidate and value is not None]
    if own is None or not others:
        return "alike"
    best = max(others)
    if own < best:
        return "lost"
    if own > best:
        return "won"
    return "none right" if own == 0 else "alike"


def side_by_side(
    pairs: Pairs,
    examples: pl.DataFrame,
    predictions: pl.DataFrame | None,
    chosen: Settings,
    arms: Sequence[str],
    candidate: str,
    *,
    most: int = SHOWN,
    cut: int = CUT,
) -> Examples:
    """The examples to show, `most` at most, ordered by kind and then by how much was lost or won.

    Texts are cut to `cut` characters.
    """
    metric = "accuracy" if chosen["primary"] == "macro-f1" else chosen["primary"]
    values = {
        example_id: {arm: _value(pairs.values[metric, arm][row]) for arm in arms}
        for row, example_id in enumerate(pairs.example_ids)
    }
    less = about(metric).better == "less"
    kinds = {
        example_id: kind_of(_turned(row) if less else row, candidate) for example_id, row in values.items()
    }
    chosen_ids = _select(kinds, values, candidate, most)
    texts = {
        row["example_id"]: row
        for row in examples.filter(pl.col("example_id").is_in(chosen_ids)).iter_rows(named=True)
    }
    answers: dict[tuple[str, str], dict[str, object]] = {}
    if predictions is not None:
        wanted = predictions.filter(pl.col("example_id").is_in(chosen_ids))
        answers = {(row["example_id"], row["arm"]): row for row in wanted.iter_rows(named=True)}
    position = {example_id: row for row, example_id in enumerate(pairs.example_ids)}
    rows = []
    for example_id in chosen_ids:
        labels = {arm: pairs.labels[arm][position[example_id]] for arm in arms if arm in pairs.labels}
        said = {
            arm: _arm_answer(answers.get((example_id, arm)), labels.get(arm), values[example_id][arm], cut)
            for arm in arms
        }
        row = _example_row(texts[example_id], kinds[example_id], said, cut)
        rows.append(row | {"marks": marks_of(said, candidate)})
    counts: dict[str, int] = {kind: sum(found == kind for found in kinds.values()) for kind in KINDS}
    return Examples(total=len(kinds), kinds=counts, rows=rows)


def _turned(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Values of which less is better, so that more is."""
    return {arm: None if value is None else -value for arm, value in values.items()}


def marks_of(said: Mapping[str, ArmAnswer], candidate: str) -> list[str]:
    """What else is worth knowing: `fixed`: better than the base; `flip`: other than the base; `error`: an arm failed."""
    own, base = (said[arm]["value"] if arm in said else None for arm in (candidate, "base"))
    known = own is not None and base is not None
    found = ["fixed"] if known and own > base else []  # type: ignore[operator]  # both are known
    found += ["flip"] if known and own != base else []
    return found + ["error"] * any(each["finish_reason"] == "error" for each in said.values())


def _value(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _select(
    kinds: Mapping[str, Kind], values: Mapping[str, Mapping[str, float | None]], candidate: str, most: int
) -> list[str]:
    def size(example_id: str) -> tuple[float, str]:
        row = values[example_id]
        others = [value for arm, value in row.items() if arm != candidate and value is not None]
        return -abs((row[candidate] or 0.0) - max(others, default=0.0)), example_id

    by_kind = {kind: sorted((e for e, k in kinds.items() if k == kind), key=size) for kind in KINDS}
    taken = {kind: by_kind[kind][: QUOTAS[kind] * most // SHOWN] for kind in KINDS}
    room = most - sum(map(len, taken.values()))
    for kind in KINDS:
        more = by_kind[kind][len(taken[kind]) :][: max(0, room)]
        taken[kind] = taken[kind] + more
        room -= len(more)
    return [example_id for kind in KINDS for example_id in taken[kind]]


def _arm_answer(
    prediction: Mapping[str, object] | None, label: str | None, value: float | None, cut: int
) -> ArmAnswer:
    answer = prediction["answer"] if prediction else None
    text = answer if isinstance(answer, str) else None
    said = ArmAnswer(
        answer=None if text is None else text[:cut],
        characters=len(text or ""),
        label=label,
        value=value,
        finish_reason=str(prediction["finish_reason"]) if prediction else None,
    )
    why = prediction.get("error") if prediction else None
    return {**said, "error": why[:REASON]} if isinstance(why, str) else said


def _example_row(example: Mapping[str, Any], kind: Kind, said: dict[str, ArmAnswer], cut: int) -> ExampleRow:
    messages = example["messages"] or []
    question, reference = prompt_text(messages), answer_text(messages)
    label = example["label"]
    return ExampleRow(
        example_id=str(example["example_id"]),
        kind=kind,
        question=question[:cut],
        question_characters=len(question),
        reference=reference[:cut],
        reference_characters=len(reference),
        label=None if label is None else str(label),
        arms=said,
    )


def cost_rows(
    predictions: pl.DataFrame | None, arms: Sequence[str], prices: Prices | None = None
) -> list[CostRow]:
    """Tokens, seconds and money by arm; an answer that failed is counted and not averaged."""
    if predictions is None:
        return []
    rows = []
    for arm in arms:
        every = predictions.filter(pl.col("arm") == arm)
        good = every.filter(pl.col("finish_reason") != "error")

        def mean(column: str, good: pl.DataFrame = good) -> float | None:
            known = good[column].drop_nulls().cast(pl.Float64).to_numpy()
            return float(known.mean()) if len(known) else None

        seconds, first = _times(good, "seconds"), _times(good, "first_token_seconds")
        told = good.filter(pl.col("seconds").is_not_null() & pl.col("answer_tokens").is_not_null())
        spent = float(told["seconds"].sum() or 0.0)
        rows.append(
            CostRow(
                arm=arm,
                n=every.height,
                errors=every.height - good.height,
                cut_short=good.filter(pl.col("finish_reason") == "length").height,
                prompt_tokens=mean("prompt_tokens"),
                answer_tokens=mean("answer_tokens"),
                seconds=mean("seconds"),
                seconds_p95=_share(seconds, 0.95),
                seconds_p50=_share(seconds, 0.5),
                first_p50=_share(first, 0.5),
                first_p95=_share(first, 0.95),
                tokens_a_second=float(told["answer_tokens"].sum()) / spent if spent > 0 else None,
            )
        )
    return [{**row, "cost": money_of(row, prices)} for row in rows] if prices else rows


def _times(answers: pl.DataFrame, column: str) -> Floats:
    """The known seconds of a column; none where older answers have no such column."""
    there = column in answers.columns
    return answers[column].drop_nulls().cast(pl.Float64).to_numpy() if there else np.array([])


def _share(values: Floats, share: float) -> float | None:
    return float(np.quantile(values, share)) if len(values) else None
