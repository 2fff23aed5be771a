"""A label that the text and its neighbours speak against is found; what cannot be judged is said."""

from __future__ import annotations

import json
import random

import numpy as np
import polars as pl
import pytest

from curate.checks.wrong_label import WrongLabel
from curate.checks.wrong_label.alike import Alike, alike, as_one, groups
from curate.checks.wrong_label.alike import told as same_label
from curate.checks.wrong_label.check import SUSPECTS
from curate.checks.wrong_label.noise import by_lot
from curate.commands.spellings import rare_lines
from curate.errors import ConfigError
from curate.scanning.scan import obstacles, scan

TOPICS = {
    "card": "my card {} was swallowed by the cash machine at the {}",
    "loan": "what interest do i pay on a loan of {} for my {}",
    "rent": "the landlord of flat {} wants more rent for the {}",
}
PLACES = "station market school garden office harbour library bakery".split()  # noqa: SIM905


@pytest.fixture(name="rows")
def _rows(asked):
    draw = random.Random(4)
    made = []
    for at in range(90):
        label = list(TOPICS)[at % 3]
        made.append(asked(TOPICS[label].format(at, draw.choice(PLACES)), "x", label=label))
    return made


def told(found):
    return {row["example_id"]: row for row in found.iter_rows(named=True)}


def test_planted_labels_come_first(rows, examples):
    for at, label in ((0, "loan"), (31, "rent"), (62, "card")):
        rows[at]["label"] = label
    table = examples(*rows)
    found = scan(table, [WrongLabel(encoder="none")]).findings.sort("score", descending=True)
    assert set(found["example_id"][:3]) == {table["example_id"][at] for at in (0, 31, 62)}
    first = json.loads(found["evidence"][0])
    assert first["by"] == "words"
    assert first["probability"] < first["of_the_other"]
    carried = dict(table.select("example_id", "label").iter_rows())
    assert carried[first["looks_like"]] in TOPICS
    assert carried[first["looks_like"]] != carried[found["example_id"][0]]
    assert set(found["action"]) == {"review"}


def test_the_surest_are_called_wrong_and_the_rest_doubtful(rows, examples):
    """Two bands of one ranking: none of the first stands below one of the second; both kinds there."""
    for at, label in ((0, "loan"), (31, "rent"), (62, "card")):
        rows[at]["label"] = label
    for at in range(1, 90, 9):  # of a text that says both
        rows[at]["messages"][0]["content"] += " and " + rows[(at + 1) % 90]["messages"][0]["content"]
    table = examples(*rows)
    found = scan(table, [WrongLabel(encoder="none", least=0.5)]).findings.sort("score", descending=True)
    bands = found["label"].to_list()
    assert bands == sorted(bands, reverse=True) and bands[0] == "wrong"
    wrong = found.filter(label="wrong")
    assert wrong["score"].min() >= 0.95
    assert set(wrong["example_id"]) <= {table["example_id"][at] for at in (0, 31, 62)}


def test_right_labels_are_left_alone(rows, examples):
    assert scan(examples(*rows), [WrongLabel(encoder="none")]).findings.height == 0


def test_the_order_of_the_rows_does_not_matter(rows, examples):
    rows[5]["label"] = "card"
    forward = scan(examples(*rows), [WrongLabel(encoder="none")]).findings
    backward = scan(examples(*rows[::-1]), [WrongLabel(encoder="none")]).findings
    assert forward["score"].to_list() == pytest.approx(backward["score"].to_list(), abs=1e-3)


def test_a_copy_is_no_second_witness(rows, examples):
    """Two copies of one text with one wrong label do not vouch for each other."""
    rows[3]["label"] = "rent"
    rows.append(dict(rows[3]))
    table = examples(*rows)
    found = set(scan(table, [WrongLabel(encoder="none")]).findings["example_id"])
    assert {table["example_id"][3], table["example_id"][90]} <= found


def test_a_label_with_few_rows_is_said_not_judged(rows, examples, asked):
    rows += [
        asked("how do i get a passport", "x", label="travel"),
        asked("visa for my trip", "x", label="travel"),
    ]
    table = examples(*rows)
    found = told(scan(table, [WrongLabel(encoder="none")]).findings)
    only = found[table["example_id"][90]]
    assert (only["label"], only["action"]) == ("rare-label", "keep")
    assert json.loads(only["evidence"])["rows"] == 2


def test_labels_drawn_by_lot_are_not_judged(rows, examples):
    """Nobody is accused where the texts say nothing of the labels; and that is not called clean."""
    chance = random.Random(3)
    for row in rows:
        row["label"] = chance.choice(["left", "right"])
    found = scan(examples(*rows), [WrongLabel(encoder="none")]).findings
    assert found.select("label", "action").rows() == [("unclear-labels", "keep")]
    evidence = json.loads(found["evidence"][0])
    assert evidence["explained"] <= 0 < evidence["told_right"]


def test_the_evidence_quotes_no_label(rows, examples):
    """A label may be a person's name; findings stay when the row that carries it is erased."""
    names = {"card": "Mechthild Auerswald", "loan": "4111111111111111", "rent": "ann@example.org"}
    for row in rows:
        row["label"] = names[str(row["label"])]
    rows[1]["label"] = names["card"]
    rows[3]["label"] = names["rent"]
    found = scan(examples(*rows), [WrongLabel(encoder="none")]).findings
    assert found.height >= 2
    said = found.write_json()
    assert not any(part in said for name in names.values() for part in name.split())


def test_copies_of_one_text_make_no_class(asked, examples):
    """Ten copies tell no more of a label than one: it is said that nothing was looked at."""
    rows = [asked(text, "x", label=text) for text in ("red wine", "white bread") for _ in range(10)]
    rows[4]["label"] = "white bread"
    found = scan(examples(*rows), [WrongLabel(encoder="none")]).findings
    assert found["label"].to_list() == ["rare-label"] * 2


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([None] * 12, "no row has a label"),
        (["a"] * 12, "fewer than two labels"),
        (list("abcdefghijkl"), "fewer than"),
    ],
)
def test_without_classes_it_cannot_look(asked, examples, labels, reason):
    table = examples(*(asked(f"question {at}", "x", label=label) for at, label in enumerate(labels)))
    assert reason in obstacles(table, [WrongLabel(encoder="none")])[0].reason


def test_without_an_encoder_it_says_so(rows, examples):
    not_run = obstacles(examples(*rows), [WrongLabel(encoder="none")])
    assert [entry.check for entry in not_run] == ["wrong-label (meaning)"]


@pytest.mark.parametrize("settings", [{"least": 0.2}, {"most": 0.0}, {"compare": "all"}])
def test_settings_out_of_range(settings):
    with pytest.raises(ConfigError):
        WrongLabel(**settings)


def overlapping(codes, draw, *, sure):
    """What a calibrated model says of texts on which two or more classes overlap: between 1/3 and `sure`."""
    table = np.full((len(codes), 8), 1e-4)
    for at, code in enumerate(codes):
        share = draw.uniform(1 / 3, sure)
        given = code if draw.random() < share else (code + 1) % 8
        table[at, given], table[at, (given + (1 if given == code else -1)) % 8] = share, 1 - share
    return table / table.sum(axis=1, keepdims=True)


def test_where_classes_overlap_no_label_was_given_by_lot():
    """As many rows stand against their label as the model says there will be: none of them is wrong."""
    draw = random.Random(5)
    codes = np.arange(400) % 8
    table = overlapping(codes, draw, sure=0.99)
    assert by_lot([table.astype(np.float32)], codes).max() == 0


def test_labels_by_lot_stand_against_texts_of_which_all_else_is_sure():
    draw = random.Random(5)
    codes = np.arange(400) % 8
    table = overlapping(codes, draw, sure=0.99)
    table[::2] = 1e-4
    table[np.arange(0, 400, 2), codes[::2]] = 0.98
    given = codes.copy()
    given[:100:10] = (given[:100:10] + 3) % 8
    said = by_lot([table.astype(np.float32)], given)
    assert set(np.flatnonzero(said >= 0.5)) == set(range(0, 100, 10))


def test_many_labels_hide_no_wrong_one():
    """What is faint of each of 77 labels is not taken for an explanation of the wrong ones."""
    draw = np.random.default_rng(2)
    codes = np.arange(1540) % 77
    table = draw.dirichlet(np.full(77, 0.002), size=1540) * 0.1
    table[np.arange(1540), codes] += 0.9
    given = codes.copy()
    given[::50] = (given[::50] + 31) % 77
    said = by_lot([table.astype(np.float32)], given)
    assert set(np.flatnonzero(said >= 0.5)) == set(range(0, 1540, 50))


def test_two_names_of_one_class_are_told_as_such(rows, examples):
    """Each row of the rarer name is told, none is doubted for the other name, and a wrong label still is."""
    lot = random.Random(1)
    for row in rows:
        if row["label"] == "card" and lot.random() < 0.3:
            row["label"] = "plastic"
    rows[31]["label"] = "rent"
    table = examples(*rows)
    found = scan(table, [WrongLabel(encoder="none")]).findings
    same = found.filter(label="same-label")
    labels = dict(table.select("example_id", "label").iter_rows())
    assert {labels[name] for name in same["example_id"]} == {"plastic"}
    assert same.height == sum(row["label"] == "plastic" for row in rows)
    evidence = json.loads(same["evidence"][0])
    assert labels[evidence["looks_like"]] == "card" and evidence["told_apart"] <= 0.6
    assert any("one label? 'plastic'" in line for line in rare_lines(found, table.lazy()))
    assert found.filter(pl.col("label").is_in(["wrong", "doubtful"]))["example_id"].to_list() == [
        table["example_id"][31]
    ]


def test_labels_that_differ_are_not_one(rows, examples):
    found = scan(examples(*rows), [WrongLabel(encoder="none")]).findings
    assert "same-label" not in found["label"].to_list()


def test_few_rows_do_not_show_that_two_labels_are_one():
    codes = np.array([0] * 6 + [1] * 6 + [2] * 6)
    table = np.full((18, 3), 0.01, dtype=np.float32)
    table[:12, :2], table[12:, 2] = 0.49, 0.98
    assert alike(table, codes) == []
    assert [pair[:2] for pair in alike(np.repeat(table, 4, axis=0), np.repeat(codes, 4))] == [(0, 1)]


def test_of_labels_alike_the_one_of_most_rows_stands_for_all():
    codes = np.array([0, 1, 1, 2, 2, 2, 3])
    pairs = [Alike(0, 1, 0.5), Alike(0, 2, 0.5), Alike(1, 2, 0.5)]
    assert groups(pairs, codes, 4).tolist() == [2, 2, 2, 3]
    table = np.array([[0.1, 0.2, 0.3, 0.4]], dtype=np.float32)
    assert as_one(table, groups(pairs, codes, 4))[0].tolist() == pytest.approx([0.6, 0.4])


def test_of_labels_in_a_row_only_those_are_one_of_which_each_two_are_alike():
    """1, 2 and 3 stars: 2 is like 3, rather than like 1, and 1 is not like 3; the figure is of the two that are named."""
    codes = np.array([0, 0, 0, 1, 2, 2, 3])
    pairs = [Alike(0, 1, 0.58), Alike(1, 2, 0.53)]
    group = groups(pairs, codes, 4)
    assert group.tolist() == [0, 2, 2, 3]
    found = same_label(pairs, group, codes, list("abcdefg"), SUSPECTS)
    evidence = json.loads(found["evidence"].item())
    assert (evidence["looks_like"], evidence["told_apart"]) == ("e", 0.53)
