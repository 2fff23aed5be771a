"""What is no number is no small difference: a check of a run does not hold on NaN."""

from __future__ import annotations

from math import inf, nan
from types import SimpleNamespace

import pytest

from curate.errors import ResourceError
from evalharness.adapters.checked import largest
from train import checks, sft
from train.proofs import learning


def test_the_largest_of_what_is_no_number_is_endless():
    assert largest([]) == 0 and largest([0.1, 0.3, 0.2]) == 0.3
    assert largest([0.0, nan]) == largest([nan, 0.0]) == largest([inf, 1.0]) == inf


def test_ruined_weights_are_not_those_of_the_run_in_one_piece():
    import torch

    whole = {"a": torch.ones(3), "b": torch.ones(3)}
    assert learning.furthest(whole, {"a": torch.ones(3), "b": torch.ones(3)}) == 0
    assert learning.furthest(whole, {"a": torch.ones(3), "b": torch.tensor([1.0, nan, 1.0])}) == inf


def test_losses_that_are_no_numbers_are_not_equal(monkeypatch):
    runs = iter([[2.0, 1.5, 1.2], [2.0, nan, nan]])
    monkeypatch.setattr(learning, "_twenty", lambda *_: next(runs))
    trial = SimpleNamespace(given=SimpleNamespace(loaded=SimpleNamespace(device="cpu")))
    with pytest.raises(ResourceError, match="equal seeds failed"):
        learning.seed(trial)


def test_a_model_that_gives_no_numbers_end_to_end_is_not_packed(monkeypatch):
    import torch

    rows = [SimpleNamespace(ids=(1, 2, 3), example_id="a"), SimpleNamespace(ids=(4, 5, 6), example_id="b")]
    side, end = torch.zeros(2, 3, 4), torch.zeros(1, 6, 4)
    end[0, 3:] = nan  # the second row sees nothing: its mask is full
    trainer = SimpleNamespace(model=None, data_collator=SimpleNamespace(padding_free=False))
    answers = iter([side, end])
    monkeypatch.setattr(sft, "_batch", lambda *_: {})
    monkeypatch.setattr(checks, "logits", lambda *_: next(answers))
    assert sft.parity(trainer, rows) == inf
