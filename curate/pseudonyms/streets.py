"""Words and endings of streets, and the languages that they tell."""

from __future__ import annotations

import re

from curate.pseudonyms.words import WORD, pools, written_in

# streets whose kind is part of the word
STREET = re.compile(
    r"(?i)(?<=[^\W\d_]{2})(?:stra(?:ß|ss)e|str|weg|platz|allee|gasse|gatan|vägen|straat|laan|gracht|plein|kade|ufer|damm|gade|vej|katu|utca)\Z"
)
# the language that the word or the ending of a street is of
_STREETS_OF = {
    word: language
    for language, words in {
        "de": "straße strasse platz weg gasse allee ufer damm chaussee",
        "fr": "rue impasse chemin quai boulevard",
        "es": "calle avda avenida paseo carretera plaza",
        "it": "via viale piazza corso vicolo",
        "pt": "rua praça travessa alameda",
        "nl": "straat laan plein gracht kade",
        "pl": "ul ulica al aleja os osiedle",
        "sv": "gatan vägen",
        "da": "gade vej",
        "fi": "katu",
        "hu": "utca",
    }.items()
    for word in words.split()
}


def language_told(value: str) -> str:
    """The language that a street's word or ending in an address tells, or else its letters; empty where none does."""
    for each in WORD.finditer(value):
        small = each[0].casefold()
        ending = STREET.search(each[0])
        language = _STREETS_OF.get(small) or _STREETS_OF.get(ending[0].casefold() if ending else "")
        if language in pools():
            return language
    return written_in(value)
