"""The invented world keeps its words apart, and training never meets what is held out."""

import random

from train.tinybase.episodes import CURRICULUM, EXACT, NEW, Document, draw
from train.tinybase.pieces import MARKS, vocabulary
from train.tinybase.unseen import Bm25, Desk
from train.tinybase.words import (
    COMPANIES,
    HELD_COMPANIES,
    HELD_PRODUCTS,
    HELD_QUEUES,
    PRODUCTS,
    QUEUES,
    TOPICS,
)
from train.tinybase.world import FILLERS, HELD, prose


def test_no_word_means_two_things():
    keywords = [word for row in TOPICS for word in row]
    assert len(keywords) == len(set(keywords)) == 320
    names = [*QUEUES, *HELD_QUEUES, *PRODUCTS, *HELD_PRODUCTS, *COMPANIES, *HELD_COMPANIES]
    assert len(names) == len(set(names))
    assert not set(names) & (set(keywords) | set(FILLERS))


def test_held_out_words_are_never_an_answer_nor_a_matter():
    """2,000 documents of the last stage: no held-out queue, product, company, or keyword with its topic."""
    rng = random.Random(1)
    for _ in range(2000):
        document = Document(rng, CURRICULUM[-1])
        assert not HELD & {*document.queues, *document.products, document.company}
        if not document.invented:
            assert not HELD & {word for row in document.topics for word in row}


def test_a_batch_asks_for_queue_names_right_after_the_prompt():
    rng = random.Random(2)
    batch = draw(rng, CURRICULUM[-1])
    assistant = vocabulary()["<|assistant|>"]
    rows, places = batch.kind.nonzero()
    assert (batch.ids[rows, places - 1] == assistant).all()
    assert ((batch.ids == assistant).sum(1) > 5).all()
    assert set(batch.kind[rows, places]) == {NEW, 2, EXACT}
    assert (batch.ids != vocabulary()[MARKS[0]]).all()


def test_the_same_seed_draws_the_same_batch():
    first, second = (draw(random.Random(3), CURRICULUM[2]) for _ in range(2))
    assert (first.ids == second.ids).all()


def test_prose_joins_marks_to_words():
    assert (
        prose(["hello", ",", "my", "mug", ":", "crack", ".", "thanks", "!"])
        == "hello, my mug: crack. thanks!"
    )


def test_retrieval_puts_the_nearest_last_and_skips_common_words():
    documents = [
        ["hello", "refund"],
        ["hello", "wifi"],
        ["hello", "wifi", "wifi", "router"],
        ["hello", "lamp"],
    ]
    index = Bm25(documents, max_df=0.6)
    assert index.best(["hello", "router"], 1) == [2]
    assert index.best(["hello", "wifi", "router"], 2) == [1, 2]


def test_eight_shots_are_even_over_the_queues():
    desk = Desk.open(5, 8, tests=3)
    for chat in desk.chats("eight_shot"):
        said = [message["content"].split(":")[0] for message in chat if message["role"] == "assistant"]
        assert sorted(said) == sorted(desk.company.queues)
