"""What a comparison is, as JSON: the one value that the verdict, the report and the screens read.

Rates and metrics are fractions of 1; differences are candidate minus baseline, in the same unit.
What could not be had is null, with a reason beside it.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

SCHEMA = 1
ARMS = ("base", "few-shot", "rag", "tuned")
CANDIDATE = "tuned"
METRICS = ("accuracy", "macro-f1", "exact-match", "token-f1", "rouge1", "rouge2", "rougeL", "format")

State = Literal["pass", "fail", "not measured"]
Outcome = Literal["SHIP", "DO NOT SHIP", "NOT SHOWN"]


class Settings(TypedDict):
    """What was decided before the scores were looked at."""

    primary: str  # the one metric that decides
    margin: float  # a gain up to this is no gain
    alpha: float  # one-sided
    confidence: float
    resamples: int
    seed: int


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
    detectable: float | None  # true gain that these rows show 4 times of 5, at alpha against 0
    rows_needed: float | None  # rows to show this difference to be above the margin; primary metric only
    test: str | None
    reason: str | None


class Slice(TypedDict):
    """One label's examples by the primary metric."""

    label: str
    n: int
    few: bool  # too few to read anything into
    means: dict[str, float | None]  # by arm
    difference: float | None  # candidate minus the strongest baseline of the whole
    low: float | None
    high: float | None


class ArmAnswer(TypedDict):
    """What one arm said to one example."""

    answer: str | None  # cut; `characters` is its whole length
    characters: int
    label: str | None
    value: float | None  # by the primary metric
    finish_reason: str | None


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


class Readings(TypedDict):
    """How often the test split was read, by the ledger."""

    count: int
    allowed: int  # one for each arm
    declared: int  # of `count`: made only to tell what one would have believed
    broken_off: int  # runs that failed or were killed
    runs: list[dict[str, str]]  # run_id, arm, started_at
    rows_seen: int  # test rows that another adapter had answered before, in any dataset version
    seen_in: list[str]  # the runs that did


class Check(TypedDict):
    """One condition of the verdict. Only `pass` counts as a pass."""

    check: str
    state: State
    required: bool  # a verdict of SHIP needs it passed
    detail: str
    remedy: str  # what to do, or empty


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
