"""Whether a kept adapter, on its base again, is what was trained."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.workspace import Workspace
from evalharness.adapters.registry import Adapter, load
from evalharness.adapters.trained_on import FILE, rows_of
from train import batches, checks, lineage
from train.checks import Checked
from train.rows import encode_rows

PROBES = 8  # rows whose loss is compared
LOSS_LIMIT = {
    "cpu": 1e-3,
    "cuda": 5e-2,
}  # other padding, other machine; a GPU's kernels add in no fixed order


def reload_check(workspace: Workspace, each: Adapter) -> list[Checked]:
    """Loaded on its base, rows that it was trained on must be the same tokens, with the loss recorded at its end.

    Raises ResourceError where they are not, and ConfigError where the adapter does not fit its base.
    Without such rows here, or of pairs, that it fits is all that is known.
    """
    loaded = load(each)
    folder, settings = each.folder or Path(), each.told.get("settings", {})
    data = str(each.told.get("dataset", {}).get("digest", ""))
    plain = settings.get("objective", "sft") == "sft"
    if not plain or not (folder / FILE).is_file() or not data or not workspace.store.holds(data):
        return []
    known = (
        rows_of(folder)
        .drop_nulls("loss")
        .sort("example_id")
        .head(PROBES)
        .rows_by_key("example_id", named=True)
    )
    table = workspace.examples(data).filter(pl.col("example_id").is_in(list(known)))
    template = batches.template_of(loaded, str(settings.get("train_on", "assistant")))
    rows, _ = encode_rows(template, table, control_tokens="allow", unusable="drop")
    same = [row for row in rows if known[row.example_id][0]["digest"] == lineage.key_of(row)]
    found = []
    if settings.get("over_long") != "truncate":  # a row that was cut is other tokens
        compared = f"of {len(known)} training rows, not the tokens that were trained on"
        found.append(checks.must("rows are the same", compared, len(known) - len(same), "equal", 0))
    if same:
        now = zip(same, lineage.losses(loaded.model, same, loaded.device), strict=True)
        worst = max(abs(known[row.example_id][0]["loss"] - loss) for row, loss in now)
        compared = f"largest difference of the loss of {len(same)} training rows from the one recorded"
        found.append(checks.must("reload equals", compared, worst, "below", LOSS_LIMIT[loaded.device]))
    return found
