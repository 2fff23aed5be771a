"""Patterns: what Presidio's AnalyzerEngine finds by form, many times faster and without a model."""

from __future__ import annotations

from curate.checks.patterns.analyser import PatternAnalyser, Result

__all__ = ["PatternAnalyser", "Result"]
