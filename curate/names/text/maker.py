"""Makes texts from the grammar in `rules.txt`, with the place of each name known."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random

from curate.names.text import numbers
from curate.names.text.lists import KNOWN
from curate.names.text.people import People, Person, Segment, spelled
from curate.names.text.places import Places
from curate.names.text.sources import Sources

_SLOT = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_TOPS = ("com", "org", "net", "io", "co.uk", "de", "fr", "edu", "info")
Part = tuple[str, bool]  # (text, is a slot's name)
Rules = dict[str, list[list[Part]]]


def read_rules(name: str) -> tuple[Rules, dict[str, float]]:
    """The rules of a grammar file beside this one, and the weights of those that are whole documents."""
    rules: Rules = {}
    weights: dict[str, float] = {}
    current = ""
    for line in Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("# "):
            continue
        if line.startswith(":"):
            current, _, weight = line[1:].partition(" ")
            rules[current] = []
            if weight:
                weights[current] = float(weight)
        else:
            rules[current].append(_parts(line.replace("\\n", "\n").replace("\\t", "\t")))
    return rules, weights


def _parts(line: str) -> list[Part]:
    """A line as plain text and slots, in order."""
    parts: list[Part] = []
    at = 0
    for found in _SLOT.finditer(line):
        parts.append((line[at : found.start()], False))
        parts.append((found[1], True) if found[1] else (found[0][0], False))
        at = found.end()
    parts.append((line[at:], False))
    return [part for part in parts if part[0]]


def _words() -> dict[str, list[str]]:
    lines = Path(__file__).with_name("words.txt").read_text(encoding="utf-8").splitlines()
    return {line.partition(":")[0]: line.partition(":")[2].split() for line in lines if line}


class Maker:
    """Makes one text after the other; the same seed gives the same texts."""

    def __init__(self, sources: Sources, seed: int, grammar: str = "rules.txt") -> None:
        self._rng = Random(seed)
        self._people = People(sources)
        self._places = Places(sources, self._people)
        self._sources, self._lists = sources, _words()
        self._rules, weights = read_rules(grammar)
        self._documents, self._weights = list(weights), list(weights.values())
        self.common = [word for word in list(sources.words)[100:25000] if word.isalpha() and len(word) > 2]
        self._named: dict[str, Person] = {}
        self._values = self._table()

    def document(self) -> list[Segment]:
        """The next text, as pieces with their labels."""
        self._named = {}
        return self._expand(self._rng.choices(self._documents, self._weights)[0])

    def _expand(self, rule: str) -> list[Segment]:
        made: list[Segment] = []
        for text, is_slot in self._rng.choice(self._rules[rule]):
            made.extend(self._slot(text) if is_slot else [(text, "")])
        return made

    def _slot(self, name: str) -> list[Segment]:
        """What a slot becomes: a rule, a person of this text, a value or a word."""
        if name in self._rules:
            return self._expand(name)
        head, _, form = name.partition(".")
        if head in ("p", "p1", "p2", "first", "first2", "last", "full", "formal"):
            return self._person(head, form)
        if name in self._values:
            made = self._values[name]()
            return made if isinstance(made, list) else [(made, "")]
        return [(self._word(name), "")]

    def _person(self, head: str, form: str) -> list[Segment]:
        person = self._people.person(self._rng)
        if head in ("p1", "p2"):  # the same person through a text
            person = self._named.setdefault(head, person)
        elif head != "p":
            form = head.rstrip("2")
        if form == "plain":
            form = self._rng.choice(("full", "full", "full", "first", "formal", "upper", "inverted"))
        return spelled(person, self._rng, "inverted" if form == "inv" else form)

    def _word(self, name: str) -> str:
        """A word of a list; its case follows the slot's, an `s` after the list's name asks for more."""
        key = name.lower()
        rng = self._rng
        if key == "w":
            word = rng.choice(self.common)
        elif key in self._lists:
            word = rng.choice(self._lists[key]).replace("-", " ")
        elif key.removesuffix("s") in self._lists:
            word = rng.choice(self._lists[key.removesuffix("s")])
            word += "es" if word.endswith(("s", "x", "ch", "sh")) else "s"
        else:
            raise KeyError(f"no rule, value or list `{name}`")
        if name.isupper() and len(name) > 1:
            return word.upper()
        return word[:1].upper() + word[1:] if name[0].isupper() else word

    def _table(self) -> dict[str, Callable[[], str | list[Segment]]]:
        """Values by the name of their slot; with a label where they are a name."""
        rng, places, sources = self._rng, self._places, self._sources

        def labelled(make: Callable[[Random], str], label: str) -> Callable[[], list[Segment]]:
            return lambda: [(make(rng), label)]

        def pick(items: list[str] | tuple[str, ...], label: str = "") -> Callable[[], list[Segment]]:
            return lambda: [(rng.choice(items), label)]

        return {
            "city": labelled(places.city, "LOCATION"),
            "place": labelled(places.place, "LOCATION"),
            "address": labelled(places.address, "LOCATION"),
            "street": labelled(places.street, "LOCATION"),
            "streetname": lambda: [(places.street(rng).strip("0123456789, "), "LOCATION")],
            "country": pick(sources.countries, "LOCATION"),
            "state": pick(sources.states + sources.codes, "LOCATION"),
            "zip": labelled(places.zip_code, "ZIP_CODE"),
            "org": labelled(places.organisation, "ORGANIZATION"),
            "clinic": labelled(places.organisation, "ORGANIZATION"),
            "known": pick(KNOWN["people_known"], "PERSON"),
            "nat": pick(KNOWN["demonyms"], "NRP"),
            "faith": pick(KNOWN["faiths"][:22], "NRP"),
            "faithp": pick(KNOWN["faiths"][22:], "NRP"),
            "party": pick(KNOWN["parties"], "NRP"),
            "title": pick(KNOWN["titles"][:16], "TITLE"),
            "jobt": labelled(self._job, "TITLE"),
            "job": lambda: self._job(rng).lower(),
            "date": labelled(numbers.date, "DATE_TIME"),
            "time": lambda: [(f"{rng.randrange(24)}:{rng.randrange(60):02}", "DATE_TIME")],
            "year": labelled(numbers.year, "DATE_TIME"),
            "age": labelled(numbers.age, "AGE"),
            "phone": labelled(numbers.phone, "PHONE_NUMBER"),
            "id": lambda: numbers.identifier(rng),
            "amount": lambda: numbers.amount(rng),
            "num": lambda: str(rng.choice((rng.randrange(1, 13), rng.randrange(1, 100), rng.randrange(1, 3000)))),
            "bank": lambda: numbers.bank(rng),
            "ip": lambda: ".".join(str(rng.randrange(1, 255)) for _ in range(4)),
            "email": lambda: f"{self._handle()}@{places.brand(rng).lower().replace(' ', '')}.{rng.choice(_TOPS)}",
            "domain": lambda: f"{places.brand(rng).lower().replace(' ', '')}.{rng.choice(_TOPS)}",
            "url": lambda: f"{rng.choice(('https://', 'http://', 'www.', 'https://www.'))}{places.brand(rng).replace(' ', '')}.{rng.choice(_TOPS)}/{rng.choice(('', self._word('w')))}",
            "user": self._handle,
            "code": lambda: rng.choice((f"{self._word('w')}_{self._word('w')}", f"{self._word('w')}{self._word('W')}", f"{self._word('w')}{rng.randrange(9)}")),
            "ACR": lambda: "".join(rng.choice("ABCDEFGHIKLMNOPRSTUVWX") for _ in range(rng.randrange(2, 6))),
            "language": pick(("English", "Spanish", "French", "German", "Italian", "Portuguese", "Chinese", "Japanese", "Russian", "Arabic", "Hindi", "Dutch", "Polish", "Turkish", "Greek")),
            "product": pick(KNOWN["products"]),
            "work": lambda: f"{self._word('Adj')} {self._word('Noun')}",
            "pron": pick(("he", "she", "they")),
            "pronc": pick(("He", "She")),
            "pron2": pick(("him", "her", "them")),
            "I": lambda: rng.choice("ABCDEFGHJKLMNPRST"),
        }  # fmt: skip

    def _job(self, rng: Random) -> str:
        """An occupation, as a signature has it."""
        job = rng.choice(self._sources.jobs)
        if "," in job:  # `Engineer, civil` is `Civil engineer`
            kind, _, field = job.partition(", ")
            job = f"{field} {kind}".capitalize()
        return job.title() if rng.random() < 0.5 else job

    def _handle(self) -> str:
        """A name to log in by."""
        rng = self._rng
        first, last = self._people.first(rng).lower(), self._people.last(rng).lower()
        made = rng.choice(
            (
                f"{first}.{last}",
                f"{first}{rng.randrange(99)}",
                f"{first[0]}{last}",
                f"{self._word('w')}{rng.randrange(999)}",
                f"{first}{last.capitalize()}",
                f"{first}_{last}",
            )
        )
        return made.replace(" ", "").replace("'", "")
