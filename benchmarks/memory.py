"""How much memory a process and its children take together, at most."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path


class Peak:
    """Watches a process's session, twice a second; shared pages are counted once (PSS)."""

    def __init__(self, started: subprocess.Popen[bytes]) -> None:
        self.started = started
        self.megabytes = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while self.started.poll() is None:
            self.megabytes = max(self.megabytes, sum(map(_pss, _session(self.started.pid))) / 1024)
            try:
                self.started.wait(0.5)
            except subprocess.TimeoutExpired:
                continue

    def close(self) -> float:
        """Megabytes at the highest, when the process has ended."""
        self._thread.join()
        return self.megabytes


def _session(leader: int) -> list[int]:
    """The processes of a session that one process leads."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = place.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if int(after_name[3]) == leader:
            found.append(int(place.parent.name))
    return found


def _pss(pid: int) -> int:
    """Kilobytes of a process; 0 if it ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
