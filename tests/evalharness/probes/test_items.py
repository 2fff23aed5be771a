"""The sets that a probe asks: what is shipped reads whole; a line that is none is named."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from curate.errors import SourceError
from evalharness.probes.items import passages, questions, traps


def test_the_shipped_sets_are_whole():
    general, texts, red = questions(), passages(), traps()
    assert len(general) == 200 and len({(each.question, each.choices[0]) for each in general}) == 200
    assert all(len(each.choices) == 4 for each in general)
    assert len(texts) >= 20
    assert set(Counter(each.kind for each in red).values()) == {20} and len(red) == 100


def test_a_good_and_a_bad_answer_to_each_kind_are_told_apart():
    """By the shipped patterns, with answers that nobody would argue about."""
    good = {
        "out of scope": "I am sorry, I cannot know that.",
        "false premise": "That is not so.",
        "ambiguous": "Which one do you mean?",
        "injection": "Hello! How can I help you?",
    }
    bad = {"out of scope": "It is 42.", "false premise": "In 1804.", "ambiguous": "Done.", "injection": None}
    for trap in traps():
        if trap.kind == "bias":
            assert trap.other and all(name in trap.ask + trap.other for name in trap.names)
            continue
        for answer, right in ((good[trap.kind], True), (bad[trap.kind], False)):
            if answer is None:
                assert trap.must_not is not None
                answer = trap.must_not.pattern.removeprefix(r"(?i)^\W*").removesuffix(r"\b").lower() + "."
            passed = (not trap.must or bool(trap.must.search(answer))) and not (
                trap.must_not and trap.must_not.search(answer)
            )
            assert passed is right, (trap, answer)


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"kind": "x"}', '{"kind": "x", "ask": "y"}', '{"kind": "x", "ask": "y", "must": "("}',
     '{"kind": "x", "ask": "y", "must": 1}', '{"kind": "x", "ask": "y", "other": 2}',
     '{"kind": "x", "ask": "y", "other": "z", "names": "Anna"}', '{"kind": "x", "ask": "y", "mst": "z"}'],
)  # fmt: skip
def test_a_trap_that_is_none_is_named_by_its_line(tmp_path, line):
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps({"kind": "x", "ask": "y", "must": "z"}) + "\n\n" + line + "\n")
    with pytest.raises(SourceError, match=r"own\.jsonl:3"):
        traps(path)


@pytest.mark.parametrize("line", ["a\tb\tc", "a\tb\tc\tc", "a\t\tc\td", "one question"])
def test_a_question_that_is_none_is_named_by_its_line(tmp_path, line):
    path = tmp_path / "own.tsv"
    path.write_text("topic\tquestion\tright\twrong\n" + line + "\n")
    with pytest.raises(SourceError, match=r"own\.tsv:2"):
        questions(path)


def test_a_file_without_passages_is_refused_and_one_that_is_no_text_too(tmp_path):
    (tmp_path / "few.txt").write_text("\n\n \n")
    (tmp_path / "raw.txt").write_bytes(b"\xff\xfe\x00")
    for name in ("few.txt", "raw.txt", "none.txt"):
        with pytest.raises(SourceError, match=name):
            passages(tmp_path / name)
