"""Which scans of a dataset version count: for each check the newest one that ran it, not the newest scan.

Whoever scans again for one thing has not taken back what was found about another.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from curate.workspace.ledger import Ledger

READS_PROTECTED = frozenset({"leak"})  # what such a check finds depends on the protected rows as well


class ScanRun(NamedTuple):
    """A scan that came to its end."""

    run_id: str
    settings: dict[str, dict[str, Any]]  # of each check that was asked for, by its name
    not_run: dict[str, str]  # check to the reason why it could not look
    protected: tuple[str, ...]  # digests of the protected rows, in the order given
    findings: str  # digest

    def asked(self) -> frozenset[str]:
        """The checks that were asked for and could look."""
        return frozenset(self.settings) - frozenset(self.not_run)


class Standing(NamedTuple):
    """A scan with those of its checks whose word still counts."""

    scan: ScanRun
    checks: frozenset[str]


def scan_runs(ledger: Ledger, dataset: str) -> list[ScanRun]:
    """The scans of a dataset version that came to their end, newest first."""
    query = """select run.run_id, params, o.digest from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'findings'
               where kind = 'scan' and error is null and i.digest = ? order by ended_at desc, run.run_id desc"""
    found = []
    for row in ledger.rows(query, dataset):
        params = json.loads(row["params"])
        inputs = ledger.run_artifacts(row["run_id"], "in")
        not_run = params.pop("not_run", {})
        settings = {check: values for check, values in params.items() if isinstance(values, dict)}
        protected = tuple(digest for role, digest in sorted(inputs.items()) if role != "dataset")
        found.append(ScanRun(row["run_id"], settings, not_run, protected, row["digest"]))
    return found


def standing(scans: Sequence[tuple[ScanRun, frozenset[str]]]) -> list[Standing]:
    """Of scans, newest first, each with the checks that it ran: those that a newer one does not replace.

    A check that reads protected rows is replaced only by a scan that had at least the same ones. Where no
    check could look, the newest scan stands, with none.
    """
    seen: dict[str, list[frozenset[str]]] = {}
    kept = []
    for scan, checks in scans:
        rows = frozenset(scan.protected)
        counts = frozenset(
            check
            for check in checks
            if not any(check not in READS_PROTECTED or rows <= newer for newer in seen.get(check, ()))
        )
        for check in counts:
            seen.setdefault(check, []).append(rows)
        if counts:
            kept.append(Standing(scan, counts))
    return kept or [Standing(scan, frozenset()) for scan, _ in scans[:1]]
