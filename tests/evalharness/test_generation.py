"""Greedy answers and label likelihoods, against the plain way to compute both."""

import pytest

from curate.errors import ResourceError
from evalharness.models import generation
from evalharness.models.candidates import Candidates
from evalharness.models.chat import Chat
from evalharness.models.generation import generate
from evalharness.models.loaded import load_model

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


MANY = [[30, 31, 32], [30, 33], [41], [42, 43, 44, 45], [60, 61], [60, 62, 63]]


@pytest.mark.parametrize(
    ("tree", "room"), [(None, generation.LOGITS), (True, 1), (False, generation.LOGITS), (False, 1)]
)
def test_the_likeliest_candidate_is_the_one_of_the_plain_sums(loaded, prompts, monkeypatch, tree, room):
    """As a tree and singly, all in one pass and one at a time, where the bound ends the search."""
    monkeypatch.setattr(generation, "LOGITS", room)
    candidates = Candidates(MANY)
    candidates.by_tree = tree
    batch = generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=3, candidates=candidates)
    for prompt, said in zip(prompts, batch, strict=True):
        sums = [reference_likelihood(loaded, prompt, each) for each in MANY]
        assert said.choice == max(range(len(MANY)), key=sums.__getitem__)
    assert candidates.by_tree is (True if tree is None else tree), "this model takes a tree"


def test_a_tree_gives_the_likelihoods_themselves(loaded, prompts):
    import torch

    candidates = Candidates(MANY)
    with torch.inference_mode():
        state = generation._State.read(loaded, prompts)
        tree = state.by_tree(candidates)
    right = [[reference_likelihood(loaded, prompt, each) for each in MANY] for prompt in prompts]
    assert torch.allclose(tree, torch.tensor(right), atol=1e-3)


@pytest.mark.parametrize("fault", ["refuses", "misreads"])
def test_a_model_that_cannot_take_a_tree_is_asked_for_each_candidate(loaded, prompts, monkeypatch, fault):
    right = generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=1, candidates=Candidates(MANY))
    real = generation._State.by_tree

    def wrong(state, candidates):
        if fault == "refuses":
            raise ValueError("attention mask must be 2D")
        return real(state, candidates).flip(1)

    monkeypatch.setattr(generation._State, "by_tree", wrong)
    candidates = Candidates(MANY)
    said = generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=1, candidates=candidates)
    assert said == right and candidates.by_tree is False


def test_common_beginnings_are_read_once():
    assert list(Candidates(MANY).nodes) == [(30,), (30, 31), (42,), (42, 43), (42, 43, 44), (60,), (60, 62)]


def test_candidates_of_one_token_need_no_further_pass(loaded, prompts):
    candidates = Candidates([[token] for token in (30, 31, 32, 33)])
    batch = generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=1, candidates=candidates)
    for prompt, said in zip(prompts, batch, strict=True):
        sums = [reference_likelihood(loaded, prompt, each) for each in candidates.tokens]
        assert said.choice == max(range(4), key=sums.__getitem__)


def test_choosing_changes_no_answer(loaded, prompts):
    plain = generate(loaded, prompts, stops=frozenset({4}), max_new_tokens=8)
    chosen = generate(
        loaded, prompts, stops=frozenset({4}), max_new_tokens=8, candidates=Candidates([[30, 31], [32, 33]])
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
