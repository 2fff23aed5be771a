"""What all prompts begin with is read once, and changes no token."""

import pytest

from evalharness.models import generation
from evalharness.models.candidates import Candidates
from evalharness.models.generation import generate, read_prefix, shared
from evalharness.models.loaded import load_model
from tests.evalharness.conftest import save_tokenizer

BEGIN = [1, *range(30, 60), 7, 8, 9]
ENDS = ([40, 41], [50, 51, 52, 53, 54, 55, 56], [33], [60, 61, 62, 20, 21], [33, 33, 33])


@pytest.fixture(scope="module")
def loaded(base):
    return load_model(str(base), quantization="none", device="cpu", threads=1)


@pytest.fixture(scope="module")
def prompts():
    return [[*BEGIN, *end] for end in ENDS]


def test_the_shared_beginning_leaves_each_prompt_a_token(prompts):
    assert shared(prompts) == len(BEGIN)
    assert shared([[1, 2, 3], [1, 2, 3]]) == 2 and shared([[1, 2], [1, 2, 3]]) == 1
    assert shared([[5]]) == 0 and shared([]) == 0 and shared([[1, 2], [3, 2]]) == 0


def test_tokens_and_choices_are_those_of_each_prompt_alone(loaded, prompts):
    stops, many = frozenset({4, 19}), [[30, 31, 32], [30, 33], [41], [42, 43, 44, 45]]
    prefix = read_prefix(loaded, prompts)
    assert prefix is not None and list(prefix.tokens) == BEGIN
    candidates = Candidates(many)
    batch = generate(loaded, prompts, stops=stops, max_new_tokens=12, candidates=candidates, prefix=prefix)
    again = generate(
        loaded, prompts[:2], stops=stops, max_new_tokens=12, candidates=candidates, prefix=prefix
    )
    alone = [
        generate(loaded, [prompt], stops=stops, max_new_tokens=12, candidates=Candidates(many))[0]
        for prompt in prompts
    ]
    assert batch == alone and again == alone[:2], "the prefix can be used as often as wanted"
    assert len({tuple(said.ids) for said in batch}) > 1


def test_nothing_is_shared_where_it_does_not_pay(loaded):
    assert read_prefix(loaded, [[1, 30, 31], [1, 30, 32]]) is None
    assert read_prefix(loaded, []) is None


def test_a_model_that_reads_it_otherwise_is_seen_and_read_whole(loaded, prompts, monkeypatch):
    """As a sliding window or an attention of its own would."""
    real = generation._State.read.__func__

    def wrong(cls, model, some, prefix=None):
        state = real(cls, model, some, prefix)
        if prefix is not None:
            state.logits = state.logits.flip(-1)
        return state

    monkeypatch.setattr(generation._State, "read", classmethod(wrong))
    assert read_prefix(loaded, prompts) is None


def test_a_model_with_a_sliding_window_shares_nothing(prompts, tmp_path):
    """Padding behind the shared beginning would move its window."""
    import torch
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=256, hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=512, sliding_window=16, pad_token_id=0,
    )  # fmt: skip
    MistralForCausalLM(config).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    sliding = load_model(str(tmp_path), quantization="none", device="cpu", threads=1)
    assert read_prefix(sliding, prompts) is None


def test_rows_that_have_ended_leave_the_batch_and_change_no_other(loaded, prompts):
    """With many stop tokens most rows end at once; the long ones go on alone."""
    few = frozenset(range(0, 256, 3))
    batch = generate(loaded, prompts, stops=few, max_new_tokens=10)
    assert batch == [generate(loaded, [prompt], stops=few, max_new_tokens=10)[0] for prompt in prompts]
    assert len({len(said.ids) for said in batch}) > 1
