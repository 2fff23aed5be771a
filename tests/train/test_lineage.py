"""Which rows trained an adapter, how often, and whether it still is what they made: on balanced splits, and of pairs."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest

from curate.commands import release
from curate.deciding import byhand
from curate.dividing.resample import times_of
from curate.errors import ResourceError
from evalharness.adapters import trained_on
from tests.train.conftest import ticket, version
from tests.train.test_train import told_of, train  # noqa: F401  # the fixture
from train import cli_adapters


@pytest.fixture
def balanced(keep, workspace) -> pl.DataFrame:
    """A version that `seatrial split --balance oversample` made of 40 tickets, three quarters of one queue."""
    rows = [
        ticket(number if number % 4 == 0 else number - number % 4 + (number % 16 == 1))
        for number in range(40)
    ]
    for number, row in enumerate(rows):
        row["source_row"] = number + 1
        row["messages"][1]["content"] += f" order {number}"
    keep(version(rows, train=0, validation=0).with_columns(split=pl.lit(None, dtype=pl.String)))
    release.split(
        "tickets", balance="oversample", encoder="none", group=False, link_threshold=1.0, allow_blocking=True
    )
    return workspace.examples(workspace.dataset("tickets"))


def test_a_copy_of_a_row_is_its_row_once_more(train, balanced, workspace):  # noqa: F811
    """In the lineage, before people, at promotion and where its mask is shown."""
    once = balanced.filter(pl.col("split") == "train")
    met = dict(zip(once["example_id"], times_of(once), strict=True))
    most = max(met, key=lambda name: met[name])
    assert met[most] > 1
    train({"epochs": 2, "evaluate": False})
    told = told_of(workspace)
    assert told["rows"]["train"]["rows"] == sum(met.values()) > once.height
    table = trained_on.rows_of(workspace.files(workspace.artifact("adapter", "tickets-adapter")))
    assert dict(table.select("example_id", "times").iter_rows()) == {
        name: 2.0 * times for name, times in met.items()
    }
    cli_adapters.adapters("rows", "tickets-adapter", worst=table.height, to_review=True)
    asked = workspace.findings(workspace.dataset("tickets")).filter(check=byhand.NAME)
    assert set(asked["example_id"]) == set(once["example_id"])
    promoted = cli_adapters.adapters("promote", "tickets-adapter", anyway=True)
    assert promoted.data["checks"][0]["compared"].startswith("of 8 training rows")
    [(source, row)] = once.filter(example_id=most).select("source", "source_row").iter_rows()
    for name in (most, f"{source}:{row}"):
        assert train(show_mask=name).lines[0].startswith(f"{source}:{row}: ")


@pytest.mark.parametrize("objective", ["dpo", "reward"])
def test_a_preference_adapter_is_compared_by_its_leads(train, keep, pairs, workspace, objective):  # noqa: F811
    """Promoted where they are what was recorded, and not with other weights under the same record."""
    keep(pairs)
    train({"objective": objective, "epochs": 1, "evaluate": False, "learning_rate": 0.01})
    promoted = cli_adapters.adapters("promote", "tickets-adapter", anyway=True)
    held = {each["name"]: each for each in promoted.data["checks"]}
    assert set(held) == {"rows are the same", "reload equals"} and held["reload equals"]["value"] < 1e-5
    assert ("lead a token" if objective == "dpo" else "lead in score") in held["reload equals"]["compared"]

    from safetensors.torch import load_file, save_file

    folder = workspace.root / "forged"
    shutil.copytree(workspace.files(promoted.data["adapter"]), folder)
    path = folder / "adapter_model.safetensors"
    save_file({name: weight * 3 for name, weight in load_file(path).items()}, path)
    workspace.ledger.set_name("forged", workspace.put_files("adapter", folder))
    with pytest.raises(ResourceError, match="reload equals failed"):
        cli_adapters.adapters("promote", "forged", anyway=True)
    rows = [json.loads(line) for line in (folder / trained_on.FILE).read_text().splitlines()]
    (folder / trained_on.FILE).write_text(
        "".join(json.dumps({**row, "digest": row["chosen"]}) + "\n" for row in rows)
    )
    workspace.ledger.set_name("other pairs", workspace.put_files("adapter", folder))
    with pytest.raises(ResourceError, match="rows are the same failed"):
        cli_adapters.adapters("promote", "other pairs", anyway=True)
