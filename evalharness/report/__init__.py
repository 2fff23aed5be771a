"""The report of a comparison: one HTML file, Markdown, JSON, JUnit, and the items as CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from evalharness.deciding.comparison import Comparison, Examples
from evalharness.report.html import html
from evalharness.report.junit import junit
from evalharness.report.markdown import markdown

__all__ = ["html", "junit", "markdown", "write_files", "write_report"]


def write_report(
    comparison: Comparison,
    folder: Path,
    *,
    page: Examples | None = None,
    csv: str | None = None,
    sends: Sequence[str] = (),
) -> list[Path]:
    """Write report.html, .md, .json and .xml, and .csv if there is one, into a folder; each appears whole.

    `page` are the examples on the page, by default those that the comparison holds.
    """
    texts = {
        "report.html": html(comparison, page, sends),
        "report.md": markdown(comparison),
        "report.json": json.dumps(comparison, indent=1, ensure_ascii=False, sort_keys=True) + "\n",
        "report.xml": junit(comparison),
    }
    if csv is not None:
        texts["report.csv"] = csv
    return write_files(folder, texts)


def write_files(folder: Path, texts: dict[str, str]) -> list[Path]:
    """Write texts under their names into a folder that is there; each appears whole."""
    paths = []
    for name, text in texts.items():
        draft, path = folder / f".{name}.part", folder / name
        # half a surrogate pair cannot be written; it is shown as the mark for what cannot be read
        draft.write_bytes(text.encode("utf-8", "replace"))
        draft.replace(path)
        paths.append(path)
    return paths
