"""Numbers, days of birth and logins: found behind the name of a field or by their place, and nowhere else."""

from __future__ import annotations

import json
from importlib import import_module

import pytest

from curate.checks import signs
from curate.checks.identity import LABELS, identity
from curate.checks.pii import Pii
from curate.example import frame, with_ids

FOUND = (
    ("passport no. C01X00T47 and a visa", "PASSPORT", "C01X00T47"),
    ("Reisepass-Nr.: P1234809", "PASSPORT", "P1234809"),
    ('{"passportNumber": "AB7723190"}', "PASSPORT", "AB7723190"),
    ("my driver's license number is D8827310 and", "DRIVER_LICENSE", "D8827310"),
    ("Permis de conduire n° 120675302411", "DRIVER_LICENSE", "120675302411"),
    ("Licence plate: LK21 XYZ\nnext", "LICENSE_PLATE", "LK21 XYZ"),
    ("Kennzeichen M-AB 1234, rot", "LICENSE_PLATE", "M-AB 1234"),
    ("his vehicle, registration M-AB 1234, was", "LICENSE_PLATE", "M-AB 1234"),
    ("Registration: LK21 XYZ", "LICENSE_PLATE", "LK21 XYZ"),
    ("Car for sale. Registration: ABC 123", "LICENSE_PLATE", "ABC 123"),
    ("placa: ABC-7391", "LICENSE_PLATE", "ABC-7391"),
    ("placa do carro: KJH 482", "LICENSE_PLATE", "KJH 482"),
    ("Matrícula: 4521 KLM", "LICENSE_PLATE", "4521 KLM"),
    ("the claimant holds passport 327463385 and", "PASSPORT", "327463385"),
    ("numéro INSEE 2 94 03 75 120 005 22", "NATIONAL_ID", "2 94 03 75 120 005 22"),
    ("NI number: QQ 12 34 77 C and more", "NATIONAL_ID", "QQ 12 34 77 C"),
    ("Aadhaar number is 2345 6789 0124", "NATIONAL_ID", "2345 6789 0124"),
    ("PAN card ABCPD1234K", "NATIONAL_ID", "ABCPD1234K"),
    ("CPF nº 529.982.247-25, nascido", "NATIONAL_ID", "529.982.247-25"),
    ("Codice fiscale: RSSMRA85T10A562S", "NATIONAL_ID", "RSSMRA85T10A562S"),
    ("SSN: 123-45-6780", "US_SSN", "123-45-6780"),
    ("(hospital number H204411)", "HEALTH_RECORD", "H204411"),
    ("Account number: 20348817\n", "BANK_ACCOUNT", "20348817"),
    ("DOB: 03/11/1984", "DATE_OF_BIRTH", "03/11/1984"),
    ("| Name | DOB |\n|---|---|\n| x | 24 April 1975 |", "DATE_OF_BIRTH", "24 April 1975"),
    ("née le 7 mai 1962 à Lyon", "DATE_OF_BIRTH", "7 mai 1962"),
    ("she was born on May 15th, 1993 in", "DATE_OF_BIRTH", "May 15th, 1993"),
    ("see /home/pkowalska/work.py", "USERNAME", "pkowalska"),
    (r"C:\Users\p.kowalska\Desktop", "USERNAME", "p.kowalska"),
    ("login=pkowalska ip=1", "USERNAME", "pkowalska"),
    ("my username is kowalska_92.", "USERNAME", "kowalska_92"),
    ("Accepted publickey for pkowalska from", "USERNAME", "pkowalska"),
    ("-rw-r--r-- 1 pkowalska staff 8", "USERNAME", "pkowalska"),
    ("# TODO(pkowalska): mend", "USERNAME", "pkowalska"),
    ("follow me on instagram @annaplays", "USERNAME", "annaplays"),
    ("linkedin.com/in/anna-kowalska", "USERNAME", "anna-kowalska"),
)
NOTHING = (
    "How do I renew my passport? The passport number has nine characters.",
    "Passport control opens at 0600.",
    "Driver's license: required. Passport: optional.",
    "The account number 12345678 is printed on the card.",
    "Star signs: someone born in 1990 is a horse.",
    "Marie Curie was born on 7 November 1867.",
    "Albert Einstein was born on 14 March 1879, Elvis Presley was born on January 8, 1935.",
    "the registration number of the company is 4411",
    "License plate: TOO LONG",
    "sin: 0.8414709848",
    "Registration: MAY 2024 to JUNE 2024.",
    "Registration closes; registration on 12-MAY-24, or 12 MAY 2024.",
    "Conference registration: Q1 2024, course registration CS101 A is full, registration COVID19 is open",
    "Registration (ISO 9001), domain registration RFC 7231, Registration: PRE-K 2024",
    "La placa RTX 3090 tiene 24 GB, la placa ESP32 no; matrícula 2024A",
    "The Porsche 911 Targa 4S 2022 and the Targa 911 GT3; voilà la plaque B12 A4 du moteur",
    "Selon l'INSEE, 66000 personnes; INSEE 2019-2021",
    "Placa: RTX 3090, Registration: CSE-101",
    "La patente US 5123456 describe un motor.",
    "Social security 2023 2024, bank account 2024-2025, medical record 2019-2020, a bank account 500000 strong",
    "BSN 2021 2022, cpf 2024 2025, permis de conduire 2024 2025",
    "Passport: 12.05.2024, passport 2024-2025, the passport is 10000 rupees",
    "Trwa to 30 dni 12345 godzin",
    "cd /home/ubuntu && ls /Users/Shared /home/node/app",
    "username: string, required\nlogin: the function that signs in",
    "user = get_user(username='test')\nclient.login(username='admin')",
    "username=request.form",
    "@app.route('/login')\n@login_required\ndef login():",
    "@Override\npublic String toString()",
    "npm install @angular/core @types/node",
    "strings that end with '@mysite.com' match",
    "git clone https://github.com/pallets/flask",
)


def found(text):
    return [(label, text[start:end]) for label, start, end in identity(text, (*LABELS, "US_SSN"))]


@pytest.mark.parametrize(("text", "label", "value"), FOUND)
def test_a_value_is_found_behind_its_field_or_by_its_place(text, label, value):
    assert (label, value) in found(text)


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_is_found_where_nobody_is_told(text):
    assert found(text) == []


def test_without_hyperscan_the_same_is_found(monkeypatch):
    before = [found(text) for text, *_ in FOUND]
    monkeypatch.setattr(signs, "find_spec", lambda name: None)
    for name in ("logins", "numbers"):
        module = import_module(f"curate.checks.identity.{name}")
        known = module._SIGNS
        monkeypatch.setattr(module, "_SIGNS", signs.Signs((*known._plain, *known._wide)))
        assert module._SIGNS._gate is None
    assert [sorted(found(text)) for text, *_ in FOUND] == [sorted(each) for each in before]


def scanned(*messages):
    turns = [{"role": role, field: text} for role, field, text in messages]
    table = with_ids(frame([{"messages": turns, "source": "s", "meta": "{}"}]), ["row"])
    return [
        (row["label"], turns[row["message"]][row["field"]][row["start"] : row["end"]], row["blocking"])
        for row in Pii(names="none").scan(table).findings.to_dicts()
    ]


def test_what_is_public_of_many_blocks_nothing_and_numbers_do():
    rows = scanned(("user", "content", "born on 12/03/1988, username: kowalska_92, passport AB7723190"))
    assert {(label, blocking) for label, _, blocking in rows} == {
        ("DATE_OF_BIRTH", False),
        ("USERNAME", False),
        ("PASSPORT", True),
    }


def test_a_value_told_once_is_found_where_nothing_tells_it():
    call = json.dumps([{"function": {"arguments": json.dumps({"doc": "AB7723190"})}}])
    rows = scanned(
        ("user", "content", "Passport AB7723190, login: kowalska_92"),
        ("assistant", "tool_calls", call),
        ("user", "content", "so kowalska_92 it is"),
    )
    assert [value for _, value, _ in rows] == ["AB7723190", "kowalska_92", "AB7723190", "kowalska_92"]


def test_time_grows_with_length_alone():
    from time import process_time

    text = "username: kowalska_92, passport, dob " * 4_000
    began = process_time()
    assert len(found(text)) == 4_000
    assert process_time() - began < 4
