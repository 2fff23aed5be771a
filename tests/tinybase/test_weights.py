"""The shipped files are what digest.json says, small, and pass a small version of the gate."""

import hashlib
import json

import pytest
from safetensors import safe_open

from benchmarks.tinybase import FIRST_SEED, QUEUES, reader
from evalharness.tinybase import PATH
from train.tinybase.unseen import ARMS, Desk, accuracy
from train.tinybase.world import HELD


@pytest.fixture(scope="module")
def means():
    """Mean accuracy of each arm on five companies of the gate."""
    logits, encode, tokenizer = reader()
    desks = [Desk.open(FIRST_SEED + number, QUEUES, tests=30) for number in range(5)]
    word = tokenizer.convert_tokens_to_ids
    return {arm: sum(accuracy(logits, encode, word, desk, arm) for desk in desks) / 5 for arm in ARMS}


def test_the_weights_are_those_of_the_digest():
    facts = json.loads((PATH / "digest.json").read_text())
    assert hashlib.sha256((PATH / "model.safetensors").read_bytes()).hexdigest() == facts["sha256"]


def test_the_folder_is_small():
    assert sum(path.stat().st_size for path in PATH.rglob("*") if path.suffix != ".pyc") <= 8e6


def test_four_bit_quantisation_is_safe():
    """NF4 on processors is silently wrong where an input size is no multiple of 64."""
    with safe_open(PATH / "model.safetensors", "pt") as weights:
        shapes = [weights.get_slice(name).get_shape() for name in weights.keys()]  # noqa: SIM118
    assert all(len(shape) == 1 or (shape[0] % 32 == 0 and shape[1] % 64 == 0) for shape in shapes)


def test_no_code_travels_with_the_weights():
    config = json.loads((PATH / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert "auto_map" not in config


def test_the_companies_of_the_gate_are_held_out():
    for number in range(20):
        company = Desk.open(FIRST_SEED + number, QUEUES, pool=1, tests=1).company
        assert {company.name, *company.queues, *company.products} <= HELD


def test_eight_shots_beat_twice_chance(means):
    assert means["eight_shot"] > 2 / QUEUES


def test_retrieval_beats_eight_shots(means):
    assert means["rag"] > means["eight_shot"] + 0.1


def test_no_shot_is_near_chance(means):
    """The base knows no company; if it did, the trial would be spoilt."""
    assert means["zero_shot"] < 2 / QUEUES
