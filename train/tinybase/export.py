"""Trained weights -> files that transformers loads without any code of ours."""

from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from train.tinybase.model import TinyLlama
from train.tinybase.pieces import END, PAD, START, vocabulary, write_tokenizer


def as_llama(model: TinyLlama) -> LlamaForCausalLM:
    """The same network as a LlamaForCausalLM in float32; raises where a weight is missing or left over."""
    shape, known = model.shape, vocabulary()
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        head_dim=shape.hidden // shape.heads,
        intermediate_size=shape.intermediate,
        tie_word_embeddings=True,
        max_position_embeddings=shape.context,
        rms_norm_eps=shape.epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": shape.theta},
        bos_token_id=known[START],
        eos_token_id=known[END],
        pad_token_id=known[PAD],
    )
    llama = LlamaForCausalLM(config)
    found = llama.model.load_state_dict(model.state_dict(), strict=False)
    if found.missing_keys or found.unexpected_keys:
        raise ValueError(
            f"weights do not fit: missing {found.missing_keys}, left over {found.unexpected_keys}"
        )
    llama.tie_weights()
    return llama.eval()


def write(model: TinyLlama, folder: Path) -> None:
    """Configuration, bfloat16 weights and tokenizer into `folder`, after a check that both networks agree."""
    llama = as_llama(model)
    ids = torch.arange(model.shape.vocabulary)[:400].reshape(2, 200)
    with torch.no_grad():
        gap = (llama(input_ids=ids).logits - model.logits(model(ids).last)).abs().max().item()
    if gap > 1e-3:
        raise ValueError(f"the exported network differs by {gap:.2g} in a logit")
    llama.to(torch.bfloat16).save_pretrained(str(folder))
    # safetensors writes for the owner alone; what ships is for everybody.
    (folder / "model.safetensors").chmod(0o644)
    write_tokenizer(folder)
