"""What the tagger says of rows that are not in its language."""

from __future__ import annotations

import json

import pytest

from curate.checks.pii import Pii
from curate.example import frame, with_ids
from curate.scanning.scan import obstacles

ENGLISH = "I would like to know where my parcel is and when it will be here, please tell me."
GERMAN = "Ich möchte gern wissen, wo mein Paket ist und wann es bei mir ankommt, bitte sagen Sie es mir."
RUSSIAN = "Здравствуйте, подскажите, когда будет доставлен мой заказ и как мне его оплатить, если карта не работает?"


def examples(*texts):
    turn = {"role": "user", "name": None, "tool_calls": None, "tool_call_id": None}
    rows = [
        {"messages": [{**turn, "content": text}], "source": "rows.jsonl", "source_row": at, "meta": "{}"}
        for at, text in enumerate(texts, 1)
    ]
    return with_ids(frame(rows), [json.dumps([at, row]) for at, row in enumerate(rows)])


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([ENGLISH] * 20, ""),
        ([ENGLISH] * 10 + [GERMAN] * 10, "only beside a title, a form's field or in a list in de (50% of the rows)"),
        ([ENGLISH] * 15 + [RUSSIAN] * 5, "names are not looked for in ru (25% of the rows)"),
        ([ENGLISH] * 99 + [RUSSIAN], "names are not looked for in 1 row in ru"),
        ([ENGLISH] * 2_999 + [RUSSIAN] * 3, "names are not looked for in about 3 rows in ru"),
        ([ENGLISH] * 99 + [GERMAN], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_rows_in_other_languages_are_told(texts, says):
    told = {each.check: each.reason for each in obstacles(examples(*texts), [Pii()])}
    assert says in told.get("pii (names)", "") and bool(told) == bool(says)


def test_without_the_shipped_tagger_nothing_is_told():
    assert not obstacles(examples(*[GERMAN] * 5), [Pii(names="none")])
