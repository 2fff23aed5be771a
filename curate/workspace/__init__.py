"""The workspace: `.seatrial/`, where dataset versions, findings, decisions, runs and names live."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Self

import polars as pl

from curate.errors import NotFoundError, WorkspaceError
from curate.finding import ORDER
from curate.rows import LIGHT, Rows
from curate.workspace.ledger import Annotation, Decision, Ledger, now, reviewer
from curate.workspace.scans import ScanRun, Standing, scan_runs, standing
from curate.workspace.store import DATASET, FILES, TABLE, Store

__all__ = [
    "Annotation",
    "Decision",
    "Run",
    "ScanRun",
    "Standing",
    "Workspace",
    "code_version",
    "now",
    "reviewer",
]

FOLDER = ".seatrial"
CODE = (".py", ".npz", ".txt", ".json", ".toml")  # lists and weights decide what is found, as code does
# and so do these, and Python itself: characters are what its tables say
LIBRARIES = ("presidio-analyzer", "phonenumbers", "scikit-learn", "polars", "spacy", "tldextract")


def _version(library: str) -> str:
    """The version of an installed library; empty where it is not."""
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


@cache
def code_version() -> str:
    """Digest of the program's own source: the same code on the same input need not run again."""
    root = Path(__file__).parents[2]
    hasher = blake2b(digest_size=8)
    for package in ("curate", "evalharness", "train", "tui"):
        for path in sorted((root / package).rglob("*")):
            if path.suffix in CODE and "__pycache__" not in path.parts:
                hasher.update(path.relative_to(root).as_posix().encode())
                hasher.update(path.read_bytes())
    hasher.update(f"python {sys.version_info[:2]}".encode())
    for library in LIBRARIES:
        hasher.update(f"{library} {_version(library)}".encode())
    return hasher.hexdigest()


@dataclass
class Run:
    """A run in progress: put each result's digest into `outputs` under its role."""

    run_id: str
    outputs: dict[str, str] = field(default_factory=dict)


class Workspace:
    """The one place that reads and writes `.seatrial/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._called: dict[str, str] = {}  # digest to the name by which it was asked for
        self.store = Store(root / "artifacts")
        self.ledger = Ledger(root / "ledger.db")
        self.vectors = root / "vectors"  # a cache: what encoders said, by their fingerprint

    @classmethod
    def open(cls, *, create: bool = False) -> Self:
        """The workspace of SEATRIAL_HOME, else `.seatrial` here or in a folder above.

        With `create`, made here when there is none; without, that is an error.
        """
        home = os.environ.get("SEATRIAL_HOME")
        here = Path.cwd()
        places = [Path(home)] if home else [folder / FOLDER for folder in (here, *here.parents)]
        for place in places:
            if (place / "ledger.db").is_file():
                return cls(place)
        if not create:
            raise WorkspaceError(
                f"no workspace in {places[0]}" + ("" if home else " or above"),
                hint="seatrial import FILE makes one; --workspace DIR names another; seatrial demo shows the way",
            )
        place = places[0]
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(
                f"{place}: {error}", hint="choose a folder you can write to with --workspace DIR"
            ) from error
        return cls(place)

    def close(self) -> None:
        """Release the ledger."""
        self.ledger.close()

    # artifacts

    def put_dataset(self, examples: pl.DataFrame) -> str:
        """Keep a dataset version and return its digest."""
        digest = self.store.put_dataset(examples)
        self.ledger.add_artifact(digest, "dataset", examples.height)
        return digest

    def put_table(self, kind: str, table: pl.DataFrame) -> str:
        """Keep a table (findings, changes, predictions, scores ...) and return its digest."""
        digest = self.store.put_table(kind, table)
        self.ledger.add_artifact(digest, kind, table.height)
        return digest

    def put_files(self, kind: str, folder: Path) -> str:
        """Keep a copy of a folder (adapter, report, source ...) and return its digest."""
        digest = self.store.put_files(kind, folder)
        self.ledger.add_artifact(digest, kind, 0)
        return digest

    def put_json(self, kind: str, value: object) -> str:
        """Keep one JSON value and return its digest."""
        with tempfile.TemporaryDirectory() as folder:
            text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False)
            (Path(folder) / "value.json").write_text(text, encoding="utf-8")
            return self.put_files(kind, Path(folder))

    def examples(self, digest: str) -> pl.DataFrame:
        """The rows of a dataset version."""
        return self._read(digest, DATASET)

    def rows(self, digest: str) -> Rows:
        """The rows of a dataset version, of which the texts are read when they are asked for."""
        table = self.scan_examples(digest)
        light = self._collected(digest, table.select(LIGHT))
        return Rows(light, lambda begin, count: self._collected(digest, table.slice(begin, count)))

    def scan_examples(self, digest: str) -> pl.LazyFrame:
        """The rows of a dataset version, read only as far as asked."""
        return pl.scan_parquet(self.store.path(digest) / DATASET)

    def table(self, digest: str) -> pl.DataFrame:
        """The rows of a table."""
        return self._read(digest, TABLE)

    def column(self, digest: str, name: str) -> pl.Series:
        """One column of a table."""
        return self._read(digest, TABLE, [name])[name]

    def _read(self, digest: str, file: str, columns: Sequence[str] = ()) -> pl.DataFrame:
        """A whole table, or some columns."""
        table = pl.scan_parquet(self.store.path(digest) / file)
        return self._collected(digest, table.select(columns) if columns else table)

    def _collected(self, digest: str, table: pl.LazyFrame) -> pl.DataFrame:
        """What is read of an artifact; WorkspaceError where its bytes are damaged."""
        try:
            return table.collect()
        except (pl.exceptions.ComputeError, pl.exceptions.SchemaError, OSError) as error:
            raise WorkspaceError(
                f"artifact {digest[:12]} is damaged: {str(error).splitlines()[0]}",
                hint="seatrial verify lists what is damaged; delete that folder and run its command with --again",
            ) from error

    def files(self, digest: str) -> Path:
        """The folder of an artifact kept with `put_files`; read it, never write in it."""
        return self.store.path(digest) / FILES

    def json(self, digest: str) -> object:
        """The value of an artifact kept with `put_json`."""
        return json.loads((self.files(digest) / "value.json").read_text(encoding="utf-8"))

    # names

    def dataset(self, reference: str | None = None) -> str:
        """The digest of a dataset version by name or digest; of the one named last by default."""
        if reference is None:
            query = """select latest_name.digest, name from latest_name join artifact using (digest)
                       where artifact.kind = 'dataset' order by name_id desc limit 1"""
            for row in self.ledger.rows(query):
                self._called[row["digest"]] = row["name"]
                return str(row["digest"])
            raise NotFoundError("this workspace holds no dataset yet", hint="seatrial import FILE")
        digest = self.ledger.resolve(reference, "dataset")
        self._must_be(digest, "dataset", reference)
        if self.ledger.rows("select 1 from latest_name where name = ?", reference):
            self._called[digest] = reference
        return digest

    def artifact(self, kind: str, reference: str | None = None) -> str:
        """The digest of an artifact of `kind` by name or digest; of the newest one by default."""
        if reference is None:
            query = """select digest from run_artifact join artifact using (digest)
                       where kind = ? and direction = 'out' order by run_id desc limit 1"""
            for row in self.ledger.rows(query, kind):
                return str(row["digest"])
            raise NotFoundError(f"this workspace holds no {kind} yet")
        digest = self.ledger.resolve(reference, kind)
        self._must_be(digest, kind, reference)
        return digest

    def _must_be(self, digest: str, kind: str, reference: str) -> None:
        found = [
            str(row["kind"]) for row in self.ledger.rows("select kind from artifact where digest = ?", digest)
        ]
        if found != [kind]:
            raise NotFoundError(f"`{reference}` is a {', '.join(found) or 'stranger'}, not a {kind}")

    def name_of(self, digest: str) -> str | None:
        """The name by which it was asked for or, failing that, that means it now or once meant it.

        Two names may mean the same rows; what is made of them must not move the other one.
        """
        if digest in self._called:
            return self._called[digest]
        rows = self.ledger.rows(
            "select name from name where digest = ? order by name_id desc limit 1", digest
        )
        return str(rows[0]["name"]) if rows else None

    # findings and runs

    def findings(self, dataset: str) -> pl.DataFrame | None:
        """What stands found on a dataset version; None if it was never scanned.

        Of each check the findings of the newest scan that ran it: a scan for one thing takes back
        nothing that another found.
        """
        found = self.standing(dataset)
        if not found:
            return None
        parts = [self.table(s.scan.findings).filter(pl.col("check").is_in(list(s.checks))) for s in found]
        if len(parts) == 1:
            return parts[0]
        both = pl.concat(parts).unique("finding_id", keep="first", maintain_order=True)
        return both.sort(*ORDER, "finding_id", nulls_last=False)

    def scans(self, dataset: str) -> list[ScanRun]:
        """The scans of a dataset version that came to their end, newest first."""
        return scan_runs(self.ledger, dataset)

    def standing(self, dataset: str) -> list[Standing]:
        """The scans of a dataset version whose word still counts, newest first, with the checks it counts for."""
        return standing([(scan, scan.asked() | self._found_by(scan)) for scan in self.scans(dataset)])

    def _found_by(self, scan: ScanRun) -> frozenset[str]:
        """The checks that found something, whatever the settings recorded."""
        table = pl.scan_parquet(self.store.path(scan.findings) / TABLE)
        return frozenset(table.select(pl.col("check").unique()).collect()["check"])

    def made_from(self, digest: str, *, kind: str, role: str) -> str | None:
        """The newest result that a successful run of `kind` made from `digest` under `role`."""
        query = """select o.digest from run join run_end using (run_id)
                   join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
                   join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = ?
                   where run.kind = ? and error is null order by run_end.ended_at desc limit 1"""
        for row in self.ledger.rows(query, digest, role, kind):
            return str(row["digest"])
        return None

    @contextmanager
    def run(
        self, kind: str, params: Mapping[str, object], inputs: Mapping[str, str], *, began: str | None = None
    ) -> Iterator[Run]:
        """Record a run around the work; an exception is recorded as its error and goes on.

        `began` is the time from which it counts, where its settings are known only when work is done.
        """
        run = Run(self.ledger.start(kind, params, code_version(), inputs, began))
        try:
            yield run
        except BaseException as error:
            self.ledger.end(run.run_id, run.outputs, f"{type(error).__name__}: {error}"[:2000])
            raise
        self.ledger.end(run.run_id, run.outputs, None)

    def recorded(
        self, kind: str, params: Mapping[str, object], inputs: Mapping[str, str]
    ) -> tuple[str, dict[str, str]] | None:
        """(run id, outputs) of a run already done with the same settings, inputs and code, or None."""
        return self.ledger.recorded(kind, params, code_version(), inputs)
