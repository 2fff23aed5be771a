"""An adapter whose files are damaged: which file and why, before anything is said of the base."""

import json
import shutil
import struct

import pytest

from curate.errors import ConfigError, SourceError
from evalharness.commands import predict as cli_predict
from evalharness.models.damage import damage
from evalharness.models.loaded import load_model
from evalharness.models.model_files import ADAPTER

CONFIG, NOTES = "adapter_config.json", "training.json"


def header(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + content


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"abc", "no safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "no safetensors file"),
        (header(b"{}")[:9], "cut off, or no safetensors file"),
        (header(b"[1, 2]"), "no list of tensors"),
        (header(b"\xff\xfe"), "no list of tensors"),
        (
            header(b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}') + b"1234",
            "cut off: it has",
        ),
        (header(b"{}") + b"more", "something was added"),
        (header(b'{"a": {"dtype": "F99", "shape": [2], "data_offsets": [0, 0]}}'), "F99"),
    ],
)
def test_what_is_wrong_with_a_file_of_weights(tmp_path, content, why):
    path = tmp_path / ADAPTER
    path.write_bytes(content)
    assert why in damage(path)


def test_whole_weights_are_whole(base, adapter):
    assert [damage(path) for folder in (base, adapter) for path in folder.glob("*.safetensors")] == [
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("name", "spoil", "why"),
    [
        (ADAPTER, lambda was: was[:-100], "cut off: it has"),
        (ADAPTER, lambda was: b"<html>not found</html>", "no safetensors file"),
        (CONFIG, lambda was: was[:20], "no JSON"),
        (CONFIG, lambda was: b"[]", "no JSON object: list"),
        (NOTES, lambda was: b'{"a": ', "no JSON"),
        (NOTES, lambda was: b"\xff\xfe\x00", "no JSON"),
    ],
)
def test_a_damaged_adapter_is_told_by_file_and_reason(workspace, base, adapter, tmp_path, name, spoil, why):
    folder = tmp_path / "spoilt"
    shutil.copytree(adapter, folder)
    (folder / name).write_bytes(spoil((folder / name).read_bytes()))
    loading = ("loaded", lambda: load_model(str(base), quantization="none", adapter=folder))
    asking = ("asked", lambda: cli_predict.predict(base=str(base), adapter=[str(folder)], arm=["tuned"]))
    for way, call in (loading, asking):
        with pytest.raises(SourceError) as told:
            call()
        assert told.value.message.startswith(f"damaged: {folder / name}, {why}"), way
    assert not workspace.ledger.rows("select 1 from artifact where kind = 'adapter'"), "it is not taken in"


def test_a_further_adapter_is_looked_at_too(base, adapter, tmp_path):
    folder = tmp_path / "second"
    shutil.copytree(adapter, folder)
    (folder / ADAPTER).write_bytes((folder / ADAPTER).read_bytes()[:-1])
    loaded = load_model(str(base), quantization="none", adapter=adapter)
    with pytest.raises(SourceError, match=r"damaged: .*cut off"):
        loaded.put_further(folder, "second")


@pytest.mark.parametrize("spoilt", [{"r": "eight"}, {"target_modules": "(q_proj"}])
def test_a_configuration_that_peft_cannot_take_is_told(base, adapter, tmp_path, spoilt):
    folder = tmp_path / "adapter"
    shutil.copytree(adapter, folder)
    told = json.loads((folder / CONFIG).read_text()) | spoilt
    (folder / CONFIG).write_text(json.dumps(told))
    with pytest.raises(ConfigError, match="does not fit this base"):
        load_model(str(base), quantization="none", adapter=folder)


def test_a_whole_adapter_of_another_base_still_does_not_fit(base, adapter, tmp_path):
    """Undamaged, and of other shapes: that it does not fit is the truth then."""
    from tests.evalharness.conftest import save_model, save_tokenizer

    save_model(tmp_path, hidden=32)
    save_tokenizer(tmp_path)
    folder = tmp_path / "adapter"
    shutil.copytree(adapter, folder)
    (folder / NOTES).write_text(json.dumps({"quantization": "none"}))
    with pytest.raises(ConfigError, match="does not fit this base"):
        load_model(str(tmp_path), quantization="none", adapter=folder)
