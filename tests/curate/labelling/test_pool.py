"""What is ranked of a large version: a seeded sample with all answered rows, read once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from curate.commands.label import label
from curate.labelling import pool
from curate.labelling.pool import drawn, kept_words, weights, words_of
from curate.labelling.status import status_of
from curate.labelling.suggest import suggest
from curate.labelling.suggestions import UNRANKED
from curate.labelling.tasks import Task
from curate.labelling.work import Work
from curate.workspace import Workspace


def test_a_small_version_is_ranked_whole() -> None:
    assert drawn(12, [3, 3, 1]).tolist() == list(range(12))


def test_a_sample_holds_the_answered_rows_and_hardly_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "RANKED", 100)
    one, two = drawn(5_000, [7, 4_999]), drawn(5_000, [7, 4_999, *range(200, 220)])
    for found, answered in ((one, 2), (two, 22)):
        assert len(found) == 100 + answered and np.all(np.diff(found) > 0)
    assert {7, 4_999} <= set(one.tolist()) and len(np.setdiff1d(two, one)) <= 21
    assert drawn(5_000, [7, 4_999]).tolist() == one.tolist()


def test_the_words_of_rows_do_not_depend_on_the_other_rows() -> None:
    texts = ["One two, one two", "", "two one", "Über den Wolken", "x " * 5_000]
    whole = words_of(np.arange(5), texts)
    at = np.concatenate([[0], np.cumsum(whole.sizes)])
    assert whole.sizes.tolist() == [7, 0, 3, 5, 2 * pool.WORDS - 1]
    for row, text in enumerate(texts):
        alone = words_of(np.array([row]), [text])
        assert alone.keys.tolist() == whole.keys[at[row] : at[row + 1]].tolist()
    table = weights(whole).toarray()
    lengths = np.linalg.norm(table, axis=1)
    assert lengths[[0, 2]] == pytest.approx(1, abs=1e-6) and lengths[1] == 0
    assert weights(words_of(np.arange(2), ["", ""])).shape == (2, 1)


def test_rows_are_read_once_and_a_broken_file_is_made_again(
    tickets: Callable[[int], Workspace], tasks: dict[str, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, task = tickets(40), tasks["queue"]
    dataset, read = workspace.dataset(), []
    real = pool.texts_at

    def counted(rows: pl.LazyFrame, asked: Task, places: pool.Places) -> list[str]:
        read.append(places.tolist())
        return real(rows, asked, places)

    monkeypatch.setattr(pool, "texts_at", counted)
    first = kept_words(workspace, dataset, task, np.array([3, 5, 20]))
    second = kept_words(workspace, dataset, task, np.array([4, 5, 20, 39]))
    again = kept_words(workspace, dataset, task, np.array([5, 39]))
    assert read == [[3, 5, 20], [4, 39]]
    texts = real(workspace.scan_examples(dataset), task, np.array([4, 5, 20, 39]))
    assert all(np.array_equal(a, b) for a, b in zip(second, words_of(second.places, texts), strict=True))
    assert again.sizes.tolist() == second.sizes[[1, 3]].tolist() and first.places.tolist() == [3, 5, 20]
    [file] = (workspace.root / "suggestions").glob("words-*.npz")
    whole = file.read_bytes()
    for broken in (b"", b"no file of numpy", whole[:-40]):
        file.write_bytes(broken)
        assert kept_words(workspace, dataset, task, np.array([5, 39])).keys.tolist() == again.keys.tolist()
    assert len(read) == 5 and not list(file.parent.glob("*.part"))


def test_a_sample_is_told_and_the_rows_outside_it_come_after(
    tickets: Callable[[int], Workspace],
    tasks: dict[str, Task],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(pool, "RANKED", 10)
    workspace = tickets(40)
    task, dataset = tasks["queue"], workspace.dataset()
    work = Work(workspace, dataset, "tickets", task, "anna")
    examples = workspace.examples(dataset)
    for place, value in enumerate(("oak", "viola", "oak", "viola")):
        work.answer(place, examples.row(place, named=True), value)
    taught = suggest(workspace, dataset, task, "none")
    assert (taught.rows, taught.of, taught.trained_on) == (14, 40, 4)
    model = work.newer_model()
    assert model is not None
    work.take_model(model)
    assert sorted(work.ids.tolist()) == list(range(40))
    ranked = work.model.rank != UNRANKED  # type: ignore[union-attr]
    unanswered = [place for place in work.ids.tolist() if place > 3 and place not in work.gold]
    seen = [bool(ranked[place]) for place in unanswered]
    assert ranked.sum() == 14 and seen == sorted(seen, reverse=True), "the sample first"
    assert all((work.suggestion(place) is not None) for place in unanswered)
    told = "ranks 14 of 40 rows"
    assert told in work.model_told() and told in status_of(workspace, dataset, task).model
    lines = "\n".join(label("suggest", task="queue", encoder="none").lines)
    assert "14 rows (a sample of 40) have a suggestion" in lines


def test_the_newest_answers_are_learned_from_where_there_are_too_many(
    tickets: Callable[[int], Workspace], tasks: dict[str, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curate.labelling.suggest.TAUGHT", 6)
    workspace = tickets(20)
    task, dataset = tasks["queue"], workspace.dataset()
    work = Work(workspace, dataset, "tickets", task, "anna")
    examples = workspace.examples(dataset)
    for place in range(12):  # the old ones all say the contrary
        value = ("oak", "viola")[place % 2 if place >= 6 else 1 - place % 2]
        work.answer(place, examples.row(place, named=True), value)
    taught = suggest(workspace, dataset, task, "none")
    assert taught.trained_on == 12 and "of the newest 6 answers" in taught.features
    model = work.newer_model()
    assert model is not None and model.rows["answer"][14:].to_list() == ['"oak"', '"viola"'] * 3
