"""A disk that is full, or a folder that nobody may write in: said in words, nothing half written left behind."""

from __future__ import annotations

import errno
import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from curate.checks.near_duplicate import NearDuplicate
from curate.engine import Serial
from curate.errors import ConfigError, ResourceError
from curate.example import EXAMPLES
from curate.parquet import write_parquet
from curate.runs.export import export_dataset
from curate.runs.steps import checked_name
from curate.scanning import kept, looking, remembered
from curate.scanning.remembered import Remembered
from curate.workspace import Workspace
from curate.workspace.store import Store

FULL = "parquet: underlying IO error: No space left on device (os error 28)"


@pytest.fixture
def full(monkeypatch):
    """Polars finds no room, after it has begun to write."""

    def write(table, path, **options):
        Path(path).write_bytes(b"PAR1")
        raise pl.exceptions.ComputeError(FULL)

    monkeypatch.setattr(pl.DataFrame, "write_parquet", write)


def test_what_polars_says_of_the_disk_is_an_error_of_the_disk(tmp_path, full):
    with pytest.raises(OSError, match="No space left") as error:
        write_parquet(pl.DataFrame({"a": [1]}), tmp_path / "a.parquet")
    assert error.value.errno == errno.ENOSPC
    assert error.value.filename == str(tmp_path / "a.parquet")


def test_another_fault_of_polars_stays_what_it_is(tmp_path, monkeypatch):
    def write(table, path, **options):
        raise pl.exceptions.ComputeError("cannot write this type")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", write)
    with pytest.raises(pl.exceptions.ComputeError, match="this type"):
        write_parquet(pl.DataFrame({"a": [1]}), tmp_path / "a.parquet")


def test_an_artifact_that_does_not_fit_is_not_there(tmp_path, full):
    store = Store(tmp_path / "artifacts")
    with pytest.raises(ResourceError, match="No space left"):
        store.put_table("findings", pl.DataFrame({"a": [1]}))
    assert list(store.root.iterdir()) == []


def test_what_only_saves_work_is_left_out_and_the_scan_goes_on(tmp_path, monkeypatch, capsys):
    def full(path, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    place = tmp_path / "sketches" / "one.0.kept"
    assert kept.write(place, pl.DataFrame({"a": [1]})) is False
    assert list(place.parent.iterdir()) == []
    assert "one.0.kept is not kept (No space left on device)" in capsys.readouterr().err


def test_kept_sketches_stay_where_the_file_of_all_of_them_does_not_fit(tmp_path, monkeypatch):
    memory = Remembered(Workspace(tmp_path))
    check = NearDuplicate()
    folder = memory._stem(check, "sketches").parent
    examples = pl.DataFrame(schema={"example_id": pl.String, **dict.fromkeys(remembered.SAME, pl.String)})
    fresh, rows = check.sketch(pl.DataFrame(schema=EXAMPLES)), pl.Series([], dtype=pl.UInt32)
    for _ in range(remembered.FILES):
        memory.keep(check, examples, rows, fresh)
    before = sorted(folder.iterdir())
    assert len(before) == remembered.FILES
    monkeypatch.setattr(remembered, "write", lambda place, table: False)
    memory.keep(check, examples, rows, fresh)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("error", "said"),
    [(OSError(errno.ENOSPC, "No space left on device"), "No space"), (MemoryError(), "memory")],
)
def test_a_check_that_finds_no_room_is_not_called_faulty(monkeypatch, error, said):
    def sketch(check, batch):
        raise error

    monkeypatch.setattr(NearDuplicate, "sketch", sketch)
    one = pl.DataFrame({"source": ["a"], "source_row": [1], "example_id": ["x"]})
    with pytest.raises(ResourceError, match=said):
        looking.look(NearDuplicate(), one, Serial(), 10, None, None)


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit on a file's size here")
def test_dedup_that_runs_out_of_room_names_the_file_and_leaves_nothing(tmp_path):
    rows = [
        json.dumps({"text": f"row {n} says this and that of {n * 7} things {'x' * 60}"}) for n in range(200)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    begin = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)); "
    act = (
        "import numpy as np; from pathlib import Path; from curate.dedup.writing import write_kept; "
        "write_kept(Path('rows.jsonl'), np.arange(200), Path('kept.jsonl'))"
    )
    words = [sys.executable, "-B", "-c", begin + act]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert "ResourceError: kept.jsonl cannot be written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_machine_code_that_no_folder_can_keep_is_compiled_anew(monkeypatch):
    numba = pytest.importorskip("numba")
    kernels = importlib.import_module("curate.dedup.kernels")

    def refusing(function=None, *, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return numba.njit(**options)

    monkeypatch.setattr(kernels, "njit", refusing)
    assert kernels.compiled(lambda number: number + 1)(2) == 3


def test_a_file_in_the_place_of_the_folder_is_no_full_disk(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        export_dataset(pl.DataFrame(), tmp_path / "out", format="original", name="d")


@pytest.mark.parametrize("name", ["--help", ".hidden", "-", "."])
def test_a_name_that_reads_as_an_option_or_is_hidden_is_refused(name):
    with pytest.raises(ConfigError, match="--as") as error:
        checked_name(name)
    assert "no . or - in front" in error.value.hint
    assert os.sep not in checked_name("a.b-c_1")
