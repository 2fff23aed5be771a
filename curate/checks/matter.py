"""Whether two texts that are nearly alike speak of the same matter: by what each says and the other does not."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from functools import lru_cache

from rapidfuzz.distance import OSA, DamerauLevenshtein

from curate.checks.wording import is_unspaced

FILLERS = frozenset(
    """hello hey dear team there good day morning evening please kindly thanks thank you regards best sincerely cheers
    any news sorry just really very also now again well okay but for the this that have has had was are
    can could would will how what why where when who does did my our your get got
    explain describe tell find determine calculate compute identify classify categorize categorise give provide list
    name show return state generate write make create what's want need""".split()  # noqa: SIM905
)  # words that open a letter, hold a sentence together, or ask for what follows
SMALL = frozenset("a an i is am be it do so if ok hi me my we of as 's the".split())  # noqa: SIM905
BULLETS = frozenset("* - -- • ·".split())  # noqa: SIM905 - before an item of a list any of them says the same
ASKING = frozenset("when where who whom whose why which".split())  # noqa: SIM905
MANY = 12  # words of weight on either side, from which on no slips of the pen explain them
ONE_FRAME = 0.6  # of the words of two texts in one order, from which on they have one frame
PLACES = 2  # in which rows of one template differ at most
LAID = 400  # words of a text that are laid beside another's
LONGEST = 4_000  # characters of a text without spaces that are laid side by side; the rest is not looked at
SHORTEST = 4  # letters of a word in which a slip can be told from another word
UNKNOWN = 5  # and of one that stands in no list of words
TWO_SLIPS = 8  # letters of a word in which there may be two
_AROUND = "()[]{}\"'`*_~"
_BETWEEN = re.compile(r"[\s!-/:-@\[-`{-~]+")  # blanks and marks
_ENDINGS = ("'s", "s", "es", "d", "ed", "n", "en")  # of one word in two forms
# British beside American, in a syllable that is not the first: `colour`, not `pour`; `realise`, not `prise`
_SPELLINGS = re.compile(r"ou(?=r)|is(?=ation|e|ing)|ys(?=e|ing)|(?<=og)ue\Z")
_VOWEL = re.compile("[aeiouy]")
_BRITISH = {"ou": "o", "is": "iz", "ys": "yz", "ue": ""}
# pieces of a word that make it another: hypertension, hypotension; nitrate, nitrite
_BEGINNINGS = re.compile(r"\A(?:hyper|hypo|inter|intra|pre|pro|ante|anti|macro|micro|endo|exo|sub|super)")
_SALTS = re.compile(r"(?:ate|ite|ide)s?\Z")
_TURKISH = re.compile("[ıışğç]")


def other_matter(left: str, right: str) -> bool:
    """Whether each of two normalised texts has a word of weight that the other has not, a slip of the pen apart.

    Where the script sets no spaces: whether signs of one stand in the place of others.
    """
    if is_unspaced(left) and is_unspaced(right):
        return _other_signs(left, right)
    one, two = (Counter(map(_bare, text.split())) for text in (left, right))
    mine, theirs = set(one - two), set(two - one)
    if mine & ASKING and theirs & ASKING:
        return True
    mine, theirs = mine - FILLERS - SMALL, theirs - FILLERS - SMALL
    if min(len(mine), len(theirs)) > MANY:
        return True
    if mine | theirs <= BULLETS:
        return False
    return any(not is_slip(word, theirs) for word in mine) and any(not is_slip(word, mine) for word in theirs)


def in_few_places(left: str, right: str) -> bool:
    """Whether two normalised texts are of one frame, and differ in one place or two.

    Who says something again in other words changes words throughout; a template changes them in one place.
    """
    words = [list(text) if is_unspaced(text) else text.split() for text in (left, right)]
    aligned = SequenceMatcher(None, words[0][:LAID], words[1][:LAID], autojunk=False)
    if aligned.real_quick_ratio() < ONE_FRAME or aligned.ratio() < ONE_FRAME:
        return False
    return sum(kind != "equal" for kind, *_ in aligned.get_opcodes()) <= PLACES


def _bare(word: str) -> str:
    """A word without the brackets and quotes round it; one of signs alone as it is."""
    return word.strip(_AROUND) or word


def is_slip(word: str, others: set[str]) -> bool:
    """Whether a word is another, wrongly written or in another form."""
    return any(_is_slip(*sorted((word, other))) for other in others)


@lru_cache(maxsize=100_000)
def _is_slip(one: str, two: str) -> bool:
    """Whether two words are one: in another form or spelling, or wrongly written once.

    Who slips writes what is no word; where both are words, each means something of its own (maximum, minimum).
    Of words in no list, those of other languages among them, a letter too many or too few, or two in turned
    order, is a slip; another letter in one's place is not. The first letter is hardly ever wrong.
    """
    short, long = sorted((one, two), key=len)
    if len(short) < SHORTEST or one[0] != two[0]:
        return False
    if long.startswith(short) and long[len(short) :] in _ENDINGS:
        return True
    if len(long) - len(short) > 2 or OSA.distance(one, two, score_cutoff=2) > 2:
        return False
    if _spelt(one) == _spelt(two):
        return True
    if _other_piece(one, two):
        return False
    known = _is_word(one) + _is_word(two)
    slips = OSA.distance(one, two)
    if known == 1:
        return slips == 1 or len(short) >= TWO_SLIPS
    return known == 0 and slips == 1 and len(short) >= UNKNOWN and _is_gap(one, two)


def _spelt(word: str) -> str:
    return _SPELLINGS.sub(
        lambda found: _BRITISH[found[0]] if _VOWEL.search(word, 0, found.start()) else found[0], word
    )


def _other_piece(one: str, two: str) -> bool:
    """Whether two words differ in a beginning or an ending that has a meaning."""
    begins = [_BEGINNINGS.match(word) for word in (one, two)]
    if all(begins) and begins[0].group() != begins[1].group():  # type: ignore[union-attr]
        return True
    ends = [_SALTS.search(word) for word in (one, two)]
    return bool(all(ends) and one[: ends[0].start()] == two[: ends[1].start()])  # type: ignore[union-attr]


def _is_gap(one: str, two: str) -> bool:
    """Whether a letter is missing in one of two words, or two are in turned order; not the `m` by which Turkish denies."""
    short, long = sorted((one, two), key=len)
    if len(short) == len(long):
        return DamerauLevenshtein.distance(one, two) == 1 and sorted(one) == sorted(two)
    at = next((at for at, letter in enumerate(short) if letter != long[at]), len(short))
    return not (long[at] == "m" and _TURKISH.search(long))


def _is_word(word: str) -> bool:
    """Whether a word stands in a list: English, and names of places and persons."""
    from curate.names.tagger import lexicon

    return lexicon().flags(word) != 0


def _other_signs(left: str, right: str) -> bool:
    one, two = (_BETWEEN.sub("", text[:LONGEST]) for text in (left, right))
    aligned = SequenceMatcher(None, one, two, autojunk=False)
    # of about one length: one word for another, not a phrase at the end for a particle
    return any(
        kind == "replace" and max(b - a, d - c) <= 2 * min(b - a, d - c)
        for kind, a, b, c, d in aligned.get_opcodes()
    )
