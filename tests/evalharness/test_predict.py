"""Asking the arms, recorded and resumable."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from curate.errors import ConfigError, GateError
from curate.example import frame, with_ids
from curate.workspace import Workspace
from evalharness.asking import answerers, predict
from evalharness.asking.answerers import Local
from evalharness.asking.arms import Base, FewShot, Rag, Tuned
from evalharness.asking.endpoint import Endpoint
from evalharness.asking.predict import PREDICTIONS, Asking
from evalharness.asking.served import Served
from evalharness.asking.unfinished import Unfinished
from tests.evalharness.conftest import ticket

ROOT = Path(__file__).parents[2]


@pytest.fixture
def local(base):
    return Local(str(base), "none", "cpu", 1)


def said(table):
    """All of a table that an uninterrupted run would give again."""
    return table.drop("seconds", "first_token_seconds").rows()


def test_every_arm_answers_every_row_in_the_datasets_order(workspace, local):
    dataset = workspace.dataset("tickets")
    test = workspace.examples(dataset).filter(pl.col("split") == "test")
    for done in predict.predict(workspace, dataset, [Base(), FewShot(), Rag()], local, Asking()):
        table = workspace.table(done.digest)
        assert table.schema == PREDICTIONS
        assert table["example_id"].to_list() == test["example_id"].to_list()
        assert set(table["choice"]) <= {"oak", "sierra", "viola"} and table["choice"].null_count() == 0
        assert set(table["arm"]) == {done.arm} and table["error"].null_count() == table.height
        assert (table["seconds"] > 0).all() and done.notes["errors"] == 0


def test_nothing_is_asked_twice_and_each_reading_is_recorded(workspace, local, monkeypatch):
    dataset = workspace.dataset("tickets")
    first = predict.predict(workspace, dataset, [Base()], local, Asking())
    monkeypatch.setattr(answerers, "generate", None)
    again = predict.predict(workspace, dataset, [Base()], local, Asking())
    assert again[0].digest == first[0].digest and not again[0].fresh
    runs = workspace.ledger.rows("select params from run where kind = 'predict'")
    assert [json.loads(row["params"])["split"] for row in runs] == ["test"]
    assert not list((workspace.root / "unfinished").glob("*"))


def test_a_limit_is_a_sample_and_not_the_head(workspace):
    examples = workspace.examples(workspace.dataset("tickets"))
    asked = predict.questions(examples, Asking(limit=5))
    every = predict.questions(examples, Asking())
    assert len(asked) == 5 and asked == [each for each in every if each in asked]
    assert {e.query.example_id for e in asked} == set(sorted(e.query.example_id for e in every)[:5])
    assert len(predict.questions(examples, Asking(limit=500))) == 12


@pytest.mark.parametrize(
    ("arms", "asking", "words"),
    [
        ([Base()], Asking(split="validation"), "no validation rows"),
        ([Base()], Asking(limit=0), "at least 1"),
        ([Tuned()], Asking(), "needs an adapter"),
    ],
)
def test_what_cannot_be_asked_is_refused(workspace, local, arms, asking, words):
    with pytest.raises(ConfigError, match=words):
        predict.predict(workspace, workspace.dataset("tickets"), arms, local, asking)


def test_examples_cannot_be_shown_without_a_train_split(workspace, local):
    rows = [ticket(n, "oak", "test") for n in range(3)]
    dataset = workspace.put_dataset(with_ids(frame(rows), ["a", "b", "c"]))
    with pytest.raises(ConfigError, match="shows train examples"):
        predict.predict(workspace, dataset, [FewShot()], local, Asking())
    assert predict.predict(workspace, dataset, [Base()], local, Asking())[0].notes["questions"] == 3


def test_a_row_that_cannot_be_asked_is_an_error_row_and_the_rest_goes_on(workspace, local):
    rows = [ticket(n, "oak", split) for n, split in enumerate(["train", "train", "test", "test", "test"])]
    rows[3]["messages"][1]["content"] = "hello <a> oak <e>"
    rows[4]["messages"][1]["content"] = "hello " * 600
    dataset = workspace.put_dataset(with_ids(frame(rows), list("abcde")))
    (done,) = predict.predict(workspace, dataset, [Base()], local, Asking())
    table = workspace.table(done.digest)
    assert table["finish_reason"].to_list()[1:] == ["error", "error"] and done.notes["errors"] == 2
    assert "control token" in table["error"][1] and "tokens" in table["error"][2]
    assert table["answer"].to_list()[1:] == [None, None] and table["answer"][0] is not None


def test_the_base_never_sees_the_adapter_and_the_tuned_arm_always_does(workspace, base, adapter):
    dataset = workspace.dataset("tickets")
    kept = workspace.put_files("adapter", adapter)
    plain = predict.predict(workspace, dataset, [Base()], Local(str(base), "none", "cpu", 1), Asking())
    both = Local(str(base), "none", "cpu", 1, workspace.files(kept), kept)
    base_arm, tuned = predict.predict(workspace, dataset, [Base(), Tuned()], both, Asking(), again=True)
    assert said(workspace.table(base_arm.digest)) == said(workspace.table(plain[0].digest))
    assert said(workspace.table(tuned.digest)) != said(workspace.table(plain[0].digest))
    assert workspace.ledger.run_artifacts(tuned.run_id, "in")["adapter"] == kept
    assert "adapter" not in workspace.ledger.run_artifacts(base_arm.run_id, "in")
    assert tuned.notes["trained_on"] is None, "its training is not in this workspace"


def test_an_adapter_that_changes_nothing_is_refused(workspace, base, adapter, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    folder = tmp_path / "inert"
    shutil.copytree(adapter, folder)
    weights = load_file(folder / "adapter_model.safetensors")
    save_file(
        {k: v * 0 if "lora_B" in k else v for k, v in weights.items()}, folder / "adapter_model.safetensors"
    )
    kept = workspace.put_files("adapter", folder)
    local = Local(str(base), "none", "cpu", 1, workspace.files(kept), kept)
    with pytest.raises(GateError, match="changes nothing"):
        predict.predict(workspace, workspace.dataset("tickets"), [Tuned()], local, Asking())


def test_questions_that_the_adapter_was_trained_on_are_counted(workspace, adapter):
    dataset = workspace.dataset("tickets")
    kept = workspace.put_files("adapter", adapter)
    with workspace.run("train", {}, {"dataset": dataset}) as run:
        run.outputs["adapter"] = kept
    examples = workspace.examples(dataset)
    for split, count in (("train", 30), ("test", 0)):
        asked = predict.questions(examples, Asking(split=split))
        assert predict.trained_on(workspace, kept, examples, asked) == count


def test_a_run_that_broke_off_goes_on_with_the_same_table(workspace, local, monkeypatch):
    """The model fails in the second batch; only what is missing is asked again."""
    monkeypatch.setitem(answerers.BATCH_ROWS, "cpu", 4)
    dataset = workspace.dataset("tickets")
    whole = predict.predict(workspace, dataset, [Base()], local, Asking())[0]
    real, calls = answerers.generate, []

    def breaks(*args, **more):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("the device is gone")
        return real(*args, **more)

    monkeypatch.setattr(answerers, "generate", breaks)
    with pytest.raises(RuntimeError):
        predict.predict(workspace, dataset, [Base()], local, Asking(), again=True)
    calls[:] = [1, 1]
    resumed = predict.predict(workspace, dataset, [Base()], local, Asking(), again=True)[0]
    assert len(calls) == 4, "two of three batches were left"
    assert said(workspace.table(resumed.digest)) == said(workspace.table(whole.digest))


def test_a_draft_with_a_torn_last_line_is_taken_up_to_there(tmp_path):
    draft = Unfinished(tmp_path, "k")
    draft.add(0, [{"example_id": "a"}])
    with draft.path.open("ab") as file:
        file.write(b'{"batch": 1, "rows": [{"exam')
    assert draft.read() == {0: [{"example_id": "a"}]}
    draft.add(1, [{"example_id": "b"}])
    assert draft.read() == {0: [{"example_id": "a"}], 1: [{"example_id": "b"}]}


def test_killed_at_any_moment_the_answers_are_the_same(workspace, base, monkeypatch):
    """Kill -9 in the middle of a run; the next one finishes it. While it ran, nobody else could be at it."""
    code = f"""
import time
from curate.workspace import Workspace
from evalharness.asking import answerers
from evalharness.asking import predict
from evalharness.asking.arms import Base

real, asked = answerers.generate, []

def held(*given, **more):
    asked.append(given)
    if len(asked) > 2:  # until it is killed
        time.sleep(600)
    return real(*given, **more)

answerers.generate, answerers.BATCH_ROWS["cpu"] = held, 2
predict.code_version = lambda: {predict.code_version()!r}
space = Workspace.open()
local = answerers.Local({str(base)!r}, "none", "cpu", 1)
predict.predict(space, space.dataset("tickets"), [Base()], local, predict.Asking())
"""
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=os.environ)
    folder = workspace.root / "unfinished"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any(
        path.stat().st_size for path in folder.glob("*.jsonl") if folder.is_dir()
    ):
        time.sleep(0.02)
    runs = len(workspace.ledger.rows("select 1 from run"))
    with (
        monkeypatch.context() as nothing,
        pytest.raises(ConfigError, match=rf"another process \({child.pid}\) is at this very predict"),
    ):
        nothing.setattr(answerers, "generate", None)
        local = Local(str(base), "none", "cpu", 1)
        predict.predict(workspace, workspace.dataset("tickets"), [Base()], local, Asking())
    assert len(workspace.ledger.rows("select 1 from run")) == runs
    child.send_signal(signal.SIGKILL)
    child.wait()
    (draft,) = folder.glob("*.jsonl")
    assert 0 < len(draft.read_bytes().splitlines()) < 6
    answerers_rows = dict(answerers.BATCH_ROWS)
    answerers.BATCH_ROWS["cpu"] = 2
    try:
        local = Local(str(base), "none", "cpu", 1)
        done = predict.predict(workspace, workspace.dataset("tickets"), [Base()], local, Asking())[0]
        whole = predict.predict(
            workspace, workspace.dataset("tickets"), [Base()], local, Asking(), again=True
        )[0]
    finally:
        answerers.BATCH_ROWS.update(answerers_rows)
    assert not list(folder.iterdir())
    assert said(workspace.table(done.digest)) == said(workspace.table(whole.digest))
    assert Workspace(workspace.root).store.derive(done.digest, "predictions") == done.digest


def test_an_endpoint_gives_free_answers_and_its_failures_are_error_rows(workspace, chat_server):
    url = chat_server(lambda body, n: (200, "oak: sent") if n != 2 else (400, "too long"))
    served = Served(Endpoint(url, "some-model", attempts=1))
    (done,) = predict.predict(workspace, workspace.dataset("tickets"), [FewShot(shots=2)], served, Asking())
    table = workspace.table(done.digest)
    assert table["choice"].null_count() == 12 and table["answer"].drop_nulls().unique().to_list() == [
        "oak: sent"
    ]
    assert table["error"].drop_nulls().len() == 1 and table[
        "prompt_tokens"
    ].drop_nulls().unique().to_list() == [7]
    with pytest.raises(ConfigError, match="served fine-tune"):
        predict.predict(workspace, workspace.dataset("tickets"), [Tuned()], served, Asking())


def test_a_request_that_failed_is_asked_again_and_the_rest_is_kept(workspace, chat_server):
    """The endpoint fails once: predict asks that row and no other, and it is the same reading."""
    from evalharness.deciding.seal import predict_runs

    down = {3, 13}
    url = chat_server(lambda body, n: (503, "busy") if n in down else (200, f"oak: {n}"))
    dataset, served = workspace.dataset("tickets"), Served(Endpoint(url, "some-model", attempts=1))
    first, second, third, fourth = (
        predict.predict(workspace, dataset, [Base()], served, Asking())[0] for _ in range(4)
    )
    assert first.notes["errors"] == 1 and second.fresh and third.fresh
    assert (second.notes["errors"], third.notes["errors"]) == (1, 0), "request 13 is refused, 14 is answered"
    assert len(chat_server.requests) == 12 + 1 + 1
    done = workspace.table(fourth.digest)
    assert not fourth.fresh and done["error"].null_count() == 12
    before = workspace.table(first.digest)
    good = before.filter(pl.col("error").is_null())
    assert done.join(good, on="example_id", how="semi").rows() == good.rows()
    assert len({run.of for run in predict_runs(workspace)}) == 1
    again = predict.predict(workspace, dataset, [Base()], served, Asking(), again=True)[0]
    assert again.fresh and len({run.of for run in predict_runs(workspace)}) == 2


def test_a_row_that_does_not_fit_is_not_asked_again(workspace, local):
    rows = [ticket(n, "oak", split) for n, split in enumerate(["train", "test", "test"])]
    rows[2]["messages"][1]["content"] = "hello " * 600
    dataset = workspace.put_dataset(with_ids(frame(rows), list("abc")))
    first, second = (predict.predict(workspace, dataset, [Base()], local, Asking())[0] for _ in range(2))
    assert first.notes["errors"] == 1 and not second.fresh and second.digest == first.digest


def test_the_longest_answer_is_recorded_as_it_came_to_be(workspace, local, chat_server):
    dataset = workspace.dataset("tickets")
    (done,) = predict.predict(workspace, dataset, [Base()], local, Asking(limit=2))
    assert done.notes["max_new_tokens"] == 16
    served = Served(Endpoint(chat_server(lambda body, n: (200, "oak: sent")), "some-model"))
    (done,) = predict.predict(workspace, dataset, [Base()], served, Asking(limit=2))
    assert {body["max_tokens"] for body in chat_server.requests} == {done.notes["max_new_tokens"]}
