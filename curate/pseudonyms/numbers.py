"""Numbers of the same form that nobody has: cards, accounts, identity numbers, dates."""

from __future__ import annotations

import re

from curate.pseudonyms.key import Draw

# first digits of card numbers that the networks and processors name for tests
TEST_CARDS = {
    "4": ("424242", "400000", "411111"),
    "5": ("555555", "510510", "520082"),
    "2": ("222300", "222100"),
    "34": ("343434",),
    "37": ("378282", "371449", "378734"),
    "35": ("356600", "353011"),
    "30": ("305693",),
    "36": ("362272",),
    "38": ("385200",),
    "6": ("601111", "601100", "644564"),
    "62": ("620000",),
}
NIF = "TRWAGMYFPDXBNJZSQVHLCKE"
HEX = "0123456789abcdef"


def shaped(value: str, draw: Draw, *, keep: str = "") -> str:
    """A text of the same form: digits for digits, letters for letters of the same case, marks as they are.

    Where all letters are of those that hexadecimal numbers have, they stay so. `keep` is a beginning
    that stays. A first digit that is not 0 stays so.
    """
    rest = value[len(keep) :]
    is_hex = re.fullmatch(r"[0-9A-Fa-f\W_]*", rest) is not None and any(c.isdigit() for c in rest)
    letters = "abcdef" if is_hex else "abcdefghijklmnopqrstuvwxyz"
    # base 32 has no other digits
    base32 = len(rest) >= 16 and rest.isupper() and rest.isalnum() and not set(rest) & set("0189")
    made = [keep]
    for at, each in enumerate(rest):
        if each.isdigit():
            first = at == 0 and each != "0"
            digit = 2 + draw.below(6) if base32 else 1 + draw.below(9) if first else draw.below(10)
            made.append(str(digit))
        elif each.isalpha():
            letter = draw.pick(letters)
            made.append(letter.upper() if each.isupper() else letter)
        else:
            made.append(each)
    return "".join(made)


def laid_on(value: str, digits: str) -> str:
    """The value with its digits replaced, in order, by others."""
    waiting = iter(digits)
    return "".join(next(waiting) if each.isdigit() else each for each in value)


def _digits(value: str) -> str:
    return "".join(each for each in value if each.isdigit())


def luhn_digit(body: str) -> str:
    """The check digit that belongs behind a number."""
    doubled = [sum(divmod(2 * int(each), 10)) for each in body[::-1][::2]]
    return str(-(sum(doubled) + sum(int(each) for each in body[::-1][1::2])) % 10)


def card(value: str, draw: Draw) -> str:
    """A number of a test range of the same network, with a right check digit, in the same groups."""
    digits = _digits(value)
    brand = next((digits[:size] for size in (2, 1) if digits[:size] in TEST_CARDS), "4")
    body = draw.pick(TEST_CARDS[brand])
    body += draw.digits(max(0, len(digits) - 1 - len(body)))
    body = body[: len(digits) - 1]
    return laid_on(value, body + luhn_digit(body))


def iban(value: str, draw: Draw) -> str:
    """An account number of the same country and form whose two check digits are right."""
    compact = "".join(each for each in value if each.isalnum())
    country, account = compact[:2], shaped(compact[4:].upper(), draw)
    number = "".join(str(int(each, 36)) for each in account + country.upper() + "00")
    made = country + f"{98 - int(number) % 97:02d}" + account
    waiting = iter(made)
    written = "".join(next(waiting) if each.isalnum() else each for each in value)
    return written.lower() if value.islower() else written


def ssn(value: str, draw: Draw) -> str:
    """A number of area 666, which was never issued."""
    return laid_on(value, f"666{1 + draw.below(99):02d}{1 + draw.below(9999):04d}")


def itin(value: str, draw: Draw) -> str:
    """A taxpayer number with a group that is not issued."""
    return laid_on(value, f"9{draw.digits(2)}{1 + draw.below(49):02d}{draw.digits(4)}")


def nhs(value: str, draw: Draw) -> str:
    """A number of the range for tests (999) whose check digit is right."""
    while True:
        body = "999" + draw.digits(6)
        check = 11 - sum(int(each) * (10 - at) for at, each in enumerate(body)) % 11
        if check != 10:
            return laid_on(value, body + str(check % 11))


def nif(value: str, draw: Draw) -> str:
    """A Spanish number of 0 or X-like form whose letter is right."""
    made = shaped(value, draw, keep=value[:1] if value[:1].isalpha() else "")
    digits = _digits(made)
    lead = "XYZ".find(made[0].upper()) if made[:1].isalpha() else -1
    if not value[-1:].isalpha() or len(digits) not in (7, 8):
        return made
    number = int(f"{lead}{digits}" if lead >= 0 else digits)
    letter = NIF[number % 23]
    return made[:-1] + (letter if value[-1].isupper() else letter.lower())


def date(value: str, draw: Draw) -> str:
    """Another day in the same writing: years within three of it, days that every month has."""

    def number(found: re.Match[str]) -> str:
        size = len(found[0])
        if size == 4:
            return f"{max(1, int(found[0]) - 3 + draw.below(7)):04d}"
        most = 12 if int(found[0]) <= 12 else 28 if int(found[0]) <= 31 else 99
        if size == 2 and found[0][0] != "0" and most <= 28:  # of two figures again, or a month has 17
            return str(10 + draw.below(most - 9))
        made = str(1 + draw.below(min(most, 9) if size == 1 else most))
        return made.zfill(size)

    whole = re.sub(r"(?<!\d)(\d{4})(\d\d)(\d\d)(?!\d)", "\\1\0\\2\0\\3", value)  # 19760131 is three numbers
    return re.sub(r"\d{1,4}", number, whole).replace("\0", "")


def age(value: str, draw: Draw) -> str:
    """An age within four years of it."""
    return re.sub(r"\d+", lambda found: str(max(1, int(found[0]) - 4 + draw.below(9))), value)
