"""The same question with another answer or label."""

from curate.checks.contradiction.check import Contradiction

__all__ = ["Contradiction"]
