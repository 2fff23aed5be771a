"""What a long run tells other processes of the clock and the machine, a line at a time."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

PULSE = "pulse.jsonl"  # beside the log: what depends on the clock and the machine
BEAT = 0.5  # seconds between two lines of it, at least


def memory() -> int:
    """Bytes that this process holds now (on a GPU: its tensors there); its peak where only that is known."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.memory_allocated())
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return peak()


def peak() -> int:
    """Bytes that this process (on a GPU: its tensors there) held at most."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class Pulse:
    """Lines that tell another process how far this one is: time, step, steps in all, memory, process."""

    def __init__(self, path: Path) -> None:
        self.path, self.last = path, 0.0

    def beat(self, step: int, total: int, *, pace: float | None = None, always: bool = False) -> None:
        """Add a line, at most one every BEAT seconds unless `always`; `pace` in tokens a second."""
        if not always and time.monotonic() - self.last < BEAT:
            return
        self.last = time.monotonic()
        told = {"at": time.time(), "step": step, "total": total, "memory": memory(), "pid": os.getpid(), "host": platform.node(), "tokens_per_second": pace}  # fmt: skip
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
