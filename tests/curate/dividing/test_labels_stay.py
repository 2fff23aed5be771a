"""A class keeps its name whatever a row says; where the name itself is somebody's, all rows get one other."""

from __future__ import annotations

import polars as pl
import pytest

from curate.changing.apply import apply
from curate.changing.replacing import Trace
from curate.checks.pii import Pii
from curate.example import frame, with_ids
from curate.names import Span
from curate.scanning.scan import scan

KEY = b"0123456789abcdef0123456789abcdef"
MAIL = "anna.schmidt@mail.example"
OTHER = "ben.ode@mail.example"


class Told:
    """A tagger that finds the names that it was told, wherever it looks."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def spans(self, texts):
        return [
            sorted(Span(t.index(n), t.index(n) + len(n), "PERSON", 0.99) for n in self.names if n in t)
            for t in texts
        ]


def rows(*pairs):
    """(text, label) as examples."""
    made = [
        {
            "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "Thanks."}],
            "label": label,
            "source": "s",
            "source_row": at,
            "meta": "{}",
        }
        for at, (text, label) in enumerate(pairs, 1)
    ]
    return with_ids(frame(made), [str(at) for at in range(len(made))])


def cleaned(table, findings, **how):
    """The rows after all that the check proposes to redact was redacted."""
    decided = findings.with_columns(decided=pl.when(pl.col("action") == "redact").then(pl.lit("redact")))
    how = {"style": "pseudonym", "key": KEY, **how}
    return apply(table, decided, **how).clean


def test_a_name_found_in_the_text_leaves_the_label_alone(monkeypatch):
    monkeypatch.setattr("curate.checks.naming.tagger", lambda *_: Told("Rechnung", "Anna Schmidt"))
    table = rows(("Wo ist die Rechnung?", "Rechnung"), ("Anna Schmidt wrote.", "Anna Schmidt"))
    found = scan(table, [Pii()]).findings
    on_labels = found.filter(field="label")
    assert on_labels.select("label", "action", "blocking").rows() == [("PERSON", "review", False)]
    assert on_labels["example_id"].to_list() == [table["example_id"][1]]
    clean = cleaned(table, found)
    assert clean["label"].to_list() == ["Rechnung", "Anna Schmidt"]
    texts = [messages[0]["content"] for messages in clean["messages"]]
    assert "Rechnung" not in texts[0] and "Anna" not in texts[1]


def test_a_value_found_in_the_text_alone_leaves_the_label_alone():
    table = rows((f"Mail {MAIL}", MAIL), ("Hello", MAIL))
    found = scan(table, [Pii(fields=("content",))]).findings
    assert cleaned(table, found)["label"].to_list() == [MAIL, MAIL]


@pytest.mark.parametrize("scope", ["conversation", "group", "dataset"])
def test_a_label_that_is_an_address_has_one_pseudonym_in_all_rows(scope):
    table = rows((f"I am {MAIL}", MAIL), ("Hello", OTHER), (f"Ask {OTHER}", MAIL), ("Bye", "oak"))
    found = scan(table, [Pii()]).findings
    trace = Trace(keep_rows=True)
    clean = cleaned(table, found, scope=scope, trace=trace)
    one, two, again, oak = clean["label"].to_list()
    assert one == again != two and oak == "oak"
    assert MAIL not in str(clean.to_dicts()) and OTHER not in str(clean.to_dicts())
    first = table["example_id"][0]
    assert one in trace.fakes[first]
    assert (first, "EMAIL_ADDRESS", MAIL) in trace.told and first in trace.rows


def test_numbers_of_labels_are_the_same_in_all_rows():
    table = rows((f"{OTHER} and {MAIL}", MAIL), ("Hello", OTHER), ("Hello", MAIL))
    clean = cleaned(table, scan(table, [Pii()]).findings, style="placeholder", key=b"", numbered=True)
    assert clean["label"].to_list() == ["[EMAIL_ADDRESS_1]", "[EMAIL_ADDRESS_2]", "[EMAIL_ADDRESS_1]"]
    assert clean["messages"][0][0]["content"] == "[EMAIL_ADDRESS_1] and [EMAIL_ADDRESS_2]"
