"""Greedy answers and label likelihoods, against the plain way to compute both."""

import pytest

from curate.errors import ResourceError
from evalharness import generation
from evalharness.chat import Chat
from evalharness.generation import generate
from evalharness.models import load_model

TEXTS = (
    "hello my mug arrived broken",
    "lost",
    "my parcel is late please refund the card payment 12 345",
    "oak",
)


@pytest.fixture(scope="module")
def loaded(base):
    return load_model(str(base), quantization="none", device="cpu", threads=1)


@pytest.fixture(scope="module")
def prompts(loaded):
    chat = Chat(loaded)
    return [chat.ids(chat.prompt([{"role": "user", "content": text}])) for text in TEXTS]


def reference_answer(loaded, prompt, stops, count):
    """One token at a time, the whole text read again each time, without cache, mask or positions."""
    import torch

    said = []
    while len(said) < count:
        with torch.inference_mode():
            token = int(loaded.model(input_ids=torch.tensor([[*prompt, *said]])).logits[0, -1].argmax())
        if token in stops:
            return said, "stop"
        said.append(token)
    with torch.inference_mode():
        token = int(loaded.model(input_ids=torch.tensor([[*prompt, *said]])).logits[0, -1].argmax())
    return said, "stop" if token in stops else "length"


def reference_likelihood(loaded, prompt, candidate):
    import torch

    with torch.inference_mode():
        logits = loaded.model(input_ids=torch.tensor([[*prompt, *candidate]])).logits[0].float()
    told = torch.log_softmax(logits, dim=-1)
    return sum(float(told[len(prompt) + i - 1, token]) for i, token in enumerate(candidate))


def test_a_batch_gives_what_each_prompt_gives_alone(loaded, prompts):
    """Check C17: left padding and positions change no token, and neither does the cache."""
    stops = frozenset({4, 7, 19})
    batch = generate(loaded, prompts, stops=stops, max_new_tokens=12)
    for prompt, said in zip(prompts, batch, strict=True):
        alone = generate(loaded, [prompt], stops=stops, max_new_tokens=12)[0]
        assert said == alone
        assert (said.ids, said.finish_reason) == reference_answer(loaded, prompt, stops, 12)
    assert len({tuple(said.ids) for said in batch}) > 1


@pytest.mark.parametrize("room", [generation.BRANCH_TOKENS, 1])
def test_the_likeliest_candidate_is_the_one_of_the_plain_sums(loaded, prompts, monkeypatch, room):
    """With all candidates in one pass and with one at a time, where the bound ends the search."""
    monkeypatch.setattr(generation, "BRANCH_TOKENS", room)
    candidates = [[30, 31, 32], [30, 33], [41], [42, 43, 44, 45], [60, 61], [60, 62, 63]]
    batch = generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=3, candidates=candidates)
    for prompt, said in zip(prompts, batch, strict=True):
        sums = [reference_likelihood(loaded, prompt, candidate) for candidate in candidates]
        assert said.choice == max(range(len(candidates)), key=sums.__getitem__)


def test_candidates_of_one_token_need_no_further_pass(loaded, prompts):
    candidates = [[token] for token in (30, 31, 32, 33)]
    batch = generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=1, candidates=candidates)
    for prompt, said in zip(prompts, batch, strict=True):
        sums = [reference_likelihood(loaded, prompt, candidate) for candidate in candidates]
        assert said.choice == max(range(4), key=sums.__getitem__)


def test_choosing_changes_no_answer(loaded, prompts):
    plain = generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=8)
    chosen = generate(
        loaded, prompts, stops=frozenset({4}), max_new_tokens=8, candidates=[[30, 31], [32, 33]]
    )
    assert [each.ids for each in plain] == [each.ids for each in chosen]


def test_nf4_gives_the_same_in_a_batch_as_alone(base, prompts):
    held = load_model(str(base), quantization="nf4", device="cpu", threads=1)
    batch = generate(held, prompts, stops=frozenset({4}), max_new_tokens=8)
    alone = [generate(held, [prompt], stops=frozenset({4}), max_new_tokens=8)[0] for prompt in prompts]
    assert batch == alone


def test_the_models_own_penalties_are_not_applied(loaded, prompts):
    """Some models ship a repetition penalty that `generate` of transformers applies to greedy answers too."""
    before = generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=8)
    loaded.model.generation_config.repetition_penalty = 5.0
    try:
        assert generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=8) == before
    finally:
        loaded.model.generation_config.repetition_penalty = None


def test_a_batch_that_does_not_fit_is_halved_and_one_prompt_that_does_not_is_an_error(
    loaded, prompts, monkeypatch
):
    import torch

    real = generation._generate

    def small(model, batch, *rest):
        if len(batch) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return real(model, batch, *rest)

    whole = generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=4)
    monkeypatch.setattr(generation, "_generate", small)
    assert generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=4) == whole

    def none(*_):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(generation, "_generate", none)
    with pytest.raises(ResourceError, match="one prompt"):
        generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=4)
