"""What the adapter's own training says of why it is no better: a fine-tune cut short proves nothing of fine-tuning."""

from __future__ import annotations

from curate.workspace import Workspace
from evalharness.deciding.comparison import Verdict
from evalharness.encoding.diagnosis import CURABLE, Diagnosis
from evalharness.models.model_files import adapter_notes


def told_beside(verdict: Verdict, workspace: Workspace, adapter: str | None) -> Verdict:
    """The verdict; where it does not ship and the training diagnosed itself as curable, advice on that first."""
    if verdict["exit_code"] == 0 or adapter is None or not workspace.store.holds(adapter):
        return verdict
    told = adapter_notes(workspace.files(adapter)).get("diagnosis", [])
    found = next((Diagnosis(**each) for each in told if each["finding"] in CURABLE), None)
    if found is None:
        return verdict
    said = f"The training says of itself: {found.finding}, {found.evidence}. Before all else: {found.advice}."
    return {**verdict, "advice": f"{said} {verdict['advice']}".strip()}
