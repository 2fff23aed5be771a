"""The parts of the analyser: forms, shapes, numbering plans, recognisers without their engines."""

from __future__ import annotations

import importlib
import random
import re
import subprocess
import sys

import pytest

from curate.checks.patterns.ascii_form import ascii_form
from curate.checks.patterns.gate import Form, gate
from curate.checks.patterns.shape import shape


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """Compiled patterns are kept in a folder of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


FLAGS = int(re.IGNORECASE | re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("plain, 12\n", "plain, 12\n"),
        ("żółw 7", "___w 7"),
        ("a\xa0b\u3000c", "a\x0bb\x0bc"),
        ("x😀€", "x\x01\x01"),
        ("e\u0301", "e_"),
        ("４", None),
        ("\u212a", None),
        ("a\x00", None),
        ("a\x1cb", None),
    ],
)
def test_a_text_keeps_its_length_in_ascii_or_has_no_such_form(text, form):
    assert ascii_form(text) == form


@pytest.mark.parametrize(
    ("pattern", "digits", "spaceless", "anchor"),
    [
        (r"\b[0-9]{8,17}\b", 8, True, r"\d{8}"),
        (r"\d{3}[- ]?\d{4}", 4, False, r"\d{4}"),
        (r"(\w+)@(\w+)\.com", 0, True, "@"),
        (r"(?:a|b)\d(?:x|\d{2})", 1, True, r"\d{1}"),
        (r"\d+|[a-z]+", 0, True, ""),
        (r"a.b", 0, False, ""),
        (r"[^\s,]+:", 0, True, ":"),
        (r"(unclosed", 0, False, ""),
    ],
)
def test_what_a_pattern_needs_is_read_off_it(pattern, digits, spaceless, anchor):
    form = shape(pattern, FLAGS)
    assert (form.digits, form.spaceless, form.anchor) == (digits, spaceless, anchor)


@pytest.mark.parametrize("fast", [True, False])
def test_a_gate_never_leaves_out_a_pattern_that_matches(fast):
    if fast:
        pytest.importorskip("hyperscan")
    forms = [
        Form(r"\b[0-9]{4,}\b", FLAGS),
        Form(r"(?<!\w)[a-z]+@[a-z]+(?!\w)", FLAGS),
        Form(r"(?<=x)a{2}|b:c", FLAGS),
        Form(r"(\d)-\1", FLAGS),
    ]
    may_match = gate(forms, fast=fast)
    draw = random.Random(3)
    for _ in range(2_000):
        text = "".join(draw.choice("ab c@:x-123\nA") for _ in range(draw.randint(1, 14)))
        bits = may_match(text)
        for bit, form in enumerate(forms):
            assert bits >> bit & 1 or not re.search(form.pattern, text, form.flags), (text, form)
    assert may_match("nothing here") == 0


def test_hyperscan_is_compiled_when_there_is_enough_to_read(monkeypatch):
    pytest.importorskip("hyperscan")
    module = importlib.import_module("curate.checks.patterns.gate")
    made = []
    compiled = module._compiled
    monkeypatch.setattr(module, "_compiled", lambda *wanted: made.append(wanted) or compiled(*wanted))
    forms = [Form(r"\b[0-9]{4,}\b", FLAGS), Form(r"(?<!\w)[a-z]+@[a-z]+(?!\w)", FLAGS)]
    may_match = gate(forms, fast=True, later=40)
    assert [may_match("write to a@b"), may_match("number 12345"), made] == [2, 1, []]
    assert [may_match("call 12345 now, please"), len(made)] == [1, 1]
    assert [may_match("write to a@b"), len(made)] == [2, 1]
    again = gate(forms, fast=True, later=40)
    assert [again("write to a@b"), again("number 12345"), len(made)] == [2, 1, 1]  # as it was kept


@pytest.mark.parametrize("harm", ["cut", "changed", "another", "empty", "of another processor"])
def test_compiled_patterns_that_were_damaged_are_made_again(monkeypatch, cache, harm):
    hyperscan = pytest.importorskip("hyperscan")
    module = importlib.import_module("curate.checks.patterns.gate")
    forms = [Form(r"\b[0-9]{4,}\b", FLAGS), Form(r"(?<!\w)[a-z]+@[a-z]+(?!\w)", FLAGS)]
    gate(forms, fast=True)
    gate(forms[:1], fast=True)
    key = module.kept.key_of(forms, module._SOURCE)
    [file] = cache.rglob(f"{key}.*")
    [other] = set(cache.rglob("*.hyperscan")) - {file}
    data = file.read_bytes()
    middle = len(data) // 2
    harmed = {
        "cut": data[:middle],
        "changed": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "another": other.read_bytes(),
        "empty": b"",
    }
    file.write_bytes(harmed.get(harm, data))
    with monkeypatch.context() as patch:
        if harm == "of another processor":

            def refuse(data, mode):
                raise hyperscan.error("error code -5")

            patch.setattr(hyperscan, "loadb", refuse)
        assert module.kept.load(key) is None
        may_match = gate(forms, fast=True)
    assert [may_match("write to a@b"), may_match("number 12345")] == [2, 1]
    assert module.kept.load(key).ids == [0, 1]


def test_where_no_file_can_be_kept_patterns_are_compiled_each_time(monkeypatch, tmp_path):
    pytest.importorskip("hyperscan")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    may_match = gate([Form("odd", FLAGS), Form("even", FLAGS)], fast=True)
    assert [may_match("odd"), may_match("even")] == [1, 2]


def test_a_pattern_that_hyperscan_cannot_tell_always_runs(monkeypatch):
    pytest.importorskip("hyperscan")
    module = importlib.import_module("curate.checks.patterns.gate")
    known = module._compiled

    def strict(expressions, flags, ids):
        import hyperscan

        if any(b"odd" in expression for expression in expressions):
            raise hyperscan.error("too much")
        return known(expressions, flags, ids)

    monkeypatch.setattr(module, "_compiled", strict)
    may_match = gate([Form("odd", FLAGS), Form("even", FLAGS)], fast=True)
    assert [may_match("even"), may_match("nothing")] == [3, 1]


def test_the_digits_of_valid_numbers_are_never_ruled_out():
    phonenumbers = pytest.importorskip("phonenumbers")
    from curate.checks.patterns.numbering import numbering

    draw = random.Random(5)
    accepted = 0
    for region in ("US", "GB", "DE", "FR", "ES", "IT", "IN", "BR", "AR", "MX"):
        code = str(phonenumbers.country_code_for_region(region))
        for _ in range(120):
            number = phonenumbers.example_number_for_type(region, draw.choice((0, 1, 2, 3)))
            base = phonenumbers.national_significant_number(number)[:-2] + f"{draw.randrange(100):02d}"
            digits = draw.choice(("", "0", "00", "1", code, f"00{code}", f"{code}0", f"{code}00")) + base
            if any(phonenumbers.PhoneNumberMatcher(digits, region, leniency=1)):
                accepted += 1
                assert numbering(region).may_hold(digits), (region, digits)
    assert accepted > 300


def test_what_is_dialled_abroad_has_a_country_code_and_digits_enough():
    """The shortest of any region is not ruled out; a number with zeros before it, as of a ticket, is."""
    phonenumbers = pytest.importorskip("phonenumbers")
    from curate.checks.patterns.numbering import _KINDS, LEAST_DIGITS, numbering

    plan = numbering("DE")
    least = []
    for region in phonenumbers.SUPPORTED_REGIONS:
        known = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
        kinds = [found for kind in _KINDS if (found := getattr(known, kind))]
        lengths = [length for kind in kinds for length in kind.possible_length if length > 0]
        least += lengths
        assert plan.may_hold(f"00{known.country_code}{'1' * min(lengths)}")
    assert min(least) == LEAST_DIGITS
    assert not plan.may_hold("0022148")


def test_recognisers_come_without_spacy_and_leave_nothing_half_loaded():
    pytest.importorskip("presidio_analyzer")
    script = (
        "import sys; from curate.checks.patterns.presidio import classes, national;"
        "assert {'EmailRecognizer', 'PhoneRecognizer', 'EsNifRecognizer'} <= classes().keys();"
        "assert 'es' in national();"
        "assert not {'spacy', 'torch', 'transformers', 'presidio_analyzer'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_countries_that_can_be_asked_for_are_those_there_are():
    pytest.importorskip("presidio_analyzer")
    from curate.checks.patterns.presidio import national
    from curate.checks.recognisers import COUNTRIES

    assert set(COUNTRIES) <= national().keys()
