"""The queue's one column of kinds says the check and what is more than its name."""

from __future__ import annotations

import pytest

from tui.reading.queue_text import kind_of


@pytest.mark.parametrize(
    ("check", "label", "kind"),
    [
        ("label-spelling", "label-spelling", "label-spelling"),
        ("near-duplicate", "near", "near-duplicate"),
        ("pii", "PERSON", "pii/PERSON"),
        ("contradiction", "label", "contradiction/label"),
        ("structure", None, "structure"),
    ],
)
def test_a_kind_says_nothing_twice(check: str, label: str | None, kind: str) -> None:
    """A label whose words stand in the check's name is left out."""
    assert kind_of({"check": check, "label": label}) == kind
