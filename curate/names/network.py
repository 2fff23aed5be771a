"""The tagger's network in whole numbers: the same spans on every machine and in every batch.

Embeddings of a word's features are added up; three convolutions of width 3 (1, 2 and 4 words apart)
look 7 words to either side; a last layer reads all of them. Weights and activations are whole numbers
of at most 127, so that the sums of 32-bit floats are exact and no order of adding changes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
REACH = 7  # words to either side that a word's label may depend on
STEPS = (1, 2, 4)  # how far apart the words of each convolution stand
TOP = 127  # the largest activation
CHUNK = 2_048  # words at once: so many stay in the cache of a core


@dataclass(frozen=True)
class Network:
    """Weights as whole numbers; each layer's factor brings its sums back to activations."""

    embedding: NDArray[np.int8]  # (buckets, width)
    embedding_factor: np.float32
    convolutions: tuple[tuple[Floats, Floats, Floats], ...]  # (3 * in, out), bias, factors (out)
    output: Floats  # (width + 3 * out, labels)
    output_bias: Floats
    output_factor: np.float32  # of a unit of the output, in natural logarithms

    def words(self, rows: NDArray[np.int64], starts: NDArray[np.int64]) -> Floats:
        """(words, width): activations from the rows of all their features, each word's from a start."""
        # sums of some dozen whole numbers of at most 127 are exact in 32-bit floats
        sums: Floats = np.add.reduceat(self.embedding[rows].astype(np.float32), starts, axis=0)
        return self.settled(sums)

    def settled(self, sums: Floats) -> Floats:
        """Sums of embeddings as activations of -127 to 127."""
        activations: Floats = np.clip(np.rint(sums * self.embedding_factor), -TOP, TOP).astype(np.float32)
        return activations

    def logits(self, words: Floats) -> Floats:
        """(words, labels), in whole units, for a sequence of words' activations."""
        layers = [words]
        for (weights, bias, factors), step in zip(self.convolutions, STEPS, strict=True):
            seen = layers[-1]
            padded = np.zeros((len(seen) + 2 * step, seen.shape[1]), dtype=np.float32)
            padded[step:-step] = seen
            width, count = seen.shape[1], len(seen)
            sums = padded[:count] @ weights[:width]
            sums += padded[step : step + count] @ weights[width : 2 * width]
            sums += padded[2 * step :] @ weights[2 * width :]
            sums += bias
            sums *= factors
            layers.append(np.clip(np.rint(sums, out=sums), 0, TOP, out=sums))
        total = np.broadcast_to(self.output_bias, (len(words), len(self.output_bias))).copy()
        at = 0
        for layer in layers:
            total += layer @ self.output[at : at + layer.shape[1]]
            at += layer.shape[1]
        return total
