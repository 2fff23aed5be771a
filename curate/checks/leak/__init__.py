"""What must not be learned from, and is: test questions, and those of a benchmark, among the training rows."""

from __future__ import annotations

from curate.checks.leak.check import Leak
from curate.checks.leak.sides import PROTECTED, SIDES
from curate.checks.leak.wordly import SHORTEST

__all__ = ["PROTECTED", "SHORTEST", "SIDES", "Leak"]
