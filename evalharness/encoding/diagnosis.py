"""What a run's curves and answers say in words, with the evidence and what to change: rules over the log.

The rules are rules of thumb. Each says its numbers, so that a reader can judge it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, NamedTuple

# Shares of a loss, and nats a token. A change below these is what seeds alone can make.
WORSE = 0.03  # above the lowest validation loss by this share, and by ABSOLUTE
STILL = 0.05  # the last step from evaluation to evaluation gains this share, and ABSOLUTE
ABSOLUTE = 0.02
LITTLE = 0.05  # a whole run that gains less than this share has learned nothing
NEAR_ZERO = 0.05  # loss of the first pass over the rows
FORGOT = 0.3  # nats: a perplexity 35 % higher
GOOD = 0.9  # a task metric that is no reason to worry
KNOWN = 5.0  # nats: a base above this does not know the general text at all
REPEATS = 0.25  # share of the answers
RUN = 4  # words or tokens that come this often one after the other are a loop
LONGEST_LOOP = 8  # tokens


# findings after which another training may well do better
CURABLE = ("underfitting", "nothing learned", "gone astray", "overfitting")


@dataclass(frozen=True)
class Diagnosis:
    """One finding: what, by what it is seen, and what to change."""

    finding: str
    evidence: str
    advice: str

    def line(self) -> str:
        """For a person."""
        return f"{self.finding}: {self.evidence}" + (f"; {self.advice}" if self.advice else "")


@dataclass(frozen=True)
class Facts:
    """What the log does not say."""

    best_by: str = "last"
    best_step: int | None = None  # whose weights were kept; None: the last
    general: tuple[float, float] | None = None  # loss on general text: the base's, then the trained one's
    answers: tuple[tuple[int, ...], ...] = ()  # sampled, in tokens
    unfinished: int = 0  # of the answers, those that did not end


class Curves(NamedTuple):
    """What the log says, and what it does not."""

    train: list[tuple[float, float]]  # epoch, loss
    held: list[tuple[int, float]]  # step, validation loss
    metrics: list[float]
    facts: Facts

    @property
    def ends(self) -> tuple[float, float]:
        """Mean loss of the first and of the last tenth of the logged steps."""
        few = max(1, len(self.train) // 10)
        return fmean(loss for _, loss in self.train[:few]), fmean(loss for _, loss in self.train[-few:])

    @property
    def generalised(self) -> bool:
        """Whether validation loss ends lower than it began."""
        return len(self.held) > 1 and self.held[-1][1] < self.held[0][1] * (1 - LITTLE)


def diagnose(log: Sequence[Mapping[str, Any]], facts: Facts) -> list[Diagnosis]:
    """All that is found, the gravest first; one line that says so where nothing is."""
    curves = Curves(
        [(float(e["epoch"]), float(e["loss"])) for e in log if "loss" in e and "epoch" in e],
        [(int(e["step"]), float(e["eval_loss"])) for e in log if "eval_loss" in e and "step" in e],
        [float(e["eval_metric"]) for e in log if "eval_metric" in e],
        facts,
    )
    if not curves.train:
        return [Diagnosis("not told", "the log holds no loss", "--set log_every=1")]
    rules = (_leak, _nothing_learned, _overfitting, _underfitting, _form_alone, _forgetting, _repetition)
    return [found for rule in rules if (found := rule(curves))] or [_healthy(curves)]


def record(found: Sequence[Diagnosis]) -> list[dict[str, str]]:
    """For training.json."""
    return [asdict(each) for each in found]


def lines(told: Sequence[Mapping[str, str]]) -> list[str]:
    """Lines for a person, of what `record` made."""
    return [f"diagnosis: {Diagnosis(**each).line()}" for each in told]


def _leak(curves: Curves) -> Diagnosis | None:
    first = [loss for epoch, loss in curves.train if epoch <= 1 + 1e-9]
    late = fmean(first[len(first) // 2 :]) if len(first) > 1 else NEAR_ZERO
    validation = curves.held[0][1] if curves.held else 0.0
    if late >= NEAR_ZERO or validation >= 2 * NEAR_ZERO:
        return None
    return Diagnosis(
        "leak suspected",
        f"loss {late:.3f} on rows that are seen for the first time (second half of epoch 1)"
        + (f", {validation:.3f} on validation rows" if curves.held else ""),
        "see whether the answer stands in the question (seatrial train --show-mask ROW), or whether one row "
        "stands in many forms (seatrial scan); if the task is that easy, the base may need no training",
    )


def _nothing_learned(curves: Curves) -> Diagnosis | None:
    first, last = curves.ends
    if len(curves.train) < 2 or first < NEAR_ZERO:
        return None
    told = f"training loss {first:.3f} at the start, {last:.3f} at the end"
    if last > first * (1 + LITTLE) and last > first + ABSOLUTE:
        return Diagnosis("gone astray", f"{told}: higher", "a third of the learning_rate, more warmup")
    if last < first * (1 - LITTLE) or curves.generalised:
        return None
    return Diagnosis(
        "nothing learned",
        told,
        "three times the learning_rate, or more rank or epochs; see with --show-mask that the answers are trained on",
    )


def _overfitting(curves: Curves) -> Diagnosis | None:
    (first, end), held, facts = curves.ends, curves.held, curves.facts
    if len(held) < 2 or end >= first:  # both rise: gone astray, not learned by heart
        return None
    step, lowest = min(held, key=lambda each: (each[1], each[0]))
    last = held[-1][1]
    if last <= lowest * (1 + WORSE) or last <= lowest + ABSOLUTE:
        return None
    evidence = (
        f"validation loss was lowest at step {step:,} ({lowest:.3f}) and {last:.3f} at the end, "
        f"while training loss fell to {end:.3f}"
    )
    if facts.best_by != "last" and facts.best_step is not None and facts.best_step < held[-1][0]:
        return Diagnosis(
            "overfitting, mended",
            f"{evidence}; the weights of step {facts.best_step:,} were kept",
            "early_stopping saves the time after it",
        )
    return Diagnosis(
        "overfitting", evidence, "best_by=loss, fewer epochs, more rows, dropout, or a lower rank"
    )


def _underfitting(curves: Curves) -> Diagnosis | None:
    if len(curves.held) < 2:
        return None
    before, last = curves.held[-2][1], curves.held[-1][1]
    still = before - last > max(STILL * before, ABSOLUTE)
    if not still or last > min(loss for _, loss in curves.held):
        return None
    return Diagnosis(
        "underfitting",
        f"validation loss still fell at the end, from {before:.3f} to {last:.3f} between the last two evaluations",
        "more epochs, or a higher learning_rate",
    )


def _form_alone(curves: Curves) -> Diagnosis | None:
    metrics, held = curves.metrics, curves.held
    if len(metrics) < 3 or metrics[-1] >= GOOD or max(metrics) - min(metrics) >= ABSOLUTE * 4:
        return None
    if not curves.generalised:
        return None
    return Diagnosis(
        "form learned, task not",
        f"validation loss fell from {held[0][1]:.3f} to {held[-1][1]:.3f}, but the task metric stayed between "
        f"{min(metrics):.3f} and {max(metrics):.3f}",
        "see whether the questions hold what decides the answer; more rows or epochs, or a higher rank",
    )


def _forgetting(curves: Curves) -> Diagnosis | None:
    base, now = curves.facts.general or (0.0, 0.0)
    if base > KNOWN or now - base <= FORGOT:
        return None
    return Diagnosis(
        "forgetting",
        f"loss on general text rose from {base:.2f} (the base) to {now:.2f} nats a token",
        "a lower learning_rate, fewer epochs, a lower rank, or general rows among the training rows",
    )


def _repetition(curves: Curves) -> Diagnosis | None:
    facts = curves.facts
    looped = sum(1 for each in facts.answers if loops(each))
    if looped <= REPEATS * len(facts.answers):
        return None
    return Diagnosis(
        "repetition",
        f"{looped} of {len(facts.answers)} sampled answers go round in a loop, "
        f"{facts.unfinished} of {len(facts.answers)} did not end",
        "more epochs if the loss still falls, else a lower learning_rate; look for rows that repeat themselves (seatrial scan)",
    )


def loops(tokens: Sequence[int]) -> bool:
    """Whether some stretch of up to LONGEST_LOOP tokens stands RUN times in a row (a lone token twice that)."""
    for size in range(1, LONGEST_LOOP + 1):
        needed = (RUN * 2 if size == 1 else RUN) * size - size  # tokens equal to the one `size` before
        run = 0
        for here, before in zip(tokens[size:], tokens, strict=False):
            run = run + 1 if here == before else 0
            if run >= needed:
                return True
    return False


def _healthy(curves: Curves) -> Diagnosis:
    (first, last), held = curves.ends, curves.held
    evidence = f"training loss {first:.3f} to {last:.3f}"
    if len(held) < 2:
        few = "a single evaluation" if held else "no evaluation"
        return Diagnosis(
            "nothing speaks against it",
            f"{evidence}; {few}, so over- and underfitting cannot be told",
            "evaluate=true with evaluate_every or more epochs",
        )
    return Diagnosis(
        "healthy",
        f"{evidence}, validation loss {held[0][1]:.3f} to {held[-1][1]:.3f}, and it has settled near its lowest",
        "",
    )
