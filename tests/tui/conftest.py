"""A small workspace with a finding of each shape, and hostile text in some rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from textual.css.stylesheet import Stylesheet

from curate.example import frame, with_ids
from curate.finding import stamp
from curate.workspace import Workspace

EVIL = "[/foo] [bold]x\x1b[31m\x1b]52;c;aGk=\x07\x9b31m\u202egnp\u200b \x00 \x1b]0;title\x1b\\"
QUEUES = ("oak", "sierra", "viola")


def tickets(count: int, *, evil: bool) -> pl.DataFrame:
    """`count` tickets in three queues; every third holds hostile text where `evil`."""
    rows = []
    for number in range(count):
        text = f"Hello, order {1000 + number} arrived broken. Write to anna{number}@example.org please."
        if evil and number % 3 == 0:
            text += f" {EVIL}"
        queue = QUEUES[number % 3]
        messages = [
            ("system", "Queues: oak, sierra, viola."),
            ("user", text),
            ("assistant", f"{queue}: sorry."),
        ]
        rows.append(
            {
                "messages": [{"role": r, "content": c, "name": None, "tool_calls": None, "tool_call_id": None} for r, c in messages],
                "label": queue,
                "group": f"c-{number % 5}",
                "source": f"tickets{EVIL if evil else ''}.jsonl",
                "source_row": number + 1,
                "meta": json.dumps({"channel": "mail" if number % 2 else EVIL}),
            }
        )  # fmt: skip
    return with_ids(frame(rows), [json.dumps(row) for row in rows])


def findings(examples: pl.DataFrame) -> pl.DataFrame:
    """Contradictions (pair), near duplicates (cluster), personal data (span), structure (example)."""
    ids = examples["example_id"].to_list()
    hashes = dict(examples.select("example_id", "content_hash").iter_rows())
    texts = [messages[1]["content"] for messages in examples["messages"].to_list()]
    pairs = [
        {"label": "label", "example_id": ids[i], "other_id": ids[i + 1], "score": 0.8, "action": "review"}
        for i in range(0, 6, 2)
    ]
    cluster = [
        {
            "label": "near", "example_id": ids[6 + k], "other_id": ids[6] if k else None, "cluster_id": "c0",
            "score": 0.9, "action": "drop" if k else "keep", "evidence": json.dumps({"jaccard": 0.9, "why": EVIL}),
        }
        for k in range(4)
    ]  # fmt: skip
    spans = [
        {
            "label": "EMAIL_ADDRESS", "example_id": ids[i], "message": 1, "field": "content",
            "start": texts[i].index("anna"), "end": texts[i].index(" please"), "score": 0.5 + i / 100,
            "action": "redact", "blocking": True,
        }
        for i in range(12)
    ]  # fmt: skip
    whole = [{"label": "too-long", "example_id": ids[i], "score": 1.0, "action": "drop"} for i in (3, 5)]
    tables = [("contradiction", pairs), ("near-duplicate", cluster), ("pii", spans), ("structure", whole)]
    return pl.concat(
        stamp(pl.DataFrame(rows, infer_schema_length=None), hashes, check=check, version=1)
        for check, rows in tables
    )


def build(home: Path, *, evil: bool = False, count: int = 20) -> Workspace:
    """A workspace with one scanned version."""
    home.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(home)
    with workspace.run("import", {"source": "tickets.jsonl"}, {}) as run:
        dataset = workspace.put_dataset(tickets(count, evil=evil))
        run.outputs["dataset"] = dataset
    workspace.ledger.set_name("tickets", dataset)
    with workspace.run("scan", {"pii": {}}, {"dataset": dataset}) as run:
        run.outputs["findings"] = workspace.put_table("findings", findings(workspace.examples(dataset)))
    return workspace


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a workspace, with the environment of one reviewer and no settings of their own."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    monkeypatch.setenv("SEATRIAL_REVIEWER", "anna")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return tmp_path / "ws"


@pytest.fixture
def workspace(home: Path) -> Iterator[Workspace]:
    """A workspace of harmless rows."""
    made = build(home)
    yield made
    made.close()


@pytest.fixture
def hostile(home: Path) -> Iterator[Workspace]:
    """A workspace whose rows, sources and evidence hold escape sequences and markup."""
    made = build(home, evil=True)
    yield made
    made.close()


@pytest.fixture(scope="session", autouse=True)
def _style_sheets_are_parsed_once() -> Iterator[None]:
    """Each app would parse the same ones again: a tenth of what a test of the screens computes."""
    known: dict[object, Any] = {}
    parse = Stylesheet._parse_rules

    def parse_once(sheet: Stylesheet, *words: Any, **more: Any) -> Any:
        key = (words, *sorted(more.items()), *sorted(sheet._variables.items()))
        if key not in known:
            known[key] = parse(sheet, *words, **more)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield
