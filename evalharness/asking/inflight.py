"""Many requests to one endpoint, as many at a time as it bears."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import NamedTuple

from curate.errors import ResourceError
from evalharness.asking.endpoint import AgainError, Endpoint, RefusedError, Reply

AT_MOST = 32
FIRST = 16.0
RECENT = 0.1  # weight of the newest round trip
GROWTH = 2.0  # requests a round trip, once one was refused
SPREAD = 0.95  # of the even distance between requests: they come back in crowds, and crowds are refused
CUT = 0.9  # of the requests in flight, where one was refused: few enough, and soon as many again
LEAST_WAIT = 0.05  # seconds, also where the endpoint asks for none
PATIENCE = 300.0  # seconds for which a request that is refused as one of too many is sent again
DEAD = 8  # requests given up in a row, and none answered: the endpoint is down
SILENT = (
    "is a model running there? One that is loaded at the first request may need more: --set first-answer=600. "
    "What was answered is kept; the same command goes on from there"
)
GONE = (
    "is it still running? A slow one may need more: --set silence=600. "
    "What was answered is kept; the same command goes on from there"
)
LOOK = 1.0  # seconds between two looks at whether it is silent


@dataclass
class Pace:
    """How many requests may be in flight: one more for each that is answered while all goes well, then two
    more a round trip; less by a cut where one is refused (additive increase, multiplicative decrease). Refusals
    come back at once and answers do not, so there is one cut a round trip at most.
    """  # noqa: D205

    ceiling: int = AT_MOST
    limit: float = FIRST
    opening: bool = True
    trip: float = 0.0  # seconds that an answer takes, the last ones counting most
    cut_at: float = float("-inf")

    def __post_init__(self) -> None:
        self.limit = min(self.limit, float(self.ceiling))

    def answered(self, seconds: float) -> None:
        """One more went well."""
        self.trip += (seconds - self.trip) * (RECENT if self.trip else 1.0)
        self.limit = min(float(self.ceiling), self.limit + (1.0 if self.opening else GROWTH / self.limit))

    @property
    def gap(self) -> float:
        """Seconds between two requests; none until one is refused."""
        return 0.0 if self.opening else SPREAD * self.trip / self.limit

    def refused(self, now: float) -> None:
        """One was refused as one of too many, or took too long."""
        self.opening = False
        if now - self.cut_at >= self.trip:
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
    known: bool = False  # it has answered before: requests that it is silent to are errors of their own

    def __post_init__(self) -> None:
        self.free = threading.Condition()
        self.waiting = [_Job(0.0, number, 0.0, 0, 0) for number in range(len(self.bodies))]
        self.flying, self.over, self.sent_at = 0, False, float("-inf")
        self.told: SimpleQueue[tuple[int, Outcome | BaseException]] = SimpleQueue()
        self.asked_at = float("inf")  # when the first one was sent
        self.heard = False  # the endpoint has given a sign of life
        self.quiet_since = float(
            "inf"
        )  # the last one, or the first request after it; none: nothing is awaited
        self.requests = 0  # sent, each attempt counted
        self.refusals = 0

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        """(position, reply or why there is none), as they come in.

        ConfigError at once where key, address or model is wrong; ResourceError where the endpoint is down,
        silent from the first (but for one that is `known`: then each request is given up), or falls silent with
        more to ask than a few.
        """
        threads = min(self.pace.ceiling, len(self.bodies))
        for _ in range(threads):
            # daemons: an interrupt does not wait for answers that nobody will read
            threading.Thread(target=self._work, daemon=True).start()
        lost = 0
        try:
            for number, outcome in self._told():
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

    def _told(self) -> Iterator[tuple[int, Outcome | BaseException]]:
        """What the threads tell, of each request once; of a silent endpoint that it is, of all that are left."""
        left = set(range(len(self.bodies)))
        while left:
            silence = time.monotonic() - self.asked_at
            try:
                wait = LOOK if self.heard else max(0.0, min(LOOK, self.endpoint.first_answer - silence))
                number, outcome = self.told.get(timeout=wait)
            except Empty:
                if self._patient(silence):
                    continue
                break
            left.discard(number)
            yield number, outcome
        if not left:
            return
        if self.heard:
            words = f"{self.endpoint.url}: no sign of life any more for {self.endpoint.quiet:g} s"
            alone = len(left) < DEAD  # requests that it hangs at: their own errors
        else:
            words = f"{self.endpoint.url}: no sign of life within {self.endpoint.first_answer:g} s"
            alone = self.known
        if not alone:
            raise ResourceError(words, hint=GONE if self.heard else SILENT)
        for number in sorted(left):
            yield number, ResourceError(words)

    def _patient(self, silence: float) -> bool:
        """Whether to wait on; `silence` is counted from the first request, for one that was never heard."""
        if not self.heard:
            return silence < self.endpoint.first_answer
        with self.free:
            return time.monotonic() - self.quiet_since < self.endpoint.quiet

    def _sign(self) -> None:
        self.heard = True
        self.quiet_since = time.monotonic()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            began, late = time.monotonic(), False
            try:
                outcome: Outcome | BaseException | _Job = self._one(self.bodies[job.number])
            except AgainError as error:
                outcome, late = self._again(job, error), error.late
            except BaseException as error:
                outcome = error
            with self.free:
                self.flying -= 1
                if not self.flying and not late:
                    self.quiet_since = float("inf")
                if isinstance(outcome, _Job):
                    heapq.heappush(self.waiting, outcome)
                else:
                    if isinstance(outcome, Reply):
                        self.pace.answered(time.monotonic() - began)
                    self.told.put((job.number, outcome))
                self.free.notify(2)

    def _next(self) -> _Job | None:
        """The next that is due, once there is room for it; None when all is over."""
        with self.free:
            while not self.over:
                now = time.monotonic()
                wait = None
                if self.waiting and self.flying < max(1, int(self.pace.limit)):
                    wait = max(self.waiting[0].ready, self.sent_at + self.pace.gap) - now
                    if wait <= 0:
                        job = heapq.heappop(self.waiting)
                        self.flying += 1
                        self.requests += 1
                        self.sent_at = now
                        self.asked_at = min(self.asked_at, now)
                        self.quiet_since = min(self.quiet_since, now)
                        return job._replace(first=job.first or now)
                self.free.wait(wait)
            return None

    def _one(self, body: bytes) -> Reply:
        try:
            return self.endpoint.attempt(body, stream=self.stream, heard=self._sign)
        except RefusedError as error:
            if not self.stream or "stream" not in error.message:
                raise
        self.stream = False  # some servers know no streams, or not what they used
        return self.endpoint.attempt(body, heard=self._sign)

    def _again(self, job: _Job, error: AgainError) -> _Job | ResourceError:
        """The job for later, or why it is given up. One of too many is no failed attempt, within PATIENCE."""
        now = time.monotonic()
        refusals, attempt = job.refusals + error.crowded, job.attempt + (not error.crowded)
        with self.free:
            self.refusals += error.crowded
            if error.crowded:
                self.pace.refused(now)
        url, tries = self.endpoint.url, refusals + attempt
        try:
            wait = self.endpoint.pause(error, tries - 1)
        except ResourceError as given_up:
            return given_up
        spent = now - job.first + wait > PATIENCE
        if attempt >= self.endpoint.attempts or spent or (refusals and self.endpoint.attempts == 1):
            return ResourceError(f"{url}: {error.message} ({tries} attempts)")
        return _Job(now + max(wait, LEAST_WAIT), job.number, job.first, attempt, refusals)
