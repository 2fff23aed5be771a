"""Run the demo and put the end of its output, as printed, into README.md between the demo marks.

`python docs/pictures/readme.py` (about 3 minutes). A test runs the demo again and holds the README to it.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BEGIN, END = "<!-- demo: python docs/pictures/readme.py -->\n", "<!-- end -->"


def main() -> int:
    """Run the demo, take the verdict block that it ends with, and write it into the README."""
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "demo"
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tui", "demo", "--to", str(to), "--json"],
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    told = json.loads(done.stdout)
    sys.path.insert(0, str(ROOT))
    from benchmarks.machine import machine

    where = f"{datetime.date.today()}, {machine()}: {told['seconds']:.0f} s, `seatrial demo`"
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    block = "\n".join(["```", *told["verdict_block"], "```", "", f"({where})", ""])
    README.write_text(f"{before}{BEGIN}{block}{END}{after}", encoding="utf-8")
    return 0


sys.exit(main())
