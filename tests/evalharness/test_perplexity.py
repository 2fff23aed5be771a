"""Perplexity of the references by the model itself."""

import math

import polars as pl
import pytest

from curate.errors import ConfigError
from evalharness.commands import score as cli_score
from evalharness.metrics.likelihood import Perplexity
from evalharness.scoring.perplexity import reference_logprobs
from tests.evalharness.conftest import save_model, save_tokenizer
from tests.evalharness.test_score import put


@pytest.fixture(scope="module")
def even(tmp_path_factory):
    """A model that holds all its 256 words for equally likely, whatever was said."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path_factory.mktemp("even")
    save_model(folder)
    save_tokenizer(folder)
    file = folder / "model.safetensors"
    save_file({name: tensor * 0 for name, tensor in load_file(file).items()}, file, {"format": "pt"})
    return folder


def test_a_model_without_an_opinion_is_as_perplexed_as_it_has_words(workspace, even):
    put(workspace, "base", base=str(even), quantization="none", device="cpu")
    found = cli_score.score(perplexity=True)
    rows = {row["metric"]: row for row in found.data["means"]}
    for name in ("perplexity-by-token", "perplexity-by-sequence"):
        assert rows[name]["mean"] == pytest.approx(256, rel=1e-5) and rows[name]["n"] == 12
        assert rows[name]["better"] == "less"
    again = cli_score.score()
    assert rows["perplexity-by-token"]["mean"] in [row["mean"] for row in again.data["means"]]


def test_the_sum_is_that_of_the_reference_alone_one_row_at_a_time(workspace, base):
    """By hand: log softmax of each token of the answer and its end, after the prompt."""
    import torch

    from evalharness.asking.task import queries
    from evalharness.models.chat import Chat
    from evalharness.models.loaded import load_model

    digest = put(workspace, "base", base=str(base), quantization="none", device="cpu")
    dataset = workspace.dataset("tickets")
    table = reference_logprobs(workspace, dataset, {"base": digest, "rag": digest})
    assert table["rag"].height == 0 and table["base"].height == 12
    loaded = load_model(str(base), quantization="none", device="cpu")
    chat = Chat(loaded)
    by_id = {row.query.example_id: row for row in queries(workspace.examples(dataset))}
    for example_id, logprob, tokens in table["base"].head(3).iter_rows():
        row = by_id[example_id]
        turns = [{"role": "system", "content": row.query.system}, *row.query.turns]
        prompt = chat.ids(chat.prompt(turns))
        whole = chat.ids(chat.told([*turns, {"role": "assistant", "content": row.answer}]))
        assert tokens == len(whole) - len(prompt)
        with torch.inference_mode():
            told = loaded.model(torch.tensor([whole])).logits[0].log_softmax(-1)
        by_hand = sum(float(told[at - 1, whole[at]]) for at in range(len(prompt), len(whole)))
        assert logprob == pytest.approx(by_hand, rel=1e-4)


def test_the_adapter_acts_for_the_tuned_arm_alone(workspace, base, adapter):
    kept = workspace.put_files("adapter", adapter)
    arms = {
        arm: put(workspace, arm, base=str(base), quantization="none", device="cpu", adapter=more)
        for arm, more in (("base", None), ("tuned", kept))
    }
    found = reference_logprobs(workspace, workspace.dataset("tickets"), arms)
    alone = reference_logprobs(workspace, workspace.dataset("tickets"), {"base": arms["base"]})
    assert found["base"]["reference_logprob"].to_list() == pytest.approx(
        alone["base"]["reference_logprob"].to_list()
    )
    assert found["tuned"]["reference_logprob"].to_list() != pytest.approx(
        found["base"]["reference_logprob"].to_list()
    )


def test_answers_from_elsewhere_have_no_perplexity(workspace):
    put(workspace, "base", endpoint="http://127.0.0.1:9/v1")
    with pytest.raises(ConfigError, match="not on this machine"):
        cli_score.score(perplexity=True)
    other = put(workspace, "rag")
    with pytest.raises(ConfigError, match="neither base nor tuned"):
        reference_logprobs(workspace, workspace.dataset("tickets"), {"rag": other})


def test_a_row_without_log_probabilities_is_null_and_one_without_an_answer_is_not():
    rows = pl.DataFrame(
        {
            "example_id": ["a", "b"], "answer": [None, "x"], "error": ["too long", None],
            "reference_logprob": [-6.0, None], "reference_tokens": [3, None],
        }
    )  # fmt: skip
    found = Perplexity().score(rows)
    assert found["value"].to_list() == [pytest.approx(math.exp(2)), None]
    assert found["reason"][1].startswith("no log probabilities of the reference")
