"""Personal data and secrets, as spans to redact."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from typing import ClassVar, NamedTuple

import polars as pl

from curate.check import Scan
from curate.checks.patterns import Result
from curate.checks.recognisers import COUNTRIES, analyser
from curate.checks.secrets import secrets
from curate.errors import ConfigError
from curate.example import KEY, strings
from curate.finding import FINDINGS

ENTITIES = (
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "CREDIT_CARD",
    "IBAN_CODE",
    "IP_ADDRESS",
    "MAC_ADDRESS",
    "US_SSN",
    "CRYPTO",
)
NOISY = (  # on request: they fire on ordinary numbers and words
    "DATE_TIME",
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
PIECE = 4_000  # characters given to the recognisers at once: keeps their time linear
_EMAIL = ("EMAIL_ADDRESS",)
CONTEXT_FREE = 0.4  # what Presidio gives a telephone with nothing to support it
SHORTEST_PHONE = 7  # digits; shorter ones are postcodes and years
OVERLAP = 400  # of one piece with the next; no value is that long
_ESCAPE = re.compile(r"\\+(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)

_PARAMETER = re.compile(r"\A[^@]*[=/?&|{}`^](?=[^@=/?&|{}`^]+@)")
_NO_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{129,}")

_OTHER_NUMBER = re.compile(
    r"(?i)(?<![a-z])(?:order|invoice|ticket|ref|reference|case|tracking|shipment|parcel|id|isbn|issn|serial|sku|item|article|zip"
    r"|account|booking|customer|policy|version|bestell\w*|kunden\w*|rechnung\w*|#)\W{0,3}(?:number|num|no|nr|id|code|is)?[\W_]{0,4}\Z"
)
_SUM = re.compile(
    r"\d +[-/–—] +\d|\b(?:1[5-9]|20)\d\d[-/–—](?:1[5-9]|20)\d\d\b|(?:\b\d ){4}|\A0\.|\A[01 ]+\Z"
)
_WRITTEN_PHONE = re.compile(
    r"00[1-9][\d ().\-/]{7,18}|\(\d{2,5}\) ?\d[\d \-/]{4,11}|0\d{1,4}[ /-]\d[\d -]{4,10}|0\d(?:[ .-]\d\d){4}"
    r"|0[1-9]\d{8,10}|\d{3}([ .-])\d{3}\1\d{4}|\d{2} \d{4,5}[ -]\d{4}"
)
_PHONE_KEY = re.compile(  # of a place in `meta`: a column of numbers to call, not of calls made
    r"\Ameta:.*(?:[/_ ]|[a-z](?=[A-Z]))(?i:(?:cell|mobile|tele)?phone|mobile|cell|tel|fax|whatsapp|msisdn|telefon"
    r"|handy|mobil|rufnummer|téléphone|portable|teléfono|móvil|telefone|telefono|cellulare)"
    r"(?i:s?[_ ]?(?:number|num|no|nr)?s?)[0-9]?(?:/[0-9]+)*\Z"
)
_VERSION = re.compile(r"(?i)(?:\bv|version|release|rev|chapter|section|clause|§)\W{0,3}\Z")
_PRIVATE = ("10.", "192.168.", "255.", *(f"172.{part}." for part in range(16, 32)))


class Span(NamedTuple):
    """A place in a text, in characters, half open."""

    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True)
class Pii:
    """Mark personal data by form (Presidio's pattern recognisers, no language model) and keys.

    Looks at every string of an example: contents, names, tool calls, chosen, rejected, labels, and
    all strings, keys and long numbers in `meta`; `fields` may limit it. A name or an address has no form and is not
    found. `entities` are Presidio's; `threshold` is from 0 to 1; `phone_regions` are two-letter
    codes; `countries` are two small letters each and
    add the national numbers that have check digits (ES_NIF, IT_FISCAL_CODE). Loopback and private network addresses are no one's and are left out. Keys and tokens
    have labels that begin with SECRET_ and are always looked for. The evidence holds no value.
    """

    name: ClassVar[str] = "pii"
    version: ClassVar[int] = 2
    entities: tuple[str, ...] = ENTITIES
    threshold: float = 0.4
    fields: tuple[str, ...] = FIELDS
    phone_regions: tuple[str, ...] = REGIONS
    countries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for setting, values, known in (
            ("entities", self.entities, (*ENTITIES, *NOISY)),
            ("fields", self.fields, FIELDS),
            ("countries", self.countries, COUNTRIES),
        ):
            for value in values:
                if value not in known:
                    raise ConfigError(f"pii.{setting} has `{value}`", hint=f"known are: {', '.join(known)}")
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"pii.threshold is {self.threshold}", hint="it is from 0 to 1")

    def obstacle(self, examples: pl.DataFrame) -> str:
        """It needs Presidio, and spaCy below it."""
        missing = [package for package in ("presidio_analyzer", "spacy") if find_spec(package) is None]
        return f"not installed: {', '.join(missing)} (pip install presidio-analyzer)" if missing else ""

    def scan(self, batch: pl.DataFrame) -> Scan:
        """One finding a span; spans that overlap are one."""
        rows: list[tuple[object, ...]] = []
        for example_id, message, field, text in strings(batch):
            if field.split(":", 1)[0] not in self.fields:
                continue
            # a column `phone` says of a bare number what a word beside it would say in a text
            lead = "phone: " if _PHONE_KEY.search(field) and not field.endswith(KEY) else ""
            found = _behind(len(lead), self.spans(lead + text, is_json=field == "tool_calls"))
            for span, also in merged(found):
                evidence: dict[str, object] = {"kind": span.label, "characters": span.end - span.start}
                if also:
                    evidence["also"] = also
                told = json.dumps(evidence)
                rows.append((example_id, message, field, *span, "redact", True, told))
        columns = (
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
        return Scan(pl.DataFrame(rows, schema={name: FINDINGS[name] for name in columns}, orient="row"))

    def spans(self, text: str, *, is_json: bool = False) -> Iterator[Span]:
        """All spans in one text, some over others."""
        for label, start, end in secrets(text):
            yield Span(start, end, label, 1.0)
        # an escape within JSON must stay whole when the value beside it is cut out
        read = _ESCAPE.sub(lambda found: " " * len(found[0]), text) if is_json else text
        for start, end in pieces(read):
            piece = read[start:end]
            for reading, entities in _readings(piece, self.entities):
                # national numbers are looked for once, with all that is no e-mail address
                countries = self.countries if entities != _EMAIL else ()
                found = analyser(self.phone_regions, entities, countries, self.threshold).find(reading)
                ends = start == 0, end == len(read)
                yield from (
                    Span(start + span.start, start + span.end, span.label, span.score)
                    for span in _kept(found, piece, whole_at_ends=ends)
                )


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
        if _personal(result.entity, value, before, after, result.score):
            lead, tail = len(value) - len(value.lstrip()), len(value) - len(value.rstrip())
            yield Span(result.start + lead, result.end - tail, result.entity, round(result.score, 4))


def merged(spans: Iterator[Span]) -> Iterator[tuple[Span, list[str]]]:
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


def _personal(entity: str, value: str, before: str, after: str, score: float) -> bool:
    """Whether a value of that form is anybody's, by itself and by what stands beside it."""
    if entity == "PHONE_NUMBER":
        return "=" not in after and _telephone(value, before, told=score > CONTEXT_FREE)
    if entity == "CREDIT_CARD":
        # other first digits are airlines' and petrol stations', and binary numbers
        return value.startswith(("2", "3", "4", "5", "6", "1800")) and _luhn(value)
    if entity == "IBAN_CODE":
        return _mod97(value)
    if entity == "IP_ADDRESS":
        return not _VERSION.search(before) and _is_of_someone(value)
    return True


def _telephone(value: str, before: str, *, told: bool) -> bool:
    """Whether digits are a telephone rather than an order id, a sum or years.

    `told` is whether a form that nothing else has, or a word beside it, says so. Without that the
    value must be written as telephones are: a row of digits is as often something else.
    """
    digits = "".join(char for char in value if char.isdigit())
    if len(digits) < SHORTEST_PHONE or _SUM.search(value):
        return False
    if value.startswith("+"):
        return True
    return not _OTHER_NUMBER.search(before) and (told or _WRITTEN_PHONE.fullmatch(value) is not None)


def _is_of_someone(value: str) -> bool:
    """Whether an address is not everybody's: loopback, private networks, and `a::b` of a program."""
    try:
        address = ip_address(value.strip().split("/")[0].split("%")[0])
    except ValueError:
        return True
    if address.version == 6:
        groups = [group for group in value.split(":") if group]
        return len(groups) > 2 and any(char.isdigit() for char in value)
    # is_private would take in the documentation ranges, which stand for real ones in examples
    local = address.is_loopback or address.is_unspecified or address.is_link_local or address.is_multicast
    return not local and not value.startswith(_PRIVATE)


def _luhn(value: str) -> bool:
    """Whether the check digit of a card number fits."""
    digits = [int(char) for char in value if char.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _mod97(value: str) -> bool:
    """Whether the check digits of an IBAN fit."""
    compact = "".join(char for char in value.upper() if char.isascii() and char.isalnum())
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1
