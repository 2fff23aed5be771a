"""Poor texts, and what to do about them."""

from __future__ import annotations

from curate.checks.quality.check import Quality
from curate.checks.quality.edits import combined, proposed

__all__ = ["Quality", "combined", "proposed"]
