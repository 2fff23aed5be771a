"""Findings joined to the last word on each, and how words are said."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from curate.changing.apply import Edit, apply
from curate.deciding.lastword import undo
from curate.deciding.review import (
    REVIEW,
    SAFE_REVIEWER,
    accept_safe,
    by_ids,
    chosen,
    decide,
    decide_cluster,
    decide_edit,
    edits_of,
    open_blocking,
    open_findings,
    record,
    review,
    safe,
    summary,
)
from curate.errors import ConfigError, NotFoundError
from curate.example import frame, with_ids
from curate.finding import stamp
from curate.workspace import Workspace

TEXTS = ("one", "one", "two", "call 555 1234", "five", "six")


class Desk:
    """A workspace with one scanned version: two exact copies, a span, a contradiction, a leak, a bad row."""

    def __init__(self) -> None:
        self.workspace = Workspace.open(create=True)
        rows = [
            {"messages": [{"role": "user", "content": t}], "source": "t.jsonl", "source_row": n, "meta": "{}"}
            for n, t in enumerate(TEXTS, start=1)
        ]
        self.rows = with_ids(frame(rows), TEXTS)
        self.ids = self.rows["example_id"].to_list()
        a, b, c, d, e, f = self.ids
        found = {
            "exact-duplicate": [
                {"example_id": a, "cluster_id": "c1", "label": "exact", "action": "keep"},
                {"example_id": b, "other_id": a, "cluster_id": "c1", "label": "exact", "action": "drop"},
            ],
            "pii": [
                {
                    "example_id": d, "message": 0, "field": "content", "start": 5, "end": 13,
                    "label": "PHONE_NUMBER", "action": "redact", "blocking": True, "score": 0.6,
                }
            ],
            "contradiction": [{"example_id": c, "other_id": e, "label": "answer", "action": "review"}],
            "leak": [{"example_id": e, "other_id": f, "label": "train/test", "action": "drop", "blocking": True}],
            "structure": [{"example_id": f, "label": "looks-odd", "action": "review", "score": 0.5}],
        }  # fmt: skip
        hashes = dict(self.rows.select("example_id", "content_hash").iter_rows())
        tables = [stamp(pl.DataFrame(rows), hashes, check=check, version=1) for check, rows in found.items()]
        self.dataset = self.workspace.put_dataset(self.rows)
        with self.workspace.run("scan", {}, {"dataset": self.dataset}) as run:
            run.outputs["findings"] = self.workspace.put_table("findings", pl.concat(tables))

    def review(self) -> pl.DataFrame:
        return review(self.workspace, self.dataset)

    def of(self, check: str) -> pl.DataFrame:
        return self.review().filter(check=check)

    def decided(self, check: str) -> list[str | None]:
        return self.of(check)["decided"].to_list()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    monkeypatch.setenv("SEATRIAL_REVIEWER", "ana")
    return Desk()


def test_the_table_has_shapes_hashes_and_nothing_decided(desk: Desk):
    table = desk.review()
    assert table.schema == REVIEW
    shapes = dict(table.select("check", "shape").iter_rows())
    assert shapes == {
        "exact-duplicate": "cluster",
        "pii": "span",
        "contradiction": "pair",
        "leak": "pair",
        "structure": "example",
    }
    assert table["decided"].null_count() == table.height == 6
    assert table["content_hash"].null_count() == 0


def test_a_version_that_was_never_scanned_has_an_empty_review(desk: Desk):
    other = desk.workspace.put_dataset(desk.rows.head(2))
    assert review(desk.workspace, other).is_empty()
    assert review(desk.workspace, other).schema == REVIEW


def test_open_blocking_and_the_summary_count_what_waits(desk: Desk):
    assert open_findings(desk.review()).height == 5  # the keeper does not wait
    assert set(open_blocking(desk.review())["check"]) == {"pii", "leak"}
    rows = {row["check"]: row for row in summary(desk.review()).to_dicts()}
    assert rows["pii"] == {
        "check": "pii", "label": "PHONE_NUMBER", "action": "redact", "found": 1, "open": 1, "blocking": 1,
        "perhaps": 0,
    }  # fmt: skip
    record(desk.workspace, decide(desk.of("pii")))
    rows = {row["check"]: row for row in summary(desk.review()).to_dicts()}
    assert (rows["pii"]["found"], rows["pii"]["open"], rows["pii"]["blocking"]) == (1, 0, 0)
    assert rows["exact-duplicate"]["found"] == 1


def test_what_is_safe_and_what_stays_for_a_person(desk: Desk):
    decisions = accept_safe(desk.review())
    assert {d.reviewer for d in decisions} == {SAFE_REVIEWER}
    record(desk.workspace, decisions)
    table = desk.review()
    assert dict(
        table.filter(pl.col("decided").is_not_null()).select("finding_id", "decided").iter_rows()
    ) == {d.finding_id: d.action for d in decisions}
    assert sorted(open_findings(table)["check"]) == ["contradiction", "structure"]
    assert sorted(map(str, desk.decided("exact-duplicate"))) == ["drop", "keep"]
    assert accept_safe(table) == []


def test_a_cluster_with_a_doubtful_member_keeps_its_keeper_open(desk: Desk):
    doubtful = desk.review().with_columns(
        action=pl.when(pl.col("action") == "drop").then(pl.lit("review")).otherwise("action")
    )
    assert safe(doubtful).filter(check="exact-duplicate").is_empty()


def test_a_persons_word_is_never_overruled_by_the_safe_rule(desk: Desk):
    record(desk.workspace, decide(desk.of("pii"), "keep", note="a made-up number"))
    record(desk.workspace, accept_safe(desk.review()))
    row = desk.of("pii").row(0, named=True)
    assert (row["decided"], row["reviewer"], row["note"]) == ("keep", "ana", "a made-up number")


def test_filters_and_ids_choose_rows(desk: Desk):
    table = desk.review()
    assert chosen(table, check="leak").height == 1
    assert chosen(table, label="exact").height == 2
    assert chosen(table, score=0.7).height == 4
    assert chosen(table, check="exact-duplicate", undecided=True).height == 1
    wanted = table["finding_id"][2]
    assert by_ids(table, [wanted[:10]])["finding_id"].to_list() == [wanted]
    for stranger in ("ffffnone", "a"):
        with pytest.raises(NotFoundError):
            by_ids(table, [stranger])


def test_a_proposal_to_look_needs_a_word_and_redacting_needs_a_place(desk: Desk):
    with pytest.raises(ConfigError, match="someone must say"):
        decide(desk.of("contradiction"))
    with pytest.raises(ConfigError, match="no place"):
        decide(desk.of("leak"), "redact")
    with pytest.raises(ConfigError, match="no action"):
        decide(desk.of("leak"), "burn")
    with pytest.raises(ConfigError, match="no side"):
        decide(desk.of("contradiction"), "drop", target="someone")


def test_the_other_side_of_a_pair_can_be_chosen(desk: Desk):
    other = desk.of("contradiction")["other_id"][0]
    record(desk.workspace, decide(desk.of("contradiction"), "drop", target=other))
    assert desk.of("contradiction")["target"].to_list() == [other]
    clean = apply(desk.rows, desk.review()).clean
    assert other not in clean["example_id"].to_list()


def test_a_cluster_is_decided_member_by_member(desk: Desk):
    a, b = desk.ids[:2]
    decisions = decide_cluster(desk.review(), "c1", {b})
    assert {(d.example_id, d.action) for d in decisions} == {(a, "drop"), (b, "keep")}
    record(desk.workspace, decisions)
    assert apply(desk.rows, desk.review()).clean["example_id"].to_list() == [b, *desk.ids[2:]]
    for cluster, keep in (("c9", {b}), ("c1", {"nobody"})):
        with pytest.raises(NotFoundError):
            decide_cluster(desk.review(), cluster, keep)


def test_undo_brings_back_the_former_word_and_undoing_it_takes_that_back(desk: Desk):
    finding = desk.of("pii")["finding_id"][0]
    for action in ("redact", "keep"):
        record(desk.workspace, decide(desk.of("pii"), action))
    for expected in ("redact", "keep"):
        record(desk.workspace, undo(desk.workspace, [finding]))
        assert desk.decided("pii") == [expected]
    first = desk.of("leak")["finding_id"][0]
    record(desk.workspace, decide(desk.of("leak")))
    record(desk.workspace, undo(desk.workspace, [first]))
    assert desk.decided("leak") == [None]
    assert first in open_findings(desk.review())["finding_id"].to_list()
    assert undo(desk.workspace, ["never decided"]) == []
    assert len(desk.workspace.ledger.rows("select * from decision")) == 6


def test_an_edit_is_kept_as_a_raw_artifact_and_found_again(desk: Desk):
    finding = desk.of("contradiction").row(0, named=True)
    edit = Edit(finding["other_id"], 0, "content", "new words")
    record(desk.workspace, [decide_edit(desk.workspace, finding, edit)])
    table = desk.review()
    (digest,) = edits_of(desk.workspace, table)
    kinds = desk.workspace.ledger.rows("select kind from artifact where digest = ?", digest)
    assert kinds[0]["kind"] == "raw-edit"
    clean = apply(desk.rows, table, edits_of(desk.workspace, table)).clean
    assert clean.filter(example_id=edit.example_id)["messages"][0][0]["content"] == "new words"
    with pytest.raises(ConfigError, match="no side"):
        decide_edit(desk.workspace, finding, edit._replace(example_id="someone"))
    with pytest.raises(ConfigError, match="JSON"):
        decide_edit(desk.workspace, finding, edit._replace(field="tool_calls", text="not json"))


def test_a_decision_outlives_a_new_scan_and_ends_with_an_edit_of_the_text(desk: Desk):
    record(desk.workspace, decide(desk.of("leak"), "keep"))
    with desk.workspace.run("scan", {"again": True}, {"dataset": desk.dataset}) as run:
        run.outputs["findings"] = desk.workspace.put_table("findings", desk.workspace.findings(desk.dataset))
    assert desk.decided("leak") == ["keep"]
    hashes = {i: "other" for i in desk.ids}
    moved = stamp(desk.of("leak"), hashes, check="leak", version=1)
    assert moved["finding_id"][0] != desk.of("leak")["finding_id"][0]


def test_no_raw_value_is_in_the_review(desk: Desk):
    assert "555 1234" not in json.dumps(desk.review().to_dicts())
