"""Who is told of a run beside `log.jsonl`: TensorBoard where it is installed, W&B and MLflow if asked for."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from curate.errors import MissingExtraError
from train import processes
from train.recipe import Recipe

FOLDER = "tensorboard"
ASKED = ("wandb", "mlflow")
Trainer: TypeAlias = Any  # one of TRL's


def folder_of(work: Path) -> Path:
    """Where a run's TensorBoard files lie: beside the unfinished runs, since those folders go in the end."""
    return work.parents[1] / FOLDER / work.name


def must_be_there(recipe: Recipe) -> None:
    """MissingExtraError for a tracker that was asked for and is not installed.

    TensorBoard is the default, so its absence is told in the record and is no error.
    """
    for name in ASKED:
        if name in recipe.report_to and find_spec(name) is None:
            error = MissingExtraError(name, "train")
            error.hint = f"pip install {name}, or take it out of report_to"
            raise error


def attach(trainer: Trainer, recipe: Recipe, work: Path) -> dict[str, Any]:
    """Add the callbacks of `report_to` to the trainer; what there is to tell of them.

    Nothing here asks the network by itself: TensorBoard writes files, MLflow too unless MLFLOW_TRACKING_URI
    says otherwise, and W&B is offline where the hub is (HF_HUB_OFFLINE), unless WANDB_MODE says otherwise.
    """
    wanted = [name for name in recipe.report_to if name != "none"]
    must_be_there(recipe)
    told: dict[str, str] = {}
    if not processes.first():
        return {}
    if "tensorboard" in wanted:
        told["tensorboard"] = _tensorboard(trainer, folder_of(work))
    if "wandb" in wanted:
        from transformers.integrations import WandbCallback

        if os.environ.get("HF_HUB_OFFLINE") == "1":
            os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("WANDB_DIR", str(work.parents[1]))
        trainer.add_callback(WandbCallback())
        told["wandb"] = os.environ.get("WANDB_MODE", "online")
    if "mlflow" in wanted:
        from transformers.integrations import MLflowCallback

        trainer.add_callback(MLflowCallback())
        told["mlflow"] = os.environ.get("MLFLOW_TRACKING_URI", "files")
    return {"reports": told}


def _tensorboard(trainer: Trainer, folder: Path) -> str:
    """Add TensorBoard; says where, as a name below the workspace."""
    if find_spec("tensorboard") is None:
        return "not installed"
    from transformers import TrainerCallback
    from transformers.integrations import TensorBoardCallback

    class Begun(TrainerCallback):  # type: ignore[misc]  # the way TRL is told of its callbacks
        """Opens the files once it is known where the run begins: what came later in an earlier try is hidden."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            from torch.utils.tensorboard import SummaryWriter

            if state.global_step == 0:
                shutil.rmtree(folder, ignore_errors=True)
            writer.tb_writer = SummaryWriter(str(folder), purge_step=state.global_step + 1)

    writer = TensorBoardCallback()
    writer.logging_dir = str(folder)
    trainer.add_callback(Begun())
    trainer.add_callback(writer)
    return f"{FOLDER}/{folder.name}"
