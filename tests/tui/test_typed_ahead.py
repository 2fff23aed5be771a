"""Keys that wait when one leaves."""

from __future__ import annotations

from typing import Any, cast

from textual import events
from textual.driver import Driver
from textual.message import Message

from tui.terminal.typed_ahead import STILL, TypedAhead


class Wire:
    """What a driver sends."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send_message(self, message: Message) -> None:
        self.sent.append(message)


def pressed(*names: str) -> tuple[TypedAhead, list[str]]:
    """(what counted, the keys that are dealt with) of keys that have all arrived before the first is."""
    wire = Wire()
    ahead = TypedAhead(["ctrl+q"])
    driver = ahead.heard_by(cast(Driver, wire))
    for name in names:
        driver.send_message(events.Key(name, None))
    kept = [cast(Any, message).key for message in wire.sent if not ahead.drops(cast(Any, message))]
    return ahead, kept


def test_keys_typed_fast_before_it_count() -> None:
    """As many as a person may be ahead of the screens."""
    ahead, kept = pressed(*["a"] * STILL, "ctrl+q")
    assert kept == ["a"] * STILL + ["ctrl+q"]
    assert ahead.told() == ""


def test_of_thousands_the_first_count_and_the_rest_is_told_once() -> None:
    """The key that leaves is dealt with whatever stands before it, and so is what comes after it."""
    ahead, kept = pressed(*["a"] * 10_000, "ctrl+q", "y")
    assert kept == ["a"] * STILL + ["ctrl+q", "y"]
    assert ahead.told() == f"{10_000 - STILL:,} keys were still waiting, and did nothing"
    assert ahead.told() == ""


def test_keys_that_leave_twice() -> None:
    """Each is waited for; where none waits nothing is dropped."""
    _, kept = pressed(*["a"] * 60, "ctrl+q", *["b"] * 60, "ctrl+q", *["c"] * 60)
    assert kept == ["a"] * STILL + ["ctrl+q"] + ["b"] * STILL + ["ctrl+q"] + ["c"] * 60
