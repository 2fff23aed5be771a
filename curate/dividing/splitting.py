"""What a split of a version is made from: its examples, what was found, what is near, what means the same."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import polars as pl

from curate.changing.aside import bound_to
from curate.dividing.links import found_links, meant_links, near_links
from curate.dividing.resample import Balance, balance, unmarked
from curate.dividing.split import SIZES, split
from curate.dividing.tied import found_cause, group_cause, meaning_cause, near_causes, told_of_largest
from curate.errors import ConfigError
from curate.example import EXAMPLES
from curate.scanning.embedding import AUTO, NO_ENCODER, NONE, Encoder, Vectors, find_encoder
from curate.workspace import Workspace
from curate.workspace.origins import origins

SCANNED = "scan"  # the encoder that the newest scan of the version compared meaning with


@dataclass(frozen=True)
class Wish:
    """How a version is to be divided; the fields are as in `split`, and those of its links."""

    sizes: tuple[float, ...] = SIZES
    rows: tuple[int | None, ...] | None = None
    seed: int = 0
    by: str | None = "label"
    group: bool = True
    keep_existing: bool = False
    random: bool = False
    link_threshold: float = 0.6
    encoder: str = SCANNED
    semantic_threshold: float = 0.95
    balance: Balance = field(default_factory=Balance)

    def as_json(self) -> dict[str, object]:
        """As plain values, for the record of a run."""
        evened = asdict(self.balance)
        if math.isinf(self.balance.temperature):
            evened["temperature"] = "inf"
        return asdict(self) | {"balance": evened}


class Meaning(NamedTuple):
    """The encoder that rows are compared with, or why with none."""

    encoder: Encoder | None
    reason: str = ""


def meaning(workspace: Workspace, dataset: str, wish: Wish) -> Meaning:
    """The encoder of a wish: `scan`, `auto`, `none`, a hub id or a path. Raises ConfigError for no model."""
    if not 0.5 <= wish.semantic_threshold <= 1:
        raise ConfigError(f"semantic_threshold is {wish.semantic_threshold}", hint="a cosine, 0.5 to 1")
    if wish.encoder == NONE:
        return Meaning(None, "not asked for")
    if wish.encoder != SCANNED:
        found = find_encoder(wish.encoder)
        return Meaning(found, "" if found else NO_ENCODER)
    told = [
        str(values["encoder"])
        for scan in workspace.scans(dataset)
        for values in scan.settings.values()
        if values.get("encoder", NONE) != NONE
    ]
    if not told:
        return Meaning(None, "no scan of this version compared meaning; --encoder auto does")
    name = told[0].partition("@")[0]
    for candidate in (AUTO, name) if name.count("/") == 1 else (AUTO,):
        found = find_encoder(candidate)
        if found is not None and found.told == told[0]:
            return Meaning(found)
    return Meaning(None, f"the scan's encoder {name} is not at hand; --encoder with its folder names it")


def divided(
    workspace: Workspace, dataset: str, table: pl.DataFrame, wish: Wish, away_from: str | None
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """(the examples with `split` set, the report); `table` is the review of the version."""
    examples = unmarked(workspace.examples(dataset))
    near, pairs = near_links(examples, wish.link_threshold), found_links(table)
    links = pl.concat([pairs, near])
    causes = near_causes(near, wish.link_threshold)
    causes.append(found_cause(pairs, dict(table.group_by("check").len().sort("check").iter_rows())))
    if wish.group:
        causes.append(group_cause(examples, _group_column(workspace, dataset)))
    chosen = meaning(workspace, dataset, wish)
    meant: dict[str, object] = {"not_run": chosen.reason}
    warnings = []
    if chosen.encoder is not None:
        vectors = Vectors(chosen.encoder, workspace.vectors / chosen.encoder.fingerprint)
        largest = max(wish.sizes) / sum(wish.sizes) * examples.height
        found = meant_links(examples, links, vectors, wish.semantic_threshold, largest)
        links, meant = pl.concat([links, found.links]), found.told.as_json()
        warnings = [found.told.warning] if found.told.warning else []
        causes.append(meaning_cause(found.links, found.told.used))
    aside = _aside(workspace, examples, links, away_from)
    try:
        result = split(
            examples.filter(~aside), links, sizes=wish.sizes, rows=wish.rows, seed=wish.seed, by=wish.by,
            group=wish.group, keep_existing=wish.keep_existing, random=wish.random,
        )  # fmt: skip
    except ConfigError as error:
        if "would be empty" in error.message and (why := told_of_largest(examples, causes)):
            raise ConfigError(error.message, hint=f"{why}; {error.hint}") from error
        raise
    if (
        result.report.warnings
        and not wish.random
        and (why := told_of_largest(examples.filter(~aside), causes))
    ):
        warnings.append(why)
    rows = pl.concat([result.examples, examples.filter(aside).with_columns(split=None)]).cast(EXAMPLES)
    rows = examples.select("example_id").join(rows, on="example_id", maintain_order="left")
    evened, told = balance(rows.select(EXAMPLES.names()), wish.balance, seed=wish.seed)
    report = result.report.as_json() | {
        "set_aside": int(aside.sum()),
        "meaning": meant,
        "balance": told.as_json() if told else None,
        "warnings": [*result.report.warnings, *warnings],
    }
    return evened, report


def _group_column(workspace: Workspace, dataset: str) -> str:
    """The column that an import took the groups from; empty where that is not recorded."""
    names = {
        str(way.params.get("group") or "") for way in origins(workspace, dataset) if way.kind == "import"
    }
    return names.pop() if len(names) == 1 else ""


def _aside(
    workspace: Workspace, examples: pl.DataFrame, links: pl.DataFrame, away_from: str | None
) -> pl.Series:
    """For each example, whether it has to do with the test of the version to keep away from."""
    if away_from is None:
        return pl.Series("bound", [False] * examples.height, dtype=pl.Boolean)
    test = workspace.scan_examples(away_from).filter(pl.col("split") == "test")
    held = test.select("example_id").collect()["example_id"].to_list()
    if not held:
        raise ConfigError("the version to keep away from has no test rows", hint="split it first")
    return bound_to(examples, links, held)
