"""Texts that the project makes itself, with the names in them known: what the tagger learns from."""
