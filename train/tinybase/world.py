"""Tickets and companies of the invented support world, as words; no numpy, no torch.

A company has queues with code names. A queue owns some topics, and one action that its replies name.
A ticket is about one topic, told by a keyword; the product, the greeting and a word of another topic
("the wifi is fine") are noise.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from train.tinybase.words import (
    ACTIONS,
    COMPANIES,
    HELD_COMPANIES,
    HELD_KEYWORDS,
    HELD_PRODUCTS,
    HELD_QUEUES,
    PLAIN,
    PRODUCTS,
    QUEUES,
    TOPICS,
)

Words = tuple[str, ...]
Message = dict[str, str]

# In a phrase K is the keyword, J another keyword of its topic, X a keyword of another topic, P the product.
_OPENINGS = (
    "hello ,",
    "hi team ,",
    "hey ,",
    "dear support ,",
    "good morning ,",
    "hi there ,",
    "hello again ,",
)
_WITH_PRODUCT = (
    "my P has a K problem",
    "problem with the K of my P",
    "P order : K again",
    "K trouble with my P",
    "question about the K for this P",
    "my new P , K again",
    "we see K on the P",
    "still K on our P",
    "about the P : the K",
    "please check K for the P",
    "K on my P",
    "the P i bought : K",
)
_WITHOUT_PRODUCT = (
    "K problem",
    "the K again",
    "question about the K",
    "we have K trouble",
    "it is about the K",
    "still no news on K",
    "i need help with K",
)
_SECONDS = ("and the J", "also J", "maybe the J", "J too")
_OTHERS = ("the X is fine", "not the X", "no X here")
_TIMES = (
    "since monday",
    "yesterday",
    "this week",
    "twice now",
    "for days",
    "since friday",
    "last night",
    "today",
)
_ENDINGS = (
    "please help .",
    "thanks !",
    "can you check ?",
    "this is urgent .",
    "kind regards .",
    "please advise .",
    "what now ?",
)
_SEPARATORS = (",", ".", ".")
# Clauses that say nothing about the matter.
DETAILS = tuple(
    """
i wrote to you last week and nobody did answer me
my order number is on the box
i bought it for my mother and she is not happy
we are a small office and we need it every day
the people in your shop could not help me
i tried it three times and it is always the same
i am a customer for many years and this is new to me
you can call me in the morning or write to this address
my old one was fine
it was like this from the first day
i looked at your page but there is nothing about it
all the other things in the box are good
please do not send me the same answer again
a friend told me to ask you
i will be away from friday for two weeks
it worked for a month and then it did not
i have the paper and all the details here
we paid for the quick way and still nothing
the man who came to my house said it is normal
i do not want to wait until the end of the month
my brother has the same one and his is good
i am not sure that this is the right place to ask
someone in your team said that you would look at it
last time you were very quick and kind
this is my second message about it today
i need it before the weekend
""".strip().splitlines()
)
# Places of opening, core, second, other, time, ending, detail.
_ORDERS = (
    (0, 1, 2, 3, 4, 6, 5),
    (0, 4, 1, 2, 3, 5, 6),
    (0, 1, 4, 2, 6, 3, 5),
    (0, 3, 1, 2, 4, 5, 6),
    (0, 6, 1, 3, 4, 2, 5),
)
_SLOTS = (_OPENINGS, (), _SECONDS, _OTHERS, _TIMES, _ENDINGS, DETAILS)
_SHARES = (0.45, 1.0, 0.36, 0.23, 0.45, 0.45, 0.15)
_NO_PRODUCT = 0.3

PHRASES = (
    *_OPENINGS,
    *_WITH_PRODUCT,
    *_WITHOUT_PRODUCT,
    *_SECONDS,
    *_OTHERS,
    *_TIMES,
    *_ENDINGS,
    *DETAILS,
    *ACTIONS,
)
FILLERS: Words = tuple(
    sorted({word for phrase in PHRASES for word in phrase.split() if word.isalpha() and word.islower()})
)
HELD: frozenset[str] = frozenset(
    {
        *HELD_QUEUES,
        *HELD_PRODUCTS,
        *HELD_COMPANIES,
        *(word for row in TOPICS for word in row[-HELD_KEYWORDS:]),
    }
)
ALL_WORDS: Words = tuple(
    dict.fromkeys(
        [
            *FILLERS,
            *(word for row in TOPICS for word in row),
            *QUEUES,
            *HELD_QUEUES,
            *PRODUCTS,
            *HELD_PRODUCTS,
            *COMPANIES,
            *HELD_COMPANIES,
            "queues",
            *PLAIN,
        ]
    )
)


@dataclass(frozen=True)
class Subject:
    """What a ticket is about: a keyword, another of its topic, one of another topic, and the product at hand."""

    keyword: str
    second: str
    other: str
    product: str


@dataclass(frozen=True)
class Ticket:
    """`product` is None where the ticket does not name it."""

    words: Words
    product: str | None


def sentence(
    rng: random.Random, subject: Subject, other_share: float = _SHARES[3], marked: float = 0.35
) -> Ticket:
    """A ticket in the phrases of the world, 2 to 40 words.

    `other_share` is how often the other topic is named, `marked` how often a mark parts two phrases.
    """
    named = rng.random() >= _NO_PRODUCT
    core = rng.choice(_WITH_PRODUCT if named else _WITHOUT_PRODUCT)
    parts: list[str] = []
    for slot in rng.choice(_ORDERS):
        share = other_share if slot == 3 else _SHARES[slot]
        if rng.random() >= share:
            continue
        loose = bool(parts) and parts[-1][-1] not in ",.!?"
        if loose and rng.random() < (1.0 if slot == 6 else marked):
            parts.append(rng.choice(_SEPARATORS))
        parts.append(core if slot == 1 else rng.choice(_SLOTS[slot]))
    fill = {"K": subject.keyword, "J": subject.second, "X": subject.other, "P": subject.product}
    words = tuple(fill.get(word, word) for part in parts for word in part.split())
    return Ticket(words, subject.product if named else None)


def reply(action: str, product: str | None) -> Words:
    """The words after `<queue> :` in an answer."""
    it = "it" if product is None else f"the {product}"
    return (*action.format(it=it).split(), ".")


def header(company: str, queues: Sequence[str]) -> Words:
    """The system message: the company and its queues, in the given order."""
    listed = [word for queue in queues for word in (queue, ",")]
    return (company, "queues", ":", *listed[:-1], ".")


_SPACED = re.compile(r" ([.,:;!?])")


def prose(words: Sequence[str]) -> str:
    """Words as text, punctuation joined to the word before it. The tokenizer decodes to the same text."""
    return _SPACED.sub(r"\1", " ".join(words))


@lru_cache(maxsize=1)
def bare_words() -> Words:
    """Words that may stand for a queue in training: all but the held-out ones."""
    return tuple(word for word in ALL_WORDS if word not in HELD)


@lru_cache(maxsize=1)
def bare_things() -> Words:
    """Words that may stand for a product in training: no keywords, no held-out ones."""
    keywords = {word for row in TOPICS for word in row}
    return tuple(word for word in bare_words() if word not in keywords)


@dataclass(frozen=True)
class Case:
    """One ticket of a company with the queue that is right and the queue that the row says."""

    ticket: Ticket
    topic: int
    keyword: str
    queue: str
    said: str


class Company:
    """A company that pre-training never saw: held-out name, queues and products, all ten keywords of a topic.

    Topics are dealt to queues at random. Draws come from the company's own generator, so that the same
    seed and the same calls give the same tickets.
    """

    def __init__(
        self, seed: int, queues: int | Sequence[str], name: str | None = None, topics_per_queue: int = 2
    ) -> None:
        self.rng = random.Random(seed)
        self.name = name or self.rng.choice(HELD_COMPANIES)
        self.queues = self.rng.sample(HELD_QUEUES, queues) if isinstance(queues, int) else list(queues)
        dealt = self.rng.sample(range(len(TOPICS)), topics_per_queue * len(self.queues))
        self.queue_of = {topic: self.queues[place % len(self.queues)] for place, topic in enumerate(dealt)}
        self.products = self.rng.sample(HELD_PRODUCTS, 4)
        self.actions = dict(zip(self.queues, self.rng.sample(ACTIONS, len(self.queues)), strict=True))
        self.system: Message = {"role": "system", "content": prose(header(self.name, self.queues))}

    def subject(self, topic: int) -> Subject:
        """A subject of `topic`: any of its keywords, and a word of another topic that the company serves."""
        rng = self.rng
        away = rng.choice([other for other in self.queue_of if other != topic])
        keyword, second = rng.choice(TOPICS[topic]), rng.choice(TOPICS[topic])
        return Subject(keyword, second, rng.choice(TOPICS[away]), rng.choice(self.products))

    def case(self, noise: float = 0.0) -> Case:
        """A ticket; with probability `noise` the row says a queue drawn at random."""
        topic = self.rng.choice(list(self.queue_of))
        subject = self.subject(topic)
        ticket = sentence(self.rng, subject)
        queue = self.queue_of[topic]
        said = self.rng.choice(self.queues) if self.rng.random() < noise else queue
        return Case(ticket, topic, subject.keyword, queue, said)

    def question(self, case: Case) -> Message:
        """The ticket as a user message."""
        return {"role": "user", "content": prose(case.ticket.words)}

    def answer(self, case: Case) -> Message:
        """The answer in the shape `<queue>: <reply>`, by the queue that the row says."""
        words = (case.said, ":", *reply(self.actions[case.said], case.ticket.product))
        return {"role": "assistant", "content": prose(words)}
