"""What was redacted is settled: a second look at the clean rows finds nothing there."""

from __future__ import annotations

import pytest

from curate import examine
from curate.changing.redact import STYLES

SAID = [
    "My password is hunter2secure! and I cannot log in.",
    "The password is Tr0ub4dor&3.",
    "my password is Xk9$ab!2, thanks",
    "password: hunter2secure!",
    "Passwort ist Geheim#2024x.",
    "the api key is sk_live_4eC39HqLyjWDarjtT1zdp7dc ok",
    "DB_PASSWORD=Zx81!kkQp2 in the file",
    "write to anna.bauer@example.org or call +49 89 1234567",
]


@pytest.mark.parametrize("style", [each for each in STYLES if each not in ("hash", "pseudonym")])
def test_a_second_look_at_what_was_redacted_finds_nothing(style):
    settings = {"pii": {"names": "none"}}
    rows = [{"instruction": said, "output": f"Answer {n}."} for n, said in enumerate(SAID)]
    first = examine(rows, checks=["pii"], settings=settings)
    assert len(set(first.findings["row"])) == len(SAID)
    clean = first.clean(style=style)
    assert examine(clean.rows(), checks=["pii"], settings=settings).findings.height == 0
