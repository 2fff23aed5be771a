"""Settings that make no sense are refused where they are given, in words that say what is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.commands.main import check_settings
from curate.errors import ConfigError
from curate.runs.recipe import read_recipe
from curate.scanning.scan import make_checks


@pytest.mark.parametrize(
    ("regions", "hint"), [(["ZZ"], "245 of phonenumbers"), (["DE", "us"], "did you mean US"), (["Germany"], "known are")]
)  # fmt: skip
def test_a_region_without_numbers_is_refused(regions: list[str], hint: str) -> None:
    """It would have found nothing, and read as clean."""
    with pytest.raises(ConfigError) as refused:
        make_checks(["pii"], {"pii": {"phone_regions": regions}})
    assert f"`{regions[-1]}`" in refused.value.message
    assert hint.removeprefix("245 ") in (refused.value.hint or "")
    assert make_checks(["pii"], {"pii": {"phone_regions": ["CH", "AT"]}})[0].phone_regions == ("CH", "AT")  # type: ignore[attr-defined]


@pytest.mark.parametrize("limit", [0, -1, 10**12, 10**30])
def test_an_absurd_length_is_refused(limit: int) -> None:
    with pytest.raises(ConfigError, match="max_characters"):
        make_checks(["structure"], {"structure": {"max_characters": limit}})


@pytest.mark.parametrize("word", [".=.", "a=1", ".x=1", "structure.=1"])
def test_a_setting_without_its_name_says_how_one_is_written(word: str) -> None:
    with pytest.raises(ConfigError, match=r"no CHECK\.KEY before"):
        check_settings([word])


def test_one_file_needs_no_list(tmp_path: Path) -> None:
    """`files = "b.jsonl"` is a list of one."""
    (tmp_path / "r.toml").write_text('[import]\nfiles = "b.jsonl"\n')
    assert read_recipe(tmp_path / "r.toml").source.files == ("b.jsonl",)
    (tmp_path / "r.toml").write_text("[import]\nfiles = 3\n")
    with pytest.raises(ConfigError, match=r"import\.files"):
        read_recipe(tmp_path / "r.toml")
