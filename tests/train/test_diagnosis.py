"""What curves are told to mean: made-up curves for each finding, and for a run with nothing wrong."""

from __future__ import annotations

import pytest

from evalharness.encoding.diagnosis import Diagnosis, Facts, diagnose, lines, loops, record


def curve(train: list[float], held: list[float] | None = None, per_epoch: int = 1) -> list[dict[str, float]]:
    """A log: training losses, `per_epoch` of them in each epoch, and a validation loss at the end of each."""
    log: list[dict[str, float]] = []
    for index, loss in enumerate(train, start=1):
        log.append({"step": index, "epoch": index / per_epoch, "loss": loss})
        if held and index % per_epoch == 0:
            log.append({"step": index, "epoch": index / per_epoch, "eval_loss": held[index // per_epoch - 1]})
    return log


HEALTHY = curve([2.0, 1.2, 0.8, 0.62, 0.6, 0.59], [1.5, 1.0, 0.75, 0.7, 0.69, 0.69])
LOOP = (7, 8, 9) * 6
PLAIN = tuple(range(20))
CASES = {
    "overfitting": (curve([2.0, 1.0, 0.5, 0.2, 0.1], [1.5, 0.9, 0.8, 1.0, 1.3]), Facts()),
    "underfitting": (curve([2.0, 1.8, 1.6, 1.4, 1.2], [1.9, 1.75, 1.55, 1.35, 1.15]), Facts()),
    "nothing learned": (curve([2.0, 2.01, 1.99, 2.0], [2.0, 2.0, 2.0, 2.0]), Facts()),
    "gone astray": (curve([2.0, 1.9, 3.5, 6.0], [2.0, 2.2, 3.4, 6.1]), Facts()),
    "forgetting": (HEALTHY, Facts(general=(2.9, 3.6))),
    "repetition": (HEALTHY, Facts(answers=(LOOP, LOOP, PLAIN, PLAIN), unfinished=2)),
    "leak suspected": (curve([0.9, 0.2, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01], [0.01, 0.01], 4), Facts()),
}


@pytest.mark.parametrize("name", CASES)
def test_each_finding_is_told_alone_with_its_numbers_and_what_to_change(name):
    log, facts = CASES[name]
    found = diagnose(log, facts)
    assert [each.finding for each in found] == [name]
    assert any(letter.isdigit() for letter in found[0].evidence) and found[0].advice
    assert lines(record(found)) == [f"diagnosis: {found[0].line()}"]


def test_a_healthy_run_is_told_to_be_healthy():
    facts = Facts(general=(2.9, 3.0), answers=(PLAIN,) * 4)
    assert [each.finding for each in diagnose(HEALTHY, facts)] == ["healthy"]


def test_findings_stand_together():
    log, _ = CASES["overfitting"]
    found = diagnose(log, Facts(general=(2.0, 4.0), answers=(LOOP,), unfinished=1))
    assert [each.finding for each in found] == ["overfitting", "forgetting", "repetition"]


def test_weights_from_before_it_got_worse_are_no_overfitting():
    log, _ = CASES["overfitting"]
    [found] = diagnose(log, Facts(best_by="loss", best_step=3))
    assert found.finding == "overfitting, mended" and "step 3 were kept" in found.evidence


def test_a_loss_that_falls_while_the_task_stands_still_is_told():
    """And not where the metric rises, or is high already."""

    def with_metric(values: list[float]) -> list[str]:
        scored = iter(values)
        log = [{**each, "eval_metric": next(scored)} if "eval_loss" in each else each for each in HEALTHY]
        return [each.finding for each in diagnose(log, Facts())]

    assert with_metric([0.27, 0.25, 0.3, 0.29, 0.28, 0.3]) == ["form learned, task not"]
    assert with_metric([0.27, 0.4, 0.5, 0.6, 0.6, 0.6]) == ["healthy"]
    assert with_metric([0.95, 0.96, 0.96, 0.97, 0.96, 0.97]) == ["healthy"]


def test_what_cannot_be_told_is_not_told():
    """No validation, no loss at all, and a base that never knew general text."""
    [found] = diagnose(curve([2.0, 1.0, 0.5]), Facts())
    assert found.finding == "nothing speaks against it" and "no evaluation" in found.evidence
    assert diagnose([], Facts())[0].finding == "not told"
    assert [each.finding for each in diagnose(HEALTHY, Facts(general=(9.0, 12.0)))] == ["healthy"]


def test_noise_is_no_finding():
    """A validation loss that ends 1 % above its lowest, and an easy task that needed its first epoch."""
    assert diagnose(curve([2.0, 1.0, 0.7, 0.6], [1.5, 0.9, 0.7, 0.707]), Facts())[0].finding == "healthy"
    log = curve([2.0, 1.0, 0.4, 0.2, 0.02, 0.01, 0.01, 0.01], [0.15, 0.148], 4)
    assert diagnose(log, Facts())[0].finding == "healthy"


@pytest.mark.parametrize(
    ("tokens", "looped"),
    [
        ([5] * 8, True),
        ([5] * 7, False),
        ([1, 2, 3, *[4, 5] * 4], True),
        ([*[4, 5] * 3, 6], False),
        ([1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3, 6], False),
        ([], False),
    ],
)
def test_a_loop_is_a_stretch_that_repeats_itself(tokens, looped):
    assert loops(tokens) is looped


def test_a_line_without_advice_ends_with_its_evidence():
    assert Diagnosis("healthy", "1 to 2", "").line() == "healthy: 1 to 2"
