"""A verdict is bound to its data, adapter, scores and scans: of anything else it is no evidence."""

import polars as pl
import pytest

from curate.deciding.review import decide, record, review
from curate.errors import ConfigError, NotFoundError
from evalharness.commands import verdict as cli_verdict
from evalharness.deciding.stale import stale
from evalharness.report.comparing import compare_dataset, read_comparison
from tests.evalharness.verdict.conftest import adapter_of, scan, score_again


@pytest.fixture
def made(trial):
    made = trial(rows=120)
    compare_dataset(made.workspace, made.dataset)
    return made


def reasons(made, **more):
    return stale(made.workspace, read_comparison(made.workspace), **more)


def test_what_nothing_has_changed_since_is_evidence(made, tmp_path):
    own = adapter_of(made, tmp_path / "adapter")
    assert reasons(made) == [] == reasons(made, adapter=own, dataset=made.dataset)
    assert cli_verdict.verdict().exit_code == 0
    assert cli_verdict.verdict(for_=own[:12], dataset="tickets").exit_code == 0
    assert cli_verdict.verdict(for_=str(tmp_path / "adapter")).exit_code == 0


def test_another_adapter_or_dataset_does_not_ship_on_it(made, tmp_path):
    other = adapter_of(made, tmp_path / "other", "other")
    answer = cli_verdict.verdict(for_=other[:12])
    assert answer.exit_code == 1 and answer.lines[0].startswith("STALE")
    assert f"not {other[:12]}" in "\n".join(answer.lines)
    rows = made.workspace.put_dataset(made.examples.head(70))
    made.workspace.ledger.set_name("others", rows)
    answer = cli_verdict.verdict(dataset="others")
    assert answer.exit_code == 1 and "it is about dataset" in answer.data["stale"][0]


def test_a_name_that_moved_is_stale(made):
    made.workspace.ledger.set_name("tickets", made.workspace.put_dataset(made.examples.head(70)))
    assert "`tickets` now means" in reasons(made)[0]


def test_a_newer_adapter_of_the_same_data_is_stale_unless_the_old_one_is_meant(made, tmp_path):
    own, newer = adapter_of(made, tmp_path / "adapter"), adapter_of(made, tmp_path / "newer", "newer")
    with made.workspace.run("train", {}, {"dataset": made.dataset}) as run:
        run.outputs["adapter"] = newer
    assert f"adapter {newer[:12]} was trained on this dataset since" in reasons(made)[0]
    assert reasons(made, adapter=own) == []


def test_newer_scores_or_scans_are_stale_until_compared_again(made):
    better = made.scores.filter(pl.col("arm") == "rag").with_columns(value=pl.lit(1.0))
    score_again(made, better)
    assert reasons(made) == ["the test rows were scored again since"]
    compare_dataset(made.workspace, made.dataset)
    assert reasons(made) == []
    scan(made.workspace, made.dataset, pl.DataFrame(schema=made.workspace.findings(made.dataset).schema))
    assert reasons(made) == ["the data was scanned again since"]


def test_newer_probes_are_stale(made, tmp_path):
    with made.workspace.run("probe", {}, {"adapter": adapter_of(made, tmp_path / "adapter")}) as run:
        run.outputs["probes"] = made.workspace.put_json("probes", {})
    assert reasons(made) == ["the fine-tune was probed again since"]


def test_a_comparison_of_schema_1_can_be_read_and_is_no_evidence(made, tmp_path):
    value = made.workspace.json(made.workspace.artifact("comparison"))
    new = ("declared", "confusion", "instrument", "fair_chance", "evidence", "slices_left")
    old = {key: each for key, each in value.items() if key not in new} | {"schema": 1}
    for row in old["slices"]:
        del row["by"]
    for row in old["examples"]["rows"]:
        row.pop("near", None), row.pop("marks", None)
    for row in old["checks"]:
        for key in ("value", "limit", "unit"):
            row.pop(key, None)
    old["slices"] = [row for row in old["slices"] if row["label"] in ("oak", "sierra", "viola")]
    digest = made.workspace.put_json("comparison", old)
    answer = cli_verdict.verdict(digest)
    assert answer.exit_code == 1 and "earlier version" in "\n".join(answer.lines)
    cli_verdict.report(digest, to=tmp_path / "out")
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def test_unlike_instruments_are_refused(made):
    from evalharness.deciding.instrument import must_be_one

    facts = {"device": "cpu", "compute_dtype": "float32", "versions": {"torch": "2.13.0"}}
    records = {arm: {"params": {}, "notes": {"model": dict(facts)}} for arm in ("base", "rag", "tuned")}
    must_be_one(records)
    records["rag"]["notes"] = {}
    must_be_one(records)  # what is not recorded is not held against it
    records["tuned"]["notes"]["model"]["versions"] = {"torch": "2.14.0"}
    with pytest.raises(
        ConfigError, match=r"versions is torch 2\.13\.0 for base and torch 2\.14\.0 for tuned"
    ):
        must_be_one(records)


def test_an_adapter_that_is_nowhere_is_said(made):
    with pytest.raises(NotFoundError):
        cli_verdict.verdict(for_="nowhere")


def test_what_is_decided_on_findings_after_the_comparison_is_stale(made):
    """A finding that was accepted, or taken back, is other data than the verdict looked at."""
    workspace, row = made.workspace, made.examples["example_id"][0]
    one = {"finding_id": "f" * 32, "example_id": row, "check": "quality", "label": "short", "action": "drop"}
    kinds = workspace.findings(made.dataset).schema
    scan(workspace, made.dataset, pl.DataFrame([{**dict.fromkeys(kinds), **one, "blocking": False}], kinds))
    compare_dataset(workspace, made.dataset)
    assert reasons(made) == []
    record(workspace, decide(review(workspace, made.dataset), "drop", by="ann"))
    assert reasons(made) == ["what is decided on the findings is not what it was then"]
    assert cli_verdict.verdict().exit_code == 1
    compare_dataset(workspace, made.dataset)
    assert reasons(made) == []
