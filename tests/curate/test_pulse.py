"""What a training run tells other processes while it goes."""

from __future__ import annotations

import json
import os

from curate.pulse import PULSE, Pulse, memory


def test_a_pulse_is_a_line_with_step_time_and_memory(tmp_path):
    """At most one each half second, and always one when asked for; memory is this process's."""
    pulse = Pulse(tmp_path / PULSE)
    for step in range(50):
        pulse.beat(step, 50)
    pulse.beat(50, 50, always=True)
    lines = [json.loads(line) for line in (tmp_path / PULSE).read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 50]
    assert all(line["pid"] == os.getpid() and line["total"] == 50 for line in lines)
    assert 1e7 < memory() < 1e12 and lines[0]["at"] <= lines[1]["at"]
