"""The report of a comparison, as one HTML file, as Markdown and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from evalharness.comparison import Comparison
from evalharness.report.html import html
from evalharness.report.markdown import markdown

__all__ = ["html", "markdown", "write_report"]


def write_report(comparison: Comparison, folder: Path) -> list[Path]:
    """Write report.html, report.md and report.json into a folder that is there; each appears whole."""
    texts = {
        "report.html": html(comparison),
        "report.md": markdown(comparison),
        "report.json": json.dumps(comparison, indent=1, ensure_ascii=False, sort_keys=True) + "\n",
    }
    paths = []
    for name, text in texts.items():
        draft, path = folder / f".{name}.part", folder / name
        # half a surrogate pair cannot be written; it is shown as the mark for what cannot be read
        draft.write_bytes(text.encode("utf-8", "replace"))
        draft.replace(path)
        paths.append(path)
    return paths
