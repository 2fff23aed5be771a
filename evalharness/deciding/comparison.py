"""What a comparison is, as JSON: the one value that the verdict, the report and the screens read.

Rates and metrics are fractions of 1; differences are candidate minus baseline, in the same unit.
What could not be had is null, with a reason beside it.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

SCHEMA = 2
READABLE = (1, 2)  # schema 1 had neither declaration, budgets, confusion nor evidence
ARMS = ("base", "few-shot", "rag", "tuned")
CANDIDATE = "tuned"
METRICS = ("accuracy", "macro-f1", "exact-match", "token-f1", "rouge1", "rouge2", "rougeL", "format")

State = Literal["pass", "fail", "not measured"]
Outcome = Literal["SHIP", "DO NOT SHIP", "NOT SHOWN"]


class Limits(TypedDict, total=False):
    """What a SHIP may cost at most. What is absent has a default: see `evalharness.deciding.budget` and `probed`."""

    format: float  # how much more rarely than the best baseline it may keep to the form; the margin
    seconds: float  # 95th percentile of one answer
    tokens: float  # mean of one answer, prompt and answer together
    cost: float  # of a thousand answers, in the money that the prices are in
    forgetting: float  # upper bound of the drop, by the probability of the right answer
    held_out_loss: float  # upper bound of the rise, in nats a token
    red_team: float  # upper bound of the drop


class Prices(TypedDict):
    """Of a million tokens, in whatever money; the fine-tune's may be others."""

    read: float
    written: float
    tuned_read: float
    tuned_written: float


class Settings(TypedDict):
    """What was decided before the scores were looked at."""

    primary: str  # the one metric that decides
    margin: float  # a gain up to this is no gain
    alpha: float  # one-sided
    confidence: float
    resamples: int
    seed: int
    limits: NotRequired[Limits]  # absent: nothing but the defaults
    prices: NotRequired[Prices]
    waived: NotRequired[list[str]]  # probes that a fine-tune at an endpoint may lack


class Declaration(TypedDict):
    """What was declared of these test rows, and when."""

    digest: str  # of primary, margin, alpha and limits, with the rows they are for
    run_id: str
    declared_at: str
    by: Literal["declare", "predict"]  # a person, or the first predict run with the defaults
    before: bool  # before any answer to these rows
    primary: str
    margin: float
    alpha: float
    limits: Limits
    seed: NotRequired[int]  # absent: 0
    content: NotRequired[str | None]  # digest of the primary's settings, where it is not built in
    form: NotRequired[str | None]  # digest of the form that answers must have, where one was given
    prices: NotRequired[Prices | None]
    waived: NotRequired[list[str]]


class Declared(TypedDict):
    """The declaration that binds, and all that were made for these rows, oldest first."""

    binding: Declaration | None  # the last one before any answer; None: nothing but the defaults
    all: list[Declaration]
    first_answer: str | None  # when the first of these rows was asked
    untold: NotRequired[list[str]]  # earlier runs whose rows are not here any more: these may be among them


class MetricRow(TypedDict):
    """One arm by one metric."""

    metric: str
    arm: str
    mean: float | None
    n: int  # examples scored
    nulls: int  # examples that could not be scored
    low: float | None
    high: float | None
    method: str
    reason: str | None


class DifferenceRow(TypedDict):
    """The candidate minus one baseline by one metric, over the pairs that both scored."""

    metric: str
    baseline: str
    difference: float | None
    n: int
    units: int  # groups drawn whole; n where rows are independent
    low: float | None  # two-sided, at `confidence`
    high: float | None
    lower: float | None  # one-sided bounds at alpha
    upper: float | None
    p: float | None  # one-sided, against no gain at all
    p_holm: float | None  # the same, Holm over every row of this table
    p_margin: float | None  # against a gain of no more than the margin; primary metric only
    p_below: float | None  # against a gain of the margin or more; primary metric only
    # true gain that these rows show 4 times of 5: of the primary metric to be above the margin
    detectable: float | None
    rows_needed: float | None  # that show it 4 times of 5, if it is as large as seen; primary metric only
    test: str | None
    reason: str | None


class Slice(TypedDict):
    """The examples that have something in common, by the primary metric."""

    by: str  # label, source, length, language
    label: str  # which one
    n: int
    few: bool  # too few to read anything into
    means: dict[str, float | None]  # by arm
    difference: float | None  # candidate minus the strongest baseline of the whole
    metric: NotRequired[str]  # where it is not the primary one
    low: float | None
    high: float | None


class Confusion(TypedDict):
    """One arm's labels: how often each reference label was answered by each; null is no known label."""

    arm: str
    labels: list[str]  # by frequency among the references
    counts: list[tuple[str, str | None, int]]  # reference, predicted, examples; the most frequent first


class ArmAnswer(TypedDict):
    """What one arm said to one example."""

    answer: str | None  # cut; `characters` is its whole length
    characters: int
    label: str | None
    value: float | None  # by the primary metric
    finish_reason: str | None
    error: NotRequired[str]  # why there is no answer


class NearRow(TypedDict):
    """A training row that is near to a question that was answered wrongly."""

    example_id: str
    label: str | None
    question: str  # cut
    decisions: list[str]  # what was decided of it, as `redact (pii)`, oldest first
    why: str  # the command that tells its biography


class ExampleRow(TypedDict):
    """One example with all arms side by side."""

    example_id: str
    kind: Literal["lost", "won", "none right", "alike"]
    question: str
    question_characters: int
    reference: str
    reference_characters: int
    label: str | None
    arms: dict[str, ArmAnswer]
    marks: NotRequired[list[str]]  # fixed, flip, error: see `sidebyside.marks_of`
    near: NotRequired[list[NearRow]]  # where the candidate was wrong


class Examples(TypedDict):
    """The examples shown, how many there are, and how many of each kind."""

    total: int
    kinds: dict[str, int]
    rows: list[ExampleRow]


class CostRow(TypedDict):
    """What one arm's answers took. Seconds are as measured on the machine that predicted."""

    arm: str
    n: int
    errors: int
    cut_short: int  # answers that ended at the length limit
    prompt_tokens: float | None  # mean
    answer_tokens: float | None  # mean
    seconds: float | None  # mean of one answer
    seconds_p95: float | None
    seconds_p50: NotRequired[float | None]
    first_p50: NotRequired[float | None]  # until the first token, where that is known
    first_p95: NotRequired[float | None]
    tokens_a_second: NotRequired[float | None]  # of the answer, over the seconds of all answers
    cost: NotRequired[float | None]  # of a thousand answers, where prices are known


class Readings(TypedDict):
    """How often the test split was read, by the ledger."""

    count: int
    allowed: int  # one for each arm
    declared: int  # of `count`: made only to tell what one would have believed
    broken_off: int  # runs that failed or were killed
    runs: list[dict[str, str]]  # run_id, arm, started_at
    rows_seen: int  # test rows that were answered before, in any dataset version, so that it could choose
    seen_in: list[str]  # the runs that did
    seen_by: NotRequired[list[str]]  # what answered: another adapter, another model, this one otherwise
    untold: NotRequired[list[str]]  # runs whose rows are not here any more: these may be among them


class Check(TypedDict):
    """One condition of the verdict. Only `pass` counts as a pass."""

    check: str
    state: State
    required: bool  # a verdict of SHIP needs it passed
    detail: str
    remedy: str  # what to do, or empty
    value: NotRequired[float | None]  # what was measured
    limit: NotRequired[float | None]  # what it may be at most, or must be at least
    unit: NotRequired[str]  # of both: points, seconds, tokens, answers, readings, rows


class Doubted(TypedDict):
    """A figure with its n and interval."""

    value: float
    n: int
    low: float
    high: float


class Believed(TypedDict):
    """What one would have believed beside what holds; `why` says how the two were measured."""

    metric: str
    arm: str
    believed: Doubted
    true: Doubted
    why: str


class Verdict(TypedDict):
    """The decision: the largest of the p values decides (intersection-union test)."""

    outcome: Outcome
    reason: str
    advice: str  # what to do next, or empty
    p: float | None
    rows: int | None  # about so many more, where rows are what is missing
    exit_code: int


class Instrument(TypedDict):
    """What the answers were made with: numbers of another instrument are not compared with these."""

    device: str | None
    dtype: str | None
    quantization: str | None
    decoding: str | None
    versions: dict[str, str]
    noise: str | None  # what asking the same twice changed, if that was measured
    seeds: str | None  # spread between training seeds, if that was measured


class FairChance(TypedDict, total=False):
    """How a baseline was given its chance."""

    arm: str
    prompt: str  # default, own, or tuned on validation
    candidates: int | None  # prompts or settings that were tried on validation
    chosen: str  # what came of it
    metric: str | None  # of the trials on validation, over `rows` of its rows
    rows: int | None
    value: float | None  # what the chosen settings scored there
    untuned: float | None  # what the plain ones did
    shots: int | None
    neighbours: int | None
    recall: float | None  # share of prompts that show an example with the right label


class JudgeCard(TypedDict, total=False):
    """How far a judge's scores can be believed. Fields that were not measured are absent."""

    metric: str
    model: str
    status: str  # `advisory only` until it agrees with people
    n: int  # examples labelled by people
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None
    flips: float | None  # share of pairs whose verdict turned with the order
    repeats: float | None  # share of repeats that agree
    length_slope: float | None
    win_rate: float | None
    win_rate_corrected: float | None  # prediction-powered
    win_rate_length: float | None  # at equal length, both or neither with a list
    length_low: float | None  # 95 %, as all limits here
    length_high: float | None
    win_rate_low: float | None
    win_rate_high: float | None
    corrected_low: float | None
    corrected_high: float | None
    pairs: int  # judged
    not_judged: int
    first: float | None  # share of choices, ties aside, that fell on the answer shown first
    longer: float | None  # share of winners that are the longer answer
    listed: float | None  # share of winners with a list where the other has none
    talked_round: float | None  # share of injections that moved it
    detail: str


class PeopleRow(TypedDict):
    """What people who did not know which answer was whose said of the candidate and one baseline."""

    baseline: str
    n: int  # examples rated
    people: int
    answers: dict[str, int]  # won, lost, tie, both bad: how often each was said
    rate: float | None  # mean over examples: 1 won, 0 lost, 0.5 for a tie or both bad
    low: float | None
    high: float | None
    method: str
    reason: str | None  # why there is no interval
    differ: int  # rated examples of which people say different things
    alpha: float | None  # Krippendorff's, nominal, of what was said independently
    alpha_n: int  # examples that two or more people rated
    left: float | None  # share of choices that fell on the left answer; far from 0.5 is a habit
    strange: int  # words under this pairing's key that are no rating of these arms: left out
    alike: int  # examples to which both arms said the same: nobody is asked
    open: int  # examples that nobody has rated


class Subject(TypedDict):
    """What was compared, on what."""

    dataset: str  # digest
    name: str
    rows: dict[str, int]  # by split
    split: str
    base: str | None
    toy: bool  # the shipped tiny base model
    adapter: str | None  # digest
    base_digest: NotRequired[str | None]
    served: NotRequired[str | None]  # `model at address`, where the fine-tune answered at an endpoint
    scored_at: str


class Step(TypedDict):
    """One run of the ancestry, oldest first."""

    run_id: str
    kind: str
    command: str
    started_at: str
    params: dict[str, object]


class Comparison(TypedDict):
    """Everything that the report says."""

    schema: int
    subject: Subject
    settings: Settings
    candidate: str
    arms: list[str]
    n: int
    groups: int | None  # how many, where some hold more than one example
    verdict: Verdict
    checks: list[Check]
    metrics: list[MetricRow]
    differences: list[DifferenceRow]
    slices: list[Slice]
    examples: Examples
    cost: list[CostRow]
    readings: Readings
    other_settings: list[Settings]  # of earlier comparisons on the same dataset
    not_measured: list[str]
    believed: Believed | None
    people: NotRequired[list[PeopleRow]]  # where anyone has rated
    lineage: list[Step]
    artifacts: dict[str, str]  # role to digest
    declared: NotRequired[Declared]
    confusion: NotRequired[list[Confusion]]
    instrument: NotRequired[Instrument]
    fair_chance: NotRequired[list[FairChance]]
    judges: NotRequired[list[JudgeCard]]
    informing: NotRequired[list[MetricRow]]  # other arms by the primary metric: no part in the verdict
    evidence: NotRequired[dict[str, str]]  # what the verdict is bound to: see `evalharness.deciding.stale`
    slices_left: NotRequired[dict[str, str]]  # kinds of slices that there are none of, and why
