"""The checks that train for themselves, each seen to fail on what it guards; and `seatrial train --prove`."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from curate.errors import ConfigError, ResourceError
from evalharness.adapters.checked import must
from evalharness.deciding import controlled
from evalharness.encoding.questions import parted
from tests.train.conftest import ticket, version
from tests.train.test_proofs import given_of, trial_of
from tests.train.test_train import train  # noqa: F401  # the fixture
from train import proofs, trainer, watch
from train import run as running
from train.proofs import learning, trained


def wordy(number: int) -> dict[str, object]:
    """A ticket whose answer is longer the higher its number's rest by three."""
    row = ticket(number)
    row["messages"][-1]["content"] += " we look" * (number % 3)
    return row


EXAMPLES = version([wordy(number) for number in range(74)], train=48, validation=24)


@pytest.fixture(scope="module")
def known(base, tmp_path_factory):
    """A trial that has been through a rehearsal."""
    trial = trial_of(given_of(base, EXAMPLES), tmp_path_factory.mktemp("known"))
    watch.quiet()
    proofs.rehearse(trial)
    return trial


@pytest.fixture
def trial(base, tmp_path):
    """A trial of its own for a test that breaks things."""
    return trial_of(given_of(base, EXAMPLES), tmp_path)


def test_a_sound_run_knows_its_rows_by_heart(known):
    assert learning.by_heart(known).value == 0
    assert learning.stops(known).value <= 1
    assert trained.fresh(known).value < 1e-5
    assert trained.merge(known).value == 1
    assert trained.padding(known).value == 0


def test_steps_that_teach_nothing_are_found(trial, monkeypatch):
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self, closure=None: None)
    monkeypatch.setattr(learning, "BY_HEART_STEPS", 12)
    trial.kept["by heart"] = learning.few_by_heart(trial)
    trial.kept["by heart"].go()
    with pytest.raises(
        ResourceError, match=r"learned by heart failed: last loss over the first.*is not below 0.1"
    ):
        learning.by_heart(trial)


def test_an_adapter_that_never_acts_stops_the_rehearsal(trial, monkeypatch):
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self, closure=None: None)
    monkeypatch.setattr(learning, "BY_HEART_STEPS", 2)
    with pytest.raises(ResourceError, match="C12: the adapter acts failed"):
        proofs.rehearse(trial)


def test_rows_whose_end_token_is_not_trained_make_a_model_that_does_not_stop(trial):
    given = trial.given
    ends = given.template.end_ids
    rows = [
        replace(
            row,
            trained=tuple(on and token not in ends for token, on in zip(row.ids, row.trained, strict=True)),
        )
        for row in given.rows
    ]
    trial.given = replace(given, rows=rows)
    underway = trial.kept["by heart"] = learning.few_by_heart(trial)
    underway.go()
    with pytest.raises(ResourceError, match=r"end token learned failed: of 20 answers.*: 20 is not below 2"):
        learning.stops(trial)


def test_a_saved_adapter_that_is_not_the_trained_one_is_found(known, tmp_path):
    underway = known.kept["by heart"]
    path = underway.folder / "adapter_model.safetensors"
    whole = path.read_bytes()
    weights = load_file(path)
    name = next(name for name in weights if "lora_B" in name)
    save_file({**weights, name: weights[name] + 0.1}, path)
    try:
        with pytest.raises(ResourceError, match="reload equals, anew failed"):
            trained.fresh(known)
    finally:
        path.write_bytes(whole)


def test_a_merge_with_noise_is_found(known, monkeypatch):
    write = trained.merging.write_merged

    def noisy(each, draft, onto, dtype):
        write(each, draft, onto, dtype)
        path = draft / "model.safetensors"
        torch.manual_seed(0)
        weights = {name: w + 0.05 * torch.randn_like(w) for name, w in load_file(path).items()}
        save_file(weights, path, metadata={"format": "pt"})

    monkeypatch.setattr(trained.merging, "write_merged", noisy)
    with pytest.raises(
        ResourceError, match=r"merge failed: ways to save.*as bfloat16: KL.*as float32: KL.*0 is not"
    ):
        trained.merge(known)


def test_a_batch_whose_rows_are_mixed_up_is_found(known, monkeypatch):
    from evalharness.models import generation

    forward = generation._forward

    def mixes(loaded, tokens, mask, positions, cache, *, last):
        return forward(loaded, tokens.roll(1, 0), mask.roll(1, 0), positions, cache, last=last)

    monkeypatch.setattr(generation, "_forward", mixes)
    with pytest.raises(ResourceError, match=r"padding failed: share of 6 prompts of \d+ to \d+ tokens"):
        trained.padding(known)


def test_a_loss_that_goes_by_how_rows_are_put_together_is_found(trial, monkeypatch):
    """The mean of means: the fault that all trainers once had."""
    assert learning.parts(trial).value < 1e-4
    short = trial.short

    def of_means(*args, **settings):
        underway = short(*args, **settings)
        underway.built.trainer.model_accepts_loss_kwargs = False
        return underway

    monkeypatch.setattr(trial, "short", of_means)
    with pytest.raises(ResourceError, match=r"accumulation parity failed.*is not below 0.0001"):
        learning.parts(trial)


@pytest.fixture
def quick(monkeypatch):
    """Six steps of nine rows, three to an epoch: the fourth is in the middle of one."""
    for name, value in (("TWICE_ROWS", 12), ("TWICE_STEPS", 4)):
        monkeypatch.setattr(learning, name, value)


def test_an_order_that_is_not_the_seeds_is_found(trial, quick, monkeypatch):
    calls = itertools.count()

    def chance(args, state, control, train_dataloader=None, **_):
        sampler = train_dataloader.batch_sampler.sampler
        sampler.generator = torch.Generator().manual_seed(next(calls))

    monkeypatch.setattr(trainer, "in_order", lambda: trainer.callback(on_epoch_begin=chance))
    with pytest.raises(ResourceError, match="equal seeds failed: largest difference of 4 losses"):
        learning.seed(trial)


@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_a_run_resumed_in_mid_epoch_ends_as_one_in_one_piece(
    base, objective, pairs, tmp_path, quick, monkeypatch
):
    """And where the optimizer's state is not taken up again, that is found."""
    from transformers import Trainer

    given = given_of(base, EXAMPLES if objective == "sft" else pairs, f"objective={objective}")
    trial = trial_of(given, tmp_path)
    assert learning.seed(trial).value == 0
    assert learning.resume(trial).value == 0
    monkeypatch.setattr(Trainer, "_load_optimizer_and_scheduler", lambda self, checkpoint: None)
    with pytest.raises(ResourceError, match="resumed equals straight failed"):
        learning.resume(trial)


def test_transformers_own_order_of_like_lengths_is_not_taken_up_in_mid_epoch(trial, quick, monkeypatch):
    """Why rows are put in order by seed and epoch."""
    from transformers import TrainerCallback

    monkeypatch.setattr(learning, "TWICE_STEPS", 8)
    monkeypatch.setattr(trainer, "in_order", TrainerCallback)
    learning.seed(trial)
    with pytest.raises(ResourceError, match="resumed equals straight failed"):
        learning.resume(trial)


def test_a_control_that_is_better_is_found(trial, monkeypatch):
    """Answers that are their own question's: the comparison says SHIP, as it should, and the control fails."""
    held = learning.control(trial)
    assert (
        held.value == 0
        and "accuracy on 24 validation rows after 24 steps on shuffled answers" in held.compared
        and "and SHIP to the right answers" in held.compared
    )
    monkeypatch.setattr(learning, "shuffled", lambda rows, seed: list(rows))
    with pytest.raises(ResourceError, match=r"shuffled answers failed.*the comparison says SHIP"):
        learning.control(trial)


@pytest.mark.parametrize("dead", [0.0, 1.0, float("nan")])
def test_a_metric_that_tells_no_answers_apart_shows_nothing(known, monkeypatch, dead):
    """Not a pass: where even the right answers do not ship, a control that does not ship says nothing."""
    ready = SimpleNamespace(go=lambda: None, now=known.kept["by heart"].now)
    monkeypatch.setattr(known, "short", lambda *_, **__: ready)
    monkeypatch.setattr(controlled, "values", lambda asked, table: np.full(table.height, dead))
    said = learning.control(known)
    assert isinstance(said, str) and said.startswith("not shown: on 24 validation rows the comparison says ")


def test_shuffled_answers_are_all_there_and_not_where_they_were(trial):
    rows = trial.given.rows
    moved = learning.shuffled(rows, 0)
    own, other = ([parted(row)[1] for row in some] for some in (rows, moved))
    assert sorted(own) == sorted(other) and own != other
    assert [parted(row)[0] for row in rows] == [parted(row)[0] for row in moved]


@pytest.mark.parametrize("objective", ["dpo", "reward"])
def test_what_does_not_apply_says_why(base, pairs, tmp_path, objective):
    trial = trial_of(given_of(base, pairs, f"objective={objective}"), tmp_path)
    trial.kept["by heart"] = trial.short(trial.given.few(2), "none", max_steps=1)
    assert learning.control(trial) == "pairs have no answers that could be another question's"
    assert "compares answers" in learning.stops(trial)
    if objective == "reward":
        assert "answers nothing" in trained.padding(trial) and "nothing that is merged" in trained.merge(
            trial
        )


def test_a_run_is_proved_first_and_its_record_says_so(train, keep, workspace, quick, monkeypatch):  # noqa: F811
    keep(EXAMPLES)
    once = {"epochs": 1, "quantization": "nf4"}
    answer = train(once, prove=True)
    folder = workspace.files(answer.data["adapter"])
    told = json.loads((folder / "training.json").read_text())
    keys = {each["key"] for each in told["checks"]}
    assert keys == {f"c{number}" for number in range(1, 19)} - {"c5", "c7"} | {"c6b"}
    assert {each["key"] for each in told["does_not_apply"]} == {"c5", "c7"}
    card = (folder / "README.md").read_text()
    assert "- checked: shuffled answers: " in card and "- does not apply: packing equals unpacked: " in card
    assert f"{len(told['checks'])} checks held" in answer.lines
    with monkeypatch.context() as patch:  # a run without a proof is not taken for one with it
        patch.setattr(running, "train", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(once, name="plain")


def test_proofs_that_fail_stop_the_run_and_are_all_named(train, keep, workspace, monkeypatch):  # noqa: F811
    """Those behind the first that fails are tried too; what fails each of them stands in tests of its own."""

    def proof(key: str, value: float) -> proofs.Proof:
        run = lambda trial: must("made up", f"of {len(trial.given.rows)} rows", value, "equal", 0)  # noqa: E731
        return proofs.Proof(key, "made up", proofs.PROVED, run)

    keep(EXAMPLES)
    monkeypatch.setattr(proofs, "PROOFS", (proof("c8", 1.0), proof("c9", 0.0), proof("c18", 2.0)))
    monkeypatch.setattr(proofs, "rehearse", lambda trial: None)
    with pytest.raises(ResourceError, match=r"2 of 3 proofs failed: C8: made up.*48 rows.*; C18: made up"):
        train({"epochs": 4}, prove=True)
    assert workspace.ledger.rows("select * from artifact where kind = 'adapter'") == []


def test_several_processes_are_told_to_prove_alone(trial, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="one process"):
        proofs.prove(trial.given, tmp_path, trial.load)
