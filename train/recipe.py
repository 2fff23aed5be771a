"""The settings of a training run: one frozen dataclass, from one TOML file and flags."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from curate.errors import ConfigError
from curate.settings import SWITCH, Given, checked, parse, read, setting

__all__ = ["Given", "Recipe", "Resolved", "parse", "read", "resolve"]

TINY = "tiny"
METHODS = ("lora", "dora", "vera", "adalora", "prompt", "prefix", "full")
OBJECTIVES = ("sft", "dpo", "kto", "orpo", "reward")
TRACKERS = ("tensorboard", "wandb", "mlflow", "none")
TOKENS_BEFORE = ("prompt", "prefix")  # methods that put learned tokens before each row


@dataclass(frozen=True)
class Recipe:
    """Every setting of a run. The defaults here are those for a real model; TINY_DEFAULTS differ."""

    base: str = setting(TINY, "`tiny`, a hub id or a folder")
    quantization: str = setting("auto", "how the base is held", choices=("auto", "nf4", "none"))
    seed: int = setting(0, "of all chance: adapter's start, order, dropout", low=0, high=2**32 - 1)
    threads: int = setting(0, "processor threads; 0 leaves it to the loader", low=0, high=1024)

    method: str = setting("lora", "what is trained; `seatrial train --methods` lists them", choices=METHODS)
    rank: int = setting(16, "of the matrices of LoRA, DoRA, VeRA and AdaLoRA", low=1, high=1024)
    alpha: int = setting(32, "LoRA's scale is alpha / rank", low=1, high=4096)
    dropout: float = setting(0.05, "on the adapter's input", low=0.0, high=0.9)
    targets: tuple[str, ...] = setting(("all-linear",), "`all-linear`, or names of the base's linear layers")
    rslora: bool = setting(False, "scale by alpha / sqrt(rank)")
    virtual_tokens: int = setting(20, "learned tokens of `prompt` and `prefix`", low=1, high=4096)
    objective: str = setting("sft", "what the loss asks for", choices=OBJECTIVES)
    beta: float = setting(0.1, "of DPO, KTO and ORPO: how near to the base it stays", low=1e-4, high=100.0)

    learning_rate: float = setting(2e-4, "at its highest", low=1e-8, high=1.0)
    schedule: str = setting("cosine", "of the learning rate", choices=("linear", "cosine", "constant"))
    warmup: float = setting(0.03, "steps if 1 or more, else a share of all steps", low=0.0, high=1e6)
    epochs: int = setting(3, "times that each row is trained on", low=1, high=1000)
    max_steps: int = setting(0, "stop after so many steps; 0 trains all epochs", low=0, high=10**9)
    batch_size: int = setting(4, "rows in one pass", low=1, high=4096)
    accumulate: int = setting(4, "passes in one step of the optimizer", low=1, high=4096)
    weight_decay: float = setting(0.0, "of AdamW", low=0.0, high=1.0)
    beta2: float = setting(0.999, "of AdamW", low=0.5, high=0.99999)
    max_grad_norm: float = setting(1.0, "longer gradients are cut to this; 0 leaves them", low=0.0, high=1e6)

    precision: str = setting("auto", "of the arithmetic", choices=("auto", "fp32", "bf16"))
    gradient_checkpointing: str = setting("auto", "less memory, about a third more time", choices=SWITCH)
    packing: str = setting("auto", "rows of a pass lie end to end, without padding", choices=SWITCH)
    group_by_length: bool = setting(True, "rows of like length share a pass: less padding")

    train_on: str = setting("assistant", "turns that are learned", choices=("assistant", "last"))
    context: int = setting(0, "longest row in tokens; 0 takes the base's own limit", low=0, high=10**7)
    over_long: str = setting("refuse", "what becomes of longer rows", choices=("refuse", "drop", "truncate"))
    unusable: str = setting("refuse", "rows without answer, or no turns", choices=("refuse", "drop"))
    control_tokens: str = setting("refuse", "rows that spell a control token", choices=("refuse", "allow"))
    evaluate: bool = setting(True, "loss on the validation rows")
    evaluate_every: int = setting(0, "steps between evaluations, checkpoints; 0: an epoch", low=0, high=10**9)
    metric_rows: int = setting(0, "validation rows to answer and score then; 0: none", low=0, high=10**6)
    best_by: str = setting("last", "which evaluation's weights are kept", choices=("last", "loss", "metric"))
    early_stopping: int = setting(0, "evaluations without gain before it stops; 0: never", low=0, high=10**6)
    log_every: int = setting(10, "steps between lines of the log, fewer in short runs", low=1, high=10**6)
    report_to: tuple[str, ...] = setting(("tensorboard",), "who is told beside log.jsonl", choices=TRACKERS)

    @property
    def pairs(self) -> bool:
        """Whether each row is a chosen and a rejected answer."""
        return self.objective != "sft"

    @property
    def turns(self) -> str:
        """Which turns are learned: of pairs the last alone."""
        return "last" if self.pairs else self.train_on

    def room(self, context: int) -> int:
        """Tokens that a row may have, of those that the base can look at: learned tokens stand before it."""
        left = context - self.virtual_tokens if self.method in TOKENS_BEFORE else context
        if left <= 0:
            what = f"virtual_tokens={self.virtual_tokens} leave no room for a row: the base looks at {context:,} tokens"
            raise ConfigError(what, hint=f"--set virtual_tokens={max(1, context // 10)}")
        return min(self.context or left, left)

    @property
    def policies(self) -> dict[str, Any]:
        """What `encode_rows` is to do with rows."""
        return {"control_tokens": self.control_tokens, "unusable": self.unusable, "pairs": self.pairs}


LOW_RANK = ("lora", "dora", "adalora")
READ_BY: Mapping[str, Container[str]] = {  # settings that only these methods read
    "rank": (*LOW_RANK, "vera"), "alpha": LOW_RANK, "dropout": (*LOW_RANK, "vera"), "targets": (*LOW_RANK, "vera"),
    "rslora": LOW_RANK[:2], "virtual_tokens": TOKENS_BEFORE,
}  # fmt: skip
LEAVES_OUT = ("over_long", "unusable")  # settings whose `drop` leaves rows out

REAL_WHY = "a full-size model: the usual QLoRA settings"
TINY_WHY = "the tiny base: its own measurements were made with rank 8, learning rate 5e-3 and 10 epochs; those of a full-size model are too gentle to move it"
TINY_DEFAULTS: Mapping[str, Any] = {
    "rank": 8, "alpha": 16, "dropout": 0.0, "learning_rate": 5e-3, "schedule": "linear", "warmup": 10.0, "epochs": 10,
    "batch_size": 20, "accumulate": 1, "gradient_checkpointing": "off", "log_every": 1,
}  # fmt: skip

# The learning rate is the base's times these, by method and by objective, unless it is given.
PACE: Mapping[str, float] = {
    "vera": 20.0, "adalora": 2.0, "prompt": 150.0, "prefix": 50.0, "full": 0.1,
    "dpo": 0.1, "kto": 0.1, "orpo": 0.25, "reward": 0.5,
}  # fmt: skip
METHOD_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "vera": {"rank": 256},  # its vectors are as long as its rank, and two of them all that a layer learns
    "full": {"quantization": "none"},  # all weights are trained: not in 4 bits
    "prefix": {"gradient_checkpointing": "off"},  # it would drop the learned keys and values
}
# A short training of a recipe: it looks at nothing and is told to nobody.
ALONE: Mapping[str, Any] = {
    "evaluate": False, "evaluate_every": 0, "metric_rows": 0, "best_by": "last", "early_stopping": 0,
    "report_to": ("none",),
}  # fmt: skip

FIELDS = {each.name: each for each in fields(Recipe)}


@dataclass(frozen=True)
class Resolved:
    """The settings of a run, which of them a person gave, and why the rest are what they are."""

    recipe: Recipe
    given: Mapping[str, str]  # setting to where it was given
    why: str

    def lines(self) -> list[str]:
        """For a person: what was given, then which defaults were taken and why."""
        chosen = [f"{key} = {getattr(self.recipe, key)} ({where})" for key, where in self.given.items()]
        rest = [f"{key} {getattr(self.recipe, key)}" for key in TINY_DEFAULTS if key not in self.given]
        method = self.recipe.method
        unread = [key for key in self.given if method not in READ_BY.get(key, METHODS)]
        return [
            f"set by you: {'; '.join(chosen) or 'nothing'}",
            *([f"  not read by method={method}: {', '.join(unread)}"] if unread else []),
            f"defaults for {self.why}",
            f"  {', '.join(rest)}",
        ]


def resolve(given: Sequence[Given]) -> Resolved:
    """The recipe: defaults by the base, and over them what was given; a later word wins."""
    values = {each.key: checked(Recipe, each) for each in given}
    where = {each.key: each.where for each in given}
    tiny = values.get("base", TINY) == TINY
    usual = {**(TINY_DEFAULTS if tiny else {}), **METHOD_DEFAULTS.get(values.get("method", ""), {})}
    recipe = Recipe(**{**usual, **values})
    if "learning_rate" not in where:
        pace = PACE.get(recipe.method, 1.0) * PACE.get(recipe.objective, 1.0)
        recipe = replace(recipe, learning_rate=float(f"{recipe.learning_rate * pace:.3g}"))
    must_agree(recipe, where)
    return Resolved(recipe, where, TINY_WHY if tiny else REAL_WHY)


# (setting, its values, another setting, its values, why they do not go together, what to set instead)
CLASHES: tuple[tuple[str, Container[Any], str, Container[Any], str, str], ...] = (
    ("method", ("full",), "quantization", ("nf4",), "weights in NF4 cannot be trained", "method=lora"),
    ("rslora", (True,), "method", METHODS[2:], "only LoRA and DoRA scale so", "rslora=false"),
    ("method", TOKENS_BEFORE, "objective", ("reward",), "PEFT cannot switch learned tokens off before a head that scores", "method=lora"),
    ("method", ("prompt",), "objective", ("orpo",), "TRL's ORPO does not expect learned tokens in a row", "method=prefix"),
    ("packing", ("on",), "method", TOKENS_BEFORE, "learned tokens stand before a pass, not before each row in it", "packing=auto"),
    ("packing", ("on",), "objective", OBJECTIVES[1:], "TRL packs rows for supervised fine-tuning alone", "packing=auto"),
    ("gradient_checkpointing", ("on",), "method", ("prefix",), "it drops the learned keys and values", "gradient_checkpointing=off"),
    ("best_by", ("loss", "metric"), "method", ("adalora",), "AdaLoRA gives up ranks as it goes: an earlier state does not fit its end", "best_by=last"),
    ("best_by", ("metric",), "metric_rows", (0,), "without rows to answer there is no metric", "metric_rows=50"),
    ("metric_rows", range(1, 10**6 + 1), "evaluate", (False,), "it is measured when there is an evaluation", "evaluate=true"),
    ("metric_rows", range(1, 10**6 + 1), "objective", ("reward",), "a reward model answers nothing", "metric_rows=0"),
    ("batch_size", (1,), "objective", ("kto",), "KTO compares the rows of a pass", "batch_size=2"),
    ("best_by", ("loss", "metric"), "evaluate", (False,), "without evaluation none is the best", "evaluate=true"),
    ("early_stopping", range(1, 10**6 + 1), "evaluate", (False,), "without evaluation nothing says when", "evaluate=true"),
)  # fmt: skip


def must_agree(recipe: Recipe, where: Mapping[str, str]) -> None:
    """ConfigError where two settings exclude each other; it says which, why, and what to set instead."""

    def told(key: str) -> str:
        return f"{key}={getattr(recipe, key)} ({where.get(key, 'a default')})"

    for first, firsts, second, seconds, why, instead in CLASHES:
        if getattr(recipe, first) in firsts and getattr(recipe, second) in seconds:
            what = f"{told(first)} and {told(second)} do not go together: {why}"
            raise ConfigError(what, hint=f"--set {instead}")
