"""Rows like a row, and changes that fit elsewhere."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from curate.deciding.alike import Change, applied, changes, proposals, similar
from curate.errors import NotFoundError
from curate.example import frame, with_ids
from curate.scanning.embedding import key_of


def rows(*texts: str) -> pl.DataFrame:
    """Rows with a question each, and one answer for all."""
    made = [
        {
            "messages": [
                {"role": role, "content": text, "name": None, "tool_calls": None, "tool_call_id": None}
                for role, text in (("user", question), ("assistant", "Sure! It is so."))
            ],
            "source": "rows.jsonl",
        }
        for question in texts
    ]
    return with_ids(frame(made), list(texts))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("Sure! It is so.", "It is so.", [Change("Sure! ", "", "start")]),
        ("It is so. As an AI, I end.", "It is so.", [Change(" As an AI, I end.", "", "end")]),
        ("call the hotline now", "call the helpdesk now", [Change("hotline", "helpdesk")]),
        ("one word", "entirely other things said", []),
        ("it is so", "it is really so", []),  # what was put in belongs nowhere else
        ("a or b or c", "a or x or c", []),  # one letter is found everywhere
    ],
)
def test_what_an_edit_did(before: str, after: str, found: list[Change]) -> None:
    """Replaced and removed words are changes; rewritten texts and mere additions are not."""
    assert changes(before, after) == found


def test_a_change_keeps_to_whole_words_and_to_its_place() -> None:
    """`art` is not changed within `party`; a prefix only at the start."""
    assert applied("then strengthen then", [Change("then", "later")]) == "later strengthen later"
    assert applied("Not so. Sure! yes", [Change("Sure! ", "", "start")]) == "Not so. Sure! yes"
    assert applied("a (x) b", [Change("(x)", r"\1")]) == r"a \1 b"


def test_words_that_changed_places_change_places() -> None:
    """Each change is made in the text as it was: none changes what another one put there."""
    made = changes("from Monday to Tuesday each week", "from Tuesday to Monday each week")
    assert made == [Change("Monday", "Tuesday"), Change("Tuesday", "Monday")]
    assert applied("boats go from Monday to Tuesday", made) == "boats go from Tuesday to Monday"


def test_words_that_were_changed_in_two_ways_are_changed_nowhere_else() -> None:
    """Nobody knows which of the two is meant in another row; what is next to each other is one change."""
    before = "colour red and colour blue are nice things that one can see here"
    after = "color red and hue blue are nice things that one can see there"
    assert changes(before, after) == [Change("here", "there")]
    assert changes("it arrived broken on the way here", "it came late on the way here") == [
        Change("arrived broken", "came late")
    ]


@pytest.mark.parametrize("many", [2_000, 40_000])
def test_what_an_edit_did_is_known_at_once_however_much_it_changed(many: int) -> None:
    """Texts made to be hard to compare take milliseconds, since this holds up the screens."""
    words = [f"w{i * 7919 % 500}" for i in range(many)]
    other = [word if i % 10 else f"{word}x" for i, word in enumerate(words)]
    began = time.process_time()
    changes(" ".join(words), " ".join(other))
    assert time.process_time() - began < 0.5


def test_proposals_are_of_the_same_role_and_leave_the_row_itself_out() -> None:
    """Each shows the text before and after; nothing is changed."""
    table = rows("Sure! what", "and what", "Sure! no")
    own = table["example_id"][0]
    found = proposals(
        table.lazy(), [Change("Sure! ", "", "start")], role="assistant", field="content", except_id=own
    )
    assert [p.example_id for p in found] == table["example_id"].to_list()[1:]
    assert {(p.message, p.before, p.after) for p in found} == {(1, "Sure! It is so.", "It is so.")}
    asked = proposals(
        table.lazy(), [Change("Sure! ", "", "start")], role="user", field="content", except_id=own
    )
    assert [p.after for p in asked] == ["no"]


def test_similar_by_words() -> None:
    """The row itself is 1, a near copy is next, a stranger is last."""
    table = rows(
        "the quick brown fox jumps over the lazy dog today",
        "the quick brown fox jumps over the lazy cat today",
        "completely different words stand here in this row",
    )
    found = similar(table.lazy(), table["example_id"][0])
    assert found.by == "words"
    assert found.rows["example_id"].to_list() == table["example_id"].to_list()
    one, near, far = found.rows["similarity"]
    assert one == 1.0 and near > 0.5 > far
    with pytest.raises(NotFoundError):
        similar(table.lazy(), "nobody")


def test_similar_by_vectors_where_there_are_any(tmp_path: Path) -> None:
    """Cosine of what an encoder said of the questions; a row it said nothing of is far."""
    table = rows("alpha", "beta", "gamma")
    folder = tmp_path / "vectors" / "encoder"
    folder.mkdir(parents=True)
    keys = np.array([np.frombuffer(key_of(text), dtype=np.uint8) for text in ("alpha", "gamma")])
    np.savez(folder / "a.npz", keys=keys, vectors=np.array([[1, 0], [0.6, 0.8]], dtype=np.float16))
    found = similar(table.lazy(), table["example_id"][0], tmp_path / "vectors")
    assert found.by == "vectors"
    assert found.rows["similarity"].to_list() == pytest.approx([1.0, 0.0, 0.6], abs=0.01)
