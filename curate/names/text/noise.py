"""Makes texts worse, as people type them: case, typing errors, lost marks, broken lines."""

from __future__ import annotations

from random import Random

from curate.names.text.people import Segment

_NEAR = {
    "a": "s",
    "s": "d",
    "d": "f",
    "e": "r",
    "r": "t",
    "t": "y",
    "i": "o",
    "o": "p",
    "n": "m",
    "m": "n",
    "c": "v",
    "u": "y",
    "l": "k",
    "h": "j",
}
_ACCENTS = str.maketrans(
    "áàâäãåéèêëíìîïóòôöõúùûüýñçšžőűčćęąłśńżźřěůďťňğışøæ", "aaaaaaeeeeiiiiooooouuuuyncszouccealsnzzreudtngisoa"
)


def worn(segments: list[Segment], rng: Random, words: list[str]) -> list[Segment]:
    """The text as people may write it; `words` are any words, some of which take others' places.

    One text in four has some of its words replaced, so that no turn of phrase is relied on.
    """
    if rng.random() < 0.25:
        segments = [(text if label else _replaced(text, rng, words), label) for text, label in segments]
    if rng.random() < 0.12:  # as if cut out of something longer
        segments = segments[rng.randrange(len(segments)) :]
    return [(_printed(text, rng), label) for text, label in _cased(segments, rng)]


def _printed(text: str, rng: Random) -> str:
    """Now and then with the marks of a printer or another keyboard."""
    if "'" in text and rng.random() < 0.3:
        text = text.replace("'", "’")
    return text


def _replaced(text: str, rng: Random, words: list[str]) -> str:
    """Some words in small letters made others."""
    parts = text.split(" ")
    return " ".join(
        rng.choice(words) if part.isalpha() and part.islower() and rng.random() < 0.2 else part
        for part in parts
    )


def _cased(segments: list[Segment], rng: Random) -> list[Segment]:
    """With one kind of wear or none; about three in five stay as they are."""
    kind = rng.random()
    if kind < 0.1:
        return [(text.lower(), label) for text, label in segments]
    if kind < 0.14:
        return [(text.upper(), label) for text, label in segments]
    if kind < 0.15:  # only the names in small letters
        return [(text.lower() if label else text, label) for text, label in segments]
    if kind < 0.2:
        return [(text.upper() if label and rng.random() < 0.6 else text, label) for text, label in segments]
    if kind < 0.27:
        return [(_mistyped(text, rng, 0.03 if label else 0.06), label) for text, label in segments]
    if kind < 0.31:
        return [(text.translate(_ACCENTS), label) for text, label in segments]
    if kind < 0.35:
        return [
            (text if label else text.replace(".", "").replace(",", ""), label) for text, label in segments
        ]
    if kind < 0.37:
        return [(text.title() if not label and "\n" not in text else text, label) for text, label in segments]
    if kind < 0.4:
        return [(text.replace("\n", " ") if rng.random() < 0.8 else text, label) for text, label in segments]
    return segments


def _mistyped(text: str, rng: Random, rate: float) -> str:
    """Letters swapped, doubled, lost or hit beside, at that rate a letter."""
    made = []
    for char in text:
        if not char.isalpha() or rng.random() > rate:
            made.append(char)
            continue
        kind = rng.random()
        if kind < 0.3:
            made.append(_NEAR.get(char, char))
        elif kind < 0.6:
            made.append(char + char)
        elif kind < 0.8 and made and made[-1].isalpha():
            made.insert(-1, char)
    return "".join(made) or text
