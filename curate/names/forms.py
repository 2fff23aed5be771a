"""Names in forms, settings and tables, where the name of a field says whose they are and no sentence stands about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from curate.checks.signs import Signs
from curate.names.span import Span
from curate.names.tokens import BIT, Lexicon

SCORE = 0.95
_WHOSE = (
    r"(?:first|last|middle|given|family|full|sur|fore|legal|maiden|birth|account|card|customer|client|patient|employee|emp|contact|passenger|guest|user|person|student|member|holder|driver"
    r"|tenant|owner|recipient|sender|display|vor|nach|familien)"
)
_FIELD = re.compile(
    rf"(?i:(?<![^\W_])(?:{_WHOSE}[ _-]?name|(?:account|card|policy)[ _-]?holder|beneficiary|nombres?|apellidos?|prénoms?|sobrenome|cognome|nazwisko|imię|imię i nazwisko"
    r"|voornaam|achternaam|förnamn|efternamn|fornavn|etternavn|vezetéknév|keresztnév|jméno|příjmení|nume|prenume))(?![^\W_])"
    r"[\"'`*_\\]{0,5}\s{0,2}[:=]\s{0,2}(?P<quote>\\{0,3}[\"'`])?(?P<name>[^\W\d_][^\W\d_'’-]*(?:[ .'’-]{1,2}[^\W\d_]+){0,5}"
    # `Kowalska, Anna` alone on its line
    r"(?:,[ ][^\W\d_a-z][^\W\d_]+(?:[ ][^\W\d_a-z][\w.]{0,20})?(?=[ \t]{0,8}(?:[\r\n;|<\[(]|\Z)))?)(?P<after>[(\[._@]?\w?)"
)
_TITLE = re.compile(
    rf"(?i)\b(?:{_WHOSE}[ _-]?names?|names?|customers?|clients?|patients?|employees?|nombres?|apellidos?|nom|prénom|nome|cognome|nachname|vorname|naam|nazwisko|imię)\b"
)
_CELL = re.compile(r"[^\W\d_a-z][^\W\d_'’-]*(?:[ .'’-]{1,2}[^\W\d_]+){1,5}")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_COMMON = sum(BIT[name] for name in ("english_300", "english_1500", "english_5000", "english_15000"))
_NAMES = BIT["first"] | BIT["last"]
_PARTED = re.compile(r"[,;|\t]")
LINE = 2_000  # characters of a line of titles, at most
# of each field's name and of each title of names: one of these, in small letters
_SIGNS = Signs(
    (
        "name:", "name=", 'name"', "name'", "name`", "name*", "name_", "name\\", "name :", "name =", "holder", "beneficiary",
        "nombre", "apellido", "prénom", "sobrenome", "cognome", "nazwisko", "imię", "naam", "förnamn", "efternamn", "fornavn",
        "etternavn", "vezetéknév", "keresztnév", "jméno", "příjmení", "nume:", "nume=",
        "name,", "name;", "name|", "name\t", "name |", "names", "customer", "client", "patient", "employee", "nom,", "nom |", "nom;",
        "nome,", "nome |", "nome;",
    )
)  # fmt: skip
Column = Callable[[str, int, int], Iterator[tuple[int, str]]]  # the cells below a title of a text


def in_fields(text: str, lexicon: Lexicon, column: Column) -> list[Span]:
    """The persons in one text that the field before them, or the title above them, calls by name."""
    found: list[Span] = []
    there = _SIGNS.of(text.lower())
    if not there:
        return found
    if "=" in text or ":" in text:
        for field in _FIELD.finditer(text):
            cut = field["after"][:1] in ("(", "[", "_", "@") or (field["after"] and not field["quote"])
            if not cut and _is_name(field["name"], lexicon, alone=True):
                found.append(Span(*field.span("name"), "PERSON", SCORE))
    first = text.find("\n", 0, LINE)
    if first > 0 and _PARTED.search(text, 0, first):
        for title in _TITLE.finditer(text, 0, first):
            for start, cell in column(text, *title.span()):
                if _CELL.fullmatch(cell) and _is_name(cell, lexicon, alone=False):
                    found.append(Span(start, start + len(cell), "PERSON", SCORE))
    return found


def _is_name(value: str, lexicon: Lexicon, *, alone: bool) -> bool:
    """Whether words may be somebody's name: with capitals, and one at least a listed name or no word of English.

    A field says that any such word is a name (`alone`); a title may stand above firms and things too, so there
    no word may be an ordinary one.
    """
    words = _WORD.findall(value)
    flags = [lexicon.flags(word) for word in words]
    if not words or not all(word[0].isupper() for word in words if len(word) > 3):
        return False
    if alone:
        return any(
            len(word) > 1 and (each & _NAMES or not each & _COMMON)
            for word, each in zip(words, flags, strict=True)
        )
    return all(each & _NAMES or not each for each in flags)


def joined(spans: list[Span], fields: list[Span]) -> list[Span]:
    """The spans, and those of fields in the place of the persons that they overlap."""
    if not fields:
        return spans
    kept = [
        span
        for span in spans
        if not any(field.start < span.end and span.start < field.end for field in fields)
    ]
    return sorted([*kept, *fields])
