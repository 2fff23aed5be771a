"""A workspace in which all that comes from outside is hostile: rows, names, notes, people, answers, runs.

The rows come in by `seatrial import`; what then stands beside them is written as the product writes it,
with the same texts: findings of each shape over every row, decisions with notes, answers of four arms
with their scores, a label set, a journal of another person, runs that failed, a training run.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.hostile_rows import CANARY, DIVIDED, TEXTS, conversations, half, lines, names_of, short
from curate.deciding.review import decide, record, review
from curate.finding import stamp
from curate.labelling.tasks import FILE
from curate.workspace import Decision, Workspace

PERSON = f"Ann\x1b]52;c;Y2Fu\x07[/foo]\u202e\x9b31m{CANARY}"
OTHER = "Bob\x1b[31m [@click=app.quit]x[/] \u2066"
SOURCE = f"r[bold]\x1b]0;{CANARY}\x07\u202e<b>\x9b31m.jsonl"
ARMS = ("base", "few-shot", "rag", "tuned")
TWINS = 6
WRONG = {"base": 2, "few-shot": 3, "rag": 4, "tuned": 5}  # every so many rows is answered wrongly
ANSWERS = {
    "example_id": pl.String, "arm": pl.String, "answer": pl.String, "choice": pl.String,
    "finish_reason": pl.String, "prompt_tokens": pl.Int32, "answer_tokens": pl.Int32,
    "seconds": pl.Float64, "prompt_hash": pl.String, "error": pl.String,
}  # fmt: skip


def source(folder: Path, every: int = 1) -> Path:
    """The rows as a file whose own name is hostile, each `every`-th of them, and a few that are nearly alike."""
    rows = conversations()[::every]
    said = "The parcel came late and the box was open, so I ask for my money back, please answer me soon "
    for number in range(TWINS):
        names = names_of(number * 9)
        content = f"{said * 3}[/foo] {number}"
        messages = [
            {"role": "user", "content": content},
            {"role": "assistant", "content": f"[/foo] [bold]We are sorry {number}"},
        ]
        rows.append({"messages": messages, "queue": names.label, "customer": names.group, "note": ""})
    path = folder / SOURCE
    path.write_text(lines(rows), encoding="ascii")
    return path


def furnish(workspace: Workspace) -> str:
    """All that stands beside the imported rows; the digest of the version with it."""
    dataset = workspace.dataset()
    examples = workspace.examples(dataset)
    with workspace.run(
        "scan", {"pii": {}, "near-duplicate": {"threshold": 0.7}}, {"dataset": dataset}
    ) as run:
        run.outputs["findings"] = workspace.put_table("findings", _findings(examples))
    _decide(workspace, dataset)
    _answered(workspace, dataset)
    _labels(workspace)
    _failed(workspace, dataset)
    _trained(workspace, dataset)
    return dataset


def _findings(examples: pl.DataFrame) -> pl.DataFrame:
    """Over every row an example, a span, a pair and a cluster, with hostile labels and evidence."""
    ids = examples["example_id"].to_list()
    texts = list(TEXTS.values())
    hashes = dict(examples.select("example_id", "content_hash").iter_rows())
    said = [(messages[1] if len(messages) > 2 else messages[0])["content"] or "" for messages in examples["messages"].to_list()]  # fmt: skip
    at = [1 if len(messages) > 2 else 0 for messages in examples["messages"].to_list()]
    tables: dict[str, list[dict[str, Any]]] = {
        "structure": [],
        "pii": [],
        "contradiction": [],
        "near-duplicate": [],
    }
    for i, example_id in enumerate(ids):
        text = short(texts[i % len(texts)])
        why = json.dumps({"why": text, text[:80] or "x": [text], "looks_like": ids[(i + 3) % len(ids)]})
        evidence = why if not half(text) else json.dumps({"why": "half a pair"})
        label = text if not half(text) else "half"
        one = {"example_id": example_id, "evidence": evidence, "label": label, "score": 0.5 + (i % 50) / 100}
        other = ids[(i + 1) % len(ids)]
        begins = min(said[i].find(":") + 1, len(said[i]))
        tables["structure"].append({**one, "action": "drop"})
        if said[i]:
            # from the text's first character on, and so within what may be one cluster
            ends = min(max(begins + 2, begins + len(said[i][begins:]) // 2), len(said[i]))
            tables["pii"].append({**one, "action": "redact", "blocking": i % 2 == 0, "message": at[i], "field": "content", "start": min(begins, ends - 1), "end": ends})  # fmt: skip
        tables["contradiction"].append({**one, "action": "review", "other_id": other})
        keeper = ids[i - i % 4]
        tables["near-duplicate"].append(
            {**one, "cluster_id": f"c{i // 4}", "other_id": None if keeper == example_id else keeper, "action": "keep" if keeper == example_id else "drop"}
        )  # fmt: skip
    return pl.concat(
        stamp(pl.DataFrame(rows, infer_schema_length=None), hashes, check=check, version=1)
        for check, rows in tables.items()
    )


def _decide(workspace: Workspace, dataset: str) -> None:
    """Every fifth finding decided by a hostile person with a hostile note, and by another otherwise."""
    found = review(workspace, dataset).filter(pl.col("action") != "keep")
    texts = [short(text) for text in TEXTS.values() if not half(text)]
    decisions: list[Decision] = []
    for number, finding_id in enumerate(found["finding_id"].to_list()[::5]):
        note = texts[number % len(texts)]
        one = found.filter(finding_id=finding_id)
        decisions += decide(one, "keep", by=PERSON, note=note)
        if number % 3 == 0:
            decisions += decide(one, "drop", by=OTHER, note=note)
    record(workspace, decisions)


def _answered(workspace: Workspace, dataset: str) -> None:
    """What four arms answered to each row, scored and compared: the answers are the corpus."""
    from evalharness.report.comparing import compare_dataset

    examples = workspace.examples(dataset).with_columns(split=pl.lit("test"))
    divided = workspace.put_dataset(examples)
    with workspace.run("split", {"seed": 0}, {"dataset": dataset}) as run:
        run.outputs["dataset"] = divided
    workspace.ledger.set_name(DIVIDED, divided)
    texts = [text for text in TEXTS.values() if not half(text)]
    scores: list[tuple[object, ...]] = []
    inputs = {"dataset": divided}
    digests: dict[str, str] = {}
    for arm, every in WRONG.items():
        answers: list[tuple[object, ...]] = []
        for number, (example_id, label) in enumerate(examples.select("example_id", "label").iter_rows()):
            right = number % every != 0
            text = texts[(number + every) % len(texts)]
            said = label if right else short(text) or "none"
            answers.append(
                (example_id, arm, f"{text} {arm}", said, "stop", 70, 14, 0.1, f"h{number}", short(text) if number % 11 == 0 else None)
            )  # fmt: skip
            scores.append((example_id, arm, "accuracy", float(right), short(text), said))
        table = pl.DataFrame(answers, schema=ANSWERS, orient="row")
        digests[arm] = workspace.put_table("predictions", table)
        params = {"arm": arm, "split": "test", "model": short(texts[3])}
        with workspace.run("predict", params, inputs) as run:
            run.outputs["predictions"] = digests[arm]
    names = ["example_id", "arm", "metric", "value", "reason", "label"]
    scored = pl.DataFrame(scores, schema=names, orient="row", schema_overrides={"reason": pl.String})
    with workspace.run(
        "score", {}, {**inputs, **{f"predictions-{arm}": d for arm, d in digests.items()}}
    ) as run:
        run.outputs["scores"] = workspace.put_table("scores", scored)
    compare_dataset(workspace, divided)


def toml_text(text: str) -> str:
    """A text as a TOML string."""
    return '"' + "".join(f"\\U{ord(c):08X}" if c in '"\\' or not c.isprintable() else c for c in text) + '"'


def _labels(workspace: Workspace) -> None:
    """A label set whose questions, options and descriptions are the corpus."""
    names = dict.fromkeys(short(text) for text in TEXTS.values() if short(text).strip() and not half(text))
    options = ", ".join(
        f"{{name = {toml_text(name)}, description = {toml_text(name[::-1])}}}" for name in names
    )
    asked = toml_text(next(iter(names)) + " " + " ".join(list(names)[8:40]))
    task = f'[tasks.it]\nretrain = 0\ngold_every = 2\ncolumn = "meta:it"\ninstructions = {asked}\noptions = [{options}]\n'
    (workspace.root / FILE).write_text(task, encoding="utf-8")


def _failed(workspace: Workspace, dataset: str) -> None:
    """Runs whose settings and errors are the corpus."""
    for text in TEXTS.values():
        if not half(text):
            said = short(text)
            run_id = workspace.ledger.start(said[:20] or "x", {said[:50]: said}, "c0de", {"dataset": dataset})
            workspace.ledger.end(run_id, {}, error=f"ValueError: {text[:4000]}")


def _trained(workspace: Workspace, dataset: str) -> None:
    """A training run with a hostile name, and lines in its log that are none."""
    inputs, params = (
        {"dataset": dataset},
        {"recipe": {"epochs": 2, "base": short(TEXTS["title, OSC 0 by BEL"])}},
    )
    workspace.ledger.start("train", params, "c0de", inputs)
    folder = workspace.root / "training" / "0123456789abcdef"
    folder.mkdir(parents=True)
    told = {"name": SOURCE, "params": params, "inputs": inputs, "code": "c0de"}
    (folder / "run.json").write_text(json.dumps(told))
    log = [{"step": step, "loss": 3 / step, "learning_rate": 1e-4, "note": SOURCE} for step in range(1, 20)]
    lines_ = [json.dumps(each) for each in log] + [
        f"\x1b]0;{CANARY}\x07",
        json.dumps({"step": "\x1b[31m", "loss": "x"}),
    ]
    (folder / "log.jsonl").write_text("\n".join(lines_) + "\n")
    pulse = {"at": time.time(), "step": 19, "total": 40, "memory": 7e8, "pid": os.getpid(), "host": platform.node()}  # fmt: skip
    (folder / "pulse.jsonl").write_text(json.dumps(pulse) + "\n")
