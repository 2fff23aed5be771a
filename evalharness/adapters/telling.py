"""What `seatrial adapters` answers; but for export, which asks the trainer for its defaults."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.answer import Answer, counted
from curate.errors import ConfigError
from curate.workspace import Workspace
from evalharness.adapters import checked, registry, trained_on
from evalharness.adapters.registry import Adapter


@dataclass(frozen=True)
class Wish:
    """What a command line asks for, beside the action."""

    name: str | None
    other: str | None
    alias: str | None
    to: Path | None
    anyway: bool
    worst: int
    to_review: bool
    data: str | None
    base: str | None
    onto: str
    dtype: str
    format: str
    llama_cpp: Path | None

    def place(self, action: str) -> Path:
        """Where to write; ConfigError where that was not said."""
        if self.to is None:
            raise ConfigError(f"seatrial adapters {action}", hint="--to says where to write")
        return self.to

    def dataset(self, workspace: Workspace) -> str | None:
        """The digest of the version of --data."""
        return workspace.dataset(self.data) if self.data else None


def called(each: Adapter) -> str:
    """Its names and the beginning of its digest."""
    return f"{', '.join(each.names) or 'no name'} ({each.digest[:12]})"


def summed(each: Adapter) -> str:
    """An adapter in one line: base, method, data, loss, verdict."""
    told, settings = each.told, each.told.get("settings", {})
    if each.folder is None:
        return "purged"
    if not told:
        return "no record of its training can be read: seatrial verify lists what is damaged"
    losses = told.get("losses") or [{}]
    last = losses[-1].get("validation_loss") or losses[-1].get("loss")
    ranked = "rank" in settings and settings.get("method", "lora") not in ("prompt", "prefix", "full")
    rank = f" of rank {settings['rank']}" if ranked else ""
    parts = [
        f"{told.get('base', 'base unknown')} ({told.get('quantization', 'unknown')})",
        f"{settings.get('method', 'lora')}{rank}",
        told.get("dataset", {}).get("name") or "data unknown",
        *([f"loss {last:.3f}"] if last is not None else []),
        *([f"from {told['imported']['from']}"] if "imported" in told else []),
        each.verdict or "not compared",
    ]
    return ", ".join(parts)


def listed(workspace: Workspace, wish: Wish) -> Answer:
    """All adapters, newest first."""
    found = registry.adapters(workspace)
    lines = [line for each in found for line in (called(each), f"  {each.added_at[:19]}  {summed(each)}")]
    lines.append(counted(len(found), "adapter") + ("" if found else ": seatrial train makes one"))
    data = [
        {
            "digest": each.digest,
            "names": each.names,
            "added_at": each.added_at,
            "verdict": each.verdict or None,
            "base": each.told.get("base"),
            "settings": each.told.get("settings"),
            "purged": each.folder is None,
        }
        for each in found
    ]
    return Answer(lines, {"adapters": data})


def shown(workspace: Workspace, wish: Wish) -> Answer:
    """One adapter: names and what they meant before, how to serve it, its card."""
    each = registry.adapter(workspace, wish.name)
    folder = workspace.files(each.digest)
    card = folder / "README.md"
    lines = [called(each), f"  {summed(each)}", f"  {folder}"]
    past = {name: registry.history(workspace, name) for name in each.names}
    for name, meant in past.items():
        before = ", ".join(digest[:12] for digest, _ in meant[-4:-1])
        lines.append(f"  {name} since {meant[-1][1][:19]}, before it: {before or 'nothing'}")
    if (folder / trained_on.FILE).is_file():
        rows = counted(trained_on.rows_of(folder).height, "row")
        lines.append(f"  trained on {rows}: seatrial adapters rows {each.digest[:12]}")
    serve = registry.serving(each)
    lines += [f"  serve it: {serve}", "", *(card.read_text("utf-8").splitlines() if card.is_file() else [])]
    data = {"digest": each.digest, "names": past, "folder": str(folder), "verdict": each.verdict or None}
    return Answer(lines, {**data, "serve": serve, "training": each.told})


def promoted(workspace: Workspace, wish: Wish) -> Answer:
    """A name means an adapter from now on, which is loaded and looked at first."""
    from evalharness.adapters.reloaded import reload_check

    each, name = registry.adapter(workspace, wish.name), wish.alias or registry.CHAMPION
    registry.must_name_adapters(workspace, name)
    comparison, said = registry.must_ship(workspace, each.digest, anyway=wish.anyway)
    held = reload_check(workspace, each)
    over = said != registry.SHIP
    params: dict[str, Any] = {"verdict": said, "anyway": over, **checked.record(held)}
    more = {"comparison": comparison} if comparison else {}
    run = registry.point(workspace, "promote", name, each.digest, params, **more)
    way = registry.way_back(workspace, name)
    back = f"goes back to {way[-2][:12]}" if len(way) > 1 else "goes back, once another was promoted"
    lines = [f"{name} means {each.digest[:12]} from now on: {said}{', promoted anyway' if over else ''}"]
    lines += [f"  {check.line()}" for check in held] or [
        "  it fits its base; no row of its training is here to compare on"
    ]
    lines.append(f"next: seatrial adapters rollback {name} {back}")
    return Answer(lines, {"name": name, "adapter": each.digest, "run": run, **params})


def gone_back(workspace: Workspace, wish: Wish) -> Answer:
    """What a name meant before, it means again."""
    name = wish.name or wish.alias or registry.CHAMPION
    old, new = registry.rollback(workspace, name)
    data = {"name": name, "from": old, "to": new}
    return Answer([f"{name} means {new[:12]} again, and {old[:12]} no more"], data)


def rows(workspace: Workspace, wish: Wish) -> Answer:
    """The rows that it was trained on, the worst first; with --to-review they wait for a person."""
    each = registry.adapter(workspace, wish.name)
    table = trained_on.rows_of(workspace.files(each.digest))
    worst = table.head(wish.worst)
    lines = [
        f"{row['loss']:>8.4f}  {row['times']:>5g} times  {row['where']}  {row['example_id'][:12]}"
        + (f"  chosen leads by {row['lead']:.2f}" if row["rejected"] else "")
        for row in worst.iter_rows(named=True)
    ]
    mean = table.select("loss").mean().item()
    lines.append(
        f"{worst.height:,} of {counted(table.height, 'row')} shown, the highest loss first (mean {mean:.4f})"
    )
    data: dict[str, object] = {"rows": worst.to_dicts(), "total": table.height, "mean": mean}
    if not wish.to_review:
        return Answer(
            [*lines, "next: --to-review puts them before people; seatrial why ROW tells of one"], data
        )
    dataset = str(each.told["dataset"]["digest"])
    new = trained_on.to_review(workspace, dataset, worst, each.digest)
    lines.append(f"{new:,} of them wait for review now, {worst.height - new:,} did before")
    lines.append(
        f"next: seatrial review {workspace.name_of(dataset) or dataset[:12]} --open --label {trained_on.LABEL}"
    )
    return Answer(lines, {**data, "new": new})


def difference(workspace: Workspace, wish: Wish) -> Answer:
    """Two adapters beside each other."""
    from evalharness.adapters import apart

    if wish.name is None or wish.other is None:
        raise ConfigError("seatrial adapters diff", hint="it takes two adapters: diff NAME OTHER")
    first, second = registry.adapter(workspace, wish.name), registry.adapter(workspace, wish.other)
    told = apart.apart(first, second)
    head = f"{called(first)} | {called(second)}"
    return Answer([head, *(f"  {line}" for line in apart.lines(told))], told)


def merged(workspace: Workspace, wish: Wish) -> Answer:
    """The adapter put into its base, as a folder."""
    from evalharness.adapters.merging import Moved, merge

    to, each = wish.place("merge"), registry.adapter(workspace, wish.name)
    dataset = wish.dataset(workspace)
    told = merge(workspace, each, to, onto=wish.onto, dtype=wish.dtype, dataset=dataset, anyway=wish.anyway)
    moved = Moved(told["kl"], told["agree"], told["tokens"], told["rows"])
    lines = [f"{to}: {called(each)} merged onto the base as {wish.onto}, {wish.dtype}"]
    lines.append(f"  {told['split']} rows: {moved.line()}")
    if not moved.holds:
        lines.append("  beyond the limits; written all the same, and recorded")
    lines.append(f"next: seatrial predict --base {to} --quantization none --arm base judges it like any base")
    return Answer(lines, {"folder": str(to), **told})


def as_gguf(workspace: Workspace, wish: Wish) -> Answer:
    """The merged adapter as one file for llama.cpp."""
    from evalharness.adapters.llama_cpp import gguf

    to, each = wish.place("gguf"), registry.adapter(workspace, wish.name)
    dataset, folder = wish.dataset(workspace), wish.llama_cpp
    told = gguf(
        workspace, each, to, folder, onto=wish.onto, dtype=wish.dtype, dataset=dataset, anyway=wish.anyway
    )
    return Answer([f"{to}: {called(each)}", *(f"  {line}" for line in told["lines"])], told)


def imported(workspace: Workspace, wish: Wish) -> Answer:
    """An adapter from elsewhere, taken in."""
    from evalharness.adapters.elsewhere import take_in

    if wish.name is None:
        raise ConfigError("seatrial adapters import", hint="it takes a folder: import FOLDER --base BASE")
    folder = Path(wish.name)
    name = wish.alias or folder.resolve().name
    registry.must_be_free(workspace, name)
    digest, told = take_in(workspace, folder, wish.base, wish.dataset(workspace), anyway=wish.anyway)
    workspace.ledger.set_name(name, digest)
    settings = ", ".join(f"{key} {json.dumps(value)}" for key, value in told["settings"].items())
    lines = [f"adapter {name} ({digest[:12]}) on {told['base']}, from {told['imported']['from']}"]
    lines += [f"  settings: {settings}", *(f"  {note}" for note in told["imported"]["notes"])]
    lines += [f"  {each['line']}" for each in told["checks"]]
    lines.append(f"next: seatrial predict --adapter {name} --base {told['base']}")
    return Answer(lines, {"adapter": digest, "name": name, **told})


ANSWERS: Mapping[str, Callable[[Workspace, Wish], Answer]] = {
    "list": listed,
    "show": shown,
    "promote": promoted,
    "rollback": gone_back,
    "rows": rows,
    "diff": difference,
    "merge": merged,
    "gguf": as_gguf,
    "import": imported,
}
