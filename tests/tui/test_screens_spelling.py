"""A label that is spelt otherwise: the card says what it becomes, and `b` mends all that are spelt so."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from curate.example import frame, with_ids
from curate.finding import stamp
from curate.workspace import Workspace
from tests.tui.test_screens_deciding import decided
from tests.tui.walking import settle, to_card
from tui.workbench import workbench

LABELS = [" Billing", "billing", " Billing", "Tech", " Billing"]


def spelt(home: Path) -> Workspace:
    """Rows whose labels are to be written small and without blanks, one of them right already."""
    rows: list[dict[str, object]] = [
        {"messages": [{"role": "user", "content": f"ticket {n}", "name": None, "tool_calls": None, "tool_call_id": None}], "label": label, "source": "t.csv", "source_row": n}
        for n, label in enumerate(LABELS)
    ]  # fmt: skip
    home.mkdir(parents=True, exist_ok=True)
    made = Workspace(home)
    with made.run("import", {"source": "t.csv"}, {}) as run:
        examples = with_ids(frame(rows), [json.dumps(row) for row in rows])
        run.outputs["dataset"] = dataset = made.put_dataset(examples)
    made.ledger.set_name("tickets", dataset)
    wrong = examples.filter(pl.col("label") != "billing")
    found = wrong.select(
        "example_id", label=pl.lit("label-spelling"), message=pl.lit(None, dtype=pl.UInt16),
        field=pl.lit("label"), score=pl.lit(1.0), action=pl.lit("edit"),
        evidence=pl.lit(json.dumps({"rows": 3, "edit": {"spelling": []}})),
    )  # fmt: skip
    hashes = dict(examples.select("example_id", "content_hash").iter_rows())
    with made.run("scan", {}, {"dataset": dataset}) as run:
        run.outputs["findings"] = made.put_table(
            "findings", stamp(found, hashes, check="label-spelling", version=1)
        )
    return made


async def test_all_labels_spelt_so_are_one_act(home: Path) -> None:
    """The other spelling stays open; undo takes all of them back."""
    workspace = spelt(home)
    app = workbench(workspace)
    async with app.run_test(size=(100, 30)) as pilot:
        card = await to_card(pilot, 'check == "label-spelling"')
        assert '" Billing" becomes "billing"' in card.page.text
        await pilot.press("b")
        await settle(pilot)
        assert list(decided(workspace).values()) == ["edit"] * 3
        assert '"Tech" becomes "tech"' in card.page.text
        await pilot.press("u")
        await settle(pilot)
        assert not decided(workspace)
    workspace.close()
