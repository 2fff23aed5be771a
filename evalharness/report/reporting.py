"""What `seatrial report` does: write a comparison or the history of them, or send items to curation."""

from __future__ import annotations

import json
from pathlib import Path

from curate.answer import Answer, counted
from curate.deciding.flags import flag
from curate.errors import ConfigError, NotFoundError
from curate.workspace import Workspace, reviewer
from evalharness.deciding.comparison import Comparison, Examples
from evalharness.deciding.reading import read_comparison
from evalharness.judging.people import with_people
from evalharness.report import write_files, write_report
from evalharness.report.history import history, history_csv
from evalharness.report.html import keys_of
from evalharness.report.items import PAGE, csv_of, fitting, items_of, page_of
from evalharness.report.nearest import Nearest
from evalharness.report.past import history_html, history_markdown

SENDS = {
    "regressions": "lost", "gains": "won", "fixed": "fixed", "fail": "none", "flips": "flip", "errors": "error",
}  # fmt: skip
NEAREST = 3


def write_all(workspace: Workspace, reference: str | None, folder: Path, *, most: int = PAGE) -> list[Path]:
    """The report's files; the items from the tables, or without them what the comparison itself holds."""
    digest = workspace.artifact("comparison", reference)
    found = with_people(workspace, read_comparison(workspace, digest))
    items = items_of(workspace, found)
    sends = [f"seatrial report {digest[:12]} --send {name}" for name in ("regressions", "fail")]
    sends.append(f"seatrial report {digest[:12]} --send regressions --near")
    page = page_of(items, found, most) if items else None
    return write_report(
        found,
        folder,
        page=fitting(page) if page else None,
        csv=csv_of(items, found, page) if items else None,
        sends=sends,
    )


def write_history(workspace: Workspace, reference: str | None, folder: Path) -> list[Path]:
    """Every comparison of the dataset: a page with a plot, Markdown, JSON and CSV."""
    found = history(workspace, reference)
    texts = {
        "history.html": history_html(found),
        "history.md": history_markdown(found),
        "history.json": json.dumps(found, indent=1, ensure_ascii=False) + "\n",
        "history.csv": history_csv(found),
    }
    return write_files(folder, texts)


def send_items(workspace: Workspace, reference: str | None, which: str, *, near: bool) -> Answer:
    """Flag all items of a kind, not only those that a report shows; with `near` their nearest training rows too."""
    if which not in SENDS:
        raise ConfigError(f"--send {which}", hint=f"one of {', '.join(SENDS)}")
    found = read_comparison(workspace, reference)
    rows = [row for row in _every(workspace, found)["rows"] if SENDS[which] in keys_of(row)]
    ids = [row["example_id"] for row in rows]
    dataset = found["subject"]["dataset"]
    beside: list[str] = []
    if near and rows:
        index = Nearest(workspace, dataset)
        beside = list(dict.fromkeys(n.example_id for row in rows for n in index.to(row["question"], NEAREST)))
    changed = flag(workspace, dataset, [*ids, *beside], reviewer())
    lines = [f"{counted(len(ids), 'item')} of the kind {which}"]
    if near:
        lines[0] += f", {counted(len(beside), 'training row')} near to them"
    lines.append(f"{changed:,} newly flagged; on the screens they stand in the queue under `: flagged`")
    if ids:
        lines.append(f"next: seatrial, or seatrial why {ids[0]}")
    return Answer(lines, {"sent": ids, "near": beside, "flagged": changed})


def _every(workspace: Workspace, found: Comparison) -> Examples:
    """All items; NotFoundError where the tables are gone."""
    items = items_of(workspace, found)
    if items is None:
        raise NotFoundError(
            "the tables of this comparison are no longer in this workspace",
            hint="seatrial compare makes it again",
        )
    return page_of(items, found, most=len(items.pairs.example_ids))
