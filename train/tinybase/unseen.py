"""The trial of the base model: companies it never saw, zero-shot, eight shots, retrieved shots."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from torch import Tensor

from train.tinybase.world import Case, Company, Message

ARMS = ("zero_shot", "eight_shot", "rag")
NOISE = 0.05  # rows of the pool that say a queue drawn at random
RETRIEVED = 6
# Chosen on companies 1,000 to 1,009 by retrieval alone: six rows hold the very keyword for .29 of tickets with no
# limit, .60 at .08, .83 at .04 and .03. The trial uses companies 50,000 and up.
MAX_DF = 0.04

Logits = Callable[[Tensor, Tensor], Tensor]
"""(documents, length) right-padded ids and (documents,) last places -> (documents, vocabulary) logits there."""


class Bm25:
    """BM25 over lists of words; query words in more than `max_df` of the documents are left out.

    Greetings and product names are then not matched: in short tickets they outweigh the word that matters.
    """

    def __init__(self, documents: Sequence[Sequence[str]], max_df: float) -> None:
        self.documents = [Counter(words) for words in documents]
        self.mean = sum(map(len, documents)) / len(documents)
        counts = Counter(word for words in self.documents for word in words)
        total = len(documents)
        self.idf = {
            word: log(1 + (total - count + 0.5) / (count + 0.5))
            for word, count in counts.items()
            if count <= max_df * total
        }

    def best(self, query: Sequence[str], k: int) -> list[int]:
        """The `k` nearest documents, the nearest last: next to the question it weighs most."""
        scores = []
        for words in self.documents:
            room = 1.5 * (0.25 + 0.75 * words.total() / self.mean)
            found = (
                self.idf[word] * 2.5 * words[word] / (words[word] + room)
                for word in set(query) & words.keys()
                if word in self.idf
            )
            scores.append(sum(found))
        return sorted(range(len(scores)), key=lambda place: (scores[place], -place))[-k:]


@dataclass(frozen=True)
class Desk:
    """A held-out company with answered tickets to learn from and unanswered ones to route."""

    company: Company
    pool: list[Case]
    tests: list[Case]

    @classmethod
    def open(cls, seed: int, queues: int, pool: int = 300, tests: int = 50) -> "Desk":
        """The company of that seed with `pool` answered and `tests` unanswered tickets."""
        company = Company(seed, queues)
        rows = [company.case(NOISE) for _ in range(pool)]
        return cls(company, rows, [company.case() for _ in range(tests)])

    def chat(self, shots: Sequence[Case], query: Case) -> list[Message]:
        """The system message, each shot as question and answer, then the question."""
        company = self.company
        pairs = [message for shot in shots for message in (company.question(shot), company.answer(shot))]
        return [company.system, *pairs, company.question(query)]

    def chats(self, arm: str, max_df: float = MAX_DF) -> list[list[Message]]:
        """One prompt a test; `eight_shot` takes eight shots, as even over the queues as it can be."""
        if arm == "zero_shot":
            return [self.chat([], test) for test in self.tests]
        if arm == "rag":
            index = Bm25([case.ticket.words for case in self.pool], max_df)
            return [
                self.chat([self.pool[place] for place in index.best(test.ticket.words, RETRIEVED)], test)
                for test in self.tests
            ]
        rng = random.Random(len(self.pool))
        return [self.chat(self._even(rng), test) for test in self.tests]

    def _even(self, rng: random.Random) -> list[Case]:
        each = -(-8 // len(self.company.queues))
        by_queue = [[case for case in self.pool if case.said == queue] for queue in self.company.queues]
        shots = [case for rows in by_queue for case in rng.sample(rows, min(each, len(rows)))]
        return rng.sample(shots, min(8, len(shots)))


@torch.no_grad()
def choose(logits: Logits, prompts: Sequence[Sequence[int]], labels: Sequence[int]) -> list[int]:
    """For each prompt, the place in `labels` of the likeliest next token among them."""
    chosen = [0] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    for start in range(0, len(order), 32):
        places = order[start : start + 32]
        longest = len(prompts[places[-1]])
        ids = torch.tensor([[*prompts[place], *[0] * (longest - len(prompts[place]))] for place in places])
        last = torch.tensor([len(prompts[place]) - 1 for place in places])
        best = logits(ids, last)[:, list(labels)].argmax(-1).tolist()
        for place, answer in zip(places, best, strict=True):
            chosen[place] = answer
    return chosen


Encode = Callable[[list[Message]], list[int]]
"""A chat to the ids of its prompt, the mark that opens the answer last."""


def accuracy(
    logits: Logits, encode: Encode, word: Callable[[str], int], desk: Desk, arm: str, max_df: float = MAX_DF
) -> float:
    """Share of a desk's tests whose likeliest queue is the right one; `word` gives the one id of a queue name."""
    queues = desk.company.queues
    prompts = [encode(chat) for chat in desk.chats(arm, max_df)]
    chosen = choose(logits, prompts, [word(queue) for queue in queues])
    return sum(queues[place] == test.queue for place, test in zip(chosen, desk.tests, strict=True)) / len(
        desk.tests
    )


def interval(means: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """Mean and 95 % bootstrap bounds, companies drawn with replacement."""
    values = np.asarray(means)
    draws = np.random.default_rng(seed).choice(values, (4000, len(values))).mean(1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(values.mean()), float(low), float(high)
