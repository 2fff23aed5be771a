"""How the demo's customers write: the tickets of the tiny model's world, with capitals and small changes."""

import random
import re
from dataclasses import dataclass, replace

from train.tinybase.world import DETAILS, Company, prose, sentence

NAME = "Keystone"
QUEUES = ("oak", "sierra", "viola", "vale", "birch", "cobalt", "heron", "lotus")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_START = re.compile(r"(^|[.!?] )([a-z])")


def written(text: str) -> str:
    """Lower-case text with the capitals that a person would set."""
    text = re.sub(r"\bi\b", "I", text)
    text = re.sub(rf"\b({'|'.join(_DAYS)})\b", lambda found: found[1].capitalize(), text)
    return _START.sub(lambda found: found[1] + found[2].upper(), text)


def ended(text: str) -> str:
    """The text with a mark at its end."""
    return text if text[-1] in ".!?" else f"{text.rstrip(',')}."


@dataclass(frozen=True)
class Row:
    """One line of the export; `answer` starts with the queue it says."""

    user: str
    answer: str
    queue: str
    customer: str = ""
    created: str = ""
    channel: str = ""


@dataclass(frozen=True)
class Draft:
    """A ticket before it is a row: its text, its right queue, and the product that the reply names."""

    text: str
    queue: str
    product: str | None


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Runs of three words, lower-case, punctuation left out."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return frozenset(tuple(words[place : place + 3]) for place in range(max(1, len(words) - 2)))


def likeness(left: str, right: str) -> float:
    """Jaccard similarity of the shingles."""
    a, b = shingles(left), shingles(right)
    return len(a & b) / len(a | b)


class Writer:
    """Tickets of one company that are not like any ticket it wrote before."""

    def __init__(self, seed: int) -> None:
        self.company = Company(seed, QUEUES, name=NAME)
        self.rng = self.company.rng
        self.seen: list[frozenset[tuple[str, ...]]] = []
        queues = ", ".join(QUEUES)
        self.system = f"{NAME} queues: {queues}."

    def draft(self, long: bool = False) -> Draft:
        """A new ticket; a `long` one has at least 24 words."""
        while True:
            draft = self._draw(long)
            new = shingles(draft.text)
            if all(len(new & old) < 0.4 * len(new | old) for old in self.seen):
                self.seen.append(new)
                return draft

    def _draw(self, long: bool) -> Draft:
        company, rng = self.company, self.rng
        topic = rng.choice(list(company.queue_of))
        ticket = sentence(rng, company.subject(topic), marked=0.9)
        text = prose(ticket.words)
        details = rng.sample(DETAILS, 2)
        while details and (len(text.split()) < 24 if long else rng.random() < 0.15):
            text = f"{ended(text)} {details.pop()}."
        if rng.random() < 0.1:
            text = f"{ended(text)} {self._number()}."
        return Draft(written(text), company.queue_of[topic], ticket.product)

    def _number(self) -> str:
        """Numbers that are nobody's: orders, versions, prices, and parcel numbers that look like cards."""
        rng = self.rng
        return rng.choice(
            (
                f"order {rng.randrange(10_000, 99_999)}",
                f"order number KS-{rng.randrange(10_000, 99_999)}",
                f"version {rng.randrange(1, 5)}.{rng.randrange(10)}.{rng.randrange(20)}",
                f"i paid {rng.randrange(10, 300)}.{rng.randrange(10, 99)}",
                f"parcel 00{rng.randrange(10**13, 10**14)}",
            )
        )

    def answer(self, queue: str, product: str | None) -> str:
        """The assistant's text: the queue, and what it does with the product."""
        it = "it" if product is None else f"the {product}"
        return prose(f"{queue} : {self.company.actions[queue].format(it=it)} .".split())

    def row(self, draft: Draft) -> Row:
        """The ticket with its right answer."""
        return Row(draft.text, self.answer(draft.queue, draft.product), draft.queue)

    def other_queue(self, queue: str) -> str:
        """Any queue but this."""
        return self.rng.choice([other for other in QUEUES if other != queue])


_GREETINGS = ("Hello,", "Hi,", "Hey,", "Dear team,", "Good day,")
_GREETED = re.compile(r"^(Hello|Hi|Hey|Dear|Good)\b[a-z ]*, ")
_CLOSINGS = ("Thanks.", "Thank you.", "Please answer soon.", "Best regards.", "I am waiting.", "Any news?")
_EXTRA = ("really", "still", "now", "also", "just", "again")


def _changed_once(rng: random.Random, text: str) -> str:
    words = text.split()
    change = rng.randrange(5)
    if change == 0:
        rest = _GREETED.sub("", text)
        return f"{rng.choice(_GREETINGS)} {rest if rest.startswith('I ') else rest[0].lower() + rest[1:]}"
    if change == 1:
        return f"{text}{'' if text[-1] in '.!?' else '.'} {rng.choice(_CLOSINGS)}"
    place = rng.randrange(1, len(words) - 1)
    if change == 2:
        return " ".join([*words[:place], rng.choice(_EXTRA), *words[place:]])
    if change == 3:
        return " ".join(words[:-1]).rstrip(",.") + "."
    longer = [at for at, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if not longer:
        return text
    at = rng.choice(longer)
    word = words[at]
    return " ".join([*words[:at], word[:2] + word[3] + word[2] + word[4:], *words[at + 1 :]])


def retold(rng: random.Random, text: str, told: set[str], least: float = 0.7) -> str:
    """The ticket with one to three small changes, its likeness at least `least`, and not yet in `told`."""
    for _ in range(200):
        other = text
        for _ in range(rng.randint(1, 3)):
            other = _changed_once(rng, other)
        if other not in told and least <= likeness(text, other) < 1:
            return other
    raise ValueError(f"no retelling of {text!r} has a likeness of {least}")


def retold_row(rng: random.Random, row: Row, told: set[str], least: float = 0.7) -> Row:
    """The row with its ticket told again; answer and queue stay."""
    return replace(row, user=retold(rng, row.user, told, least))
