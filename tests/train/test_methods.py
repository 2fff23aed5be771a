"""Each method and objective end to end: trained, stopped and gone on with, saved, loaded by the harness, acting."""

from __future__ import annotations

import json

import pytest

from curate.progress import Progress
from evalharness.models.chat import Chat
from evalharness.models.generation import generate
from evalharness.models.loaded import load_model
from tests.train.conftest import ticket
from tests.train.test_train import QUICK, told_of, train  # noqa: F401  # the fixture
from train import cli

pytestmark = pytest.mark.slow(25)

METHODS = {  # lora has tests of its own in test_train
    "dora": {},
    "vera": {"rank": 64, "learning_rate": 0.05},
    "adalora": {"learning_rate": 0.05},
    "prompt": {"virtual_tokens": 8, "learning_rate": 0.1},
    "prefix": {"virtual_tokens": 4, "learning_rate": 0.1},
    "full": {"learning_rate": 1e-3},
}


def adapter_of(workspace, name="tickets-adapter"):
    return workspace.files(workspace.artifact("adapter", name))


def stopped_and_gone_on(train, settings, monkeypatch, **flags):  # noqa: F811
    """A run that fails in its second epoch and is gone on with, and one in one piece under the name `straight`."""
    step = Progress.step

    def falls(self, count=1, note=""):
        step(self, count, note)
        if self.stage == "train" and self.done == 3:
            raise KeyboardInterrupt

    # two steps to an epoch; KTO sees both answers of a pair as rows of their own
    settings |= {"epochs": 2, "batch_size": 24 if settings.get("objective") == "kto" else 12}
    monkeypatch.setattr(Progress, "step", falls)
    with pytest.raises(KeyboardInterrupt):
        train(settings, **flags)
    monkeypatch.setattr(Progress, "step", step)
    train(settings, resume=True, **flags)
    train(settings, again=True, name="straight", **flags)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_learns_and_goes_on_to_the_same_bits(
    train,  # noqa: F811
    keep,
    tickets,
    workspace,
    method,
    monkeypatch,
):
    """Stopped in its second epoch, gone on with: weights as of a run in one piece; and the harness loads them."""
    keep(tickets)
    settings = {"method": method, "evaluate": False, **METHODS[method]}
    stopped_and_gone_on(train, settings, monkeypatch)
    told, folder = told_of(workspace), adapter_of(workspace)
    assert told["resumed_at_step"] == 2 and told["method"] == method
    assert told["losses"][-1]["loss"] < told["losses"][0]["loss"]
    name = "model.safetensors" if method == "full" else "adapter_model.safetensors"
    straight = adapter_of(workspace, "straight")
    for file in (name, "log.jsonl"):
        assert (folder / file).read_bytes() == (straight / file).read_bytes(), file
    if method == "adalora":  # from the ranks it began with to those that were asked for, on average
        kept = json.loads((folder / "adapter_config.json").read_text())["rank_pattern"].values()
        assert {len(ranks) for ranks in kept} == {6} and sum(map(sum, kept)) == 4 * len(kept)
    assert {"the adapter acts", "reload equals"} <= {each["name"] for each in told["checks"]}


def prompts(loaded):
    chat = Chat(loaded)
    asked = [ticket(number)["messages"][:2] for number in (0, 5, 3)]
    return [chat.ids(chat.prompt(turns)) for turns in asked]


@pytest.fixture(scope="module")
def plain(base):
    """The base by itself, as it is held for a method."""
    found = {}

    def held(quantization):
        if quantization not in found:
            found[quantization] = load_model(str(base), quantization=quantization, device="cpu", threads=1)
        return found[quantization]

    return held


@pytest.mark.parametrize("method", METHODS)
def test_the_harness_asks_what_was_trained(keep, tickets, workspace, method, plain, base):
    """The trained model's own generation, a batch padded on the left, a single prompt: the same tokens.

    And the base is the base again while the adapter is off.
    """
    import torch

    keep(tickets)
    settings = {
        **QUICK,
        "method": method,
        "batch_size": 12,
        "quantization": "none" if method == "full" else "nf4",
        "evaluate": False,
        **METHODS[method],
    }
    cli.train(
        "tickets", base=str(base), setting=[f"{key}={json.dumps(value)}" for key, value in settings.items()]
    )
    tuned = load_model(str(base), adapter=adapter_of(workspace), device="cpu", threads=1)
    plain = plain(tuned.facts["quantization"])
    asked = prompts(tuned)
    assert tuned.facts["quantization"] == ("none" if method == "full" else "nf4")
    how = {"stops": Chat(tuned).stops, "max_new_tokens": 8}
    together = [each.ids for each in generate(tuned, asked, **how)]
    assert together == [generate(tuned, [each], **how)[0].ids for each in asked]
    if method in ("prompt", "prefix"):
        assert tuned.context == plain.context - METHODS[method]["virtual_tokens"]
    for ids, said in zip(asked, together, strict=True):
        with torch.inference_mode():
            row = torch.tensor([[*ids, *said]])
            logits = tuned.model(input_ids=row, attention_mask=torch.ones_like(row)).logits
            own = logits[0, -row.shape[1] :][len(ids) - 1 :].argmax(dim=-1).tolist()
        assert own[: len(said)] == said
    with tuned.without_adapter():
        assert [each.ids for each in generate(tuned, asked, **how)] == [
            each.ids for each in generate(plain, asked, **how)
        ]
    assert [each.ids for each in generate(tuned, asked, **how)] == together


@pytest.mark.parametrize(
    ("objective", "pace"), [("dpo", 5e-3), ("kto", 5e-3), ("orpo", 0.02), ("reward", 0.02)]
)
def test_an_objective_prefers_and_goes_on_to_the_same_bits(
    train,  # noqa: F811
    keep,
    pairs,
    workspace,
    objective,
    pace,
    monkeypatch,
):
    keep(pairs)
    tiny = {"base": "tiny"} if objective == "reward" else {}  # the random base learns the pairs by heart
    stopped_and_gone_on(train, {"objective": objective, "learning_rate": pace}, monkeypatch, **tiny)
    told, folder, straight = told_of(workspace), adapter_of(workspace), adapter_of(workspace, "straight")
    assert told["resumed_at_step"] == 2
    for file in ("adapter_model.safetensors", "log.jsonl"):
        assert (folder / file).read_bytes() == (straight / file).read_bytes(), file
    assert told["rows"]["train"]["rows"] == 48  # two answers of each row
    found = told["pairs"]
    assert found["validation"] == 4 and found["lead_grew"] >= 3, found
    assert "validation pairs" in (folder / "README.md").read_text()
