"""Whether two texts that are nearly alike speak of the same matter: by what each says and the other does not."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from rapidfuzz.distance import OSA

from curate.checks.wording import is_unspaced

FILLERS = frozenset(
    """hello hey dear team there good day morning evening please kindly thanks thank you regards best sincerely cheers
    any news sorry just really very also now again well okay and but for the this that with from have has had was are
    can could would will how what why where when who does did my our your get got
    explain describe tell find determine calculate compute identify classify categorize categorise give provide list
    name show return state generate write make create what's want need""".split()  # noqa: SIM905
)  # words that open a letter, hold a sentence together, or ask for what follows
MANY = 12  # words of weight on either side, from which on no slips of the pen explain them
LONGEST = 4_000  # characters of a text without spaces that are laid side by side; the rest is not looked at
_LETTERS = re.compile(r"[^\W_]+")


def other_matter(left: str, right: str) -> bool:
    """Whether each of two normalised texts has a word of weight that the other has not, a slip of the pen apart.

    Where the script sets no spaces: whether signs of one stand in the place of others.
    """
    if is_unspaced(left) and is_unspaced(right):
        return _other_signs(left, right)
    one, two = ({word for word in text.split() if len(word) > 2} - FILLERS for text in (left, right))
    mine, theirs = one - two, two - one
    if min(len(mine), len(theirs)) > MANY:
        return True
    return any(not is_slip(word, theirs) for word in mine) and any(not is_slip(word, mine) for word in theirs)


def is_slip(word: str, others: set[str]) -> bool:
    """Whether a word is another but for a letter or two."""
    return any(min(len(word), len(other)) > 3 and OSA.distance(word, other) < 3 for other in others)


def _other_signs(left: str, right: str) -> bool:
    one, two = ("".join(_LETTERS.findall(text[:LONGEST])) for text in (left, right))
    aligned = SequenceMatcher(None, one, two, autojunk=False)
    # of about one length: one word for another, not a phrase at the end for a particle
    return any(
        kind == "replace" and max(b - a, d - c) <= 2 * min(b - a, d - c)
        for kind, a, b, c, d in aligned.get_opcodes()
    )
