"""Many requests to one endpoint, as many at a time as it bears."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import NamedTuple

from curate.errors import ResourceError
from evalharness.endpoint import AgainError, Endpoint, RefusedError, Reply

AT_MOST = 32
FIRST = 8.0
CUT = 0.85  # of the requests in flight, where one was refused: few enough, and soon as many again
LEAST_WAIT = 0.05  # seconds, also where the endpoint asks for none
PATIENCE = 300.0  # seconds for which a request that is refused as one of too many is sent again
DEAD = 8  # requests given up in a row, and none answered: the endpoint is down


@dataclass
class Pace:
    """How many requests may be in flight: one more for each that is answered while all goes well, then one
    more a round trip; less by a cut where one is refused (additive increase, multiplicative decrease).
    """  # noqa: D205

    ceiling: int = AT_MOST
    limit: float = FIRST
    opening: bool = True
    cut_at: float = -1.0  # what began before is of the same crowd, and cuts no second time

    def __post_init__(self) -> None:
        self.limit = min(self.limit, float(self.ceiling))

    def answered(self) -> None:
        """One more went well."""
        self.limit = min(float(self.ceiling), self.limit + (1.0 if self.opening else 1.0 / self.limit))

    def refused(self, began: float, now: float) -> None:
        """One of those in flight, sent at `began`, was refused or took too long."""
        self.opening = False
        if began > self.cut_at:
            self.limit, self.cut_at = max(1.0, self.limit * CUT), now


class _Job(NamedTuple):
    ready: float  # by the monotonic clock
    number: int
    first: float  # when it was first sent; 0 before that
    attempt: int  # that failed, but for those that were refused as one of too many
    refusals: int


Outcome = Reply | ResourceError


@dataclass
class Flight:
    """Requests on their way: threads take what is due, as many as the pace allows."""

    endpoint: Endpoint
    bodies: Sequence[bytes]
    pace: Pace = field(default_factory=Pace)
    stream: bool = True

    def __post_init__(self) -> None:
        self.free = threading.Condition()
        self.waiting = [_Job(0.0, number, 0.0, 0, 0) for number in range(len(self.bodies))]
        self.flying, self.over = 0, False
        self.told: SimpleQueue[tuple[int, Outcome | BaseException]] = SimpleQueue()
        self.requests = 0  # sent, each attempt counted
        self.refusals = 0

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        """(position, reply or why there is none), as they come in.

        ConfigError at once where key, address or model is wrong; ResourceError where the endpoint is down.
        """
        threads = min(self.pace.ceiling, len(self.bodies))
        for _ in range(threads):
            # daemons: an interrupt does not wait for answers that nobody will read
            threading.Thread(target=self._work, daemon=True).start()
        lost = 0
        try:
            for _ in self.bodies:
                number, outcome = self.told.get()
                if isinstance(outcome, BaseException) and not isinstance(outcome, ResourceError):
                    raise outcome
                given_up = isinstance(outcome, ResourceError) and not isinstance(outcome, RefusedError)
                lost = lost + 1 if given_up else 0
                yield number, outcome
                if lost >= DEAD and isinstance(outcome, ResourceError):
                    raise ResourceError(
                        f"{lost} requests in a row were given up: {outcome.message}",
                        hint="is it running? What was answered is kept; the same command goes on from there",
                    )
        finally:
            with self.free:
                self.over = True
                self.free.notify_all()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            began = time.monotonic()
            try:
                outcome: Outcome | BaseException | _Job = self._one(self.bodies[job.number])
            except AgainError as error:
                outcome = self._again(job, error, began)
            except BaseException as error:
                outcome = error
            with self.free:
                self.flying -= 1
                if isinstance(outcome, _Job):
                    heapq.heappush(self.waiting, outcome)
                else:
                    if isinstance(outcome, Reply):
                        self.pace.answered()
                    self.told.put((job.number, outcome))
                self.free.notify(2)

    def _next(self) -> _Job | None:
        """The next that is due, once there is room for it; None when all is over."""
        with self.free:
            while not self.over:
                now = time.monotonic()
                room = self.flying < max(1, int(self.pace.limit))
                if room and self.waiting and self.waiting[0].ready <= now:
                    job = heapq.heappop(self.waiting)
                    self.flying += 1
                    self.requests += 1
                    return job._replace(first=job.first or now)
                due = self.waiting[0].ready - now if room and self.waiting else None
                self.free.wait(due)
            return None

    def _one(self, body: bytes) -> Reply:
        try:
            return self.endpoint.attempt(body, stream=self.stream)
        except RefusedError as error:
            if not self.stream or "stream" not in error.message:
                raise
        self.stream = False  # some servers know no streams, or not what they used
        return self.endpoint.attempt(body)

    def _again(self, job: _Job, error: AgainError, began: float) -> _Job | ResourceError:
        """The job for later, or why it is given up. One of too many is no failed attempt, within PATIENCE."""
        now = time.monotonic()
        refusals, attempt = job.refusals + error.crowded, job.attempt + (not error.crowded)
        with self.free:
            self.refusals += error.crowded
            if error.crowded:
                self.pace.refused(began, now)
        url, tries = self.endpoint.url, refusals + attempt
        try:
            wait = self.endpoint.pause(error, tries - 1)
        except ResourceError as given_up:
            return given_up
        spent = now - job.first + wait > PATIENCE
        if attempt >= self.endpoint.attempts or spent or (refusals and self.endpoint.attempts == 1):
            return ResourceError(f"{url}: {error.message} ({tries} attempts)")
        return _Job(now + max(wait, LEAST_WAIT), job.number, job.first, attempt, refusals)
