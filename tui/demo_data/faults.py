"""The faults that are planted in the demo's export, each with the mark that the answer key keeps of it."""

import json
import random
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tui.demo_data.identities import ANSWERED, ASKED, KINDS, person
from tui.demo_data.writing import Row, Writer, ended, likeness, retold_row


@dataclass(frozen=True)
class Span:
    """Personal data in `message` (0 system, 1 user, 2 assistant), characters `start` to `end`."""

    message: int
    start: int
    end: int
    label: str
    text: str


@dataclass(frozen=True)
class Mark:
    """What is wrong with a line. Lines of one `cluster` belong together; `golden` is a line of golden.jsonl."""

    kind: str
    cluster: str | None = None
    role: str | None = None
    detail: str | None = None
    golden: int | None = None
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Line:
    """A line of the export: a row, or `raw` text where the row itself is broken."""

    row: Row
    marks: tuple[Mark, ...] = ()
    raw: str | None = None

    def text(self, system: str) -> str:
        """The line as it stands in the file."""
        return self.raw if self.raw is not None else json.dumps(as_dict(self.row, system), ensure_ascii=False)

    def marked(self, mark: Mark) -> "Line":
        """The line with one more mark."""
        return replace(self, marks=(*self.marks, mark))


def as_dict(row: Row, system: str) -> dict[str, Any]:
    """The row in the shape of the export."""
    roles = (("system", system), ("user", row.user), ("assistant", row.answer))
    facts = asdict(row)
    messages = [{"role": role, "content": content} for role, content in roles]
    return {
        "messages": messages,
        **{name: facts[name] for name in ("queue", "customer", "created", "channel")},
    }


@dataclass
class Counter:
    """Customers with one to six tickets, and the dates and channels of the export."""

    rng: random.Random
    customers: list[str] = field(default_factory=list)
    opened: int = 0

    def stamp(self, row: Row) -> Row:
        """The row with a customer, a day and a channel."""
        rng = self.rng
        if not self.customers:
            self.opened += 1
            self.customers = [f"c-{self.opened:04}"] * rng.choice((1, 1, 1, 2, 2, 3, 4, 6))
        month = rng.randint(1, 4)
        created = f"2026-{month:02}-{rng.randint(1, 28):02}"
        channel = rng.choice(("mail", "mail", "form", "chat"))
        return replace(row, customer=self.customers.pop(), created=created, channel=channel)

    def again(self, row: Row) -> Row:
        """A later stamp for a ticket sent again, mostly by the same customer."""
        later = self.stamp(row)
        return replace(later, customer=row.customer) if self.rng.random() < 0.6 else later


def exact_duplicates(lines: list[Line], counter: Counter, copies: int) -> list[Line]:
    """Copies of the first lines: three in five are the whole line again, the others were sent again."""
    made = []
    for number in range(copies):
        # The first tenth is there three times.
        source = number if number < len(lines) else number - len(lines)
        cluster = f"exact-{source:02}"
        if number < len(lines):
            lines[source] = lines[source].marked(Mark("exact-duplicate", cluster, "original"))
        whole = counter.rng.random() < 0.6
        row = lines[source].row if whole else counter.again(lines[source].row)
        detail = "whole line" if whole else "same messages"
        made.append(Line(row, (Mark("exact-duplicate", cluster, "copy", detail),)))
    return made


def near_duplicates(lines: list[Line], counter: Counter) -> list[Line]:
    """One to three retellings of each line, most with a likeness of at least .7."""
    made = []
    for number, line in enumerate(lines):
        cluster = f"near-{number:02}"
        lines[number] = line.marked(Mark("near-duplicate", cluster, "original"))
        told = {line.row.user}
        for _ in range((1, 2, 1, 3, 2)[number % 5]):
            least = 0.55 if counter.rng.random() < 0.12 else 0.7
            row = counter.again(retold_row(counter.rng, line.row, told, least))
            told.add(row.user)
            detail = f"likeness {likeness(line.row.user, row.user):.2f}"
            made.append(Line(row, (Mark("near-duplicate", cluster, "copy", detail),)))
    return made


def contradictions(
    lines: list[Line], counter: Counter, writer: Writer, products: dict[str, str | None]
) -> list[Line]:
    """For each line the same question, half of them in slightly other words, answered from another queue."""
    made = []
    for number, line in enumerate(lines):
        cluster = f"contradiction-{number:02}"
        lines[number] = line.marked(Mark("contradiction", cluster, "right"))
        row = line.row if number % 2 else retold_row(counter.rng, line.row, {line.row.user})
        queue = writer.other_queue(row.queue)
        row = replace(row, queue=queue, answer=writer.answer(queue, products[line.row.user]))
        detail = "same question" if number % 2 else "nearly the same question"
        made.append(Line(counter.again(row), (Mark("contradiction", cluster, "wrong", detail),)))
    return made


def wrong_labels(lines: list[Line], writer: Writer, products: dict[str, str | None]) -> None:
    """Queue and answer of each line name another queue, as a tired agent would."""
    for number, line in enumerate(lines):
        right, queue = line.row.queue, writer.other_queue(line.row.queue)
        row = replace(line.row, queue=queue, answer=writer.answer(queue, products[line.row.user]))
        lines[number] = replace(line, row=row).marked(Mark("wrong-label", detail=f"should be {right}"))


def personal_data(lines: list[Line], rng: random.Random) -> None:
    """One or two values in each line, a fifth of them in the answer; some customers give their name."""
    labels = list(KINDS)
    for number, line in enumerate(lines):
        spans: list[Span] = []
        row = line.row
        wanted = [labels[number % len(labels)]]
        if rng.random() < 0.2:
            wanted.append(rng.choice([label for label in labels if label != wanted[0]]))
        for label in wanted:
            row, span = _with_value(row, label, KINDS[label](rng), rng)
            spans.append(span)
        if number % 6 == 0:
            name = person(rng)
            user = f"{ended(row.user)} Best regards, {name}"
            spans.append(Span(1, len(user) - len(name), len(user), "PERSON", name))
            row = replace(row, user=user)
        detail = ", ".join(sorted({span.label for span in spans}))
        lines[number] = replace(line, row=row).marked(
            Mark("personal-data", detail=detail, spans=tuple(spans))
        )


def _with_value(row: Row, label: str, value: str, rng: random.Random) -> tuple[Row, Span]:
    message = 2 if rng.random() < 0.2 else 1
    phrase = rng.choice((ASKED if message == 1 else ANSWERED)[label])
    before = f"{ended(row.user if message == 1 else row.answer)} "
    start = len(before) + phrase.index("{}")
    span = Span(message, start, start + len(value), label, value)
    text = before + phrase.format(value)
    return (replace(row, user=text) if message == 1 else replace(row, answer=text)), span


def leaks(golden: list[Row], counter: Counter, copies: int) -> list[Line]:
    """Lines that repeat a golden ticket; those with an even place are told in slightly other words."""
    made = []
    for place in counter.rng.sample(range(len(golden)), copies):
        row = golden[place] if place % 2 else retold_row(counter.rng, golden[place], {golden[place].user})
        detail = "same ticket" if place % 2 else "nearly the same ticket"
        made.append(Line(counter.stamp(row), (Mark("leak", detail=detail, golden=place + 1),)))
    return made


def over_long(lines: list[Line], rng: random.Random) -> None:
    """Some thousand words of a log, pasted behind the ticket."""
    for number, line in enumerate(lines):
        entries = [
            f"2026-03-{rng.randint(1, 28):02} {rng.randrange(24):02}:{rng.randrange(60):02} "
            f"{rng.choice(('INFO', 'WARN', 'DEBUG'))} {rng.choice(('sync', 'disk', 'net', 'queue', 'cache'))}: "
            f"try {rng.randint(1, 40)} of 40, code {rng.randint(200, 599)}, {rng.randrange(9000)} ms"
            for _ in range(300 + 150 * number)
        ]
        user = ended(line.row.user) + " This is the log:\n" + "\n".join(entries)
        mark = Mark("over-long", detail=f"{len(user.split())} words")
        lines[number] = replace(line, row=replace(line.row, user=user)).marked(mark)


def broken(lines: list[Line], system: str) -> None:
    """Each line broken in another way; needs twelve lines."""
    for number, (line, detail) in enumerate(zip(lines, _BROKEN, strict=True)):
        whole = as_dict(line.row, system)
        first, user, answer = whole["messages"]
        changed: dict[str, Any] = {
            "empty answer": {**whole, "messages": [first, user, {**answer, "content": ""}]},
            "blank answer": {**whole, "messages": [first, user, {**answer, "content": "  \n"}]},
            "unknown role": {**whole, "messages": [first, user, {**answer, "role": "bot"}]},
            "no messages": {name: value for name, value in whole.items() if name != "messages"},
            "messages is text": {**whole, "messages": f"{line.row.user}\n{line.row.answer}"},
            "content is a number": {**whole, "messages": [first, {**user, "content": 48213}, answer]},
            "answer comes first": {**whole, "messages": [first, answer, user]},
            "no question": {**whole, "messages": [first, answer]},
            "no answer": {**whole, "messages": [first, user]},
            "no turns": {**whole, "messages": []},
        }
        text = json.dumps(changed.get(detail, whole), ensure_ascii=False)
        if detail == "line cut short":
            text = text[: len(text) * 2 // 3]
        if detail == "not JSON":
            text = str(whole)
        lines[number] = replace(line, raw=text).marked(Mark("broken", detail=detail))


_BROKEN = (
    "empty answer",
    "blank answer",
    "unknown role",
    "no messages",
    "messages is text",
    "content is a number",
    "answer comes first",
    "no question",
    "no answer",
    "no turns",
    "line cut short",
    "not JSON",
)
