"""Whether a kept adapter, on its base again, is what was trained."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.workspace import Workspace
from evalharness.adapters.checked import Checked, must
from evalharness.adapters.registry import Adapter, load
from evalharness.adapters.trained_on import FILE, rows_of
from evalharness.encoding.losses import key_of, leads, losses
from evalharness.encoding.rows import as_trained
from evalharness.models.adapted import is_reward

PROBES = 8  # rows whose loss is compared
LOSS_LIMIT = {
    "cpu": 1e-3,
    "cuda": 5e-2,
}  # other padding, other machine; a GPU's kernels add in no fixed order


def reload_check(workspace: Workspace, each: Adapter) -> list[Checked]:
    """Loaded on its base, rows that it was trained on must be the same tokens, with the loss recorded at its end.

    Of pairs the lead of the chosen answer is compared: a trained token's share of it, or a reward model's own
    number. Raises ResourceError where they are not the same, and ConfigError where the adapter does not fit
    its base. Without such rows here, that it fits is all that is known.
    """
    loaded = load(each)
    folder, settings = each.folder or Path(), each.told.get("settings", {})
    data = str(each.told.get("dataset", {}).get("digest", ""))
    if not (folder / FILE).is_file() or not data or not workspace.store.holds(data):
        return []
    pairs, scored = settings.get("objective", "sft") != "sft", is_reward(folder)
    few = rows_of(folder).drop_nulls("loss").sort("example_id").head(PROBES)
    known = {row["example_id"]: row for row in few.iter_rows(named=True)}
    table = workspace.examples(data).filter(pl.col("example_id").is_in(few["example_id"].implode()))
    rows = as_trained(loaded, table, settings)
    size = 2 if pairs else 1
    units = [rows[at : at + size] for at in range(0, len(rows), size)]
    then = [known[unit[0].example_id] for unit in units]
    same = [(unit, row) for unit, row in zip(units, then, strict=True) if row["digest"] == key_of(*unit)]
    found = []
    if settings.get("over_long") != "truncate":  # a row that was cut is other tokens
        compared = f"of {len(known)} training rows, not the tokens that were trained on"
        found.append(must("rows are the same", compared, len(known) - len(same), "equal", 0))
    if same:
        flat = [row for unit, _ in same for row in unit]
        now = leads(loaded, flat, scored=scored) if pairs else losses(loaded.model, flat, loaded.device)
        worst = max(
            abs(row["lead" if pairs else "loss"] - value) / (row["trained"] if pairs and not scored else 1)
            for (_, row), value in zip(same, now, strict=True)
        )
        what = "loss of" if not pairs else "lead in score of" if scored else "lead a token of"
        compared = f"largest difference of the {what} {len(same)} training rows from the one recorded"
        found.append(must("reload equals", compared, worst, "below", LOSS_LIMIT[loaded.device]))
    return found
