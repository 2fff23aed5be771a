"""Checks carried out over a version, and what they need: vectors, terms, neighbours, what is remembered."""
