"""Who is told of a run beside `log.jsonl`: by transformers' own `report_to`, once it is known to work."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from curate.errors import MissingExtraError
from train import processes
from train.recipe import Recipe

FOLDER = "tensorboard"


def folder_of(work: Path) -> Path:
    """Where a run's TensorBoard files lie: beside the unfinished runs, since those folders go in the end."""
    return work.parents[1] / FOLDER / work.name


def wanted(recipe: Recipe, work: Path, *, begins: bool) -> dict[str, str]:
    """What `report_to` becomes, each with where it tells; the environment is set as its callback reads it.

    Raises MissingExtraError for a tracker that is not installed; of TensorBoard, the default, the record says
    so instead. Nothing here asks the network by itself: TensorBoard and MLflow write into the workspace, and W&B
    is offline where the hub is (HF_HUB_OFFLINE), unless MLFLOW_TRACKING_URI or WANDB_MODE say otherwise.
    """
    told: dict[str, str] = {}
    for name in recipe.report_to:
        if name in ("wandb", "mlflow") and find_spec(name) is None:
            error = MissingExtraError(name, "train")
            error.hint = f"pip install {name}, or take it out of report_to"
            raise error
    if "tensorboard" in recipe.report_to:
        folder = folder_of(work)
        if begins and processes.first():
            shutil.rmtree(folder, ignore_errors=True)  # of an earlier try
        os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder)
        there = find_spec("tensorboard") is not None
        told["tensorboard"] = f"{FOLDER}/{folder.name}" if there else "not installed"
    if "wandb" in recipe.report_to:
        if os.environ.get("HF_HUB_OFFLINE") == "1":
            os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("WANDB_DIR", str(work.parents[1]))
        told["wandb"] = os.environ.get("WANDB_MODE", "online")
    if "mlflow" in recipe.report_to:
        told["mlflow"] = os.environ.setdefault(
            "MLFLOW_TRACKING_URI", f"sqlite:///{work.parents[1] / 'mlflow.db'}"
        )
    return told
