"""What the answers were made with, and what chance each baseline was given: as the predict runs recorded it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from curate.errors import ConfigError
from curate.workspace import Workspace
from evalharness.deciding.comparison import ARMS, FairChance, Instrument

# Another device, another number format or another library gives other tokens: such arms are not compared.
ALIKE = ("device", "compute_dtype", "quantization", "versions")


def records(workspace: Workspace, tables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """By arm, settings and notes of the newest run that made its predictions; empty where none is known."""
    return {arm: _record(workspace, digest) for arm, digest in tables.items()}


def _record(workspace: Workspace, predictions: str) -> dict[str, Any]:
    query = """select run.run_id, params from run join run_end using (run_id) join run_artifact using (run_id)
               where digest = ? and direction = 'out' and kind = 'predict' and error is null
               order by ended_at desc limit 1"""
    for row in workspace.ledger.rows(query, predictions):
        made = workspace.ledger.run_artifacts(row["run_id"], "out")
        notes = workspace.json(made["notes"]) if "notes" in made else {}
        return {"params": json.loads(row["params"]), "notes": notes if isinstance(notes, dict) else {}}
    return {"params": {}, "notes": {}}


def must_be_one(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse arms that were answered by unlike instruments (ConfigError). What is not recorded is not held against them."""
    facts = {arm: record["notes"].get("model") or {} for arm, record in found.items()}
    for key in ALIKE:
        known = {arm: told[key] for arm, told in facts.items() if told.get(key) is not None}
        first = next(iter(known), None)
        for arm, value in known.items():
            if first is not None and value != known[first]:
                raise ConfigError(
                    f"the arms were not measured with one instrument: {key.replace('_', ' ')} is "
                    f"{_plain(known[first])} for {first} and {_plain(value)} for {arm}",
                    hint=f"seatrial predict --again --arm {first} --arm {arm}, on one machine",
                )


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in sorted(value.items()))
    return str(value)


def stamp(found: Mapping[str, Mapping[str, Any]], candidate: str, probes: Mapping[str, Any]) -> Instrument:
    """Device, number format, quantisation and libraries of the candidate's answers; noise as a probe found it."""
    record = found.get(candidate) or {"params": {}, "notes": {}}
    facts, params = record["notes"].get("model") or {}, record["params"]
    versions = facts.get("versions")
    probe = probes.get("instrument")
    told = probe if isinstance(probe, dict) else {}

    def word(value: object) -> str | None:
        return None if value is None else str(value)

    return Instrument(
        device=word(facts.get("device") or params.get("device") or params.get("endpoint")),
        dtype=word(facts.get("compute_dtype")),
        quantization=word(facts.get("quantization") or params.get("quantization")),
        decoding=word(params.get("decoding")),
        versions={str(k): str(v) for k, v in versions.items()} if isinstance(versions, dict) else {},
        noise=word(told.get("noise")),
        seeds=word(told.get("seeds")),
    )


def fair_chances(found: Mapping[str, Mapping[str, Any]], candidate: str) -> list[FairChance]:
    """How each baseline was asked. What a run on validation chose is in its notes under `tuning`."""
    rows = []
    for arm, record in found.items():
        if arm == candidate or arm not in ARMS:
            continue
        params, notes = record["params"], record["notes"]
        tuning = notes.get("tuning")
        tuning = tuning if isinstance(tuning, dict) else {}
        own = "own" if params.get("instruction") else "default"
        row = FairChance(
            arm=arm,
            prompt="tuned on validation" if tuning else own,
            candidates=tuning.get("candidates"),
            chosen=str(tuning.get("chosen") or ""),
            metric=tuning.get("metric"),
            rows=tuning.get("rows"),
            value=tuning.get("value"),
            untuned=tuning.get("untuned"),
            shots=params.get("shots"),
            neighbours=params.get("neighbours"),
            recall=notes.get("recall"),
        )
        rows.append(row)
    return rows
