from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from curate.errors import ConfigError, SourceError
from evalharness.encoding import encode as batches
from evalharness.encoding.encode import Row
from evalharness.encoding.rows import encode_rows, ends_well, fit
from evalharness.encoding.shown import Masked
from train.outline import outline
from train.recipe import Recipe

CHAT = [
    {"role": "system", "content": "queues : oak , sierra ."},
    {"role": "user", "content": "my mug is wrong"},
    {"role": "assistant", "content": "oak : sorry ."},
    {"role": "user", "content": "again my mug"},
    {"role": "assistant", "content": "oak : we look ."},
]


@pytest.fixture(scope="session")
def template(base):
    made = batches.template_of(outline(Recipe(base=str(base))), "assistant")
    assert made.end_ids  # found now, and kept: the first test to ask may have changed the template
    return made


@pytest.fixture
def retold(template):
    """The template of the same base with another chat template."""
    former = template.tokenizer.chat_template

    def change(old: str, new: str):
        assert old in former
        template.tokenizer.chat_template = former.replace(old, new)
        return template

    yield change
    template.tokenizer.chat_template = former


def encode(template, where: str, chat) -> batches.Encoded:
    """One conversation; raises what is at fault with it."""
    [found] = batches.encode(template, [Row("id", where, chat)])
    if isinstance(found, SourceError):
        raise found
    return found


def trained(template, row) -> str:
    """The trained tokens as text."""
    ids = [token for token, on in zip(row.ids, row.trained, strict=True) if on]
    return " ".join(template.tokenizer.convert_ids_to_tokens(ids))


def test_the_trained_tokens_are_the_answers_with_their_end_tokens(template):
    row = encode(template, "f:1", CHAT)
    assert trained(template, row) == "oak : sorry . <e> oak : we look . <e>"
    assert row.labels.count(batches.IGNORED) == len(row.ids) - sum(row.trained)
    assert template.chat.marked


def test_the_last_answer_alone(template):
    row = encode(replace(template, train_on="last"), "f:1", CHAT)
    assert trained(template, row) == "oak : we look . <e>"


@pytest.mark.parametrize(
    ("train_on", "text"),
    [("assistant", "oak : sorry . <e> oak : we look . <e>"), ("last", "oak : we look . <e>")],
)
def test_a_template_without_marks_gives_the_same_mask(retold, train_on, text):
    plain = replace(retold("{% generation %}", ""), train_on=train_on)
    plain.tokenizer.chat_template = plain.tokenizer.chat_template.replace("{% endgeneration %}", "")
    assert not plain.chat.marked
    assert trained(plain, encode(plain, "f:1", CHAT)) == text


@pytest.mark.parametrize(
    ("content", "text"), [("  ", "<e>"), (" oak", "oak <e>"), ("oak ", "oak <e>"), ("", "<e>")]
)
def test_white_space_that_the_tokenizer_drops_is_no_fault_of_the_template(template, content, text):
    chat = [*CHAT[:2], {"role": "assistant", "content": content}]
    assert trained(template, encode(template, "f:1", chat)) == text


PLAIN = ("{% generation %}", ""), ("{% endgeneration %}", "")


@pytest.mark.parametrize("unusable", ["refuse", "drop"])
@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("content", ["", "  ", "\n", "\n\n"])
def test_a_row_whose_only_answer_is_empty_is_trained_on_its_end(template, tickets, content, marked, unusable):
    """Both ways to find the trained tokens agree on it, with marks and without, whatever the policy."""
    rows = tickets.to_dicts()
    rows[4]["messages"][2]["content"] = content
    former = template.tokenizer.chat_template
    if not marked:
        for old, new in PLAIN:
            template.tokenizer.chat_template = template.tokenizer.chat_template.replace(old, new)
    try:
        encoded, out = encode_rows(template, pl.DataFrame(rows, schema=tickets.schema), unusable=unusable)
    finally:
        template.tokenizer.chat_template = former
    assert out == () and trained(template, encoded[4]) == "<e>"


def test_white_space_that_the_tokenizer_joins_to_the_templates_own_is_a_fault_of_the_row(retold, tickets):
    """As byte-level tokenizers join line ends; here the template begins a blank answer otherwise than it asks."""
    joined = retold(
        "{{ '<a>' }}{% generation %}", "{{ '<a>' if m.content.strip() else '<u>' }}{% generation %}"
    )
    rows = tickets.to_dicts()
    rows[4]["messages"][2]["content"] = " "
    broken = pl.DataFrame(rows, schema=tickets.schema)
    with pytest.raises(
        ConfigError, match=r"1 of 32 rows cannot be trained on: tickets\.jsonl:5 \(message 3 is empty"
    ):
        encode_rows(joined, broken)
    encoded, out = encode_rows(joined, broken, unusable="drop")
    assert len(encoded) == 31 and out[0].startswith("tickets.jsonl:5 (message 3 is empty")


def test_a_template_that_can_reason_is_trained_on_answers_as_the_harness_asks(retold, base):
    """The empty block of reasoning is part of the prompt, with marks and without, never of what is learned."""
    from evalharness.models.chat import Chat

    block = "<think>\n\n</think>\n\n"
    switched = retold("{% if add_generation_prompt %}{{ '<a>' }}", (
        "{% if add_generation_prompt %}{{ '<a>' }}"
        "{% if enable_thinking is defined and enable_thinking is false %}{{ '" + block + "' }}{% endif %}"
    ))  # fmt: skip
    marked = switched.tokenizer.chat_template.replace(
        "{{ '<a>' }}{% generation %}", "{{ '<a>" + block + "' }}{% generation %}"
    )
    plain = marked
    for old, new in PLAIN:
        plain = plain.replace(old, new)
    for chat_template in (marked, plain):
        switched.tokenizer.chat_template = chat_template
        row = encode(switched, "f:1", CHAT[:3])
        assert trained(switched, row) == "oak : sorry . <e>"
        loaded = replace(outline(Recipe(base=str(base))), tokenizer=switched.tokenizer)
        asked = Chat(loaded).ids(Chat(loaded).prompt(CHAT[:2]))
        assert list(row.ids[: len(asked)]) == asked and row.trained.index(True) == len(asked)


CALLS = '[{"type": "function", "function": {"name": "find", "arguments": {}}}]'


@pytest.mark.parametrize("tiny", [True, False])
def test_an_answer_that_only_calls_tools_is_a_fault_of_the_row(template, tickets, tiny):
    """A template that leaves tool calls out would train the model to say nothing."""
    if tiny:
        template = batches.template_of(outline(Recipe(base="tiny")), "assistant")
    rows = tickets.to_dicts()
    rows[4]["messages"][2] |= {"content": None, "tool_calls": CALLS}
    rows[6]["messages"][2] |= {"content": None, "tool_calls": "[{"}
    broken = pl.DataFrame(rows, schema=tickets.schema)
    with pytest.raises(
        ConfigError, match=r"tickets\.jsonl:5 \(an assistant turn only calls tools.*:7 \(.*no JSON"
    ):
        encode_rows(template, broken)
    encoded, out = encode_rows(template, broken, unusable="drop")
    assert (len(encoded), len(out)) == (30, 2)


def test_tool_calls_that_the_template_tells_are_trained_on(retold):
    told = retold(
        "m.content + eos_token", "(m.tool_calls[0].function.name if m.tool_calls else m.content) + eos_token"
    )
    calls = [{"type": "function", "function": {"name": "mug", "arguments": {}}}]
    chat = [*CHAT[:2], {"role": "assistant", "content": "", "tool_calls": calls}]
    assert trained(told, encode(told, "f:1", chat)) == "mug <e>"


def test_an_error_inside_the_template_is_a_fault_of_the_row(retold, tickets):
    """As of a template that adds a text to a null."""
    strict = retold(
        "{% for m in messages %}", "{% for m in messages %}{{ '' if m.content != 'oak' else 1 + 'x' }}"
    )
    rows = tickets.to_dicts()
    rows[4]["messages"][2]["content"] = "oak"
    _, out = encode_rows(strict, pl.DataFrame(rows, schema=tickets.schema), unusable="drop")
    assert len(out) == 1 and "the chat template refuses" in out[0]


def test_marks_that_leave_out_the_end_token_stop_the_run(retold):
    """The commonest defect of real templates: the model would never learn to stop."""
    broken = retold(
        "{{ m.content + eos_token }}{% endgeneration %}", "{{ m.content }}{% endgeneration %}{{ eos_token }}"
    )
    with pytest.raises(ConfigError, match=r"f:1.*only the second `<e> <e>`"):
        encode(broken, "f:1", CHAT)


def test_marks_around_the_question_stop_the_run(retold):
    broken = retold("{{ '<u>' + m.content }}", "{% generation %}{{ '<u>' + m.content }}{% endgeneration %}")
    with pytest.raises(ConfigError, match="only the first trains `<u> my mug"):
        encode(broken, "f:1", CHAT)


def test_a_template_that_retells_earlier_turns_can_train_the_last_one(retold):
    """As templates do that strip the reasoning of turns gone by."""
    strip = retold(
        "{% if m.role == 'assistant' %}",
        "{% if m.role == 'assistant' and not loop.last %}{{ '<a>' }}{% elif m.role == 'assistant' %}",
    )
    with pytest.raises(ConfigError) as caught:
        encode(strip, "f:1", CHAT)
    assert "train_on=last" in caught.value.hint
    assert trained(strip, encode(replace(strip, train_on="last"), "f:1", CHAT)) == "oak : we look . <e>"


def test_an_answer_without_an_end_token_is_refused(retold, tickets):
    """Here the second way runs on into what the template puts after an answer."""
    with pytest.raises(ConfigError, match="only the second `<n>`"):
        encode_rows(retold("{{ m.content + eos_token }}", "{{ m.content }}"), tickets)


def test_each_stretch_of_trained_tokens_must_stop_at_an_end():
    row = batches.Encoded("id", "f:1", (1, 7, 5, 1, 7, 5), (False, True, True, False, True, True))
    assert ends_well(row.ids, row.trained, frozenset({5}))
    assert not ends_well((1, 7, 5, 1, 7, 7), row.trained, frozenset({5}))
    assert not ends_well((1, 7, 7, 1, 7, 5), row.trained, frozenset({5}))


def test_two_begin_tokens_are_refused(retold, tickets):
    with pytest.raises(ConfigError, match=r"tickets.jsonl:1, .* and 27 more: two begin tokens"):
        encode_rows(retold("{{ bos_token }}", "{{ bos_token + bos_token }}"), tickets)


def test_a_row_that_spells_a_control_token_is_named(template, tickets):
    rows = tickets.to_dicts()
    rows[3]["messages"][1]["content"] += " <e> sierra"
    spelled = pl.DataFrame(rows, schema=tickets.schema)
    with pytest.raises(ConfigError, match=r"tickets\.jsonl:4 \(its text spells the control token <e>\)"):
        encode_rows(template, spelled)
    assert len(encode_rows(template, spelled, control_tokens="allow")[0]) == 32


def test_rows_that_cannot_be_trained_on_are_refused_or_left_out_by_name(retold, tickets):
    template = retold(
        "{% for m in messages %}",
        "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}",
    )
    rows = tickets.to_dicts()
    del rows[7]["messages"][2]
    rows[9]["messages"][0]["role"] = "tool"
    broken = pl.DataFrame(rows, schema=tickets.schema)
    with pytest.raises(
        ConfigError,
        match=r"2 of 32 rows.*tickets\.jsonl:8 \(no assistant turn\), tickets\.jsonl:10 \(.*no tools",
    ):
        encode_rows(template, broken)
    encoded, out = encode_rows(template, broken, unusable="drop")
    assert (len(encoded), len(out)) == (30, 2)
    _, gate = fit(encoded, 64, "refuse", out)
    assert gate.record()["unusable"] == list(out)


def test_over_long_rows_are_refused_dropped_or_cut_by_name(template, tickets):
    rows, _ = encode_rows(template, tickets)
    context = max(len(row.ids) for row in rows) - 4
    long = [row.where for row in rows if len(row.ids) > context]
    with pytest.raises(ConfigError, match=f"{len(long)} of 32 rows are longer.*{long[0]}"):
        fit(rows, context, "refuse")
    kept, gate = fit(rows, context, "drop")
    assert (len(kept), list(gate.dropped)) == (32 - len(long), long)
    assert gate.lost == sum(sum(row.trained) for row in rows if row.where in long)
    kept, gate = fit(rows, context, "truncate")
    assert (len(kept), list(gate.truncated)) == (32, long)
    assert max(len(row.ids) for row in kept) == context
    assert 0 < gate.lost <= 3 * len(long)  # the last token of a row is the template's own


def test_a_row_cut_to_nothing_learned_counts_as_dropped(template, tickets):
    kept, gate = fit(encode_rows(template, tickets)[0], 5, "truncate")
    assert (kept, len(gate.dropped), gate.truncated) == ([], 32, ())


def test_the_mask_of_a_row_is_shown_without_colour(template):
    row = encode(template, "f:1", CHAT)
    names = tuple(template.tokenizer.convert_ids_to_tokens(list(row.ids)))
    lines = Masked(row.where, names, row.trained).lines(template.ways)
    assert "11 of" in lines[0]
    assert [line.split()[-1] for line in lines if "  train  " in line] == [
        "oak",
        ":",
        "sorry",
        ".",
        "<e>",
        "oak",
        ":",
        "we",
        "look",
        ".",
        "<e>",
    ]


def test_a_tool_call_reaches_the_template_as_a_value():
    [turn] = batches.conversation(
        [
            {
                "role": "assistant",
                "content": None,
                "name": None,
                "tool_calls": '[{"type": "function"}]',
                "tool_call_id": None,
            }
        ]
    )
    assert turn == {"role": "assistant", "content": "", "tool_calls": [{"type": "function"}]}


SHAPES = {
    "one question": CHAT[:3],
    "several questions": CHAT,
    "no system": CHAT[1:3],
    "empty answer": [*CHAT[:2], {"role": "assistant", "content": ""}],
    "ends with a question": CHAT[:4],
}


@pytest.mark.parametrize("every", [1, 1000])
@pytest.mark.parametrize("tiny", [True, False])
def test_rows_are_what_the_trainers_own_tokenizer_and_collator_make_of_them(template, tiny, every):
    """Many at once, with or without the second way: the tokens and masks of transformers, one by one, as TRL pads them."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    if tiny:
        template = batches.template_of(outline(Recipe(base="tiny")), "assistant")
    rows = [Row(name, name, chat) for name, chat in SHAPES.items()] * 200  # more than become tokens at once
    found = list(batches.encode(template, rows, every=every))
    own = {
        name: template.tokenizer.apply_chat_template(
            chat, return_dict=True, return_assistant_tokens_mask=True, enable_thinking=False
        )
        for name, chat in SHAPES.items()
    }
    for row in found:
        assert list(row.ids) == own[row.where]["input_ids"]
        assert [int(on) for on in row.trained] == own[row.where]["assistant_masks"]
    first = found[: len(SHAPES)]
    batch = DataCollatorForLanguageModeling(pad_token_id=0)(
        [{"input_ids": list(row.ids), "labels": row.labels} for row in first]
    )
    for row, ids, labels in zip(first, batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        kept = [label for token, label in zip(ids, labels, strict=True) if label != batches.IGNORED]
        assert kept == [token for token, on in zip(row.ids, row.trained, strict=True) if on]
        assert labels[: len(row.ids)] == row.labels and set(labels[len(row.ids) :]) <= {batches.IGNORED}


def test_a_sample_of_the_rows_is_compared_where_that_is_asked_for(retold):
    """A plan looks at every so many; a run at each."""
    broken = retold("{{ '<u>' + m.content }}", "{% if 'mug' in m.content %}{% generation %}{{ m.content }}{% endgeneration %}{% endif %}")  # fmt: skip
    whole = [CHAT[0], {"role": "user", "content": "hello"}, CHAT[2]]
    rows = [Row("a", "f:1", whole), Row("b", "f:2", CHAT[:3]), Row("c", "f:3", whole)]
    assert len(list(batches.encode(broken, rows, every=2))) == 3
    with pytest.raises(ConfigError, match="f:2: the two ways"):
        list(batches.encode(broken, rows))
