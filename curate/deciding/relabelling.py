"""Another label for rows, decided as an edit: what the screens' choice of a label decides, for any number of findings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import polars as pl

from curate.changing.apply import Edit
from curate.changing.rewriting import Place
from curate.deciding import byhand
from curate.deciding.edit_texts import decide_edits
from curate.deciding.pending import Draft, Pending
from curate.deciding.review import as_decided_on
from curate.errors import ConfigError, NotFoundError
from curate.workspace import Decision, Workspace, reviewer

# findings to which another label may be the answer: their check, and their label where not all are
OF_LABELS = frozenset(
    {
        ("wrong-label", ""),
        ("label-spelling", ""),
        ("contradiction", "label"),
        ("structure", "placeholder-label"),
    }
)


class Relabelled(NamedTuple):
    """The decisions, not recorded yet; how many rows were labelled so already; and whose answer says the old label."""

    decisions: list[Decision]
    already: int
    still_said: list[str]  # example ids


def of_label(finding: Mapping[str, Any]) -> bool:
    """Whether a finding is about what a row is labelled, so that another label may be the answer."""
    kinds = {(finding["check"], ""), (finding["check"], finding["label"])}
    return not kinds.isdisjoint(OF_LABELS) and finding["field"] in (None, "label")


def looks_like(evidence: str | None) -> str | None:
    """The id of the row whose label a doubted one's text looks like; findings quote no label themselves."""
    try:
        said = json.loads(evidence or "{}")
    except ValueError:
        return None
    name = said.get("looks_like") if isinstance(said, dict) else None
    return name if isinstance(name, str) else None


def suggested(workspace: Workspace, dataset: str, findings: pl.DataFrame) -> dict[str, str]:
    """Of findings the label that each proposes: that of the row which the doubted one looks like.

    A finding that names no such row, or one without a label, proposes none and is not in it.
    """
    witnesses = {
        finding: name
        for finding, evidence in findings.select("finding_id", "evidence").iter_rows()
        if (name := looks_like(evidence)) is not None
    }
    rows = workspace.scan_examples(dataset).filter(
        pl.col("example_id").is_in(sorted(set(witnesses.values())))
    )
    said = dict(rows.select("example_id", "label").collect().iter_rows())
    return {finding: label for finding, name in witnesses.items() if (label := said.get(name))}


def last_answer(example: Mapping[str, Any]) -> tuple[int | None, str]:
    """The last message of the assistant that says something: its number, and its text."""
    for index, message in reversed(list(enumerate(example["messages"] or ()))):
        if message["role"] == "assistant" and message["content"]:
            return index, message["content"]
    return None, ""


def relabelled(
    workspace: Workspace,
    dataset: str,
    findings: pl.DataFrame,
    label: str | Mapping[str, str],
    *,
    by: str | None = None,
    note: str = "",
    target: str | None = None,
) -> Relabelled:
    """Decide that the rows of findings (of a review) have this label, or each its own by finding id; nothing is recorded yet.

    Where the last answer of a row is its label, word for word, the finding's edit is of that answer, and the
    label is edited beside it by a finding of one's own. `target` names the side of a pair. Of several
    findings on one row the first is decided. Raises ConfigError for no label, for a finding that is not of
    labels, where the one row is labelled so already, and where edits of a text were made apart.
    """
    labels = dict.fromkeys(findings["finding_id"], label) if isinstance(label, str) else label
    if not all(each.strip() for each in labels.values()) or label == "":
        raise ConfigError("a label has a letter at least", hint="--reject leaves the row as it is")
    rows = findings.to_dicts()
    for row in rows:
        if not of_label(row):
            raise ConfigError(
                f"finding {row['finding_id'][:8]} ({row['check']}/{row['label']}) is about no label",
                hint="--label-to goes with findings of wrong-label and label-spelling, placeholder-label and contradiction/label",
            )
        if target is not None and target not in (row["example_id"], row["other_id"]):
            raise ConfigError(f"{target} is no side of finding {row['finding_id'][:8]}")
    ids = list(dict.fromkeys(target or row["example_id"] for row in rows))
    here = workspace.scan_examples(dataset).filter(pl.col("example_id").is_in(ids))
    examples = {example["example_id"]: example for example in here.collect().iter_rows(named=True)}
    pending = Pending.of(workspace, as_decided_on(workspace, dataset, ids))
    plans: list[tuple[dict[str, Any], Edit, Edit | None]] = []
    already, still_said, seen = 0, [], set()
    for row in rows:
        name = target or row["example_id"]
        if name not in examples:
            raise NotFoundError(f"the row of finding {row['finding_id'][:8]} is not in this version")
        example, label = examples[name], labels[row["finding_id"]]
        now = _draft(pending, name, None, "label", example["label"] or "")
        if label == now.text:
            already += 1
            continue
        if name in seen:
            continue
        seen.add(name)
        of_row, (index, answer) = Edit(name, None, "label", label, now.over), last_answer(example)
        told = _draft(pending, name, index, "content", answer) if index is not None else None
        if told is None or told.text.strip() != now.text or not now.text:
            plans.append((row, of_row, None))
            if now.text and now.text in answer:
                still_said.append(name)
        else:
            plans.append((row, Edit(name, index, "content", label, told.over), of_row))
    if already and not plans and len(rows) == 1:
        raise ConfigError("the row is labelled so already", hint="--reject keeps it as it is")
    said = list(_with_marks(workspace, dataset, plans))
    decisions = decide_edits(workspace, said, by=by or reviewer(), note=note)
    return Relabelled(decisions, already, still_said)


def _with_marks(
    workspace: Workspace, dataset: str, plans: Iterable[tuple[dict[str, Any], Edit, Edit | None]]
) -> Iterable[tuple[Mapping[str, object], Edit]]:
    """Each finding with its edit; a second edit of a row gets a finding by hand, which is added."""
    beside = [(row, edit) for row, _, edit in plans if edit is not None]
    marks: dict[str, dict[str, Any]] = {}
    if beside:
        made = [mark(row["finding_id"], edit.example_id) for row, edit in beside]
        added = byhand.add(workspace, dataset, pl.DataFrame(made)).findings
        marks = {each["example_id"]: each for each in added.iter_rows(named=True)}
    for row, edit, second in plans:
        yield row, edit
        if second is not None:
            yield marks[second.example_id], second


def beside(table: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The findings by hand of a review that carry a label's edit beside these; to be decided with them."""
    of = [json.dumps({"like": name[:8]}) for name in rows["finding_id"]]
    hand = (pl.col("check") == byhand.NAME) & pl.col("evidence").is_in(of)
    return table.filter(hand & pl.col("example_id").is_in(rows["example_id"].implode()))


def mark(finding_id: str, example_id: str) -> dict[str, object]:
    """The finding by hand that carries the edit of a row's label beside that of its answer."""
    return {
        "example_id": example_id, "field": "label", "label": "label", "action": "edit", "score": 1.0,
        "evidence": json.dumps({"like": finding_id[:8]}),
    }  # fmt: skip


def _draft(pending: Pending, example_id: str, message: int | None, field: str, text: str) -> Draft:
    draft = pending.draft(Place(example_id, message, field), text)
    if draft is None:
        raise ConfigError(
            "two edits of this text were made apart: neither has what the other changed",
            hint="--reject one of the two findings leaves its edit out; seatrial review --differ lists them",
        )
    return draft
