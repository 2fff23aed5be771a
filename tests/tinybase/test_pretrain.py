"""The parts of the run: a few steps give files that load, and the schedule looks at tokens alone."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from train.tinybase.card import write_card
from train.tinybase.episodes import Stage
from train.tinybase.export import write
from train.tinybase.muon import orthogonal
from train.tinybase.pretrain import Progress, Run, learning_share, record, stage_is_over, train

TWO_STAGES = (
    Stage(32, 4, 0.4, (1, 0, 0), 0.5, (2, 3), (1, 1), (1, 2), 2, 0.3),
    Stage(96, 4, 1.0, (0, 0, 1), 0.5, (2, 4), (1, 1), (1, 4), 2, 1.0, 0.1, 0.5, 1.0),
)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tinybase")
    run = Run(tokens=700, threads=1)
    model, log, progress = train(run, folder, TWO_STAGES)
    write(model, folder)
    record(run, folder, log.seconds(), progress)
    write_card(folder, 1, 96)
    return folder, model, progress


def test_a_few_steps_write_files_that_load(short):
    folder, model, progress = short
    assert progress.stage == 1
    loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("hello, my mug has a crack", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        gap = (loaded(input_ids=ids).logits - model.logits(model(ids).last)).abs().max()
    assert gap < 0.1  # the files are bfloat16
    assert (folder / "chat_template.jinja").is_file()


def test_the_digest_and_the_card_say_what_was_done(short):
    folder, _, progress = short
    facts = json.loads((folder / "digest.json").read_text())
    assert facts["tokens"] == progress.tokens
    assert "A toy." in (folder / "README.md").read_text()


def test_the_same_seed_gives_the_same_weights(short, tmp_path):
    _, model, _ = short
    again, _, _ = train(Run(tokens=700, threads=1), tmp_path, TWO_STAGES)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_every_loss_moves_the_weights(short):
    """The last stage trained replies too, and the aids were on."""
    _, _, progress = short
    assert {"queue", "reply", "named", "matched"} <= set(progress.smooth)


def test_a_stage_ends_when_mastered_or_used_up():
    stage = TWO_STAGES[0]
    assert not stage_is_over(stage, Progress(in_stage=10, smooth={"hit_exact": 0.99}), 0.1)
    assert stage_is_over(stage, Progress(in_stage=61, smooth={"hit_exact": 0.99}), 0.1)
    assert stage_is_over(stage, Progress(in_stage=61, smooth={"hit_exact": 0.1}), 0.4)


def test_the_rate_rises_holds_and_falls():
    assert learning_share(0.0, 0) < 0.1
    assert learning_share(0.4, 100) == 1.0
    assert learning_share(1.0, 999) == 0.01


def test_muon_steps_are_nearly_orthogonal():
    torch.manual_seed(0)
    for shape in ((3, 64, 64), (2, 128, 64), (2, 64, 128)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert 0.6 < values.median() < 1.2
        assert values.max() < 1.6
