"""Where work runs: in this process, in several on this machine, or on a Ray cluster.

An engine knows nothing of checks or findings. It maps a function over batches and yields the results
in the order of the batches; or it exchanges what the function makes, so that what belongs together is
finished together. Every engine gives the same tables.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, NamedTuple, Protocol, TypeVar

import polars as pl

from curate.errors import ConfigError, MissingExtraError, ResourceError, SeatrialError

RETRIES = 8  # times that a task is given to another node when its own is lost

Batch = TypeVar("Batch")
Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Engine(Protocol):
    """Maps a function over batches."""

    def map(self, function: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """`function(batch)` for each batch, in the order of the batches.

        The function and the batches must be picklable. What the function raises is raised here.
        """
        ...

    def exchange(
        self,
        function: Callable[[Batch], Sequence[Piece]],
        batches: Iterable[Batch],
        finish: Callable[[list[Piece]], Result],
        parts: int,
    ) -> Iterator[Result]:
        """`finish` of the nth pieces of all batches, for each n below `parts`, in order.

        `function` gives `parts` pieces of a batch; those with the same number are finished together,
        in the order of the batches. On a cluster they go from worker to worker, not through here.
        """
        ...

    def close(self) -> None:
        """Let go of what it joined or started; the next call begins anew."""
        ...


@dataclass(frozen=True)
class Serial:
    """One batch after the other, in this process."""

    def map(self, function: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """`function(batch)` for each batch, when it is asked for."""
        return map(function, batches)

    def exchange(
        self,
        function: Callable[[Batch], Sequence[Piece]],
        batches: Iterable[Batch],
        finish: Callable[[list[Piece]], Result],
        parts: int,
    ) -> Iterator[Result]:
        """In this process, with all pieces in its memory."""
        return map(finish, _columns(map(function, batches), parts))

    def close(self) -> None:
        """Nothing is held."""


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
        with self._pool() as (pool, workers):
            yield from _in_order(pool, workers, function, batches)

    def exchange(
        self,
        function: Callable[[Batch], Sequence[Piece]],
        batches: Iterable[Batch],
        finish: Callable[[list[Piece]], Result],
        parts: int,
    ) -> Iterator[Result]:
        """From worker processes; the pieces pass through the memory of this one."""
        with self._pool() as (pool, workers):
            columns = _columns(_in_order(pool, workers, function, batches), parts)
            yield from _in_order(pool, workers, finish, columns)

    def close(self) -> None:
        """Nothing is held: each call has workers of its own."""

    @contextmanager
    def _pool(self) -> Iterator[tuple[ProcessPoolExecutor, int]]:
        """Worker processes, and how many; ResourceError where one is killed."""
        workers = self.workers or _cores()
        # spawn, for polars holds threads and locks that fork would copy in mid-use
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_ignore_interrupts)
        whole = False
        try:
            yield pool, workers
            whole = True
        except BrokenProcessPool as error:
            raise ResourceError(
                "a worker process was killed, most often for want of memory",
                hint="use fewer workers, or one process; what was recorded so far stands",
            ) from error
        finally:
            # after an error, or where the results were not all taken, the batches at work are not waited for
            pool.shutdown(wait=whole, cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, workers: int, function: Callable[[Batch], Result], batches: Iterable[Batch]
) -> Iterator[Result]:
    """What the function makes of each batch, in order; two batches a worker are in flight."""
    flight: deque[Future[Any]] = deque()
    for batch in batches:
        flight.append(pool.submit(_attempt, function, _packed(batch)))
        if len(flight) >= 2 * workers:
            yield _unwrap(flight.popleft().result())
    while flight:
        yield _unwrap(flight.popleft().result())


def _columns(rows: Iterable[Sequence[Piece]], parts: int) -> list[list[Piece]]:
    """The nth of each row together."""
    columns: list[list[Piece]] = [[] for _ in range(parts)]
    for row in rows:
        for column, piece in zip(columns, row, strict=True):
            column.append(piece)
    return columns


@dataclass(frozen=True)
class Ray:
    """Tasks on a Ray cluster; `address` as for `ray.init`, empty to start one on this machine.

    At most `in_flight` tasks run or wait at once. Raises MissingExtraError without the extra `ray`.
    """

    address: str = ""
    in_flight: int = 32

    def map(self, function: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """`function(batch)` for each batch, in order, from the cluster."""
        ray = self._started()
        task = ray.remote(_attempt).options(max_retries=RETRIES)
        shared = ray.put(function)  # once, not with every task
        with _cluster_faults(ray):
            yield from self._flown(ray, (task.remote(shared, _packed(batch)) for batch in batches))

    def exchange(
        self,
        function: Callable[[Batch], Sequence[Piece]],
        batches: Iterable[Batch],
        finish: Callable[[list[Piece]], Result],
        parts: int,
    ) -> Iterator[Result]:
        """From the cluster; the pieces go from worker to worker, and what a lost node held is made again."""
        ray = self._started()
        scatter = ray.remote(_scattered).options(num_returns=parts, max_retries=RETRIES)
        gather = ray.remote(_gathered).options(max_retries=RETRIES)
        shared, last = ray.put(function), ray.put(finish)
        with _cluster_faults(ray):
            rows: list[list[Any]] = []
            for batch in batches:
                made = scatter.remote(shared, parts, _packed(batch))
                rows.append([made] if parts == 1 else made)
                if len(rows) > self.in_flight:  # do not run ahead of the cluster
                    ray.wait(rows[-self.in_flight - 1], fetch_local=False)
            columns = [[row[n] for row in rows] for n in range(parts)]
            yield from self._flown(ray, (gather.remote(last, *column) for column in columns))

    def close(self) -> None:
        """Leave the cluster; one that was started here ends. Its talk would else reach stdout."""
        ray = sys.modules.get("ray")
        if ray is not None and ray.is_initialized():
            ray.shutdown()

    def _flown(self, ray: Any, references: Iterable[Any]) -> Iterator[Any]:  # noqa: ANN401
        """The results of tasks, in order, `in_flight` of them started ahead."""
        flight: deque[Any] = deque()
        try:
            for reference in references:
                flight.append(reference)
                if len(flight) >= self.in_flight:
                    yield _unwrap(ray.get(flight.popleft()))
            while flight:
                yield _unwrap(ray.get(flight.popleft()))
        finally:
            for reference in flight:
                ray.cancel(reference)

    def _started(self) -> Any:  # noqa: ANN401
        """Ray, joined to the cluster."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # must stand before the import
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("ray", "ray") from error
        if not ray.is_initialized():
            try:
                ray.init(address=self.address or None, include_dashboard=False, log_to_driver=False)
            except ConnectionError as error:
                raise ResourceError(
                    f"no Ray cluster at {self.address}",
                    hint="ray start --head starts one; then --engine ray:ADDRESS",
                ) from error
        return ray


@contextmanager
def _cluster_faults(ray: Any) -> Iterator[None]:  # noqa: ANN401
    """ResourceError where the cluster fails; what the function raised is raised as it is."""
    try:
        yield
    except ray.exceptions.RayTaskError:
        raise  # the function's own fault, with its trace
    except ray.exceptions.RayError as error:
        raise ResourceError(
            f"the Ray cluster failed: {type(error).__name__}",
            hint="see the cluster's log; the same call may work later",
        ) from error


def engine_of(name: str, workers: int = 1) -> Engine:
    """The engine of that name: `local` (with `workers` processes, 0 for one a core), `ray`, `ray:ADDRESS`.

    Raises ConfigError for another name.
    """
    kind, _, address = name.partition(":")
    if kind == "ray":
        return Ray(address)
    if name not in ("", "local"):
        raise ConfigError(f"no engine `{name}`", hint="local, ray, or ray:ADDRESS")
    return Serial() if workers == 1 else Local(workers)


class _Failure(NamedTuple):
    """An error of ours on its way home: not every one of them can be unpickled by its constructor."""

    kind: type[SeatrialError]
    message: str
    hint: str


class _Frame(NamedTuple):
    """A table on its way to a worker, as an Arrow file."""

    ipc: bytes


def _packed(batch: Any) -> Any:  # noqa: ANN401
    """The batch for the way: pickled, a slice of a column of lists would carry the whole column with it."""
    if isinstance(batch, pl.DataFrame):
        return _Frame(batch.write_ipc(None, compat_level=pl.CompatLevel.newest()).getvalue())
    return [_packed(each) for each in batch] if isinstance(batch, list) else batch


def _unpacked(batch: Any) -> Any:  # noqa: ANN401
    """The batch as it was given."""
    if isinstance(batch, _Frame):
        return pl.read_ipc(io.BytesIO(batch.ipc))
    return [_unpacked(each) for each in batch] if isinstance(batch, list) else batch


def _attempt(function: Callable[[Batch], Result], batch: Batch) -> Result | _Failure:
    """The result, or our own error as a value."""
    try:
        return function(_unpacked(batch))
    except SeatrialError as error:
        return _Failure(type(error), error.message, error.hint)


def _scattered(
    function: Callable[[Batch], Sequence[Piece]], parts: int, batch: Batch
) -> Sequence[Piece | _Failure] | Piece | _Failure:
    """The pieces of a batch, each a result of its own; our own error in the place of each."""
    made = _attempt(function, batch)
    pieces = [made] * parts if isinstance(made, _Failure) else made
    return pieces[0] if parts == 1 else pieces


def _gathered(finish: Callable[[list[Piece]], Result], *pieces: Piece | _Failure) -> Result | _Failure:
    """What comes of pieces; the error that came instead of one of them."""
    whole: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, _Failure):
            return piece
        whole.append(piece)
    return _attempt(finish, whole)


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
