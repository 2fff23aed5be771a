"""An endpoint that takes requests and says nothing: how soon that is told, and of how few."""

import json
import socket
import threading
import time

import pytest

from curate.errors import ConfigError, ResourceError
from evalharness.asking.endpoint import Endpoint, Reply
from evalharness.asking.inflight import Flight
from evalharness.commands import judge as cli_judge
from evalharness.commands import options
from evalharness.commands import predict as cli_predict
from evalharness.commands import score as cli_score

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
ROLE = b'data: {"choices": [{"delta": {"role": "assistant", "content": ""}}]}\n\n'
MANNERS = {
    "never a byte": b"",
    "headers and no body": HEAD,
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
    "a role and no word": HEAD + ROLE,
    "comments": HEAD + b": waiting\n\n",
}


@pytest.fixture
def silent():
    """Starts a server that takes every connection and sends these bytes, no more: give it them, get its address."""
    made = []

    def start(said: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        made.append(listener)

        def serve() -> None:
            while True:
                try:
                    taken, _ = listener.accept()
                except OSError:
                    return
                made.append(taken)
                taken.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"

    yield start
    for each in made:
        each.close()


def bodies(endpoint, count):
    return [endpoint.body([{"role": "user", "content": f"ticket {n}"}], 8) for n in range(count)]


@pytest.mark.parametrize("said", MANNERS.values(), ids=MANNERS)
def test_a_silent_endpoint_is_told_once_its_time_is_over_however_few_are_asked(silent, said):
    endpoint = Endpoint(silent(said), "m", timeout=30, first_answer=0.3)
    began = time.monotonic()
    with pytest.raises(ResourceError, match=r"no sign of life within 0\.3 s") as told:
        list(Flight(endpoint, bodies(endpoint, 2)).outcomes())
    assert time.monotonic() - began < 5 and "--set first-answer=" in told.value.hint


def test_attempts_that_are_late_do_not_begin_its_time_anew(silent):
    endpoint = Endpoint(silent(b""), "m", timeout=0.1, first_answer=0.6)
    flight = Flight(endpoint, bodies(endpoint, 1))
    with pytest.raises(ResourceError, match="no sign of life"):
        list(flight.outcomes())
    assert flight.requests >= 2, "it was asked again meanwhile"


def test_a_sign_of_life_gives_all_requests_their_own_time(chat_server):
    """The first is answered at once; what takes longer than the first answer may is waited for."""

    def reply(body, number):
        if "ticket 1" in str(body):
            time.sleep(0.5)
        return 200, "oak"

    endpoint = Endpoint(chat_server(reply), "m", first_answer=0.25)
    said = dict(Flight(endpoint, bodies(endpoint, 2)).outcomes())
    assert all(isinstance(each, Reply) for each in said.values())


def test_of_an_endpoint_that_has_answered_before_only_these_requests_are_given_up(silent):
    endpoint = Endpoint(silent(b""), "m", timeout=30, first_answer=0.2)
    said = dict(Flight(endpoint, bodies(endpoint, 3), known=True).outcomes())
    assert [said[n].message for n in range(3)] == [f"{endpoint.url}: no sign of life within 0.2 s"] * 3
    with pytest.raises(ResourceError, match="8 requests in a row were given up"):
        list(Flight(endpoint, bodies(endpoint, 9), known=True).outcomes())


@pytest.fixture
def falling_silent(chat_server):
    """A server that answers all but the tickets with these numbers, to which it says nothing for half a minute."""
    free = threading.Event()

    def start(*unheard):
        def reply(body, number):
            if any(f"ticket {each}" == body["messages"][0]["content"] for each in unheard):
                free.wait(30)
            return 200, "oak"

        return chat_server(reply)

    yield start
    free.set()


def test_an_endpoint_that_falls_silent_ends_the_run_after_what_it_answered(falling_silent):
    endpoint = Endpoint(falling_silent(*range(2, 20)), "m", timeout=20, silence=0.4)
    outcomes, said = Flight(endpoint, bodies(endpoint, 20)).outcomes(), {}
    with pytest.raises(ResourceError, match=r"no sign of life any more for 0\.4 s") as told:
        while True:
            number, outcome = next(outcomes)
            said[number] = outcome
    assert set(said) == {0, 1} and all(isinstance(each, Reply) for each in said.values())
    assert "--set silence=" in told.value.hint


def test_a_few_requests_that_it_hangs_at_are_errors_of_their_own(falling_silent):
    endpoint = Endpoint(falling_silent(1, 7), "m", timeout=20, silence=0.4)
    said = dict(Flight(endpoint, bodies(endpoint, 12)).outcomes())
    lost = {number for number, outcome in said.items() if not isinstance(outcome, Reply)}
    assert len(said) == 12 and lost == {1, 7}
    assert "no sign of life any more" in said[1].message


def test_a_wait_that_was_asked_for_is_no_silence(chat_server):
    """Nothing is in flight meanwhile."""
    made = iter([429])

    def reply(body, number):
        return (429, b"{}", {"Retry-After": "1"}) if next(made, None) else (200, "oak")

    endpoint = Endpoint(chat_server(reply), "m", silence=0.3)
    said = dict(Flight(endpoint, bodies(endpoint, 1)).outcomes())
    assert isinstance(said[0], Reply)


def test_silence_is_an_attempt_and_a_half_where_nothing_is_said():
    endpoint = Endpoint("http://127.0.0.1:9/v1", "m", timeout=60)
    assert endpoint.quiet == 90 and Endpoint("http://127.0.0.1:9/v1", "m", silence=7).quiet == 7


def test_an_answer_that_trickles_in_ends_with_its_attempt():
    """Each byte comes in time, the whole never does."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        taken, _ = listener.accept()
        with taken:
            taken.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
            )
            try:
                for _ in range(500):
                    taken.sendall(b" ")
                    time.sleep(0.01)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    endpoint = Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", "m", timeout=0.2, attempts=1)
    with pytest.raises(ResourceError, match=r"no answer within 0\.2 s"):
        endpoint.ask(endpoint.body([], 8))
    listener.close()


def test_a_command_ends_with_nothing_recorded_and_goes_on_when_the_endpoint_is_there(
    workspace, silent, chat_server
):
    where = {"endpoint": silent(b""), "model": "m", "arm": ["base"]}
    with pytest.raises(ResourceError, match="no sign of life"):
        cli_predict.predict(**where, setting=["first-answer=0.2"])
    made = "select 1 from run join run_end using (run_id) where kind = 'predict' and error is null"
    assert not workspace.ledger.rows(made)
    done = cli_predict.predict(endpoint=chat_server(lambda body, n: (200, "oak")), model="m", arm=["base"])
    assert done.data["arms"][0]["notes"]["errors"] == 0
    with pytest.raises(ResourceError, match="no sign of life"):
        cli_score.score(endpoint=silent(b""), model="j", rubric=["tone"], setting=["first-answer=0.2"])


@pytest.mark.parametrize(
    "word", ["first-answer=0", "first-answer=nan", "silence=0", "timeout=-1", "in-flight=0"]
)
def test_a_time_that_is_none_is_refused(workspace, word):
    with pytest.raises(ConfigError, match="--set"):
        cli_predict.predict(endpoint="http://127.0.0.1:9/v1", model="m", setting=[word])
    if not word.startswith("in"):
        with pytest.raises(ConfigError, match="--set"):
            cli_judge.judge(endpoint="http://127.0.0.1:9/v1", model="m", setting=[word])
    with pytest.raises(ConfigError, match="none is asked"):
        cli_score.score(setting=["first-answer=5"])


def test_how_long_a_first_answer_may_take_is_told_in_help(capsys):
    from tui.cli import main

    for command in ("predict", "tune", "probe", "judge", "score"):
        assert main([command, "--help"]) == 0
        assert "first-answer=90" in capsys.readouterr().out
    assert json.dumps(options.served({"first-answer": 5.0, "stream": False}))
