"""Personal data and keys: whole values are covered, ordinary numbers are not, nothing is quoted."""

from __future__ import annotations

import json
import random
import socket
import time
from itertools import pairwise

import pytest

from curate.checks.pii import PIECE, Pii, Span, merged, pieces
from curate.errors import ConfigError
from curate.scanning.scan import scan


def values(text: str, check: Pii | None = None) -> list[tuple[str, str]]:
    """(value, label) of each span in a text."""
    return [(text[s.start : s.end], s.label) for s, _ in merged((check or Pii()).spans(text))]


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("write to mia.o'neil@mail.example today", "mia.o'neil@mail.example", "EMAIL_ADDRESS"),
        ("E-Mail:max@müller.de", "max@müller.de", "EMAIL_ADDRESS"),
        ("https://x.org/?user=a.b@corp.local&x=1", "a.b@corp.local", "EMAIL_ADDRESS"),
        ("Call +49 30 1234567 now", "+49 30 1234567", "PHONE_NUMBER"),
        ("ring (030) 123-4567 please", "(030) 123-4567", "PHONE_NUMBER"),
        ("my no is 555-010-9999.", "555-010-9999", "PHONE_NUMBER"),
        ("+1 (212) 555-0199 ext. 5", "+1 (212) 555-0199 ext. 5", "PHONE_NUMBER"),
        ("please call me on 9472 7916?", "9472 7916", "PHONE_NUMBER"),
        ("01 23 45 67 89", "01 23 45 67 89", "PHONE_NUMBER"),
        ("IBAN DE89 3704 0044 0532 0130 00 and more", "DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
        ("to gb82west12345698765432 2 days ago", "gb82west12345698765432", "IBAN_CODE"),
        ("card 4111 1111 1111 1111!", "4111 1111 1111 1111", "CREDIT_CARD"),
        ("my ssn is 123-45-6789", "123-45-6789", "US_SSN"),
        ("from 203.0.113.9 at noon", "203.0.113.9", "IP_ADDRESS"),
        ("host 2001:db8::8a2e:1 up", "2001:db8::8a2e:1", "IP_ADDRESS"),
        ("mac 00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5E", "MAC_ADDRESS"),
        ("NHC: 2569870.", "2569870", "ES_HEALTH_RECORD"),
        ("Nº de historia clínica 55342/1", "55342/1", "ES_HEALTH_RECORD"),
        ("NASS: 47 39047534 02.", "47 39047534 02", "ES_SOCIAL_SECURITY"),
        ("Número de la Seguridad Social: 281234567840", "281234567840", "ES_SOCIAL_SECURITY"),
        ("CIP: ABCD 910101 123456", "ABCD 910101 123456", "ES_HEALTH_CARD"),
        ("CIPA: 1234567890", "1234567890", "ES_HEALTH_CARD"),
        ("firma NºCol: 28 28 20943.", "28 28 20943", "ES_COLLEGIATE"),
        ("Colegiada nº 28/12345", "28/12345", "ES_COLLEGIATE"),
        ("שלום 👩‍👩‍👧 +49 30 1234567 سلام", "+49 30 1234567", "PHONE_NUMBER"),
    ],
)
def test_the_whole_value_is_covered(text, value, label):
    assert values(text) == [(value, label)]


@pytest.mark.parametrize(
    "text",
    [
        "order number 2125550123",
        "invoice 2023-10-11-0001",
        "60000-10800 = 49200 and 18000 / 1500",
        "from 1960-1980, pages 18755-18761",
        "on 2024-01-15 at 10:00",
        "git clone git@host.example:shop/site.git",
        "localhost 127.0.0.1, 192.168.1.4, version 1.2.3.4",
        "std::vector<a::b> x",
        "0.70710678118",
        "01110101 01100001 01110010",
        "ISBN 978-3-16-148410-0",
        "WA 16469",
        "@app.route('/x') def f(a): return a @ b.T",
        "card 4111 1111 1111 1112",
        "historia clínica de 2015, episodio 12 de la temporada 3",
        "the CIP: a 5 step plan of 2024",
        "la tabla n col 3.5 y el NHC 12.5",
        "if n <= 400 000 000 we know it",
        'the dates "2011 01 02" and 2012.03.04',
        "Machine Learning 39 (1999) 161-190, Math. Comp. 39 (1982) 681--688, 226-231. 1996",
        "https://forge.example/issues/92810#issuecomment-2762454345",
        "columns 01  012 0123    01234",
        "a sum of +35236450.6 and +000000120",
        "the mask 255.255.255.224 of 0.0.0.31, clang-1500.1.0.2.5, 100.64.0.1, the nets 192.0.2.0/24, 8.8.8.0 and 2001:db8::/32",
        "at 3972320000000 milliseconds",
    ],
)
def test_ordinary_numbers_are_left_alone(text):
    assert values(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Tel.: 913 368 000", "913 368 000"),
        ("Mobile: 03.93.92.16.85", "03.93.92.16.85"),
        ("tel:650-253-2222", "650-253-2222"),
    ],
)
def test_a_telephone_that_looks_like_something_else_is_one(text, value):
    assert values(text) == [(value, "PHONE_NUMBER")]


def test_an_address_for_examples_is_told(asked, examples):
    table = examples(asked("from 203.0.113.9 and 2001:db8::8a2e:1 to 8.8.8.8", "ok"))
    found = scan(table, [Pii()]).findings.sort("start")
    assert ["reserved" in said for said in found["evidence"]] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("llámame al teléfono 612 345 678", "612345678"),
        ("call me: (415) 555-0134", "4155550134"),
        ("meine Nummer: +49 171 2345678", "0171 2345678"),
        ("Nummer 0171/2345678 bitte anrufen", "+49 171 2345678"),
        ("my ssn is 536-90-4399", "536904399"),
        ("write to a.b.smith@acme.com", "a.b.smith%40acme.com"),
        ("write to a.b.smith@acme.com", "a.b.smith [at] acme [dot] com"),
    ],
)
def test_a_value_is_found_again_in_another_form(asked, examples, text, again):
    """Though by itself it might be anything; in another example it is not looked for."""
    table = examples(
        asked(text, f"I noted {again}, thanks."), asked("Hello there", f"I noted {again}, thanks.")
    )
    found = scan(table, [Pii(names="none")]).findings
    first = found.filter(found["example_id"] == table["example_id"][0])
    answer = first.filter(first["message"] == 1)
    place = answer.select("start", "end").row(0)
    assert f"I noted {again}, thanks."[slice(*place)] == again
    assert found.filter(found["example_id"] == table["example_id"][1]).height <= answer.height


def test_a_number_that_only_ends_alike_is_another_one(asked, examples):
    table = examples(asked("call me: (415) 555-0134", "I noted order 77774155550135 and 94155550134999."))
    assert scan(table, [Pii(names="none")]).findings["message"].to_list() == [0]


def test_numbers_of_a_program_are_no_telephones(asked, examples):
    code = "validate_flows(G, s, t, 6502532222, flow)\nphone = '650-253-2222'\n"
    found = scan(examples(asked("Why does it fail?", code)), [Pii(names="none")]).findings
    assert [code[a:z] for a, z in found.select("start", "end").rows()] == [
        "650-253-2222"
    ] or found.height == 2


def _key(prefix: str, length: int) -> str:
    draw = random.Random(prefix)
    return prefix + "".join(
        draw.choice("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789") for _ in range(length)
    )


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("AKIA" + "Q3EGRIXJQ2V5ZTMN", "SECRET_AWS_KEY"),
        (_key("ghp_", 36), "SECRET_GITHUB_TOKEN"),
        (_key("sk-proj-", 48), "SECRET_OPENAI_KEY"),
        (_key("sk-ant-api03-", 90), "SECRET_ANTHROPIC_KEY"),
        ("xoxb-" + "123456789012-" + "abcdefABCDEF", "SECRET_SLACK_TOKEN"),
        (_key("AIza", 35), "SECRET_GOOGLE_KEY"),
        (_key("hf_", 34), "SECRET_HF_TOKEN"),
        (_key("sk_live_", 24), "SECRET_STRIPE_KEY"),
        (f"{_key('eyJ', 30)}.{_key('eyJ', 60)}.{_key('', 43)}", "SECRET_JWT"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "SECRET_PRIVATE_KEY"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEA0", "SECRET_PRIVATE_KEY"),
    ],
)
def test_keys_are_found_and_pieces_of_other_things_are_not(key, label):
    assert values(f"token={key}"[6:]) == [(key, label)]
    assert values(f'{{"k": "{key}"}} end')[0] == (key, label)
    assert not any(name.startswith("SECRET") for _, name in values(f"AAAA{key[:12]}"))


def test_every_string_of_an_example_is_looked_at(turn, examples):
    mail = "mia@mail.example"
    row = {
        "messages": [
            {**turn("user", f"I am {mail}"), "name": mail},
            turn("assistant", None, json.dumps([{"function": {"arguments": json.dumps({"to": mail})}}])),
        ],
        "chosen": mail,
        "rejected": f"x {mail}",
        "label": mail,
        "meta": json.dumps({"from": {"mail": mail}, "n": 3}),
    }
    findings = scan(examples(row), [Pii()]).findings
    assert set(findings["field"]) == {
        "content",
        "name",
        "tool_calls",
        "chosen",
        "rejected",
        "label",
        "meta:/from/mail",
    }
    assert scan(examples(row), [Pii(fields=("chosen",))]).findings["field"].to_list() == ["chosen"]


def test_an_escape_beside_a_value_in_json_stays_whole(turn, examples):
    """Cutting the value out of tool arguments must leave JSON behind."""
    text = json.dumps([{"function": {"arguments": json.dumps({"body": "Hi\nmia@mail.example\tbye"})}}])
    table = examples({"messages": [turn("user", "Hi"), turn("assistant", None, text)]})
    row = scan(table, [Pii()]).findings.row(0, named=True)
    assert text[row["start"] : row["end"]] == "mia@mail.example"
    assert json.loads(json.loads(text[: row["start"]] + "X" + text[row["end"] :])[0]["function"]["arguments"])


def test_the_evidence_holds_no_value(asked, examples):
    findings = scan(examples(asked("Call +49 30 1234567 or mia@mail.example", "ok")), [Pii()]).findings
    said = " ".join(findings["evidence"])
    assert findings.height == 2
    assert findings["blocking"].all()
    assert findings["action"].unique().to_list() == ["redact"]
    assert not any(part in said for part in ("1234567", "mia", "example"))


def test_spans_that_overlap_become_one_over_all_of_them():
    spans = [Span(0, 5, "A", 0.5), Span(3, 9, "B", 0.9), Span(9, 12, "C", 0.4), Span(20, 22, "D", 1.0)]
    told = list(merged(iter(spans)))
    assert [(s.start, s.end, s.label, also) for s, also in told] == [
        (0, 9, "B", ["A"]),
        (9, 12, "C", []),
        (20, 22, "D", []),
    ]


def test_a_value_at_any_place_of_a_long_text_is_found_once():
    """Also where two pieces meet."""
    mail = "mia.long.name@mail.example"
    for at in range(PIECE - 60, PIECE + 60, 7):
        text = ("lorem " * 2000)[:at] + f" {mail} " + "ipsum " * 1500
        assert values(text) == [(mail, "EMAIL_ADDRESS")]
    assert pieces_cover("x" * 30_000)
    assert pieces_cover("word " * 9_000)


def pieces_cover(text: str) -> bool:
    """Whether the pieces reach from end to end, each overlapping the one before."""
    parts = list(pieces(text))
    joined = all(after[0] < before[1] for before, after in pairwise(parts))
    return joined and parts[0][0] == 0 and parts[-1][1] == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "a." * 1900 + "@x ",
        "a@" * 2000,
        "1-" * 2000,
        "-----BEGIN PRIVATE KEY-----" * 150,
        ":a" * 2000,
        "\\" * 4000,
    ],
    ids=["dots", "at signs", "dashes", "keys", "colons", "backslashes"],
)
def test_time_grows_with_the_length_and_not_with_its_square(text):
    values("mia@mail.example")  # the engine is loaded
    began = time.process_time()
    values(text * 8)
    assert time.process_time() - began < 4


def test_no_host_is_asked(monkeypatch):
    """Presidio would fetch a list of suffixes at the first address, and a model at the start."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert values("to mia@mail.example or a@b.co")[1] == ("a@b.co", "EMAIL_ADDRESS")


def test_without_presidio_it_is_not_run_rather_than_clean(monkeypatch, asked, examples):
    monkeypatch.setattr("curate.checks.pii.find_spec", lambda name: None)
    result = scan(examples(asked("mia@mail.example", "ok")), [Pii()])
    assert result.findings.is_empty()
    assert [check for check, _ in result.not_run] == ["pii"]


def test_settings_are_held_to_what_there_is():
    with pytest.raises(ConfigError, match="PHONE"):
        Pii(entities=("PHONE",))
    with pytest.raises(ConfigError, match="fields"):
        Pii(fields=("text",))
    assert values("mia@mail.example 203.0.113.9", Pii(entities=("IP_ADDRESS",))) == [
        ("203.0.113.9", "IP_ADDRESS")
    ]
