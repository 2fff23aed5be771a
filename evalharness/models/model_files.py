"""Where a model's files are: the shipped one, a folder, or the hub; and the digest of what they say."""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import Any

from curate.errors import MissingExtraError, ResourceError, SourceError
from evalharness.models.damage import read_json

TINY = "tiny"
WEIGHTS, ADAPTER = "*.safetensors", "adapter_model.safetensors"
IDENTITY = (WEIGHTS, "config.json", "tokenizer.json", "tokenizer_config.json", "*.jinja", "*.model")
HUB_FILES = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt", "README.md", "LICEN*")
HUB_SKIP = ("original/*", "onnx/*", "consolidated*")
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def find_base(base: str, *, trust_remote_code: bool = False) -> Path:
    """The folder that holds a base model; a hub id is fetched first, unless it was before."""
    if base == TINY:
        from evalharness.tinybase import PATH

        return Path(PATH)
    path = Path(base).expanduser()
    if path.is_dir():
        return path
    if path.exists() or not HUB_ID.fullmatch(base):
        raise SourceError(
            f"--base {base}: no folder with a model",
            hint="give a folder with config.json and *.safetensors, the id of a model on the hub, or `tiny`",
        )
    return _fetch(base, trust_remote_code)


def _fetch(base: str, trust_remote_code: bool) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError
    except ImportError as error:
        raise MissingExtraError("huggingface_hub", "train") from error
    files = [*HUB_FILES, "*.py"] if trust_remote_code else list(HUB_FILES)
    try:
        return Path(snapshot_download(base, allow_patterns=files, ignore_patterns=list(HUB_SKIP)))
    except GatedRepoError as error:
        raise SourceError(
            f"--base {base}: its owner asks you to accept terms first",
            hint=f"accept them on the model's page, then `hf auth login`; or download it and give the folder ({error.__class__.__name__})",
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise SourceError(
            f"--base {base}: there is no folder and no model on the hub of that name",
            hint="check the spelling; a private model needs `hf auth login`",
        ) from error
    except (OSError, ValueError) as error:  # the hub's own errors, and those of the connection
        raise ResourceError(
            f"--base {base}: the model is not on this machine and the hub cannot be reached ({type(error).__name__})",
            hint="connect, or copy the model's folder here and give its path, or use --base tiny",
        ) from error


def adapter_notes(adapter: Path) -> dict[str, Any]:
    """What the trainer wrote beside an adapter (training.json); empty for one from elsewhere.

    Read here: `quantization` (nf4 or none) and `base_digest`. SourceError where it is damaged.
    """
    path = adapter / "training.json"
    return read_json(path) if path.is_file() else {}


def digest_of(folder: Path) -> str:
    """Digest of what decides a model's answers: weights, configuration, tokenizer, chat template."""
    hasher = blake2b(digest_size=16)
    for path in sorted({path for pattern in IDENTITY for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            content = blake2b(digest_size=16)
            while block := file.read(1 << 22):
                content.update(block)
        hasher.update(json.dumps([path.name, content.hexdigest()]).encode())
    return hasher.hexdigest()


def parameters(folder: Path) -> int:
    """Parameters by the weight files: a quantised model holds its own packed, two to a byte."""
    return sum(map(prod, shapes(folder).values()))


def shapes(folder: Path) -> dict[str, list[int]]:
    """The shape of each weight, by the files' headers alone."""
    from safetensors import safe_open

    found: dict[str, list[int]] = {}
    for path in sorted(folder.glob(WEIGHTS)):
        with safe_open(str(path), framework="np") as file:
            found |= {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    return found
