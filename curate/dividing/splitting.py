"""What a split of a version is made from: its examples, what was found, what is near, what means the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import polars as pl

from curate.answer import counted
from curate.changing.aside import bound_to
from curate.dividing.links import found_links, meant_links, near_links
from curate.dividing.resample import Balance, balance, unmarked
from curate.dividing.split import SIZES, Split, split
from curate.dividing.tied import (
    Cause,
    found_cause,
    group_cause,
    meaning_cause,
    near_causes,
    told_of_bridges,
    told_of_largest,
)
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
    set_aside_bridges: bool = False

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
    workspace: Workspace,
    dataset: str,
    table: pl.DataFrame,
    wish: Wish,
    away_from: str | None,
    leaks: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """(the examples with `split` set, the report); `table` is the review of the version.

    `leaks` are findings of a leak check that tie rows too.
    """
    examples = unmarked(workspace.examples(dataset))
    table = table if leaks is None else pl.concat([table, leaks])
    near, pairs = near_links(examples, wish.link_threshold), found_links(table)
    links = pl.concat([pairs, near.all()])
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
    result = _split_or_why(examples.filter(~aside), links, wish, causes)
    if result.report.warnings and not wish.random:
        warnings += _why(examples.filter(~aside), links, wish, causes, result)
    rows = pl.concat([result.examples, examples.filter(aside).with_columns(split=None)]).cast(EXAMPLES)
    rows = examples.select("example_id").join(rows, on="example_id", maintain_order="left")
    evened, told = balance(rows.select(EXAMPLES.names()), wish.balance, seed=wish.seed)
    report = result.report.as_json() | {
        "set_aside": int(aside.sum()),
        "bridges": _with_places(examples, result.report.bridges),
        "meaning": meant,
        "balance": told.as_json() if told else None,
        "warnings": [*result.report.warnings, *warnings],
    }
    return evened, report


def _split(examples: pl.DataFrame, links: pl.DataFrame, wish: Wish) -> Split:
    return split(
        examples, links, sizes=wish.sizes, rows=wish.rows, seed=wish.seed, by=wish.by, group=wish.group,
        keep_existing=wish.keep_existing, random=wish.random, set_aside_bridges=wish.set_aside_bridges,
    )  # fmt: skip


def _split_or_why(examples: pl.DataFrame, links: pl.DataFrame, wish: Wish, causes: list[Cause]) -> Split:
    """The split; where a part would be empty, the error says what ties the rows, and what helps."""
    try:
        return _split(examples, links, wish)
    except ConfigError as error:
        if "would be empty" not in error.message:
            raise
        why = "; ".join(_why(examples, links, wish, causes, None))
        raise ConfigError(error.message, hint=f"{why}; {error.hint}" if why else error.hint) from error


def _why(
    examples: pl.DataFrame, links: pl.DataFrame, wish: Wish, causes: list[Cause], result: Split | None
) -> list[str]:
    """What ties the largest set, and the way out; `result` is None where a part would be empty."""
    short = result is None or bool(result.report.short)
    if short and not (wish.set_aside_bridges or wish.keep_existing or wish.random):
        try:
            other = _split(examples, links, replace(wish, set_aside_bridges=True)).report
        except ConfigError:  # a part would be empty even so: no way to offer
            other = None
        if other and other.bridges and (result is None or len(other.short) < len(result.report.short)):
            rows = ", ".join(f"{part} {count:,}" for part, count in other.rows.items())
            left = f"; even then {', '.join(other.short)}" if other.short else ""
            way = (
                f"--set-aside-bridges leaves {counted(len(other.bridges), 'row')} that tie it in no part, "
                f"and comes to {rows}{left}"
            )
            return [each for each in (told_of_bridges(examples, causes), way) if each]
    if wish.set_aside_bridges and result is not None:
        return []  # the set that they tied is no more
    why = told_of_largest(examples, causes)
    return [why] if why else []


def _with_places(examples: pl.DataFrame, bridges: Sequence[tuple[str, str]]) -> list[dict[str, object]]:
    """The rows set aside with where they came from, each with the row of another part that it is linked to."""
    pairs = pl.DataFrame(bridges, schema={"example_id": pl.String, "other_id": pl.String}, orient="row")
    places = examples.select("example_id", "source", "source_row")
    others = places.select(pl.all().name.prefix("other_")).rename({"other_example_id": "other_id"})
    told = pairs.join(places, on="example_id", maintain_order="left")
    return told.join(others, on="other_id", maintain_order="left").sort("source", "source_row").to_dicts()


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
