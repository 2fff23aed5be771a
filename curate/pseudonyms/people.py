"""One fake word for each word of a name, so that aliases of one person stay aliases of one person.

`Anna Schmidt`, `Anna`, `Ms Schmidt` and `A. Schmidt` share words, so their fakes do. Within a scope no
two words get the same fake, so no two people do. A surname that two people share stays shared, so the
surname alone means either of their fakes, as it meant either of them: nobody has to guess whose it was.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import NamedTuple

from curate.pseudonyms.key import Draw
from curate.pseudonyms.words import UNSPACED, WORD, Known, as_written, fold, known, pools, written_in

KEPT = frozenset(  # titles, particles and what follows a name stay
    fold(word)
    for word in """
        mr mrs ms miss mx dr prof professor sir lady lord madam maam herr frau fräulein hr fr dipl ing
        mag monsieur madame mademoiselle mme mlle m sr sra srta señor señora señorita don doña dom dona
        sig signor signora signorina dott dottoressa meneer mevrouw mevr dhr pan pani herra rouva bay
        bayan шри господин госпожа von van de der den del della di da dos das du la le las los el al
        bin ibn bint ben abu zu zum zur ten ter af av y e jr sr ii iii iv phd md esq and und et
    """.split()  # noqa: SIM905
)
ALSO_NAMES = frozenset(  # particles within a name, which at its head or end are somebody's: Ben, Al, Le
    [
        "al",
        "abu",
        "ben",
        "bay",
        "da",
        "dan",
        "del",
        "den",
        "di",
        "dom",
        "don",
        "dos",
        "du",
        "el",
        "la",
        "le",
        "mag",
        "pan",
        "ten",
        "van",
    ]
)
_FEMALE = frozenset(
    fold(word)
    for word in """
        mrs ms miss lady madam maam frau fräulein madame mademoiselle mme mlle sra srta señora señorita
        doña dona signora signorina dottoressa mevrouw mevr pani rouva bayan госпожа
    """.split()  # noqa: SIM905
)
_MALE = frozenset(
    fold(word)
    for word in """
        mr sir lord herr monsieur sr señor don sig signor meneer dhr pan herra bay господин
    """.split()  # noqa: SIM905
)
_SUFFIX = re.compile(r"(?:先生|小姐|女士|太太|同学|老师|さん|さま|様|氏|くん|君|ちゃん|씨|님|선생님|군|양)\Z")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
INITIALS = "ABCDEFGHIJKLMNOPRSTVW"
TRIES = 24  # draws from the pool before two names are joined


class Word(NamedTuple):
    """A word of a name as it stands in a value."""

    start: int
    end: int
    text: str
    folded: str
    role: str  # first, last or initial


def words_of(value: str) -> list[Word]:
    """The words of a person's name that are to be replaced; titles and particles are left out."""
    found = list(WORD.finditer(value))
    spans: list[tuple[int, int]] = []
    titled = False
    for each in found:
        text = each[0]
        outer = each in (found[0], found[-1])
        a_name = outer and text[:1].isupper() and fold(text) in ALSO_NAMES
        if fold(text) in KEPT and not a_name and (not text.isupper() or len(text) > 2):
            titled = titled or fold(text) in _FEMALE | _MALE | {"dr", "prof", "professor"}
            continue
        spans += _divided(text, each.start())
    comma = value.find(",")
    words: list[Word] = []
    for number, (start, end) in enumerate(spans):
        text = value[start:end]
        last = number == len(spans) - 1 if comma < 0 else end <= comma
        if len(spans) == 1:
            last = titled or _is_last(text)
        east = written_in(text) in UNSPACED
        role = "last" if (number == 0 and len(spans) > 1 if east else last) else "first"
        single = len(text) == 1 and not east
        words.append(Word(start, end, text, fold(text), "initial" if single else role))
    return words


def _divided(text: str, at: int) -> list[tuple[int, int]]:
    """The words in a run of letters: surname and given name where a language writes them together."""
    language = written_in(text)
    if language not in UNSPACED:
        return [(at, at + len(text))]
    text = _SUFFIX.sub("", text) or text
    for size in (3, 2, 1):
        if len(text) > size and text[:size] in _surnames():
            return [(at, at + size), (at + size, at + len(text))]
    return [(at, at + len(text))]


@cache
def _surnames() -> frozenset[str]:
    """Surnames of the languages that write no space behind them."""
    return frozenset(name for code in UNSPACED for name in pools()[code]["last"])


def _is_last(text: str) -> bool:
    """Whether a word that stands alone is rather a surname."""
    kinds = {each.kind for each in known().get(fold(text), ())}
    return bool(kinds) and not kinds & {"female", "male"}


def gender_told(value: str) -> str:
    """`female` or `male` where a title says so."""
    titles = {fold(each[0]) for each in WORD.finditer(value)}
    return "female" if titles & _FEMALE else "male" if titles & _MALE else ""


class Names:
    """The fake words of one scope."""

    def __init__(self, key: bytes, scope: str, taken: Collection[str]) -> None:
        self.key, self.scope, self.taken = key, scope, taken
        self.fakes: dict[str, str] = {}  # folded word to its fake
        self.used: set[str] = set()
        self.people: set[tuple[str, str]] = set()  # (first, last), folded
        self.initials: dict[tuple[str, str], str] = {}  # (initial, last) to the fake's initial
        self.spelled: dict[str, str] = {}  # a folded word as an address spells it, where that differs
        self.joined: dict[str, str] = {}  # names as they are written together in addresses

    def learn(self, values: Collection[str], also: Mapping[str, str] | None = None) -> None:
        """Give a fake to each word of these names, and of the words in `also`, each with a language or none."""
        kinds: dict[str, Counter[Known]] = {}
        initials: set[tuple[str, str]] = set()
        for value in sorted(set(values)):
            words = words_of(value)
            for word, which in self._kinds(value, words):
                kinds.setdefault(word, Counter())[which] += 1
            lasts = [w.folded for w in words if w.role == "last"]
            self.people |= {(w.folded, last) for w in words if w.role == "first" for last in lasts}
            initials |= {(w.folded, last) for w in words if w.role == "initial" for last in lasts or [""]}
        for word, language in (also or {}).items():
            which = known().get(word, (Known(written_in(word) or language or "en", "last"),))[0]
            if language and which.language != language:
                which = Known(language, "last")
            kinds.setdefault(word, Counter())[which] += 1
        for word in sorted(kinds):
            best = min(kinds[word].items(), key=lambda item: (-item[1], item[0]))[0]
            self.fakes.setdefault(word, self._drawn(word, best))
        self._link(initials)
        for value in values:
            for named in words_of(value):
                spelled = fold(named.text.casefold().translate(_UMLAUTS))
                if spelled != named.folded:  # an address writes `ue` for `ü`
                    self.spelled[named.folded] = spelled
        self.joined |= self._joined()

    def _kinds(self, value: str, words: list[Word]) -> Iterable[tuple[str, Known]]:
        """Each word with the language of the whole name and what it is in it."""
        votes: Counter[str] = Counter()
        for word in words:
            languages = dict.fromkeys(each.language for each in known().get(word.folded, ()))
            for language in languages:
                # first names travel, and a word that many languages have tells of none
                votes[language] += (2_000 if word.role == "last" else 1_000) // len(languages)
        script = written_in(value)
        order = list(pools())
        ranked = sorted(votes, key=lambda code: (-votes[code], code != script, order.index(code)))
        language = ranked[0] if ranked else script or "en"
        told = gender_told(value)
        for word in words:
            if word.role == "initial":
                continue
            if word.role == "first":
                kind = told or _gender(word.folded, language) or "first"
            else:
                kind = _surname_kind(language, word.folded)
            yield word.folded, Known(language, kind)

    def _drawn(self, word: str, which: Known) -> str:
        """A name of that language and kind which no other word has and nobody of the data is called."""
        pool = _pool(which)
        draw = Draw(self.key, "word", self.scope, word)
        joint = "" if which.language in UNSPACED else "-"
        for attempt in range(100_000):
            fake = joint.join(draw.pick(pool) for _ in range(1 + attempt // TRIES))
            folded = fold(fake)
            parts = [folded, *folded.split("-")]
            if folded not in self.used and folded != word and not any(part in self.taken for part in parts):
                break
        self.used.add(folded)
        return fake

    def _link(self, initials: set[tuple[str, str]]) -> None:
        """Give initials the letter of the fake name that they stand for, others one of their own."""
        given = {(self.fakes[first][0].upper(), last) for first, last in self.people if first in self.fakes}
        for initial, last in sorted(initials):
            full = sorted(one for one, two in self.people if two == last and one.startswith(initial))
            if full:
                self.initials[initial, last] = self.fakes[full[0]][0].upper()
                continue
            draw = Draw(self.key, "initial", self.scope, initial, last)
            free = [each for each in INITIALS if (each, last) not in given and each.lower() != initial]
            self.initials[initial, last] = draw.pick(free or INITIALS)
            given.add((self.initials[initial, last], last))

    def fake(self, value: str) -> str:
        """The name with each of its words replaced."""
        words = words_of(value)
        lasts = [w.folded for w in words if w.role == "last"] or [""]
        made = value
        for word in reversed(words):
            if word.role == "initial":
                new = self.initials.get((word.folded, lasts[0]), "X")
            else:
                new = self.fakes[word.folded]
            made = made[: word.start] + as_written(new, word.text) + made[word.end :]
        return made

    def local_part(self, word: str) -> str | None:
        """What a word of an e-mail address becomes if it is made of names: `aschmidt` as `cweber`."""
        return self.fakes.get(word) or self.joined.get(word)

    def _joined(self) -> dict[str, str]:
        """How names are written in addresses, alone and together, with the fakes so written."""
        forms = {spelled: self.fakes[word] for word, spelled in self.spelled.items() if word in self.fakes}
        for first, last in sorted(self.people):
            one, two = self.fakes[first], self.fakes[last]
            for a in {first, self.spelled.get(first, first)}:
                for b in {last, self.spelled.get(last, last)}:
                    forms |= {a[0] + b: one[0] + two, b + a[0]: two + one[0], a + b[0]: one + two[0]}
                    forms |= {a + b: one + two, b + a: two + one}
        return forms


def _gender(folded: str, language: str) -> str:
    """`female` or `male`, as the language has it, else as most do; empty where neither is clear."""
    entries = known().get(folded, ())
    for listed in ([e.kind for e in entries if e.language == language], [e.kind for e in entries]):
        more = listed.count("female") - listed.count("male")
        if more:
            return "female" if more > 0 else "male"
    return ""


def _surname_kind(language: str, folded: str) -> str:
    """`last`, or which of the two forms where a language has two."""
    if "last_female" not in pools()[language]:
        return "last"
    return "last_female" if folded.endswith(("a", "а", "я", "α", "η", "ου")) else "last_male"


def _pool(which: Known) -> tuple[str, ...]:
    """The names to draw from."""
    kinds = pools()[which.language]
    if which.kind == "first":
        return kinds["female"] + kinds["male"]
    if which.kind in kinds:
        return kinds[which.kind]
    return kinds.get("last") or kinds["last_male"]
