"""Personal data and secrets, as spans to redact."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from typing import ClassVar, NamedTuple

import polars as pl

from curate.check import Scan
from curate.checks.again import Values
from curate.checks.identity import LABELS as IDENTITY
from curate.checks.identity import OPEN, SCORE, identity
from curate.checks.naming import NAMES, ON_REQUEST, TAGGED, Place, named
from curate.checks.patterns import Result
from curate.checks.patterns.phones import check_regions
from curate.checks.personal import personal, reserved
from curate.checks.recognisers import COUNTRIES, analyser
from curate.checks.recognisers import FIELDS as FIELDS_OF_FORMS
from curate.checks.secrets import secrets
from curate.errors import ConfigError
from curate.example import KEY, strings
from curate.finding import FINDINGS
from curate.names import check_name, marked
from curate.names.code import bare, within
from curate.names.conversation import Found

ENTITIES = (
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "CREDIT_CARD",
    "IBAN_CODE",
    "IP_ADDRESS",
    "MAC_ADDRESS",
    "US_SSN",
    "CRYPTO",
    *FIELDS_OF_FORMS,
    *IDENTITY,
    *NAMES,
)
NOISY = (  # on request: they fire on ordinary numbers and words, or say little of a person
    *ON_REQUEST,
    "URL",
    "US_BANK_NUMBER",
    "US_DRIVER_LICENSE",
    "US_ITIN",
    "US_PASSPORT",
    "UK_NHS",
    "MEDICAL_LICENSE",
    "UUID",
)
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "IN", "BR")
FIELDS = ("content", "name", "tool_calls", "tool_call_id", "chosen", "rejected", "label", "meta")
_PUBLIC = frozenset((*TAGGED, *OPEN))  # these hold nothing up
PIECE = 4_000  # characters given to the recognisers at once: keeps their time linear
_EMAIL = ("EMAIL_ADDRESS",)
AGAIN = 0.8  # score of a value of the same example in another form
OVERLAP = 400  # of one piece with the next; no value is that long
_ESCAPE = re.compile(r"\\+(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)

_PARAMETER = re.compile(r"\A[^@]*[=/?&|{}`^](?=[^@=/?&|{}`^]+@)")
_NO_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{129,}")

_PHONE_KEY = re.compile(  # of a place in `meta`: a column of numbers to call, not of calls made
    r"\Ameta:.*(?:[/_ ]|[a-z](?=[A-Z]))(?i:(?:cell|mobile|tele)?phone|mobile|cell|tel|fax|whatsapp|msisdn|telefon"
    r"|handy|mobil|rufnummer|téléphone|portable|teléfono|móvil|telefone|telefono|cellulare)"
    r"(?i:s?[_ ]?(?:number|num|no|nr)?s?)[0-9]?(?:/[0-9]+)*\Z"
)

_COLUMNS = (
    "example_id",
    "message",
    "field",
    "start",
    "end",
    "label",
    "score",
    "action",
    "blocking",
    "evidence",
)


class Span(NamedTuple):
    """A place in a text, in characters, half open."""

    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True)
class Pii:
    """Mark personal data by form (what Presidio's pattern recognisers find), names of persons, keys.

    Looks at every string of an example: contents, names, tool calls, chosen, rejected, labels, and
    all strings, keys and long numbers in `meta`; `fields` may limit it. `entities` are Presidio's, and
    those of the tagger that `names` names (`curate.names.tagger`); `threshold` is from 0 to 1;
    `phone_regions` are two-letter codes; `countries` are two small letters each and add the national
    numbers that have check digits (ES_NIF, IT_FISCAL_CODE). Loopback and private network addresses are
    no one's and are left out, and so are whole networks, and people of public life; an address of a network that is
    kept for examples has `reserved` in its evidence: in many a data set it stands for a real one. Keys and tokens have labels that begin
    with SECRET_ and are always looked for. What only the tagger says blocks nothing. The evidence holds
    no value; a person has a number in it, the same wherever that person is named in the example, and
    `person_unsure` where the name is a part of several persons' names: it is the one's named last.
    """

    name: ClassVar[str] = "pii"
    version: ClassVar[int] = 6
    entities: tuple[str, ...] = ENTITIES
    threshold: float = 0.4
    fields: tuple[str, ...] = FIELDS
    phone_regions: tuple[str, ...] = REGIONS
    countries: tuple[str, ...] = ()
    names: str = "auto"

    def __post_init__(self) -> None:
        for setting, values, known in (
            ("entities", self.entities, (*ENTITIES, *NOISY)),
            ("fields", self.fields, FIELDS),
            ("countries", self.countries, COUNTRIES),
        ):
            for value in values:
                if value not in known:
                    raise ConfigError(f"pii.{setting} has `{value}`", hint=f"known are: {', '.join(known)}")
        if self.phone_regions != REGIONS:
            check_regions(self.phone_regions)
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"pii.threshold is {self.threshold}", hint="it is from 0 to 1")
        check_name(self.names)

    def pinned(self) -> Pii:
        """The same, with the fingerprint of the model that `names` names, as a ledger should record it.

        Reads the model's files. So findings of another model of that name are not taken for these.
        """
        return replace(self, names=marked(self.names))

    def unlooked(self, examples: pl.DataFrame) -> tuple[str, str]:
        """The shipped tagger is made for English."""
        from curate.names.cover import uncovered

        return "names", uncovered(examples) if self.names == "auto" else ""

    def obstacle(self, examples: pl.DataFrame) -> str:
        """It needs Presidio, and spaCy below it."""
        missing = [package for package in ("presidio_analyzer", "spacy") if find_spec(package) is None]
        return f"not installed: {', '.join(missing)} (pip install presidio-analyzer)" if missing else ""

    def scan(self, batch: pl.DataFrame) -> Scan:
        """One finding a span; spans that overlap are one."""
        places = [
            place for place in map(Place._make, strings(batch)) if place.field.split(":", 1)[0] in self.fields
        ]
        rows: list[tuple[object, ...]] = []
        names = named(places, self.entities, self.names, self.threshold)
        forms = _everywhere(places, [self._by_form(place) for place in places], names)
        for place, found, by_form in zip(places, names, forms, strict=True):
            if place.field == "label":
                found = _of_label(place.text, found)
            people = sorted((each for each in found if each.person), key=lambda each: each.span.start)
            starts = [each.span.start for each in people]
            for span, also in merged((*by_form, *_beside(by_form, found))):
                evidence: dict[str, object] = {"kind": span.label, "characters": span.end - span.start}
                if also:
                    evidence["also"] = also
                person = _person(span, people, starts)
                if person is not None:
                    evidence["person"] = person.person
                    if person.unsure:
                        evidence["person_unsure"] = True
                blocking = not {span.label, *also} <= _PUBLIC
                if span.label == "IP_ADDRESS" and not also and reserved(place.text[span.start : span.end]):
                    evidence["reserved"] = "documentation"  # nobody's, or written where a real one stood
                where = (place.example_id, place.message, place.field)
                # a class that is called as somebody in the row: only a person can say whether it is meant
                by_name = place.field == "label" and not blocking
                rows.append(
                    (*where, *span, "review" if by_name else "redact", blocking, json.dumps(evidence))
                )
        return Scan(pl.DataFrame(rows, schema={name: FINDINGS[name] for name in _COLUMNS}, orient="row"))

    def _by_form(self, place: Place) -> list[Span]:
        """What a text holds by form alone."""
        # a column `phone` says of a bare number what a word beside it would say in a text
        lead = "phone: " if _PHONE_KEY.search(place.field) and not place.field.endswith(KEY) else ""
        spans = _behind(len(lead), self.spans(lead + place.text, is_json=place.field == "tool_calls"))
        return list(_no_constants(spans, place.text))

    def spans(self, text: str, *, is_json: bool = False) -> Iterator[Span]:
        """All spans in one text by form, without names; some over others."""
        for label, start, end in secrets(text):
            yield Span(start, end, label, 1.0)
        # an escape within JSON must stay whole when the value beside it is cut out
        read = _ESCAPE.sub(lambda found: " " * len(found[0]), text) if is_json else text
        for label, start, end in identity(read, self.entities):
            yield Span(start, end, label, SCORE)
        forms = _by_pattern(self.entities)
        if not forms and not self.countries:
            return
        for start, end in pieces(read):
            piece = read[start:end]
            for reading, entities in _readings(piece, forms):
                # national numbers are looked for once, with all that is no e-mail address
                countries = self.countries if entities != _EMAIL else ()
                found = analyser(self.phone_regions, entities, countries, self.threshold).find(reading)
                ends = start == 0, end == len(read)
                yield from (
                    Span(start + span.start, start + span.end, span.label, span.score)
                    for span in _kept(found, piece, whole_at_ends=ends)
                )


@lru_cache(maxsize=8)
def _by_pattern(entities: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the entities that patterns find."""
    return tuple(name for name in entities if name == "DATE_TIME" or name not in {*TAGGED, *IDENTITY})


def _everywhere(
    places: Sequence[Place], spans: list[list[Span]], names: Sequence[list[Found]]
) -> list[list[Span]]:
    """The spans by form, and those where a value of the example stands in another form."""
    begin = 0
    for end in range(1, len(places) + 1):
        if end < len(places) and places[end].example_id == places[begin].example_id:
            continue
        values = Values()
        tagged = [
            [Span(*each.span) for each in found if each.span.label == "PHONE_NUMBER"]
            for found in names[begin:end]
        ]
        if any(spans[begin:end]) or any(tagged):
            for at, others in zip(range(begin, end), tagged, strict=True):
                for span in (*spans[at], *others):
                    values.add(span.label, places[at].text[span.start : span.end])
            for at, others in zip(range(begin, end), tagged, strict=True):
                taken = [(span.start, span.end) for span in (*spans[at], *others)]
                more = values.places(places[at].text, taken) if places[at].field != "label" else ()
                spans[at] = [*spans[at], *(Span(low, high, label, AGAIN) for low, high, label in more)]
        begin = end
    return spans


def _no_constants(spans: Iterable[Span], text: str) -> Iterator[Span]:
    """The spans without numbers of program code that are taken for telephones: they stand in no string."""
    code: list[tuple[int, int]] | None = None
    for span in spans:
        if span.label == "PHONE_NUMBER" and text[span.start : span.end].isdigit():
            code = bare(text) if code is None else code
            if within(code, span.start, span.end):
                continue
        yield span


def _beside(by_form: list[Span], found: list[Found]) -> Iterator[Span]:
    """The names that no value found by form holds; numbers and the like only where none stands."""
    for span, *_ in found:
        over = [other for other in by_form if other.start < span.end and span.start < other.end]
        if span.label == "DATE_TIME":  # a form knows a date alone, a name of a moment has its time too
            over = [other for other in over if other.label != "DATE_TIME"]
        if span.label in ("PERSON", "LOCATION", "STREET_ADDRESS", "ORGANIZATION"):
            if not any(other.start <= span.start and span.end <= other.end for other in over):
                yield Span(*span)
        elif not over:
            yield Span(*span)


def _of_label(label: str, found: list[Found]) -> list[Found]:
    """The names in a label: only one that is all of it and more than a word.

    A name is looked for in a label since it was found in the row's texts. A class may well be called as
    a word that there is (part of) a name, and a label must not change by what its row says.
    """
    return [
        each
        for each in found
        if label[each.span.start : each.span.end] == label.strip() and " " in label.strip()
    ]


def _person(span: Span, people: list[Found], starts: list[int]) -> Found | None:
    """The name of the first person that a finding is about; `starts` are those of `people`, in order."""
    at = bisect_left(starts, span.start)
    return people[at] if at < len(people) and starts[at] < span.end else None


def _behind(lead: int, spans: Iterable[Span]) -> Iterator[Span]:
    """The spans as they stand in a text without the `lead` characters that were put before it."""
    for span in spans:
        if span.end > lead:
            yield span._replace(start=max(0, span.start - lead), end=span.end - lead)


def _readings(piece: str, entities: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is read for which entities: for e-mail without runs that no address is made of.

    On these Presidio's pattern for e-mail takes time with the square of their length.
    """
    if "EMAIL_ADDRESS" in entities and "@" in piece and _NO_ADDRESS.search(piece):
        yield _NO_ADDRESS.sub(lambda run: " " * (len(run[0]) - 64) + run[0][-64:], piece), _EMAIL
        entities = tuple(name for name in entities if name != "EMAIL_ADDRESS")
    yield piece, entities


def _kept(found: Iterable[Result], piece: str, *, whole_at_ends: tuple[bool, bool]) -> Iterator[Span]:
    """The results that are somebody's, trimmed; one cut by an end of its piece stands whole in the next."""
    for result in found:
        if (result.start == 0 and not whole_at_ends[0]) or (
            result.end == len(piece) and not whole_at_ends[1]
        ):
            continue
        value = piece[result.start : result.end]
        if result.entity == "EMAIL_ADDRESS":  # a parameter's name before it is not part of it
            value = _PARAMETER.sub(lambda lead: " " * len(lead[0]), value)
        before, after = piece[max(0, result.start - 32) : result.start], piece[result.end : result.end + 2]
        if personal(result.entity, value, before, after, result.score):
            lead, tail = len(value) - len(value.lstrip()), len(value) - len(value.rstrip())
            yield Span(result.start + lead, result.end - tail, result.entity, round(result.score, 4))


def merged(spans: Iterable[Span]) -> Iterator[tuple[Span, list[str]]]:
    """Spans that overlap as one over all of them, with the names that it goes without.

    It is named after the longest, then the surest. So nothing of a value is left beside the cut.
    """
    group: list[Span] = []
    for span in (*sorted(spans), None):
        if group and (span is None or span.start >= max(member.end for member in group)):
            best = max(group, key=lambda member: (member.end - member.start, member.score, member.label))
            end = max(member.end for member in group)
            also = sorted({member.label for member in group} - {best.label})
            yield Span(group[0].start, end, best.label, best.score), also
            group = []
        if span is not None:
            group.append(span)


def pieces(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of overlapping pieces, cut at white space where there is some near."""
    start = 0
    while len(text) - start > PIECE + OVERLAP:
        end = start + PIECE
        space = max(text.rfind(" ", end - OVERLAP // 2, end), text.rfind("\n", end - OVERLAP // 2, end))
        end = space + 1 if space >= 0 else end
        yield start, end
        start = end - OVERLAP
        space = text.find(" ", start, start + OVERLAP // 2)
        start = space + 1 if space >= 0 else start
    yield start, len(text)
