"""Fakes: the same for one thing, different for two, valid in form, and nobody's."""

from __future__ import annotations

import re
from datetime import datetime
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.checks.secrets import secrets
from curate.errors import ConfigError
from curate.pseudonyms import Book, Real, digest_of, fingerprint, identity, read_key
from curate.pseudonyms.key import Draw
from curate.pseudonyms.numbers import date, luhn_digit
from curate.pseudonyms.people import Names, words_of
from curate.pseudonyms.words import fold, known, pools

KEY, OTHER = b"a key of many bytes", b"another key of bytes"


def book(*pairs: tuple[str, str], key: bytes = KEY, scope: str = "one") -> Book:
    return Book(key, scope, Real.of(pairs)).learn(pairs)


def people(*names: str) -> list[str]:
    made = book(*(("PERSON", name) for name in names))
    return [made.fake("PERSON", name) for name in names]


def test_aliases_of_one_person_are_one_person():
    full, first, titled, initial, turned, shouted = people(
        "Anna Schmidt", "Anna", "Ms Schmidt", "A. Schmidt", "Schmidt, Anna", "ANNA SCHMIDT"
    )
    one, two = full.split()
    assert (first, titled, initial) == (one, f"Ms {two}", f"{one[0]}. {two}")
    assert (turned, shouted) == (f"{two}, {one}", full.upper())
    assert {one, two} & {"Anna", "Schmidt"} == set()


def test_two_initials_of_one_surname_are_two_people():
    linked, other, _ = people("A. Schmidt", "B. Schmidt", "Anna Schmidt")
    assert linked != other and linked.split()[1] == other.split()[1]


def test_an_address_follows_the_name():
    pairs = [
        ("PERSON", "Peter Müller"),
        ("EMAIL_ADDRESS", "peter.mueller@firma.de"),
        ("EMAIL_ADDRESS", "PMueller@firma.de"),
        ("EMAIL_ADDRESS", "info@firma.de"),
    ]
    made = book(*pairs)
    first, last = (fold(word) for word in made.fake("PERSON", "Peter Müller").split())
    full, short, role = (made.fake("EMAIL_ADDRESS", value) for _, value in pairs[1:])
    assert full.startswith(f"{first}.{last}@")
    assert short.partition("@")[0].lower() == first[0] + last
    assert role.startswith("info@")
    hosts = {each.partition("@")[2] for each in (full, short, role)}
    assert len(hosts) == 1 and re.search(r"(?:\A|\.)example\.(?:org|com|net)\Z", hosts.pop())


@pytest.mark.parametrize(
    ("name", "language", "kind"),
    [
        ("Anna Kowalska", "pl", "female"),
        ("Иван Петров", "ru", "male"),
        ("Giuseppe Esposito", "it", "male"),
        ("Ms Xyzzyva Schmidt", "de", "female"),
    ],
)
def test_language_and_gender_stay(name: str, language: str, kind: str):
    fake = people(name)[0]
    first = next(word for word in words_of(fake) if word.role == "first")
    assert kind in {each.kind for each in known()[first.folded]}
    if language != "de":
        assert language in {each.language for each in known()[first.folded]}


@pytest.mark.parametrize("name", ["王小明", "田中太郎", "김민준", "محمد الجابر", "משה כהן"])
def test_names_of_other_scripts_become_names_of_that_script(name: str):
    fake = people(name)[0]
    assert fake != name
    blocks = {ord(each) >> 8 for each in name if each.isalpha()}
    han = {number for number in range(0x4E, 0xA0)} | set(range(0xAC, 0xD8)) | {0x30}
    assert all((ord(each) >> 8) in (han if blocks & han else blocks) for each in fake if each.isalpha())


def test_a_surname_alone_in_chinese_is_the_same_as_within_a_name():
    full, given, titled = people("王小明", "小明", "王先生")
    assert full.endswith(given) and titled.endswith("先生") and full.startswith(titled[0])


def test_a_title_and_a_particle_stay():
    assert re.fullmatch(r"Dr\. \S+ von der \S+", people("Dr. Peter von der Heide")[0])


FIRST = st.sampled_from(sorted(pools()["en"]["female"])[:400] + sorted(pools()["de"]["male"])[:400])
LAST = st.sampled_from(sorted(pools()["en"]["last"])[:600])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(FIRST, LAST), min_size=2, max_size=60, unique=True))
def test_two_people_are_never_one_and_nobody_real(names: list[tuple[str, str]]):
    values = [" ".join(name) for name in names]
    fakes = people(*values)
    assert len({fold(fake) for fake in fakes}) == len({fold(value) for value in values})
    real = {fold(word) for name in names for word in name}
    assert not real & {fold(word) for fake in fakes for word in re.split(r"[ -]", fake)}


def test_a_surname_that_elsewhere_is_a_particle_is_no_more_left_than_another():
    (fake,) = people("Abbie Le")
    assert "le" not in fold(fake).split()
    (other,) = people("Anna de la Cruz")
    assert " de la " in other  # within a name it stays


def test_a_pool_that_is_used_up_goes_on_with_double_names():
    names = Names(KEY, "s", frozenset())
    words = [f"name{chr(97 + n // 676)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}" for n in range(2_500)]
    names.learn([], {re.sub(r"\d", "", word): "" for word in words})
    assert len({fold(each) for each in names.fakes.values()}) == len(names.fakes) == 2_500


# numbers and the rest


def luhn(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    return digits[-1] == luhn_digit(digits[:-1])


def mod97(value: str) -> bool:
    compact = re.sub(r"\W", "", value).upper()
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def form(value: str) -> str:
    return re.sub(r"\d", "9", value)


@pytest.mark.parametrize(
    ("label", "value", "good"),
    [
        ("CREDIT_CARD", "4539 1488 0343 6467", lambda f: luhn(f) and f[0] == "4"),
        ("CREDIT_CARD", "378734493671000", lambda f: luhn(f) and f.startswith("37")),
        ("CREDIT_CARD", "5425-2334-3010-9903", lambda f: luhn(f) and f[0] == "5"),
        ("IBAN_CODE", "DE89 3704 0044 0532 0130 00", lambda f: mod97(f) and f[:2] == "DE"),
        (
            "IBAN_CODE",
            "GB29NWBK60161331926819",
            lambda f: mod97(f) and re.fullmatch(r"GB\d\d[A-Z]{4}\d{14}", f),
        ),
        ("IBAN_CODE", "fr1420041010050500013m02606", lambda f: mod97(f) and f[:2] == "fr" and f.islower()),
        ("US_SSN", "123-45-6789", lambda f: f.startswith("666-")),
        ("UK_NHS", "943 476 5919", lambda f: f.startswith("999 ")),
        ("PHONE_NUMBER", "+1 (415) 555-2671", lambda f: re.fullmatch(r"\+1 \(\d{3}\) 555-01\d\d", f)),
        ("PHONE_NUMBER", "+49 171 2345678", lambda f: f.startswith("+49 171 39200")),
        ("PHONE_NUMBER", "0171 2345678", lambda f: f.startswith("0171 39200")),
        ("PHONE_NUMBER", "07911 123456", lambda f: f.startswith("07700 900")),
        ("PHONE_NUMBER", "06 12 34 56 78", lambda f: f.startswith("06 39 98")),
        ("PHONE_NUMBER", "+91 98765 43210", lambda f: f.startswith("+91 987")),
    ],
)
def test_numbers_keep_their_form_and_are_valid(label: str, value: str, good):
    fake = book((label, value)).fake(label, value)
    assert form(re.sub("[A-Za-z]", "A", fake)) == form(re.sub("[A-Za-z]", "A", value)) and fake != value
    assert good(fake)


def test_addresses_are_of_the_ranges_for_documentation():
    networks = [ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32")]  # fmt: skip
    for value in ("8.8.8.8", "2001:4860:4860::8888"):
        fake = ip_address(book(("IP_ADDRESS", value)).fake("IP_ADDRESS", value))
        assert any(fake in network for network in networks if network.version == fake.version)
    assert book(("IP_ADDRESS", "8.8.4.4:8080")).fake("IP_ADDRESS", "8.8.4.4:8080").endswith(":8080")


def test_one_number_in_two_writings_is_one_fake():
    pairs = [("PHONE_NUMBER", "+49 171 2345678"), ("PHONE_NUMBER", "0171/2345678")]
    one, two = (re.sub(r"\D", "", book(*pairs).fake(*pair)) for pair in pairs)
    assert one[-9:] == two[-9:]


@pytest.mark.parametrize(
    ("label", "value", "prefix"),
    [
        ("SECRET_GITHUB_TOKEN", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_"),
        ("SECRET_AWS_KEY", "AKIAQ3EGRIXJQ2V5ZTMN", "AKIA"),
        ("SECRET_ANTHROPIC_KEY", "sk-ant-api03-" + "aB3" * 30, "sk-ant-api03-"),
        ("SECRET_STRIPE_KEY", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_"),
        ("SECRET_JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijklmnopqrstuv", "eyJ"),
        (
            "SECRET_PRIVATE_KEY",
            "-----BEGIN PRIVATE KEY-----\\nMIIEow0123\\n-----END PRIVATE KEY-----",
            "-----BEGIN",
        ),
    ],
)
def test_a_dead_key_keeps_prefix_and_length_and_reads_as_one(label: str, value: str, prefix: str):
    fake = book((label, value)).fake(label, value)
    assert fake.startswith(prefix) and len(fake) == len(value) and fake != value
    assert next(iter(secrets(fake))) == (label, 0, len(fake))


def test_places_and_firms_keep_what_says_what_they_are():
    pairs = [
        ("LOCATION", "123 Main St, Springfield, IL 62704"),
        ("LOCATION", "Springfield"),
        ("ORGANIZATION", "Schmidt GmbH"),
        ("PERSON", "Anna Schmidt"),
        ("LOCATION", "Germany"),
    ]
    made = book(*pairs)
    street, town, firm, person, country = (made.fake(*pair) for pair in pairs)
    assert re.fullmatch(r"[1-9]\d\d \S+ St, \S+, [A-Z]{2} \d{5}", street)
    assert street.split(", ")[1] == town != "Springfield"
    assert firm == f"{person.split()[1]} GmbH"
    assert country not in ("Germany", "Deutschland")


KINDS = st.sampled_from(["EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "US_SSN", "PERSON", "URL", "SECRET_PASSWORD", "UNKNOWN"])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(KINDS, st.text(min_size=1, max_size=24)), min_size=1, max_size=6))
def test_no_text_is_too_odd_and_what_comes_out_is_another(pairs: list[tuple[str, str]]):
    made = book(*pairs)
    assert [made.fake(*pair) for pair in pairs] == [book(*reversed(pairs)).fake(*pair) for pair in pairs]


def test_the_key_and_the_scope_choose_and_nothing_else():
    pair = ("EMAIL_ADDRESS", "jane.roe@acme.com")
    fakes = {book(pair).fake(*pair), book(pair, key=OTHER).fake(*pair), book(pair, scope="two").fake(*pair)}
    assert len(fakes) == 3 and book(pair).fake(*pair) in fakes
    assert digest_of(KEY, *pair) != digest_of(OTHER, *pair)
    assert re.fullmatch("[a-p]{16}", digest_of(KEY, *pair))
    assert identity("EMAIL_ADDRESS", "A@X.org") == identity("EMAIL", "a@x.ORG")


def test_drawing_is_even_and_the_same_each_time():
    counts = [0] * 7
    draw = Draw(KEY, "x")
    for _ in range(7_000):
        counts[draw.below(7)] += 1
    assert min(counts) > 850
    assert Draw(KEY, "x", "y").digits(20) == Draw(KEY, "x", "y").digits(20) != Draw(KEY, "xy").digits(20)


def test_a_key_is_read_and_never_told(tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_text("a key of many bytes\n")
    monkeypatch.setenv("THE_KEY", "a key of many bytes")
    assert read_key(str(file)) == read_key("", "THE_KEY") == b"a key of many bytes"
    assert "key of" not in fingerprint(KEY) and len(fingerprint(KEY)) == 16
    file.write_text("shrt5ecret")
    for arguments in ((str(file),), (str(tmp_path / "none"),), ("", "NO_SUCH"), (), (str(file), "THE_KEY")):
        with pytest.raises(ConfigError) as raised:
            read_key(*arguments)
        assert "shrt5ecret" not in str(raised.value)


def test_a_surname_that_two_people_share_says_no_more_than_it_did():
    anna, ben, bare, titled = people("Anna Schmidt", "Ben Schmidt", "Schmidt", "Mr Schmidt")
    surname = anna.split()[1]
    assert anna != ben and ben.split()[1] == surname
    assert (bare, titled) == (surname, f"Mr {surname}")
    assert people("Schmidt", "Ben Schmidt", "Mr Schmidt", "Anna Schmidt") == [bare, ben, titled, anna]


@pytest.mark.parametrize(
    ("address", "language"),
    [
        ("Goethestraße 17, 60313 Frankfurt am Main", "de"),
        ("12 rue des Lilas, 31000 Toulouse", "fr"),
        ("ul. Prosta 5, 00-838 Warszawa", "pl"),
        ("Keizersgracht 221, 1016 DV Amsterdam", "nl"),
        ("Calle Mayor 3, 28013 Madrid", "es"),
    ],
)
def test_a_street_and_its_town_stay_in_the_language_of_the_street(address, language):
    made = book(("STREET_ADDRESS", address)).fake("STREET_ADDRESS", address)
    town = fold(re.sub(r"[\d-]|\b[A-Z]{2}\b", "", made.rpartition(",")[2]).strip())
    assert town in {fold(each) for each in pools()[language]["cities"]}, made


def test_a_street_and_number_are_one_in_all_addresses():
    whole, part = "Goethestraße 17, 60313 Frankfurt am Main", "Goethestraße 17"
    made = book(("STREET_ADDRESS", whole), ("STREET_ADDRESS", part))
    assert made.fake("STREET_ADDRESS", whole).startswith(made.fake("STREET_ADDRESS", part) + ",")


def test_a_date_without_marks_stays_a_date_and_moves_by_more_than_days():
    made = {date("19760101", Draw(KEY, str(attempt))) for attempt in range(60)}
    read = [datetime.strptime(each, "%Y%m%d") for each in made]
    assert len({each.month for each in read}) > 3 and {len(each) for each in made} == {8}


def test_a_date_of_two_figures_stays_a_date():
    for attempt in range(200):
        day, month, year = date("03.11.1984", Draw(KEY, str(attempt))).split(".")
        assert len(day) == len(month) == 2 and 1 <= int(day) <= 12 and 1 <= int(month) <= 12
        assert 1981 <= int(year) <= 1987
