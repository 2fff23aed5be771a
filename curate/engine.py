"""Where work runs: in this process, in several on this machine, or on a Ray cluster.

An engine knows nothing of checks or findings. It maps a function over batches and yields the results
in the order of the batches, so that every engine gives the same tables.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, NamedTuple, Protocol, TypeVar

from curate.errors import ConfigError, MissingExtraError, ResourceError, SeatrialError

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Engine(Protocol):
    """Maps a function over batches."""

    def map(self, function: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """`function(batch)` for each batch, in the order of the batches.

        The function and the batches must be picklable. What the function raises is raised here.
        """
        ...


@dataclass(frozen=True)
class Serial:
    """One batch after the other, in this process."""

    def map(self, function: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """`function(batch)` for each batch, when it is asked for."""
        return map(function, batches)


@dataclass(frozen=True)
class Local:
    """Several processes on this machine; `workers` is how many, 0 for one a core.

    At most two batches a worker are in flight. Raises ResourceError when a worker is killed.
    """

    workers: int = 0

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ConfigError(f"{self.workers} workers", hint="0 means one a core")

    def map(self, function: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """`function(batch)` for each batch, in order, from worker processes."""
        workers = self.workers or _cores()
        # spawn, for polars holds threads and locks that fork would copy in mid-use
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_ignore_interrupts)
        flight: deque[Future[Any]] = deque()
        try:
            for batch in batches:
                flight.append(pool.submit(_attempt, function, batch))
                if len(flight) >= 2 * workers:
                    yield _unwrap(flight.popleft().result())
            while flight:
                yield _unwrap(flight.popleft().result())
        except BrokenProcessPool as error:
            raise ResourceError(
                "a worker process was killed, most often for want of memory",
                hint="use fewer workers, or one process; what was recorded so far stands",
            ) from error
        finally:
            # after an error the batches at work are not waited for
            pool.shutdown(wait=not flight, cancel_futures=True)


@dataclass(frozen=True)
class Ray:
    """Tasks on a Ray cluster; `address` as for `ray.init`, empty to start one on this machine.

    At most `in_flight` tasks run or wait at once. Raises MissingExtraError without the extra `ray`.
    """

    address: str = ""
    in_flight: int = 32

    def map(self, function: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """`function(batch)` for each batch, in order, from the cluster."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # must stand before the import
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("ray", "ray") from error
        if not ray.is_initialized():
            ray.init(address=self.address or None, include_dashboard=False, log_to_driver=False)
        task = ray.remote(_attempt)
        shared = ray.put(function)  # once, not with every task
        flight: deque[Any] = deque()
        try:
            for batch in batches:
                flight.append(task.remote(shared, batch))
                if len(flight) >= self.in_flight:
                    yield _unwrap(ray.get(flight.popleft()))
            while flight:
                yield _unwrap(ray.get(flight.popleft()))
        except ray.exceptions.RayTaskError:
            raise  # the function's own fault, with its trace
        except ray.exceptions.RayError as error:
            raise ResourceError(
                f"the Ray cluster failed: {type(error).__name__}",
                hint="see the cluster's log; the same call may work later",
            ) from error
        finally:
            for reference in flight:
                ray.cancel(reference)


class _Failure(NamedTuple):
    """An error of ours on its way home: not every one of them can be unpickled by its constructor."""

    kind: type[SeatrialError]
    message: str
    hint: str


def _attempt(function: Callable[[Batch], Result], batch: Batch) -> Result | _Failure:
    """The result, or our own error as a value."""
    try:
        return function(batch)
    except SeatrialError as error:
        return _Failure(type(error), error.message, error.hint)


def _unwrap(result: Result | _Failure) -> Result:
    """The result; raises the error that came instead of it."""
    if isinstance(result, _Failure):
        error = result.kind.__new__(result.kind)
        SeatrialError.__init__(error, result.message, hint=result.hint)
        raise error
    return result


def _cores() -> int:
    """Cores that this process may use; where that cannot be told, those of the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _ignore_interrupts() -> None:
    """Let the parent alone answer to Ctrl-C: it stops the pool, and says so once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
