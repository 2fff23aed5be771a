"""The tokenizer takes any text, and the chat template can be trusted with training."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from evalharness.tinybase import PATH
from train.tinybase.pieces import encode_word, vocabulary
from train.tinybase.world import Company

TOKENIZER = AutoTokenizer.from_pretrained(PATH, local_files_only=True)


def chat(seed=7, turns=3):
    company = Company(seed, 5)
    cases = [company.case() for _ in range(turns)]
    pairs = [message for case in cases for message in (company.question(case), company.answer(case))]
    return [company.system, *pairs]


def ids(messages, **options):
    return TOKENIZER.apply_chat_template(messages, return_dict=True, **options)["input_ids"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_no_text_breaks_it(text):
    """Whatever is typed or pasted becomes known ids and can be decoded."""
    found = TOKENIZER(text, add_special_tokens=False)["input_ids"]
    assert all(0 <= number < len(TOKENIZER) for number in found)
    assert isinstance(TOKENIZER.decode(found), str)


def test_empty_text_is_no_token_and_long_words_are_one_unknown():
    assert TOKENIZER("")["input_ids"] == []
    assert TOKENIZER("x" * 5000)["input_ids"] == [TOKENIZER.unk_token_id]


def test_world_text_comes_back_as_it_was():
    """Lower-case text of the world survives encoding, letter by letter."""
    company = Company(3, 8)
    for _ in range(300):
        case = company.case()
        for text in (company.question(case)["content"], company.answer(case)["content"]):
            assert TOKENIZER.decode(TOKENIZER(text)["input_ids"]) == text


def test_training_encodes_as_the_tokenizer_does():
    """The quick encoder of the run and the tokenizer of the files agree on words, numbers and nonsense."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghij0123456789", k=rng.randint(1, 9))) for _ in range(500)]
    for word in [*words, *(piece for piece in vocabulary() if piece.isalpha())]:
        assert list(encode_word(word)) == TOKENIZER(word)["input_ids"], word


def test_pad_is_not_end():
    assert TOKENIZER.pad_token_id != TOKENIZER.eos_token_id


def test_support_words_are_one_token():
    for word in [
        "please",
        "help",
        "my",
        "order",
        "invoice",
        "refund",
        "delivery",
        "password",
        "thanks",
        "yesterday",
    ]:
        assert len(TOKENIZER(word)["input_ids"]) == 1, word


def test_each_prefix_of_a_chat_is_a_prefix_of_its_tokens():
    """Turn by turn the tokens only grow, so that masks can be found by difference."""
    messages = chat()
    whole = ids(messages)
    for length in range(1, len(messages) + 1):
        part = ids(messages[:length])
        assert whole[: len(part)] == part
        if length < len(messages) and messages[length]["role"] == "assistant":
            prompt = ids(messages[:length], add_generation_prompt=True)
            assert whole[: len(prompt)] == prompt


def test_the_mask_covers_the_answers_and_their_end_marks():
    messages = chat()
    found = TOKENIZER.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    pairs = zip(found["input_ids"], found["assistant_masks"], strict=True)
    masked = [number for number, asked in pairs if asked]
    answers = [message["content"] for message in messages if message["role"] == "assistant"]
    wanted = [
        number for text in answers for number in [*TOKENIZER(text)["input_ids"], TOKENIZER.eos_token_id]
    ]
    assert masked == wanted


def test_one_start_mark_with_or_without_system():
    for messages in (chat(), chat()[1:]):
        assert ids(messages).count(TOKENIZER.bos_token_id) == 1


def test_an_unknown_role_is_refused():
    with pytest.raises(Exception, match="unknown role bot"):
        ids([{"role": "bot", "content": "hello"}])
