"""What each arm puts into the prompt."""

import polars as pl
import pytest

from curate.example import frame, with_ids
from evalharness.asking.arms import Base, FewShot, Pool, Rag, Tuned
from evalharness.asking.prompts import Prompter
from evalharness.asking.task import queries
from evalharness.models.chat import Chat
from evalharness.models.loaded import load_model
from evalharness.retrieval import Retriever
from tests.evalharness.conftest import ticket, tickets

ARMS = (Base(), FewShot(), Rag(), Tuned())


def test_no_arm_shows_anything_of_the_test_or_validation_answers():
    """A mark planted in every answer outside train is in no prompt."""
    rows = [ticket(n, "oak", "train") for n in range(20)]
    rows += [ticket(n, "oak", split, "oak: PLANTED") for n in range(20) for split in ("test", "validation")]
    examples = with_ids(frame(rows), [str(n) for n in range(len(rows))])
    pool = Pool(examples)
    for arm in ARMS:
        prompter = Prompter(arm, pool)
        for each in queries(examples):
            assert "PLANTED" not in str(prompter.prompt(each.query))


def test_few_shot_is_balanced_and_the_same_for_each_question():
    pool = Pool(tickets())
    asked = [each.query for each in queries(tickets().filter(pl.col("split") == "test"))]
    shown = [FewShot(shots=6).shown(query, pool) for query in asked]
    assert all(each == shown[0] for each in shown)
    assert sorted(each.label for each in shown[0]) == ["oak", "oak", "sierra", "sierra", "viola", "viola"]
    assert FewShot(shots=6, seed=1).shown(asked[0], pool) != shown[0]


@pytest.mark.parametrize("arm", [FewShot(shots=40), Rag(neighbours=40)])
def test_a_question_from_train_is_not_shown_its_own_answer(arm):
    pool = Pool(tickets())
    for each in pool.solved:
        shown = arm.shown(each.query, pool)
        assert len(shown) == len(pool.solved) - 1
        assert each.query.example_id not in {other.query.example_id for other in shown}


def test_rag_shows_the_nearest_last():
    texts = ["the gasket is cracked", "my invoice is wrong", "gasket cracked again", "hello there"]
    rows = [ticket(n, "oak", "train") for n in range(4)]
    for row, text in zip(rows, texts, strict=True):
        row["messages"][1]["content"] = text
    pool = Pool(with_ids(frame(rows), list("abcd")))
    query = pool.solved[0].query._replace(
        example_id="other", turns=({"role": "user", "content": "gasket cracked"},)
    )
    shown = [each.query.text for each in Rag(neighbours=2).shown(query, pool)]
    assert shown == ["the gasket is cracked", "gasket cracked again"]


def test_common_words_do_not_decide_what_is_near():
    """Greetings would drown the one word that says what it is about."""
    greeted = [f"hello dear friends at the shop number{n}" for n in range(10)]
    others = [f"word{n} said{n}" for n in range(89)]
    questions = [*greeted, *others, "here is a longer text in which the valve leaks"]
    asked = "hello dear friends at the shop my valve"
    assert Retriever(questions, max_df=0.08).neighbours(asked, 1) == [99]
    assert Retriever(questions, max_df=1.0).neighbours(asked, 1) != [99]


def test_a_search_without_any_known_word_still_answers_in_order():
    assert Retriever(["one", "two", ""]).neighbours("zzz", 2) == [0, 1]
    assert Retriever(["", ""]).neighbours("one", 5) == [0, 1]
    assert Retriever([]).neighbours("one", 5) == []


@pytest.fixture(scope="module")
def chat(base):
    return Chat(load_model(str(base), quantization="none", device="cpu"))


def bare(count=12):
    """Rows that bring no system message."""
    rows = [ticket(n, ("oak", "sierra")[n % 2], "train") for n in range(count)]
    for row in rows:
        row["messages"] = row["messages"][1:]
    return Pool(with_ids(frame(rows), [str(n) for n in range(count)]))


def test_the_system_message_is_the_rows_own_the_users_or_made_from_the_labels():
    pool, own = bare(), Pool(tickets())
    asked, owned = pool.solved[0].query, own.solved[0].query
    assert "oak, sierra" in Prompter(Base(), pool).prompt(asked).turns[0]["content"]
    assert Prompter(Base(), pool, "do it").prompt(asked).turns[0]["content"] == "do it"
    assert Prompter(Base(), own).prompt(owned).turns[0]["content"] == "keystone queues: oak, sierra, viola."
    assert Prompter(Base(), own, "do it").prompt(owned).turns[0]["content"] == "do it"


def test_the_tuned_arm_is_asked_as_it_was_trained():
    pool, own = bare(), Pool(tickets())
    assert Prompter(Tuned(), pool, "do it").prompt(pool.solved[0].query).turns == pool.solved[0].query.turns
    assert (
        Prompter(Tuned(), own, "do it").prompt(own.solved[0].query).turns[0]["content"].startswith("keystone")
    )


def test_where_room_is_short_the_least_useful_examples_go_first_and_it_is_counted(chat):
    pool = Pool(tickets())
    query = pool.solved[0].query
    full = Prompter(FewShot(), pool, None, chat, 400)
    short = Prompter(FewShot(), pool, None, chat, 100)
    assert len(full.prompt(query).shown) == 8 and full.cut == 0 and full.fewest == 8
    kept = short.prompt(query)
    assert 0 < len(kept.shown) < 8 and len(kept.ids) <= 100
    assert kept.shown == full.prompt(query).shown[-len(kept.shown) :]
    assert short.cut == 1 and short.fewest == len(kept.shown)


def test_an_instruction_that_would_fill_the_context_is_left_out_and_said(chat):
    pool = bare()
    prompter = Prompter(Base(), pool, None, chat, 40)
    assert "left out" in prompter.dropped
    assert prompter.prompt(pool.solved[0].query).turns == pool.solved[0].query.turns


def test_a_question_too_long_for_the_model_is_an_error_of_its_row(chat):
    pool = Pool(tickets())
    found = Prompter(Base(), pool, None, chat, 5).prompt(pool.solved[0].query)
    assert found.error and "has room for 5" in found.error and not found.ids


def test_a_row_without_a_question_is_an_error_of_its_row():
    pool = Pool(tickets())
    query = pool.solved[0].query._replace(turns=())
    assert Prompter(Base(), pool).prompt(query).error == "there is no question in it"
