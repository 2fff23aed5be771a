"""An edit that another's check proposes in a wrong form is no proposal, and ends nothing."""

from __future__ import annotations

import json

import pytest

from tui.reading.card_text import proposed_edit, told_edit, with_proposal

WRONG = (
    {"cut": "all"}, {"cut": [[1]]}, {"cut": [["a", "b"]]}, {"cut": [3, 4]}, {"repair": "magic"}, {"repair": 3},
    {"spelling": "Oak"}, {"spelling": [None]}, {"replace": "x"}, {}, [], "text", None, 7,
)  # fmt: skip


def finding(edit: object) -> dict[str, object]:
    return {"action": "edit", "evidence": json.dumps({"edit": edit}), "message": None, "field": "label"}


@pytest.mark.parametrize("edit", WRONG, ids=str)
def test_a_wrong_form_proposes_nothing(edit: object) -> None:
    assert proposed_edit(finding(edit)) is None
    assert with_proposal(finding(edit), "text", "text") == "text"
    assert told_edit(finding(edit), {"label": "text"}) == ""


def test_a_right_form_does() -> None:
    assert with_proposal(finding({"cut": [[0, 3]]}), "my text", "my text") == "text"
