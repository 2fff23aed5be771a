"""The rows of a dataset as tokens: which can be trained on, which fit, and what became of the others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from curate.errors import ConfigError
from train.batches import Encoded, Template, UnusableRowError, conversation, encode, folded

SHOWN = 5  # rows that a message names before it only counts


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
) -> tuple[list[Encoded], tuple[str, ...]]:
    """Rows as tokens, in order, and the places of those left out, each with its reason.

    A row is unusable if it has no assistant turn, if the base's chat template refuses it or leaves out
    tool calls that are all a turn holds, or if its text spells a control token. `unusable` says whether
    that stops the run (ConfigError) or drops the row. A fault of the template itself always stops it:
    masks that differ, a trained turn without its end token, two begin tokens.

    With `pairs` each row gives two: its messages with the chosen answer, then with the rejected one.
    """
    encoded, out = [], []
    specials = _specials(template.tokenizer) if control_tokens == "refuse" else []
    columns = rows.select("example_id", "messages", "chosen", "rejected").iter_rows()
    for where, (example_id, messages, *answers) in zip(places(rows), columns, strict=True):
        try:
            found = []
            for which, chat in _answered(messages, answers) if pairs else [("", conversation(messages))]:
                _usable(chat, specials)
                chat = folded(chat) if template.folds_system else chat
                found.append(encode(template, example_id, f"{where}{which}", chat))
            _same_prompt(found)
            encoded += found
        except UnusableRowError as error:
            out.append(f"{where} ({error})")
    if out and unusable == "refuse":
        raise ConfigError(
            f"{len(out):,} of {rows.height:,} rows cannot be trained on: {named(out)}",
            hint="seatrial scan finds such rows; --set unusable=drop leaves them out, by name",
        )
    _must(
        encoded,
        lambda row: _ends(row, template.end_ids),
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


PAIR = (" chosen", " rejected")  # how the two rows of a pair are told apart


def _answered(
    messages: Sequence[dict[str, Any]], answers: Sequence[str | None]
) -> list[tuple[str, list[dict[str, Any]]]]:
    """The conversation with each of its two answers; UnusableRowError if it is no pair."""
    asked = conversation(messages)
    if not all(answers):
        raise UnusableRowError("no chosen and rejected answer")
    if answers[0] == answers[1]:
        raise UnusableRowError("its chosen and rejected answers are the same")
    if asked and asked[-1]["role"] == "assistant":
        raise UnusableRowError("its messages end with an answer beside the chosen and the rejected one")
    return [
        (which, [*asked, {"role": "assistant", "content": said}])
        for which, said in zip(PAIR, answers, strict=True)
    ]


def _same_prompt(found: Sequence[Encoded]) -> None:
    """UnusableRowError where the two rows of a pair do not begin with the same prompt."""
    if len({row.ids[: row.trained.index(True)] for row in found}) > 1:
        raise UnusableRowError("the chat template tells its prompt otherwise with each answer")


def whole_pairs(rows: Sequence[Encoded], gate: Gate) -> tuple[list[Encoded], Gate]:
    """The pairs of which both rows are left; the others are dropped by name."""
    kept: list[Encoded] = []
    dropped = list(gate.dropped)
    left = list(rows)
    while left:
        both = [row.where for row in left[:2]]
        stem = both[0].removesuffix(PAIR[0])
        size = 2 if both == [stem + PAIR[0], stem + PAIR[1]] else 1
        if size == 2:
            kept += left[:2]
        else:
            dropped.append(both[0])
        del left[:size]
    return kept, replace(gate, dropped=tuple(dropped), lost=gate.lost + _count(rows) - _count(kept))


def _usable(chat: Sequence[dict[str, Any]], specials: Sequence[str]) -> None:
    """Raises UnusableRowError for a row without an answer, or whose text would act as a control token."""
    if not any(turn["role"] == "assistant" for turn in chat):
        raise UnusableRowError("no assistant turn")
    content = json.dumps(chat, ensure_ascii=False)
    for word in specials:
        if word in content:
            raise UnusableRowError(f"its text spells the control token {word}")


def _specials(tokenizer: Any) -> list[str]:  # noqa: ANN401
    """Texts that the tokenizer reads as control tokens wherever they stand, longest first."""
    added = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    return sorted(added | set(tokenizer.all_special_tokens), key=len, reverse=True)


def _must(rows: Sequence[Encoded], holds: Any, what: str, hint: str) -> None:  # noqa: ANN401
    wrong = [row.where for row in rows if not holds(row)]
    if wrong:
        raise ConfigError(f"{named(wrong)}: {what}", hint=hint)


def _ends(row: Encoded, end_ids: frozenset[int]) -> bool:
    """Whether each stretch of trained tokens stops at an end token."""
    following = (*row.trained[1:], False)
    lasts = [
        token
        for token, on, next_on in zip(row.ids, row.trained, following, strict=True)
        if on and not next_on
    ]
    return all(token in end_ids for token in lasts)


def named(wheres: Sequence[str]) -> str:
    """The first rows by name and how many more there are."""
    more = f" and {len(wheres) - SHOWN:,} more" if len(wheres) > SHOWN else ""
    return ", ".join(wheres[:SHOWN]) + more


def fit(
    rows: Sequence[Encoded], context: int, policy: str, unusable: tuple[str, ...] = ()
) -> tuple[list[Encoded], Gate]:
    """The rows that fit into `context` tokens. Longer ones: refused by name, dropped or cut, as told."""
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
    return kept, Gate(context, policy, tuple(dropped), tuple(truncated), lost, unusable)


def _cut(row: Encoded, context: int) -> Encoded:
    return replace(row, ids=row.ids[:context], trained=row.trained[:context])


def _count(rows: Iterable[Encoded]) -> int:
    return sum(sum(row.trained) for row in rows)


def token_counts(rows: Sequence[Encoded]) -> dict[str, int]:
    """Rows, tokens and trained tokens."""
    return {"rows": len(rows), "tokens": sum(len(row.ids) for row in rows), "trained": _count(rows)}
