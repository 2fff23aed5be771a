"""An example in the forms that trainers take, and what each form refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from curate.errors import SourceError
from curate.formats import named, read_row
from curate.formats.outward import alpaca, chat, kind_of, labelled, openai, sharegpt, tools, trl
from curate.formats.turns import dump

Row = dict[str, Any]


def example_of(row: Row, name: str, label: str | None = None) -> Row:
    draft = read_row(row, named(name), columns={}, roles={}, label=label)
    return {**draft._asdict(), "meta": dump(draft.meta), "layout": dump(draft.layout)}


TOOLS_ROW = {
    "conversations": [
        {"from": "system", "value": "s"},
        {"from": "human", "value": "q"},
        {"from": "function_call", "value": '{"name": "f", "arguments": {"x": 1}}'},
        {"from": "observation", "value": "r"},
        {"from": "gpt", "value": "a"},
    ],
    "tools": '[{"name": "f", "parameters": {}}]',
}


def test_tool_calls_become_objects_for_openai() -> None:
    """ShareGPT's function_call is a tool call with an id that the tool's answer names."""
    row = openai(example_of(TOOLS_ROW, "sharegpt"))
    call = row["messages"][2]["tool_calls"][0]
    assert call == {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
    assert row["messages"][3]["tool_call_id"] == "call_0"
    assert row["tools"] == [{"type": "function", "function": {"name": "f", "parameters": {}}}]


def test_sharegpt_of_openai_messages_is_sharegpt_again() -> None:
    """What went to OpenAI's form comes back to ShareGPT's as the same conversation."""
    row = openai(example_of(TOOLS_ROW, "sharegpt"))
    back = sharegpt(example_of(row, "messages"), strict=True)
    assert back["conversations"] == TOOLS_ROW["conversations"][1:]
    assert back["system"] == "s"
    assert json.loads(back["tools"]) == json.loads(str(TOOLS_ROW["tools"]))


def test_preference_data_in_each_form() -> None:
    """Prompt, chosen and rejected find their places."""
    shared = [{"role": "user", "content": "q"}]
    row = {
        "chosen": [*shared, {"role": "assistant", "content": "a"}],
        "rejected": [*shared, {"role": "assistant", "content": "b"}],
    }
    example = example_of(row, "preference")
    assert (example["messages"][0]["content"], example["chosen"], example["rejected"]) == ("q", "a", "b")
    assert kind_of(example) == "preference"
    assert trl(example) == {
        "prompt": shared,
        "chosen": [{"role": "assistant", "content": "a"}],
        "rejected": [{"role": "assistant", "content": "b"}],
    }
    assert openai(example)["preferred_output"] == [{"role": "assistant", "content": "a"}]
    assert sharegpt(example)["rejected"] == {"from": "gpt", "value": "b"}
    with pytest.raises(SourceError, match="preference"):
        alpaca(example)


def test_kto_keeps_its_truth_value_and_a_disliked_answer_is_not_taught() -> None:
    """The label is a truth value in `meta`; OpenAI's files have no place for a bad answer."""
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    example = example_of({"messages": messages, "label": False}, "kto")
    assert example["label"] is None
    assert trl(example)["label"] is False
    assert sharegpt(example)["label"] is False
    with pytest.raises(SourceError, match="not liked"):
        openai(example)


def test_a_multi_turn_conversation_as_alpaca() -> None:
    """Earlier turns become the history; a tool has no place."""
    messages = [
        {"role": r, "content": c}
        for r, c in (("system", "s"), ("user", "1"), ("assistant", "2"), ("user", "3"), ("assistant", "4"))
    ]
    assert alpaca(example_of({"messages": messages}, "messages")) == {
        "instruction": "3", "input": "", "output": "4", "system": "s", "history": [["1", "2"]],
    }  # fmt: skip
    with pytest.raises(SourceError, match="uses tools"):
        alpaca(example_of(TOOLS_ROW, "sharegpt"))


def test_weights_of_messages_go_to_openai() -> None:
    """OpenAI's weight of a message is kept on the way."""
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}]
    assert openai(example_of({"messages": messages}, "messages"))["messages"] == messages


def test_labelled_rows_keep_an_answer_that_says_more() -> None:
    """A CSV row has the answer and the system prompt only where they add something."""
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "oak: sorry"}]
    example = example_of({"messages": messages, "queue": "oak"}, "messages", label="queue")
    assert labelled(example) == {"text": "q", "label": "oak", "answer": "oak: sorry", "system": None}
    with pytest.raises(SourceError, match="no label"):
        labelled({**example, "label": None})


@pytest.mark.parametrize("bad", ["not json", '"text"', "[1]", "[" * 50_000, r'[{"name": "\ud800"}]'])
def test_tools_that_are_no_tools_are_refused(bad: str) -> None:
    """A broken `tools` column is said, not left out."""
    with pytest.raises(SourceError, match="tools"):
        tools(example_of({**TOOLS_ROW, "tools": bad}, "sharegpt"))


@pytest.mark.parametrize(
    ("calls", "said"),
    [(r'[{"name": "a \ud800"}]', "half of a surrogate pair"), ("[" * 50_000, "nested too deeply")],
)
def test_calls_that_no_file_can_hold_are_refused(calls: str, said: str) -> None:
    """A text of JSON within a row was no more than a text when the row was read."""
    call = {"role": "assistant", "content": None, "name": None, "tool_call_id": None, "tool_calls": calls}
    with pytest.raises(SourceError, match=said):
        chat([call])


def test_a_whole_pair_of_surrogates_is_a_character() -> None:
    """JSON spells what lies beyond the first 65,536 as two halves."""
    (tool,) = tools(example_of({**TOOLS_ROW, "tools": r'[{"name": "\ud83d\ude00"}]'}, "sharegpt"))
    assert tool["function"]["name"] == "\U0001f600"


def test_a_chat_without_ids_answers_the_oldest_call() -> None:
    """Two calls and two answers are paired in their order."""
    call = {
        "role": "assistant",
        "content": None,
        "name": None,
        "tool_call_id": None,
        "tool_calls": '[{"name": "f"}, {"name": "g"}]',
    }
    answer = {"role": "tool", "content": "r", "name": None, "tool_call_id": None, "tool_calls": None}
    rows = chat([call, answer, answer])
    assert [row.get("tool_call_id") for row in rows] == [None, "call_0", "call_1"]


def test_a_part_that_is_no_object_is_told_as_what_it_is() -> None:
    """It is a text, so that `only text is read` would say nothing."""
    with pytest.raises(SourceError, match="part 1 of the content is a text, not an object"):
        example_of({"messages": [{"role": "user", "content": ["q"]}]}, "messages")
