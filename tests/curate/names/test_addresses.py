"""What is an address: a number, and what makes it a street, a box or a town."""

from __future__ import annotations

import pytest

from curate.names.addresses import is_address
from curate.names.tagger import lexicon, shipped


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


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("my address is 23 Banksia Street, Fitzroy VIC 3065, can you", "23 Banksia Street, Fitzroy VIC 3065"),
        ("Ship it to B-12, Lajpat Nagar II, New Delhi 110024 please", "B-12, Lajpat Nagar II, New Delhi 110024"),
        ("of Plot 7, Adetokunbo Ademola Crescent, Wuse II, Abuja, will", "Plot 7, Adetokunbo Ademola Crescent, Wuse II, Abuja"),
        ("I rent a flat at Storgatan 12, 114 55 Stockholm. My", "Storgatan 12, 114 55 Stockholm"),
        ("at 2-11-3 Meguro, Meguro-ku, Tokyo 153-0063. My", "2-11-3 Meguro, Meguro-ku, Tokyo 153-0063"),
        ("Shipping: 5 bis avenue Victor Hugo, 75116 Paris", "5 bis avenue Victor Hugo, 75116 Paris"),
    ],
)  # fmt: skip
def test_an_address_is_whole_with_its_number_and_its_code(text, address):
    found = shipped(("LOCATION",)).spans([text])[0]
    assert [text[span.start : span.end] for span in found] == [address]
