"""Loading a base model and an adapter."""

import json
import logging
import shutil
import subprocess
import sys

import pytest

from curate.errors import ConfigError, MissingExtraError, ResourceError, SourceError
from evalharness.models.loaded import PLAIN_TEMPLATE, load_model
from tests.evalharness.conftest import save_model, save_tokenizer


def ids(loaded, text="hello my mug"):
    return loaded.tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids


def test_full_precision_on_the_processor_is_float32(base):
    loaded = load_model(str(base), quantization="none", device="cpu", threads=1)
    assert loaded.facts["quantization"] == "none" and loaded.facts["compute_dtype"] == "float32"
    assert loaded.tokenizer.padding_side == "left" and not loaded.model.training
    assert loaded.context == 512 and loaded.facts["threads"] == 1
    json.dumps(loaded.facts)


def test_auto_takes_nf4_where_every_layer_survives_it(base):
    import bitsandbytes

    loaded = load_model(str(base), device="cpu")
    assert loaded.facts["quantization"] == "nf4", loaded.facts["quantization_reason"]
    layers = [m for m in loaded.model.modules() if isinstance(m, bitsandbytes.nn.Linear4bit)]
    assert layers and not any(layer.support_avx512bf16_for_cpu for layer in layers)
    assert loaded.digest == load_model(str(base), quantization="none").digest


def test_gradients_are_the_same_after_an_evaluation(base):
    """The fault that ruins QLoRA on AVX512-BF16: one forward in evaluation mode, then other gradients."""
    import torch

    loaded = load_model(str(base), quantization="nf4", device="cpu", for_training=True)
    assert loaded.tokenizer.padding_side == "right" and loaded.model.training
    tokens = ids(loaded)

    def gradient():
        embedding = loaded.model.get_input_embeddings()(tokens).detach().requires_grad_()
        loaded.model(inputs_embeds=embedding, labels=tokens).loss.backward()
        return embedding.grad

    before = gradient()
    loaded.model.eval()
    with torch.no_grad():
        loaded.model(input_ids=tokens)
    loaded.model.train()
    assert torch.equal(before, gradient())


def test_widths_that_break_nf4_are_refused_or_left_alone(tmp_path):
    save_model(tmp_path, hidden=96)
    save_tokenizer(tmp_path)
    loaded = load_model(str(tmp_path), device="cpu")
    assert loaded.facts["quantization"] == "none" and "multiple of 64" in loaded.facts["quantization_reason"]
    with pytest.raises(ConfigError, match="multiple of 64"):
        load_model(str(tmp_path), quantization="nf4", device="cpu")


def test_an_adapter_acts_and_changes_the_digest(base, adapter):
    import torch

    plain = load_model(str(base), quantization="none")
    tuned = load_model(str(base), adapter=adapter)
    assert tuned.facts["quantization"] == "none", "the adapter says that it was trained on full precision"
    assert tuned.digest != plain.digest and tuned.facts["base_digest"] == plain.digest
    with torch.no_grad():
        there = tuned.model(input_ids=ids(tuned)).logits
        with tuned.model.disable_adapter():
            gone = tuned.model(input_ids=ids(tuned)).logits
        assert torch.equal(gone, plain.model(input_ids=ids(plain)).logits)
    assert (there - gone).abs().max() > 1e-3


def test_an_adapter_of_another_base_is_refused(adapter, tmp_path):
    save_model(tmp_path, seed=5)
    save_tokenizer(tmp_path)
    with pytest.raises(ConfigError, match="another base"):
        load_model(str(tmp_path), adapter=adapter)


def test_an_adapter_with_tensors_for_no_layer_is_refused(base, adapter, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "adapter"
    shutil.copytree(adapter, folder)
    weights = load_file(folder / "adapter_model.safetensors")
    renamed = {name.replace("layers.1.", "layers.7."): tensor for name, tensor in weights.items()}
    save_file(renamed, folder / "adapter_model.safetensors")
    with pytest.raises(ConfigError, match="do not meet"):
        load_model(str(base), adapter=folder)


def test_a_tokenizer_without_a_template_gets_the_plain_one(base, tmp_path):
    shutil.copytree(base, tmp_path / "m")
    save_tokenizer(tmp_path / "m", template=None)
    (tmp_path / "m" / "chat_template.jinja").unlink(missing_ok=True)
    loaded = load_model(str(tmp_path / "m"), quantization="none")
    assert loaded.tokenizer.chat_template == PLAIN_TEMPLATE
    assert loaded.facts["chat_template"].startswith("plain")
    messages = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "oak"}]
    text = loaded.tokenizer.apply_chat_template(messages, tokenize=False)
    assert text == "User:\nhello\n\nAssistant:\noak<e>\n\n"
    prompt = loaded.tokenizer.apply_chat_template(messages[:1], tokenize=False, add_generation_prompt=True)
    assert text.startswith(prompt)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "no \\*.safetensors"),
        (lambda folder: (folder / "config.json").write_text("{"), "base"),
        (lambda folder: (folder / "config.json").unlink(), "base"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"torn"), "base"),
    ],
)
def test_a_folder_that_is_no_model_is_named(base, tmp_path, damage, words):
    shutil.copytree(base, tmp_path / "m")
    damage(tmp_path / "m")
    with pytest.raises(SourceError, match=words) as caught:
        load_model(str(tmp_path / "m"), quantization="none")
    assert caught.value.hint


def test_a_hub_id_without_the_hub_says_what_to_do():
    with pytest.raises(ResourceError, match="hub cannot be reached") as caught:
        load_model("someone/some-model-that-is-not-here")
    assert "tiny" in caught.value.hint


def test_a_path_that_is_not_there_is_a_source_error():
    with pytest.raises(SourceError, match="no folder with a model"):
        load_model("./not/here/at all")


def test_a_missing_cuda_is_said():
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(ResourceError, match="no CUDA"):
        load_model("tiny", device="cuda")


def test_import_of_bitsandbytes_says_nothing_and_leaves_no_trace():
    """Neither its warning nor our block of `kernels` is left behind."""
    code = (
        "import logging, sys; logging.basicConfig(); "
        "from evalharness.models.nf4 import import_bitsandbytes as i; i(); print('kernels' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False" and "kernels" not in done.stderr
    assert not logging.getLogger("bitsandbytes.backends.cpu.ops").filters


def test_without_torch_the_command_that_adds_it_is_named(base, monkeypatch):
    with monkeypatch.context() as without, pytest.raises(MissingExtraError, match="torch") as caught:
        without.setitem(sys.modules, "torch", None)
        load_model(str(base))
    assert "[train]" in caught.value.hint


def test_a_model_without_adapter_needs_no_peft_and_auto_no_bitsandbytes(base, monkeypatch):
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "peft", None)
        without.setitem(sys.modules, "bitsandbytes", None)
        loaded = load_model(str(base), device="cpu")
    assert loaded.facts["quantization"] == "none"
    assert loaded.facts["quantization_reason"] == "bitsandbytes is not installed"
