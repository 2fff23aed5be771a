"""What the task is, and how labels are read."""

import pytest

from curate.example import frame, with_ids
from evalharness.asking.task import Task, complies, label_of, queries, task_of
from tests.evalharness.conftest import ticket, tickets

LABELS = ("card", "card_arrival", "oak")


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("card_arrival", "card_arrival"),
        ("card _ arrival", "card_arrival"),
        ("Card_Arrival: soon", "card_arrival"),
        (" oak : sorry", "oak"),
        ("card", "card"),
        ("card.", "card"),
        ("cardboard", None),
        ("card_arrivals", None),
        ("the oak", None),
        ("", None),
    ],
)
def test_the_longest_label_that_the_answer_begins_with(answer, label):
    assert label_of(answer, LABELS) == label


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("oak", True),
        ("oak:", True),
        ("oak : sorry", True),
        ("oak sorry", False),
        ("sorry oak:", False),
        ("", False),
    ],
)
def test_an_answer_complies_with_a_label_alone_or_before_a_colon(answer, right):
    assert complies(answer, LABELS) is right


def solved(*pairs):
    rows = [ticket(n, label, "train", reply) for n, (label, reply) in enumerate(pairs)]
    return list(queries(with_ids(frame(rows), [str(n) for n in range(len(rows))])))


def test_labels_at_the_start_of_answers_make_a_label_task():
    assert task_of(list(queries(tickets()))) == Task(("oak", "sierra", "viola"), whole=False)


def test_labels_that_are_the_answers_make_a_task_of_labels_alone():
    task = task_of(solved(("a", "a"), ("b", "b")))
    assert task == Task(("a", "b"), whole=True)
    assert "a, b" in (task.instruction() or "")


def test_answers_that_do_not_begin_with_their_label_are_free_text():
    task = task_of(solved(("billing", "we sent it"), ("billing", "it is gone"), ("oak", "oak: yes")))
    assert task == Task() and task.instruction() is None


def test_a_question_holds_no_answer():
    for each in queries(tickets()):
        assert each.answer not in each.query.text and "assistant" not in {t["role"] for t in each.query.turns}


def test_a_conversation_keeps_the_turns_before_the_last_answer():
    row = ticket(1, "oak", "test")
    turns = [("user", "one"), ("assistant", "two"), ("user", "three"), ("assistant", "four")]
    row["messages"] = [{"role": role, "content": content} for role, content in turns]
    (found,) = queries(with_ids(frame([row]), ["x"]))
    assert [turn["content"] for turn in found.query.turns] == ["one", "two", "three"]
    assert found.answer == "four" and found.query.system is None


def test_preference_rows_take_the_chosen_answer():
    row = {**ticket(1, "oak", "test"), "chosen": "oak: good", "rejected": "no"}
    row["messages"] = [{"role": "user", "content": "hello"}]
    (found,) = queries(with_ids(frame([row]), ["x"]))
    assert found.answer == "oak: good" and len(found.query.turns) == 1
