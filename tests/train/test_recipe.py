from __future__ import annotations

from dataclasses import asdict

import pytest

from curate.errors import ConfigError
from curate.settings import about
from train.recipe import FIELDS, TINY_DEFAULTS, Given, Recipe, parse, read, resolve

OTHER = {
    "base": "some/model",
    "quantization": "none",
    "targets": ["q_proj"],
    "schedule": "constant",
    "precision": "bf16",
    "train_on": "last",
    "over_long": "drop",
    "unusable": "drop",
    "control_tokens": "allow",
    "method": "vera",
    "objective": "dpo",
    "gradient_checkpointing": "on",
    "packing": "off",
    "best_by": "loss",
    "report_to": ["none"],
}


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_one(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('base = "tiny"\n# slower\nlearning_rte = 1e-3\n')
    with pytest.raises(ConfigError) as caught:
        resolve(read(path))
    assert f"{path}:3" in caught.value.message
    assert "`learning_rate`" in caught.value.hint


def test_settings_that_the_method_does_not_read_are_told():
    """One file may serve several methods, so they are no error."""
    told = resolve(parse(["method=prompt", "rank=4", "dropout=0.1", "virtual_tokens=8", "epochs=2"])).lines()
    assert "  not read by method=prompt: rank, dropout" in told
    assert not any("not read" in line for line in resolve(parse(["rank=4", "rslora=true"])).lines())


def test_a_table_in_the_file_is_an_unknown_key_too(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("seed = 1\n[training]\nepochs = 3\n")
    with pytest.raises(ConfigError, match=r"run\.toml:2.*`training`"):
        resolve(read(path))


def test_a_file_that_is_no_toml_or_absent_says_so(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("epochs: 3\n")
    with pytest.raises(ConfigError, match="line 1"):
        read(path)
    with pytest.raises(ConfigError, match=r"none\.toml"):
        read(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "word",
    [
        "epochs=0",
        "epochs=1.5",
        "epochs=true",
        "rslora=1",
        "over_long=maybe",
        "dropout=1.5",
        "seed=no",
        "targets=[]",
    ],
)
def test_a_value_of_the_wrong_kind_or_out_of_range_is_refused(word):
    with pytest.raises(ConfigError) as caught:
        resolve(parse([word]))
    assert f"--set {word}" in caught.value.message
    assert word.partition("=")[0] in caught.value.hint


def test_a_flag_without_a_value_is_refused():
    with pytest.raises(ConfigError, match="no `=`"):
        parse(["epochs"])


def test_a_later_word_wins_and_the_rest_is_by_the_base(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("epochs = 7\nrank = 4\n")
    found = resolve([*read(path), *parse(["epochs=2", "base=org/model"])])
    assert (found.recipe.epochs, found.recipe.rank) == (2, 4)
    assert found.recipe.learning_rate == 2e-4  # a full-size model's
    assert "full-size" in "\n".join(found.lines())


def test_the_tiny_base_has_settings_of_its_own():
    found = resolve([])
    assert {key: getattr(found.recipe, key) for key in TINY_DEFAULTS} == TINY_DEFAULTS
    assert "tiny base" in found.why


@pytest.mark.parametrize("key", FIELDS)
def test_each_setting_acts_and_is_explained(key):
    """Giving another value changes the resolved recipe; no setting is read by nothing."""
    before = getattr(resolve([]).recipe, key)
    if key in OTHER:
        value: object = OTHER[key]
    elif isinstance(before, bool):
        value = not before
    else:
        value = 0.5 if isinstance(before, float) else before + 1
    after = resolve([Given(key, value, "here")]).recipe
    assert asdict(after)[key] != before
    assert about(Recipe, key).startswith(key)


def test_there_are_at_most_forty_settings():
    assert len(FIELDS) <= 40
