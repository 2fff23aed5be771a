"""The fakes of one scope (a conversation or a whole dataset): which value becomes what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from curate.pseudonyms import contacts, numbers
from curate.pseudonyms.dead import dead
from curate.pseudonyms.key import Draw, digest_of
from curate.pseudonyms.people import Names, words_of
from curate.pseudonyms.places import NATIONS, TITLES, location, organisation, own_words, towns
from curate.pseudonyms.streets import language_told
from curate.pseudonyms.words import WORD, ascii_letters, fold

PERSONS = frozenset(("PERSON", "PER", "NAME", "FIRST_NAME", "LAST_NAME"))
PLACES = frozenset(("LOCATION", "LOC", "GPE", "ADDRESS", "STREET_ADDRESS", "CITY", "COUNTRY", "FACILITY"))
FIRMS = frozenset(("ORGANIZATION", "ORGANISATION", "ORG", "COMPANY"))
MAILS = frozenset(("EMAIL_ADDRESS", "EMAIL"))
PHONES = frozenset(("PHONE_NUMBER", "PHONE"))
HANDLES = frozenset(("USERNAME", "USER_NAME", "HANDLE"))
# values that many people share: their fake is another one, but it cannot be one that nobody has
SHARED = frozenset(("AGE", "DATE_TIME", "DATE", "DATE_OF_BIRTH", "NRP", "TITLE", "ZIP_CODE", "POSTCODE"))
# numbers that are written in groups or in one
_WRITTEN_APART = frozenset(
    (
        "CREDIT_CARD", "US_SSN", "US_ITIN", "UK_NHS", "IBAN_CODE", "IBAN", "MAC_ADDRESS",
        "PASSPORT", "DRIVER_LICENSE", "LICENSE_PLATE", "NATIONAL_ID", "HEALTH_RECORD", "BANK_ACCOUNT",
    )
)  # fmt: skip
TRIES = 200

Maker = Callable[[str, Draw], str]

MAKERS: dict[str, Maker] = {
    "CREDIT_CARD": numbers.card,
    "IBAN_CODE": numbers.iban,
    "IBAN": numbers.iban,
    "IP_ADDRESS": contacts.ip,
    "MAC_ADDRESS": contacts.mac,
    "US_SSN": numbers.ssn,
    "US_ITIN": numbers.itin,
    "UK_NHS": numbers.nhs,
    "ES_NIF": numbers.nif,
    "ES_NIE": numbers.nif,
    "URL": contacts.url,
    "DOMAIN_NAME": contacts.url,
    "CRYPTO": lambda value, draw: numbers.shaped(
        value, draw, keep="bc1" if value[:3] == "bc1" else value[:1]
    ),
    "AGE": numbers.age,
    "DATE_TIME": numbers.date,
    "DATE": numbers.date,
    "DATE_OF_BIRTH": numbers.date,
    "NRP": lambda value, draw: draw.pick(NATIONS),
    "TITLE": lambda value, draw: draw.pick(TITLES),
    **dict.fromkeys(PHONES, contacts.phone),
}


def identity(label: str, value: str) -> tuple[str, str]:
    """(kind, normal form) of a value: equal for two ways to write one thing."""
    if label in PHONES:
        return "phone", re.sub(r"\D", "", value)[-9:]
    if label in MAILS:
        return "mail", value.casefold()
    if label.startswith("SECRET_"):
        return "secret", value
    if label in _WRITTEN_APART:
        return label, re.sub(r"[\W_]", "", value).casefold()
    kind = (
        "person" if label in PERSONS else "place" if label in PLACES else "firm" if label in FIRMS else label
    )
    return kind, " ".join(value.casefold().split())


@dataclass(frozen=True)
class Real:
    """What really stands in a dataset: no fake may be equal to any of it."""

    values: frozenset[str] = frozenset()  # normal forms
    words: frozenset[str] = frozenset()  # folded words of names, places and organisations

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Real:
        """Of (label, value) pairs."""
        values: set[str] = set()
        words: set[str] = set()
        for label, value in pairs:
            values.add(identity(label, value)[1])
            if label in PERSONS | PLACES | FIRMS | MAILS | HANDLES:
                words |= {fold(each[0]) for each in WORD.finditer(value)}
        return cls(frozenset(values), frozenset(words))


@dataclass
class Book:
    """The fakes of one scope, all chosen at once and in one order, by the key alone."""

    key: bytes
    scope: str
    real: Real
    names: Names = field(init=False)
    used: dict[str, tuple[str, str]] = field(default_factory=dict)  # fake's normal form to whose it is
    chosen: dict[tuple[str, str], int] = field(default_factory=dict)  # identity to which draw was free
    towns_: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = Names(self.key, self.scope, self.real.words)

    def learn(self, pairs: Iterable[tuple[str, str]]) -> Book:
        """Choose a fake for each (label, value)."""
        known = sorted(set(pairs))
        persons = [value for label, value in known if label in PERSONS]
        self.names.learn(persons)
        rest: dict[str, str] = {}  # to the language that is told by what stands around it
        for label, value in known:
            if label in FIRMS | PLACES:
                language = language_told(value) if label in PLACES else ""
                rest |= {word: rest.get(word) or language for word in own_words(value)}
            elif label in MAILS | HANDLES:
                local = value.rpartition("@")[0] if label in MAILS else value
                parts = {fold(each[0]) for each in WORD.finditer(local)}
                rest |= {
                    p: rest.get(p, "")
                    for p in parts
                    if len(p) > 2 and p not in contacts.ROLES and not self.names.local_part(p)
                }
        self.names.learn((), {word: rest[word] for word in sorted(rest) if word not in self.names.fakes})
        for label, value in known:
            if label not in PERSONS:
                self._choose(label, value)
        return self

    def fake(self, label: str, value: str) -> str:
        """The fake of a value that was learned."""
        if label in PERSONS and words_of(value):
            return self.names.fake(value)
        attempt = self.chosen.get(identity(label, value))
        if attempt is None:  # nothing was free, or it is no name
            return f"[{label}_{digest_of(self.key, self.scope + label, value)}]"
        return self._made(label, value, attempt)

    def _choose(self, label: str, value: str) -> None:
        """Find the first draw whose fake is nobody's, neither of the data nor of this scope."""
        mine = identity(label, value)
        if mine in self.chosen or not any(each.isalnum() for each in value):
            return
        for attempt in range(TRIES):
            made = self._made(label, value, attempt)
            normal = identity(label, made)[1]
            if normal == mine[1] or made == value:
                continue
            if label in SHARED:
                self.chosen[mine] = attempt
                return
            if normal not in self.real.values and self.used.get(normal, mine) == mine:
                self.used[normal] = mine
                self.chosen[mine] = attempt
                return

    def _made(self, label: str, value: str, attempt: int) -> str:
        kind, normal = identity(label, value)
        draw = Draw(self.key, "fake", self.scope, kind, normal, str(attempt))
        if label in MAILS:
            return self._mail(value, draw, attempt)
        if label in HANDLES:
            return self._handle(value, draw, attempt)
        if label in FIRMS:
            return organisation(value, draw, self._word)
        if label in PLACES:
            return location(value, draw, self._word, self._town)
        if label.startswith("SECRET_"):
            return dead(value, draw)
        return MAKERS.get(label, numbers.shaped)(value, draw)

    def _word(self, folded: str) -> str:
        return self.names.fakes.get(folded, folded.title())

    def _town(self, folded: str, like: str) -> str:
        """A town that stands for another throughout the scope, and for no second one."""
        if folded not in self.towns_:
            draw, pool = Draw(self.key, "town", self.scope, folded), towns(folded, like)
            taken = {fold(each) for each in self.towns_.values()}
            for attempt in range(TRIES):
                town = "-".join(draw.pick(pool) for _ in range(1 + attempt // 24))
                if (
                    fold(town) not in taken
                    and fold(town) != folded
                    and fold(town) not in self.real.values | self.real.words
                ):
                    break
            self.towns_[folded] = town
        return self.towns_[folded]

    def _mail(self, value: str, draw: Draw, attempt: int) -> str:
        """An address of the same form whose names follow the person's fake."""
        local, _, host = value.rpartition("@")
        near = Draw(self.key, "host", self.scope, host.casefold(), str(attempt // 50))
        made = self._handle(local, draw, attempt)
        made = "".join(each for each in made if each.isascii()) or "user"
        return f"{made}@{contacts.domain(host, near)}"

    def _handle(self, value: str, draw: Draw, attempt: int) -> str:
        """A user's name: words that are somebody's names become the fake's, digits others."""
        made, at = [], 0
        for each in WORD.finditer(value):
            made += [_other_digits(value[at : each.start()], draw), self._part(each[0], draw)]
            at = each.end()
        text = "".join([*made, _other_digits(value[at:], draw)])
        return text + str(draw.below(10 ** min(6, 1 + attempt))) if attempt else text

    def _part(self, word: str, draw: Draw) -> str:
        folded = fold(word)
        if folded in contacts.ROLES:
            return word
        fake = self.names.local_part(folded)
        if fake is None:
            return numbers.shaped(word, draw)
        plain = ascii_letters(fake) or numbers.shaped("x" * len(word), draw)
        return (
            plain.upper() if len(word) > 1 and word.isupper() else plain.title() if word.istitle() else plain
        )


def _other_digits(text: str, draw: Draw) -> str:
    return re.sub(r"\d+", lambda found: numbers.shaped(found[0], draw), text)
