"""Near duplicates of a corpus: sketches, candidates, exact verification, and which rows stay."""

from __future__ import annotations

from curate.dedup.corpus import KEEP, NearDuplicates, near_duplicates

__all__ = ["KEEP", "NearDuplicates", "near_duplicates"]
