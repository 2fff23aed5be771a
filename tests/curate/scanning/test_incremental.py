"""Version after version of a dataset: what a scan takes over from those before changes no byte of what it finds."""

from __future__ import annotations

import json
import random

import polars as pl
import pytest

from curate import rows
from curate.checks import near_duplicate
from curate.example import with_content_hash
from curate.runs.steps import Reading, import_files, scan_version
from curate.scanning import looking, remembered
from curate.workspace import Workspace

CHECKS = ["structure", "exact-duplicate", "near-duplicate", "style"]
FRAME = (
    "Please look up the record of our customer in the large book and say what stands there about the case of"
)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    return Workspace.open(create=True)


def row(question: str, answer: str, label: str | None) -> dict[str, object]:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": turns, "queue": label}


class Rows:
    """Rows of which some are copies, near copies, from one template, or one text in very many forms."""

    def __init__(self, seed: int, count: int) -> None:
        self.draw = random.Random(seed)
        self.rows = [self.fresh() for _ in range(count)]

    def words(self, count: int) -> list[str]:
        return [f"word{self.draw.randrange(4_000)}" for _ in range(count)]

    def fresh(self) -> dict[str, object]:
        kind = self.draw.random()
        label = self.draw.choice(["a", "a", "a", "b", None])
        if kind < 0.3 and getattr(self, "rows", None):
            turns = self.draw.choice(self.rows)["messages"]
            question, answer = turns[0]["content"], turns[1]["content"]
            spoken = question.split()
            if kind > 0.1 and spoken:
                spoken[self.draw.randrange(len(spoken))] = self.draw.choice(["other", "7", "8", "Berlin"])
            return row(" ".join(spoken) if kind < 0.28 else question.upper(), answer, label)
        if kind < 0.5:  # a template, which after some versions stands in enough rows to be one
            return row(f"{FRAME} {' '.join(self.words(3))}?", "It is closed.", label)
        if kind < 0.75:  # a crowd: one text, a word or two of it changed
            text = [f"crowd{at}" for at in range(40)]
            for _ in range(self.draw.randrange(3)):
                text[self.draw.randrange(40)] = self.words(1)[0]
            return row(" ".join(text), "Yes, they are all here.", label)
        return row(" ".join(self.words(30)), " ".join(self.words(self.draw.choice([0, 10, 20]))), label)

    def change(self) -> None:
        """Rows are added, taken out, edited, labelled otherwise, and put elsewhere."""
        for _ in range(self.draw.randrange(25)):
            self.rows.insert(self.draw.randrange(len(self.rows)), self.fresh())
        for _ in range(self.draw.randrange(12)):
            self.rows.pop(self.draw.randrange(len(self.rows)))
        for _ in range(self.draw.randrange(6)):
            self.rows[self.draw.randrange(len(self.rows))] = self.fresh()
        for _ in range(self.draw.randrange(4)):
            at = self.draw.randrange(len(self.rows))
            self.rows[at] = {**self.rows[at], "queue": self.draw.choice(["a", "b", None])}
        for _ in range(self.draw.randrange(4)):
            taken = self.rows.pop(self.draw.randrange(len(self.rows)))
            self.rows.insert(0, taken)


def version(workspace, tmp_path, rows) -> str:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    made = import_files(workspace, [str(file)], Reading(label="queue"), name="rows").made
    return made.outputs["dataset"]


def found(workspace, dataset, **how) -> pl.DataFrame:
    return workspace.table(scan_version(workspace, dataset, names=CHECKS, **how).made.outputs["findings"])


@pytest.mark.parametrize("seed", range(3))
def test_versions_that_grow_shrink_and_change_are_found_as_by_a_scan_from_nothing(
    workspace, tmp_path, monkeypatch, seed
):
    monkeypatch.setattr(remembered, "FILES", 3)  # so that files are put together within a few versions
    made = Rows(seed, 150)
    settings = {"near-duplicate": {"keep": ("labelled", "longest")}} if seed % 2 else {}
    for step in range(5):
        dataset = version(workspace, tmp_path, made.rows)
        taken = found(workspace, dataset, settings=settings, workers=1)
        whole = found(workspace, dataset, settings=settings, again=True)
        assert taken.equals(whole), f"version {step}"
        assert set(taken["check"]) >= {"exact-duplicate", "near-duplicate"}
        made.change()


def test_a_template_that_came_with_new_rows_takes_old_pairs_away(workspace, tmp_path):
    draw = random.Random(3)
    words = [f"word{number}" for number in range(3_000)]
    frame = [f"frame{number}" for number in range(60)]
    rows = [row(" ".join([*frame, *draw.sample(words, 9)]), "Done.", None) for _ in range(200)]
    few, many = (version(workspace, tmp_path, rows[:count]) for count in (40, 200))
    before = found(workspace, few).filter(check="near-duplicate")
    after = found(workspace, many).filter(check="near-duplicate")
    assert before.height > after.filter(pl.col("example_id").is_in(before["example_id"].implode())).height
    assert after.equals(found(workspace, many, again=True).filter(check="near-duplicate"))


def test_doubts_of_old_pairs_are_not_looked_for_again(workspace, tmp_path, monkeypatch):
    made = Rows(5, 150)
    found(workspace, version(workspace, tmp_path, made.rows))
    read = []
    texts_of = near_duplicate.texts_of
    monkeypatch.setattr(
        near_duplicate, "texts_of", lambda rows, *how: read.append(rows.height) or texts_of(rows, *how)
    )
    grown = version(workspace, tmp_path, [*made.rows, made.fresh()])
    found(workspace, grown)
    taken = read.pop()
    found(workspace, grown, again=True)
    assert taken < read.pop() / 3


def test_another_threshold_takes_doubts_over_too(workspace, tmp_path):
    made = Rows(6, 120)
    dataset = version(workspace, tmp_path, made.rows)
    for threshold in (0.9, 0.5, 0.7):
        settings = {"near-duplicate": {"threshold": threshold}}
        taken = found(workspace, dataset, settings=settings)
        assert taken.equals(found(workspace, dataset, settings=settings, again=True))


def test_a_file_of_sketches_that_goes_while_it_is_read_costs_time_alone(workspace, tmp_path, monkeypatch):
    made = Rows(7, 60)
    found(workspace, version(workspace, tmp_path, made.rows))
    read = remembered.read

    def gone(place, columns):
        if place.name.startswith("exact-duplicate"):
            place.unlink()
        return read(place, columns)

    monkeypatch.setattr(remembered, "read", gone)
    grown = version(workspace, tmp_path, [*made.rows, made.fresh()])
    assert found(workspace, grown).equals(found(workspace, grown, again=True))


def test_scores_of_old_pairs_are_not_taken_again(workspace, tmp_path, monkeypatch):
    draw = random.Random(8)
    words = [f"word{number}" for number in range(4_000)]
    texts = [draw.sample(words, 40) for _ in range(60)]
    texts += [[*text[:-1], "other"] for text in texts[:20]]
    rows = [row(" ".join(text), "Yes.", None) for text in texts]
    found(workspace, version(workspace, tmp_path, rows))
    cut = []
    sets_of = near_duplicate.sets_of
    monkeypatch.setattr(
        near_duplicate, "sets_of", lambda texts, *how: cut.append(len(texts)) or sets_of(texts, *how)
    )
    grown = version(workspace, tmp_path, [*rows, row(" ".join([*texts[30][:-1], "new"]), "Yes.", None)])
    taken = found(workspace, grown)
    assert max(cut) <= 3  # the new row, and what it is near to
    cut.clear()
    assert found(workspace, grown, again=True).equals(taken)
    assert max(cut) >= 40
    assert taken.filter(check="near-duplicate").height == 42


def test_rows_that_stand_where_they_stood_are_not_looked_for_one_by_one(workspace, tmp_path, monkeypatch):
    made = Rows(9, 120)
    found(workspace, version(workspace, tmp_path, made.rows))
    joined = []
    distinct = remembered._distinct
    monkeypatch.setattr(remembered, "_distinct", lambda table: joined.append(table.height) or distinct(table))
    made.rows += [made.fresh() for _ in range(8)]
    grown = version(workspace, tmp_path, made.rows)
    assert found(workspace, grown).equals(found(workspace, grown, again=True))
    assert not joined
    made.rows = [*made.rows[60:], *made.rows[:60], made.fresh()]  # now they stand elsewhere
    turned = version(workspace, tmp_path, made.rows)
    assert found(workspace, turned).equals(found(workspace, turned, again=True))
    assert joined
    joined.clear()
    made.rows.append(made.fresh())  # and were put together in that order
    grown = version(workspace, tmp_path, made.rows)
    assert found(workspace, grown).equals(found(workspace, grown, again=True))
    assert not joined


def test_a_row_whose_label_alone_changed_is_sketched_again(workspace, tmp_path):
    made = Rows(10, 80)
    found(workspace, version(workspace, tmp_path, made.rows))
    made.rows[-1] = {**made.rows[-1], "queue": "c"}
    changed = version(workspace, tmp_path, made.rows)
    assert found(workspace, changed).equals(found(workspace, changed, again=True))


def edited_in_place(draw: random.Random, table: pl.DataFrame) -> pl.DataFrame:
    """A version as a round of review makes one: rows keep their ids; or its roles or its order change."""
    at = pl.int_range(pl.len())
    some = draw.sample(range(table.height), draw.randrange(1, 9))
    kind = draw.choice(["text", "label", "group", "split", "source", "drop", "order", "tail"])
    if kind == "text":
        turns = table["messages"].to_list()
        for each in some:
            turns[each][0]["content"] += draw.choice([" 7", " please", "."])
        table = table.with_columns(pl.Series("messages", turns, dtype=table.schema["messages"]))
    elif kind == "drop":
        table = table.filter(~at.is_in(some))
    elif kind == "order":
        table = table.sample(fraction=1, shuffle=True, seed=draw.randrange(99))
    elif kind == "tail":
        table = table.head(table.height - len(some))
    else:
        value = {"label": "a", "group": "g", "split": "test", "source": "other.jsonl"}[kind]
        table = table.with_columns(pl.when(at.is_in(some)).then(pl.lit(value)).otherwise(kind).alias(kind))
    return with_content_hash(table)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_changed_in_a_version_or_the_settings_the_findings_are_those_of_a_whole_scan(
    workspace, tmp_path, monkeypatch, seed
):
    monkeypatch.setattr(rows, "TOGETHER", 16)  # so that texts are read piece by piece
    draw = random.Random(seed)
    table = workspace.examples(version(workspace, tmp_path, Rows(seed + 40, 120).rows))
    for step in range(7):
        settings = {
            "near-duplicate": {"threshold": draw.choice([0.5, 0.7, 0.7, 0.9])},
            "exact-duplicate": {"keep": draw.choice([["labelled"], ["labelled"], ["longest"]])},
        }
        dataset = workspace.put_dataset(table)
        taken = found(workspace, dataset, settings=settings)
        assert taken.equals(found(workspace, dataset, settings=settings, again=True)), f"version {step}"
        table = edited_in_place(draw, table)


def test_of_a_few_rows_that_were_edited_only_these_are_looked_at_and_read(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "TOGETHER", 4)
    table = workspace.examples(version(workspace, tmp_path, Rows(11, 150).rows))
    found(workspace, workspace.put_dataset(table))
    turns = table["messages"].to_list()
    for at in (20, 90):
        turns[at][1]["content"] = f"Something else entirely is said here, number {at}."
    edited = with_content_hash(
        table.with_columns(pl.Series("messages", turns, dtype=table.schema["messages"]))
    )
    looked: dict[str, int] = {}
    look = looking._Work._look
    monkeypatch.setattr(
        looking._Work,
        "_look",
        lambda work, batch: looked.update({work.check.name: batch.height}) or look(work, batch),
    )
    monkeypatch.setattr(rows.Rows, "whole", lambda _: pytest.fail("all texts are read"))
    checks = ["structure", "exact-duplicate"]
    dataset = workspace.put_dataset(edited)
    made = scan_version(workspace, dataset, names=checks).made
    assert looked == dict.fromkeys(checks, 2)
    monkeypatch.undo()
    assert scan_version(workspace, dataset, names=checks, again=True).made.outputs == made.outputs
