"""What can be known before the test is read: conditions that no answer to it will make pass."""

from __future__ import annotations

from collections.abc import Sequence

from curate.workspace import Workspace
from evalharness.deciding.comparison import Check
from evalharness.deciding.evidence import check_clean, check_groups, check_leaks
from evalharness.deciding.fair import NAME
from evalharness.deciding.seal import TEST, predict_runs


def hopeless(workspace: Workspace, dataset: str, untuned: Sequence[str] = ()) -> list[Check]:
    """The conditions that do not pass as things stand; empty once the test was read: `compare` tells them then.

    `untuned`: baselines that are about to be asked without a tuning.
    """
    if any(run.dataset == dataset and run.split == TEST for run in predict_runs(workspace)):
        return []
    examples = workspace.examples(dataset)
    checks = [check_clean(workspace, dataset), check_leaks(workspace, dataset), check_groups(examples)]
    if untuned:
        detail, remedy = ", ".join(untuned), "seatrial tune first"
        checks.append(Check(check=NAME, state="not measured", required=True, detail=detail, remedy=remedy))
    return [check for check in checks if check["state"] != "pass"]


def warning(checks: list[Check]) -> list[str]:
    """The same for a person, in lines; none where nothing stands in the way."""
    if not checks:
        return []
    said = [
        f"  {check['check']} ({check['state']}): {check['detail']}; {check['remedy']}" for check in checks
    ]
    return ["warning: no SHIP can come of this reading of the sealed test, as things stand", *said]
