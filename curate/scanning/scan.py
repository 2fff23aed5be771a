"""Checks x examples -> findings: stamped, in one order, the same on every engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import NamedTuple, Protocol, runtime_checkable

import polars as pl

from curate.check import Check, MeaningCheck, NotRun
from curate.checks import CHECKS
from curate.engine import Engine, Serial
from curate.errors import ConfigError
from curate.example import EXAMPLES, digest
from curate.finding import ORDER, complete, empty, stamp
from curate.progress import stages
from curate.rows import Rows
from curate.scanning.embedding import NO_ENCODER, NONE, Encoder, Vectors, find_encoder
from curate.scanning.looking import Memory, look

BATCH = 2_000
SERIAL = Serial()


@runtime_checkable
class Pinned(Protocol):
    """A check with a model that is named in its settings."""

    def pinned(self) -> Check:
        """The same with a digest of the model behind its name: another model of that name finds other things."""
        ...


@runtime_checkable
class Partial(Protocol):
    """A check that looks at some rows less well than at others."""

    def unlooked(self, examples: Rows) -> tuple[str, str]:
        """(what of it, why) where a good part of the rows is looked at less well; empty where none is.

        It reads their height and single columns.
        """
        ...


class ScanResult(NamedTuple):
    """What all checks found, which of them could not look, and how long each took."""

    findings: pl.DataFrame  # FINDINGS, stamped, in ORDER
    not_run: list[NotRun]
    seconds: dict[str, float]  # by the name of the check, wall clock


@runtime_checkable
class Conditional(Protocol):
    """A check that cannot look at everything: it says so, rather than find nothing."""

    def obstacle(self, examples: Rows) -> str:
        """Why it cannot look at these examples; empty if it can. It reads single columns."""
        ...


def scan(
    examples: pl.DataFrame | Rows,
    checks: Sequence[Check],
    *,
    protected: pl.DataFrame | None = None,
    engine: Engine = SERIAL,
    rows: int = BATCH,
    vectors: Callable[[Encoder], Vectors] = Vectors,
    memory: Memory | None = None,
) -> ScanResult:
    """Run the checks over the examples, `rows` at a time.

    `protected` are examples that must not be learned from (benchmark files); only a check that asks
    for them sees them. A check that cannot look, or not at meaning, is in `not_run`. One that fails
    raises SeatrialError, which names the example; the scan ends there, for half a scan reads as
    clean. `vectors` makes the store of an encoder's vectors, by default one in memory. `memory` knows
    what was found out before about the same rows; the result is the same without it.
    """
    checks, encoders = with_encoders(checks)
    examples = Rows.of(examples)
    guarded = with_protected(examples, protected)
    not_run = obstacles(examples, checks, protected)
    stopped = {check.check for check in not_run}
    found, seconds = [empty()], {}
    with stages():
        for check in checks:
            if check.name in stopped:
                continue
            began = time.monotonic()
            table = guarded if _reads_protected(check) else examples
            meaning = vectors(encoders[check.name]) if check.name in encoders else None
            findings = look(check, table, engine, rows, meaning, memory)
            found.append(_stamped(complete(findings), table.light, check))
            seconds[check.name] = time.monotonic() - began
    findings = pl.concat(found).sort(*ORDER, "finding_id", nulls_last=False)
    return ScanResult(findings, not_run, seconds)


def told(findings: pl.DataFrame, examples: Rows) -> pl.DataFrame:
    """The findings; persons by what the whole version says of their names (`curate.names.spread`)."""
    if "PERSON" not in findings["label"]:
        return findings
    from curate.names import spread  # which loads the tagger

    return spread.told(findings, examples.whole())


def _stamped(findings: pl.DataFrame, table: pl.DataFrame, check: Check) -> pl.DataFrame:
    """The findings with their ids; those that were taken over with them stay as they were."""
    taken, fresh = (
        findings.filter(known)
        for known in (pl.col("finding_id").is_not_null(), pl.col("finding_id").is_null())
    )
    named = pl.concat([fresh["example_id"], fresh["other_id"]]).drop_nulls().unique()
    rows = table.select("example_id", "content_hash").filter(pl.col("example_id").is_in(named.implode()))
    stamped = stamp(fresh, dict(rows.iter_rows()), check=check.name, version=check.version)
    return pl.concat([taken, stamped])


def obstacles(
    examples: pl.DataFrame | Rows, checks: Sequence[Check], protected: pl.DataFrame | None = None
) -> list[NotRun]:
    """The checks that cannot look at these examples, and why; known before a scan."""
    examples = Rows.of(examples)
    guarded = with_protected(examples, protected)
    reasons = [
        NotRun(check.name, check.obstacle(guarded if _reads_protected(check) else examples))
        for check in checks
        if isinstance(check, Conditional)
    ]
    stopped = {found.check for found in reasons if found.reason}
    blind = [
        NotRun(f"{check.name} (meaning)", f"{NO_ENCODER}: {check.unseen}")
        for check in checks
        if isinstance(check, MeaningCheck) and check.encoder == NONE and check.name not in stopped
    ]
    partial = [
        NotRun(f"{check.name} ({what})", why)
        for check in checks
        if isinstance(check, Partial) and check.name not in stopped
        for what, why in (check.unlooked(examples),)
        if why
    ]
    return [*(found for found in reasons if found.reason), *blind, *partial]


def with_encoders(checks: Sequence[Check]) -> tuple[list[Check], dict[str, Encoder]]:
    """The checks with the encoder that was found instead of the one asked for, and it by check.

    Models that are named in settings stand there with their digests. Raises ConfigError for one that was named and cannot be had.
    """
    encoders: dict[str, Encoder] = {}
    known: dict[str, Encoder | None] = {}
    told: list[Check] = []
    for check in checks:
        if isinstance(check, MeaningCheck):
            if check.encoder not in known:
                known[check.encoder] = find_encoder(check.encoder)
            found = known[check.encoder]
            if found is not None:
                encoders[check.name] = found
            check = replace(check, encoder=found.told if found else NONE)  # type: ignore[type-var]
        told.append(check.pinned() if isinstance(check, Pinned) else check)
    return told, encoders


def _reads_protected(check: Check) -> bool:
    """Whether a check asks for the protected rows."""
    return getattr(check, "reads_protected", False) is True


def make_checks(
    names: Sequence[str] | None = None,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    *,
    encoder: str = "",
) -> list[Check]:
    """The checks of these names (None: all), in their one order, with these settings.

    `settings` maps a check's name to the fields of its dataclass; `encoder` is for all that have such
    a setting and are not given their own. Raises ConfigError for a name or a
    setting that does not exist, with the nearest one, and for a value of the wrong kind.
    """
    chosen = list(CHECKS) if names is None else list(names)
    given = settings or {}
    for name in (*chosen, *given):
        if name not in CHECKS:
            raise ConfigError(f"there is no check `{name}`", hint=_nearest(name, CHECKS))
    made = [_with_settings(name, given.get(name, {})) for name in CHECKS if name in chosen]
    return [
        replace(check, encoder=encoder)  # type: ignore[type-var]
        if encoder and isinstance(check, MeaningCheck) and "encoder" not in given.get(check.name, {})
        else check
        for check in made
    ]


def settings_of(checks: Sequence[Check]) -> dict[str, dict[str, object]]:
    """Each check's settings by its name, as the ledger records them: JSON values."""
    return {
        check.name: {
            field.name: list(value) if isinstance(value := getattr(check, field.name), tuple) else value
            for field in fields(check)  # type: ignore[arg-type]
        }
        for check in checks
    }


def _with_settings(name: str, given: Mapping[str, object]) -> Check:
    """The check of that name; ConfigError names the nearest setting."""
    kind = CHECKS[name]
    default = kind()
    known = [field.name for field in fields(default)]  # type: ignore[arg-type]
    values = {}
    for key, value in given.items():
        if key not in known:
            raise ConfigError(f"the check `{name}` has no setting `{key}`", hint=_nearest(key, known))
        values[key] = _fitted(f"{name}.{key}", value, getattr(default, key))
    return kind(**values)


def _fitted(place: str, value: object, default: object) -> object:
    """The value in the default's kind: a list of strings as a tuple, a whole number as a fraction."""
    if isinstance(default, tuple) and isinstance(value, list | tuple):
        if all(isinstance(item, str) for item in value):
            return tuple(value)
    elif isinstance(default, float) and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif type(value) is type(default):
        return value
    kind = {tuple: "a list of strings", float: "a number", int: "a whole number", str: "a string"}
    raise ConfigError(f"`{place}` is {value!r}", hint=f"it takes {kind.get(type(default), 'true or false')}")


def _nearest(word: str, known: Iterable[str]) -> str:
    """What was probably meant, and all there is."""
    near = get_close_matches(word, known, n=1)
    meant = f"did you mean `{near[0]}`? " if near else ""
    return f"{meant}there are: {', '.join(known) or 'none'}"


def with_protected(examples: Rows, protected: pl.DataFrame | None) -> Rows:
    """The examples, and below them the protected ones, marked so by their split.

    A protected row of the same origin as an example (two files of one name) gets another id, for a
    finding must be able to name both.
    """
    if protected is None or protected.is_empty():
        return examples
    from curate.checks.leak import PROTECTED  # which loads the whole check

    taken = set(examples["example_id"])
    ids = [digest(PROTECTED, name) if name in taken else name for name in protected["example_id"]]
    marked = protected.with_columns(
        pl.Series("example_id", ids, dtype=pl.String), split=pl.lit(PROTECTED, dtype=pl.String)
    )
    return Rows.of(pl.concat([examples.whole().select(list(EXAMPLES)), marked.select(list(EXAMPLES))]))
