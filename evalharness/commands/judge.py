"""The command `judge`: pairs of answers put to a model in both orders, and how far it can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer
from curate.errors import ConfigError
from evalharness.commands import options

if TYPE_CHECKING:
    from curate.workspace import Workspace
    from evalharness.judging.card import Card, Gate
    from evalharness.judging.injections import Way
    from evalharness.judging.pairwise import PairJudge
    from evalharness.judging.rating import Pairing

ENDPOINT = Annotated[str | None, typer.Option(help="the judge's OpenAI-compatible address")]
MODEL = Annotated[str, typer.Option(help="the judge's name there")]
KEY_ENV = Annotated[str, typer.Option(help="environment variable with its key")]
RUBRIC = Annotated[str, typer.Option(help="a shipped one, or a TOML file")]
BASELINE = Annotated[list[str] | None, typer.Option(help="against which arm; by default all")]
CANDIDATE = Annotated[str, typer.Option(help="the arm that is compared")]
SPLIT = Annotated[str, typer.Option(help="test, validation or train")]
REPEATS = Annotated[int, typer.Option(help="how often each order is asked")]
LIMIT = Annotated[int | None, typer.Option(help="so many pairs, the first that people rate")]
TEST = Annotated[bool, typer.Option("--injections", help="only test whether an answer can talk it round")]

SET = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="first-answer=90 (s) and rarer: docs/judge.md"),
]

RARE: dict[str, type] = {"kappa": float, "labels": int, **options.WAITS}
TIMEOUT = 120.0  # seconds: a small server that is asked much at a time answers late
SWAYED = 0.15  # a share so far from a half is told as a bias


def judge(
    dataset: options.DATASET = None,
    endpoint: ENDPOINT = None,
    model: MODEL = "",
    key_env: KEY_ENV = "SEATRIAL_JUDGE_KEY",
    rubric: RUBRIC = "helpful",
    baseline: BASELINE = None,
    candidate: CANDIDATE = "tuned",
    split: SPLIT = "test",
    repeats: REPEATS = 1,
    limit: LIMIT = None,
    injections: TEST = False,
    setting: SET = None,
) -> Answer:
    """Have a model compare the arms' answers, each pair in both orders.

    Without --endpoint: what was judged before, beside people's ratings.
    """
    from curate.workspace import Workspace

    if endpoint is None and (injections or model):
        raise ConfigError("no judge to ask", hint="--endpoint http://localhost:8000/v1 --model NAME")
    if endpoint is None and (setting or limit is not None or repeats != 1):
        raise ConfigError(
            "--set, --limit and --repeats say how to ask, and nobody is asked", hint="--endpoint"
        )
    if limit is not None and limit < 1:
        raise ConfigError(f"--limit {limit}", hint="1 pair at least")
    rare = options.settings(setting, RARE)
    gate = _gate(rare)
    workspace = Workspace.open()
    asker = None
    if endpoint:
        asker = _asker(workspace, (endpoint, model, key_env), options.served(rare), rubric, repeats, limit)
    if asker and injections:
        return _tested(workspace, asker)
    digest = workspace.dataset(dataset)
    return _judged(workspace, digest, asker, candidate, baseline, split, gate)


def _gate(rare: Mapping[str, str | int | float | bool]) -> Gate:
    """What the judge must reach; ConfigError for limits that mean nothing."""
    from evalharness.judging.card import Gate

    usual = Gate()
    gate = Gate(float(rare.get("kappa", usual.kappa)), int(rare.get("labels", usual.labels)))
    if not 0 <= gate.kappa <= 1 or gate.labels < 1:
        raise ConfigError(
            f"--set kappa={gate.kappa:g} labels={gate.labels}", hint="kappa from 0 to 1, at least 1 label"
        )
    return gate


def _asker(
    workspace: Workspace,
    where: tuple[str, str, str],
    waits: Mapping[str, Any],
    rubric: str,
    repeats: int,
    limit: int | None,
) -> PairJudge:
    from evalharness.asking.endpoint import Endpoint
    from evalharness.judging.asking import FOLDER
    from evalharness.judging.pairwise import PairJudge
    from evalharness.judging.rubric import Rubric

    endpoint = Endpoint(*where, **{"timeout": TIMEOUT, **waits})
    return PairJudge(Rubric.find(rubric), endpoint, workspace.root / FOLDER, repeats, limit)


def _judged(
    workspace: Workspace,
    dataset: str,
    asker: PairJudge | None,
    candidate: str,
    baselines: list[str] | None,
    split: str,
    gate: Gate,
) -> Answer:
    from evalharness.judging.card import as_json
    from evalharness.judging.rating import must_have_answered
    from evalharness.judging.stored import cards, judge_pairs
    from evalharness.scoring.score import newest

    tables = newest(workspace, dataset, split)
    for arm in (candidate, *(baselines or ())):
        must_have_answered(tables, arm, split)
    lines = [f"{workspace.name_of(dataset) or dataset[:8]}, {split} rows"]
    if asker:
        pairs = _pairs(workspace, dataset, tables, candidate, baselines, split)
        lines += _left(pairs)
        judge_pairs(workspace, tables, asker, [pair for pair in pairs if pair.items], gate)
    found = cards(workspace, dataset, tables, split=split, candidate=candidate, arms=baselines or ())
    for card in found:
        lines += card_lines(card)
    if not found:
        lines.append("no pairs of these answers were judged yet: --endpoint URL --model NAME")
    elif any(card.fault for card in found):
        lines.append("next: seatrial, then m and p, to rate pairs blind; seatrial judge --injections")
    else:
        lines.append("next: seatrial compare shows it beside the metrics")
    data: dict[str, Any] = {"dataset": dataset, "split": split, "judges": [as_json(card) for card in found]}
    return Answer(lines, data)


def _pairs(
    workspace: Workspace,
    dataset: str,
    tables: dict[str, str],
    candidate: str,
    baselines: list[str] | None,
    split: str,
) -> list[Pairing]:
    """The pairings that were asked for; ConfigError where no two answers differ."""
    from evalharness.judging.rating import pairing

    others = list(dict.fromkeys(baselines or [arm for arm in tables if arm != candidate]))
    if not others:
        raise ConfigError(
            f"only {candidate} has answered the {split} rows: there is nothing to compare it with",
            hint="seatrial predict asks the other arms",
        )
    pairs = [
        pairing(workspace, dataset, tables, baseline=arm, candidate=candidate, split=split) for arm in others
    ]
    if not any(pair.items for pair in pairs):
        raise ConfigError(f"{candidate} says the same as the others on all {split} rows: nothing to judge")
    return pairs


def _left(pairs: list[Pairing]) -> list[str]:
    return [
        f"  {pair.candidate} and {pair.baseline}: not asked of {pair.alike:,} to which both said the same, "
        f"{pair.absent:,} without an answer"
        for pair in pairs
        if pair.alike or pair.absent
    ]


def card_lines(card: Card) -> list[str]:
    """One card, for a person."""
    from evalharness.deciding.wording import fraction, span

    wins, orders, style, (kept, repeats) = card.wins, card.orders, card.style, card.kept
    nulls = f", {wins.nulls:,} not judged" if wins.nulls else ""
    between = span(card.interval.low, card.interval.high)
    lines = [
        f"  {card.candidate} against {card.baseline}, judged by {card.model or 'a model'} ({card.metric})"
    ]
    lines.append(
        f"    win rate      {fraction(wins.rate)}" + (f" ({between})" if between else "")
        + f", n = {wins.n:,}: {wins.wins:,} won, {wins.losses:,} lost, {wins.ties:,} ties{nulls}"
    )  # fmt: skip
    if card.criteria and len(card.criteria) > 1:
        parts = (f"{name} {fraction(rate)}" for name, rate in card.criteria.items())
        lines.append(f"    by criterion  {', '.join(parts)}")
    if orders and orders.n:
        lines.append(
            f"    both orders   {orders.flips:,} of {orders.n:,} flipped and count as ties; "
            f"shown first won {fraction(orders.first)}{_biased(orders.first)}"
        )
    if repeats:
        lines.append(f"    asked again   the same winner {kept:,} of {repeats:,} times")
    equal = f" ({span(style.low, style.high)}), and both or neither with a list"
    lines.append(
        f"    equal length  {fraction(style.rate)}" + (f": {style.reason}" if style.reason else equal)
    )
    lines.append(
        f"    style         the longer won {fraction(style.longer)}{_biased(style.longer)}, "
        f"the list {fraction(style.listed)} of {style.n_listed:,}"
    )
    right, agreed = card.corrected, card.agreed
    if right.rate is not None:
        lines.append(
            f"    corrected     {fraction(right.rate)} ({span(right.low, right.high)}) by {right.labelled:,} rated pairs"
            + (f", of which it judges {lean_words(card)}" if right.lean else "")
        )
    if agreed.n:
        around = span(agreed.low, agreed.high)
        lines.append(
            f"    people        kappa {fraction(agreed.kappa)}" + (f" ({around})" if around else "")
            + f", n = {agreed.n:,}"
        )  # fmt: skip
    if card.injected:
        lines.append(f"    injections    {card.injected.moved} of {card.injected.n} moved it")
    lines.append(f"    {card.status}" + (f": {card.fault}" if card.fault else ""))
    return [*lines, *(f"    mind: {warning}" for warning in card.warnings)]


def lean_words(card: Card) -> str:
    """Which arm it favours beside people, and by how much."""
    from evalharness.deciding.wording import points

    lean = card.corrected.lean or 0.0
    return f"{points(lean)} more for {card.candidate if lean > 0 else card.baseline} than people do"


def _biased(share: float | None) -> str:
    return " (a habit?)" if share is not None and abs(share - 0.5) > SWAYED else ""


def _tested(workspace: Workspace, asker: PairJudge) -> Answer:
    from evalharness.judging.injections import as_json
    from evalharness.judging.stored import try_injections

    ways = try_injections(workspace, asker)
    lines = [f"answers that try to talk {asker.endpoint.model} round ({asker.rubric.name})"]
    for way in ways:
        lines += _way_lines(way)
    if any(way.n == 0 for way in ways):
        lines.append(
            "  a judge that holds a weak answer for the best, or says nothing, has no rate: see --rubric"
        )
    lines.append("next: seatrial judge shows the rate beside this judge's win rates")
    return Answer(lines, {"model": asker.endpoint.model, "rubric": asker.rubric.name, **as_json(ways)})


def _way_lines(way: Way) -> list[str]:
    from evalharness.deciding.wording import fraction, span

    if not way.n:
        return [f"  {way.way}: none of {way.left + len(way.broken)} could be tried"]
    share = fraction(len(way.moved) / way.n)
    between = span(way.interval.low, way.interval.high)
    lines = [f"  {way.way}: {len(way.moved)} of {way.n} moved it: {share} ({between})"]
    up, of = way.unsteady
    lines.append(f"    additions that ask for nothing moved it {up} of {of} times")
    if way.broken:
        lines.append(f"    no verdict after {len(way.broken)}: {', '.join(way.broken[:6])}")
    if way.moved:
        lines.append(f"    moved by: {', '.join(way.moved[:6])}" + (" ..." if len(way.moved) > 6 else ""))
    return lines
