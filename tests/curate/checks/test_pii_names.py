"""Names in the personal-data check: found, numbered, not blocking, and never quoted."""

from __future__ import annotations

import json

import pytest

from curate.checks.naming import famous
from curate.checks.pii import ENTITIES, Pii
from curate.errors import ConfigError
from curate.example import frame, with_ids
from curate.scanning.scan import scan


def examples(*messages, meta="{}"):
    rows = [
        {
            "messages": [{"role": role, "content": text} for role, text in messages],
            "source": "s",
            "meta": meta,
        }
    ]
    return with_ids(frame(rows), ["row"])


def findings(table, **settings):
    return scan(table, [Pii(**settings)]).findings.to_dicts()


CHAT = (
    ("system", "You are the assistant of Zoltan Kowalski, a customer of ours."),
    ("user", "what is my balance"),
    ("assistant", "Hello Zoltan! One moment, Mr Kowalski."),
)


def test_a_person_has_one_number_in_all_turns_and_names_block_nothing():
    found = [f for f in findings(examples(*CHAT)) if f["label"] == "PERSON"]
    assert [(f["message"], json.loads(f["evidence"])["person"]) for f in found] == [(0, 1), (2, 1), (2, 1)]
    assert not any(f["blocking"] for f in found)
    assert {f["action"] for f in found} == {"redact"}


def test_the_evidence_holds_no_name():
    for found in findings(examples(*CHAT)):
        assert "Zoltan" not in found["evidence"] and "Kowalski" not in found["evidence"]


def test_names_alone_may_be_asked_for():
    assert {f["label"] for f in findings(examples(*CHAT), entities=("PERSON",))} == {"PERSON"}


def test_with_no_tagger_only_forms_are_found():
    table = examples(("user", "I am Zoltan Kowalski, zoltan@mail.example"))
    assert [f["label"] for f in findings(table, names="none")] == ["EMAIL_ADDRESS"]
    assert [f["label"] for f in findings(table)] == ["PERSON", "EMAIL_ADDRESS"] or {
        f["label"] for f in findings(table)
    } == {"PERSON", "EMAIL_ADDRESS"}


def test_a_value_by_form_still_blocks():
    table = examples(("user", "I am Zoltan Kowalski, zoltan@mail.example"))
    assert {f["label"]: f["blocking"] for f in findings(table)} == {"PERSON": False, "EMAIL_ADDRESS": True}


@pytest.mark.parametrize(
    "text", ["Who was Albert Einstein?", "What is the capital of France?", "Write a poem like Shakespeare."]
)
def test_public_figures_and_countries_are_no_findings(text):
    assert findings(examples(("user", text))) == []


def test_a_street_address_is_found_and_a_city_only_on_request():
    table = examples(
        ("user", "Please ship it to 221 Maple Street, Springfield, IL 62704. I was in Barcelona before.")
    )
    assert [f["label"] for f in findings(table)] == ["STREET_ADDRESS"]
    wide = findings(table, entities=(*ENTITIES, "LOCATION"))
    assert sorted(f["label"] for f in wide) == ["LOCATION", "STREET_ADDRESS"]


def test_a_column_of_names_is_read_by_its_heading():
    table = examples(("user", "hi"), meta=json.dumps({"customer_name": "Zoltan Kowalski", "code": "Blue"}))
    assert [(f["label"], f["field"]) for f in findings(table)] == [("PERSON", "meta:/customer_name")]


def test_a_column_is_called_after_nobody_but_a_key_below_it_may_be():
    meta = json.dumps({"Antwort (alt)": "erledigt", "shifts": {"O'Brien, Siobhan": "early"}})
    found = [f["field"] for f in findings(examples(("user", "hi"), meta=meta)) if f["label"] == "PERSON"]
    assert found == ["meta:/shifts/#0#"]


def test_an_address_of_mail_in_the_name_of_a_column_is_found():
    meta = json.dumps({"sent to zoltan@mail.example": "yes"})
    assert [f["label"] for f in findings(examples(("user", "hi"), meta=meta))] == ["EMAIL_ADDRESS"]


def test_batches_change_nothing():
    rows = [
        {
            "messages": [{"role": "user", "content": f"I am {name} from unit {n}, call {other}."}],
            "source": "s",
        }
        for n, (name, other) in enumerate(
            [("Zoltan Kowalski", "Priya"), ("Ngozi Okafor", "Ben Adams"), ("no one", "us")] * 3
        )
    ]
    table = with_ids(frame(rows), [str(n) for n in range(len(rows))])
    one, all_ = (scan(table, [Pii()], rows=size).findings for size in (1, 100))
    assert one.equals(all_) and one.height >= 9


def test_a_tagger_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match="no tagger"):
        Pii(names="best")


def test_the_list_of_public_figures_is_whole():
    assert len(famous()) > 300 and all(name == name.strip() and name for name in famous())


def test_a_shared_surname_is_said_to_be_unsure():
    table = examples(
        ("user", "Zoltan Kowalski and Petra Kowalski came."), ("assistant", "And Mr Kowalski, too?")
    )
    told = [json.loads(f["evidence"]) for f in findings(table) if f["label"] == "PERSON"]
    assert [(each["person"], each.get("person_unsure", False)) for each in told] == [
        (1, False),
        (2, False),
        (2, True),
    ]
