"""What must hold of a model: it is held whole, acts, reads back, answers alike in a batch, merges; its base is as it was."""

from __future__ import annotations

from typing import Any

from evalharness.adapters import merging
from evalharness.adapters.checked import Checked, must
from evalharness.adapters.registry import Adapter
from evalharness.encoding.encode import Encoded
from evalharness.encoding.questions import parted
from evalharness.models import nf4
from evalharness.models.chat import Chat
from evalharness.models.generation import generate
from evalharness.models.loaded import load_model
from evalharness.models.model_files import find_base
from train import checks, processes, sft
from train.proofs.subject import Trial, Underway
from train.recipe import TOKENS_BEFORE

MERGED_ROWS, PADDED_ROWS, PADDED_TOKENS = 64, 6, 24
ACTS_LIMIT = 1e-3
RELOAD_LIMIT = {"cpu": 1e-5, "cuda": 1e-2}
# A GPU trains with some weights in float32 that it answers with in bfloat16.
FRESH_LIMIT = {"cpu": 1e-5, "cuda": 0.25}
# In bfloat16 a padded batch may tip a near tie.
UNEQUAL_LIMIT = {"cpu": ("equal", 0.0), "cuda": ("below", 0.34)}


def packing(run: Underway) -> Checked | str:
    """Rows end to end in a pass, where a run packs, must give the logits that they give side by side."""
    told = run.built.told.get("packing", "off: TRL packs rows for supervised fine-tuning alone")
    if told.startswith("off"):
        return f"rows are not packed: {told.removeprefix('off: ')}"
    apart, device = sft.parity(run.built.trainer, run.rows), run.loaded.device
    compared = "largest difference of a logit between rows end to end and side by side"
    return must("packing equals unpacked", compared, apart, "below", checks.PACKING_LIMIT[device])


def held_in_nf4(run: Underway) -> Checked | str:
    """A layer of each shape, out of NF4 as it is held now, must be near the base's own file."""
    if run.loaded.facts["quantization"] != "nf4":
        return "the base is held in full precision, or as it was saved"
    found = nf4.held(run.model, find_base(run.recipe.base))
    if not found:
        return "the base's files name its weights otherwise than the model does"
    worst, (outs, ins) = max((error, shape) for shape, error in found.items())
    compared = f"relative error of the weights of {len(found)} layer shapes, as they are held, against the base's files, worst at {outs} x {ins}"
    return must("NF4 round trip", compared, worst, "below", nf4.HELD_ERROR)


def base_unchanged(run: Underway) -> Checked | str:
    """The base's weights must be the same bytes as before training."""
    if run.recipe.method == "full":
        return "all weights are trained"
    differ = run.digest != checks.frozen_digest(run.model)
    compared = f"digests of its weights that differ ({run.digest[:8]})"
    return must("base unchanged", compared, differ, "equal", 0)


def acts(run: Underway) -> Checked:
    """The trained model must answer otherwise than the base."""
    plain = run.plain
    if run.recipe.method != "full":
        with run.model.disable_adapter():
            plain = checks.logits(run.model, run.probe)
    value = _apart(checks.logits(run.model, run.probe), plain)
    compared = "largest difference of a logit with and without it"
    hint = (
        "it has hardly moved: more steps or a higher learning_rate; with best_by=last its last state is kept"
    )
    return must("the adapter acts", compared, value, "above", ACTS_LIMIT, hint)


def reload(run: Underway) -> Checked:
    """What was saved must be what was trained."""
    if run.recipe.method == "full":
        return checks.saved_equals(run.model.state_dict(), run.folder, "memory")
    if run.sharded:
        from peft import get_peft_model_state_dict

        state = get_peft_model_state_dict(run.model, save_embedding_layers=False)
        held = {name: processes.whole(weight).cpu() for name, weight in state.items()}
        return checks.saved_equals(held, run.folder, "what the processes hold")
    value = _apart(checks.logits(run.model, run.probe), checks.reloaded(run.model, run.folder, run.probe))
    compared = "largest difference of a logit between the trained and the saved adapter"
    return must("reload equals", compared, value, "below", _limit(RELOAD_LIMIT, run))


def fresh(trial: Trial) -> Checked:
    """The saved result on a base that was loaded anew, as the harness does, must answer as the trained one."""
    run: Underway = trial.kept["by heart"]
    told: dict[str, Any] = {"scores": run.recipe.objective == "reward", "threads": run.recipe.threads or None}
    held: Any = "nf4" if run.loaded.facts["quantization"] == "nf4" else "none"
    again = load_model(run.recipe.base, quantization=held, adapter=run.folder, **told)
    value = _apart(checks.logits(run.model, run.probe), checks.logits(again.model, run.probe))
    compared = "largest difference of a logit between what was trained and what was saved, on its base anew"
    return must("reload equals, anew", compared, value, "below", _limit(FRESH_LIMIT, run))


def _apart(one: Any, other: Any) -> float:  # noqa: ANN401  tensors
    return float((one - other).abs().max())


def _limit(limits: dict[str, float], run: Underway) -> float:
    """Saved without the ranks that were given up, AdaLoRA's sums are made in another order."""
    return limits[run.loaded.device] * (10 if run.recipe.method == "adalora" else 1)


def _asked(trial: Trial, count: int) -> list[Encoded]:
    return sorted(trial.given.validation or trial.given.rows, key=lambda row: row.example_id)[:count]


def merge(trial: Trial) -> Checked | str:
    """Merged into its base the adapter must give the same next tokens; where bfloat16 is too coarse, in float32.

    `seatrial adapters merge` compares each merged model in this way, and refuses one beyond the limits.
    """
    underway, rows = trial.kept["by heart"], _asked(trial, MERGED_ROWS)
    method, objective = underway.recipe.method, underway.recipe.objective
    if method == "full" or objective == "reward" or method in TOKENS_BEFORE:
        return f"{objective} by {method} leaves nothing that is merged"
    told = {"base": underway.recipe.base, "quantization": underway.loaded.facts["quantization"]}
    adapter = Adapter("", "", (), underway.folder, told, "")
    seen: list[str] = []
    for dtype in ("bfloat16", "float32"):
        draft = trial.work / f"merged-{dtype}"
        merging.write_merged(adapter, draft, "held", dtype)
        merged = load_model(str(draft), quantization="none")
        moved = merging.compare(underway.now, merged, [list(row.ids) for row in rows])
        seen.append(f"as {dtype}: {moved.line()}")
        if moved.holds:
            break
    compared = f"ways to save the merged model, of {len(seen)}, within the limits ({'; '.join(seen)})"
    return must("merge", compared, moved.holds, "equal", 1)


def padding(trial: Trial) -> Checked | str:
    """Prompts of unlike lengths in one batch, padded on the left, must be answered as one by one."""
    underway = trial.kept["by heart"]
    if underway.recipe.objective == "reward":
        return "a reward model answers nothing"
    now, prompts = underway.now, [parted(row)[0] for row in _asked(trial, PADDED_ROWS)]
    settings: Any = {"stops": Chat(now).stops, "max_new_tokens": PADDED_TOKENS}
    together = generate(now, prompts, **settings)
    alone = (generate(now, [prompt], **settings)[0] for prompt in prompts)
    share = sum(one.ids != other.ids for one, other in zip(together, alone, strict=True)) / len(prompts)
    sizes = [len(prompt) for prompt in prompts]
    compared = f"share of {len(prompts)} prompts of {min(sizes)} to {max(sizes)} tokens answered otherwise in a padded batch than alone"
    return must("padding", compared, share, *UNEQUAL_LIMIT[underway.loaded.device])
