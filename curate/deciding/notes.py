"""Notes on findings: what a person wrote beside one, which decides nothing and counts as nobody's opinion."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Mapping

from curate.workspace import Annotation, Workspace
from curate.workspace.differences import MACHINES
from curate.workspace.ledger import Ledger

LEFT_OUT = "[a note, left out of the journal]"  # what stands in place of what somebody wrote with a decision
PREFIX = "note:"  # of an annotation's key; the finding's id follows

# what the screens themselves say of a decision; all else was typed, or quotes what was
_OURS = re.compile(r"(?:adjusted|like [0-9a-f]{8}|undo|(?:undo|redo) of [0-9a-f]{8})?")

Notes = dict[str, dict[str, str]]  # finding to person to text, the newest last


def note(workspace: Workspace, finding: Mapping[str, object], text: str, reviewer: str) -> None:
    """Write a person's note on a finding in place of their last one; an empty one takes it away."""
    workspace.ledger.annotate(
        [
            Annotation(
                str(finding["example_id"]),
                str(finding["content_hash"] or ""),
                PREFIX + str(finding["finding_id"]),
                text or None,
                reviewer,
            )
        ]
    )


def noted(ledger: Ledger, example_ids: Collection[str] | None = None) -> Notes:
    """The notes that stand on findings, of all or of those of some examples."""
    asked = "" if example_ids is None else "example_id in (select value from json_each(?)) and"
    query = f"""select key, value, reviewer from annotation
                where {asked} key >= '{PREFIX}' and key < '{PREFIX[:-1]};' order by annotated_at, uid"""
    found: Notes = defaultdict(dict)
    for row in ledger.rows(query, *([] if example_ids is None else [json.dumps(list(example_ids))])):
        notes = found[row["key"].removeprefix(PREFIX)]
        notes.pop(row["reviewer"], None)
        if row["value"]:
            notes[row["reviewer"]] = row["value"]
    return {finding: notes for finding, notes in found.items() if notes}


def is_typed(note: str, reviewer: str) -> bool:
    """Whether what stands with a decision is a person's free text, which may quote a row or name somebody."""
    return not reviewer.startswith(MACHINES) and note != LEFT_OUT and not _OURS.fullmatch(note)


def told(notes: Mapping[str, str], reviewer: str | None, own: str | None) -> str:
    """A finding's notes as one text: `own` is what `reviewer` said with the decision, the others have names."""
    mine = notes.get(reviewer or "", own or "")
    others = [f"{who}: {text}" for who, text in notes.items() if who != reviewer]
    return "; ".join([*([mine] if mine else []), *others])
