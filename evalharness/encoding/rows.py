"""The rows of a dataset as tokens: which can be trained on, which fit, and what became of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from curate.errors import ConfigError, SourceError
from evalharness.encoding.encode import Encoded, Row, Template, Turns, conversation, encode, template_of
from evalharness.models.loaded import LoadedModel

SHOWN = 5  # rows that a message names before it only counts
SOME = "seatrial scan finds such rows; --set unusable=drop leaves them out, by name"
ALL = "no row of them can: do they suit the objective, and has the base a whole chat template and its tokens?"


@dataclass(frozen=True)
class Gate:
    """What was done about rows that cannot be trained on as they are; nothing of it in silence."""

    context: int  # tokens
    policy: str
    dropped: tuple[str, ...] = ()  # places of rows left out as over-long
    truncated: tuple[str, ...] = ()  # places of rows cut
    lost: int = 0  # trained tokens in dropped rows and cut ends
    unusable: tuple[str, ...] = ()  # rows left out before, each with its reason

    def record(self) -> dict[str, object]:
        """For training.json: every row by name."""
        return {
            "context": self.context,
            "over_long": self.policy,
            "dropped": list(self.dropped),
            "truncated": list(self.truncated),
            "trained_tokens_lost": self.lost,
            "unusable": list(self.unusable),
        }


def places(rows: pl.DataFrame) -> list[str]:
    """`file:row` of each row."""
    return [f"{source}:{row}" for source, row in rows.select("source", "source_row").iter_rows()]


def encode_rows(
    template: Template,
    rows: pl.DataFrame,
    *,
    control_tokens: str = "refuse",
    unusable: str = "refuse",
    pairs: bool = False,
    every: int = 1,
) -> tuple[list[Encoded], tuple[str, ...]]:
    """Rows as tokens, in order, and the places of those left out, each with its reason.

    A row is unusable if it has no assistant turn, if the base's chat template refuses it or leaves out
    tool calls that are all a turn holds, or if its text spells a control token. `unusable` says whether
    that stops the run (ConfigError) or drops the row. A fault of the template itself always stops it:
    masks that differ (looked at on each `every`-th row), a trained turn without its end token, two begin
    tokens. With `pairs` each row gives two: its messages with the chosen answer, then with the rejected one.
    """
    columns = rows.select("example_id", "messages", "chosen", "rejected").iter_rows()
    wheres, groups = places(rows), []
    for where, (example_id, messages, *answers) in zip(wheres, columns, strict=True):
        group: list[Row] | SourceError
        try:
            told = _answered(messages, answers) if pairs else [("", conversation(messages))]
            for _, turns in told:
                _usable(template, turns, control_tokens, pair=all(answers))
            group = [Row(example_id, f"{where}{which}", turns) for which, turns in told]
        except SourceError as error:
            group = error
        groups.append(group)
    one_by_one = [row for group in groups if isinstance(group, list) for row in group]
    found = encode(template, one_by_one, every=every)
    encoded: list[Encoded] = []
    out = []
    for where, group in zip(wheres, groups, strict=True):
        made = [next(found) for _ in group] if isinstance(group, list) else [group]
        good = [each for each in made if isinstance(each, Encoded)]
        faults = [each.message for each in made if isinstance(each, SourceError)]
        if not faults and len({row.ids[: row.trained.index(True)] for row in good}) > 1 and pairs:
            faults = ["the chat template tells its prompt otherwise with each answer"]
        encoded += [] if faults else good
        out += [f"{where} ({fault})" for fault in faults[:1]]
    if out and unusable == "refuse":
        raise ConfigError(
            f"{len(out):,} of {rows.height:,} rows cannot be trained on: {named(out)}",
            hint=SOME if len(out) < rows.height else ALL,
        )
    _must(
        encoded,
        lambda row: ends_well(row.ids, row.trained, template.end_ids),
        "a trained turn without an end token: the model would learn never to stop",
        "mend the base's chat template so that an assistant's turn ends in its end token",
    )
    begin = template.tokenizer.bos_token_id
    _must(
        encoded,
        lambda row: begin is None or row.ids[:2] != (begin, begin),
        "two begin tokens",
        "the chat template and the tokenizer both add one: take it out of the template",
    )
    return encoded, tuple(out)


def as_trained(loaded: LoadedModel, rows: pl.DataFrame, settings: Mapping[str, Any]) -> list[Encoded]:
    """Rows as a run with these settings makes tokens of them, as long as they are; those that it could not use left out."""
    pairs = settings.get("objective", "sft") != "sft"
    template = template_of(loaded, "last" if pairs else str(settings.get("train_on", "assistant")))
    return encode_rows(template, rows, control_tokens="allow", unusable="drop", pairs=pairs)[0]


PAIR = (" chosen", " rejected")  # how the two rows of a pair are told apart


def _answered(messages: Sequence[dict[str, Any]], answers: Sequence[str | None]) -> list[tuple[str, Turns]]:
    """The conversation with each of its two answers; SourceError if it is no pair."""
    asked = conversation(messages)
    if not all(answers):
        raise SourceError("no chosen and rejected answer")
    if answers[0] == answers[1]:
        raise SourceError("its chosen and rejected answers are the same")
    if asked and asked[-1]["role"] == "assistant":
        raise SourceError("its messages end with an answer beside the chosen and the rejected one")
    return [
        (which, [*asked, {"role": "assistant", "content": said}])
        for which, said in zip(PAIR, answers, strict=True)
    ]


def whole_pairs(rows: Sequence[Encoded], gate: Gate) -> tuple[list[Encoded], Gate]:
    """The pairs of which both rows are left; the others are dropped by name."""
    kept: list[Encoded] = []
    dropped = list(gate.dropped)
    at = 0
    while at < len(rows):
        both = [row.where for row in rows[at : at + 2]]
        stem = both[0].removesuffix(PAIR[0])
        size = 2 if both == [stem + PAIR[0], stem + PAIR[1]] else 1
        if size == 2:
            kept += rows[at : at + 2]
        else:
            dropped.append(both[0])
        at += size
    return kept, replace(gate, dropped=tuple(dropped), lost=gate.lost + _count(rows) - _count(kept))


def _usable(template: Template, turns: Turns, control_tokens: str, *, pair: bool) -> None:
    """SourceError for a row without an answer, or whose text would act as a control token."""
    if not any(turn["role"] == "assistant" for turn in turns):
        more = " but a chosen and a rejected answer: --set objective=dpo" if pair else ""
        raise SourceError(f"no assistant turn{more}")
    if control_tokens == "allow":
        return
    for text in (str(value) for turn in turns for value in turn.values()):
        if spelled := template.chat.control.search(text):
            raise SourceError(f"its text spells the control token {spelled.group()}")


def _must(rows: Sequence[Encoded], holds: Any, what: str, hint: str) -> None:  # noqa: ANN401
    wrong = [row.where for row in rows if not holds(row)]
    if wrong:
        raise ConfigError(f"{named(wrong)}: {what}", hint=hint)


def ends_well(ids: Sequence[int], trained: Sequence[bool], end_ids: frozenset[int]) -> bool:
    """Whether each stretch of trained tokens stops at an end token."""
    following = (*trained[1:], False)
    lasts = (token for token, on, more in zip(ids, trained, following, strict=True) if on and not more)
    return all(token in end_ids for token in lasts)


def named(wheres: Sequence[str]) -> str:
    """The first rows by name and how many more there are."""
    wheres = list(dict.fromkeys(wheres))  # a copy of a row is the row
    more = f" and {len(wheres) - SHOWN:,} more" if len(wheres) > SHOWN else ""
    return ", ".join(wheres[:SHOWN]) + more


def fit(
    rows: Sequence[Encoded], context: int, policy: str, unusable: tuple[str, ...] = (), *, pairs: bool = False
) -> tuple[list[Encoded], Gate]:
    """The rows that fit into `context` tokens. Longer ones: refused by name, dropped or cut, as told; of `pairs` whole ones."""
    over = [row for row in rows if len(row.ids) > context]
    if over and policy == "refuse":
        longest = max(len(row.ids) for row in over)
        raise ConfigError(
            f"{len(over):,} of {len(rows):,} rows are longer than {context:,} tokens (longest {longest:,}): "
            f"{named([row.where for row in over])}",
            hint="--set over_long=drop leaves them out, --set over_long=truncate cuts them (end tokens go too)",
        )
    cut = {row.where: _cut(row, context) for row in over} if policy == "truncate" else {}
    kept, dropped, truncated = [], [], []
    for row in rows:
        now = cut.get(row.where, row)
        if len(now.ids) <= context and any(now.trained):
            kept.append(now)
            truncated += [row.where] if now is not row else []
        else:
            dropped.append(row.where)
    lost = _count(rows) - _count(kept)
    gate = Gate(context, policy, tuple(dropped), tuple(truncated), lost, unusable)
    return whole_pairs(kept, gate) if pairs else (kept, gate)


def _cut(row: Encoded, context: int) -> Encoded:
    return replace(
        row, ids=row.ids[:context], trained=row.trained[:context], second=row.second[:context], cut=True
    )


def _count(rows: Iterable[Encoded]) -> int:
    return sum(sum(row.trained) for row in rows)


def token_counts(rows: Sequence[Encoded]) -> dict[str, int]:
    """Rows, tokens and trained tokens."""
    return {"rows": len(rows), "tokens": sum(len(row.ids) for row in rows), "trained": _count(rows)}
