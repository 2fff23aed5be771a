"""Answers to scores, and what a table of scores comes to."""
