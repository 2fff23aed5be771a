"""Arms beyond the four: further adapters on one base, retrieval before the fine-tune, other endpoints; and kills."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curate.errors import ConfigError, GateError
from evalharness.asking.answerers import Adapter, Local
from evalharness.asking.arms import Base, Rag, Tuned, in_order, is_tuned
from evalharness.asking.endpoint import Endpoint
from evalharness.asking.predict import Asking, predict
from evalharness.asking.served import Served
from evalharness.commands import predict as cli_predict
from evalharness.commands.asked import adapters_of, must_be_arms
from evalharness.scoring.score import must_match, newest

ROOT = Path(__file__).parents[2]
PLAIN = Asking(limit=4)


def answers(workspace, done):
    return workspace.table(done.digest)["answer"].to_list()


@pytest.fixture
def second(adapter, tmp_path):
    """Another adapter on the same base."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "second"
    shutil.copytree(adapter, folder)
    weights = load_file(folder / "adapter_model.safetensors")
    flipped = {key: -value if "lora_B" in key else value for key, value in weights.items()}
    save_file(flipped, folder / "adapter_model.safetensors")
    return folder


def one(workspace, base, folder):
    kept = workspace.put_files("adapter", folder)
    return Local(str(base), "none", "cpu", 1, workspace.files(kept), kept)


def test_two_adapters_on_one_base_answer_as_each_does_alone(workspace, base, adapter, second):
    dataset = workspace.dataset("tickets")
    alone = [
        answers(workspace, predict(workspace, dataset, [Tuned()], one(workspace, base, folder), PLAIN)[0])
        for folder in (adapter, second)
    ]
    (plain,) = predict(workspace, dataset, [Base()], one(workspace, base, adapter), PLAIN)
    found = adapters_of(workspace, dataset, [str(adapter), str(second)])
    both = Local(str(base), "none", "cpu", 1, found[0].folder, found[0].digest, tuple(found[1:]))
    names = must_be_arms(None, tuned=True, adapters=found)
    assert names == ["base", "few-shot", "rag", "tuned", "tuned:second"]
    arms = [Tuned("tuned:second"), Base(), Tuned(), Tuned("tuned:second")]
    done = predict(workspace, dataset, arms, both, PLAIN, again=True)
    said = [answers(workspace, each) for each in done]
    assert said == [alone[1], answers(workspace, plain), alone[0], alone[1]]
    assert alone[0] != alone[1]
    assert workspace.ledger.run_artifacts(done[0].run_id, "in")["adapter"] == found[1].digest


def test_a_further_adapter_that_does_nothing_or_does_not_fit_is_refused(workspace, base, adapter, second):
    from safetensors.torch import load_file, save_file

    file = second / "adapter_model.safetensors"
    weights = load_file(file)
    save_file({key: value * 0 if "lora_B" in key else value for key, value in weights.items()}, file)
    dataset = workspace.dataset("tickets")
    found = adapters_of(workspace, dataset, [str(adapter), str(second)])
    both = Local(str(base), "none", "cpu", 1, found[0].folder, found[0].digest, tuple(found[1:]))
    with pytest.raises(GateError, match="changes nothing"):
        predict(workspace, dataset, [Tuned("tuned:second")], both, PLAIN)
    save_file({key: value for key, value in weights.items() if "layers.1" not in key}, file)
    broken = Local(
        str(base), "none", "cpu", 1, found[0].folder, found[0].digest, (Adapter("broken", second, "x"),)
    )
    with pytest.raises(ConfigError, match="do not meet"):
        predict(workspace, dataset, [Base()], broken, PLAIN)
    with pytest.raises(ConfigError, match="names one adapter twice"):
        adapters_of(workspace, dataset, [str(adapter), str(adapter)])


def test_retrieval_before_the_fine_tune_informs_and_is_asked_by_name(workspace, base, adapter):
    dataset = workspace.dataset("tickets")
    local = one(workspace, base, adapter)
    arms = [Rag(), Tuned(), Tuned("tuned-rag", Rag())]
    done = {each.arm: each for each in predict(workspace, dataset, arms, local, PLAIN)}
    both = done["tuned-rag"]
    assert both.notes["recall"] == done["rag"].notes["recall"] is not None
    assert answers(workspace, both) not in (
        answers(workspace, done["tuned"]),
        answers(workspace, done["rag"]),
    )
    assert workspace.ledger.run_artifacts(both.run_id, "in")["adapter"] == local.adapter_digest
    assert "tuned-rag" not in must_be_arms(None, tuned=True, adapters=[])
    assert must_be_arms(["tuned-rag", "base"], tuned=True, adapters=[]) == ["base", "tuned-rag"]
    with pytest.raises(ConfigError, match="needs an adapter"):
        must_be_arms(["tuned-rag"], tuned=False, adapters=[])


def test_arms_have_one_order_and_it_is_known_where_an_adapter_acts():
    known = ["served:x", "tuned:b", "rag", "tuned", "base", "tuned-rag", "tuned:a"]
    assert in_order(known) == ["base", "rag", "tuned", "served:x", "tuned-rag", "tuned:a", "tuned:b"]
    assert [name for name in in_order(known) if is_tuned(name)] == [
        "tuned",
        "tuned-rag",
        "tuned:a",
        "tuned:b",
    ]


def test_a_model_elsewhere_is_one_more_arm_with_the_same_longest_answer(workspace, base, chat_server):
    asked = {"base": str(base), "quantization": "none", "threads": 1}
    cli_predict.predict("tickets", ["base", "few-shot"], **asked)
    url = chat_server(lambda body, n: (200, "oak: sent"))
    told = cli_predict.predict("tickets", endpoint=url, model="big", served_as="big")
    (arm,) = told.data["arms"]
    assert arm["arm"] == "served:big" and arm["notes"]["max_new_tokens"] == 16
    assert {body["max_tokens"] for body in chat_server.requests} == {16}
    dataset = workspace.dataset("tickets")
    chosen = newest(workspace, dataset)
    assert list(chosen) == ["base", "few-shot", "served:big"]
    must_match(workspace, chosen, {each: workspace.table(digest) for each, digest in chosen.items()})
    other = cli_predict.predict("tickets", endpoint=url, model="big", served_as="big", max_new_tokens=99)
    chosen["served:big"] = other.data["arms"][0]["predictions"]
    with pytest.raises(ConfigError, match="max_new_tokens"):
        must_match(workspace, chosen, {each: workspace.table(digest) for each, digest in chosen.items()})
    with pytest.raises(ConfigError, match="--as"):
        cli_predict.predict("tickets", served_as="big")


def test_one_request_for_equal_prompts_and_none_for_what_is_known(workspace, chat_server):
    url = chat_server(lambda body, n: (200, f"oak: {n}"))
    dataset = workspace.dataset("tickets")
    first = predict(workspace, dataset, [Base()], Served(Endpoint(url, "m")), Asking(limit=5))[0]
    assert len(chat_server.requests) == 5
    second = predict(workspace, dataset, [Base()], Served(Endpoint(url, "m")), Asking(limit=8))[0]
    assert len(chat_server.requests) == 8, "three rows are new"
    before = dict(workspace.table(first.digest).select("example_id", "answer").iter_rows())
    after = dict(workspace.table(second.digest).select("example_id", "answer").iter_rows())
    assert before.items() <= after.items()
    again = predict(workspace, dataset, [Base()], Served(Endpoint(url, "m")), Asking(limit=8), again=True)[0]
    assert len(chat_server.requests) == 16, "again asks anew"
    third = predict(workspace, dataset, [Base()], Served(Endpoint(url, "m")), Asking(limit=7))[0]
    anew = dict(workspace.table(again.digest).select("example_id", "answer").iter_rows())
    seven = dict(workspace.table(third.digest).select("example_id", "answer").iter_rows())
    assert len(chat_server.requests) == 16 and seven.items() <= anew.items()


def test_killed_while_it_asks_an_endpoint_only_what_was_in_flight_is_asked_again(
    workspace, chat_server, tmp_path
):
    """The second start gives the bytes of a run that nobody stopped, times aside."""

    def reply(body, number):
        time.sleep(0.15)
        return 200, body["messages"][-1]["content"].replace("hello", "oak")

    url = chat_server(reply)
    code = f"""
from curate.workspace import Workspace
from evalharness.asking.arms import Base
from evalharness.asking.endpoint import Endpoint
from evalharness.asking.predict import Asking, predict
from evalharness.asking.served import Served

space = Workspace.open()
predict(space, space.dataset("tickets"), [Base()], Served(Endpoint({url!r}, "m"), at_most=2), Asking())
"""
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=os.environ)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(chat_server.requests) < 6:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    asked = len(chat_server.requests)
    assert 6 <= asked < 12
    dataset = workspace.dataset("tickets")
    served = Served(Endpoint(url, "m"), at_most=2)
    done = predict(workspace, dataset, [Base()], served, Asking())[0]
    assert len(chat_server.requests) <= 12 + 2, "at most the two in flight are asked twice"
    shutil.rmtree(workspace.root / "replies")
    whole = predict(workspace, dataset, [Base()], served, Asking(), again=True)[0]
    tables = [workspace.table(each.digest).drop("seconds", "first_token_seconds") for each in (done, whole)]
    assert tables[0].rows() == tables[1].rows()
    assert json.dumps(tables[0].to_dicts()) == json.dumps(tables[1].to_dicts())
