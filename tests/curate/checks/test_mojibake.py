"""Misread UTF-8 is read back; other text never changes."""

from __future__ import annotations

import pytest

from curate.checks.quality.mojibake import repaired

SOUND = [
    "Der Umlaut „Ä“ und „Ö“ und „Ü“.",
    "« Voilà\u00a0» dit-il : À\u00a0» É… Ç’est",
    "NÃO À INFLAÇÃO, “MAÇÔ e S. João",
    "Ça coûte 5\u00a0€, naïve façade",
    "Привет, как дела? РСФСР и СССР",
    "Ρωμαίος και Ιουλιέτα",
    "Tiếng Việt có dấu: Đường, Ấm, Ở",
    "日本語の文章です。한국어 문장",
    "√2 × √3 = √6, 5 ± 2, 30 °C, x² ≥ 0",
    "Århus, Ängelholm, Łódź, Žižek, Škoda",
]


@pytest.mark.parametrize("text", SOUND)
def test_sound_text_stays(text):
    assert repaired(text) == text


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
@pytest.mark.parametrize(
    "text",
    [
        "Café",
        "It’s “fine” — really…",
        "naïve Ärger über São Tomé",
        "Привет мир",
        "你好，世界",
        "price: 5 £ or 6 €",
        "Škoda č",
    ],
)
def test_one_and_two_misreadings_are_taken_back(text, encoding):
    table = {byte: bytes([byte]).decode(encoding, "replace") for byte in range(256)}
    table = {byte: chr(byte) if character == "\ufffd" else character for byte, character in table.items()}

    def misread(right):
        return "".join(table[byte] for byte in right.encode())

    assert repaired(misread(text)) == text
    assert repaired(misread(misread(text))) == text


def test_other_encodings():
    assert repaired("РџСЂРёРІРµС‚ всем") == "Привет всем"
    assert repaired("It‚Äôs caf√©") == "It’s café"


def test_a_quote_that_lost_its_last_byte():
    assert repaired("â€œyesâ€ he said") == "“yes” he said"


def test_what_is_sound_beside_it_stays():
    assert repaired("Ã©tÃ© – déjà vu") == "été – déjà vu"
