"""What probes found of an adapter: forgetting, red team, the instrument. Read from the ledger, judged here.

A probe run names the adapter among its inputs and leaves one JSON file, by condition: state, detail,
value, limit and perhaps `upper`, the one-sided upper bound of the drop.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from curate.workspace import Workspace
from evalharness.deciding.comparison import Check, Instrument, Limits, State
from evalharness.deciding.wording import points

if TYPE_CHECKING:
    from evalharness.statistics.intervals import Codes, Floats
    from evalharness.statistics.paired import Rules

KIND, ROLE = "probe", "probes"
REQUIRED = True  # SHIP needs them measured
REMEDY = "seatrial probe measures it"
ACTS = "adapter acts"  # of a served fine-tune: with weights here it is seen when they are loaded
LIKELIHOODS = ("forgetting", "held-out loss")  # what no endpoint can be asked
WAIVE = "probe the weights on a machine that has them; or fresh test rows and, before any answer, seatrial declare --waive {name!r}"
UNLIKE = "unlike"  # in place of what a probe found, why it tells nothing
STATES: tuple[State, ...] = ("pass", "fail", "not measured")


class Loss(NamedTuple):
    """What was lost between before and after: mean drop, its one-sided upper bound, and over how many."""

    drop: float | None
    upper: float | None
    n: int
    reason: str | None


def loss(before: Floats, after: Floats, groups: Codes | None = None, rules: Rules | None = None) -> Loss:
    """The drop of a paired score with its upper bound at the rules' alpha; what non-inferiority looks at.

    NaN is what could not be asked; such pairs are left out.

    Right-or-wrong rows without groups have Tango's bound, which is not zero where nothing was lost (about
    2.7 / n at alpha .05). Of other rows the larger of a paired bootstrap's and a bootstrap-t's counts: a
    few rows that lost all pull the first less than they should (`statistics.studentised`).
    """
    import numpy as np

    from evalharness.statistics.intervals import group_totals
    from evalharness.statistics.paired import STANDARD, paired_difference, score_interval
    from evalharness.statistics.studentised import upper_bound

    chosen = rules or STANDARD
    known = ~(np.isnan(before) | np.isnan(after))
    before, after = before[known], after[known]
    groups = groups[known] if groups is not None else None
    found = paired_difference(before, after, groups, chosen)
    if found.mean is None or found.inner.high is None:
        return Loss(found.mean, None, found.n, found.inner.reason or found.interval.reason)
    upper = found.inner.high
    if groups is None and bool(np.all(np.isin(before, (0, 1)) & np.isin(after, (0, 1)))):
        lost, won = int(np.sum(before > after)), int(np.sum(before < after))
        bound = score_interval(lost, won, found.n, 1 - 2 * chosen.alpha).high
    else:
        bound = upper_bound(group_totals(before - after, groups), chosen.alpha, chosen.seed)
    return Loss(found.mean, upper if bound is None else max(upper, bound), found.n, None)


def served_at(params: Mapping[str, Any]) -> str | None:
    """`model at address` of a run whose settings these are; None where it asked a model on this machine."""
    url = params.get("endpoint")
    return f"{params.get('base')} at {str(url).rstrip('/')}" if url else None


def newest(
    workspace: Workspace, adapter: str | None, served: str | None = None
) -> tuple[str | None, Mapping[str, Any]]:
    """(digest, conditions) of the newest probe run of an adapter, or of what is served under a name at an address.

    (None, {}) where there is none.
    """
    if adapter is None:
        return _newest_served(workspace, served) if served else (None, {})
    query = """select o.digest from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = ?
               where kind = ? and error is null order by run_end.ended_at desc, run.run_id desc limit 1"""
    for row in workspace.ledger.rows(query, adapter, ROLE, KIND):
        found = workspace.json(str(row["digest"]))
        return str(row["digest"]), found if isinstance(found, dict) else {}
    return None, {}


ALIKE = ("base_digest", "quantization", "device")  # a probe on other ones tells nothing of these answers


def unlike(workspace: Workspace, probe: str, params: Mapping[str, Any], datasets: Collection[str]) -> str:
    """Why a probe tells nothing of answers with these settings, in words; empty where it does.

    `datasets`: the versions that it may have looked at: those that the adapter was trained on, for what it
    gives away are their rows. What either record does not tell is not held against it.
    """
    query = """select run.run_id, params from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = ?
               where kind = ? and error is null and o.digest = ? order by run_end.ended_at desc"""
    whys = []
    for row in workspace.ledger.rows(query, ROLE, KIND, probe):
        told = json.loads(row["params"])
        differ = [
            f"its {key.replace('_', ' ')} is {_short(told[key])}, that of the answers {_short(params[key])}"
            for key in ALIKE
            if told.get(key) is not None and params.get(key) is not None and told[key] != params[key]
        ]
        dataset = workspace.ledger.run_artifacts(row["run_id"], "in").get("dataset")
        if dataset and datasets and dataset not in datasets:
            names = ", ".join(workspace.name_of(each) or each[:8] for each in sorted(datasets))
            differ.append(f"it looked at {workspace.name_of(dataset) or dataset[:8]}, not at {names}")
        if not differ:
            return ""
        whys.append("the newest probe is of something else: " + ", ".join(differ))
    return whys[0] if whys else ""


def trained_on(workspace: Workspace, adapter: str | None) -> set[str]:
    """Digests of the versions that an adapter was trained on, as far as that was done here."""
    query = """select i.digest from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.digest = ?
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               where kind = 'train' and error is null"""
    return {str(row["digest"]) for row in workspace.ledger.rows(query, adapter)} if adapter else set()


def _short(value: object) -> str:
    return str(value)[:12]


def _newest_served(workspace: Workspace, served: str) -> tuple[str | None, Mapping[str, Any]]:
    query = """select o.digest, params from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = ?
               where kind = ? and error is null order by run_end.ended_at desc, run.run_id desc"""
    for row in workspace.ledger.rows(query, ROLE, KIND):
        if served_at(json.loads(row["params"])) == served:
            found = workspace.json(str(row["digest"]))
            return str(row["digest"]), found if isinstance(found, dict) else {}
    return None, {}


def check(
    name: str, probes: Mapping[str, Any], limits: Limits, *, required: bool = REQUIRED, served: bool = False
) -> Check:
    """One condition as a probe found it. A declared limit goes before the probe's own.

    Where the upper bound of the drop is told, the condition passes only if the bound is within the limit.
    `served`: the fine-tune answers at an endpoint, which gives no likelihoods.
    """
    told = probes.get(name)
    remedy = WAIVE.format(name=name) if served and name in LIKELIHOODS else REMEDY
    waived = "" if required else "; declared as not required before any answer"
    if not isinstance(told, dict) or told.get("state") not in STATES:
        none = f"no probe of this {'model' if served else 'adapter'}"
        detail = str(probes.get(UNLIKE) or ("the probe does not tell" if probes else none))
        return Check(
            check=name, state="not measured", required=required, detail=detail + waived, remedy=REMEDY
        )
    declared = limits.get(name.replace(" ", "_").replace("-", "_"))
    limit = _number(declared) if declared is not None else _number(told.get("limit"))
    value, upper = _number(told.get("value")), _number(told.get("upper"))
    state: State = told["state"]
    detail = str(told.get("detail", ""))
    unit = str(told.get("unit", "points"))
    if state != "not measured" and limit is not None and upper is not None:
        state = "pass" if upper <= limit else "fail"
        detail += f"; the loss may be up to {_said(upper, unit)}, allowed are {_said(limit, unit)}"
    if state == "not measured":
        detail += waived
    found = Check(
        check=name,
        state=state,
        required=required,
        detail=detail.strip("; "),
        remedy="" if state == "pass" else str(told.get("remedy") or remedy),
    )
    if value is not None:
        found |= {"value": value if upper is None else upper, "limit": limit, "unit": unit}
    return found


def check_instrument(stamp: Instrument, probes: Mapping[str, Any], limits: Limits) -> Check:
    """Whether what the answers were made with is known, and what a probe found of its noise."""
    name = "instrument"
    known = [str(stamp[key]) for key in ("device", "dtype", "quantization") if stamp[key]]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(stamp["versions"].items()))
    said = ", ".join([*known, versions] if versions else known)
    found = check(name, probes, limits)
    if found["state"] == "pass" and not known:
        found |= {"state": "not measured", "remedy": "predict again: what answered was not recorded"}
    if found["state"] == "not measured":
        found["detail"] = f"{said or 'not recorded'}; decoding noise and spread between seeds: not measured"
        return found
    found["detail"] = "; ".join(part for part in (said, found["detail"]) if part)
    return found


def _said(value: float, unit: str) -> str:
    return points(value) if unit == "points" else f"{value:.3g} {unit}"


def _number(value: object) -> float | None:
    """A finite number, or None for anything else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
