"""Whether a value that has the form of personal data is anybody's."""

from __future__ import annotations

import re
from ipaddress import ip_address

CONTEXT_FREE = 0.4  # what Presidio gives a telephone with nothing to support it
SHORTEST_PHONE = 7  # digits; shorter ones are postcodes and years
_OTHER_NUMBER = re.compile(
    r"(?i)(?<![a-z])(?:order|invoice|ticket|ref|reference|case|tracking|shipment|parcel|id|isbn|issn|serial|sku|item|article|zip"
    r"|account|booking|customer|policy|version|bestell\w*|kunden\w*|rechnung\w*|#)\W{0,3}(?:number|num|no|nr|id|code|is)?[\W_]{0,4}\Z"
)
_SUM = re.compile(
    r"\d +[-/–—] +\d|\b(?:1[5-9]|20)\d\d[-/–—](?:1[5-9]|20)\d\d\b|(?:\b\d ){4}|\A0\.|\A[01 ]+\Z"
)
_DATE = re.compile(
    r"(?:0?[1-9]|[12]\d|3[01])([-./])(?:0?[1-9]|1[0-2])\1(?:19|20)\d\d|(?:19|20)\d\d([-./])(?:0?[1-9]|1[0-2])\2(?:0?[1-9]|[12]\d|3[01])"
)
_WRITTEN_PHONE = re.compile(
    r"00[1-9][\d ().\-/]{7,18}|\(\d{2,5}\) ?\d[\d \-/]{4,11}|0\d{1,4}[ /-]\d[\d -]{4,10}|0\d(?:[ .-]\d\d){4}"
    r"|0[1-9]\d{8,10}|\d{3}([ .-])\d{3}\1\d{4}|\d{2} \d{4,5}[ -]\d{4}"
)
_FRACTION = re.compile(r"\d[.,]\Z")  # digits behind a point are no card, though one in ten fits
_VERSION = re.compile(r"(?i)(?:\bv|version|release|rev|chapter|section|clause|§)\W{0,3}\Z")
_PRIVATE = ("10.", "192.168.", "255.", *(f"172.{part}." for part in range(16, 32)))


def personal(entity: str, value: str, before: str, after: str, score: float) -> bool:
    """Whether a value of that form is anybody's, by itself and by what stands beside it.

    `before` and `after` are the characters beside it; a few are enough.
    """
    if entity == "PHONE_NUMBER":
        return "=" not in after and telephone(value, before, told=score > CONTEXT_FREE)
    if entity == "CREDIT_CARD":
        # other first digits are airlines' and petrol stations', and binary numbers
        fraction = _FRACTION.search(before) is not None
        return not fraction and value.startswith(("2", "3", "4", "5", "6", "1800")) and _luhn(value)
    if entity == "IBAN_CODE":
        return _mod97(value)
    if entity == "IP_ADDRESS":
        return not _VERSION.search(before) and _is_of_someone(value)
    return True


def telephone(value: str, before: str, *, told: bool) -> bool:
    """Whether digits are a telephone rather than an order id, a sum or years.

    `told` is whether a form that nothing else has, or a word beside it, says so. Without that the
    value must be written as telephones are: a row of digits is as often something else.
    """
    digits = "".join(char for char in value if char.isdigit())
    if len(digits) < SHORTEST_PHONE or _SUM.search(value) or _DATE.fullmatch(value):
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
