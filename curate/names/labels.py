"""What the tagger tells apart."""

from __future__ import annotations

KINDS = (
    "PERSON",
    "LOCATION",
    "ORGANIZATION",
    "NRP",
    "TITLE",
    "AGE",
    "DATE_TIME",
    "ZIP_CODE",
    "PHONE_NUMBER",
)
NUMERIC = ("AGE", "DATE_TIME", "ZIP_CODE", "PHONE_NUMBER")  # kinds made of digits
# Label 0 is none; then for each kind its first word, and a word after it
FIRST = {kind: 1 + 2 * at for at, kind in enumerate(KINDS)}
LABELS = 1 + 2 * len(KINDS)
