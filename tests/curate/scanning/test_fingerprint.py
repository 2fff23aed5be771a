"""What a model is called in records: a name, and a digest that another model does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.errors import ConfigError
from curate.scanning.fingerprint import folder_digest, text_digest, told


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    folder = tmp_path / "judge"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"\x00weights")
    (folder / "config.json").write_text("{}")
    return folder


def test_any_other_weight_or_setting_is_another_model(model: Path) -> None:
    found = {folder_digest(model), folder_digest(model, how="bfloat16")}
    (model / "model.safetensors").write_bytes(b"\x01weights")
    found.add(folder_digest(model))
    (model / "config.json").write_text('{"labels": 3}')
    found.add(folder_digest(model))
    assert len(found) == 4


def test_the_folders_name_and_its_card_do_not_count(model: Path) -> None:
    before = folder_digest(model)
    (model / "README.md").write_text("a card")
    assert folder_digest(model.rename(model.with_name("other"))) == before


def test_a_folder_without_weights_is_no_model(model: Path) -> None:
    (model / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match="no weights in the folder of the judge x"):
        folder_digest(model, name="the judge x")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("org/model", "org/model"), ("/home/anna/judge", "judge"), ("./judge", "judge"), ("a/b/judge", "judge")],
)
def test_a_record_names_no_folder_of_a_person(name: str, shown: str) -> None:
    assert told(name, text_digest("x")) == f"{shown}@{text_digest('x')[:12]}"
