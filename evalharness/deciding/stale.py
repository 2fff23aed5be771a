"""Whether a comparison still speaks of what stands in the workspace: its evidence is bound to digests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from curate.deciding.review import review
from curate.errors import NotFoundError
from curate.example import digest
from curate.workspace import Workspace
from curate.workspace.store import folder_digest
from evalharness.asking.arms import TUNED
from evalharness.deciding import probed
from evalharness.deciding.comparison import Comparison, Settings, Subject
from evalharness.scoring.gathered import TEST, splits_asked

SERVED = " at "  # between a served model and its address
DECIDED = ("finding_id", "decided", "target", "edit", "differ")


def settings_digest(chosen: Settings) -> str:
    """Digest of what decides."""
    parts = [chosen["primary"], f"{chosen['margin']:g}", f"{chosen['alpha']:g}"]
    parts += [f"seed={chosen['seed']}"] if chosen.get("seed") else []
    parts += [f"{k}={v:g}" for k, v in sorted(chosen.get("limits", {}).items())]
    parts += [f"{k}={v}" for k, v in sorted((chosen.get("prices") or {}).items())]
    return digest(" ".join([*parts, *(f"waived={name}" for name in chosen.get("waived", ()))]))


def bound_to(
    workspace: Workspace,
    inputs: Mapping[str, str],
    tables: Mapping[str, str],
    chosen: Settings,
    **more: str | None,
) -> dict[str, str]:
    """What a verdict is bound to, by role: data, answers, scores, adapter, probes, scans, decisions and settings."""
    found = {role: each for role, each in inputs.items() if role == "dataset" or role.startswith("scores")}
    found |= {f"predictions of {arm}": each for arm, each in tables.items()}
    found |= {role: each for role, each in more.items() if each}
    found["scans"] = scans_digest(workspace, inputs["dataset"])
    found["decisions"] = decisions_digest(workspace, inputs["dataset"])
    found["settings"] = settings_digest(chosen)
    return found


def scans_digest(workspace: Workspace, dataset: str) -> str:
    """Digest of what the scans of a version and of the one it was split from have found."""
    versions = _looked_at(workspace, dataset)
    scans = [scan.findings for version in versions for scan in workspace.scans(version)]
    return digest(" ".join(scans))


def decisions_digest(workspace: Workspace, dataset: str) -> str:
    """Digest of what stands decided on the findings of these versions, whoever decided it and when."""
    parts = []
    for version in _looked_at(workspace, dataset):
        if workspace.store.holds(version):  # of one that was purged nothing can be decided
            parts.append(review(workspace, version).select(DECIDED).sort("finding_id").write_ndjson())
    return digest("\n".join(parts))


def _looked_at(workspace: Workspace, dataset: str) -> list[str]:
    """The version and the one that it was split from."""
    query = """select i.digest from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.digest = ?
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               where run.kind = 'split' and error is null order by ended_at desc limit 1"""
    return [dataset, *(str(row["digest"]) for row in workspace.ledger.rows(query, dataset))]


def stale(
    workspace: Workspace, comparison: Comparison, *, adapter: str | None = None, dataset: str | None = None
) -> list[str]:
    """Why this comparison is no evidence for what stands now, each in a sentence; empty if it is.

    `adapter` and `dataset` are digests of what the verdict is asked for; by default the dataset's own
    name and its newest adapter.
    """
    evidence, subject = comparison.get("evidence"), comparison["subject"]
    if evidence is None:
        return ["it was made by an earlier version of Seatrial, which did not bind it to its evidence"]
    found = []
    if dataset is not None and dataset != subject["dataset"]:
        found.append(f"it is about dataset {subject['dataset'][:12]}, not {dataset[:12]}")
    if dataset is None and (moved := _moved(workspace, comparison)):
        found.append(f"`{subject['name']}` now means {moved[:12]}; it is about {subject['dataset'][:12]}")
    if adapter is not None and not _is_about(subject, adapter):
        about = subject.get("served") or f"adapter {(subject['adapter'] or 'unknown')[:12]}"
        found.append(f"it is about {about}, not {adapter if SERVED in adapter else adapter[:12]}")
    if adapter is None and (newer := _newer_adapter(workspace, comparison)):
        found.append(f"adapter {newer[:12]} was trained on this dataset since; --for names the one you mean")
    if _scored_since(workspace, comparison):
        found.append("the test rows were scored again since")
    if scans_digest(workspace, subject["dataset"]) != evidence.get("scans"):
        found.append("the data was scanned again since")
    elif decisions_digest(workspace, subject["dataset"]) != evidence.get("decisions"):
        found.append("what is decided on the findings is not what it was then")
    if probed.newest(workspace, subject["adapter"], subject.get("served"))[0] != evidence.get("probes"):
        found.append("the fine-tune was probed again since")
    if settings_digest(comparison["settings"]) != evidence.get("settings"):
        found.append("its settings are not those that it was made with")
    return found


def _moved(workspace: Workspace, comparison: Comparison) -> str | None:
    """What the dataset's name means now, if that is something else."""
    query = "select digest from latest_name where name = ?"
    rows = workspace.ledger.rows(query, comparison["subject"]["name"])
    now = str(rows[0]["digest"]) if rows else None
    return now if now not in (None, comparison["subject"]["dataset"]) else None


def _newer_adapter(workspace: Workspace, comparison: Comparison) -> str | None:
    query = """select o.digest from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'adapter'
               where run.kind = 'train' and error is null and run_end.ended_at > ?
               order by run_end.ended_at desc limit 1"""
    subject = comparison["subject"]
    rows = workspace.ledger.rows(query, subject["dataset"], subject["scored_at"])
    newest = str(rows[0]["digest"]) if rows else None
    return newest if newest not in (None, subject["adapter"]) else None


def _scored_since(workspace: Workspace, comparison: Comparison) -> bool:
    """Whether other scores of this version's test rows were made after those that were compared."""
    query = """select run.run_id, o.digest from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'scores'
               where kind = 'score' and error is null and ended_at > ?"""
    subject, known = comparison["subject"], set((comparison.get("evidence") or {}).values())
    return any(
        str(row["digest"]) not in known and splits_asked(workspace, row["run_id"]) == {TEST}
        for row in workspace.ledger.rows(query, subject["dataset"], subject["scored_at"])
    )


def adapter_named(workspace: Workspace, reference: str) -> str:
    """The digest of an adapter by name or digest, or of a folder as it would be if it were taken in.

    `MODEL at ADDRESS` is what is served there; so is the name alone of a model that was compared.
    """
    folder = Path(reference)
    if SERVED in reference:
        return reference.rstrip("/")
    try:
        return workspace.artifact("adapter", reference)
    except NotFoundError:
        if folder.is_dir():
            return folder_digest("adapter", folder)
        served = _served_as(workspace, reference)
        if served is None:
            raise
        return served


def _served_as(workspace: Workspace, model: str) -> str | None:
    """The newest fine-tune of that name that a test was asked of at an endpoint."""
    query = """select params from run join run_end using (run_id) where kind = 'predict' and error is null
               order by ended_at desc, run.run_id desc"""
    for row in workspace.ledger.rows(query):
        params = json.loads(row["params"])
        if params.get("arm") == TUNED and params.get("endpoint") and params.get("base") == model:
            return probed.served_at(params)
    return None


def _is_about(subject: Subject, adapter: str) -> bool:
    return adapter in (subject["adapter"], subject.get("served"))


def newest_about(workspace: Workspace, *, adapter: str | None, dataset: str | None) -> str | None:
    """The newest comparison of this adapter on this dataset; None where there is none."""
    query = """select o.digest, i.digest as dataset from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'comparison'
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               where kind = 'compare' and error is null order by ended_at desc, run.run_id desc"""
    for row in workspace.ledger.rows(query):
        digest = str(row["digest"])
        if dataset not in (None, row["dataset"]) or not workspace.store.holds(digest):
            continue
        found = workspace.json(digest)
        if isinstance(found, dict) and (adapter is None or _is_about(found["subject"], adapter)):
            return digest
    return None
