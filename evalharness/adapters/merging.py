"""An adapter put into its base's weights, for programs that load one model; and how far that moved the answers.

The adapter was trained on the base as it was held, so it goes into those weights: dequantised where
they were in NF4. Merging into NF4 itself, or into the original weights, moves the answers 20 times as much.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import ConfigError, GateError, ResourceError, SourceError
from curate.workspace import Workspace
from evalharness.adapters.registry import Adapter, load, whole
from evalharness.asking.task import Solved, Turn, queries
from evalharness.models.adapted import is_reward, put_adapter
from evalharness.models.chat import Chat
from evalharness.models.loaded import LoadedModel, _quiet_bars, import_peft, load_model
from evalharness.models.model_files import ADAPTER, digest_of, find_base

KL_LIMIT, AGREE_LIMIT = 1e-4, 0.995
ROWS = 64
RECORD = "merge.json"
ONTO = ("held", "original")
PROMPTS = ("PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING")  # kinds of adapter that change no weight
SPEECH = ("tokenizer*", "*.model", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.jinja", "generation_config.json")  # fmt: skip
DTYPES = ("bfloat16", "float16", "float32")


@dataclass(frozen=True)
class Moved:
    """How far the merged model's next tokens are from the adapter's."""

    kl: float  # nats, mean over tokens
    agree: float  # share of tokens whose likeliest is the same
    tokens: int
    rows: int

    @property
    def holds(self) -> bool:
        """Whether both are within the limits."""
        return self.kl < KL_LIMIT and self.agree > AGREE_LIMIT

    def line(self) -> str:
        """For a person."""
        return (
            f"KL {self.kl:.2g} (limit {KL_LIMIT:.0e}), likeliest token the same in {self.agree:.2%} "
            f"(limit {AGREE_LIMIT:.1%}), over {self.tokens:,} tokens of {self.rows} rows"
        )


def merge(
    workspace: Workspace,
    each: Adapter,
    to: Path,
    *,
    onto: str = "held",
    dtype: str = "bfloat16",
    dataset: str | None = None,
    anyway: bool = False,
) -> dict[str, Any]:
    """Write the merged model into the folder `to`, and return its record.

    `onto` is `held` (the base as it was trained on, dequantised) or `original`. GateError, and nothing
    written, where the merged model's answers differ by more than the limits, unless `anyway`.
    """
    if to.exists():
        raise ConfigError(f"{to} is there already", hint="--to names a folder that is not there yet")
    if onto not in ONTO or dtype not in DTYPES:
        raise ConfigError(
            f"merge onto {onto} as {dtype}", hint=f"--onto {' or '.join(ONTO)}, --dtype {', '.join(DTYPES)}"
        )
    whole(workspace, each.digest)
    params = {"onto": onto, "dtype": dtype, "anyway": anyway}
    split, solved = rows_here(workspace, each, dataset, ROWS)
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".merge-") as place:
        draft = Path(place) / "model"
        with workspace.run("merge", params, {"adapter": each.digest}) as run:
            try:
                write_merged(each, draft, onto, dtype)
                moved = _moved(each, draft, solved)
                if not moved.holds and not anyway:
                    raise GateError(
                        f"the merged model answers otherwise: {moved.line()}; nothing was written",
                        hint="--onto held, or --dtype float32; --anyway writes it all the same, and is recorded",
                    )
                told = _record(each, draft, params, moved, split)
                draft.rename(to)
            except OSError as error:
                raise ResourceError(
                    f"{to}: {error}", hint="free some disk space or choose another folder"
                ) from error
            run.outputs["merge"] = workspace.put_json("merge", told)
    return told


def write_merged(each: Adapter, draft: Path, onto: str, dtype: str) -> None:
    """The merged model, its tokenizer, chat template and stop tokens as a folder of safetensors."""
    import torch

    told, folder = each.told, each.folder or Path()
    if not (folder / ADAPTER).is_file():
        raise ConfigError(
            f"{each.digest[:12]} is a whole model", hint="there is nothing to merge: its folder can be served"
        )
    if is_reward(folder):
        raise ConfigError(f"{each.digest[:12]} is a reward model", hint="only models that answer are merged")
    kind = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8")).get("peft_type")
    if kind in PROMPTS:
        raise ConfigError(
            f"{each.digest[:12]} is made of tokens before the prompt ({kind}), not of weights",
            hint="it cannot be merged: serve it with PEFT",
        )
    import_peft()  # before transformers imports what peft imports, and less quietly
    held = "nf4" if onto == "held" and told.get("quantization") == "nf4" else "none"
    loaded = load_model(str(told["base"]), quantization=held)  # type: ignore[arg-type]  # one of the two
    with warnings.catch_warnings(), _quiet_bars(new_head=True):
        warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers, not ours to mend
        model: Any = loaded.model.dequantize() if held == "nf4" else loaded.model
        merged = put_adapter(model, folder, trainable=False).merge_and_unload(safe_merge=True)
        merged = merged.to(getattr(torch, dtype))
        if getattr(merged.config, "quantization_config", None) is not None:
            del merged.config.quantization_config
        merged.save_pretrained(str(draft))
    base = find_base(str(told["base"]))
    for path in sorted({path for pattern in SPEECH for path in base.glob(pattern)}):
        shutil.copy(path, draft / path.name)  # as they are: saved again they lack what other programs read
    if not any("chat_template" in path.read_text("utf-8") for path in draft.glob("tokenizer_config.json")):
        (draft / "chat_template.jinja").write_text(str(loaded.tokenizer.chat_template), encoding="utf-8")


def _moved(each: Adapter, draft: Path, solved: Sequence[Solved]) -> Moved:
    """The merged model beside the adapter on its base, over questions with their answers."""
    tuned, merged = load(each), load_model(str(draft), quantization="none")
    chat, rows = Chat(tuned), []
    for one in solved:
        try:
            rows.append(chat.ids(chat.prompt(turns_of(one)) + one.answer))
        except SourceError:  # the chat template refuses it
            continue
    fitting = [row for row in rows if 1 < len(row) <= tuned.context]
    if not fitting:
        raise ConfigError(
            f"none of {len(solved)} rows can be asked of this base", hint="--data VERSION names others"
        )
    return compare(tuned, merged, fitting)


def rows_here(
    workspace: Workspace, each: Adapter, dataset: str | None, most: int
) -> tuple[str, list[Solved]]:
    """(split, rows) to compare on: of `dataset`, else of what the adapter was trained on; validation rows if any.

    Those with the lowest ids. ConfigError where the version is not here.
    """
    digest = dataset or str(each.told.get("dataset", {}).get("digest", ""))
    here = bool(digest) and workspace.store.holds(digest)
    for split in ("validation", "train") if here else ():
        found = workspace.examples(digest).filter(pl.col("split") == split).sort("example_id").head(most)
        if found.height:
            return split, list(queries(found))
    raise ConfigError(
        "no rows to compare on: the adapter's data is not in this workspace",
        hint="--data VERSION names rows; no row of a test part is ever read for this",
    )


def turns_of(solved: Solved) -> list[Turn]:
    """What is asked, the system message first."""
    system = [{"role": "system", "content": solved.query.system}] if solved.query.system else []
    return [*system, *solved.query.turns]


def compare(tuned: LoadedModel, merged: LoadedModel, rows: Sequence[list[int]]) -> Moved:
    """Two models' next tokens at every place of these rows, row by row."""
    import torch

    kl = agree = tokens = 0.0
    with torch.inference_mode():
        for row in rows:
            ids = torch.tensor([row])
            one, other = (
                model.model(input_ids=ids.to(model.device), use_cache=False)
                .logits[0, -len(row) :]
                .float()
                .cpu()
                for model in (tuned, merged)
            )
            logs = one.log_softmax(-1)
            kl += float((logs.exp() * (logs - other.log_softmax(-1))).sum(-1).clamp(min=0).sum())
            agree += float((one.argmax(-1) == other.argmax(-1)).sum())
            tokens += len(row)
    return Moved(kl / tokens, agree / tokens, int(tokens), len(rows))


def _record(each: Adapter, draft: Path, params: dict[str, Any], moved: Moved, split: str) -> dict[str, Any]:
    """Put record and card beside the merged weights."""
    told = each.told
    record = {
        **params,
        "adapter": each.digest,
        "base": told.get("base"),
        "base_digest": told.get("base_digest"),
        "digest": digest_of(draft),
        "kl": moved.kl,
        "agree": moved.agree,
        "tokens": moved.tokens,
        "rows": moved.rows,
        "split": split,
        "limits": [KL_LIMIT, AGREE_LIMIT],
    }
    (draft / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    card = [
        "---", f"base_model: {json.dumps(told.get('base'))}", "tags: [merged, seatrial]", "---", "",
        f"# {told.get('base')} with an adapter merged into it", "",
        f"- adapter: `{each.digest}`; its card is below", f"- merged onto the base as {params['onto']}, saved as {params['dtype']}",
        f"- against the adapter on its base, on {split} rows: {moved.line()}"
        + ("" if moved.holds else "; **beyond the limits, written all the same**"),
    ]  # fmt: skip
    source = each.folder / "README.md" if each.folder else Path()
    below = source.read_text(encoding="utf-8").rpartition("\n---\n")[2] if source.is_file() else ""
    (draft / "README.md").write_text("\n".join(card) + "\n\n" + below, encoding="utf-8")
    return record
