"""What is an address: a number, and what makes it a street, a box or a town."""

from __future__ import annotations

import pytest

from curate.names.addresses import is_address
from curate.names.tagger import lexicon


@pytest.mark.parametrize(
    "value",
    [
        "Karlstraße 12\n89073 Ulm", "14 bis rue des Lilas, 75020 Paris", "via Roma 23, 80133 Napoli",
        "Keizersgracht 221, 1016 DV Amsterdam", "Rua Augusta 55", "C/ Serrano 41", "42 oak street springfield",
        "1200 Market St Apt 5", "221B Baker Street\nLondon NW1 6XE", "6633 Oakmont Dr.", "PO Box 2708", "4923 Parmova 109",
    ],
)  # fmt: skip
def test_addresses_of_many_countries(value):
    assert is_address(value, "", "", lexicon())


@pytest.mark.parametrize(
    "value",
    [
        "19 Stunden lang", "57 Tagen zurückgeben", "15 Werktage", "von 37 Tagen zurückgeben.", "Lyon coûte 43",
        "GH#61317\n    # label", "SHA, SHA-256, SHA-", "UInt16, UInt32", "U+0660, ARABIC-INDIC DIGIT", "IMAP4 SSL port",
        "1968, Kreidl 1978, Sweet 1981", "2000, MNRAS", "256, SHA-", "orders_qoq0_fkey", "RFC 3986",
    ],
)  # fmt: skip
def test_numbers_and_words_that_are_none(value):
    assert not is_address(value, "", "", lexicon())


def test_what_stands_before_it_may_tell():
    assert is_address("Allika 46", "The bus drops you off at ", "", lexicon())
    assert is_address("Edeby 5", "my new address is ", "", lexicon())
    assert not is_address("Schutze 15", "as in Manning and ", ".3", lexicon())
