"""Many requests at once: how many, how long to wait, when to give up."""

import json
import time

import pytest

from curate.errors import ConfigError, ResourceError
from evalharness.asking import inflight
from evalharness.asking.endpoint import Endpoint, Events, Reply
from evalharness.asking.inflight import Flight, Pace
from evalharness.asking.replies import Replies, key_of


def bodies(endpoint, count):
    return [endpoint.body([{"role": "user", "content": f"ticket {n}"}], 8) for n in range(count)]


def events(*texts, reason="stop", usage=True):
    """A streamed answer in pieces."""
    parts = [{"choices": [{"delta": {"role": "assistant"}}]}]
    parts += [{"choices": [{"delta": {"content": text}, "finish_reason": None}]} for text in texts]
    parts += [{"choices": [{"delta": {}, "finish_reason": reason}]}] if reason else []
    parts += [{"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}] if usage else []
    lines = "".join(f"data: {json.dumps(part)}\n\n" for part in parts) + ": a comment\n\ndata: [DONE]\n\n"
    return 200, lines.encode(), {"Content-Type": "text/event-stream"}


def test_the_pace_opens_to_its_ceiling_and_closes_once_a_round_trip():
    pace = Pace(ceiling=32)
    for _ in range(40):
        pace.answered(0.2)
    assert pace.limit == 32 and pace.gap == 0
    pace.refused(now=10.0)
    pace.refused(now=10.1)
    assert pace.limit == pytest.approx(32 * inflight.CUT), "refusals of one crowd are one cut"
    pace.refused(now=10.3)
    assert pace.limit == pytest.approx(32 * inflight.CUT**2) and pace.gap > 0
    for _ in range(200):
        pace.refused(now=100.0 + _)
    assert pace.limit == 1


@pytest.mark.parametrize(("allowed", "trip"), [(80.0, 0.2), (30.0, 0.5), (9.0, 1.0)])
def test_under_a_rate_limit_it_settles_within_a_tenth_of_what_is_allowed(allowed, trip):
    """Simulated: a bucket of one second's tokens, refusals told at once, 60 seconds of it."""
    pace, tokens, now, sent_at = Pace(ceiling=64), allowed, 0.0, -1.0
    flying, done, refused = [], [], 0
    step = 0.001
    while now < 60:
        for end in [end for end in flying if end <= now]:
            flying.remove(end)
            done.append(end)
            pace.answered(trip)
        tokens = min(allowed, tokens + allowed * step)
        while len(flying) < max(1, int(pace.limit)) and now >= sent_at + pace.gap:
            sent_at = now
            if tokens < 1:
                refused += 1
                pace.refused(now)
                break
            tokens -= 1
            flying.append(now + trip)
        now += step
    rate = sum(end > 20 for end in done) / 40
    assert 0.9 * allowed <= rate <= 1.1 * allowed
    assert refused < 0.6 * len(done), "none waits here before it comes back, as a refused one really does"


def test_a_burst_of_refusals_settles_and_every_request_is_answered(chat_server, monkeypatch):
    monkeypatch.setattr(inflight, "LEAST_WAIT", 0.01)
    url = chat_server(
        lambda body, n: (
            (429, "slow down", {"Retry-After": "0.05"}) if n <= 12 else (200, body["messages"][0]["content"])
        )
    )
    endpoint = Endpoint(url, "m")
    flight = Flight(endpoint, bodies(endpoint, 30), Pace(8))
    said = dict(flight.outcomes())
    assert {number: reply.text for number, reply in said.items()} == {n: f"ticket {n}" for n in range(30)}
    assert flight.refusals == 12 and flight.requests == 42


def test_a_wrong_key_stops_at_once(chat_server):
    url = chat_server(lambda body, n: (401, "no"))
    endpoint = Endpoint(url, "m")
    with pytest.raises(ConfigError, match="key is refused"):
        list(Flight(endpoint, bodies(endpoint, 200), Pace(4)).outcomes())
    time.sleep(0.1)
    assert len(chat_server.requests) <= 8, "nobody goes on asking"


def test_an_endpoint_that_is_down_is_told_after_a_few_and_not_after_all():
    endpoint = Endpoint("http://127.0.0.1:9/v1", "m", attempts=1)
    with pytest.raises(ResourceError, match="in a row were given up"):
        list(Flight(endpoint, bodies(endpoint, 200), Pace(4)).outcomes())


def test_what_cannot_be_answered_is_an_error_of_its_own_and_the_rest_goes_on(chat_server):
    url = chat_server(lambda body, n: (400, "too long") if "ticket 3" in str(body) else (200, "oak"))
    endpoint = Endpoint(url, "m")
    said = dict(Flight(endpoint, bodies(endpoint, 6), Pace(2)).outcomes())
    assert "too long" in said[3].message
    assert all(isinstance(said[n], Reply) for n in range(6) if n != 3)


def test_a_longer_wait_than_a_person_would_wait_is_given_up(chat_server):
    url = chat_server(lambda body, n: (429, "tomorrow", {"Retry-After": "86400"}))
    endpoint = Endpoint(url, "m")
    (said,) = dict(Flight(endpoint, bodies(endpoint, 1)).outcomes()).values()
    assert "asks to wait 86400 s" in said.message and len(chat_server.requests) == 1


def test_a_stream_tells_when_the_answer_began_and_what_it_used(chat_server):
    url = chat_server(lambda body, n: events("oak", ": sorry"))
    endpoint = Endpoint(url, "m")
    (said,) = dict(Flight(endpoint, bodies(endpoint, 1)).outcomes()).values()
    assert said.text == "oak: sorry" and said[1:4] == ("stop", 5, 2)
    assert 0 < said.first_token_seconds <= said.seconds
    assert chat_server.requests[0]["stream"] is True
    body = endpoint.body([{"role": "user", "content": "x"}], 8)
    assert b"stream" not in body, "streaming or not, the request is the same to the cache"


def test_a_server_that_knows_no_streams_is_asked_without(chat_server):
    def reply(body, number):
        return (400, "unknown field: stream_options") if "stream" in body else (200, "oak")

    endpoint = Endpoint(chat_server(reply), "m")
    flight = Flight(endpoint, bodies(endpoint, 5), Pace(1))
    assert [reply.text for _, reply in flight.outcomes()] == ["oak"] * 5
    assert len(chat_server.requests) == 6 and not flight.stream


def test_a_stream_that_breaks_off_is_asked_again(chat_server, monkeypatch):
    url = chat_server(lambda body, n: events("oa", reason=None) if n == 1 else events("oak"))
    endpoint = Endpoint(url, "m")
    monkeypatch.setattr(Endpoint, "pause", lambda *_: 0.0)
    (said,) = dict(Flight(endpoint, bodies(endpoint, 1)).outcomes()).values()
    assert said.text == "oak" and len(chat_server.requests) == 2


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_events_are_the_same_however_the_bytes_come(size):
    whole = events("über", " the", " lazy")[1].replace(b"\\u00fc", "ü".encode())
    told = Events()
    for start in range(0, len(whole), size):
        told.read(whole[start : start + size])
    assert told.reply() == Reply("über the lazy", "stop", 5, 2)


def test_a_line_of_megabytes_is_put_together_once():
    """In time that grows with its length and not with the square of it: 8 MB come in pieces of 1 kB."""
    text = "x" * (8 << 20)
    line = events(text)[1]
    told, began = Events(), time.process_time()
    for start in range(0, len(line), 1024):
        told.read(line[start : start + 1024])
    assert len(told.reply().text) == len(text) and time.process_time() - began < 3


def test_replies_outlive_a_kill_and_a_line_that_it_cut_is_asked_again(tmp_path):
    path = tmp_path / "replies" / "m.jsonl"
    first = Replies(path)
    for n in range(3):
        first.add(key_of("a", b"%d" % n), Reply(f"said {n}", "stop", 1, 2, 0.5, None))
    first.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 9)
    second = Replies(path)
    assert [second.known.get(key_of("a", b"%d" % n)) is not None for n in range(3)] == [True, True, False]
    second.add(key_of("a", b"2"), Reply("anew", "stop", None, None))
    second.close()
    third = Replies(path)
    third.close()
    assert third.known[key_of("a", b"2")].text == "anew" and third.known[key_of("a", b"0")].text == "said 0"
