"""English words to their stems, as ROUGE counts them when it stems.

M. F. Porter, "An algorithm for suffix stripping" (1980), with the changes of NLTK's default stemmer,
which rouge_score 0.1.2 uses: some irregular words; `ies` and `ied` of four-letter words; `y` after a
consonant; `bli`, `fulli` and `logi` in step 2. The stems are NLTK's, word for word.
"""

from __future__ import annotations

IRREGULAR = {
    "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "innings": "inning", "outings": "outing",
    "cannings": "canning", "sky": "sky", "news": "news", "inning": "inning", "outing": "outing",
    "canning": "canning", "howe": "howe", "proceed": "proceed", "exceed": "exceed", "succeed": "succeed",
}  # fmt: skip
# The first suffix that fits decides, so the order counts.
SECOND = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"),
    ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"),
    ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"),
    ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"),
)  # fmt: skip
THIRD = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
)  # fmt: skip
FOURTH = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate",
    "iti", "ous", "ive", "ize",
)  # fmt: skip
SHAPES = str.maketrans(
    {letter: "c" for letter in "bcdfghjklmnpqrstvwxz0123456789"} | dict.fromkeys("aeiou", "v")
)
# whether any of them fits is asked at once: of most words none does
SECONDS, THIRDS = tuple(suffix for suffix, _ in SECOND), tuple(suffix for suffix, _ in THIRD)


def stem(word: str) -> str:
    """The stem of a lower-case word; of one or two letters it is the word."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) <= 2:
        return word
    word = _without_past(_without_plural(word))
    if word.endswith("y") and len(word) > 2 and _shape(word)[-2] == "c":
        word = word[:-1] + "i"
    return _without_e(_fourth(_third(_second(word))))


def _shape(word: str) -> str:
    """A c for each consonant and a v for each vowel; y is a vowel after a consonant."""
    shape = word.translate(SHAPES)
    place = shape.find("y")
    while place >= 0:
        vowel = place > 0 and shape[place - 1] == "c"
        shape = f"{shape[:place]}{'v' if vowel else 'c'}{shape[place + 1 :]}"
        place = shape.find("y", place)
    return shape


def _measure(word: str) -> int:
    """How often a vowel is followed by a consonant: Porter's m."""
    return _shape(word).count("vc")


def _short(word: str) -> bool:
    """Porter's *o: ends consonant, vowel, consonant other than w, x, y; or is vowel and consonant alone."""
    shape = _shape(word)
    return (shape.endswith("cvc") and word[-1] not in "wxy") or shape == "vc"


def _without_plural(word: str) -> str:
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _without_past(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        if word.endswith(suffix) and "v" in _shape(word[: -len(suffix)]):
            word = word[: -len(suffix)]
            break
    else:
        return word
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if len(word) > 1 and word[-1] == word[-2] and _shape(word)[-1] == "c":
        return word if word[-1] in "lsz" else word[:-1]
    return word + "e" if _measure(word) == 1 and _short(word) else word


def _second(word: str) -> str:
    if word.endswith("alli") and _measure(word[:-4]) > 0:
        return _second(word[:-2])
    for suffix, other in SECOND if word.endswith(SECONDS) else ():
        if word.endswith(suffix):
            rest = word[: -len(suffix)]
            return rest + other if _measure(rest) > 0 else word
    return word[:-1] if word.endswith("logi") and _measure(word[:-3]) > 0 else word


def _third(word: str) -> str:
    for suffix, other in THIRD if word.endswith(THIRDS) else ():
        if word.endswith(suffix):
            rest = word[: -len(suffix)]
            return rest + other if _measure(rest) > 0 else word
    return word


def _fourth(word: str) -> str:
    for suffix in FOURTH if word.endswith(FOURTH) else ():
        if word.endswith(suffix):
            rest = word[: -len(suffix)]
            gone = _measure(rest) > 1 and (suffix != "ion" or rest[-1] in "st")
            return rest if gone else word
    return word


def _without_e(word: str) -> str:
    """Step 5: a last e, and the second of two l."""
    if word.endswith("e"):
        size = _measure(word[:-1])
        if size > 1 or (size == 1 and not _short(word[:-1])):
            word = word[:-1]
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
