"""Packed files that break off: what was read stays, and the loss is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import zstandard

from curate.intake.sources import read_source

LINES = [
    json.dumps({"prompt": f"What is in box {n}?", "completion": f"Item {n * 7}, {'x' * 200}."}) + "\n"
    for n in range(4000)
]


def packed(lines: list[str]) -> bytes:
    return zstandard.ZstdCompressor().compress("".join(lines).encode())


def test_several_whole_frames_are_one_file(tmp_path: Path) -> None:
    """Frames written one after another hold all their rows."""
    (tmp_path / "a.jsonl.zst").write_bytes(packed(LINES[:1500]) + packed(LINES[1500:]))
    read = read_source(str(tmp_path / "a.jsonl.zst"))
    assert (read.examples.height, read.rejects.height) == (4000, 0)


@pytest.mark.parametrize("tail", [packed(LINES[1500:])[:20], b"garbage after the frame"])
def test_a_frame_that_breaks_off_is_a_reject_and_the_rows_before_it_stay(tmp_path: Path, tail: bytes) -> None:
    """Nothing of the good frame is lost, and what is missing does not go in silence."""
    (tmp_path / "a.jsonl.zst").write_bytes(packed(LINES[:1500]) + tail)
    read = read_source(str(tmp_path / "a.jsonl.zst"))
    assert read.examples.height == 1500
    assert read.rejects.height == 1
    assert "breaks off" in read.rejects["reason"][0]
