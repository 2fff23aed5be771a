"""Files whose bytes are no rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.errors import SourceError
from curate.intake.sources import read_source


@pytest.mark.parametrize(
    ("name", "said"), [("a.parquet", "is not Parquet, though it is called so"), ("a.dat", "is not text")]
)
def test_bytes_that_are_no_rows_are_not_taken_for_a_table(tmp_path: Path, name: str, said: str) -> None:
    """Neither a damaged download nor noise is read as CSV because a comma is in it."""
    (tmp_path / name).write_bytes(b"\x98\x7b\x00,\xd0,\x01\n,\x02,")
    with pytest.raises(SourceError, match=said):
        read_source(tmp_path / name)
