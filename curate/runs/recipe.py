"""A curation recipe: a TOML file read into frozen dataclasses. It chooses values, never programs.

    [import]            files, name, format, label, group, split, columns, roles, encoding, allow_rejects
    [scan]              checks, protect, encoder, engine, workers
    [checks.NAME]       the settings of one check
    [apply]             also, style, numbered, rounds, scope, key_file, key_env, vault, vault_key, vault_env
    [review]            journal
    [gate]              on_open, allow_blocking, largest_cluster, largest_loss
    [split]             sizes, rows, seed, by, group, keep_existing, link_threshold, encoder,
                        semantic_threshold, balance, temperature, cap, set_aside_bridges
    [export]            to, formats, overwrite

A recipe without `[split]` does not split, one without `[export]` writes no files. Paths are relative to
the recipe's own folder.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from curate.errors import ConfigError

if TYPE_CHECKING:
    from curate.dividing.splitting import Wish

Table = TypeVar("Table")


@dataclass(frozen=True)
class Import:
    """What is read; `name` is what the version is called (by default the first file's stem)."""

    files: tuple[str, ...] = ()
    name: str = ""
    format: str = ""
    label: str = ""
    group: str = ""
    split: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    allow_rejects: bool = False


@dataclass(frozen=True)
class Scanning:
    """Which checks look (none named: all), which files must not be learned from, what encodes, how many processes."""

    checks: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()
    encoder: str = ""
    engine: str = "local"
    workers: int = 1


@dataclass(frozen=True)
class Applying:
    """How values are redacted, and how often safe proposals are applied and looked for again at most.

    `also` are checks, or CHECK/LABEL, whose proposals are taken as if they were safe.

    The styles hash and pseudonym need a key: a file, or the name of an environment variable. A vault,
    with a key file or a variable of its own, makes pseudonyms reversible.
    """

    also: tuple[str, ...] = ()
    style: str = "placeholder"
    numbered: bool = False
    rounds: int = 5
    scope: str = "conversation"
    key_file: str = ""
    key_env: str = ""
    vault: str = ""
    vault_key: str = ""
    vault_env: str = ""


@dataclass(frozen=True)
class Reviewing:
    """Journals whose words count; one that has steps (`seatrial session write`) is replayed step by step."""

    journal: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gate:
    """What stops the job. The shares are of rows: of all, and of a source's or a label's own."""

    on_open: str = "continue"
    allow_blocking: bool = False
    largest_cluster: float = 0.2
    largest_loss: float = 0.5


@dataclass(frozen=True)
class Splitting:
    """How the clean version is divided; `by` empty: not stratified; `rows` empty: by `sizes`."""

    sizes: tuple[float, ...] = (70.0, 15.0, 15.0)
    rows: tuple[int | str, ...] = ()
    seed: int = 0
    by: str = "label"
    group: bool = True
    keep_existing: bool = False
    link_threshold: float = 0.6
    encoder: str = "scan"
    semantic_threshold: float = 0.95
    balance: str = "none"
    temperature: float = math.inf
    cap: float = 10.0
    set_aside_bridges: bool = False

    def wish(self) -> Wish:
        """The same as `split_version` takes it. Raises ConfigError where values do not fit one another."""
        from curate.dividing.resample import Balance
        from curate.dividing.splitting import Wish

        return Wish(
            sizes=self.sizes,
            rows=tuple(None if count == "rest" else int(count) for count in self.rows) or None,
            seed=self.seed,
            by=self.by or None,
            group=self.group,
            keep_existing=self.keep_existing,
            link_threshold=self.link_threshold,
            encoder=self.encoder,
            semantic_threshold=self.semantic_threshold,
            balance=Balance(self.balance, self.temperature, self.cap),
            set_aside_bridges=self.set_aside_bridges,
        )


@dataclass(frozen=True)
class Exporting:
    """Where the files go, in which formats; each format in a folder of its own when there are several."""

    to: str = "."
    formats: tuple[str, ...] = ("openai",)
    overwrite: bool = False


@dataclass(frozen=True)
class Recipe:
    """The whole job."""

    path: Path
    source: Import
    scan: Scanning = Scanning()
    checks: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    apply: Applying = Applying()
    gate: Gate = Gate()
    split: Splitting | None = None
    export: Exporting | None = None
    review: Reviewing = Reviewing()

    @property
    def reviewer(self) -> str:
        """Who the machine's decisions are recorded as."""
        return f"recipe:{self.path.stem}"

    def place(self, name: str) -> str:
        """A path of the recipe as it is to be opened; `-` and hub ids (`hf:`) stay as they are."""
        return name if name == "-" or name.startswith("hf:") else str(self.path.parent / name)


TABLES: dict[str, type[Any]] = {
    "import": Import,
    "scan": Scanning,
    "apply": Applying,
    "review": Reviewing,
    "gate": Gate,
    "split": Splitting,
    "export": Exporting,
}
CHOICES: dict[tuple[str, str], tuple[str, ...]] = {
    ("gate", "on_open"): ("continue", "stop"),
    ("split", "balance"): ("none", "oversample", "undersample", "both"),
    ("apply", "style"): ("placeholder", "mask", "remove", "hash", "pseudonym"),
    ("apply", "scope"): ("conversation", "group", "dataset"),
}
KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[\w"'-]+)*)\s*=""")
SHARES = {
    ("gate", "largest_cluster"),
    ("gate", "largest_loss"),
    ("split", "link_threshold"),
    ("split", "semantic_threshold"),
}


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file. Raises ConfigError with file, line and the nearest known name."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}", hint="seatrial curate RECIPE.toml; docs/curate.md has one to copy"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", hint="docs/curate.md has a recipe to copy") from error
    source = Source(path, text)
    known = [*TABLES, "checks"]
    for name, table in values.items():
        if name not in known:
            raise source.unknown((), name, known)
        if not isinstance(table, dict):
            raise source.wrong((), name, "is a value", f"write it as a table: [{name}]")
    tables = {name: source.table(name, kind, values.get(name, {})) for name, kind in TABLES.items()}
    if not tables["import"].files:
        raise ConfigError(f"{path}: nothing to import", hint='[import] needs files = ["rows.jsonl"]')
    source.asked(tables["apply"].also)
    return Recipe(
        path,
        tables["import"],
        tables["scan"],
        source.checks(values.get("checks", {})),
        tables["apply"],
        tables["gate"],
        tables["split"] if "split" in values else None,
        tables["export"] if "export" in values else None,
        tables["review"],
    )


@dataclass(frozen=True)
class Source:
    """A TOML file's text, to say where a name stands in it."""

    path: Path
    text: str

    def table(self, name: str, kind: type[Table], values: Mapping[str, object]) -> Table:
        """The values of one table as the dataclass that it stands for."""
        default = kind()
        known = [f.name for f in fields(default)]  # type: ignore[arg-type]
        read: dict[str, object] = {}
        for key, value in values.items():
            if key not in known:
                raise self.unknown((name,), key, known)
            read[key] = self.fitted(name, key, value, getattr(default, key))
        return kind(**read)

    def fitted(self, table: str, key: str, value: object, default: object) -> object:
        """The value in the kind of the default, within its range."""
        fits: object = None
        want = "true or false"
        if isinstance(default, bool):
            fits = value if isinstance(value, bool) else None
        elif isinstance(default, int):
            want = "a whole number, 0 or more"
            fits = value if type(value) is int and value >= 0 else None
        elif isinstance(default, float):
            want = "a number above 0 and up to 1" if (table, key) in SHARES else "a number"
            fits = float(value) if type(value) in (int, float) else None  # type: ignore[arg-type]
            if fits is not None and (table, key) in SHARES and not 0 < float(value) <= 1:  # type: ignore[arg-type]
                fits = None
        elif isinstance(default, str):
            choices = CHOICES.get((table, key))
            want = " or ".join(f'"{choice}"' for choice in choices) if choices else "a string"
            fits = value if isinstance(value, str) and (choices is None or value in choices) else None
        elif isinstance(default, tuple):
            want, fits = _listed(key, value)
        elif isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
            fits = value
        else:
            want = "a table of strings"
        if fits is None:
            raise self.wrong((table,), key, f"is {value!r}", f"it takes {want}")
        return fits

    def checks(self, values: Mapping[str, object]) -> dict[str, dict[str, object]]:
        """The settings of each check, tried on the check itself."""
        from curate.scanning.scan import make_checks

        settings: dict[str, dict[str, object]] = {}
        for name, table in values.items():
            if not isinstance(table, dict):
                raise self.wrong(("checks",), name, "is a value", f"write it as a table: [checks.{name}]")
            for key, value in (*table.items(), (None, None)):
                try:
                    make_checks([name], {name: {key: value}} if key is not None else {})
                except ConfigError as error:
                    line = (
                        self.line(("checks", name), key) if key is not None else self.line(("checks",), name)
                    )
                    raise ConfigError(f"{self.path}:{line}: {error.message}", hint=error.hint) from error
            settings[name] = dict(table)
        return settings

    def asked(self, also: Iterable[str]) -> None:
        """Whether each of `apply.also` is something that a finding can be of."""
        from curate.deciding.asked import check_asked

        try:
            check_asked(also)
        except ConfigError as error:
            line = self.line(("apply",), "also")
            raise ConfigError(f"{self.path}:{line}: {error.message}", hint=error.hint) from error

    def unknown(self, table: tuple[str, ...], key: str, known: Iterable[str]) -> ConfigError:
        """The error for a name that means nothing here."""
        from curate.checks import CHECKS

        near = get_close_matches(key, list(known), n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`? " if near else ""
        if table in ((), ("scan",)) and key in CHECKS:
            hint = f"settings of a check stand in [checks.{key}]; "
        what = "setting" if table else "table"
        where = f" in [{'.'.join(table)}]" if table else ""
        return ConfigError(
            f"{self.path}:{self.line(table, key)}: no {what} is called `{key}`{where}",
            hint=f"{hint}there are: {', '.join(known)}",
        )

    def wrong(self, table: tuple[str, ...], key: str, what: str, hint: str) -> ConfigError:
        """The error for a value that does not fit."""
        return ConfigError(
            f"{self.path}:{self.line(table, key)}: `{'.'.join((*table, key))}` {what}", hint=hint
        )

    def line(self, table: tuple[str, ...], key: str) -> int:
        """The line, from 1, on which a key (or a table of that name) stands; its table's line failing that."""
        current: tuple[str, ...] = ()
        nearest = 1
        for number, line in enumerate(self.text.splitlines(), start=1):
            if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
                current = _names(header[1])
                if current[: len(table) + 1] == (*table, key):
                    return number
                nearest = number if current == table else nearest
                continue
            assignment = KEY.match(line)
            if assignment and (*current, *_names(assignment[1]))[: len(table) + 1] == (*table, key):
                return number
        return nearest


def _listed(key: str, value: object) -> tuple[str, object]:
    """(what a list should be, the list as a tuple or None)."""
    items: list[Any] = value if isinstance(value, list) else [value]
    if key == "sizes":
        good = len(items) == 3 and all(type(item) in (int, float) and item >= 0 for item in items)
        return "three numbers, as [70, 15, 15]", tuple(float(item) for item in items) if good else None
    if key == "rows":
        good = len(items) == 3 and all(item == "rest" or (type(item) is int and item >= 0) for item in items)
        return 'three whole numbers, one of them perhaps "rest"', tuple(items) if good else None
    return "a list of strings", tuple(items) if all(isinstance(item, str) for item in items) else None


def _names(dotted: str) -> tuple[str, ...]:
    """The names of a dotted TOML key, without quotes."""
    return tuple(name.strip().strip("\"'") for name in dotted.split("."))
