"""A mistyped kind beside the safe proposals is an error: it would take nothing, and leave it in the rows."""

from __future__ import annotations

import pytest

from curate.commands import main as cli
from curate.deciding.asked import check_asked
from curate.errors import ConfigError


def test_what_findings_may_be_of_is_taken() -> None:
    check_asked(["pii", "pii/PERSON", "pii/NATIONAL_ID", "pii/ES_NIF", "pii/SECRET_AWS", "quality/html"])


@pytest.mark.parametrize("asked", ["pii/PERSN", "pii/person", "pii/names", "pi/PERSON", ""])
def test_what_no_finding_can_be_of_is_refused(asked: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_asked(["quality", asked])
    assert caught.value.hint


def test_apply_refuses_it_before_anything_is_decided(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="kind `PERSN`"):
        cli.apply(safe=True, also=["pii/PERSN"])
