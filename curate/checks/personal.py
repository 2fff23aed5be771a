"""Whether a value that has the form of personal data is anybody's."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

CONTEXT_FREE = 0.4  # what Presidio gives a telephone with nothing to support it
SHORTEST_PHONE = 7  # digits; shorter ones are postcodes and years
_OTHER_NUMBER = re.compile(
    r"(?i)(?<![a-z])(?:order|invoice|ticket|ref|reference|case|tracking|shipment|parcel|id|isbn|issn|serial|sku|item|article|zip"
    r"|account|booking|customer|policy|version|bestell\w*|kunden\w*|rechnung\w*|#)\W{0,3}(?:number|num|no|nr|id|code|is)?[\W_]{0,4}\Z"
)
_SUM = re.compile(
    r"\d(?:[ .,']000){2,}\Z|\d {2,}\d.*\d {2,}\d|\A\+?\d+\.\d{1,3}\Z|\A\d{1,3}\.\d{5,}\Z|\A255\.|\A(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|\Z)){4}\Z|\d +[-/–—] +\d|\b(?:1[5-9]|20)\d\d[-/–—](?:1[5-9]|20)\d\d\b|(?:\b\d ){4}|\A0\.|\A[01 ]+\Z"
)
_DATE = re.compile(
    r"(?:0?[1-9]|[12]\d|3[01])([-./])(?:0?[1-9]|1[0-2])\1(?:19|20)\d\d|(?:19|20)\d\d([-./ ])(?:0?[1-9]|1[0-2])\2(?:0?[1-9]|[12]\d|3[01])"
)
# of a work: its year in brackets, and the pages; of a telephone only where a word says so
_CITATION = re.compile(
    r"\(?(?:1[89]|20)\d\d[a-z]?\)[ ,:]*\d{1,5}(?:[-–—]{1,2}\d{1,5})?\Z|\d{1,4}[-–—]{1,2}\d{1,4}\. ?(?:1[89]|20)\d\d\Z"
)
_SAYS_PHONE = re.compile(
    r"(?i)(?:tel|phone|fon|fax|call|mobil|cell|dial|ring|whatsapp)[a-zé]{0,8}[.:\s]{0,3}\Z"
)
# what stands before the number of a link, an issue, a part
_IN_A_LINK = re.compile(
    r"(?i)(?:://|www\.)\S*\Z|(?<![a-z])(?!(?:tel|phone|fon|fax|mobil|mobile|cell|handy|whatsapp|wa)[-_])[a-z]{2,}\d*[-_]\Z"
)
_DIALLED = re.compile(r"(?i)(?:wa\.me/|tel:|whatsapp|phone=|tel=|mobile=|number=|callto:)\S*\Z")
_WRITTEN_PHONE = re.compile(
    r"00[1-9][\d ().\-/]{7,18}|\(\d{2,5}\) ?\d[\d \-/]{4,11}|0\d{1,4}[ /-]\d[\d -]{4,10}|0\d(?:[ .-]\d\d){4}"
    r"|0[1-9]\d{8,10}|\d{3}([ .-])\d{3}\1\d{4}|\d{2} \d{4,5}[ -]\d{4}"
)
_COUNTED = "0123456789012345"
_DIGITS = re.compile(r"\D")
# first digits and lengths in use; a time in thousandths of a second (13 digits) fits one in ten checksums
_CARD = re.compile(
    r"(?:4(?:\d{12}|\d{15}|\d{18})|(?:5|6)\d{11,18}|2\d{15,18}|3[47]\d{13}|3(?:0[0-59]|[689]\d)\d{11,16}|35\d{14,17}|(?:2131|1800)\d{11})\Z"
)
_FRACTION = re.compile(r"\d[.,]\Z")  # digits behind a point are no card, though one in ten fits
_VERSION = re.compile(r"(?i)(?:\bv|version|release|rev|chapter|section|clause|§)\W{0,3}\Z")
_EXAMPLES = [
    ip_network(net)
    for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
]
_NETWORK = re.compile(
    r"(?:\.0|/(?:[12]?\d|3[01]))\Z" r"|:.*/(?:\d\d?|1[01]\d|12[0-7])\Z"
)  # of many machines: no one's
_MASK = re.compile(r"255\.|(?:[0-9]{1,3}\.0\.0\.0|(?:[fF]{4}:){3,})")


def personal(entity: str, value: str, before: str, after: str, score: float) -> bool:
    """Whether a value of that form is anybody's, by itself and by what stands beside it.

    `before` and `after` are the characters beside it; a few are enough.
    """
    if entity == "PHONE_NUMBER":
        return "=" not in after and telephone(value, before, told=score > CONTEXT_FREE)
    if entity == "CREDIT_CARD":
        # other first digits are airlines' and petrol stations', and binary numbers
        fraction = _FRACTION.search(before) is not None
        return not fraction and _CARD.match(_DIGITS.sub("", value)) is not None and _luhn(value)
    if entity == "EMAIL_ADDRESS":
        return not (value.startswith("git@") and after[:1] in (":", "/"))  # a repository's, everybody's
    if entity == "IBAN_CODE":
        return _mod97(value)
    if entity == "IP_ADDRESS":
        part = _FRACTION.search(before) or re.match(r"\.\d", after)  # of a longer number with points
        return not part and not _VERSION.search(before) and _is_of_someone(value)
    return True


def telephone(value: str, before: str, *, told: bool) -> bool:
    """Whether digits are a telephone rather than an order id, a sum or years.

    `told` is whether a form that nothing else has, or a word beside it, says so. Without that the
    value must be written as telephones are: a row of digits is as often something else.
    """
    digits = "".join(char for char in value if char.isdigit())
    if len(digits) < SHORTEST_PHONE or _SUM.search(value) or _DATE.fullmatch(value):
        return False
    if value in _COUNTED:  # every digit once, to show a form
        return False
    if _CITATION.match(value) and not _SAYS_PHONE.search(before):
        return False
    if _IN_A_LINK.search(before) and not _DIALLED.search(before):
        return False
    if value.startswith("+"):
        return value[1:2] != "0"  # no country has one
    return not _OTHER_NUMBER.search(before) and (told or _WRITTEN_PHONE.fullmatch(value) is not None)


def _is_of_someone(value: str) -> bool:
    """Whether an address is not everybody's: loopback, private networks, and `a::b` of a program."""
    try:
        address = ip_address(value.strip().split("/")[0].split("%")[0])
    except ValueError:
        return True
    if address.version == 6:
        groups = [group for group in value.split(":") if group]
        if len(groups) <= 2 or not any(char.isdigit() for char in value):
            return False
    if _NETWORK.search(value):
        return False
    return reserved(value) or (address.is_global and not address.is_multicast and not _MASK.match(value))


def reserved(value: str) -> bool:
    """Whether an address is of a network kept for examples (RFC 5737, 3849): nobody's, and written for real ones."""
    try:
        address = ip_address(value.strip().split("/")[0].split("%")[0])
    except ValueError:
        return False
    return any(address in net for net in _EXAMPLES if net.version == address.version)


def _luhn(value: str) -> bool:
    """Whether the check digit of a card number fits."""
    digits = [int(char) for char in value if char.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _mod97(value: str) -> bool:
    """Whether the check digits of an IBAN fit."""
    compact = "".join(char for char in value.upper() if char.isascii() and char.isalnum())
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1
