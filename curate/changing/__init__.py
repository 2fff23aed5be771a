"""Decisions carried out: what is cut, replaced, kept apart, erased."""
