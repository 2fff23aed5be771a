"""How many of the demo's planted faults the scan of the raw tickets found, by the answer key."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

import polars as pl

from curate.workspace import Workspace

KEY = Path(__file__).parents[1] / "tests" / "tinybase" / "tickets_key.jsonl"

# Which checks count as having found a kind of fault
FOUND_BY = {
    "exact-duplicate": ("exact-duplicate",),
    "near-duplicate": ("near-duplicate", "exact-duplicate"),
    "personal-data": ("pii",),
    "contradiction": ("contradiction",),
    "wrong-label": ("wrong-label", "contradiction"),
    "leak": ("leak",),
    "broken": ("structure",),
    "over-long": ("structure",),
}


def raw_findings(workspace: Workspace) -> tuple[pl.DataFrame, set[int]]:
    """(findings of the import's scan with `source_row`, rows that the import rejected)."""
    query = "select run_id from run where kind = 'import' order by run_id limit 1"
    made = workspace.ledger.run_artifacts(workspace.ledger.rows(query)[0]["run_id"], "out")
    findings = workspace.findings(made["dataset"])
    assert findings is not None
    rows = workspace.examples(made["dataset"]).select("example_id", "source_row")
    by_row = findings.join(rows, on="example_id").join(
        rows.rename({"example_id": "other_id", "source_row": "other_row"}), on="other_id", how="left"
    )
    return by_row, set(workspace.table(made["rejects"])["row"].to_list())


def covered(span: dict[str, int], found: list[dict[str, object]]) -> bool:
    """Whether one finding covers at least most of a span: 80 % of its characters."""
    for finding in found:
        start, end = finding["start"], finding["end"]
        if finding["message"] == span["message"] and isinstance(start, int) and isinstance(end, int):
            shared = min(end, span["end"]) - max(start, span["start"])
            if shared >= 0.8 * (span["end"] - span["start"]):
                return True
    return False


def found_by_kind(folder: Path) -> dict[str, tuple[int, int]]:
    """Kind of fault to (found, planted)."""
    workspace = Workspace(folder)
    findings, rejected = raw_findings(workspace)
    at: dict[int, list[dict[str, object]]] = defaultdict(list)
    for finding in findings.iter_rows(named=True):
        at[finding["source_row"]].append(finding)
        if finding["other_row"] is not None and finding["check"] == "contradiction":
            at[finding["other_row"]].append(finding)
    counts: dict[str, tuple[int, int]] = {}
    for line in KEY.read_text(encoding="utf-8").splitlines():
        fault = json.loads(line)
        here = [f for f in at[fault["row"]] if f["check"] in FOUND_BY[fault["kind"]]]
        hit = bool(here) or (fault["kind"] == "broken" and fault["row"] in rejected)
        if fault["spans"]:
            hit = all(covered(span, here) for span in fault["spans"])
        found, planted = counts.get(fault["kind"], (0, 0))
        counts[fault["kind"]] = (found + hit, planted + 1)
    return counts


def found_share(folder: Path) -> float:
    """Share of all planted faults found; the counts by kind go to stderr."""
    counts = found_by_kind(folder)
    for kind, (found, planted) in sorted(counts.items()):
        print(f"{kind:<16} {found:>3} of {planted}", file=sys.stderr)
    return round(sum(f for f, _ in counts.values()) / sum(p for _, p in counts.values()), 4)
