"""Many questions to one judge: as many at a time as it bears, each reply kept, one repair for a bad one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from curate.errors import ResourceError
from curate.progress import Progress
from evalharness.asking.endpoint import Endpoint, Reply
from evalharness.asking.inflight import Flight
from evalharness.asking.replies import Replies, key_of
from evalharness.judging.quoting import Messages, repairing, reply_form
from evalharness.judging.replying import Reading

ENOUGH = 300  # tokens for a verdict
FOLDER = "judge-cache"  # in the workspace
NO_ENDPOINT = "not judged: no endpoint"


@dataclass(frozen=True)
class Question:
    """What is asked, the shape of the reply, and how it is read. `seed` tells repeats apart."""

    messages: Messages
    shape: str
    read: Callable[[str], Reading]
    seed: int = 0


class Told(NamedTuple):
    """What came of a question. `repaired`: the first reply could not be read."""

    reading: Reading
    repaired: bool = False


@dataclass(frozen=True)
class Asker:
    """Whom to ask, and where replies are kept: no request is sent twice."""

    endpoint: Endpoint
    cache: Path | None = None  # a folder

    def ask(self, questions: Sequence[Question], stage: str) -> list[Told]:
        """What came of each, in their order. Equal questions are sent once.

        A reply is kept the moment it comes in, so that a killed run asks again only what was in flight. One
        that cannot be read is answered by one request for a repair, and then its question is not judged;
        only that repair is asked for again by a later run. Raises ResourceError where no reply comes at all.
        """
        bodies = [self._body(each.messages, each.seed) for each in questions]
        distinct = dict(zip(bodies, questions, strict=True))
        with self._replies() as replies, Progress(stage, total=len(distinct)) as progress:
            first = self._round(list(distinct), replies, progress)
            told: dict[bytes, Told] = {}
            repairs: dict[bytes, bytes] = {}
            for body, question in distinct.items():
                outcome = first[body]
                reading = _reading(question, outcome)
                told[body] = Told(reading)
                if reading.failure is not None and isinstance(outcome, Reply):
                    again = repairing(
                        question.messages, outcome.text, reading.failure, reply_form(question.shape)
                    )
                    repairs[body] = self._body(again, question.seed)
            progress.total += len(repairs)
            unread = {
                repair for body, repair in repairs.items() if not _holds(replies.get(repair), distinct[body])
            }
            second = self._round(list(dict.fromkeys(repairs.values())), replies, progress, anew=unread)
            for body, repair in repairs.items():
                reading = _reading(distinct[body], second[repair])
                # where the repair is no better, the first reply's fault is what there is to know
                told[body] = Told(reading if reading.failure is None else told[body].reading, repaired=True)
        return [told[body] for body in bodies]

    def _body(self, messages: Messages, seed: int) -> bytes:
        return self.endpoint.body(messages, ENOUGH, seed)

    def _round(
        self,
        bodies: Sequence[bytes],
        replies: Kept,
        progress: Progress,
        anew: set[bytes] | frozenset[bytes] = frozenset(),
    ) -> dict[bytes, Reply | ResourceError]:
        """The kept reply to each request, else a new one; `anew` are asked whatever is kept."""
        found: dict[bytes, Reply | ResourceError] = {}
        for body in bodies:
            kept = replies.get(body)
            if kept is not None and body not in anew:
                found[body] = kept
                progress.step()
        new = [body for body in bodies if body not in found]
        for number, outcome in Flight(self.endpoint, new, stream=False, known=bool(replies.known)).outcomes():
            if isinstance(outcome, Reply):
                replies.add(new[number], outcome)
            found[new[number]] = outcome
            progress.step()
        failed = [outcome for outcome in found.values() if isinstance(outcome, ResourceError)]
        if failed and len(failed) == len(found) and not anew:
            raise ResourceError(
                f"the judge gave no answer {len(failed)} times: {failed[-1].message}",
                hint="is it running, and is its address the part up to /v1? What was judged before is kept.",
            )
        return found

    @contextmanager
    def _replies(self) -> Iterator[Kept]:
        """What this judge said before, to look up and to add to."""
        if self.cache is None:
            yield Kept(self.endpoint, None, {})
            return
        kept = Replies.of(self.cache, self.endpoint)
        try:
            yield Kept(self.endpoint, kept, kept.known)
        finally:
            kept.close()


class Kept(NamedTuple):
    """Replies by the bytes of their requests."""

    endpoint: Endpoint
    file: Replies | None
    known: dict[str, Reply]

    def get(self, body: bytes) -> Reply | None:
        """The reply to a request, if one was kept."""
        return self.known.get(key_of(self.endpoint.address, body))

    def add(self, body: bytes, reply: Reply) -> None:
        """Keep a reply."""
        key = key_of(self.endpoint.address, body)
        if self.file is None:
            self.known[key] = reply
        else:
            self.file.add(key, reply)


def _reading(question: Question, outcome: Reply | ResourceError) -> Reading:
    if not isinstance(outcome, Reply):
        return Reading(None, None, f"not judged: {outcome.message}")
    return question.read(outcome.text)


def _holds(reply: Reply | None, question: Question) -> bool:
    return reply is not None and question.read(reply.text).failure is None
