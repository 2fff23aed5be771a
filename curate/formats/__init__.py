"""Formats of rows: which one some rows are in, and each one both ways without loss."""

from __future__ import annotations

from curate.formats.known import BY_NAME, FORMATS, MIXED, Format, fits, named, recognise, recognise_alone
from curate.formats.rows import Draft, read_row, write_row

__all__ = [
    "BY_NAME",
    "FORMATS",
    "MIXED",
    "Draft",
    "Format",
    "fits",
    "named",
    "read_row",
    "recognise",
    "recognise_alone",
    "write_row",
]
