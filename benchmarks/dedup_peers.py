"""What a reader of their READMEs would write with rensa and datasketch: JSON lines to kept row numbers.

Run as a program: PEER FILE OUT.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

BATCH = 10_000


def grams(text: str, width: int = 5) -> list[str]:
    """Shingles of five words; a shorter text is one."""
    words = text.split()
    return [" ".join(words[at : at + width]) for at in range(max(1, len(words) - width + 1))] if words else []


def texts(path: str) -> Iterator[str]:
    """The texts of a file."""
    with Path(path).open("rb") as file:
        for line in file:
            yield json.loads(line)["text"]


def rensa_kept(path: str) -> list[int]:
    """Rensa 0.5: RMinHashDeduplicator.add_pairs in batches."""
    import rensa

    found = rensa.RMinHashDeduplicator(threshold=0.8, num_perm=128, use_lsh=True)
    kept: list[int] = []
    batch: list[tuple[str, list[str]]] = []
    at = 0

    def flush() -> None:
        nonlocal at
        kept.extend(at + place for place, added in enumerate(found.add_pairs(batch)) if added)
        at += len(batch)
        batch.clear()

    for number, text in enumerate(texts(path)):
        batch.append((str(number), grams(text)))
        if len(batch) == BATCH:
            flush()
    flush()
    return kept


def datasketch_kept(path: str) -> list[int]:
    """Datasketch 2: MinHash.generator and MinHashLSH; a text that meets an earlier kept one goes."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=0.8, num_perm=128)
    kept = []
    shingled = ([gram.encode() for gram in grams(text)] for text in texts(path))
    for number, sketch in enumerate(MinHash.generator(shingled, num_perm=128)):
        if not index.query(sketch):
            index.insert(number, sketch, check_duplication=False)
            kept.append(number)
    return kept


if __name__ == "__main__":
    peer, source, out = sys.argv[1:]
    rows = {"rensa": rensa_kept, "datasketch": datasketch_kept}[peer](source)
    Path(out).write_text("\n".join(map(str, rows)))
