"""Files that are damaged, a disk that is full, rows and settings that leave nothing: words, and nothing lost."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import polars as pl
import pytest
from safetensors import SafetensorError

from curate.errors import ConfigError, ResourceError, SourceError, WorkspaceError
from evalharness.adapters import merging, registry
from evalharness.adapters.telling import listed
from evalharness.models.loaded import load_model
from tests.train.test_train import train  # noqa: F401  # the fixture
from train import checkpoints
from train.outline import outline
from train.recipe import Recipe, parse, resolve
from train.trainer import go


@pytest.fixture
def kept(tmp_path):
    """A run with two whole checkpoints."""
    run = checkpoints.Identity(tmp_path, "mine", {"seed": 0}, {"dataset": "abc"}, "code")
    checkpoints.place(run, resume=False, again=False)
    for step in (3, 6):
        folder = run.folder / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "weights").write_bytes(b"w" * step)
        checkpoints.seal(folder)
    return run


@pytest.mark.parametrize("bytes_", [b"", b"{", b"[]", b"\xff", b'{"weights": 1}'])
def test_a_damaged_seal_is_none(kept, bytes_):
    """What is gone on from is the checkpoint before; with none left, --resume says why."""
    (kept.folder / "checkpoint-6" / checkpoints.WHOLE).write_bytes(bytes_)
    assert checkpoints.newest(kept.folder) == kept.folder / "checkpoint-3"
    (kept.folder / "checkpoint-3" / "weights").write_bytes(b"wwx")
    with pytest.raises(ConfigError, match="or what it kept is damaged"):
        checkpoints.place(kept, resume=True, again=False)


@pytest.mark.parametrize("bytes_", [b"", b"{}", b"[1]"])
def test_a_run_whose_settings_are_damaged_is_left_alone(kept, workspace, bytes_):
    (kept.folder / checkpoints.RUN).write_bytes(bytes_)
    shutil.copytree(kept.root / checkpoints.FOLDER, workspace.root / checkpoints.FOLDER)
    checkpoints.sweep(workspace)
    assert (workspace.root / checkpoints.FOLDER / kept.key).is_dir()
    other = kept._replace(inputs={"dataset": "xyz"})
    with pytest.raises(ConfigError, match="no unfinished run called `mine`"):
        checkpoints.place(other, resume=True, again=False)


@pytest.mark.parametrize(("file", "bytes_"), [("config.json", b"{"), ("model.safetensors", b"abc")])
def test_a_damaged_base_is_told(base, tmp_path, file, bytes_):
    shutil.copytree(base, tmp_path / "base")
    (tmp_path / "base" / file).write_bytes(bytes_)
    with pytest.raises(SourceError, match="a damaged file"):
        outline(resolve(parse([f"base={tmp_path / 'base'}"])).recipe)


def test_a_base_without_an_end_token_is_told_of_the_base(train, keep, tickets, base, tmp_path):  # noqa: F811
    """All rows fail alike: the hint is about the base, not about rows to leave out."""
    shutil.copytree(base, tmp_path / "base")
    path = tmp_path / "base" / "tokenizer_config.json"
    told = json.loads(path.read_text())
    del told["eos_token"]
    path.write_text(json.dumps(told))
    keep(tickets)
    with pytest.raises(ConfigError, match="24 of 24 rows") as found:
        train(base=str(tmp_path / "base"))
    assert "has the base a whole chat template" in found.value.hint


@pytest.mark.parametrize("setting", [{"best_by": "loss"}, {"early_stopping": 1}, {"metric_rows": 2}])
def test_settings_that_go_by_validation_rows_need_some(train, keep, tickets, setting):  # noqa: F811
    keep(tickets.with_columns(split=pl.col("split").replace("validation", "test")))
    with pytest.raises(ConfigError, match=f"{next(iter(setting))}=.* goes by validation rows"):
        train(setting)


def test_learned_tokens_must_leave_room():
    recipe = Recipe(method="prompt", virtual_tokens=200)
    assert recipe.room(264) == 64
    with pytest.raises(ConfigError, match=r"200 leave no room.* 64 tokens"):
        recipe.room(64)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 9 vs 8"), SafetensorError("No space")],
)  # fmt: skip
def test_a_full_disk_is_told(error):
    def falls(**_: object) -> None:
        raise error

    with pytest.raises(ResourceError, match="a checkpoint cannot be written"):
        go(SimpleNamespace(train=falls), None)


def test_a_torn_adapter_is_not_told_of_the_base(made, base, tmp_path):
    """Its file is damaged: another base would not help."""
    folder = tmp_path / "torn"
    shutil.copytree(made[0], folder)
    path = folder / "adapter_model.safetensors"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SourceError, match=r"damaged: .*cut off"):
        load_model(str(base), adapter=folder, device="cpu", threads=1)


def test_an_adapter_that_is_damaged_is_listed_and_used_for_nothing(two, workspace, tmp_path):
    weights, notes = (
        workspace.files(digest) / name
        for digest, name in zip(two, ("adapter_model.safetensors", "training.json"), strict=True)
    )
    for path, content in ((weights, weights.read_bytes()[:-9] + b"damaged!!"), (notes, b'{"a": ')):
        path.parent.chmod(0o755)
        path.unlink()
        path.write_bytes(content)
    told = "\n".join(listed(workspace, SimpleNamespace()).lines)
    assert "no record of its training can be read" in told and "2 adapters" in told
    for name in ("one", "two"):
        with pytest.raises(WorkspaceError, match="damaged"):
            registry.adapter(workspace, name)
    one = next(each for each in registry.adapters(workspace) if "one" in each.names)
    with pytest.raises(WorkspaceError, match="damaged"):
        merging.merge(workspace, one, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
