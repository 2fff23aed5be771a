"""What a trainer is asked for, by the size of the run, the processes and the base."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from evalharness.adapters import card
from evalharness.models import nf4
from evalharness.models.loaded import load_model
from tests.train.test_plan import row
from train import preference, sft
from train.checkpoints import if_begun
from train.outline import steps
from train.recipe import parse, resolve
from train.sft import Asked
from train.trainer import arguments

REAL = resolve(parse(["base=some/model"])).recipe


def asked(rows: int, tmp_path, **settings: object) -> dict[str, object]:
    loaded = SimpleNamespace(device="cpu", facts={"compute_dtype": "float32"})
    recipe = replace(REAL, **settings)
    return arguments(Asked(loaded, recipe, [row(3, 1)] * rows), tmp_path)


@pytest.mark.parametrize(("rows", "lines"), [(48, 9), (16_000, 300)])
def test_a_short_run_tells_its_losses_too(tmp_path, rows, lines):
    """Else nine steps with a line for each ten would tell none."""
    total = steps(rows, REAL)
    assert total // asked(rows, tmp_path)["logging_steps"] == lines


def test_no_run_is_all_warm_up(tmp_path):
    assert asked(8, tmp_path, epochs=1)["warmup_steps"] == 0  # of one step
    assert asked(8, tmp_path)["warmup_steps"] == 1  # of three
    assert asked(16_000, tmp_path)["warmup_steps"] == math.ceil(3_000 * 0.03)


def test_of_several_processes_each_takes_a_batch_of_every_pass(monkeypatch, tmp_path):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert steps(64, REAL) == 6
    assert asked(64, tmp_path, warmup=6.0)["warmup_steps"] == 5


def test_the_dropout_of_a_base_is_off_where_it_is_compared_with():
    """GPT-2's would move the reference: the first loss of DPO would not be ln 2."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    sizes = {"vocab_size": 64, "n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 32}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes)).train()
    ids = torch.arange(16)[None]
    assert not torch.equal(model(ids).logits, model(ids).logits)
    sft.still(model)
    assert torch.equal(model(ids).logits, model(ids).logits)
    llama = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
            attention_dropout=0.5,
        )
    ).train()  # fmt: skip
    sft.still(llama)
    assert torch.equal(llama(ids).logits, llama(ids).logits)


def test_the_specimen_parts_where_tokenizers_do(base):
    """TRL says of another one, at each run, that the prompt is no beginning of the whole."""
    from transformers import AutoTokenizer

    tiny = AutoTokenizer.from_pretrained(base, local_files_only=True)
    for answer in (*preference.SPECIMEN["chosen"], *preference.SPECIMEN["rejected"]):
        (prompt,) = preference.SPECIMEN["prompt"]
        one, both = (tiny(text, add_special_tokens=False).input_ids for text in (prompt, prompt + answer))
        assert both[: len(one)] == one and len(both) > len(one)


@pytest.mark.parametrize("begun", [False, True])
def test_a_run_that_fails_before_its_first_step_leaves_nothing(tmp_path, begun):
    folder = tmp_path / "training" / "key"
    folder.mkdir(parents=True)
    (folder / "log.jsonl").write_text('{"step": 1}\n' if begun else "")
    with pytest.raises(KeyboardInterrupt), if_begun(folder):
        raise KeyboardInterrupt
    assert folder.exists() == begun


def test_layers_that_lie_the_other_way_round_are_held_as_they_are(base, tmp_path):
    """GPT-2's, of which the file has the transpose."""
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    sizes = {"vocab_size": 64, "n_embd": 64, "n_layer": 1, "n_head": 2, "n_positions": 32}
    GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=2, eos_token_id=5)).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(base, local_files_only=True).save_pretrained(tmp_path)
    loaded = load_model(str(tmp_path), quantization="nf4", for_training=True)
    found = nf4.held(loaded.model, tmp_path)
    assert set(found) == {(192, 64), (64, 64), (256, 64), (64, 256)}
    assert max(found.values()) < nf4.HELD_ERROR


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ([(1.0, None), (0.5, 0.7)], "loss 1.000 -> 0.500, validation 0.700"),
        ([(1.0, 0.9), (0.5, None), (0.4, 0.8)], "loss 1.000 -> 0.400, validation 0.900 -> 0.800"),
        ([(None, 0.9)], "validation 0.900"),
        ([(0.0, None)], "loss 0.000"),
        ([], "no loss"),
    ],
)
def test_a_curve_is_told_whatever_was_measured(losses, said):
    """With `evaluate_every` beyond an epoch, some epochs have no evaluation."""
    told = [{"epoch": at, "loss": one, "validation_loss": other} for at, (one, other) in enumerate(losses)]
    assert card.curve({"losses": told}) == said
