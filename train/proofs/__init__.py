"""What a run proves of itself: one table of checks, and when each of them runs.

Each run: `held(BUILT, ...)` before the first step, `held(TRAINED, ...)` after the last. With --prove also `prove(...)`, before the run: short trainings on a
few of its rows, which go through all of these and through the checks of PROVED.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from curate.errors import ConfigError, ResourceError
from curate.progress import Progress
from evalharness.adapters.checked import Checked, NotApplying, Outcome
from evalharness.models.loaded import LoadedModel, import_peft
from train import checks, processes, watch
from train.proofs import entering, learning, trained
from train.proofs.subject import Given, Trial

BUILT, TRAINED, PROVED = "trainer built", "trained", "--prove"


class Proof(NamedTuple):
    """One check. `run` returns why it does not apply, where it does not; it raises ResourceError where it fails."""

    key: str
    name: str
    stage: str
    run: Callable[[Any], Checked | str]


PROOFS = (
    Proof("c4", "lengths", BUILT, entering.lengths),
    Proof("c1", "mask oracle", BUILT, entering.masks),
    Proof("c2", "end token", BUILT, entering.ends),
    Proof("c3", "one begin token", BUILT, entering.begins),
    Proof("c5", "template keeps turns", BUILT, entering.turns_kept),
    Proof("c16", "tokenizer kept", BUILT, entering.tokenizer_kept),
    Proof("c11", "fp32 adapters", BUILT, lambda run: checks.masters(run.model, whole=run.recipe.precision == "fp32")),
    Proof("c6", "NF4 round trip", BUILT, trained.held_in_nf4),
    Proof("c6b", "gradients around an evaluation", BUILT, lambda run: checks.gradients_around_evaluation(run.model, run.probe, run.loaded.device)),
    Proof("c7", "packing equals unpacked", BUILT, trained.packing),
    Proof("c15", "base unchanged", TRAINED, trained.base_unchanged),
    Proof("c12", "the adapter acts", TRAINED, trained.acts),
    Proof("c13", "reload equals", TRAINED, trained.reload),
    Proof("c9", "learned by heart", PROVED, learning.by_heart),
    Proof("c1", "mask oracle, as text", PROVED, entering.answers_decode),
    Proof("c2", "end token learned", PROVED, learning.stops),
    Proof("c13", "reload equals, anew", PROVED, trained.fresh),
    Proof("c14", "merge", PROVED, trained.merge),
    Proof("c17", "padding", PROVED, trained.padding),
    Proof("c8", "accumulation parity", PROVED, learning.parts),
    Proof("c10", "equal seeds", PROVED, learning.seed),
    Proof("c11", "resumed equals straight", PROVED, learning.resume),
    Proof("c18", "shuffled answers", PROVED, learning.control),
)  # fmt: skip


def held(stage: str, subject: Any) -> list[Outcome]:  # noqa: ANN401  what the checks of that stage look at
    """The checks of a stage, in order; ResourceError at the first that fails."""
    return [_tried(proof, subject) for proof in PROOFS if proof.stage == stage]


def _tried(proof: Proof, subject: Any, began: float | None = None) -> Outcome:  # noqa: ANN401
    """What a check found; its error says which check it was."""
    began = began or time.monotonic()
    try:
        found = proof.run(subject)
    except ResourceError as error:
        raise ResourceError(f"{proof.key.upper()}: {error.message}", hint=error.hint) from error
    if isinstance(found, str):
        return NotApplying(proof.name, found, proof.key)
    return replace(found, key=proof.key, seconds=round(time.monotonic() - began, 3))


def prove(given: Given, work: Path, load: Callable[[], LoadedModel]) -> list[Outcome]:
    """All checks on short trainings of their own; `load` gives the base anew for each, `work` is theirs.

    All that can be compared is compared before ResourceError names each check that failed. The checks of a
    run's own stages are repeated by the run, which records them.
    """
    if processes.count() > 1:
        raise ConfigError("--prove needs one process", hint="run it once alone, without accelerate launch")
    import_peft()
    import trl.trainer.sft_trainer  # noqa: F401  # with all that it brings

    # accelerate collects garbage after each training, which would go through all of these packages each time
    gc.freeze()
    found, failed = [], []
    proofs = [proof for proof in PROOFS if proof.stage == PROVED]
    work.mkdir(parents=True, exist_ok=True)
    watch.quiet()
    with TemporaryDirectory(dir=work) as folder, Progress("prove", len(proofs)) as progress:
        began: float | None = time.monotonic()
        trial = Trial(given, Path(folder), load)
        rehearse(trial)
        for proof in proofs:
            try:
                found.append(_tried(proof, trial, began))
            except ResourceError as error:
                failed.append(error)
            began = None  # the rehearsal is the first one's
            progress.step(note=proof.name)
    if failed:
        told = "; ".join(error.message for error in failed)
        raise ResourceError(f"{len(failed)} of {len(proofs)} proofs failed: {told}", hint=failed[0].hint)
    return found


def rehearse(trial: Trial) -> None:
    """A few rows trained until they are known by heart, through the checks of every run."""
    underway = learning.few_by_heart(trial)
    held(BUILT, underway)
    underway.mark()
    underway.go()
    underway.save(trial.work / "saved")
    held(TRAINED, underway)
    trial.kept["by heart"] = underway
