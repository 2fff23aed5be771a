"""What people's answers make of a version: a new one in which a column says what they said."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import polars as pl

from curate.answer import counted
from curate.errors import ConfigError, GateError
from curate.example import EXAMPLES, with_content_hash
from curate.labelling.answers import Said, packed, standing
from curate.labelling.tasks import Option, Task, Value
from curate.labelling.work import placed
from curate.runs.steps import Made, done_before, move_name
from curate.workspace import Workspace

Policy = Literal["agreed", "majority", "one"]
POLICIES: tuple[Policy, ...] = ("agreed", "majority", "one")

LABELLED = pl.Schema(
    {
        "example_id": pl.String,
        "task": pl.String,
        "answer": pl.String,  # JSON
        "people": pl.String,  # whose word it is, JSON list
        "changed": pl.Boolean,  # whether the column said something else
    }
)


class Settled(NamedTuple):
    """Place to the answer that counts and whose it is; and the places on which people differ."""

    answers: dict[int, tuple[Value, tuple[str, ...]]]
    differ: tuple[int, ...]


class LabelledVersion(NamedTuple):
    """What applying the answers made."""

    made: Made
    answered: int
    changed: int
    differ: int  # rows left as they were, since people differ and no policy says who is right
    rows: int


def settled(words: Sequence[tuple[int, Said]], policy: str, by: str = "") -> Settled:
    """Which answer counts for each row. Raises ConfigError for a policy that there is not."""
    if policy not in POLICIES:
        raise ConfigError(f"no policy `{policy}`", hint=f"one of {', '.join(POLICIES)}")
    if (policy == "one") != bool(by):
        raise ConfigError("the policy one takes one person's words", hint="--policy one --by NAME")
    by_place: dict[int, list[Said]] = defaultdict(list)
    for place, word in words:
        if not by or word.reviewer == by:
            by_place[place].append(word)
    found: dict[int, tuple[Value, tuple[str, ...]]] = {}
    differ: list[int] = []
    for place, said in sorted(by_place.items()):
        counts = Counter(packed(word.value) for word in said)
        (top, often), *others = counts.most_common()
        if others and (policy == "agreed" or others[0][1] == often):
            differ.append(place)
            continue
        of = [word for word in said if packed(word.value) == top]
        found[place] = (of[0].value, tuple(sorted(word.reviewer for word in of)))
    return Settled(found, tuple(differ))


def apply_answers(
    workspace: Workspace, dataset: str, task: Task, *, policy: str = "agreed", by: str = "", to: str = ""
) -> LabelledVersion:
    """Make the version in which the task's column holds what people answered; its name moves on.

    Rows without an answer stay as they are; with `majority` so do ties. `to` is another column: label
    or meta:NAME. Raises GateError where people differ and the policy is `agreed`, or nothing is answered.
    """
    column = to or task.column
    if column != "label" and not (column.startswith("meta:") and len(column) > len("meta:")):
        raise ConfigError(f"no column `{column}`", hint="label, or meta:NAME")
    chosen = settled(list(placed(workspace, dataset, task, standing(workspace, task).said)), policy, by)
    if chosen.differ and policy == "agreed":
        raise GateError(
            f"people differ on {counted(len(chosen.differ), 'row')} of {task.name}",
            hint="settle them in the screens (o: where people differ), or --policy majority",
        )
    if not chosen.answers:
        whose = f" by {by}" if by else ""
        raise GateError(
            f"no row of this version has an answer to {task.name}{whose}", hint="seatrial label status"
        )
    params: dict[str, object] = {
        "task": task.name, "kind": task.kind, "options": list(task.names), "show": task.show, "low": task.low, "high": task.high,
        "policy": policy, "by": by, "column": column, "answers": answers_digest(workspace, dataset, chosen),
    }  # fmt: skip
    inputs = {"dataset": dataset}
    done = done_before(workspace, "label", params, inputs)
    if done is None:
        with workspace.run("label", params, inputs) as run:
            examples = workspace.examples(dataset)
            made, table = with_answers(examples, task, column, chosen.answers)
            run.outputs["dataset"] = workspace.put_dataset(made)
            run.outputs["labelled"] = workspace.put_table("labelled", table)
        done = Made(run.run_id, run.outputs, recorded=False)
    move_name(workspace, dataset, done.outputs["dataset"])
    table = workspace.table(done.outputs["labelled"])
    rows = int(workspace.scan_examples(dataset).select(pl.len()).collect().item())
    return LabelledVersion(done, table.height, int(table["changed"].sum()), len(chosen.differ), rows)


def answers_digest(workspace: Workspace, dataset: str, chosen: Settled) -> str:
    """A digest of what counts for which row, and whose it is."""
    ids = workspace.scan_examples(dataset).select("example_id").collect()["example_id"]
    lines = sorted(json.dumps([ids[place], *said]) for place, said in chosen.answers.items())
    return blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def task_in(params: Mapping[str, Any]) -> Task:
    """The task of a recorded run. Raises ConfigError where the settings are none of such a run."""
    known = {"task": str, "kind": str, "options": list, "show": str, "low": int, "high": int, "policy": str, "by": str,
             "column": str}  # fmt: skip
    wrong = [name for name, kind in known.items() if not isinstance(params.get(name), kind)]
    strange = sorted(set(params) - {*known, "answers"})
    if wrong or strange or not all(isinstance(each, str) for each in params["options"]):
        raise ConfigError(f"the settings of a labelling cannot be read: {(wrong + strange + ['options'])[0]}")
    return Task(
        params["task"], params["kind"], tuple(Option(name) for name in params["options"]), show=params["show"],
        low=params["low"], high=params["high"], column=params["column"],
    )  # fmt: skip


def with_answers(
    examples: pl.DataFrame, task: Task, column: str, answers: Mapping[int, tuple[Value, tuple[str, ...]]]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(the rows with the answers in a column, what was written: columns of LABELLED)."""
    name = "label" if column == "label" else "meta"
    before = examples[name].to_list()
    after = list(before)
    told = []
    for place, (value, people) in sorted(answers.items()):
        if name == "label":
            after[place] = task.written(value)
            changed = after[place] != before[place]
        else:
            after[place], changed = _with_meta(before[place], column.removeprefix("meta:"), value)
        row = (examples["example_id"][place], task.name, json.dumps(value), json.dumps(people), changed)
        told.append(row)
    made = examples.with_columns(pl.Series(name, after, dtype=pl.String))
    if name == "label":
        made = _with_answers_that_are_labels(made, before, answers)
    return with_content_hash(made), pl.DataFrame(told, schema=LABELLED, orient="row")


def _with_answers_that_are_labels(
    made: pl.DataFrame, before: Sequence[str | None], places: Iterable[int]
) -> pl.DataFrame:
    """The rows whose last answer was the old label, and nothing else, answer with the new one.

    So are classes imported; a trainer would learn the old label from it.
    """
    changed = [place for place in places if before[place] and before[place] != made["label"][place]]
    if not changed:
        return made
    rows = made.with_row_index("place")
    some = rows.filter(pl.col("place").is_in(changed))
    messages = some["messages"].to_list()
    for place, turns in zip(some["place"], messages, strict=True):
        last = next((turn for turn in reversed(turns or []) if turn["role"] == "assistant"), None)
        if last is not None and (last["content"] or "").strip() == str(before[place]).strip():
            last["content"] = made["label"][place]
    some = some.with_columns(messages=pl.Series("messages", messages, dtype=EXAMPLES["messages"]))
    others = rows.filter(~pl.col("place").is_in(changed))
    return pl.concat([others, some]).sort("place").drop("place")


def _with_meta(meta: str | None, name: str, value: Value) -> tuple[str | None, bool]:
    """The JSON object with one value more, and whether that changes anything; a choice is text, a scale a number."""
    held = json.loads(meta or "{}")
    if name in held and held[name] == value:
        return meta, False
    return json.dumps({**held, name: value}, ensure_ascii=False), True
