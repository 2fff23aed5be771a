"""What a card says of a finding."""

from __future__ import annotations

import json

from tui.desk.desk import Desk
from tui.reading.card_text import evidence
from tui.reading.card_view import card


def test_a_wrong_label_is_told_by_the_labels_and_not_by_an_id(workspace):
    desk = Desk(workspace, workspace.dataset(None), "tickets", "me")
    rows = desk.examples.rows.collect()
    here, witness = rows.row(0, named=True), rows.row(1, named=True)
    finding = desk.finding(0) | {
        "check": "wrong-label", "shape": "example", "example_id": here["example_id"], "other_id": None,
        "evidence": json.dumps({"looks_like": witness["example_id"], "neighbours": 10}),
    }  # fmt: skip
    said = card(desk, 0, finding).facts.plain
    assert f"labelled {here['label']}, looks like {witness['label']}" in said
    assert "of the 10 rows most like it" in said and witness["example_id"] not in said


def test_a_witness_that_is_gone_is_not_told(workspace):
    desk = Desk(workspace, workspace.dataset(None), "tickets", "me")
    finding = desk.finding(0) | {"shape": "example", "other_id": None, "evidence": '{"looks_like": "gone"}'}
    assert "looks like" not in card(desk, 0, finding).facts.plain


def test_reasons_are_told_in_words() -> None:
    """Numbers of known names become words, unknown ones stand as they are, the kind is not said twice."""
    told = {"neighbours": 60, "with_this_label": 2, "probability": 0.0125, "kept": "the oldest", "kind": "IBAN", "odd": 7}  # fmt: skip
    assert evidence(json.dumps(told), "IBAN").plain == (
        "of the 60 rows most like it · 2 have this label · a model gives this label 1% · keeps the oldest · odd 7"
    )
    strange = {"neighbours": "[/foo]", "kind": "IBAN"}
    assert evidence(json.dumps(strange), "PHONE").plain == "neighbours [/foo] · kind IBAN"
