"""What is seen of a run while it goes: progress, the log, sealed checkpoints; and less noise around it."""

from __future__ import annotations

import logging
import math
import os
import shutil
import time
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from curate.errors import ConfigError, MissingExtraError
from curate.progress import Progress
from curate.pulse import PULSE, Pulse
from evalharness.encoding.log import in_lines, measured
from train import checkpoints, processes
from train.recipe import Recipe

TENSORBOARD = "tensorboard"
# Lines of other packages that are known, checked and no news to the reader of our output.
NOISE = (
    r"`(is_)?gradient_checkpointing` is deprecated",  # TRL sets the deprecated names itself
    "fan_in_fan_out is set to False",  # PEFT sets it right, and says so for each layer
)
NOISY_LOGS = {
    # the tokenizer's and model's special tokens are made equal; ours are checked when masks are made
    "transformers.trainer": "The tokenizer has new PAD/BOS/EOS tokens",
    # rows are measured before our own gate decides about their length
    "transformers.tokenization_utils_base": "Token indices sequence length is longer",
    # checkpoints are then sorted by their step, which is what we want
    "transformers.trainer_utils": "mtime may not be reliable",
}


def quiet() -> None:
    """From now on without the lines of NOISE and NOISY_LOGS, and without other packages' progress bars."""
    import datasets
    from transformers.utils import logging as bars

    bars.disable_progress_bar()
    datasets.disable_progress_bars()
    for line in NOISE:
        warnings.filterwarnings("ignore", message=line)
    for name in NOISY_LOGS:
        logging.getLogger(name).addFilter(_news)


def _news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(NOISY_LOGS[record.name])


def watcher(log: Path, progress: Progress) -> Any:  # noqa: ANN401  a transformers.TrainerCallback
    """A callback that tells progress, writes the log as it comes and seals each checkpoint."""
    from transformers import TrainerCallback

    pulse = Pulse(log.with_name(PULSE))

    class Watcher(TrainerCallback):  # type: ignore[misc]  # the way TRL is told of its callbacks
        told = judged = ""
        since = spent = 0.0
        before: float | None = None
        pace: float | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            progress.total = state.max_steps
            # a run that goes on has its former lines from the checkpoint
            log.write_text(in_lines(measured(state.log_history)), encoding="utf-8")
            progress.began = time.monotonic()
            progress.tell()
            pulse.beat(state.global_step, state.max_steps, always=True)

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            self.since = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            self.spent += time.monotonic() - self.since
            progress.step()
            pulse.beat(state.global_step, state.max_steps, pace=self.pace)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ANN401
            if "loss" in logs and not math.isfinite(logs["loss"]):
                what = f"the loss is {logs['loss']} at step {state.global_step}: training has gone astray"
                raise ConfigError(what, hint="lower learning_rate, or set max_grad_norm")
            with log.open("a", encoding="utf-8") as file:
                file.write(in_lines(measured(state.log_history[-1:])))
            if "loss" in logs:
                self.told = f"epoch {state.epoch:.1f}, loss {logs['loss']:.3f}"
                # of the steps since the last line, padding left out, where the trainer counts them
                count, before = logs.get("num_tokens"), self.before
                if count is not None and before is not None and self.spent > 0:
                    self.pace = (count - before) / self.spent
                self.before, self.spent = count, 0.0
            if "eval_loss" in logs:
                scored = f" (metric {logs['eval_metric']:.3f})" if "eval_metric" in logs else ""
                self.judged = f", validation {logs['eval_loss']:.3f}{scored}"
            paced = f", {self.pace:,.0f} tokens/s" if self.pace else ""
            progress.note = self.told + self.judged + paced

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            processes.wait()  # each has a file of its own in it
            if processes.first():
                checkpoints.seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Watcher()


def need_trackers(recipe: Recipe) -> None:
    """Raises MissingExtraError for a tracker that is not installed; of TensorBoard, the default, the record says so."""
    for name in recipe.report_to:
        if name in ("wandb", "mlflow") and find_spec(name) is None:
            error = MissingExtraError(name, "train")
            error.hint = f"pip install {name}, or take it out of report_to"
            raise error


def reports(recipe: Recipe, work: Path, *, begins: bool) -> dict[str, str]:
    """What `report_to` becomes, each with where it tells; the environment is set as its callback reads it.

    Nothing here asks the network by itself: TensorBoard and MLflow write into the workspace, and W&B
    is offline where the hub is (HF_HUB_OFFLINE), unless MLFLOW_TRACKING_URI or WANDB_MODE say otherwise.
    """
    told: dict[str, str] = {}
    if "tensorboard" in recipe.report_to:
        folder = work.parents[1] / TENSORBOARD / work.name  # unfinished runs go in the end
        if begins and processes.first():
            shutil.rmtree(folder, ignore_errors=True)  # of an earlier try
        os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder)
        told["tensorboard"] = f"{TENSORBOARD}/{folder.name}" if find_spec("tensorboard") else "not installed"
    if "wandb" in recipe.report_to:
        if os.environ.get("HF_HUB_OFFLINE") == "1":
            os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("WANDB_DIR", str(work.parents[1]))
        told["wandb"] = os.environ.get("WANDB_MODE", "online")
    if "mlflow" in recipe.report_to:
        where = f"sqlite:///{work.parents[1] / 'mlflow.db'}"
        told["mlflow"] = os.environ.setdefault("MLFLOW_TRACKING_URI", where)
    return told
