"""What is wrong in a reply, a file of replies or a draft costs that row, and is told."""

import json

import pytest

from evalharness.asking.arms import Base
from evalharness.asking.endpoint import Endpoint, Reply
from evalharness.asking.predict import Asking, predict
from evalharness.asking.replies import Replies
from evalharness.asking.served import Served
from evalharness.asking.unfinished import Unfinished
from evalharness.commands import predict as cli_predict


def test_why_requests_failed_is_told_and_what_to_do(workspace, chat_server):
    url = chat_server(lambda body, n: (200, b'{"page": "log in"}' if n > 2 else "oak: sent"))
    told = cli_predict.predict("tickets", ["base"], endpoint=url, model="m", limit=6)
    text = "\n".join(told.lines)
    assert (
        "2 answers, 4 errors" in text and "4 failed: the endpoint's response is not a chat completion" in text
    )
    assert "the same command asks again what failed" in told.lines[-1]
    url = chat_server(lambda body, n: (200, "oak: sent"))
    assert (
        cli_predict.predict("tickets", ["base"], endpoint=url, model="m", limit=6).lines[-1]
        == "next: seatrial score"
    )


def test_any_text_of_an_endpoint_can_be_kept(workspace, chat_server):
    """Half a character, control codes, a million letters: tables and a second start take it."""
    odd = ["a \ud800 b", "\x00\x1b[2J\u202e", "word " * 200_000, "\ud83d\ude00"]
    body = [
        json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode()
        for text in odd
    ]
    endpoint = Endpoint(chat_server(lambda _, n: (200, body[n % 4])), "m")
    dataset = workspace.dataset("tickets")
    done = predict(workspace, dataset, [Base()], Served(endpoint), Asking(limit=4))[0]
    said = set(workspace.table(done.digest)["answer"])
    assert said == {"a \ufffd b", odd[1], odd[2].strip(), "\U0001f600"}
    assert not predict(workspace, dataset, [Base()], Served(endpoint), Asking(limit=4))[0].fresh


@pytest.mark.parametrize(
    "line", [b"12", b"null", b'["key"]', b'["key", 1, 2, 3, 4, 5, 6, 7, 8]', b"\xff\xfe", b"{"]
)
def test_a_spoilt_line_of_replies_is_as_if_it_were_not_there(tmp_path, line):
    endpoint = Endpoint("http://localhost/v1", "m")
    first = Replies.of(tmp_path, endpoint)
    first.add("one", Reply("said", "stop", 1, 2))
    first.close()
    first.path.write_bytes(line + b"\n" + first.path.read_bytes())
    second = Replies.of(tmp_path, endpoint)
    assert second.known == {"one": Reply("said", "stop", 1, 2)}
    second.close()


@pytest.mark.parametrize("line", [b"12", b"null", b"{}", b"\xff\xfe", b'{"batch": 1}'])
def test_a_spoilt_line_of_a_draft_ends_what_is_taken_from_it(tmp_path, line):
    draft = Unfinished(tmp_path, "key")
    draft.add(0, [{"example_id": "a"}])
    whole = draft.path.read_bytes()
    draft.path.write_bytes(whole + line + b"\n" + whole)
    assert draft.read() == {0: [{"example_id": "a"}]} and draft.path.read_bytes() == whole
