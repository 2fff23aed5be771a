"""What a prediction run has answered so far, so that a killed one goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]  # the columns of PREDICTIONS


class Unfinished:
    """A file with one line of JSON for each batch that was answered whole.

    `key` names the run by its settings, inputs and code, so that nothing of another run is taken up.
    A line that was cut by a kill is dropped, and its batch is answered again.
    """

    def __init__(self, folder: Path, key: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"predict-{key}.jsonl"

    def read(self) -> dict[int, list[Row]]:
        """Batch number to its rows."""
        done: dict[int, list[Row]] = {}
        if not self.path.is_file():
            return done
        whole = 0
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                batch = json.loads(line)
                done[batch["batch"]] = batch["rows"]
                whole += len(line)
        os.truncate(self.path, whole)
        return done

    def add(self, number: int, rows: list[Row]) -> None:
        """Keep a batch; on return it is on the disk."""
        line = json.dumps({"batch": number, "rows": rows}, ensure_ascii=True) + "\n"
        with self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def forget(self) -> None:
        """The run is recorded; its draft is not needed."""
        self.path.unlink(missing_ok=True)


def key_of(params: Mapping[str, object], inputs: Mapping[str, str], code: str) -> str:
    """Names a run by all that decides its answers."""
    from curate.example import digest

    return digest(json.dumps(params, sort_keys=True), json.dumps(inputs, sort_keys=True), code)
