"""Decisions carried out: what is dropped, what is cut, what is never lost."""

from __future__ import annotations

import json
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.changing.apply import CHANGES, Edit, apply, dropped_by
from curate.changing.redact import Replacer, Span, cut, cut_json, merge
from curate.checks.structure import Structure
from curate.commands.apply import edit_lines
from curate.deciding.review import REVIEW, joined
from curate.example import EXAMPLES, frame, with_ids
from curate.finding import complete
from curate.formats.writers import original
from curate.runs.steps import Reading, import_files
from curate.workspace import Workspace


def examples(*texts: str, **columns: list[object]) -> pl.DataFrame:
    """One row a text, ids `a`, `b`, ..."""
    rows = [
        {
            "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "ok"}],
            "source": "t.jsonl",
            "source_row": number + 1,
            "meta": "{}",
            **{name: values[number] for name, values in columns.items()},
        }
        for number, text in enumerate(texts)
    ]
    ids = [chr(ord("a") + n) for n in range(len(texts))]
    return with_ids(frame(rows), texts).with_columns(example_id=pl.Series(ids, dtype=pl.String))


def reviewed(rows: pl.DataFrame, *findings: dict[str, object]) -> pl.DataFrame:
    """A review of findings with their decision in `decided`; ids f0, f1 ..."""
    full = [
        {"finding_id": f"f{n}", "check": "pii", "label": "X", "score": 1.0, **f}
        for n, f in enumerate(findings)
    ]
    decided = [
        {"reviewer": "ana", "note": "", "decided_at": "now", "edit": None, "target": f["example_id"], **f}
        for f in full
    ]
    names = ("finding_id", "decided", "target", "edit", "reviewer", "note", "decided_at")
    words = pl.DataFrame(
        [{n: d.get(n) for n in names} for d in decided], schema=dict.fromkeys(names, pl.String)
    )
    found = complete(pl.DataFrame([{k: v for k, v in f.items() if k not in names[1:]} for f in full]))
    table = joined(found, rows.select("example_id", "content_hash"), words.drop_nulls("decided"))
    assert table.schema == REVIEW
    return table


def member(
    example: str, keeper: str | None, decided: str | None, check: str = "exact-duplicate", cluster: str = "c"
):
    return {
        "example_id": example,
        "other_id": keeper,
        "cluster_id": cluster,
        "check": check,
        "label": "exact",
        "decided": decided,
        "action": "keep" if keeper is None else "drop",
    }


def kept(clean: pl.DataFrame) -> str:
    return "".join(clean["example_id"])


def test_nothing_decided_changes_nothing():
    rows = examples("one", "two")
    clean, changes = apply(rows, reviewed(rows, {"example_id": "a", "action": "drop", "decided": None}))
    assert clean.equals(rows)
    assert changes.is_empty() and changes.schema == CHANGES


def test_a_drop_is_logged_with_its_reason_and_the_rest_keeps_its_order():
    rows = examples("one", "two", "three")
    clean, changes = apply(rows, reviewed(rows, {"example_id": "b", "decided": "drop", "check": "structure"}))
    assert kept(clean) == "ac"
    assert clean.schema == EXAMPLES
    assert changes.to_dicts()[0] | {"detail": ""} == {
        "example_id": "b",
        "change": "drop",
        "check": "structure",
        "label": "X",
        "finding_id": "f0",
        "reviewer": "ana",
        "detail": "",
    }


def span(example: str, start: int, end: int, message: int | None = 0, field: str = "content", **more: object):
    return {
        "example_id": example,
        "message": message,
        "field": field,
        "start": start,
        "end": end,
        "decided": "redact",
        **more,
    }


def test_drop_wins_over_redact():
    rows = examples("call 555", "two")
    clean, changes = apply(rows, reviewed(rows, span("a", 5, 8), {"example_id": "a", "decided": "drop"}))
    assert kept(clean) == "b"
    assert changes["change"].to_list() == ["drop"]


def test_overlapping_spans_are_one_cut_and_offsets_are_characters():
    """A name inside an e-mail address leaves no half of either, also behind characters of several bytes."""
    rows = examples("äöü€ anna@x.de end")
    found = (span("a", 5, 9, label="NAME"), span("a", 5, 14, label="EMAIL"))
    clean, changes = apply(rows, reviewed(rows, *found))
    assert clean["messages"][0][0]["content"] == "äöü€ [EMAIL] end"
    assert changes["change"].to_list() == ["redact", "redact"]
    assert "anna" not in str(changes.to_dicts())
    assert clean["content_hash"][0] != rows["content_hash"][0]


def test_every_field_that_a_finding_can_name_is_redacted():
    meta = json.dumps({"contact": {"mails": ["x", "bob@x.de"]}, "n": 1})
    call = json.dumps(
        [{"function": {"name": "f", "arguments": json.dumps({"phone": 5551234, "to": "bob@x.de"})}}]
    )
    rows = examples("q", chosen=["bob@x.de"], rejected=["bob@x.de"], label=["bob@x.de"], meta=[meta])
    messages = [
        {"role": "user", "content": "q", "name": "bob@x.de"},
        {"role": "assistant", "tool_calls": call},
    ]
    full = frame([{**rows.to_dicts()[0], "messages": messages}])
    number, mail = call.index("5551234"), call.index("bob@x.de")
    found = [
        span("a", 0, 8, None, "chosen"),
        span("a", 0, 8, None, "rejected"),
        span("a", 0, 8, None, "label"),
        span("a", 0, 8, 0, "name"),
        span("a", 0, 8, None, "meta:/contact/mails/1"),
        span("a", number, number + 7, 1, "tool_calls"),
        span("a", mail, mail + 8, 1, "tool_calls"),
    ]
    clean, _ = apply(full, reviewed(full, *found))
    said = json.dumps(clean.to_dicts())
    assert "bob" not in said and "5551234" not in said
    arguments = json.loads(json.loads(clean["messages"][0][1]["tool_calls"])[0]["function"]["arguments"])
    assert arguments == {"phone": "[X]", "to": "[X]"}
    assert json.loads(clean["meta"][0]) == {"contact": {"mails": ["x", "[X]"]}, "n": 1}


def test_numbers_are_consistent_within_an_example_and_masks_keep_the_length():
    rows = examples("a@x b@x a@x")
    found = reviewed(rows, span("a", 0, 3), span("a", 4, 7), span("a", 8, 11))
    text = {
        style: apply(rows, found, style=style, numbered=True).clean["messages"][0][0]["content"]
        for style in ("placeholder", "mask", "remove")
    }
    assert text == {"placeholder": "[X_1] [X_2] [X_1]", "mask": "*** *** ***", "remove": "  "}


def test_an_edit_replaces_the_text_and_takes_redacted_values_with_it():
    rows = examples("mail bob@x.de now", "two")
    found = reviewed(
        rows,
        span("a", 5, 13),
        {"example_id": "a", "decided": "edit", "edit": "e1", "check": "structure"},
        {
            "example_id": "a",
            "other_id": "b",
            "decided": "edit",
            "edit": "e2",
            "check": "contradiction",
            "target": "b",
        },
    )
    edits = {"e1": Edit("a", 0, "content", "please mail bob@x.de"), "e2": Edit("b", 1, "content", "better")}
    clean, changes = apply(rows, found, edits)
    assert clean["messages"][0][0]["content"] == "please mail [X]"
    assert clean["messages"][1][1]["content"] == "better"
    assert sorted(changes["change"]) == ["edit", "edit", "redact"]
    assert "bob" not in str(changes.to_dicts())


def test_a_redacted_value_is_taken_out_of_an_edit_where_words_have_no_spaces():
    rows = examples("我叫王小明，住在北京", "two")
    found = reviewed(
        rows, span("a", 2, 5), {"example_id": "a", "decided": "edit", "edit": "e", "check": "structure"}
    )
    clean, _ = apply(rows, found, {"e": Edit("a", 0, "content", "我的名字叫王小明吧，住在北京")})
    assert clean["messages"][0][0]["content"] == "我的名字叫[X]吧，住在北京"


def test_edits_of_one_text_follow_one_another_or_none_is_taken():
    rows = examples("one two", "two")
    both = [{"example_id": "a", "decided": "edit", "edit": e, "check": c} for e, c in (("e1", "pii"), ("e2", "structure"))]  # fmt: skip
    found = reviewed(rows, *both)
    first, second = Edit("a", 0, "content", "ONE two"), Edit("a", 0, "content", "ONE TWO", over=("e1",))
    clean, changes = apply(rows, found, {"e1": first, "e2": second})
    assert clean["messages"][0][0]["content"] == "ONE TWO" and set(changes["change"]) == {"edit"}
    clean, changes = apply(rows, found, {"e1": first, "e2": second._replace(over=())})
    assert clean["messages"][0][0]["content"] == "one two"
    assert changes["change"].to_list() == ["ignored", "ignored"]
    assert "made apart" in changes["detail"][0]


def test_what_a_finding_cuts_is_cut_out_of_a_persons_edit_too():
    rows = examples("good text -- Bob 555-1234", "two")
    proposal = {"example_id": "a", "message": 0, "field": "content", "decided": "edit", "check": "quality",
                "evidence": json.dumps({"edit": {"cut": [[9, 25]]}})}  # fmt: skip
    found = reviewed(rows, proposal, {"example_id": "a", "decided": "edit", "edit": "e", "check": "pii"})
    clean, changes = apply(rows, found, {"e": Edit("a", 0, "content", "a better text -- Bob 555-1234")})
    assert clean["messages"][0][0]["content"] == "a better text"
    assert changes["change"].to_list() == ["edit", "edit"]
    clean, changes = apply(rows, found, {"e": Edit("a", 0, "content", "a better text")})
    assert clean["messages"][0][0]["content"] == "a better text"
    assert sorted(changes["change"]) == ["edit", "ignored"]


def test_a_decision_about_a_text_that_changed_is_ignored_and_logged():
    rows = examples("call 555", "two", "two")
    found = reviewed(rows, span("a", 5, 8), member("c", "b", "drop"), member("b", None, None))
    later = examples("other text", "two", "two")
    clean, changes = apply(later, found)
    assert clean["messages"][0][0]["content"] == "other text"
    assert dict(changes.select("example_id", "change").iter_rows()) == {"a": "ignored", "c": "drop"}
    other = examples("call 555", "new", "two")
    assert kept(apply(other, found).clean) == "abc"


def test_a_group_named_by_a_redacted_value_gets_another_name_and_stays_a_group():
    rows = examples("from bob@x.de", "from bob@x.de too", "no", group=["bob@x.de", "bob@x.de", "eve"])
    clean, _ = apply(rows, reviewed(rows, span("a", 5, 13)))
    groups = clean["group"].to_list()
    assert groups[0] == groups[1] != groups[2] == "eve"
    assert "bob" not in groups[0]


# two rules that meet


def test_a_cluster_keeps_its_keeper():
    rows = examples("x", "x", "x")
    found = reviewed(rows, member("a", None, "keep"), member("b", "a", "drop"), member("c", "a", "drop"))
    assert kept(apply(rows, found).clean) == "a"
    assert dropped_by(rows, found) == {"b", "c"}


def test_two_rules_that_drop_each_others_keeper_lose_nothing():
    rows = examples("x", "x")
    found = reviewed(
        rows,
        member("a", None, "keep"),
        member("b", "a", "drop"),
        member("b", None, "keep", "near-duplicate", "n"),
        member("a", "b", "drop", "near-duplicate", "n"),
    )
    clean, changes = apply(rows, found)
    assert kept(clean) == "a"
    assert changes.select("example_id", "change").rows() == [("a", "keep"), ("b", "drop")]


def test_when_the_keeper_goes_for_its_own_reason_the_next_member_stays():
    rows = examples("x", "x", "x")
    found = reviewed(
        rows,
        member("a", None, "keep"),
        member("b", "a", "drop"),
        member("c", "a", "drop"),
        {"example_id": "a", "decided": "drop", "check": "structure"},
    )
    clean, changes = apply(rows, found)
    assert kept(clean) == "b"
    assert "stay is dropped" in changes.filter(change="keep")["detail"][0]


def test_a_keeper_that_falls_to_a_row_that_stays_still_stands_for_its_copies():
    """Row a is a copy of b, b is near d, d stays: both a and b go."""
    rows = examples("x", "x", "other", "y")
    found = reviewed(
        rows,
        member("b", None, "keep"),
        member("a", "b", "drop"),
        member("d", None, "keep", "near-duplicate", "n"),
        member("b", "d", "drop", "near-duplicate", "n"),
    )
    assert kept(apply(rows, found).clean) == "cd"


def test_a_leak_and_a_copy_do_not_drop_both_sides_and_the_test_row_stays():
    rows = examples("x", "x")
    leak = {"example_id": "a", "other_id": "b", "check": "leak", "label": "train/test", "decided": "drop"}
    found = reviewed(rows, member("a", None, "keep"), member("b", "a", "drop"), leak)
    assert kept(apply(rows, found).clean) == "b"


def test_a_leak_into_a_protected_file_is_dropped():
    rows = examples("x", "y")
    leak = {
        "example_id": "a",
        "other_id": "elsewhere",
        "check": "leak",
        "label": "protected",
        "decided": "drop",
    }
    assert kept(apply(rows, reviewed(rows, leak)).clean) == "b"


def test_a_cluster_that_a_person_drops_as_a_whole_goes_as_a_whole():
    rows = examples("x", "x", "y")
    found = reviewed(rows, member("a", None, "drop"), member("b", "a", "drop"))
    assert kept(apply(rows, found).clean) == "c"


def test_a_person_may_choose_another_keeper():
    rows = examples("x", "x", "x")
    found = reviewed(rows, member("a", None, "drop"), member("b", "a", "keep"), member("c", "a", "drop"))
    assert kept(apply(rows, found).clean) == "b"


def test_the_other_side_of_a_pair_can_be_dropped():
    rows = examples("x", "x")
    pair = {"example_id": "a", "other_id": "b", "check": "contradiction", "decided": "drop", "target": "b"}
    clean, changes = apply(rows, reviewed(rows, pair))
    assert kept(clean) == "a"
    assert changes["example_id"].to_list() == ["b"]


CLUSTERS = st.lists(st.sets(st.integers(0, 7), min_size=2, max_size=4), max_size=6)


@given(CLUSTERS, st.sets(st.integers(0, 7), max_size=3))
def test_no_rules_together_lose_the_last_of_a_cluster(clusters: list[set[int]], gone: set[int]):
    """Rows that nothing else drops are dropped only if a chain of clusters leads to a row that stays."""
    rows = examples(*("x" * 8))
    names = "abcdefgh"
    found: list[dict[str, object]] = []
    for number, cluster in enumerate(clusters):
        keeper, *others = sorted(cluster, key=lambda n: (n * 5 + number) % 8)
        found.append(member(names[keeper], None, "keep", f"check{number}", str(number)))
        found += [member(names[o], names[keeper], "drop", f"check{number}", str(number)) for o in others]
    found += [{"example_id": names[n], "decided": "drop", "check": "structure"} for n in sorted(gone)]
    if not found:
        return
    clean, changes = apply(rows, reviewed(rows, *found))
    stays = set(clean["example_id"])
    assert clean.height + changes.filter(change="drop").height == 8
    reached = set(stays)
    for _ in range(8):
        for cluster in clusters:
            if {names[n] for n in cluster} & reached:
                reached |= {names[n] for n in cluster} - {names[n] for n in gone}
    assert set(names) - {names[n] for n in gone} <= reached


# cutting

SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.sampled_from(["A", "B"])).map(
        lambda t: Span(min(t[0], t[1]), max(t[0], t[1]), t[2])
    ),
    max_size=8,
)


@given(st.text(max_size=40), SPANS)
def test_cutting_never_invents_text_and_leaves_no_value(text: str, spans: list[Span]):
    """The result is what stood outside the spans, in order, with placeholders between."""
    merged = merge(spans, len(text))
    assert all(one.end <= two.start for one, two in pairwise(merged))
    covered = {at for span in spans for at in range(span.start, min(span.end, len(text)))}
    assert covered == {at for span in merged for at in range(span.start, span.end)}
    outside = "".join(c for at, c in enumerate(text) if at not in covered)
    assert cut(text, spans, Replacer("remove")) == outside
    marked = cut(text, spans, Replacer())
    assert len(marked) == len(outside) + 3 * len(merged)


@given(st.text(alphabet=st.characters(exclude_characters="[]AB", exclude_categories=["Cs"])), SPANS)
def test_applying_twice_is_applying_once(text: str, spans: list[Span]):
    """The decisions are about the old text: on the new one they are ignored."""
    rows = examples(text)
    found = reviewed(rows, *(span("a", s.start, s.end, label=s.label) for s in spans)) if spans else None
    if found is None:
        return
    once = apply(rows, found).clean
    twice = apply(once, found).clean
    assert twice.equals(once)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
).filter(lambda value: isinstance(value, dict | list))


@given(JSON, SPANS, st.booleans(), st.booleans())
def test_json_stays_json_whatever_is_cut_out_of_it(
    value: object, spans: list[Span], ascii_only: bool, nested: bool
):
    text = json.dumps({"arguments": json.dumps(value)} if nested else value, ensure_ascii=ascii_only)
    out = json.loads(cut_json(text, spans, Replacer()))
    if nested and "[" not in next(iter(out)) and "arguments" in out:
        json.loads(out["arguments"])


def test_a_span_that_cuts_through_an_escape_takes_it_whole():
    text = '{"a": "x\\u00e9y\\n"}'
    at = text.index("u00")
    assert json.loads(cut_json(text, [Span(at, at + 2, "X")], Replacer())) == {"a": "x[X]y\n"}


def test_text_that_is_no_json_is_cut_as_text():
    assert cut_json("{not json 123}", [Span(10, 13, "N")], Replacer()) == "{not json [N]}"


def test_rows_in_are_rows_out_plus_dropped_on_many_rows():
    rows = examples(*(str(n) for n in range(26)))
    found = reviewed(rows, *({"example_id": i, "decided": "drop", "check": "structure"} for i in "abcxyz"))
    clean, changes = apply(rows, found)
    assert clean.height == 20 and changes.height == 6


@pytest.mark.parametrize("place", [(9, "content"), (0, "nothing"), (None, "meta:/a/b")])
def test_a_place_that_is_not_there_is_ignored_and_said(place: tuple[int | None, str]):
    rows = examples("x")
    clean, changes = apply(rows, reviewed(rows, span("a", 0, 1, *place)))
    assert clean.equals(rows)
    assert changes["change"].to_list() == ["ignored"]


def said(*turns: tuple[str, str]) -> dict[str, object]:
    """A line of ShareGPT's, each turn with a number of its own."""
    return {"conversations": [{"from": who, "value": text, "n": at} for at, (who, text) in enumerate(turns)]}


def test_what_nothing_answers_is_taken_off_and_the_rest_is_as_it_came(tmp_path):
    """The row that is exported is the one that came, less its end; no word of that stays anywhere."""
    line = said(("human", "Hi"), ("gpt", "Hello"), ("human", "Call me at 5"), ("human", "or at 6"))
    whole = imported_row(tmp_path, line)
    trim = {"check": "structure", "label": "unanswered", "example_id": whole["example_id"][0], "message": 2}
    evidence = {"last": "user", "edit": {"trim": True}}
    trim |= {"field": "content", "decided": "edit", "action": "edit", "evidence": json.dumps(evidence)}
    done = apply(whole, reviewed(whole, trim))
    assert done.changes["change"].to_list() == ["edit"]
    assert ["1 row cut behind" in line for line in edit_lines(done.changes)] == [True]
    clean = done.clean.row(0, named=True)
    assert original(clean) == {"conversations": line["conversations"][:2]}
    assert "5" not in json.dumps([clean["messages"], clean["meta"], clean["layout"]])
    again = Structure().scan(done.clean).findings
    assert again.height == 0
    late = apply(done.clean, reviewed(done.clean, trim))
    assert late.changes["change"].to_list() == ["ignored"]


def imported_row(folder, line: dict[str, object]) -> pl.DataFrame:
    """One line of a file, as the workspace holds it."""
    (folder / "rows.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    workspace = Workspace(folder)
    made = import_files(workspace, [str(folder / "rows.jsonl")], Reading()).made
    return workspace.scan_examples(made.outputs["dataset"]).collect()
