"""The ways to change a model: what each is for, and as PEFT takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

from curate.errors import ConfigError
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

    targets: Any = list(recipe.targets)
    place: dict[str, Any] = {"task_type": "SEQ_CLS" if recipe.objective == "reward" else "CAUSAL_LM"}
    layers = {**place, "target_modules": targets[0] if targets == ["all-linear"] else targets}
    low_rank = {**layers, "lora_alpha": recipe.alpha, "lora_dropout": recipe.dropout}
    match recipe.method:
        case "lora" | "dora":
            return peft.LoraConfig(
                r=recipe.rank, use_rslora=recipe.rslora, use_dora=recipe.method == "dora", **low_rank
            )
        case "vera":
            return peft.VeraConfig(
                r=recipe.rank, vera_dropout=recipe.dropout, projection_prng_key=recipe.seed, **layers
            )
        case "adalora":  # its schedule is set once the number of steps is known
            return peft.AdaLoraConfig(
                init_r=-(-recipe.rank * 3 // 2), target_r=recipe.rank, total_step=1 << 30, **low_rank
            )
        case "prompt":
            return peft.PromptTuningConfig(
                num_virtual_tokens=recipe.virtual_tokens, prompt_tuning_init="SAMPLE_VOCAB", **place
            )
        case "prefix":
            return peft.PrefixTuningConfig(
                num_virtual_tokens=recipe.virtual_tokens, init_weights="zero", **place
            )
    return None


def must_suit(quantization: str, recipe: Recipe) -> None:
    """ConfigError where the method cannot train a base that is held like this."""
    if recipe.method == "full" and quantization != "none":
        raise ConfigError(
            f"`full` trains all weights, and this base is held as {quantization}",
            hint="give the full-precision base, or --set method=lora",
        )


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
            tuner = _tuner(model)
            config = tuner.peft_config[tuner.trainable_adapter_name]
            total = state.max_steps
            config.total_step, config.tinit, config.tfinal = total, total // 10, total // 5
            config.deltaT = max(1, total // 100)
            if checkpoint is not None:
                kept = torch.load(checkpoint / ADALORA_STATE, map_location=model.device, weights_only=True)
                self.pattern = kept.pop("pattern")
                vars(tuner.rankallocator).update(kept)

        def on_pre_optimizer_step(
            self, args: Event, state: Event, control: Event, model: Event, **_: Event
        ) -> None:
            # TRL takes its loss from elsewhere, and leaves PEFT's penalty out
            _toward_right_angles(_tuner(model))

        def on_optimizer_step(
            self, args: Event, state: Event, control: Event, model: Event, **_: Event
        ) -> None:
            tuner = _tuner(model)
            config = tuner.peft_config[tuner.trainable_adapter_name]
            config.rank_pattern = self.pattern
            tuner.update_and_allocate(state.global_step + 1)
            self.pattern, config.rank_pattern = config.rank_pattern, None

        def on_save(self, args: Event, state: Event, control: Event, model: Event, **_: Event) -> None:
            if not processes.first():
                return
            held = _tuner(model).rankallocator
            names = ("ipt", "exp_avg_ipt", "exp_avg_unc")
            kept = {"pattern": self.pattern, **{name: getattr(held, name) for name in names}}
            torch.save(kept, Path(args.output_dir) / f"checkpoint-{state.global_step}" / ADALORA_STATE)

        def on_train_end(self, args: Event, state: Event, control: Event, model: Event, **_: Event) -> None:
            tuner = _tuner(model)
            tuner.peft_config[tuner.trainable_adapter_name].rank_pattern = self.pattern

    return Allocator()


def _toward_right_angles(tuner: Any) -> None:  # noqa: ANN401
    """Add the gradient of PEFT's penalty on axes that are not at right angles, and not of length 1."""
    import torch

    weights = [
        (name, each)
        for name, each in tuner.model.named_parameters()
        if each.requires_grad and each.grad is not None and ("lora_A" in name or "lora_B" in name)
    ]
    squares = [each @ each.T if "lora_A" in name else each.T @ each for name, each in weights]
    apart = [torch.linalg.norm(each - torch.eye(len(each), device=each.device)) for each in squares]
    factor = tuner.peft_config[tuner.trainable_adapter_name].orth_reg_weight / len(apart)
    found = torch.autograd.grad(factor * torch.stack(apart).sum(), [each for _, each in weights])
    for (_name, each), gradient in zip(weights, found, strict=True):
        each.grad += gradient


def _tuner(model: Any) -> Any:  # noqa: ANN401  a peft.AdaLoraModel
    """PEFT's part of a model that may be wrapped for several processes."""
    return getattr(model, "module", model).base_model
