"""The ways to change a model: what each is for, and as PEFT takes them."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any, TypeAlias

from train import processes
from train.recipe import Recipe

METHODS = {
    "lora": "the usual choice: small matrices beside each linear layer; QLoRA where the base is held in NF4",
    "dora": "LoRA that learns a weight's length apart from its direction: better at low ranks, slower",
    "vera": "LoRA with shared random matrices, learning two vectors a layer: smallest adapters, rank 256 and up",
    "adalora": "LoRA that moves its rank to the layers that need it: where memory at serving time counts",
    "prompt": "learned tokens before the prompt: the least parameters; many tasks on one base, base untouched",
    "prefix": "learned keys and values in each layer: stronger than prompt, as small to serve",
    "full": "all weights: most memory, a model of its own; where adapters fall short and data are plenty",
}
OBJECTIVES = {
    "sft": "imitate the answers: conversations, prompts with completions, labels as answers",
    "dpo": "prefer the chosen to the rejected answer of each pair, near to the base",
    "kto": "as dpo, of answers judged one by one: each pair gives a good and a bad one; batch_size of 2 and more",
    "orpo": "imitate and prefer at once, without the base as reference",
    "reward": "give a number to an answer, higher for the chosen one: a reward model; it answers nothing",
}
Event: TypeAlias = Any  # what transformers hands to its callbacks
ADALORA_STATE = "adalora.pt"


def lines() -> list[str]:
    """All methods and objectives, for a person."""
    told = []
    for title, table in (("method", METHODS), ("objective", OBJECTIVES)):
        told += [f"--set {title}=", *(f"  {name:<8} {what}" for name, what in table.items())]
    return told


def peft_config(recipe: Recipe) -> Any:  # noqa: ANN401  a peft.PeftConfig, or None for full fine-tuning
    """What PEFT is asked for."""
    import peft

    rank, targets = recipe.rank, list(recipe.targets)
    layers = {"target_modules": "all-linear" if targets == ["all-linear"] else targets}
    low_rank = {**layers, "lora_alpha": recipe.alpha, "lora_dropout": recipe.dropout}
    lora = {**low_rank, "r": rank, "use_rslora": recipe.rslora}
    before = {"num_virtual_tokens": recipe.virtual_tokens}
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "lora": ("LoraConfig", lora),
        "dora": ("LoraConfig", {**lora, "use_dora": True}),
        "vera": ("VeraConfig", {**layers, "r": rank, "vera_dropout": recipe.dropout, "projection_prng_key": recipe.seed}),
        # its schedule is set once the number of steps is known
        "adalora": ("AdaLoraConfig", {**low_rank, "init_r": ceil(rank * 3 / 2), "target_r": rank, "total_step": 1 << 30}),
        "prompt": ("PromptTuningConfig", {**before, "prompt_tuning_init": "SAMPLE_VOCAB"}),
        "prefix": ("PrefixTuningConfig", {**before, "init_weights": "zero"}),
    }  # fmt: skip
    if recipe.method == "full":
        return None
    name, settings = kinds[recipe.method]
    task = "SEQ_CLS" if recipe.objective == "reward" else "CAUSAL_LM"
    return getattr(peft, name)(task_type=task, **settings)


def allocator(checkpoint: Path | None) -> Any:  # noqa: ANN401  a transformers.TrainerCallback
    """A callback that does for AdaLoRA what TRL's trainers do not: moving ranks, and keeping axes at right angles.

    Left to itself PEFT would cut the ranks that were given up out of each checkpoint, and a run could not
    go on from one as if it had never stopped. So the pattern of ranks is held here until the end, and is
    kept in each checkpoint with the importance of each weight.
    """
    import torch
    from transformers import TrainerCallback

    class Allocator(TrainerCallback):  # type: ignore[misc]  # the way TRL is told of its callbacks
        pattern: dict[str, list[bool]] | None = None

        def on_train_begin(self, args: Event, state: Event, control: Event, model: Event, **_: Event) -> None:
            tuner, config = _tuner(model)
            total = state.max_steps
            config.total_step, config.tinit, config.tfinal = total, total // 10, total // 5
            config.deltaT = max(1, total // 100)
            if checkpoint is not None:
                kept = torch.load(checkpoint / ADALORA_STATE, map_location=model.device, weights_only=True)
                self.pattern = kept.pop("pattern")
                vars(tuner.rankallocator).update(kept)

        def on_pre_optimizer_step(self, *_: Event, model: Event, **__: Event) -> None:
            # TRL takes its loss from elsewhere, and leaves PEFT's penalty out
            _toward_right_angles(*_tuner(model))

        def on_optimizer_step(self, _: Event, state: Event, *__: Event, model: Event, **___: Event) -> None:
            tuner, config = _tuner(model)
            config.rank_pattern = self.pattern
            tuner.update_and_allocate(state.global_step + 1)
            self.pattern, config.rank_pattern = config.rank_pattern, None

        def on_save(self, args: Event, state: Event, control: Event, model: Event, **_: Event) -> None:
            if processes.first():
                held = vars(_tuner(model)[0].rankallocator)
                kept = {name: held[name] for name in ("ipt", "exp_avg_ipt", "exp_avg_unc")}
                folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
                torch.save({"pattern": self.pattern, **kept}, folder / ADALORA_STATE)

        def on_train_end(self, *_: Event, model: Event, **__: Event) -> None:
            _tuner(model)[1].rank_pattern = self.pattern

    return Allocator()


def _toward_right_angles(tuner: Any, config: Any) -> None:  # noqa: ANN401
    """Add the gradient of PEFT's penalty on axes that are not at right angles, and not of length 1."""
    import torch

    weights, apart = [], []
    for name, each in tuner.model.named_parameters():
        if each.grad is not None and ("lora_A" in name or "lora_B" in name):
            square = each @ each.T if "lora_A" in name else each.T @ each
            weights.append(each)
            apart.append(torch.linalg.norm(square - torch.eye(len(square), device=square.device)))
    factor = config.orth_reg_weight / len(apart)
    found = torch.autograd.grad(factor * torch.stack(apart).sum(), weights)
    for each, gradient in zip(weights, found, strict=True):
        each.grad += gradient


def _tuner(model: Any) -> tuple[Any, Any]:  # noqa: ANN401  a peft.AdaLoraModel, and its configuration
    """PEFT's part of a model that may be wrapped for several processes."""
    tuner = getattr(model, "module", model).base_model
    return tuner, tuner.peft_config[tuner.trainable_adapter_name]
