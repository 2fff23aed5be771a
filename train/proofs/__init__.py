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
from train.proofs import control, entering, learning, trained
from train.proofs.subject import Given, Trial

BUILT, TRAINED, PROVED = "trainer built", "trained", "--prove"


class Proof(NamedTuple):
    """One check. `run` returns why it does not apply, where it does not; it raises ResourceError where it fails."""

    key: str
    name: str
    stage: str
    proves: str
    cost: str
    run: Callable[[Any], Checked | str]


STEP, PASS, NONE = "a step", "a pass", "none"
PROOFS = (
    Proof("c4", "lengths", BUILT, "the trainer drops and cuts nothing", "milliseconds", entering.lengths),
    Proof("c1", "mask oracle", BUILT, "the loss looks where two ways say it should", "a pass over at most 1,000 rows without the model", entering.masks),
    Proof("c2", "end token", BUILT, "the loss sees the end token of each trained turn", "the same", entering.ends),
    Proof("c3", "one begin token", BUILT, "rows and prompts begin alike, with one begin token at most", "the same", entering.begins),
    Proof("c5", "template keeps turns", BUILT, "earlier turns stay as they were", "milliseconds", entering.turns_kept),
    Proof("c16", "tokenizer kept", BUILT, "the saved tokenizer is the one that trained", "under a second", entering.tokenizer_kept),
    Proof("c11", "fp32 adapters", BUILT, "small updates are not rounded away, and a resumed run is the same", "none", lambda run: checks.masters(run.model, whole=run.recipe.precision == "fp32")),
    Proof("c6", "NF4 round trip", BUILT, "weights of each shape are held as they should be", "reading a layer of each shape", trained.held_in_nf4),
    Proof("c6b", "gradients around an evaluation", BUILT, "an evaluation leaves the gradients as they were", "two steps of four short rows", lambda run: checks.gradients_around_evaluation(run.model, run.probe, run.loaded.device)),
    Proof("c7", "packing equals unpacked", BUILT, "rows of a pass do not see one another", "two passes of four short rows", trained.packing),
    Proof("c15", "base unchanged", TRAINED, "the adapter belongs to the base that it names", "reading all weights twice", trained.base_unchanged),
    Proof("c12", "the adapter acts", TRAINED, "what was trained changes answers", "two passes of four short rows", trained.acts),
    Proof("c13", "reload equals", TRAINED, "what was saved is what was trained", "two passes of four short rows", trained.reload),
    Proof("c9", "learned by heart", PROVED, "mask, loss and steps together teach an answer word for word", f"at most {learning.BY_HEART_STEPS} steps of {learning.BY_HEART_ROWS} short rows", learning.by_heart),
    Proof("c1", "mask oracle, as text", PROVED, "the trained tokens read as the answers", "a millisecond a row", entering.answers_decode),
    Proof("c2", "end token learned", PROVED, "what has learned answers ends them", f"{learning.ASKED} answers", learning.stops),
    Proof("c13", "reload equals, anew", PROVED, "the harness loads what was trained", "loading the base", trained.fresh),
    Proof("c14", "merge", PROVED, "the adapter can be merged", f"loading the base three times, {trained.MERGED_ROWS} rows", trained.merge),
    Proof("c17", "padding", PROVED, "a batch answers as each prompt alone", f"{2 * trained.PADDED_ROWS} answers", trained.padding),
    Proof("c8", "accumulation parity", PROVED, "accumulate changes memory, not the result", f"{3 * learning.PARTS_STEPS} steps of {learning.PARTS_ROWS} short rows", learning.parts),
    Proof("c10", "equal seeds", PROVED, "a run can be repeated", f"{2 * learning.TWICE_STEPS} steps of 4 short rows", learning.seed),
    Proof("c11", "resumed equals straight", PROVED, "a stopped run ends as one in one piece", f"{learning.TWICE_STEPS // 2} steps of 4 short rows", learning.resume),
    Proof("c18", "shuffled answers", PROVED, "the comparison can say no", f"{control.STEPS} steps, {2 * control.ROWS} answers", control.control),
)  # fmt: skip


def held(stage: str, subject: Any) -> list[Outcome]:  # noqa: ANN401  what the checks of that stage look at
    """The checks of a stage, in order; ResourceError at the first that fails."""
    return [_tried(proof, subject) for proof in PROOFS if proof.stage == stage]


def _tried(proof: Proof, subject: Any, spent: float = 0.0) -> Outcome:  # noqa: ANN401
    """What a check found; its error says which check it was. `spent` are seconds that it took before."""
    began = time.monotonic() - spent
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
    with watch.quiet(), TemporaryDirectory(dir=work) as folder, Progress("prove", len(proofs)) as progress:
        trial, began = Trial(given, Path(folder), load), time.monotonic()
        rehearse(trial)
        spent = time.monotonic() - began
        for proof in proofs:
            try:
                found.append(_tried(proof, trial, spent))
            except ResourceError as error:
                failed.append(error)
            spent = 0.0  # it is the first one's
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
