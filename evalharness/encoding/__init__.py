"""Rows of a dataset as tokens, which of them an answer is, and what a model makes of them."""
