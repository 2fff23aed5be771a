"""Whose name stands under a decision."""

from __future__ import annotations

import os
import pwd

import pytest

from curate.workspace import reviewer

VARIABLES = ("SEATRIAL_REVIEWER", "USER", "LOGNAME")


def test_the_nearest_name_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable in reversed(VARIABLES):
        monkeypatch.setenv(variable, variable.lower())
        assert reviewer() == variable.lower()


def test_without_variables_it_is_the_account_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(
        pwd, "getpwuid", lambda number: pwd.struct_passwd(("root", "x", number, 0, "", "/", ""))
    )
    assert reviewer() == "root"


def test_a_number_without_an_account_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    assert reviewer() == "unknown"
