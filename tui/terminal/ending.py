"""How the screens end when nobody presses a key: the terminal is gone, or the process is asked to end.

All that was decided is on the disk by then. Where the hang-up signal is ignored (`nohup`), a terminal that
is gone would otherwise be read again and again, at the full speed of a core.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

ENDED = 128  # and the signal's number: the exit code of what a signal ended
GONE = ENDED + signal.SIGHUP
SETTLED = 0.1  # seconds in which the event loop has heard of a signal that came before
PATIENCE = 3.0  # seconds that the screens have for their end; what is written to no terminal may block


def watch(app: App[int]) -> None:
    """End the app with its terminal, and by the signals that ask for it; call it in the event loop."""
    if app.is_headless or sys.__stdin__ is None or not sys.__stdin__.isatty():
        return
    loop = asyncio.get_running_loop()
    for request in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(request) is not signal.SIG_IGN:
            loop.add_signal_handler(request, _end, app, ENDED + request)
    terminal = sys.__stdin__.fileno()
    threading.Thread(target=_until_gone, args=(app, loop, terminal), name="terminal", daemon=True).start()


def _end(app: App[int], code: int) -> None:
    app.exit(return_code=code)


@contextmanager
def interrupts_elsewhere(app: App[int]) -> Iterator[None]:
    """While another program has the terminal, ctrl+c is its own; use it in the event loop.

    The other program begins with the signal's default, as a handler is not inherited.
    """
    loop = asyncio.get_running_loop()
    ours = loop.remove_signal_handler(signal.SIGINT)
    before = signal.signal(signal.SIGINT, lambda *_: None)

    def again() -> None:
        if ours:
            loop.add_signal_handler(signal.SIGINT, _end, app, ENDED + signal.SIGINT)
        else:
            signal.signal(signal.SIGINT, before)

    try:
        yield
    finally:
        # not at once: a signal that came in between would be heard of afterwards
        loop.call_later(SETTLED, again)


def _until_gone(app: App[int], loop: asyncio.AbstractEventLoop, terminal: int) -> None:
    """Wait until the terminal hangs up; of input nothing is asked, and nothing is taken."""
    poller = select.poll()
    poller.register(terminal, 0)
    while not any(
        events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poller.poll()
    ):
        time.sleep(PATIENCE)
    loop.call_soon_threadsafe(_end, app, GONE)
    time.sleep(PATIENCE)
    os._exit(GONE)
