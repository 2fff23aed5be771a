"""One request to an endpoint, against a small server on the loopback."""

import json
import time

import pytest

from curate.errors import ConfigError, ResourceError
from evalharness.asking.endpoint import Endpoint

GOOD = json.dumps({"reason": "says the same", "score": 4})


def about(naps, wanted):
    """Each wait is as long as was asked for, and up to a quarter more by chance."""
    return len(naps) == len(wanted) and all(
        0.9 * w <= n <= 1.25 * w for n, w in zip(naps, wanted, strict=True)
    )


def endpoint(url, **more):
    naps = []
    made = Endpoint(url, "judge-model", sleep=naps.append, **more)
    return made, naps


def test_it_waits_as_long_as_it_is_asked_to_and_tries_again(chat_server):
    replies = [(429, "slow down", {"Retry-After": "7"}), (500, "oops"), (503, ""), (200, GOOD)]
    made, naps = endpoint(chat_server(lambda body, n: replies[n - 1]))
    assert made.ask(made.body([], 10)).text == GOOD
    assert about(naps, [7, 2, 1])


def test_a_date_to_try_again_at_is_understood(chat_server):
    from email.utils import formatdate

    replies = [(429, "", {"Retry-After": formatdate(time.time() + 20, usegmt=True)}), (200, GOOD)]
    made, naps = endpoint(chat_server(lambda body, n: replies[n - 1]))
    made.ask(made.body([], 10))
    assert about(naps, [20])


def test_it_does_not_wait_for_a_day(chat_server):
    made, naps = endpoint(chat_server(lambda body, n: (429, "", {"Retry-After": "86400"})))
    with pytest.raises(ResourceError, match="asks to wait 86400 s"):
        made.ask(made.body([], 10))
    assert not naps and len(chat_server.requests) == 1


def test_it_gives_up_after_its_attempts(chat_server):
    made, naps = endpoint(chat_server(lambda body, n: (500, "oops")), attempts=3)
    with pytest.raises(ResourceError, match=r"status 500 \(3 attempts\)"):
        made.ask(made.body([], 10))
    assert len(chat_server.requests) == 3 and about(naps, [1, 2])


def whole(text, **more):
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], **more}).encode()


@pytest.mark.parametrize(
    "usage",
    [None, [1], "many", 7, {"prompt_tokens": "many", "completion_tokens": -3}, {"prompt_tokens": 10**30},
     {"prompt_tokens": True, "completion_tokens": 1.5}],
)  # fmt: skip
def test_a_usage_that_is_none_is_not_known_and_the_answer_counts(chat_server, usage):
    made, _ = endpoint(chat_server(lambda body, n: (200, whole("yes", usage=usage))))
    reply = made.ask(made.body([], 10))
    assert (reply.text, reply.prompt_tokens, reply.answer_tokens) == ("yes", None, None)


def test_half_a_character_in_an_answer_is_replaced_and_two_halves_are_one(chat_server):
    """No table takes half a surrogate pair; kept as it came it would end every later start, too."""
    made, _ = endpoint(chat_server(lambda body, n: (200, whole("a \ud800 b \ud83d\ude00"))))
    assert made.ask(made.body([], 10)).text == "a \ufffd b \U0001f600"


@pytest.mark.parametrize("said", [b"[" * 200_000, b"<html>", b"", b'{"choices": [{"message"'])
def test_what_is_no_json_was_cut_off_or_is_a_gateways_page_and_is_asked_for_again(chat_server, said):
    made, _ = endpoint(chat_server(lambda body, n: (200, said)), attempts=2)
    with pytest.raises(ResourceError, match=r"the response is no JSON: .{2,80} \(2 attempts\)"):
        made.ask(made.body([], 10))
    made, _ = endpoint(chat_server(lambda body, n: (200, said if n == 1 else GOOD)))
    assert made.ask(made.body([], 10)).text == GOOD


def test_a_completion_without_a_text_says_how_it_ended(chat_server):
    """Of a model that thinks, the thoughts may take all tokens."""
    for reason, words in (("length", "finish reason length: all its tokens"), ("content_filter", "withheld")):
        said = {"choices": [{"message": {"content": None}, "finish_reason": reason}]}
        made, _ = endpoint(chat_server(lambda body, n, said=said: (200, json.dumps(said).encode())))
        with pytest.raises(ResourceError, match=words):
            made.ask(made.body([], 10))


def test_a_timeout_is_tried_again_and_then_said(chat_server):
    def slow(body, n):
        time.sleep(0.4)
        return 200, GOOD

    made, _ = endpoint(chat_server(slow), attempts=2, timeout=0.1)
    with pytest.raises(ResourceError, match=r"no answer within 0.1 s \(2 attempts\)"):
        made.ask(made.body([], 10))


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (b"{}", "not a chat completion"),
        (b'{"choices": []}', "not a chat completion"),
        (b'{"choices": [{"message": {"content": null}}]}', "not a chat completion"),
        (b"[]", "not a chat completion"),
    ],
)
def test_a_response_that_is_no_completion_is_said(chat_server, response, words):
    made, _ = endpoint(chat_server(lambda body, n: (200, response)))
    with pytest.raises(ResourceError, match=words):
        made.ask(made.body([], 10))


def test_the_key_comes_from_the_environment_and_is_sent_nowhere_else(chat_server, monkeypatch):
    monkeypatch.setenv("MY_KEY", "secret-value")
    made, _ = endpoint(chat_server(lambda body, n: (200, GOOD)), key_variable="MY_KEY")
    made.ask(made.body([{"role": "user", "content": "x"}], 10))
    assert chat_server.headers[0]["Authorization"] == "Bearer secret-value"
    assert "secret-value" not in repr(made) and "secret-value" not in str(chat_server.requests)


def test_a_key_with_the_end_of_its_line_is_the_key_and_one_that_is_none_is_told(chat_server, monkeypatch):
    monkeypatch.setenv("MY_KEY", "secret-value\r\n")
    url = chat_server(lambda body, n: (200, GOOD))
    made, _ = endpoint(url, key_variable="MY_KEY")
    made.ask(made.body([], 10))
    assert chat_server.headers[0]["Authorization"] == "Bearer secret-value"
    for spoilt in ("schlüssel", "a\nb"):
        monkeypatch.setenv("MY_KEY", spoilt)
        with pytest.raises(ConfigError, match="MY_KEY holds a character that no key has"):
            made = endpoint(url, key_variable="MY_KEY")[0]
            made.ask(made.body([], 10))


def test_an_address_that_sends_elsewhere_is_told_with_the_other(chat_server):
    there = {"Location": "https://other.example/v1/chat/completions"}
    made, _ = endpoint(chat_server(lambda body, n: (301, "", there)))
    with pytest.raises(ConfigError, match=r"\(status 301\), to https://other.example/v1/chat"):
        made.ask(made.body([], 10))


@pytest.mark.parametrize(
    ("response", "headers", "words"),
    [
        (b"no gzip", {"Content-Encoding": "gzip"}, "not packed as its header says"),
        (b'{"error": {"message": "no such model"}}', {}, "no such model"),
        (b" " * 2000, {}, "larger than 0 MiB"),
        (b"x" * 2000, {"Content-Type": "text/event-stream"}, "larger than 0 MiB"),
    ],
)
def test_a_response_that_is_spoilt_is_said(chat_server, monkeypatch, response, headers, words):
    """One without an end would fill the memory."""
    monkeypatch.setattr("evalharness.asking.endpoint.LARGEST", 1000)
    made, _ = endpoint(chat_server(lambda body, n: (200, response, headers)), attempts=1)
    with pytest.raises(ResourceError, match=words):
        made.ask(made.body([], 10))


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://x/v1", "http://", "http://me:pw@host/v1", "http://h/v1?key=1", "http://[::1/v1",
     "http://a..b/v1", f"http://{'a' * 64}/v1", "http://h:port/v1", "http://h:99999/v1", "http://h/\0v1"],
)  # fmt: skip
def test_an_address_that_is_none_or_holds_a_secret_is_refused(url):
    with pytest.raises(ConfigError):
        Endpoint(url, "m")
