"""The model card."""

import json
from pathlib import Path

_CARD = """\
"""


def write_card(folder: Path) -> None:
    """README.md of the model, with the figures of digest.json."""
    facts = json.loads((folder / "digest.json").read_text(encoding="utf-8"))
    (folder / "README.md").write_text(_CARD.format(**facts), encoding="utf-8")
