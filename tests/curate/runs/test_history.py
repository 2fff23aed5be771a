"""Looking back: the runs, one row's life, and whether all is as it was."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from curate.changing.apply import CHANGES
from curate.commands.history import why
from curate.errors import NotFoundError, ResourceError
from curate.example import frame, with_ids
from curate.finding import stamp
from curate.runs.biography import biography
from curate.runs.history import run_lines
from curate.runs.steps import Reading, import_files
from curate.workspace import Decision, Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    return Workspace.open(create=True)


def rows(*texts: str) -> pl.DataFrame:
    made = [
        {"messages": [{"role": "user", "content": t}], "source": "a.jsonl", "source_row": n, "meta": "{}"}
        for n, t in enumerate(texts, start=1)
    ]
    return with_ids(frame(made), texts)


def life(workspace: Workspace) -> tuple[str, str]:
    """A row that lived through everything, and one that was dropped; returns their ids."""
    raw = rows("mail bob@x.de", "copy", "copy")
    hero, _, copy = raw["example_id"]
    data = workspace.put_dataset(raw)
    rejects = pl.DataFrame({"source": ["a.jsonl"], "row": [9], "reason": ["is no object"], "text": ["3"]})
    with workspace.run("import", {"format": "messages", "rows": 3, "rejected": 1}, {}) as run:
        run.outputs |= {
            "dataset": data,
            "rejects": workspace.put_table("rejects", rejects.cast({"row": pl.UInt32})),
        }
    hashes = dict(raw.select("example_id", "content_hash").iter_rows())
    spot = {
        "example_id": hero, "message": 0, "field": "content", "start": 5, "end": 13,
        "label": "EMAIL", "action": "redact", "score": 0.9,
    }  # fmt: skip
    twin = {
        "example_id": copy,
        "other_id": raw["example_id"][1],
        "cluster_id": "c",
        "label": "exact",
        "action": "drop",
    }
    found = [
        stamp(pl.DataFrame([r]), hashes, check=c, version=1)
        for c, r in (("pii", spot), ("exact-duplicate", twin))
    ]
    findings = pl.concat(found)
    for seed in (1, 2):
        with workspace.run("scan", {"pii": {"seed": seed}}, {"dataset": data}) as run:
            run.outputs["findings"] = workspace.put_table("findings", findings)
    ids = findings["finding_id"].to_list()
    workspace.ledger.decide(
        [Decision(ids[0], hero, "redact", "ana", "her address"), Decision(ids[1], copy, "drop", "safe")]
    )
    clean = rows("mail [EMAIL]", "copy").with_columns(example_id=raw["example_id"].head(2))
    changes = [
        (hero, "redact", "pii", "EMAIL", ids[0], "ana", json.dumps({"field": "content"})),
        (copy, "drop", "exact-duplicate", "exact", ids[1], "safe", json.dumps({"other": twin["other_id"]})),
    ]
    with workspace.run("apply", {}, {"dataset": data}) as run:
        digest = workspace.put_dataset(clean)
        log = pl.DataFrame(changes, schema=CHANGES, orient="row")
        run.outputs |= {"dataset": digest, "changes": workspace.put_table("changes", log)}
    divided = clean.with_columns(split=pl.Series(["test", "train"]))
    with workspace.run("split", {}, {"dataset": digest}) as run:
        run.outputs["dataset"] = workspace.put_dataset(divided)
    workspace.ledger.set_name("a", run.outputs["dataset"])
    with workspace.run("train", {}, {"dataset": run.outputs["dataset"]}):
        pass
    said = pl.DataFrame({"example_id": [hero], "arm": ["tuned"], "answer": ["oak: hello"], "choice": ["oak"]})
    scored = pl.DataFrame(
        {
            "example_id": [hero, hero],
            "arm": ["tuned", "tuned"],
            "metric": ["accuracy", "judge:kind"],
            "value": [1.0, None],
            "reason": [None, "not judged"],
        }
    )
    for kind, table in (("predictions", said), ("scores", scored)):
        with workspace.run(kind.removesuffix("s"), {}, {"dataset": workspace.dataset("a")}) as run:
            run.outputs[kind] = workspace.put_table(kind, table)
    return hero, copy


def test_a_row_tells_all_that_happened_to_it_in_order(workspace: Workspace):
    hero, _ = life(workspace)
    told = biography(workspace, "a.jsonl:1")
    assert told.example_id == hero == biography(workspace, hero[:7]).example_id
    kinds = [event.kind for event in told.events]
    assert kinds == [
        "import", "finding", "scan", "decision", "change", "split", "train", "prediction", "score",
    ]  # fmt: skip
    words = "\n".join(event.words for event in told.events)
    for part in (
        "pii: EMAIL, score 0.90",
        "by ana (her address)",
        "redacted in content",
        "put into test",
        "tuned: oak",
    ):
        assert part in words
    assert "accuracy 1" in words and "judge:kind not scored (not judged)" in words
    assert told.present.startswith("in a (") and told.present.endswith(", test)")
    assert told.text == [("user", "mail [EMAIL]")]
    json.dumps([event._asdict() for event in told.events])


def test_a_dropped_row_says_why_and_its_raw_value_is_not_shown(workspace: Workspace):
    _, copy = life(workspace)
    told = biography(workspace, copy)
    assert told.present.startswith("not in any named version: dropped")
    assert "decided by safe" in told.present
    assert told.text == [("user", "copy")]


def test_a_value_that_was_found_is_masked_where_it_still_stands(workspace: Workspace):
    life(workspace)
    raw = workspace.ledger.rows(
        "select o.digest from run_artifact o join run using (run_id) where kind = 'import' and role = 'dataset'"
    )
    workspace.ledger.set_name("raw", raw[0]["digest"])
    told = biography(workspace, "a.jsonl:1")
    assert told.present.startswith("in raw") and told.text == [("user", "mail [EMAIL]")]
    assert "bob" not in str(told) and told.masked == 1


def test_a_row_that_still_holds_a_masked_value_is_not_told_as_if_it_were_redacted(workspace: Workspace):
    life(workspace)
    redacted = why("a.jsonl:1")
    assert not any("still holds" in line for line in redacted.lines) and redacted.data["masked"] == 0
    raw = workspace.ledger.rows(
        "select o.digest from run_artifact o join run using (run_id) where kind = 'import' and role = 'dataset'"
    )
    workspace.ledger.set_name("raw", raw[0]["digest"])
    text, note = why("a.jsonl:1").lines[2:4]
    assert text == "  user: mail [EMAIL]"
    assert note.startswith("  1 value") and note.endswith("the row still holds them")


def test_a_rejected_row_says_why(workspace: Workspace):
    life(workspace)
    told = biography(workspace, "a.jsonl:9")
    assert told.example_id is None
    assert [event.words for event in told.events] == ["rejected: is no object"]


@pytest.mark.parametrize("reference", ["a.jsonl:77", "b.jsonl:1", "ffffffff", "ab"])
def test_a_row_that_nobody_knows_is_an_error_with_a_hint(workspace: Workspace, reference: str):
    life(workspace)
    with pytest.raises(NotFoundError) as caught:
        biography(workspace, reference)
    assert caught.value.hint


def test_the_line_of_the_newest_import_counts(workspace: Workspace, tmp_path: Path):
    path = tmp_path / "b.jsonl"
    for text in ("old", "new"):
        turn = [{"role": "user", "content": text}, {"role": "assistant", "content": "ok"}]
        path.write_text(json.dumps({"messages": turn}) + "\n")
        import_files(workspace, [str(path)], Reading())
    assert biography(workspace, "b.jsonl:1").text[0] == ("user", "new")


def test_the_log_lists_runs_with_time_rows_and_error(workspace: Workspace):
    life(workspace)
    with pytest.raises(ResourceError), workspace.run("scan", {}, {}):
        raise ResourceError("disk full")
    workspace.ledger.start("train", {}, "code", {})
    lines, total = run_lines(workspace, 3)
    assert total == 10 and len(lines) == 3
    assert lines[0].kind == "train" and lines[0].seconds is None
    assert lines[1].error == "ResourceError: disk full"
    split = next(line for line in run_lines(workspace, 50)[0] if line.kind == "split")
    assert split.rows == {"dataset": 2} and split.outputs["dataset"].startswith("a@")
