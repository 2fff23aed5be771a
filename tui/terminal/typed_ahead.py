"""Keys that still wait when one leaves: a few are dealt with, so that no key typed fast is lost; the rest is not.

What is pasted into a terminal that does not mark a paste arrives as keys. Thousands of them would keep the
screens busy for minutes after the key that leaves.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.driver import Driver
from textual.message import Message

STILL = 50  # keys that are dealt with after the key that leaves has arrived behind them: under a second


class TypedAhead:
    """Counts the keys before one that leaves; `leaving` are that key's names."""

    def __init__(self, leaving: Iterable[str]) -> None:
        self.leaving = frozenset(leaving)
        self.waiting = 0  # keys that leave, arrived and not dealt with
        self.dealt = self.dropped = 0  # keys before them

    def heard_by(self, driver: Driver) -> Driver:
        """The driver, by which each key is heard as it arrives."""
        send = driver.send_message

        def sent(message: Message) -> None:
            if isinstance(message, events.Key) and message.key in self.leaving:
                self.waiting += 1
            send(message)

        driver.send_message = sent  # type: ignore[method-assign]
        return driver

    def drops(self, event: events.Event) -> bool:
        """Whether an event is a key that nobody waits for any more; call it once for each, in order."""
        if not isinstance(event, events.Key) or not self.waiting:
            return False
        if event.key in self.leaving:
            self.waiting -= 1
            self.dealt = 0
            return False
        self.dealt += 1
        over = self.dealt > STILL
        self.dropped += over
        return over

    def told(self) -> str:
        """What is to be said of dropped keys, once; empty where there were none."""
        dropped, self.dropped = self.dropped, 0
        return f"{dropped:,} keys were still waiting, and did nothing" if dropped else ""
