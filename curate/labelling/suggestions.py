"""What a model proposes for each row, as a file: written whole by `label suggest`, only read by the screens."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from curate.errors import ConfigError
from curate.labelling.answers import Suggestion
from curate.labelling.tasks import Task
from curate.parquet import write_parquet
from curate.workspace import Workspace

FOLDER = "suggestions"
UNRANKED = np.iinfo(np.int64).max
SCHEMA = pl.Schema(
    {
        "example_id": pl.String,
        "answer": pl.String,  # JSON
        "probability": pl.Float64,
        "rank": pl.Int64,  # 0: what a person should look at first
    }
)


@dataclass(frozen=True)
class Proposed:
    """A model's proposals: `rows` as in SCHEMA; after `placed`, `rank` and `rows` go by a row's place."""

    rows: pl.DataFrame
    trained_on: int  # answers
    made_at: str
    features: str  # what it judged by
    right: float | None  # share of the answers that it told when it had not seen them; None for too few
    rank: npt.NDArray[np.int64]
    ranked: int = 0  # rows that the model looked at
    of: int = 0  # rows of the version

    @property
    def sample(self) -> str:
        """Which rows it ranked, where these are not all; to be put behind other words."""
        return f", ranks {self.ranked:,} of {self.of:,} rows" if self.ranked < self.of else ""

    def placed(self, ids: pl.Series) -> Proposed:
        """The same with a line for each id, in their order."""
        rows = pl.DataFrame({"example_id": ids}).join(
            self.rows, on="example_id", how="left", maintain_order="left"
        )
        return replace(self, rows=rows, rank=rows["rank"].fill_null(UNRANKED).to_numpy().copy())

    def suggestion(self, task: Task, place: int) -> Suggestion | None:
        """What is proposed for the row at a place; None where nothing is, or it is no answer any more."""
        answer, probability = self.rows.item(place, "answer"), self.rows.item(place, "probability")
        if answer is None:
            return None
        try:
            return Suggestion(task.checked(json.loads(answer)), probability, "model")
        except (ValueError, ConfigError):
            return None  # the options have changed since


def path_of(workspace: Workspace, dataset: str, task: Task) -> Path:
    """Where the proposals for a version stand."""
    return workspace.root / FOLDER / f"{task.name}-{dataset[:32]}.parquet"


def keep(
    workspace: Workspace, dataset: str, task: Task, rows: pl.DataFrame, facts: dict[str, object]
) -> Path:
    """Write proposals; the file under its final name is always whole."""
    path = path_of(workspace, dataset, task)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.part")
    write_parquet(rows.select(list(SCHEMA)), temporary, metadata={"seatrial": json.dumps(facts)})
    temporary.replace(path)
    return path


def proposed(workspace: Workspace, dataset: str, task: Task) -> Proposed | None:
    """The newest proposals for a version; None where there are none, or the file is not what it must be."""
    path = path_of(workspace, dataset, task)
    if not path.is_file():
        return None
    try:
        rows = pl.read_parquet(path, columns=list(SCHEMA))
        facts = json.loads(pl.read_parquet_metadata(path)["seatrial"])
        return Proposed(
            rows, int(facts["trained_on"]), str(facts["made_at"]), str(facts["features"]), facts["right"],
            np.zeros(0, dtype=np.int64), rows.height, int(facts.get("of", rows.height)),
        )  # fmt: skip
    except (pl.exceptions.PolarsError, OSError, KeyError, ValueError, TypeError):
        return None  # a cache: `label suggest` writes it again
