"""Training documents: one invented company each, many answered tickets, and what is asked of each token.

Queue names, actions and the topics of a queue are drawn anew for each document, so the weights cannot
learn them: the answer has to be found in the earlier tickets. Meanings of keywords are shared by all
documents: that is what the weights do learn.
"""

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.tinybase.pieces import ASSISTANT, END, PAD, START, USER, encode_word, vocabulary
from train.tinybase.words import ACTIONS, COMPANIES, HELD_KEYWORDS, PRODUCTS, QUEUES, TOPICS
from train.tinybase.world import (
    ALL_WORDS,
    FILLERS,
    Subject,
    Ticket,
    Words,
    bare_things,
    bare_words,
    header,
    reply,
    sentence,
)

NEW, TOPIC, EXACT = 1, 2, 3  # nothing of the ticket was seen, its topic was, its very keyword was
UNKNOWABLE = 0.1  # weight of an answer that the document does not yet tell
_TRAINED = [row[:-HELD_KEYWORDS] for row in TOPICS]
_MOST_TOPICS = 20


@dataclass(frozen=True)
class Stage:
    """One step of the curriculum. Pairs are inclusive bounds; shares are probabilities per document.

    `forms` are the shares of documents with bare keywords, keywords among filler, sentences. `invented`
    documents let random words stand for a topic. `hot` ones look like a retrieval result: few keywords
    return, as the matter and as the thing that is fine. `ends_by` is the share of the run's tokens at
    which the stage ends at the latest.
    """

    length: int
    documents: int
    ends_by: float
    forms: tuple[float, float, float]
    invented: float
    queues: tuple[int, int]
    topics_per_queue: tuple[int, int]
    keywords: tuple[int, int]
    invented_keywords: int
    system: float
    noise: float = 0.0
    hot: float = 0.0
    replies: float = 0.0


CURRICULUM = (
    Stage(64, 64, 0.12, (1, 0, 0), 0.7, (2, 4), (1, 1), (1, 2), 2, 0.3),
    Stage(96, 64, 0.19, (0.3, 0.7, 0), 0.5, (2, 6), (1, 1), (1, 4), 2, 0.5),
    Stage(160, 40, 0.31, (0.15, 0.25, 0.6), 0.4, (2, 6), (1, 2), (1, 8), 2, 0.6),
    Stage(208, 40, 0.45, (0.05, 0.15, 0.8), 0.2, (2, 8), (1, 2), (1, 8), 2, 0.8, 0.03, 0.2, 0.3),
    Stage(304, 32, 1.0, (0.0, 0.1, 0.9), 0.3, (2, 10), (1, 2), (1, 8), 4, 0.9, 0.04, 0.4, 0.7),
)


@dataclass(frozen=True)
class Turn:
    """A ticket and its answer. `group` is what makes two tickets alike; `hint` another word for the keyword."""

    ticket: Ticket
    keyword: str
    hint: str
    group: int
    queue: str
    noisy: bool
    reply: Words


@dataclass(frozen=True)
class Batch:
    """Token arrays (documents, length + 1): ids, weights of queue and reply tokens, how knowable a queue token is.

    `hints` are ids that the middle of the model should already know at this place, 0 for none. `groups`
    are positive where a ticket ends and negative, same size, where its answer's queue stands.
    """

    ids: NDArray[np.int64]
    queue_weight: NDArray[np.float32]
    reply_weight: NDArray[np.float32]
    kind: NDArray[np.int8]
    hints: NDArray[np.int64]
    groups: NDArray[np.int64]


def _noise_word(rng: random.Random) -> str:
    """A number or a letter salad, so that the single-character pieces are met in training."""
    letters = "0123456789" if rng.random() < 0.6 else "abcdefghijklmnopqrstuvwxyz"
    return "".join(rng.choices(letters, k=rng.randint(2, 7)))


def _worded(rng: random.Random, form: int, subject: Subject, other_share: float) -> Ticket:
    if form == 2:
        ticket = sentence(rng, subject, other_share)
        if rng.random() < 0.06:
            words = list(ticket.words)
            words.insert(rng.randrange(len(words) + 1), _noise_word(rng))
            return Ticket(tuple(words), ticket.product)
        return ticket
    if form == 0:
        return Ticket((subject.keyword,), None)
    place = rng.randrange(4)
    around = [rng.choice(FILLERS) if rng.random() < 0.45 else None for _ in range(4)]
    around[place] = subject.keyword
    return Ticket(tuple(word for word in around if word), None)


class Document:
    """The draws that one document is made of; `turn` makes its next ticket."""

    def __init__(self, rng: random.Random, stage: Stage) -> None:
        self.rng, self.stage = rng, stage
        self.invented = rng.random() < stage.invented
        self.form = rng.choices((0, 1, 2), stage.forms)[0]
        queues = rng.randint(*stage.queues)
        topics = min(queues * rng.randint(*stage.topics_per_queue), _MOST_TOPICS)
        depth = rng.randint(*stage.keywords)
        if self.invented:
            depth = min(depth, stage.invented_keywords)
            words = rng.sample(ALL_WORDS, topics * depth)
            self.topics = [words[place * depth : (place + 1) * depth] for place in range(topics)]
        else:
            self.topics = [rng.sample(row, depth) for row in rng.sample(_TRAINED, topics)]
        self.queues = rng.sample(bare_words() if rng.random() < 0.4 else QUEUES, queues)
        self.actions = dict(zip(self.queues, rng.sample(ACTIONS, queues), strict=True))
        # With the same few products always, it takes an unknown product for the matter of a ticket.
        self.products = rng.sample(PRODUCTS if rng.random() < 0.4 else bare_things(), 3)
        self.company = rng.choice(COMPANIES)
        self.has_system = rng.random() < stage.system
        self.has_replies = rng.random() < stage.replies
        self.hot = min(rng.randint(2, 4), topics) if rng.random() < stage.hot else 0

    def turn(self) -> Turn:
        """The next ticket of the document, with its answer."""
        rng, hot = self.rng, self.hot
        again = bool(hot) and rng.random() < 0.65
        topic = rng.randrange(hot if again else len(self.topics))
        words = self.topics[topic]
        keyword = words[0] if again else rng.choice(words)
        away = (topic + 1 + rng.randrange(len(self.topics) - 1)) % len(self.topics)
        other = rng.choice(self.topics[away])
        if hot > 1 and rng.random() < 0.7:
            other = self.topics[rng.choice([place for place in range(hot) if place != topic])][0]
        subject = Subject(keyword, rng.choice(words), other, rng.choice(self.products))
        ticket = _worded(rng, self.form, subject, 0.5 if hot else 0.23)
        noisy = rng.random() < self.stage.noise
        queue = rng.choice(self.queues) if noisy else self.queues[topic % len(self.queues)]
        said = reply(self.actions[queue], ticket.product) if self.has_replies else ()
        hint = keyword if self.invented or rng.random() < 0.5 else rng.choice(words)
        # Invented words share nothing but themselves, so there only the same word is alike.
        group = topic + 1 if not self.invented else 100 + vocabulary()[keyword]
        return Turn(ticket, keyword, hint, group, queue, noisy, said)


def _encode(words: Words) -> list[int]:
    return [piece for word in words for piece in encode_word(word)]


class _Row:
    """The tokens of one document and what is asked of them, as they are written."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.ids: list[int] = [vocabulary()[START]]
        if document.has_system:
            self.ids += _encode(
                header(document.company, document.rng.sample(document.queues, len(document.queues)))
            )
        self.marks: list[tuple[int, str, float]] = []  # place, name of the array, value
        self.keywords: set[str] = set()
        self.groups: set[int] = set()
        self.answered: set[str] = set()

    def add(self, turn: Turn) -> None:
        known = vocabulary()
        self.ids += [known[USER], *_encode(turn.ticket.words), known[ASSISTANT]]
        kind = EXACT if turn.keyword in self.keywords else TOPIC if turn.group in self.groups else NEW
        weight = 0.0 if turn.noisy else UNKNOWABLE if kind == NEW else 1.0
        ask, hint = len(self.ids) - 1, float(known[turn.hint])
        self.marks += [(ask, "groups", turn.group), (ask, "hints", hint), (ask + 1, "hints", hint)]
        self.marks += [(ask + 1, "queue_weight", weight), (ask + 1, "kind", kind)]
        if not turn.noisy:
            self.marks.append((ask + 1, "groups", -turn.group))
        self.ids.append(known[turn.queue])
        told = 1.0 if turn.queue in self.answered else UNKNOWABLE
        if turn.reply:
            self.ids += _encode((":", *turn.reply))
            self.answered.add(turn.queue)
        self.ids.append(known[END])
        if self.document.has_replies:
            self.marks += [(place, "reply_weight", told) for place in range(ask + 2, len(self.ids))]
        self.keywords.add(turn.keyword)
        self.groups.add(turn.group)


def draw(rng: random.Random, stage: Stage) -> Batch:
    """A batch of fresh documents, each cut at the stage's length."""
    shape = (stage.documents, stage.length + 1)
    batch = Batch(
        ids=np.full(shape, vocabulary()[PAD], np.int64),
        queue_weight=np.zeros(shape, np.float32),
        reply_weight=np.zeros(shape, np.float32),
        kind=np.zeros(shape, np.int8),
        hints=np.zeros(shape, np.int64),
        groups=np.zeros(shape, np.int64),
    )
    for number in range(stage.documents):
        document = Document(rng, stage)
        row = _Row(document)
        while len(row.ids) < shape[1]:
            row.add(document.turn())
        batch.ids[number] = row.ids[: shape[1]]
        for place, name, value in row.marks:
            if place < shape[1]:
                getattr(batch, name)[number, place] = value
    return batch
