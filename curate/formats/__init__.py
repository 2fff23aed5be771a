"""Formats of rows: which one some rows are in, and each one both ways without loss."""

from __future__ import annotations

from curate.formats.known import BY_NAME, FORMATS, Format, named, recognise
from curate.formats.rows import Draft, read_row, write_row

__all__ = ["BY_NAME", "FORMATS", "Draft", "Format", "named", "read_row", "recognise", "write_row"]
