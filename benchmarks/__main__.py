"""`python -m benchmarks [NAME [--data DIR] [--quick]]`: list the benchmarks, or run one.

Talk goes to stderr; the last line of stdout is one JSON object with name, figures, why (for each
figure that is null), peer, n, machine, seconds and command.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from benchmarks.machine import machine

# a benchmark is a module of this folder that has a NAME, which is its own with `-` for `_`
NAMES = tuple(
    file.stem.replace("_", "-")
    for file in sorted(Path(__file__).parent.glob("*.py"))
    if re.search(r"^NAME = ", file.read_text(encoding="utf-8"), re.MULTILINE)
)

Result = tuple[dict[str, float | None], dict[str, str], dict[str, str], int]


def _module(name: str) -> ModuleType:
    """The benchmark of that name."""
    return importlib.import_module(f"benchmarks.{name.replace('-', '_')}")


def main() -> int:
    """Run what the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", choices=NAMES)
    parser.add_argument("--data", type=Path, help="a folder of real data sets")
    parser.add_argument(
        "--quick", action="store_true", help="tiny input, to see the shape; peers and slow parts are null"
    )
    words = parser.parse_args()
    command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    if words.name is None:
        for name in NAMES:
            print(f"{name:<12} {_module(name).HELP}")
        return 0
    run: Callable[[Path | None, bool], Result] = _module(words.name).run
    began = time.perf_counter()
    figures, why, peer, n = run(words.data, words.quick)
    unexplained = [key for key, value in figures.items() if value is None and key not in why]
    assert not unexplained, f"null without a reason: {unexplained}"
    result = {
        "name": words.name, "figures": figures, "why": why, "peer": peer, "n": n, "machine": machine(),
        "seconds": round(time.perf_counter() - began, 2), "command": command,
    }  # fmt: skip
    print(json.dumps(result))
    return 0


sys.exit(main())
