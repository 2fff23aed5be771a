"""Candidates asked on validation rows, and scored by one metric."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from curate.errors import ConfigError
from curate.progress import Progress
from curate.workspace import Workspace, code_version
from evalharness.asking.arms import Arm
from evalharness.asking.pool import Pool
from evalharness.asking.predict import PREDICTIONS, Answerer, Asking, row_of, settings_of
from evalharness.asking.recall import recall_at
from evalharness.asking.task import Solved
from evalharness.asking.unfinished import Row, Unfinished, key_of
from evalharness.scoring.score import with_references
from evalharness.tuning.grid import to_json, words_of
from evalharness.tuning.halving import figures, ranking, rungs, survivors
from evalharness.tuning.measure import Measure, Score


@dataclass
class Trial:
    """One candidate and what is known of it so far."""

    arm: Arm
    rows: dict[str, Row] = field(default_factory=dict)
    scores: list[Score] = field(default_factory=list)  # by the rows asked, in their order
    rounds: list[dict[str, float | None]] = field(default_factory=list)
    recall: dict[str, float] = field(default_factory=dict)
    cut: int = 0  # prompts that had room for less than was wanted
    seconds: float = 0.0

    def told(self, *, chosen: bool, default: bool) -> dict[str, Any]:
        """For the record."""
        last = self.rounds[-1] if self.rounds else {}
        return {
            "settings": to_json(self.arm),
            "words": words_of(self.arm),
            "rounds": self.rounds,
            "rows": last.get("rows"),
            "mean": last.get("mean"),
            "not_scored": sum(each.value is None for each in self.scores),
            "recall_at": self.recall,
            "cut": self.cut,
            "seconds": self.seconds,
            "chosen": chosen,
            "default": default,
        }


@dataclass
class Trials:
    """Asks candidates the same rows, keeps drafts so that a killed tuning goes on where it stopped."""

    workspace: Workspace
    examples: pl.DataFrame
    asked: Sequence[Solved]  # validation rows; the first are asked first
    pool: Pool
    answerer: Answerer
    asking: Asking
    measure: Measure
    key: str  # of the whole tuning
    again: bool = False  # an endpoint is asked anew
    drafts: list[Unfinished] = field(default_factory=list)

    def best(self, arms: Sequence[Arm], progress: Progress) -> tuple[int, list[Trial]]:
        """Position of the best candidate, and all of them; the first is the untuned one."""
        trials = [Trial(arm) for arm in arms]
        going = list(range(len(trials)))
        for count in rungs(len(trials), len(self.asked)):
            for at in going:
                self._ask(trials[at], self.asked[:count], progress)
            found = figures([trials[at].scores for at in going], self.measure.figure)
            if all(each is None for each in found):
                raise _nothing_scored(self.measure.name, [trials[at].scores for at in going])
            for at, mean in zip(going, found, strict=True):
                trials[at].rounds.append({"rows": count, "mean": mean})
            order = [going[place] for place in ranking(found)]
            going = [going[place] for place in survivors(found)]
        return order[0], trials

    def _ask(self, trial: Trial, rows: Sequence[Solved], progress: Progress) -> None:
        """Ask what was not asked yet, and score all of it."""
        began = time.monotonic()
        new = [each for each in rows if each.query.example_id not in trial.rows]
        if how := getattr(trial.arm, "retrieval", None):
            self.pool.prepare(how, [each.query for each in new])
        prompter = self.answerer.prompter(trial.arm, self.pool, self.asking)
        prompts = [prompter.prompt(each.query) for each in new]
        for prompt in prompts:
            if prompt.error:
                failed = row_of(trial.arm, prompt, finish_reason="error", error=prompt.error)
                trial.rows[prompt.example_id] = failed
        good = [prompt for prompt in prompts if prompt.error is None]
        named = {"arm": trial.arm.name, **settings_of(trial.arm), "rows": len(rows)}
        key = key_of(named, {"tuning": self.key}, code_version())
        draft = Unfinished(self.workspace.root, key, again=self.again)
        self.drafts.append(draft)
        for part in self.answerer.rows(trial.arm, good, self.pool, self.asking, draft):
            trial.rows |= {row["example_id"]: row for row in part}
            progress.step(len(part))
        told = [(each, prompt.shown) for each, prompt in zip(new, prompts, strict=True) if not prompt.error]
        trial.recall = recall_at(self.pool.task, told) or trial.recall
        trial.cut += prompter.cut
        trial.scores = self._scores([trial.rows[each.query.example_id] for each in rows])
        trial.seconds += time.monotonic() - began

    def _scores(self, rows: Sequence[Row]) -> list[Score]:
        table = pl.DataFrame(rows, schema=PREDICTIONS, orient="row")
        return self.measure.scores(with_references(table, self.examples))


def _nothing_scored(name: str, scores: Sequence[Sequence[Score]]) -> ConfigError:
    """Why no candidate has a figure, by the most frequent reason."""
    reasons = Counter(each.reason for candidate in scores for each in candidate if each.reason)
    why = reasons.most_common(1)[0][0] if reasons else "there is no figure of these rows"
    return ConfigError(f"{name} could score no candidate: {why}", hint="seatrial tune --metric another one")
