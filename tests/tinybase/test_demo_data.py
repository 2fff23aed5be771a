"""The demo's tickets are the generator's, and the answer key tells the truth about them."""

import json
from collections import Counter
from pathlib import Path

import pytest

from train.tinybase.world import HELD
from tui.demo_data import GOLDEN, TICKETS
from tui.demo_data.identities import luhn_digit
from tui.demo_data.tickets import export
from tui.demo_data.writing import NAME, QUEUES, likeness

KEY = Path(__file__).with_name("tickets_key.jsonl")
LINES = TICKETS.read_text(encoding="utf-8").splitlines()
MARKS = [json.loads(line) for line in KEY.read_text(encoding="utf-8").splitlines()]


def of_kind(kind):
    return [mark for mark in MARKS if mark["kind"] == kind]


def row(number):
    return json.loads(LINES[number - 1])


def user(number):
    return row(number)["messages"][1]["content"]


def test_the_generator_writes_the_shipped_bytes():
    made = export()
    for path, lines in ((TICKETS, made.tickets), (GOLDEN, made.golden), (KEY, made.key)):
        assert path.read_bytes() == "".join(f"{line}\n" for line in lines).encode()


def test_each_fault_is_planted_as_often_as_stated():
    assert len(LINES) == 600
    assert len(GOLDEN.read_text().splitlines()) == 30
    assert Counter(mark["kind"] for mark in MARKS) == {
        "exact-duplicate": 56,
        "near-duplicate": 70,
        "personal-data": 45,
        "contradiction": 32,
        "wrong-label": 30,
        "leak": 14,
        "broken": 12,
        "over-long": 3,
    }
    assert sum(mark["role"] == "copy" for mark in of_kind("exact-duplicate")) == 30


def test_exact_duplicates_have_the_same_messages():
    for mark in of_kind("exact-duplicate"):
        assert all(row(mark["row"])["messages"] == row(other)["messages"] for other in mark["partners"])
        if mark["detail"] == "whole line":
            assert any(LINES[mark["row"] - 1] == LINES[other - 1] for other in mark["partners"])


def test_near_duplicates_are_alike_and_say_the_same_queue():
    pairs = [(mark["row"], other) for mark in of_kind("near-duplicate") for other in mark["partners"]]
    assert all(row(left)["queue"] == row(right)["queue"] for left, right in pairs)
    assert all(user(left) != user(right) for left, right in pairs)
    with_original = [
        likeness(user(mark["row"]), user(other["row"]))
        for mark in of_kind("near-duplicate")
        for other in of_kind("near-duplicate")
        if mark["role"] == "copy" and other["role"] == "original" and mark["cluster"] == other["cluster"]
    ]
    assert len(with_original) == 45
    assert min(with_original) >= 0.5
    assert sum(value >= 0.7 for value in with_original) >= 0.8 * len(with_original)


def test_fresh_tickets_are_not_alike_by_chance():
    """No pair of rows is alike that the key does not tell, so a finding outside the key is a false alarm."""
    marked = {
        mark["row"] for mark in MARKS if mark["cluster"] or mark["kind"] in ("leak", "broken", "over-long")
    }
    texts = [user(number) for number in range(1, 601) if number not in marked]
    assert not [
        (left, right)
        for place, left in enumerate(texts)
        for right in texts[:place]
        if left == right or likeness(left, right) >= 0.7
    ]


def test_contradictions_ask_alike_and_answer_apart():
    for mark in of_kind("contradiction"):
        (other,) = mark["partners"]
        assert likeness(user(mark["row"]), user(other)) >= 0.7
        assert row(mark["row"])["queue"] != row(other)["queue"]


def test_the_answer_names_the_queue_of_the_row():
    broken = {mark["row"] for mark in of_kind("broken")}
    for number in set(range(1, 601)) - broken:
        found = row(number)
        assert found["queue"] in QUEUES
        assert found["messages"][2]["content"].startswith(f"{found['queue']}: ")


def test_wrong_labels_know_the_right_one():
    for mark in of_kind("wrong-label"):
        right = mark["detail"].removeprefix("should be ")
        assert right in QUEUES
        assert row(mark["row"])["queue"] != right


def test_leaks_repeat_a_golden_ticket():
    golden = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    for mark in of_kind("leak"):
        kept = golden[mark["golden"] - 1]["messages"][1]["content"]
        assert likeness(kept, user(mark["row"])) >= 0.7
        assert (kept == user(mark["row"])) == (mark["detail"] == "same ticket")


def test_spans_point_at_the_values():
    labels = Counter()
    for mark in of_kind("personal-data"):
        messages = row(mark["row"])["messages"]
        for span in mark["spans"]:
            labels[span["label"]] += 1
            assert messages[span["message"]]["content"][span["start"] : span["end"]] == span["text"]
    assert set(labels) == {"EMAIL", "PHONE", "IBAN", "CARD", "IP", "PERSON"}
    assert min(labels.values()) >= 7


def test_account_and_card_numbers_pass_their_checks():
    for mark in of_kind("personal-data"):
        for span in mark["spans"]:
            plain = span["text"].replace(" ", "").replace("-", "")
            if span["label"] == "IBAN":
                assert int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1
            if span["label"] == "CARD":
                assert luhn_digit(plain[:-1]) == plain[-1]


def test_broken_rows_are_broken_in_twelve_ways():
    assert len({mark["detail"] for mark in of_kind("broken")}) == 12
    for mark in of_kind("broken"):
        if mark["detail"] in ("line cut short", "not JSON"):
            with pytest.raises(json.JSONDecodeError):
                row(mark["row"])
        else:
            row(mark["row"])


def test_over_long_rows_have_thousands_of_words():
    assert all(len(user(mark["row"]).split()) > 2000 for mark in of_kind("over-long"))


def test_customers_return():
    broken = {mark["row"] for mark in of_kind("broken")}
    tickets = Counter(row(number)["customer"] for number in set(range(1, 601)) - broken)
    assert max(tickets.values()) >= 5
    assert sum(count > 1 for count in tickets.values()) > 0.4 * len(tickets)


def test_the_demo_company_is_held_out():
    assert {NAME.lower(), *QUEUES} <= HELD
