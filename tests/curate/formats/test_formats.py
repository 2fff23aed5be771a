"""Rows of every known format come back as they were, and say what was edited."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.errors import ConfigError, SourceError
from curate.example import frame, strings, with_ids
from curate.formats import Draft, named, read_row, recognise, write_row
from curate.formats.numbers import lift, lower
from curate.formats.turns import dump, join, part

Row = dict[str, Any]

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=30) | st.sampled_from(
    ["", "\n", "a\n\nb", "\n\n", " ", "é\u2028x", "null", "0", '{"a": 1}', "\x00"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
others = st.dictionaries(st.sampled_from(["id", "weight", "tags", "größe", "a/b~c", "0"]), values, max_size=3)
roles = st.sampled_from(
    ["user", "assistant", "system", "tool", "human", "gpt", "developer", "observation", "function_call"]
)
parts = st.lists(texts.map(lambda text: {"type": "text", "text": text}), max_size=3)


def either(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Row]:
    """A dict with the required keys, and any of the optional ones, in any order."""
    return st.fixed_dictionaries(required, optional=optional).flatmap(
        lambda row: st.permutations(list(row.items())).map(dict)
    )


spoken = either(
    {"role": roles},
    {
        "content": st.none() | texts | parts,
        "name": st.none() | texts | st.integers(),
        "tool_calls": values,
        "tool_call_id": st.none() | texts,
        "weight": st.integers(0, 1),
        "reasoning_content": values,
        "value": values,
    },
)
written = either(
    {"from": roles, "value": st.none() | texts}, {"weight": values, "name": texts, "content_type": texts}
)
chats = st.lists(spoken, min_size=1, max_size=4) | st.lists(written, min_size=1, max_size=4)
said = texts | chats | spoken
history = st.lists(st.tuples(texts, texts).map(list), max_size=2) | st.none()
maybe = st.none() | texts

FORMAT_ROWS: dict[str, st.SearchStrategy[Row]] = {
    "messages": either({"messages": chats}, {"system": maybe, "tools": values}),
    "sharegpt": either({"conversations": chats}, {"system": maybe, "tools": maybe}),
    "prompt-completion": either({"prompt": said, "completion": said | st.none()}, {"system": maybe}),
    "alpaca": either(
        {"instruction": texts}, {"input": maybe, "output": maybe, "system": maybe, "history": history}
    ),
    "preference": either(
        {"chosen": said, "rejected": said}, {"prompt": said, "input": maybe, "system": maybe}
    )
    | either({"chosen": said, "rejected": said}, {"conversations": chats}),
    "kto": either({"messages": chats, "label": st.booleans()}, {})
    | either({"prompt": said, "completion": said, "label": st.booleans()}, {}),
    "classification": either(
        {"text": texts},
        {
            "label": st.none()
            | texts
            | st.integers()
            | st.booleans()
            | st.floats(allow_nan=False, allow_infinity=False)
        },
    ),
    "text": either({"text": texts}, {}),
    "prompt": either({"turns": st.lists(texts, min_size=1, max_size=3) | texts}, {}),
}


def same(left: object, right: object) -> bool:
    """Equal as JSON values: true is not 1, 1 is not 1.0."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def stored(draft: Draft) -> Draft:
    """The draft as the workspace gives it back: through a table, `meta` and `layout` as text."""
    row = {**draft._asdict(), "source": "s", "meta": dump(draft.meta), "layout": dump(draft.layout)}
    example = next(with_ids(frame([row]), ["o"]).iter_rows(named=True))
    return Draft(
        example["messages"],
        example["chosen"],
        example["rejected"],
        example["label"],
        json.loads(example["meta"]),
        json.loads(example["layout"]),
    )


def read(row: Row, name: str, **more: Any) -> Draft:
    return read_row(row, named(name), columns=more.pop("columns", {}), roles=more.pop("roles", {}), **more)


def example_of(row: Row, name: str, **more: Any) -> Row:
    draft = read(row, name, **more)
    return {**draft._asdict(), "meta": dump(draft.meta), "layout": dump(draft.layout)}


@pytest.mark.parametrize("name", sorted(FORMAT_ROWS))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_row_comes_back_as_it_was(name: str, data: st.DataObject) -> None:
    """Read, kept in a table and written again, a row is equal as a JSON value, keys in their order."""
    row = {**data.draw(FORMAT_ROWS[name]), **data.draw(others)}
    try:
        draft = read(row, name)
    except SourceError as error:
        assert "content" in error.message  # a content that is no text is refused, and not changed
        return
    back = write_row(stored(draft))
    assert same(back, row)
    assert list(back) == list(row)


SECRET = "anna.secret@example.org"


def _said_by_all(value: Any, key: str = "") -> Any:
    """The value with every text in it a secret, but for roles and the like."""
    if isinstance(value, dict):
        return {name: _said_by_all(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_said_by_all(item, key) for item in value]
    return SECRET if isinstance(value, str) and key not in ("role", "from", "type") else value


@pytest.mark.parametrize("name", sorted(FORMAT_ROWS))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_layout_holds_no_text(name: str, data: st.DataObject) -> None:
    """What no check looks at holds none of the row's texts, so that nothing redacted can stay there."""
    row = _said_by_all(data.draw(FORMAT_ROWS[name]))
    try:
        draft = read(row, name)
    except SourceError:
        return
    assert SECRET not in dump(draft.layout)


def _tree(text: str, rank: int | None, *replies: Row, role: str = "assistant", **more: Any) -> Row:
    return {"message_id": text, "text": text, "role": role, "rank": rank, "replies": list(replies), **more}


TREE = _tree(
    "q",
    None,
    _tree("worse", 1),
    _tree(
        "best",
        0,
        _tree("and then?", None, _tree("end", 0), role="prompter"),
        _tree("bye", None, role="prompter"),
    ),
    _tree("gone", -1, deleted=True),
    role="prompter",
)


@pytest.mark.parametrize("row", [{"message_tree_id": "q", "prompt": TREE}, TREE])
def test_a_message_tree_is_its_best_ranked_path(row: Row) -> None:
    """The path by rank is the conversation; the other branches stay in `meta`, each text in one place."""
    draft = read(row, "oasst")
    assert [m["content"] for m in draft.messages] == ["q", "best", "and then?", "end"]
    assert dump(draft.meta).count('"text": "best"') == 0
    assert dump(draft.meta).count('"text": "worse"') == 1
    assert same(write_row(stored(draft)), row)


def test_an_edit_of_a_tree_is_in_the_row() -> None:
    """A redaction in the conversation is in the tree that comes out."""
    draft = read({"prompt": TREE}, "oasst")
    draft.messages[1]["content"] = "[NAME]"
    assert write_row(draft)["prompt"]["replies"][1]["text"] == "[NAME]"


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"messages": [{"role": "user", "content": "q"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "q"}], "label": True}, "kto"),
        ({"prompt": "q", "completion": "a", "label": False}, "kto"),
        ({"conversations": [{"from": "human", "value": "q"}]}, "sharegpt"),
        ({"conversation": [{"role": "user", "content": "q"}]}, "sharegpt"),
        ({"conversations": [{"from": "human", "value": "q"}], "chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "b"}}, "preference"),
        ({"chosen": "a", "rejected": "b"}, "preference"),
        ({"instruction": "q", "input": "", "output": "a"}, "alpaca"),
        ({"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "a"}]}, "prompt-completion"),
        ({"question": "q", "answer": "a"}, "prompt-completion"),
        ({"text": "t", "category": "c"}, "classification"),
        ({"sentence": "t", "label": 1}, "classification"),
        ({"text": "t", "url": "u"}, "text"),
        ({"question_id": 1, "turns": ["q", "r"]}, "prompt"),
        (TREE, "oasst"),
    ],
)  # fmt: skip
def test_a_format_is_recognised_and_said(row: Row, name: str) -> None:
    """The first rows tell the format, and the reason counts them."""
    known, why = recognise([row] * 3 + [{"x": 1}], {})
    assert known.name == name
    assert why.startswith(f"{name}: 3 of 4 first rows have ")


@pytest.mark.parametrize(
    ("row", "less", "name"),
    [
        ({"prompt": "q", "answer": "a"}, {"prompt": "r"}, "prompt-completion"),
        ({"text": "t", "label": "a"}, {"text": "u", "label": None}, "classification"),
        ({"prompt": "q", "chosen": "a", "rejected": "b"}, {"prompt": "q"}, "preference"),
    ],
)
def test_one_row_that_lacks_a_part_does_not_take_it_from_the_others(row: Row, less: Row, name: str) -> None:
    """A format that says "alone" counts the rows of which no other reads more."""
    assert recognise([row, row, less], {})[0].name == name
    assert recognise([less, less, less, row], {})[0].name != name


def test_a_column_without_a_name_is_kept() -> None:
    """As pandas writes the row numbers into a CSV."""
    row = {"": "0", "prompt": "q", "answer": "a"}
    draft = read(row, "prompt-completion")
    assert draft.meta == {"": "0"}
    assert same(write_row(draft), row)


def test_columns_may_have_any_name() -> None:
    """A mapping of columns is enough to recognise and read rows of other names."""
    row = {"ask": "q", "reply": "a", "n": 1}
    columns = {"prompt": "ask", "completion": "reply"}
    known, _ = recognise([row], columns)
    draft = read(row, known.name, columns=columns)
    assert [m["content"] for m in draft.messages] == ["q", "a"]
    assert same(write_row(draft), row)


def test_rows_in_no_format_are_refused_with_their_columns() -> None:
    """The error names the columns and the flag that says what they are."""
    with pytest.raises(SourceError, match="`name`, `price`") as error:
        recognise([{"name": "x", "price": 1}], {})
    assert "--column" in error.value.hint
    with pytest.raises(ConfigError, match="sharegtp"):
        named("sharegtp")


@pytest.mark.parametrize(
    ("row", "name", "reason"),
    [
        ({"messages": []}, "messages", "is an empty list"),
        ({"other": 1}, "messages", "has no `messages`"),
        ({"messages": 3}, "messages", "is a number"),
        ({"messages": [3]}, "messages", "message 1 is a number"),
        ({"messages": [{"content": "x"}]}, "messages", "no `role` or `from`"),
        ({"messages": [{"role": "bot", "content": "x"}]}, "messages", "message 1 has role `bot`"),
        ({"messages": [{"role": 1, "content": "x"}]}, "messages", "`role` is a number"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages", "content is a number"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages", "image_url"),
        ({"instruction": None, "output": "a"}, "alpaca", "`instruction` is null"),
        ({"instruction": "q", "history": [["only"]], "output": "a"}, "alpaca", "`history`"),
        ({"text": ["x"], "label": "a"}, "classification", "is a list"),
        ({"chosen": 1, "rejected": "b"}, "preference", "`chosen` is a number"),
        ({"prompt": {"text": 1}}, "oasst", "`text` is a number"),
        ({"prompt": {"text": "x", "role": "bot"}}, "oasst", "role `bot`"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_format_is_refused_with_the_reason(
    row: Row, name: str, reason: str | None
) -> None:
    """A row of wrong types says which and where."""
    with pytest.raises(SourceError, match=reason):
        read(row, name)


def test_a_role_can_be_mapped() -> None:
    """An unknown role means what it was said to mean, and comes back as it was spelled."""
    row = {"messages": [{"role": "bot", "content": "x"}]}
    draft = read(row, "messages", roles={"bot": "assistant"})
    assert draft.messages[0]["role"] == "assistant"
    assert same(write_row(draft), row)


def test_an_edit_goes_where_the_text_came_from() -> None:
    """Instruction and input are told apart again after an edit in one of them."""
    row = {"instruction": "Mail\n\nhim", "input": "at a@b.org\nnow", "output": "ok"}
    draft = read(row, "alpaca")
    draft.messages[0]["content"] = draft.messages[0]["content"].replace("a@b.org", "[EMAIL]")
    assert write_row(draft) == {**row, "input": "at [EMAIL]\nnow"}
    draft.messages[0]["content"] = "Mail\n\nhim\n\nnothing"
    assert write_row(draft) == {**row, "input": "nothing"}
    draft.messages[0]["content"] = "one line"
    assert write_row(draft) == {**row, "instruction": "one line", "input": ""}


@given(st.lists(texts, min_size=1, max_size=4))
def test_joined_texts_come_apart_again(pieces: list[str]) -> None:
    """`part` gives back what `join` was given."""
    text, counts = join(pieces)
    assert part(text, counts) == pieces


def test_an_edited_label_is_written_back() -> None:
    """A label changed in review is in the row that comes out, in the column and type it came in."""
    draft = read({"text": "t", "label": 3}, "classification")
    assert draft.label == "3"
    assert write_row(draft._replace(label="4")) == {"text": "t", "label": 4}
    row = {"messages": [{"role": "user", "content": "q"}], "queue": "oak", "n": 1}
    draft = read(row, "messages", label="queue")
    assert (draft.label, draft.meta["queue"]) == ("oak", "oak")
    assert write_row(draft._replace(label="sierra")) == {**row, "queue": "sierra"}
    assert write_row(draft._replace(meta={**draft.meta, "queue": "[X]"}))["queue"] == "[X]"


def test_an_edit_that_breaks_a_tool_call_is_refused() -> None:
    """A tool call that is no longer JSON is an error, not a guess."""
    call = {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]}]}
    draft = read(call, "messages")
    draft.messages[0]["tool_calls"] = "[NAME"
    with pytest.raises(SourceError, match="no longer JSON"):
        write_row(draft)


def test_messages_added_or_taken_away() -> None:
    """A list takes what was added; a format with one place a message refuses it."""
    draft = read({"messages": [{"role": "user", "content": "q", "weight": 1}]}, "messages")
    more = {**draft.messages[0], "role": "assistant", "content": "a"}
    assert write_row(draft._replace(messages=[*draft.messages, more]))["messages"][1] == {
        "role": "assistant",
        "content": "a",
    }
    draft = read({"prompt": "q", "completion": "a"}, "prompt-completion")
    with pytest.raises(SourceError, match="3 messages"):
        write_row(draft._replace(messages=[*draft.messages, more]))


def test_what_messages_have_no_column_for_is_looked_at() -> None:
    """Extra keys of a message are in `meta`, where checks see their texts."""
    row = {"messages": [{"role": "user", "content": "q", "reasoning": "from a@b.org"}]}
    example = {**example_of(row, "messages"), "source": "s"}
    found = [text for *_, text in strings(with_ids(frame([example]), ["o"]))]
    assert "from a@b.org" in found


@given(values)
def test_numbers_that_json_lacks_are_lifted_and_put_back(value: Any) -> None:
    """NaN and the infinities leave a null behind, and come back to their places."""
    row = {"a/b": [value, float("nan")], "~": {"x": float("-inf")}}
    found: dict[str, str] = {}
    lifted = lift(row, "", found)
    json.dumps(lifted, allow_nan=False)
    assert json.dumps(lower(lifted, found)) == json.dumps(row)


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        (
            ("question_text", "answer_text"),
            "perhaps --column prompt=question_text --column completion=answer_text",
        ),
        (("userQuestion", "botAnswer"), "perhaps --column prompt=userQuestion --column completion=botAnswer"),
        (("Question and answer", "id"), "name the columns"),
        (("prompt id", "response time"), "name the columns"),
    ],
)
def test_columns_that_may_be_meant_are_two(columns, hint):
    with pytest.raises(SourceError) as error:
        recognise([dict.fromkeys(columns, "x")], {})
    assert error.value.hint.startswith(hint)
