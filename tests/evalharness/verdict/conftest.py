"""A workspace with everything that leads to a comparison, its tables made by hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from curate.example import frame, with_ids
from curate.finding import empty
from curate.workspace import Workspace
from evalharness.asking.arms import BASE, FEW_SHOT, RAG, Base, FewShot, Rag
from evalharness.asking.predict import settings_of
from evalharness.deciding.comparison import ARMS
from evalharness.tuning.grid import to_json

LABELS = ("oak", "sierra", "viola")
NOTHING_LOST = {
    name: {"state": "pass", "detail": "as before"}
    for name in ("forgetting", "held-out loss", "red team", "instrument")
}
BASELINES = {BASE: Base(), FEW_SHOT: FewShot(), RAG: Rag()}
RATES = {"base": 0.35, "few-shot": 0.55, "rag": 0.7, "tuned": 0.9}


@dataclass
class Trial:
    """What was put into the workspace."""

    workspace: Workspace
    dataset: str
    examples: pl.DataFrame
    scores: pl.DataFrame
    predictions: pl.DataFrame
    digests: dict[str, str] = field(default_factory=dict)
    scored: dict[str, str] = field(default_factory=dict)  # inputs of the first score run


def tickets(rows: int, groups: int | None = None, text: str = "my mug {n} arrived broken") -> pl.DataFrame:
    """Labelled chat rows; the last `rows` of 2 x `rows` are the test split."""
    made = []
    for n in range(2 * rows):
        label = LABELS[n % 3]
        messages = [
            {"role": "system", "content": "Keystone queues: oak, sierra, viola."},
            {"role": "user", "content": text.format(n=n)},
            {"role": "assistant", "content": f"{label}: sorry about the mug, we will send a new one."},
        ]
        made.append(
            {
                "messages": messages,
                "label": label,
                "group": None if groups is None else f"{'a' if n < rows else 'c'}-{n % groups}",
                "split": "train" if n < rows else "test",
                "source": "tickets.jsonl",
                "source_row": n + 1,
            }
        )
    return with_ids(frame(made), [str(n) for n in range(2 * rows)])


def right_or_wrong(
    rows: int, rates: Mapping[str, float], seed: int, share: float = 0.5
) -> dict[str, np.ndarray]:
    """0/1 by arm, with a difficulty that the arms share."""
    from scipy.stats import norm

    rng = np.random.default_rng(seed)
    shared = rng.normal(size=rows)
    return {
        arm: (np.sqrt(share) * shared + np.sqrt(1 - share) * rng.normal(size=rows)) < norm.ppf(rate)
        for arm, rate in rates.items()
    }


def score_table(test: pl.DataFrame, right: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """Accuracy, exact match, rougeL and format for each arm."""
    rows = []
    for arm, hits in right.items():
        for (example_id, label), hit in zip(
            test.select("example_id", "label").iter_rows(), hits, strict=True
        ):
            said = label if hit else LABELS[(LABELS.index(label) + 1) % 3]
            for metric, value in (
                ("accuracy", float(hit)),
                ("exact-match", 0.0),
                ("rougeL", 0.5 + 0.4 * float(hit)),
                ("format", 1.0),
            ):
                predicted = said if metric == "accuracy" else None
                rows.append((example_id, arm, metric, value, None, predicted))
    names = ["example_id", "arm", "metric", "value", "reason", "label"]
    return pl.DataFrame(rows, schema=names, orient="row", schema_overrides={"reason": pl.String})


def prediction_table(
    test: pl.DataFrame, right: Mapping[str, np.ndarray], answers: Sequence[str] = ()
) -> pl.DataFrame:
    """One answer for each score; `answers` take turns as what was said."""
    rows = []
    for arm, hits in right.items():
        for n, ((example_id, label), hit) in enumerate(
            zip(test.select("example_id", "label").iter_rows(), hits, strict=True)
        ):
            said = label if hit else LABELS[(LABELS.index(label) + 1) % 3]
            text = (
                answers[n % len(answers)] if answers else f"{said}: sorry, a new one is on its way. ({arm})"
            )
            tokens = {"few-shot": 640, "rag": 530}.get(arm, 70)
            rows.append(
                (example_id, arm, text, said, "stop", tokens, 14, 0.02 + tokens / 9000, f"h{n}", None)
            )
    schema = {
        "example_id": pl.String, "arm": pl.String, "answer": pl.String, "choice": pl.String,
        "finish_reason": pl.String, "prompt_tokens": pl.Int32, "answer_tokens": pl.Int32,
        "seconds": pl.Float64, "prompt_hash": pl.String, "error": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trial]:
    """Makes a workspace in which everything up to `score` was run."""

    def make(
        rows: int = 120,
        *,
        rates: Mapping[str, float] | None = None,
        seed: int = 3,
        groups: int | None = None,
        answers: Sequence[str] = (),
        scanned: bool = True,
        text: str = "my mug {n} arrived broken",
        name: str = "tickets",
        base: str = "tiny",
        trained_on: int | None = 0,
        lost: Mapping[str, object] | None = NOTHING_LOST,
    ) -> Trial:
        home = tmp_path / "home"
        monkeypatch.setenv("SEATRIAL_HOME", str(home))
        workspace = Workspace.open(create=True)
        examples = tickets(rows, groups, text)
        test = examples.filter(pl.col("split") == "test")
        right = right_or_wrong(rows, rates or RATES, seed)
        before = workspace.put_dataset(examples.with_columns(split=pl.lit(None, dtype=pl.String)))
        made = Trial(
            workspace, "", examples, score_table(test, right), prediction_table(test, right, answers)
        )
        with workspace.run("import", {"source": "tickets.jsonl"}, {}) as run:
            run.outputs["dataset"] = before
        if scanned:
            scan(workspace, before)
        with workspace.run("split", {"seed": 0}, {"dataset": before}) as run:
            made.dataset = run.outputs["dataset"] = workspace.put_dataset(examples)
        workspace.ledger.set_name(name, made.dataset)
        if scanned:
            scan(workspace, made.dataset)
        predict_and_score(made, tmp_path / "adapter", base, trained_on=trained_on)
        if lost is not None:
            with workspace.run("probe", {}, {"adapter": adapter_of(made, tmp_path / "adapter")}) as run:
                run.outputs["probes"] = workspace.put_json("probes", dict(lost))
        return made

    return make


def scan(workspace: Workspace, dataset: str, findings: pl.DataFrame | None = None) -> None:
    """Record a scan with the leak check."""
    looked = {"leak": {"threshold": 0.8}, "pii": {}, "structure": {}}
    with workspace.run("scan", looked, {"dataset": dataset}) as run:
        run.outputs["findings"] = workspace.put_table("findings", empty() if findings is None else findings)


def adapter_of(made: Trial, folder: Path, name: str = "a") -> str:
    """An adapter in the workspace; its content is no adapter, since nothing here loads it."""
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text(name)
    return made.workspace.put_files("adapter", folder)


def tune_baselines(made: Trial, base: str = "tiny", **told: object) -> str:
    """Record a tuning on validation rows that chose the plain settings, of three candidates each."""
    found = {
        "chosen": {name: to_json(arm) for name, arm in BASELINES.items()},
        "arms": {name: {"tried": [{}] * 3, "value": 0.5, "untuned": 0.5} for name in BASELINES},
        "metric": "accuracy", "rows": 24, "split": "validation", **told,
    }  # fmt: skip
    with made.workspace.run("tune", {"base": base}, {"dataset": made.dataset}) as run:
        run.outputs["tuning"] = made.workspace.put_json("tuning", found)
    return run.outputs["tuning"]


def predict_and_score(
    made: Trial, folder: Path, base: str = "tiny", arms: Sequence[str] = ARMS, trained_on: int | None = 0
) -> None:
    """Record a predict run for each arm and one score run over them all."""
    workspace = made.workspace
    inputs = {"dataset": made.dataset}
    tuning = tune_baselines(made, base)
    for arm in arms:
        params = {"arm": arm, "split": "test", "base": base, "max_new_tokens": 32}
        params |= settings_of(BASELINES[arm]) if arm in BASELINES else {}
        more = {"adapter": adapter_of(made, folder)} if arm == "tuned" else {"tuning": tuning}
        model = {"base": base, "device": "cpu", "compute_dtype": "float32", "quantization": "none"}
        notes = {"arm": arm, "model": model | ({"adapter_digest": "d"} if arm == "tuned" else {})}
        if arm == "tuned":
            notes["trained_on"] = trained_on
        with workspace.run("predict", params, {"dataset": made.dataset, **more}) as run:
            run.outputs["notes"] = workspace.put_json("prediction-notes", notes)
            part = made.predictions.filter(pl.col("arm") == arm)
            run.outputs["predictions"] = workspace.put_table("predictions", part)
        inputs[f"predictions_{arm}"] = run.outputs["predictions"]
    made.digests["scores"] = score_again(made, made.scores, inputs)


def score_again(made: Trial, scores: pl.DataFrame, inputs: Mapping[str, str] | None = None) -> str:
    """Record a score run of these scores, by default over the predictions that were scored first."""
    made.scored = made.scored or dict(inputs or {})
    params = {"number": len(made.workspace.ledger.rows("select 1 from run"))}
    with made.workspace.run("score", params, inputs or made.scored) as run:
        run.outputs["scores"] = made.workspace.put_table("scores", scores)
    return run.outputs["scores"]


def answer_test(
    made: Trial, dataset: str, table: pl.DataFrame, adapter: str | None = None, **settings: object
) -> str:
    """Record a predict run of the tuned arm, or another with `arm`, on a version's test; returns its run id."""
    params = {"arm": "tuned", "split": "test", "base": "tiny", "max_new_tokens": 32, **settings}
    inputs = {"dataset": dataset} | ({"adapter": adapter} if adapter else {})
    with made.workspace.run("predict", params, inputs) as run:
        run.outputs["predictions"] = made.workspace.put_table("predictions", table)
    return run.run_id
