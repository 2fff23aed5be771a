"""A workspace with one version of twelve tickets in two queues, and a label set of four tasks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from curate.example import frame, with_ids
from curate.labelling.tasks import FILE, Task, parsed
from curate.workspace import Workspace

LABELS = """
[tasks.queue]
instructions = "Who answers this?"
show = "prompt"
gold = "meta:truth"
gold_every = 4
options = ["oak", "viola", "rest"]

[tasks.tags]
kind = "several"
column = "meta:tags"
options = ["urgent", "angry", "money"]

[tasks.mood]
kind = "scale"
column = "meta:mood"

[tasks.line]
kind = "text"
column = "meta:line"
"""


def build(home: Path, count: int = 12) -> Workspace:
    """Tickets about invoices (oak) and parcels (viola) by turns; the first two have their truth in `meta`."""
    home.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(home)
    rows = []
    for number in range(count):
        oak = number % 2 == 0
        text = f"my invoice {number} is too high" if oak else f"the parcel {number} did not arrive"
        turns = [
            ("system", "Be kind."),
            ("user", text),
            ("assistant", "oak: sorry" if oak else "viola: sorry"),
        ]
        messages = [
            {"role": role, "content": said, "name": None, "tool_calls": None, "tool_call_id": None}
            for role, said in turns
        ]
        meta = {"truth": "oak" if oak else "viola"} if number < 2 else {}
        rows.append(
            {
                "messages": messages, "label": "oak", "source": "t.jsonl", "source_row": number + 1,
                "meta": json.dumps(meta),
            }
        )  # fmt: skip
    examples = with_ids(frame(rows), [json.dumps(row) for row in rows])
    with workspace.run("import", {"source": "t.jsonl"}, {}) as run:
        run.outputs["dataset"] = workspace.put_dataset(examples)
    workspace.ledger.set_name("tickets", run.outputs["dataset"])
    (home / FILE).write_text(LABELS, encoding="utf-8")
    return workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace, with the environment of one reviewer."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    monkeypatch.setenv("SEATRIAL_REVIEWER", "anna")
    made = build(tmp_path / "ws")
    yield made
    made.close()


@pytest.fixture
def tasks() -> dict[str, Task]:
    """The label set."""
    return parsed(LABELS)


@pytest.fixture
def tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Workspace]]:
    """Makes the workspace with so many tickets."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    made: list[Workspace] = []

    def make(count: int) -> Workspace:
        made.append(build(tmp_path / "ws", count))
        return made[-1]

    yield make
    for each in made:
        each.close()
