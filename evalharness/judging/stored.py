"""Judgements of pairs in the workspace: made, kept as a run, and found again for the card and the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from curate.visible import visible
from curate.workspace import Workspace
from evalharness.deciding.comparison import CANDIDATE, Check, MetricRow
from evalharness.deciding.evidence import asked
from evalharness.deciding.wording import fraction, listed
from evalharness.judging import injections
from evalharness.judging.card import ADVISORY, Card, Gate, Injected, card_of
from evalharness.judging.families import self_preference
from evalharness.judging.pairwise import PairJudge, merged
from evalharness.judging.people import score_of
from evalharness.judging.rating import Pairing, pairing, standing
from evalharness.scoring.scored_before import JUDGES, role

KIND, PAIRS = "judge", "pairs"
TEST_KIND, INJECTIONS = "judge-test", "injections"
POINTWISE = "judge:"


def judge_pairs(
    workspace: Workspace,
    tables: Mapping[str, str],
    judge: PairJudge,
    pairs: Sequence[Pairing],
    gate: Gate,
) -> None:
    """Put pairings of one dataset version to a judge and record what it says; `tables` are arms to digests."""
    first = pairs[0]
    params = {
        "rubric": judge.rubric.name,
        "rubric_digest": judge.rubric.digest,
        "endpoint": judge.endpoint.url,
        "model": judge.endpoint.model,
        "repeats": judge.repeats,
        "limit": judge.limit,
        "split": first.split,
        "candidate": first.candidate,
        "baselines": [pair.baseline for pair in pairs],
        "gate": gate.__dict__,
        "version": judge.version,
    }
    arms = [first.candidate, *(pair.baseline for pair in pairs)]
    inputs = {"dataset": first.dataset, **{role(arm): tables[arm] for arm in arms}}
    with workspace.run(KIND, params, inputs) as run:
        found = pl.concat([judge.judge(pair) for pair in pairs])
        run.outputs[PAIRS] = workspace.put_table("judgements", found)


def try_injections(workspace: Workspace, judge: PairJudge) -> list[injections.Way]:
    """Try the shipped injections on a judge and record how many moved it."""
    params = {
        "rubric": judge.rubric.name,
        "rubric_digest": judge.rubric.digest,
        "endpoint": judge.endpoint.url,
        "model": judge.endpoint.model,
        "version": judge.version,
    }
    with workspace.run(TEST_KIND, params, {}) as run:
        ways = injections.tried(judge.rubric, judge.endpoint, judge.cache)
        run.outputs[INJECTIONS] = workspace.put_json(INJECTIONS, injections.as_json(ways))
    return ways


class _Run(NamedTuple):
    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def _runs(workspace: Workspace, kind: str) -> Iterator[_Run]:
    """The runs of a kind that ended well, newest first."""
    query = """select run.run_id, params from run join run_end using (run_id)
               where kind = ? and error is null order by ended_at desc, run.run_id desc"""
    for row in workspace.ledger.rows(query, kind):
        ends = (workspace.ledger.run_artifacts(row["run_id"], way) for way in ("in", "out"))
        yield _Run(json.loads(row["params"]), *ends)


def cards(
    workspace: Workspace,
    dataset: str,
    tables: Mapping[str, str],
    *,
    scores: pl.DataFrame | None = None,
    split: str = "test",
    candidate: str = CANDIDATE,
    arms: Sequence[str] = (),
) -> list[Card]:
    """A card for each judge, rubric and baseline: of pairs judged, and of `scores` by a judge's rubric.

    Only what was said of these very answers counts; of `arms` alone, where they are given.
    """
    others = [arm for arm in arms or tables if arm != candidate and arm in tables]
    if candidate not in tables or not others:
        return []
    desk = _Desk(workspace, dataset, tables, split, candidate)
    found: dict[tuple[str, str, str], Card] = {}
    for run in _runs(workspace, KIND):
        if run.inputs.get("dataset") != dataset or run.params["candidate"] != candidate:
            continue
        for arm in run.params["baselines"]:
            key = (run.params["rubric"], run.params["model"], arm)
            both = all(run.inputs.get(role(each)) == tables.get(each) for each in (candidate, arm))
            if arm in others and both and key not in found:
                found[key] = desk.of_pairs(run, arm)
    return [*found.values(), *desk.of_scores(scores, others)]


class _Desk:
    """What the cards of one comparison share."""

    def __init__(
        self, workspace: Workspace, dataset: str, tables: Mapping[str, str], split: str, candidate: str
    ) -> None:
        self.workspace, self.dataset, self.tables = workspace, dataset, tables
        self.split, self.candidate = split, candidate
        self._pairs: dict[str, tuple[Pairing, dict[int, float]]] = {}

    def pair(self, baseline: str) -> tuple[Pairing, dict[int, float]]:
        """The pairing, and people's word by place."""
        if baseline not in self._pairs:
            pair = pairing(
                self.workspace, self.dataset, self.tables,
                baseline=baseline, candidate=self.candidate, split=self.split,
            )  # fmt: skip
            words = standing(self.workspace, pair)
            people = {place: score_of(said, self.candidate) for place, said in words.items()}
            self._pairs[baseline] = pair, people
        return self._pairs[baseline]

    def of_pairs(self, run: _Run, baseline: str) -> Card:
        """The card of a judge that was given pairs."""
        pair, people = self.pair(baseline)
        table = self.workspace.table(run.outputs[PAIRS]).filter(pl.col("baseline") == baseline)
        told = merged(table)
        gate, model = Gate(**run.params["gate"]), str(run.params["model"])
        by_hand = (
            [f"limits set by hand: kappa {gate.kappa:g}, {gate.labels} labels"] if gate != Gate() else []
        )
        return card_of(
            pair,
            told.preferences,
            people,
            metric=str(run.params["rubric"]),
            model=model,
            gate=gate,
            told=told,
            injected=self._injected(model, str(run.params["rubric_digest"])),
            warnings=[*by_hand, *_failed(table), *self._warnings(model, baseline)],
        )

    def of_scores(self, scores: pl.DataFrame | None, baselines: Sequence[str]) -> list[Card]:
        """The cards of judges that scored each answer by itself: the higher score is the better answer."""
        if scores is None:
            return []
        known = scores.filter(pl.col("metric").str.starts_with(POINTWISE) & pl.col("value").is_not_null())
        found = []
        for metric in known["metric"].unique(maintain_order=True):
            rows = known.filter(pl.col("metric") == metric)
            values = {
                arm: dict(rows.filter(pl.col("arm") == arm).select("example_id", "value").iter_rows())
                for arm in (self.candidate, *baselines)
            }
            model, rubric = self._scorer(metric)
            for baseline in baselines:
                if not values[self.candidate] or not values[baseline]:
                    continue
                pair, people = self.pair(baseline)
                ours, theirs = values[self.candidate], values[baseline]
                said = {
                    item.judged: _side(ours.get(item.example_id), theirs.get(item.example_id))
                    for item in pair.items
                }
                warnings = self._warnings(model, baseline)
                injected = self._injected(model, rubric, "scored")
                found.append(
                    card_of(
                        pair, said, people,
                        metric=metric, model=model, injected=injected, warnings=warnings,
                    )
                )  # fmt: skip
        return found

    def _scorer(self, metric: str) -> tuple[str, str]:
        """(model, rubric's digest) of the newest score run by this judge on this dataset."""
        for run in _runs(self.workspace, "score"):
            told = run.params.get(JUDGES, {}).get(metric)
            if run.inputs.get("dataset") == self.dataset and told and told.get("model"):
                return str(told["model"]), str(told["rubric"])
        return "", ""

    def _injected(self, model: str, rubric: str, way: str = "compared") -> Injected | None:
        """The newest injection test of this judge by this rubric."""
        for run in _runs(self.workspace, TEST_KIND):
            if run.params["model"] == model and run.params["rubric_digest"] == rubric:
                found = self.workspace.json(run.outputs[INJECTIONS])
                told = found[way] if isinstance(found, dict) else {}
                return Injected(len(told["moved"]), int(told["n"]), len(told["broken"]))
        return None

    def _warnings(self, model: str, baseline: str) -> list[str]:
        names = [asked(self.workspace, self.tables[arm]).base for arm in (self.candidate, baseline)]
        warning = self_preference(model, names[0], names[1])
        return [warning] if warning else []


def _failed(table: pl.DataFrame) -> list[str]:
    """How many askings came to no verdict, and the most frequent reason."""
    reasons = table["failure"].drop_nulls()
    if not len(reasons):
        return []
    most = str(reasons.mode().sort()[0])
    return [
        f"{len(reasons):,} of {len(table):,} times there was no verdict, mostly: {visible(most, lines=False)}"
    ]


def _side(ours: float | None, theirs: float | None) -> float | None:
    if ours is None or theirs is None:
        return None
    return 0.5 if ours == theirs else float(ours > theirs)


def check(found: Sequence[Card], metrics: Sequence[MetricRow], primary: str) -> Check:
    """The condition `judge`: passed where every judge that was asked agrees with people.

    It decides only where a judge's score is the primary metric; then one that people have contradicted
    fails, and one that they have not rated enough is not measured. Elsewhere a judge is advice.
    """
    decides = primary.startswith(POINTWISE)
    mine = [card for card in found if card.metric == primary] if decides else list(found)
    scored = [row for row in metrics if row["metric"].startswith(POINTWISE) and row["mean"] is not None]
    named = Check(check="judge", state="not measured", required=decides, detail="not judged", remedy="")
    if not mine:
        if scored:
            named["detail"] = "judged, but there are no two answers that differ to hold against people's word"
        return named
    faults = [card for card in mine if card.fault]
    worst = min(mine, key=lambda card: -2.0 if card.agreed.kappa is None else card.agreed.kappa)
    said = f"kappa {fraction(worst.agreed.kappa)} with people, n = {worst.agreed.n:,}"
    if not faults:
        against = listed([card.baseline for card in mine])
        return Check(
            check="judge", state="pass", required=decides, remedy="",
            detail=f"agrees with people against {against}: at least {said}",
        )  # fmt: skip
    first = faults[0]
    named["detail"] = f"{ADVISORY}: {first.model or first.metric}, {first.baseline}: {first.fault}"
    named["state"] = "fail" if decides and first.enough else "not measured"
    named["remedy"] = "rate answers in the screens (seatrial, m, p), then seatrial compare again"
    return named
