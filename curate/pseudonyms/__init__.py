"""Consistent fakes for real values, chosen by a key: the same value gets the same fake within a scope."""

from __future__ import annotations

from curate.pseudonyms.book import Book, Real, identity
from curate.pseudonyms.key import digest_of, fingerprint, read_key

__all__ = ["Book", "Real", "digest_of", "fingerprint", "identity", "read_key"]
