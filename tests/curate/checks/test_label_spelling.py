"""One label in several spellings: what is proposed, what apply makes of it, and what is left alone."""

from __future__ import annotations

import json

import polars as pl
import pytest

from curate.changing.apply import apply
from curate.checks.label_spelling import LabelSpelling
from curate.checks.quality import combined
from curate.checks.spelling import case_of, plain_spelling, spelt, tidy, unmarked
from curate.commands.spellings import spelling_lines
from curate.deciding.review import joined, safe
from curate.example import frame, with_ids
from curate.finding import FINDINGS
from curate.scanning.scan import scan
from curate.workspace import Workspace


def rows_of(*labels, answer="we look into it"):
    """Rows with these labels; `answer` None for the label itself as the answer."""
    rows = [
        {
            "messages": [
                {"role": role, "content": said, "name": None, "tool_calls": None, "tool_call_id": None}
                for role, said in (("user", f"question {n}"), ("assistant", answer or label))
            ],
            "label": label, "source": "t.jsonl", "source_row": n + 1,
        }
        for n, label in enumerate(labels)
    ]  # fmt: skip
    return with_ids(frame(rows), [json.dumps(row) for row in rows])


def carried_out(examples):
    """The rows after all safe proposals, and the findings."""
    found = scan(examples, [LabelSpelling()]).findings
    with_hash = examples.select("example_id", "content_hash")
    words = ("finding_id", "decided", "target", "edit", "reviewer", "note", "decided_at")
    table = joined(found, with_hash, pl.DataFrame(schema=dict.fromkeys(words, pl.String)))
    taken = safe(table).with_columns(decided=pl.col("action"), target=pl.col("example_id"))
    return apply(examples, taken).clean, found


def test_each_row_of_a_rarer_spelling_gets_the_most_frequent_one():
    given = [
        "praise",
        "praise",
        " praise",
        "PRAISE",
        "ｐｒａｉｓｅ",
        "refund",
        "refund",
        "refund ",
        "refnd",
        None,
    ]
    clean, found = carried_out(rows_of(*given))
    found = found.filter(label="label-spelling")
    assert found.height == 4
    assert set(found["label"]) == {"label-spelling"} and set(found["action"]) == {"edit"}
    assert sorted(clean["label"].to_list(), key=str) == sorted(
        [*["praise"] * 5, *["refund"] * 3, "refnd", None], key=str
    )
    assert scan(clean, [LabelSpelling()]).findings["label"].to_list() == ["no-label"]


def test_capitals_are_kept_and_blanks_go_even_from_the_most_frequent():
    clean, _ = carried_out(rows_of(" Order Status", " Order Status", "order status", "ORDER STATUS"))
    assert clean["label"].to_list() == ["Order Status"] * 4


def test_an_answer_that_is_the_label_alone_goes_with_it():
    clean, found = carried_out(rows_of("cancel", "cancel", "CANCEL", answer=None))
    assert found["field"].to_list() == ["label", "content"]
    assert clean["label"].to_list() == ["cancel"] * 3
    assert [turns[-1]["content"] for turns in clean["messages"].to_list()] == ["cancel"] * 3


def test_equally_frequent_ones_are_settled_by_name_whatever_the_order():
    for given in (("Oak", "oak"), ("oak", "Oak")):
        clean, _ = carried_out(rows_of(*given))
        assert clean["label"].to_list() == ["Oak", "Oak"]


def test_what_case_cannot_give_is_for_review():
    clean, found = carried_out(rows_of("Straße", "Straße", "STRASSE"))
    assert found["action"].to_list() == ["review"] and clean["label"].to_list()[-1] == "STRASSE"


@pytest.mark.parametrize("labels", [("a", "b"), (None, None), ("one",), ("", " "), ("refund", "refnd"), ()])
def test_other_labels_none_and_blank_ones_are_left_alone(labels):
    found = scan(rows_of(*labels), [LabelSpelling()]).findings
    assert found.is_empty() and set(found.columns) == set(FINDINGS)


def test_labels_that_differ_in_what_parts_their_words_are_for_review_with_what_they_look_like():
    given = ["app_crash"] * 3 + ["app crash", "App-Crash", "app-crash", "A", "A-", "1-1", "11"]
    examples = rows_of(*given)
    clean, found = carried_out(examples)
    label = dict(examples.select("example_id", "label").iter_rows())
    told = found.filter(label="marks-differ")
    assert sorted(label[i] for i in told["example_id"]) == ["App-Crash", "app crash", "app-crash"]
    assert set(told["action"]) == {"review"} and not told["blocking"].any()
    assert {label[json.loads(each)["looks_like"]] for each in told["evidence"]} == {"app_crash"}
    # what is safe is as before: case alone
    assert clean["label"].to_list() == ["app_crash"] * 3 + ["app crash"] + ["App-Crash"] * 2 + given[6:]


def test_what_parts_words_counts_between_them_alone():
    assert unmarked("V.P.N") == unmarked("v_p-n") == "vpn" and unmarked(" App  Crash ") == "appcrash"
    assert unmarked("नमस्ते-जी") == unmarked("नमस्तेजी")  # a vowel that is a mark of its own
    assert unmarked("A-") == "a-" and unmarked("-1") == "-1" and unmarked("1-1") == "1-1"
    assert unmarked("v 1.1") == "v1.1" and unmarked("tier-2") == "tier2" and unmarked("2 tier") == "2tier"


def test_the_evidence_holds_no_label():
    found = scan(rows_of("Anna Keller", "Anna Keller", "anna keller"), [LabelSpelling()]).findings
    assert "nna" not in found["evidence"][0] and json.loads(found["evidence"][0])["spellings"] == 2


def test_a_spelling_is_places_of_capitals():
    assert case_of("McLeod") == [0, 2] and spelt(" MCLEOD ", [0, 2]) == "McLeod"
    assert case_of("İ") is None and spelt("a", [5]) == "a"
    assert tidy("\u3000ﬁne ") == "fine" and plain_spelling("ＦＩＮＥ") == "fine"
    assert combined(" PRAISE", [{"edit": {"spelling": []}}]) == "praise"


def test_it_is_taken_by_apply_safe_in_a_workspace(tmp_path, monkeypatch):
    from curate.commands import apply as cli_apply
    from curate.commands import main as cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    monkeypatch.setattr("sys.argv", ["seatrial"])
    lines = ["text,label", "I like it a lot,praise", "you are kind,praise", "so good to me,PRAISE"]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    cli.import_(["t.csv"])
    cli.scan(check=["label-spelling"])
    cli_apply.apply(safe=True)
    with_new = Workspace.open()
    assert with_new.scan_examples(with_new.dataset()).collect()["label"].to_list() == ["praise"] * 3


def test_missing_labels_are_found_where_others_have_one():
    """Each such row for review, blocking nothing; one alone where most rows are yet to be labelled; none without labels."""
    found = scan(rows_of("a", None, "b", None, "b"), [LabelSpelling()]).findings
    assert found["label"].to_list() == ["no-label"] * 2
    assert set(found["action"]) == {"review"} and not found["blocking"].any()
    assert json.loads(found["evidence"][0]) == {"rows_without": 2, "rows_with": 3}
    pool = scan(rows_of("a", None, None, None), [LabelSpelling()]).findings
    assert pool.height == 1 and json.loads(pool["evidence"][0])["rows_without"] == 3
    assert scan(rows_of(None, None), [LabelSpelling()]).findings.is_empty()


@pytest.mark.parametrize(
    ("labels", "together"),
    [
        ({"Printer": 40, "Printers": 2}, ["Printer", "Printers"]),
        ({"VPN": 30, "V.P.N.": 1, "vpn ": 2}, ["VPN", "vpn ", "V.P.N."]),
        ({"Rechnung": 40, "Rechnungen": 1}, ["Rechnung", "Rechnungen"]),
        ({"facture": 40, "factures": 3}, ["facture", "factures"]),
        ({"E-Mail": 9, "Email": 30}, ["Email", "E-Mail"]),
        ({"new": 40, "news": 40}, []),
        ({"C": 30, "C++": 3, "C#": 1}, []),
        ({"-1": 5, "1": 50, "+": 3, "-": 4}, []),
        ({"R&D": 9, "R & D": 30, "bug_": 1, "bug fix.": 2}, ["R & D", "R&D"]),
        ({"v1.1": 30, "v11": 9, "A": 30, "A-": 9}, []),
        ({"yes": 9, "ye": 1, "no": 30, "non": 1}, []),
    ],
)
def test_labels_to_look_at_twice(labels, together):
    """Marks within, and a plural beside a singular where one of them is rare."""
    column = [label for label, rows in labels.items() for _ in range(rows)]
    lines = spelling_lines(pl.LazyFrame({"label": column}))
    shown = ", ".join(f"{label!r} {labels[label]}" for label in together)
    assert lines == ([f"  look twice: one label in several spellings? {shown}"] if together else [])
