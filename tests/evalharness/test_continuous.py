"""Continuous batching gives the tokens that one prompt after the other gets, or nothing at all."""

import pytest

from evalharness.models import continuous
from evalharness.models.generation import generate
from evalharness.models.loaded import load_model

PROMPTS = [[1, 2, *range(6 + n, 12 + 3 * n), 3] for n in range(7)]


@pytest.fixture(scope="module")
def loaded(base, adapter):
    return load_model(str(base), quantization="none", adapter=adapter, threads=1)


def alone(loaded, prompt, stops, most):
    (said,) = generate(loaded, [prompt], stops=stops, max_new_tokens=most)
    return said


def test_tokens_are_those_of_each_prompt_alone_with_the_adapter_and_without(loaded):
    stops = frozenset({4, 30, 31})
    assert continuous.objection(loaded) is None
    said = continuous.generate(loaded, PROMPTS, stops=stops, max_new_tokens=12)
    assert said == [alone(loaded, prompt, stops, 12) for prompt in PROMPTS]
    with loaded.without_adapter():
        bare = continuous.generate(loaded, PROMPTS, stops=stops, max_new_tokens=12)
        assert bare == [alone(loaded, prompt, stops, 12) for prompt in PROMPTS]
    assert bare != said, "the adapter acts in one of them"


def test_the_tiny_base_says_what_it_says_one_by_one():
    loaded = load_model("tiny", quantization="none", threads=1)
    tokenizer = loaded.tokenizer
    asked = ["Where is my parcel?", "The lamp arrived broken", "refund", "refund"]
    prompts = [
        list(
            tokenizer.apply_chat_template(
                [{"role": "user", "content": each}], add_generation_prompt=True, return_dict=False
            )
        )
        for each in asked
    ]
    stops = frozenset({tokenizer.eos_token_id})
    said = continuous.generate(loaded, prompts, stops=stops, max_new_tokens=8)
    assert said == [alone(loaded, prompt, stops, 8) for prompt in prompts]
    assert {each.finish_reason for each in said} <= {"stop", "length"}


def test_where_any_answer_is_missing_all_are_asked_otherwise(loaded, monkeypatch):
    inner = loaded.model.get_base_model()
    whole = inner.generate_batch

    def loses_one(*words, **more):
        found = whole(*words, **more)
        found.pop(next(iter(found)))
        return found

    monkeypatch.setattr(inner, "generate_batch", loses_one)
    assert continuous.generate(loaded, PROMPTS[:3], stops=frozenset({4}), max_new_tokens=4) is None

    def breaks(*words, **more):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(inner, "generate_batch", breaks)
    assert continuous.generate(loaded, PROMPTS[:3], stops=frozenset({4}), max_new_tokens=4) is None


def test_a_model_that_cannot_be_asked_so_is_told(loaded, monkeypatch):
    monkeypatch.setattr(loaded.model.get_base_model().config, "_attn_implementation", "eager")
    assert continuous.objection(loaded) == "its attention is eager, not sdpa"


def test_predict_asks_so_where_there_are_no_labels_and_says_the_same(workspace, base, monkeypatch):
    import polars as pl

    from curate.example import frame, with_ids
    from evalharness.asking import answerers
    from evalharness.commands import predict as command
    from tests.evalharness.conftest import ticket

    made = [ticket(n, "oak", "train", reply=f"sorry about parcel {n}") | {"label": None} for n in range(12)]
    made += [ticket(50 + n, "oak", "test", reply=f"thanks {n}") | {"label": None} for n in range(5)]
    dataset = workspace.put_dataset(with_ids(frame(made), [str(n) for n in range(len(made))]))
    workspace.ledger.set_name("written", dataset)
    asked = []

    def counted(*words, **more):
        asked.append(len(words[1]))
        return continuous.generate(*words, **more)

    monkeypatch.setattr(answerers, "by_continuous_batching", counted)
    words = {"base": str(base), "quantization": "none", "threads": 1, "max_new_tokens": 6}
    told = [
        command.predict("written", ["base"], **words, setting=[f"continuous={word}"]).data["arms"][0]
        for word in ("yes", "no")
    ]
    assert asked == [5], "all at once, and only where it was asked for"
    both = [
        workspace.table(each["predictions"]).select("example_id", "answer", "finish_reason") for each in told
    ]
    assert both[0].equals(both[1]) and both[0].filter(pl.col("answer").is_not_null()).height == 5
    command.predict("tickets", ["base"], **words, limit=2, setting=["continuous=yes"])
    assert asked == [5], "labels' likelihoods are read, so these are asked in batches"
