"""What one would have believed of a training without curation, beside what holds on the clean test.

Both figures are of one adapter: the one trained on the uncurated version. Believed is what its own
random test says; true is what the clean test says, with which its training rows have nothing to do
(`seatrial split --random --away-from CLEAN`).
"""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from curate.errors import ConfigError, NotFoundError
from curate.workspace import Workspace
from evalharness.asking.arms import TUNED
from evalharness.deciding.comparison import Believed, Doubted
from evalharness.metrics import metrics_of
from evalharness.scoring.score import task_in, with_references
from evalharness.statistics.intervals import group_codes, mean_interval

TEST = "test"
# roles of the predictions that only tell what was wrongly believed: of its own test, of the clean one
ROLES = OWN, ON_TEST = ("believed-predictions", "believed-on-test")


def believed_beside(workspace: Workspace, clean: str, uncurated: str, metric: str) -> Believed:
    """The figure of `uncurated`'s newest tuned predictions, and of the same adapter on `clean`'s test.

    `clean` and `uncurated` are digests of dataset versions. Raises NotFoundError where either was not
    predicted, ConfigError where the uncurated rows were not kept away from the clean test.
    """
    own = _predicted(workspace, uncurated, None)
    if own is None:
        raise NotFoundError(
            "the tuned arm has not answered the test of the uncurated version",
            hint="seatrial train UNCURATED --allow-unclean, then seatrial predict UNCURATED --arm tuned",
        )
    predictions, adapter = own
    other = _predicted(workspace, clean, adapter)
    if other is None:
        raise NotFoundError(
            "the uncurated version's adapter has not answered the clean test",
            hint=f"seatrial predict CLEAN --arm tuned --adapter {adapter[:12]}",
        )
    _apart(workspace, clean, uncurated)
    return Believed(
        metric=metric,
        arm=TUNED,
        believed=_figure(workspace, uncurated, predictions, metric),
        true=_figure(workspace, clean, other[0], metric),
        why=(
            "One adapter, trained with the same settings on the uncurated rows after a random split: "
            f"its {metric} on its own random test, beside its {metric} on the clean test. The rows of the "
            "clean test, and all that hang together with them, were kept out of its training."
        ),
    )


def believed_sources(workspace: Workspace, clean: str, uncurated: str) -> dict[str, str]:
    """By role, the flattering version and the answers of its adapter to its own test and to the clean one."""
    sources = {"believed-dataset": uncurated}
    adapter: str | None = None
    for role, version in ((OWN, uncurated), (ON_TEST, clean)):
        if found := _predicted(workspace, version, adapter):
            sources[role], adapter = found
    return sources


def leaked_words(workspace: Workspace, other: str) -> str:
    """What the split of a flattering version leaked, as a sentence to append; empty if that is not recorded."""
    query = """select run_id from run_artifact join run using (run_id) join run_end using (run_id)
               where digest = ? and direction = 'out' and kind = 'split' and error is null
               order by ended_at desc limit 1"""
    for row in workspace.ledger.rows(query, other):
        made = workspace.ledger.run_artifacts(row["run_id"], "out")
        report = workspace.json(made["split-report"]) if "split-report" in made else None
        leaks = report.get("random_would_leak") if isinstance(report, dict) and report.get("random") else None
        if leaks:
            return (
                f" Of its own {leaks['test_rows']} test rows {leaks['either']} had a twin or a row of the "
                f"same group in train ({leaks['twins']} a twin)."
            )
    return ""


def _predicted(workspace: Workspace, dataset: str, adapter: str | None) -> tuple[str, str] | None:
    """(predictions, adapter) of the newest run of the tuned arm on a version's test, by that adapter if named."""
    query = """select run.params, o.digest, a.digest as adapter from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               join run_artifact a on a.run_id = run.run_id and a.direction = 'in' and a.role = 'adapter'
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'predictions'
               where run.kind = 'predict' and error is null order by ended_at desc, run.run_id desc"""
    for row in workspace.ledger.rows(query, dataset):
        params = json.loads(row["params"])
        if params["arm"] == TUNED and params["split"] == TEST and adapter in (None, row["adapter"]):
            return str(row["digest"]), str(row["adapter"])
    return None


def _apart(workspace: Workspace, clean: str, uncurated: str) -> None:
    """Refuse figures of which the true one is not true: the clean test was among the training rows."""
    test = workspace.scan_examples(clean).filter(pl.col("split") == TEST).select("example_id")
    trained = workspace.scan_examples(uncurated).filter(pl.col("split") == "train").select("example_id")
    shared = test.join(trained, on="example_id").collect().height
    if shared:
        raise ConfigError(
            f"{shared:,} rows of the clean test were trained on in the uncurated version",
            hint="seatrial split UNCURATED --random --away-from CLEAN keeps them apart",
        )


def _figure(workspace: Workspace, dataset: str, predictions: str, metric: str) -> Doubted:
    """The mean of a metric with its n and interval, by groups where examples have them."""
    examples = workspace.examples(dataset)
    rule = {known.name: known for known in metrics_of(task_in(examples))}.get(metric)
    if rule is None:
        raise ConfigError(f"no row metric `{metric}` for this task", hint="--primary accuracy or rougeL")
    answers = with_references(workspace.table(predictions), examples)
    scored = rule.score(answers).filter(pl.col("value").is_not_null())
    groups = dict(examples.select("example_id", "group").iter_rows())
    values = np.asarray(scored["value"].to_list(), dtype=float)
    codes = group_codes([groups[example_id] for example_id in scored["example_id"]])
    interval = mean_interval(values, groups=codes)
    if interval.low is None or interval.high is None:
        raise ConfigError(f"no interval for {metric}: {interval.reason}", hint="use more test rows")
    return Doubted(value=float(values.mean()), n=len(values), low=interval.low, high=interval.high)
