"""Labels that a row probably should not carry."""

from curate.checks.wrong_label.check import WrongLabel

__all__ = ["WrongLabel"]
