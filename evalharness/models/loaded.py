"""A base model, its tokenizer and perhaps an adapter, loaded the same way for training and for scoring."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from curate.errors import ConfigError, MissingExtraError, ResourceError, SourceError
from curate.workspace.store import folder_digest
from evalharness.models import adapted, nf4
from evalharness.models.model_files import WEIGHTS, adapter_notes, digest_of, find_base, parameters

if TYPE_CHECKING:
    import torch as torch_types
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Quantization = Literal["auto", "nf4", "none"]
Device = Literal["auto", "cpu", "cuda"]

GPUS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/kfd"))  # without any of them Linux has no CUDA

# Used where a tokenizer brings no chat template. Each turn is its role on a line, then its text; an
# answer ends with the tokenizer's end token, which is all that an answer is trained to produce and
# all that ends one.
PLAIN_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'assistant' %}{{ 'Assistant:\\n' }}"
    "{% generation %}{{ (message.content or '') + (eos_token or '') }}{% endgeneration %}{{ '\\n\\n' }}"
    "{% else %}{{ message.role | capitalize + ':\\n' + (message.content or '') + '\\n\\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:\\n' }}{% endif %}"
)


@dataclass(frozen=True)
class LoadedModel:
    """What `load_model` returns. `digest` names the weights, the tokenizer and the adapter."""

    model: PreTrainedModel  # a PreTrainedModel, or a PeftModel where an adapter was given
    tokenizer: PreTrainedTokenizerBase
    device: str  # cpu or cuda
    facts: dict[str, Any] = field(hash=False)  # JSON-able; what was decided and why
    digest: str
    base_weights: dict[str, torch_types.Tensor] = field(default_factory=dict, hash=False, compare=False)

    def without_adapter(self) -> AbstractContextManager[None]:
        """The base alone, while this lasts; also where all weights were trained anew."""
        return adapted.without(self.model, self.base_weights)

    def acting(self, name: str | None) -> AbstractContextManager[None]:
        """A further adapter in place of the first one, while this lasts; None leaves the first one there."""
        return nullcontext() if name is None else adapted.acting(self.model, name)

    def put_further(self, folder: Path, name: str) -> None:
        """One more adapter on the same base; it acts only while it is asked to."""
        adapted.must_fit(folder, str(self.facts["base_digest"]))
        adapted.must_answer(folder, scores=False)
        adapted.put_further(self.model, folder, name)

    @property
    def context(self) -> int:
        """The tokens that prompt and answer may have together."""
        return int(self.facts["context"])


def load_model(
    base: str,
    *,
    quantization: Quantization = "auto",
    adapter: Path | None = None,
    device: Device = "auto",
    threads: int | None = None,
    trust_remote_code: bool = False,
    for_training: bool = False,
    scores: bool = False,
    seed: int = 0,
    exact: bool = False,
) -> LoadedModel:
    """A causal language model that is ready to answer or, `for_training`, to be given an adapter.

    With `scores` it has a head that gives one number to a text (a reward model), random by `seed` until an
    adapter brings its own. An adapter may be all weights anew (full fine-tuning). `base` is "tiny" (the
    shipped model), a folder, or a hub id. "auto" takes NF4 where bitsandbytes is right for every layer of this
    model on this device, and full precision else, told by `facts["quantization_reason"]`; "nf4" raises
    ConfigError there. On the CPU all is computed in float32, so that a batch and a single prompt give the same
    tokens; on CUDA in bfloat16, or float16 where that is missing, unless `exact`.

    `for_training` pads on the right and prepares a quantised model with
    `peft.prepare_model_for_kbit_training`, without checkpointing. Weights are read from safetensors only.
    ResourceError without the device asked for, or a base that cannot be fetched; SourceError for no model.
    """
    torch = _torch()
    if threads is not None:
        torch.set_num_threads(max(1, threads))
    place = choose_device(device)
    folder = find_base(base, trust_remote_code=trust_remote_code)
    trust = {"trust_remote_code": trust_remote_code}
    config = load_config(folder, base, **trust)
    taken, reason = choose_quantization(config, quantization, place, adapter, **trust)
    adapted.must_answer(adapter, scores=scores)
    tokenizer, template = load_tokenizer(folder, base, for_training, trust_remote_code)
    if scores:
        torch.manual_seed(seed)
        config.num_labels, config.pad_token_id = 1, tokenizer.pad_token_id
    dtype = torch.float32 if exact or place == "cpu" else _cuda_dtype(torch)
    kept = (config, taken, dtype, place, trust_remote_code)
    model = _weights(folder, base, *kept, scores=scores)
    _match(model, tokenizer, base)
    facts = {
        "base": base,
        "base_digest": digest_of(folder),
        "parameters": sum(p.numel() for p in model.parameters()) if taken == "none" else parameters(folder),
        "context": context_of(config, tokenizer),
        "quantization": taken,
        "quantization_reason": reason,
        "chat_template": template,
        **_machine(model, dtype, place),
    }
    if for_training and taken == "nf4":
        model = import_peft().prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    loaded = LoadedModel(model, tokenizer, place, facts, str(facts["base_digest"]))
    if adapter is not None:
        loaded = _with_adapter(loaded, adapter, kept, for_training, scores)
    loaded.model.train(for_training)
    return loaded


def _machine(model: PreTrainedModel, dtype: torch_types.dtype, place: str) -> dict[str, Any]:
    """What a model is computed by and in."""
    torch = _torch()
    return {
        "architecture": type(model).__name__,
        "compute_dtype": str(dtype).removeprefix("torch."),
        "device": place if place == "cpu" else torch.cuda.get_device_name(0),
        "threads": torch.get_num_threads(),
        "versions": _versions(),
    }


def _with_adapter(
    loaded: LoadedModel, folder: Path, kept: tuple[Any, ...], for_training: bool, scores: bool
) -> LoadedModel:
    """The model with what was trained: an adapter on it, or all weights anew in place of its own."""
    adapted.must_fit(folder, loaded.digest)
    model, facts = loaded.model, loaded.facts
    own: dict[str, torch_types.Tensor] = {}
    if adapted.is_whole_model(folder):
        own = adapted.put_weights(model, _weights(folder, folder.name, *kept, scores=scores))
    else:
        import_peft()
        model = adapted.put_adapter(model, folder, trainable=for_training)
        facts["context"] -= adapted.virtual_tokens(model)
    facts["adapter_digest"] = folder_digest("adapter", folder)
    named = f"{loaded.digest}+{facts['adapter_digest']}".encode()
    return replace(loaded, model=model, digest=blake2b(named, digest_size=16).hexdigest(), base_weights=own)


# what to load, and onto what


def choose_device(device: Device) -> str:
    """The string cpu or cuda; ResourceError where CUDA was asked for and is not there."""
    if device == "cpu" or (device == "auto" and sys.platform == "linux" and not any(map(Path.exists, GPUS))):
        return "cpu"  # said without importing PyTorch
    torch = _torch()
    if device == "cuda" and not torch.cuda.is_available():
        raise ResourceError("no CUDA device was found", hint="leave out --device, or use --device cpu")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def choose_quantization(
    config: PreTrainedConfig,
    asked: Quantization,
    device: str,
    adapter: Path | None,
    *,
    trust_remote_code: bool = False,
) -> tuple[str, str]:
    """(nf4, none or as-saved, why). An adapter that says what it was trained on decides for auto."""
    if getattr(config, "quantization_config", None) is not None:
        if asked == "nf4":
            raise ConfigError(
                "--quantization nf4: this base is saved in a quantised form already",
                hint="leave out --quantization, or give the full-precision base",
            )
        return "as-saved", "the base is saved in a quantised form"
    trained = adapter_notes(adapter).get("quantization") if adapter else None
    if asked == "none":
        return "none", "asked for"
    if asked == "auto" and trained == "none":
        return "none", "the adapter was trained on full precision"
    against = nf4.objection(config, device, trust_remote_code=trust_remote_code)
    if against and (asked == "nf4" or trained == "nf4"):
        raise ConfigError(
            f"NF4 cannot be used here: {against}",
            hint="--quantization none loads full precision; an adapter is then scored on other weights than it was trained on",
        )
    if against:
        return "none", against
    why = "asked for" if asked == "nf4" else "every layer passed the round trip through NF4 on this device"
    return "nf4", why


# the parts


def _torch() -> ModuleType:
    try:
        import torch
        import transformers  # noqa: F401  # both or neither: the message is the same
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "train") from error
    return torch


def import_peft() -> ModuleType:
    """The package peft, and before it bitsandbytes, which it would import less quietly. Raises MissingExtraError."""
    try:
        nf4.import_bitsandbytes()  # first, and quietly: peft imports it too
    except MissingExtraError:
        logging.getLogger(__name__).debug("bitsandbytes is absent; peft works without it")
    try:
        import peft
    except ImportError as error:
        raise MissingExtraError("peft", "train") from error
    package: ModuleType = peft
    return package


@contextmanager
def _quiet_bars(*, new_head: bool) -> Iterator[None]:
    """No progress bar of transformers' own inside ours, and no report that a new head is new."""
    from transformers.utils import logging as bars

    shown, level = bars.is_progress_bar_enabled(), bars.get_verbosity()
    bars.disable_progress_bar()
    if new_head:
        bars.set_verbosity_error()
    try:
        yield
    finally:
        bars.set_verbosity(level)
        if shown:
            bars.enable_progress_bar()


def load_config(folder: Path, base: str, *, trust_remote_code: bool = False) -> PreTrainedConfig:
    """The configuration of a base; SourceError where the folder has none."""
    _torch()
    from transformers import AutoConfig

    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=trust_remote_code
        )
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(
            f"--base {base}: {_first_line(error)}",
            hint="a model's folder has config.json, a tokenizer and *.safetensors",
        ) from error
    return config


def load_tokenizer(
    folder: Path, base: str, for_training: bool, trust_remote_code: bool
) -> tuple[PreTrainedTokenizerBase, str]:
    """The tokenizer, and where its chat template is from."""
    try:
        tokenizer = _tokenizer_class(folder).from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=trust_remote_code
        )
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(
            f"--base {base}: its tokenizer cannot be read: {_first_line(error)}",
            hint="the folder needs tokenizer.json (or the files that its tokenizer class reads)",
        ) from error
    tokenizer.padding_side = "right" if for_training else "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.chat_template:
        return tokenizer, "the tokenizer's own"
    tokenizer.chat_template = PLAIN_TEMPLATE
    return tokenizer, "plain: the tokenizer has none (docs/evaluate.md shows it)"


def _tokenizer_class(folder: Path) -> Any:  # noqa: ANN401  a class of transformers
    """What reads the tokenizer: where its own files say that they need no model's class, PyTorch is not imported."""
    path = folder / "tokenizer_config.json"
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if told.get("tokenizer_class") == "TokenizersBackend" and "auto_map" not in told:
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast
    from transformers import AutoTokenizer

    return AutoTokenizer


def _weights(
    folder: Path,
    base: str,
    config: PreTrainedConfig,
    taken: str,
    dtype: torch_types.dtype,
    device: str,
    trust_remote_code: bool,
    *,
    scores: bool,
) -> PreTrainedModel:
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    if not any(folder.glob(WEIGHTS)):
        raise SourceError(
            f"--base {base}: no *.safetensors in it",
            hint="other weight files can run code when they are opened; convert them with `save_pretrained` first",
        )
    more = {"quantization_config": nf4.settings(config, dtype)} if taken == "nf4" else {}
    try:
        with _quiet_bars(new_head=scores):
            kind = AutoModelForSequenceClassification if scores else AutoModelForCausalLM
            model = kind.from_pretrained(
                str(folder),
                config=config,
                dtype=dtype,
                device_map={"": device},
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=trust_remote_code,
                **more,
            )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise SourceError(
            f"--base {base}: {_first_line(error)}", hint="is it a causal language model, and whole?"
        ) from error
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
        raise ResourceError(
            f"--base {base}: out of memory while loading", hint="--quantization nf4, or a smaller base"
        ) from error
    if taken == "nf4":
        nf4.unpacked(model)
    return model


def _match(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, base: str) -> None:
    rows = int(model.get_input_embeddings().weight.shape[0])
    if len(tokenizer) > rows:
        raise SourceError(
            f"--base {base}: the tokenizer has {len(tokenizer):,} tokens and the model {rows:,}",
            hint="tokenizer and weights are from different models, or tokens were added and not trained",
        )


def _cuda_dtype(torch: ModuleType) -> torch_types.dtype:
    chosen: torch_types.dtype = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return chosen


def context_of(config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """The smaller of what model and tokenizer allow; 1024 where neither says."""
    limits = [
        getattr(config, "max_position_embeddings", None),
        getattr(config, "n_positions", None),
        tokenizer.model_max_length,
    ]
    known = [int(limit) for limit in limits if limit and 0 < limit < 10_000_000]
    return min(known, default=1024)


def _versions() -> dict[str, str]:
    found = {}
    for package in ("torch", "transformers", "peft", "bitsandbytes"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]
