"""What is seen of a run while it goes: progress, the log, sealed checkpoints; and less noise around it."""

from __future__ import annotations

import json
import logging
import math
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

from curate.errors import ConfigError
from curate.progress import Progress
from curate.pulse import PULSE, Pulse
from train import checkpoints, processes

# Lines of other packages that are known, checked and no news to the reader of our output.
NOISE = (
    # TRL sets the deprecated name itself
    r"`gradient_checkpointing` is deprecated.*",
    r"`is_gradient_checkpointing` is deprecated.*",
)
NOISY_LOGS = {
    # the tokenizer's and model's special tokens are made equal; ours are checked when masks are made
    "transformers.trainer": ("The tokenizer has new PAD/BOS/EOS tokens",),
    # rows are measured before our own gate decides about their length
    "transformers.tokenization_utils_base": ("Token indices sequence length is longer",),
    # checkpoints are then sorted by their step, which is what we want
    "transformers.trainer_utils": ("mtime may not be reliable",),
}


@contextmanager
def quiet() -> Iterator[None]:
    """Without the lines of NOISE and NOISY_LOGS and without other packages' progress bars."""
    import datasets
    from transformers.utils import logging as bars

    def news(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(NOISY_LOGS[record.name])

    with ExitStack() as after, warnings.catch_warnings():
        for line in NOISE:
            warnings.filterwarnings("ignore", message=line, category=FutureWarning)
        for name in NOISY_LOGS:
            logging.getLogger(name).addFilter(news)
            after.callback(logging.getLogger(name).removeFilter, news)
        if bars.is_progress_bar_enabled():
            bars.disable_progress_bar()
            after.callback(bars.enable_progress_bar)
        if datasets.is_progress_bar_enabled():
            datasets.disable_progress_bars()
            after.callback(datasets.enable_progress_bars)
        yield


LOGGED = (
    "step", "epoch", "loss", "grad_norm", "learning_rate", "entropy", "mean_token_accuracy",
    "rewards/accuracies", "rewards/margins", "accuracy", "margin",
)  # fmt: skip


def log_line(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One line of the log: step, epoch, and what was measured, by TRL's names.

    Nothing in it depends on the clock or on where a run was resumed.
    """
    wanted = (*LOGGED, *(f"eval_{name}" for name in LOGGED), "eval_metric")
    return {name: entry[name] for name in wanted if name in entry}


def measured(history: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines of the log; TRL's summary at the end is none."""
    return [log_line(each) for each in history if "loss" in each or "eval_loss" in each]


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
            log.write_text("".join(map(_json, measured(state.log_history))), encoding="utf-8")
            progress.began = time.monotonic()
            self.before, self.pace, self.spent = None, None, 0.0
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
                raise ConfigError(
                    f"the loss is {logs['loss']} at step {state.global_step}: training has gone astray",
                    hint="lower learning_rate, or set max_grad_norm",
                )
            with log.open("a", encoding="utf-8") as file:
                file.writelines(map(_json, measured(state.log_history[-1:])))
            if "loss" in logs:
                self.told = f"epoch {state.epoch:.1f}, loss {logs['loss']:.3f}"
                self.measure(logs)
            if "eval_loss" in logs:
                scored = f" (metric {logs['eval_metric']:.3f})" if "eval_metric" in logs else ""
                self.judged = f", validation {logs['eval_loss']:.3f}{scored}"
            paced = f", {self.pace:,.0f} tokens/s" if self.pace else ""
            progress.note = self.told + self.judged + paced

        def measure(self, logs: Mapping[str, Any]) -> None:
            """Tokens a second of the steps since the last line, padding left out, where the trainer counts them."""
            count = logs.get("num_tokens")
            if count is not None and self.before is not None and self.spent > 0:
                self.pace = (count - self.before) / self.spent
            self.before, self.spent = count, 0.0

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            processes.wait()  # each has a file of its own in it
            if processes.first():
                checkpoints.seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Watcher()


def _json(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry) + "\n"


def losses(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per epoch: mean training loss of its logged steps, and validation loss where it was measured."""
    table: dict[int, dict[str, list[float]]] = {}
    for entry in history:
        for name in ("loss", "eval_loss"):
            if name in entry:
                epoch = table.setdefault(math.ceil(entry["epoch"] - 1e-9), {})
                epoch.setdefault(name, []).append(entry[name])
    return [
        {
            "epoch": epoch,
            "loss": fmean(found["loss"]) if "loss" in found else None,
            "validation_loss": found["eval_loss"][-1] if "eval_loss" in found else None,
        }
        for epoch, found in sorted(table.items())
    ]


def peak_memory(device: str) -> int:
    """Bytes that this process (on a GPU: its tensors there) held at most."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
