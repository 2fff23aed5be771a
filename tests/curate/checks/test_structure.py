"""Each defect of form is found under its name; sound rows are left alone."""

from __future__ import annotations

import json

import pytest

from curate.checks import structure
from curate.checks.structure import Structure
from curate.scanning.scan import scan

DROP, REVIEW = "drop", "review"


@pytest.mark.parametrize(
    ("question", "answer", "label", "action"),
    [
        ("Hi", "", "empty-answer", DROP),
        ("Hi", None, "empty-answer", DROP),
        ("Hi", " \n\u00a0\u3000", "empty-answer", DROP),
        ("", "Hello", "empty-question", DROP),
        ("Hi", "nan", "placeholder-answer", DROP),
        ("Hi", "<No input>", "placeholder-answer", DROP),
        ("Hi", "TODO", "placeholder-answer", DROP),
        ("Hi", "N/A", "placeholder-answer", REVIEW),
        ("Hi", "None.", "placeholder-answer", REVIEW),
        ("Hi", "...", "placeholder-answer", REVIEW),
        ("Draw a logo.", "No output required.", "placeholder-answer", DROP),
        ("nan", "Hello", "placeholder-question", DROP),
        ("Hi", "x" * 20_001, "over-long", DROP),
    ],
)
def test_defects_of_one_turn(asked, found, question, answer, label, action):
    assert [row[2:] for row in found(Structure(), asked(question, answer))] == [(label, action)]


@pytest.mark.parametrize(
    ("roles", "label"),
    [
        ("", "no-messages"),
        ("u", "no-answer"),
        ("sa", "no-question"),
        ("uau", "unanswered"),
        ("aua", "role-order"),
        ("uaa", "role-order"),
        ("uta", "role-order"),
        ("uua", "two-questions"),
        ("uasua", "late-system"),
    ],
)
def test_roles_out_of_order(turn, found, roles, label):
    names = {"u": "user", "a": "assistant", "s": "system", "t": "tool"}
    messages = [turn(names[role], f"words {at}") for at, role in enumerate(roles)]
    assert label in {row[2] for row in found(Structure(), {"messages": messages})}


@pytest.mark.parametrize(
    ("roles", "layout", "action"),
    [
        ("uau", "{}", "edit"),
        ("suauu", "{}", "edit"),
        ("uau", '{"turns": [{"at": "conversations", "as": "list", "n": 3}]}', "edit"),
        ("uau", '{"format": "prompt", "turns": [{"at": "prompt", "as": "list", "n": 3}]}', "drop"),
        ("uau", '{"turns": [{"at": "a"}, {"at": "b"}, {"at": "c"}]}', "drop"),  # columns of one turn each
        ("au", "{}", "drop"),  # nothing was asked before
        ("uas", "{}", "drop"),
    ],
)
def test_what_the_user_says_behind_the_last_answer_can_go(turn, found, roles, layout, action):
    names = {"u": "user", "a": "assistant", "s": "system"}
    messages = [turn(names[role], f"words {at}") for at, role in enumerate(roles)]
    told = {row[2]: row[3] for row in found(Structure(), {"messages": messages, "layout": layout})}
    assert told["unanswered"] == action
    labelled = found(Structure(), {"messages": messages, "layout": layout, "label": "goodbye"})
    assert {row[2]: row[3] for row in labelled}["unanswered"] == "drop"  # it may be of what is said last


def test_sound_rows_have_no_findings(turn, asked, found):
    call = json.dumps([{"function": {"name": "time", "arguments": "{}"}}])
    tools = [
        turn("user", "When?"),
        turn("assistant", None, call),
        turn("tool", "9:00"),
        turn("assistant", "At nine."),
    ]
    rows = [
        {"messages": tools},
        asked("Hi", "Hello"),
        {
            "messages": [
                turn("system", "Be kind."),
                *asked("Hi", "Hello 👩‍👩‍👧 שלום Ärger naïve São")["messages"],
            ]
        },
        {"messages": [turn("user", "Hi")], "chosen": "Hello", "rejected": "Go away"},
        asked("Is the class none?", "none", label="none"),
    ]
    assert found(Structure(), *rows) == []


def test_tool_calls_that_cannot_be_read(turn, found):
    def called(text: str) -> list[tuple[str, str]]:
        told = found(Structure(), {"messages": [turn("user", "Hi"), turn("assistant", None, text)]})
        return [row[2:] for row in told]

    assert called("{not json") == [("broken-tool-call", DROP)]
    assert called("[" * 100_000) == [("broken-tool-call", DROP), ("over-long", DROP)]
    assert called('[{"function": {"name": "f", "arguments": "{oops"}}]') == [("broken-tool-call", REVIEW)]


TIME = {"type": "function", "function": {"name": "time", "parameters": {"required": ["zone"]}}}
ODD = {"type": "function", "function": {"name": "odd", "parameters": {"required": [["zone"], {}]}}}


@pytest.mark.parametrize("tools", [[TIME, ODD], json.dumps([TIME, ODD]), [TIME["function"], ODD]])
@pytest.mark.parametrize(
    ("name", "arguments", "labels"),
    [
        ("time", '{"zone": "UTC"}', []),
        ("time", {"zone": None}, []),
        ("time", "{}", ["missing-argument"]),
        ("time", None, ["missing-argument"]),
        ("weather", "{}", ["undeclared-tool"]),
        ("odd", "{}", []),
    ],
)
def test_calls_are_held_against_the_tools_that_the_row_declares(turn, found, tools, name, arguments, labels):
    calls = json.dumps([{"id": "1", "function": {"name": name, "arguments": arguments}}])
    messages = [turn("user", "When?"), turn("assistant", None, calls)]
    row = {"messages": messages, "meta": json.dumps({"tools": tools})}
    assert [each[2:] for each in found(Structure(), row)] == [(label, REVIEW) for label in labels]
    assert found(Structure(), {"messages": messages, "meta": json.dumps({"tools": "a hammer"})}) == []


def test_answers_of_tools_go_with_their_calls(turn, found):
    def answered(*ids: str | None) -> list[str]:
        calls = json.dumps([{"id": each, "function": {"name": "f"}} for each in ("1", "2")])
        answers = [turn("tool", "9:00") | {"tool_call_id": each} for each in ids]
        messages = [
            turn("user", "When?"),
            turn("assistant", None, calls),
            *answers,
            turn("assistant", "At nine."),
        ]
        return [row[2] for row in found(Structure(), {"messages": messages})]

    assert answered("1", "2") == answered("2", "1") == answered(None, None) == []
    assert answered("1") == ["tool-unanswered"]
    assert answered("1", "2", "3") == ["tool-not-called"]


def test_preferences_that_teach_nothing(turn, found):
    messages = [turn("user", "Hi")]
    same = {"messages": messages, "chosen": "Hello", "rejected": "Hello"}
    empty = {"messages": messages, "chosen": "", "rejected": "Go away"}
    half = {"messages": messages, "chosen": None, "rejected": "Go away"}
    assert [row[::2] for row in found(Structure(), same, empty, half)] == [
        (0, "no-preference"),
        (1, "empty-answer"),
        (2, "empty-answer"),
    ]


def test_what_cannot_be_trained_on_blocks_and_its_place_is_told(asked, examples):
    findings = scan(examples(asked("Hi", "n/a"), asked("Hi", "")), [Structure()]).findings
    by_label = {row["label"]: row for row in findings.iter_rows(named=True)}
    doubtful, empty = by_label["placeholder-answer"], by_label["empty-answer"]
    assert (doubtful["message"], doubtful["field"], doubtful["blocking"]) == (1, "content", False)
    assert (empty["message"], empty["blocking"], empty["action"]) == (1, True, "drop")


def test_the_longest_row_is_a_setting(asked, found):
    assert found(Structure(max_characters=5), asked("Hi", "Hello")) == [(0, None, "over-long", DROP)]


def test_a_word_that_the_question_offers_is_an_answer(asked, found):
    """`N/A` among others may be chosen; as an input by itself it is a mark of nothing."""
    offered = asked("Which of these is no number: 1, 2, N/A?", "N/A")
    alone = asked("Name the river.\nN/A", "N/A")
    assert found(Structure(), offered) == []
    assert [row[2] for row in found(Structure(), alone)] == ["placeholder-answer"]


def test_an_ordinary_answer_is_not_looked_for_in_its_question(asked, found, monkeypatch):
    """To look takes 2 ms, for a pattern is compiled: as long as all other checks take for a row."""
    monkeypatch.setattr(structure, "_offered", None)
    assert found(Structure(), asked("Which of these is it: this one or that?", "This one")) == []


@pytest.mark.parametrize(
    "answer",
    """???|?? ?|See above.|see ABOVE|(tbc)|T.B.C.|to be confirmed|Please see the previous answer|siehe oben|Siehe oben!|s.o.|s. o.
    voir ci-dessus|à confirmer|véase arriba|por confirmar|vedi sopra|da definire|ver acima|zie hierboven|n.t.b.|se ovan
    jak wyżej|j.w.|см. выше|同上|见上文|上記参照|위와 같음|ऊपर देखें""".replace("\n", "|").split("|"),
)
def test_an_answer_that_only_puts_off_is_for_review(asked, found, answer):
    """In any language it may be meant; as a question it is none, and as a label it is the answer."""
    row = asked("How many days of leave are there?", answer.strip())
    assert found(Structure(), row) == [(0, None, "placeholder-answer", REVIEW)]
    assert found(Structure(), {**row, "label": answer.strip().upper() if answer.strip("? ") else "x"}) == (
        [] if answer.strip("? ") else [(0, None, "placeholder-answer", REVIEW)]
    )
    assert found(Structure(), asked(answer.strip(), "There are thirty.")) == []


@pytest.mark.parametrize(
    "answer",
    ["See above the door.", "so", "What?", ".-", "-.-- --", "To be confirmed by the vote.", "Oben", "above"],
)
def test_short_answers_that_say_something_are_left(asked, found, answer):
    assert found(Structure(), asked("Where is it?", answer)) == []


def test_a_preferred_answer_that_puts_off(turn, found):
    row = {"messages": [turn("user", "Where is it?")], "chosen": "s.o.", "rejected": "see above"}
    assert found(Structure(), row) == [(0, None, "placeholder-answer", REVIEW)]


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ({"parameters": {"zone": "UTC"}}, []),
        ({"input": {"zone": "UTC"}}, []),
        ({"input": {}}, ["missing-argument"]),
        ({}, []),
    ],
)
def test_arguments_are_read_under_the_names_that_they_have(turn, found, given, labels):
    tools = [{"name": "time", "parameters": {"required": ["zone"]}}]
    messages = [turn("user", "When?"), turn("assistant", None, json.dumps([{"name": "time", **given}]))]
    row = {"messages": messages, "meta": json.dumps({"tools": tools})}
    assert [each[2] for each in found(Structure(), row)] == labels
