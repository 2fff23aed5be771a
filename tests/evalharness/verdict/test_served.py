"""A fine-tune that is served, and has no weights here: from the declaration to the verdict."""

import re

import polars as pl
import pytest

from curate.errors import ConfigError
from curate.example import frame, with_ids
from curate.workspace import Workspace
from evalharness.commands.declare import declare
from evalharness.commands.predict import predict
from evalharness.commands.probe import probe
from evalharness.commands.score import score
from evalharness.commands.tune import tune
from evalharness.commands.verdict import compare, report, verdict
from evalharness.deciding.declared import declare as record
from tests.evalharness.conftest import ticket
from tests.evalharness.verdict.conftest import LABELS, scan

WITHOUT = ["forgetting", "held-out loss"]


def ticket_alone(number, split):
    """No system message: so the base's instruction makes its prompts other than the fine-tune's."""
    row = ticket(number, LABELS[number % 3], split)
    return row | {"messages": row["messages"][1:]}


@pytest.fixture
def tickets(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    space = Workspace.open(create=True)
    counts = {"train": range(36), "validation": range(60, 70), "test": range(100, 145)}
    rows = [ticket_alone(n, part) for part, numbers in counts.items() for n in numbers]
    examples = with_ids(frame(rows), [str(n) for n in range(len(rows))])
    before = space.put_dataset(examples.with_columns(split=pl.lit(None, dtype=pl.String)))
    scan(space, before)
    with space.run("split", {"seed": 0}, {"dataset": before}) as run:
        digest = run.outputs["dataset"] = space.put_dataset(examples)
    space.ledger.set_name("tickets", digest)
    scan(space, digest)
    yield space
    space.close()


def reply(body, _):
    """`ft` knows the queue of a parcel's number, `m` knows one in two; to all else both ask back."""
    parcel = re.search(r"parcel (\d+)$", body["messages"][-1]["content"])
    if not parcel:
        return 200, "I cannot know that: what do you mean?"
    number = int(parcel[1])
    right = body["model"] == "ft" or number % 2
    return 200, f"{LABELS[(number + (0 if right else 1)) % 3]}: sorry"


def answered(url, **more):
    tune("tickets", endpoint=url, model="m", shots="4", neighbours="3", retriever=["bm25"])
    predict("tickets", endpoint=url, model="m", tuned_model="ft", **more)
    score("tickets")


def states(said):
    return {each["check"]: (each["state"], each["required"]) for each in said["checks"]}


def test_a_served_fine_tune_ships_where_the_declaration_said_what_it_may_lack(tickets, chat_server, tmp_path):
    url = chat_server(reply)
    declare("tickets", waive=WITHOUT, price_in="1", price_out="2,3", most=["cost=5", "seconds=60"])
    answered(url)
    told = probe("tickets")  # as the arm `tuned` was asked
    assert "of ft beside m at http" in told.lines[0]
    found = compare("tickets").data["comparison"]
    assert found["verdict"]["outcome"] == "SHIP", found["verdict"]
    assert found["subject"]["served"] == f"ft at {url}" and found["subject"]["adapter"] is None
    known = states(found)
    assert known["baselines tuned"] == ("pass", True)
    assert known["forgetting"] == known["held-out loss"] == ("not measured", False)
    assert all(known[name] == ("pass", True) for name in ("red team", "instrument", "adapter acts", "cost"))
    assert "equal prompts" in next(c["detail"] for c in found["checks"] if c["check"] == "adapter acts")
    assert [row["cost"] for row in found["cost"]] == pytest.approx([0.013] * 3 + [0.016])
    block = " ".join(verdict().lines)
    assert "1,000 answers" in block.replace("  ", " ") and "of the fine-tune 1 and 3" in block
    report(to=tmp_path / "out")
    pages = [(tmp_path / "out" / f"report.{kind}").read_text() for kind in ("html", "md")]
    assert all("cost of 1,000" in page for page in pages) and "of the fine-tune 1 and 3" in pages[0]
    for name in (None, "ft", f"ft at {url}"):
        assert verdict(for_=name).exit_code == 0
    other = verdict(for_=f"gt at {url}", comparison=compare("tickets").data["digest"])
    assert other.exit_code == 1 and f"it is about ft at {url}" in "\n".join(other.lines)
    probe("tickets", again=True, only=["red team"])
    assert "probed again since" in "\n".join(verdict().lines)


def test_without_that_it_is_not_shown_and_what_to_do_is_said(tickets, chat_server):
    answered(chat_server(reply))
    declare("tickets", waive=WITHOUT)  # too late
    probe("tickets")
    found = compare("tickets").data["comparison"]
    assert found["verdict"]["outcome"] == "NOT SHOWN"
    assert states(found)["forgetting"] == ("not measured", True)
    assert "seatrial declare --waive" in found["verdict"]["advice"]


def test_a_name_under_which_the_base_is_served_does_not_act(tickets, chat_server):
    answered(chat_server(lambda body, number: reply(body | {"model": "m"}, number)))
    told = probe("tickets", only=["instrument"])
    assert told.data["found"]["adapter acts"]["state"] == "fail"
    assert states(compare("tickets").data["comparison"])["adapter acts"] == ("fail", True)


def test_another_served_model_is_probed_by_the_name_of_its_arm(tickets, chat_server):
    url = chat_server(reply)
    predict("tickets", endpoint=url, model="m", arm=["base"])
    with pytest.raises(ConfigError, match="served:x has not answered"):
        probe("tickets", served_as="x")
    predict("tickets", endpoint=url, model="ft", served_as="x")
    assert "of ft beside m at" in probe("tickets", served_as="x", only=["instrument"]).lines[0]


def test_what_cannot_be_probed_or_waived_is_said(tickets, chat_server):
    url = chat_server(reply)
    with pytest.raises(ConfigError, match="no served fine-tune has answered"):
        probe("tickets")
    with pytest.raises(ConfigError, match="whose answers are probed"):
        probe("tickets", endpoint=url, model="m")
    with pytest.raises(ConfigError, match="no base is known"):
        probe("tickets", endpoint=url, tuned_model="ft")
    with pytest.raises(ConfigError, match="--waive red team"):
        record(tickets, tickets.dataset("tickets"), waived=["red team"])
