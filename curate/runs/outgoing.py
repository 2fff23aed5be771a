"""The last arrow: a version that passes the gate leaves as files for trainers, with its data card."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.changing.purge import instead_of
from curate.deciding.review import RUN, looked, open_findings, summary
from curate.errors import ConfigError, ResourceError
from curate.runs.release import gate, looked_in, scanned_versions
from curate.runs.steps import Made
from curate.workspace import Workspace
from curate.workspace.origins import Origin, origins


class Exported(NamedTuple):
    """What was written: (path, rows) for each file, and the card; what was still open on the rows written."""

    made: Made
    written: list[tuple[Path, int]]
    card: Path
    waiting: list[dict[str, Any]]  # rows of `review.summary` with something open


def export_version(
    workspace: Workspace,
    dataset: str,
    to: str,
    formats: Sequence[str],
    *,
    allow_blocking: bool = False,
    overwrite: bool = False,
    command: str = "",
) -> Exported:
    """Write a version under the folder `to`, in a folder for each format when there are several.

    `command` is what the card names as the way it was made. Raises GateError where blocking findings
    are open, ConfigError where a format cannot hold a row or a file says something else already.
    """
    from curate.runs.export import export_dataset, must_be_known

    for each in formats:
        must_be_known(each)
    table = gate(workspace, dataset, "export", allow=allow_blocking)
    name = workspace.name_of(dataset) or dataset[:8]
    examples = workspace.examples(dataset)
    if examples.is_empty():
        raise ConfigError(f"{name} has no rows to write", hint="seatrial log tells what dropped them")
    command = command or _command(name, to, formats, allow_blocking=allow_blocking)
    card = card_of(workspace, dataset, examples, name, command, open_findings(table))
    folder = Path(to)
    params = {
        "formats": list(formats),
        "name": name,
        "overwrite": overwrite,
        "scans": looked_in(workspace, dataset),
    }
    path = folder / f"{name}.card.md"
    with workspace.run("export", params, {"dataset": dataset}) as run:
        _may_write(path, card, overwrite=overwrite)
        written: list[tuple[Path, int]] = []
        for each in formats:
            place = folder / each if len(formats) > 1 else folder
            written += export_dataset(examples, place, format=each, name=name, overwrite=overwrite)
        _write_card(path, card)
        with tempfile.TemporaryDirectory() as draft:
            (Path(draft) / "card.md").write_text(card, encoding="utf-8")
            run.outputs["card"] = workspace.put_files("card", Path(draft))
    made = Made(run.run_id, run.outputs, recorded=False)
    return Exported(made, [*written, (path, 0)], path, waiting_on(examples, table))


def waiting_on(examples: pl.DataFrame, table: pl.DataFrame) -> list[dict[str, Any]]:
    """What is open on these rows, by kind: rows of `review.summary`; each finding once."""
    here = pl.col("example_id").is_in(examples["example_id"].implode())
    once = table.filter(here).unique("finding_id", keep="first", maintain_order=True)
    return summary(once).filter(pl.col("open") > 0).to_dicts()


def shown_place(place: str | Path) -> str:
    """A place as a card may show it: whole where it is relative, else its name: a card leaves this machine."""
    return Path(place).name if Path(place).is_absolute() else str(place)


def _command(name: str, to: str, formats: Sequence[str], *, allow_blocking: bool) -> str:
    """The whole command of an export, for its card."""
    words = ["seatrial", "export", name, "--to", shown_place(to)]
    words += [word for each in formats for word in ("--format", each)]
    return shlex.join([*words, *(["--allow-blocking"] if allow_blocking else [])])


def _of_version(card: str) -> str:
    """A card without its last part, the command: it is the same beside files of each format."""
    return card.partition("\n## Made by\n")[0]


def must_be_of(rows_in: int, name: str, to: str) -> None:
    """Refuse a folder whose card is of other rows: known once they are read, before anything is looked at.

    What else is another shows when all is made.
    """
    from curate.runs.export import REPLACES

    path = Path(to) / f"{name}.card.md"
    if not path.is_file():
        return
    said = re.search(r"^\| rows in \|  \| ([\d,]+) \|$", path.read_bytes().decode("utf-8", "replace"), re.M)
    if said and int(said[1].replace(",", "")) != rows_in:
        raise ConfigError(
            f"{path} is of {said[1]} rows, and {rows_in:,} were read now; nothing was looked at or written",
            hint=f"{REPLACES}; or export to another folder",
        )


def _may_write(path: Path, card: str, *, overwrite: bool) -> None:
    """Refuse, before anything is written, where a card of something else stands in the card's place."""
    from curate.runs.export import REPLACES

    if not path.exists() or overwrite:
        return
    if _of_version(path.read_bytes().decode("utf-8", "replace")) != _of_version(card):
        raise ConfigError(f"{path} says something else already", hint=REPLACES)


def _write_card(path: Path, card: str) -> None:
    try:
        draft = path.with_name(f".{path.name}.draft")
        draft.write_bytes(card.encode())
        draft.replace(path)
    except OSError as error:
        raise ResourceError(
            f"{path}: {error}", hint="free some disk space or choose another folder"
        ) from error


def card_of(
    workspace: Workspace,
    dataset: str,
    examples: pl.DataFrame,
    name: str,
    command: str,
    waiting: pl.DataFrame,
) -> str:
    """The data card of a version, from what its runs recorded."""
    from curate.runs.card import data_card

    way = origins(workspace, dataset)
    changes = _changes(workspace, way)
    imports = [origin for origin in way if origin.kind == "import"]
    instead = instead_of(workspace)
    rejected = [origin.outputs["rejects"] for origin in imports]
    rejects = [workspace.table(instead.get(digest, digest)) for digest in rejected]
    scanned = scanned_versions(workspace, dataset)[:1]
    settings = _settings(workspace, scanned[0]) if scanned else {}
    said = looked(workspace, scanned[0]) if scanned else {}
    return data_card(
        examples,
        name=name,
        digest=dataset,
        command=command,
        rows_in=sum(int(o.params["rows"]) + int(o.params["rejected"]) for o in imports) if imports else None,
        rejects=pl.concat(rejects) if rejects else None,
        changes=pl.concat(changes) if changes else None,
        open_findings=waiting if scanned else None,
        checks={check: values for check, values in settings.items() if said.get(check) == RUN},
        not_run={check: said[check] for check in settings if said.get(check, RUN) != RUN},
    )


def _changes(workspace: Workspace, way: Sequence[Origin]) -> list[pl.DataFrame]:
    """The changes on the way to a version; what was redacted before a vault gave it back is none of them."""
    restored = max((at for at, origin in enumerate(way) if origin.kind == "restore"), default=-1)
    return [
        table.filter(pl.col("change") != "redact") if at < restored else table
        for at, origin in enumerate(way)
        if origin.kind == "apply"
        for table in [workspace.table(origin.outputs["changes"])]
    ]


def _settings(workspace: Workspace, dataset: str) -> dict[str, dict[str, Any]]:
    """The settings of each check that a scan of the version asked for; where it ran, those it last ran with."""
    settings = {c: v for scan in reversed(workspace.scans(dataset)) for c, v in scan.settings.items()}
    for stands in reversed(workspace.standing(dataset)):
        settings |= {check: stands.scan.settings.get(check, {}) for check in stands.checks}
    return settings
