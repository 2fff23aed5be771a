"""Which of all words a run had read that carried them out, told by the digest of what it found decided."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from sqlite3 import Row

import polars as pl

from curate.changing.rewriting import Edit
from curate.deciding.pending import apart
from curate.people.differences import counting
from curate.workspace import Workspace

SAID = "said"  # what an applying leaves beside its rows: the number of the last word that it may have read


def decisions_digest(table: pl.DataFrame) -> str:
    """A digest of what was decided on a review, by whom; not of when or of notes."""
    said = table.filter(pl.col("decided").is_not_null()).sort("finding_id")
    hasher = blake2b(digest_size=16)
    for row in said.select("finding_id", "decided", "target", "edit", "reviewer").iter_rows():
        hasher.update(json.dumps(row).encode())
    return hasher.hexdigest()


def newest(workspace: Workspace, run_id: str) -> int | None:
    """The number of the last word that had come when a run began; None where an older Seatrial made it."""
    made = workspace.ledger.run_artifacts(run_id, "out").get(SAID)
    value = workspace.json(made) if made is not None and workspace.store.holds(made) else None
    return int(value["upto"]) if isinstance(value, dict) else None


def cut(
    rows: Sequence[Row],
    said: int,
    known: set[str],
    texts: Mapping[str, Edit],
    *,
    wanted: str,
    began: str,
    last: int | None,
) -> int | None:
    """How many of the words had been said when a run carried them out: those that make its digest, `wanted`.

    Those up to the `last` that the run saw are tried first, without it those said before it `began`; a
    clock that jumped, or a journal merged later, may need another cut. Of words that make no difference
    to it none is counted at the end: so the session of a replay is the session. None where no cut fits.
    """
    ends = [
        n
        for n in range(said, len(rows) + 1)
        if n in (said, len(rows)) or rows[n - 1]["decided_at"] != rows[n]["decided_at"]
    ]
    if last is None:
        first = sum(row["decided_at"] <= began for row in rows)
    else:
        first = sum(row["decision_id"] <= last for row in rows)
    for upto in sorted(ends, key=lambda n: (abs(n - first), -n)):
        if decisions_digest(_decided(rows[:upto], known, texts)) == wanted:
            return _trimmed(rows, [n for n in ends if n <= upto], known, texts)
    return None


def _trimmed(rows: Sequence[Row], ends: list[int], known: set[str], texts: Mapping[str, Edit]) -> int:
    """The last of these cuts, or an earlier one behind which no word makes a difference.

    Of each word it is asked only what it does to its own finding and, of an edit, to the others: what
    counts on a finding depends on nothing else.
    """
    by_finding: dict[str, list[Row]] = defaultdict(list)
    for row in rows[: ends[-1]]:
        if row["finding_id"] in known:
            by_finding[row["finding_id"]].append(row)
    edited = {finding for finding, words in by_finding.items() if any(row["edit"] for row in words)}
    while len(ends) > 1:
        gone = rows[ends[-2] : ends[-1]]
        touched = {row["finding_id"] for row in gone} & known
        touched |= edited if touched & edited else set()
        uids = {row["uid"] for row in gone}
        words = [row for finding in touched for row in by_finding[finding]]
        left = [row for row in words if row["uid"] not in uids]
        if decisions_digest(_decided(words, known, texts)) != decisions_digest(_decided(left, known, texts)):
            break
        for finding in touched:
            by_finding[finding] = [row for row in by_finding[finding] if row["uid"] not in uids]
        ends.pop()
    return ends[-1]


def _decided(rows: Sequence[Row], known: set[str], texts: Mapping[str, Edit]) -> pl.DataFrame:
    """The last word on each of these findings by these rows, as a review has it; `texts` are of edits."""
    mine = sorted((r for r in rows if r["finding_id"] in known), key=lambda r: (r["decided_at"], r["uid"]))
    words = counting(mine).words
    left_out = apart({i: word.edit for i, word in words.items() if word.edit}, texts)
    said = [
        (finding_id, word.said, word.target, word.edit, word.reviewer)
        for finding_id, word in words.items()
        if finding_id not in left_out
    ]
    names = ("finding_id", "decided", "target", "edit", "reviewer")
    return pl.DataFrame(said, schema=dict.fromkeys(names, pl.String), orient="row")
