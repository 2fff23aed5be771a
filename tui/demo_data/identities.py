# ruff: noqa: SIM905 - a list of names is read more easily without two quotes around each
"""Invented personal data with valid check digits, from ranges set aside for fiction where there are such."""

import random
from collections.abc import Callable

FIRST = (
    "Anna Ben Clara David Elif Felix Grace Hugo Ines Jonas Karin Liam Maria Noah Olga Pavel Rosa Sven".split()
)
LAST = (
    "Meyer Novak Okafor Patel Quinn Rossi Schulz Tanaka Usman Vogel Weber Yilmaz Zhang Larsen Costa".split()
)


def person(rng: random.Random) -> str:
    """First and last name."""
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def email(rng: random.Random) -> str:
    """An address made of a name, at a domain that is nobody's."""
    first, last = person(rng).lower().split()
    name = rng.choice(
        (f"{first}.{last}", f"{first[0]}{last}", f"{last}{rng.randrange(60, 99)}", f"{first}_{last}")
    )
    return f"{name}@{rng.choice(('example.com', 'example.org', 'mail.example.net'))}"


def phone(rng: random.Random) -> str:
    """Numbers that regulators keep for films and books: Germany, Britain, France, North America."""
    three, four = rng.randrange(1000), rng.randrange(10000)
    return rng.choice(
        (
            f"+49 30 23125 {three:03}",
            f"030/23125{three:03}",
            f"+44 20 7946 0{three:03}",
            f"(020) 7946 0{three:03}",
            f"01 99 00 {four // 100:02} {four % 100:02}",
            f"(212) 555-01{four % 100:02}",
            f"+1-415-555-01{four % 100:02}",
        )
    )


def iban(rng: random.Random) -> str:
    """German, Dutch, British or French, mod-97 check digits, in groups of four or in one piece."""
    country, bank, digits = rng.choice(
        (("DE", "", 18), ("NL", "ABNA", 10), ("GB", "WEST", 14), ("FR", "", 23))
    )
    account = bank + "".join(rng.choices("0123456789", k=digits))
    number = int("".join(str(int(letter, 36)) for letter in account + country + "00"))
    whole = f"{country}{98 - number % 97:02}{account}"
    if rng.random() < 0.4:
        return whole
    return " ".join(whole[place : place + 4] for place in range(0, len(whole), 4))


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` pass the Luhn check when put behind."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def card(rng: random.Random) -> str:
    """Visa or Mastercard numbers, in one piece or in groups."""
    digits = rng.choice(("4929", "4539", "5425", "5233")) + "".join(rng.choices("0123456789", k=11))
    whole = digits + luhn_digit(digits)
    return rng.choice(("", " ", "-")).join(whole[place : place + 4] for place in range(0, 16, 4))


def address(rng: random.Random) -> str:
    """An IP address from the ranges for documentation."""
    last = rng.randrange(1, 255)
    return rng.choice(
        (f"203.0.113.{last}", f"198.51.100.{last}", f"192.0.2.{last}", f"2001:db8:0:{last:x}::1f")
    )


KINDS: dict[str, Callable[[random.Random], str]] = {
    "EMAIL": email,
    "PHONE": phone,
    "IBAN": iban,
    "CARD": card,
    "IP": address,
}

# {} is where the value goes; what a customer writes, what an agent writes.
ASKED = {
    "EMAIL": ("You can write to {}.", "My address is {}.", "Please answer to {} and not here."),
    "PHONE": ("Call me on {}.", "My number is {}.", "You can reach me at {} in the evening."),
    "IBAN": ("Please send the money to {}.", "My account is {}.", "IBAN {}."),
    "CARD": ("I paid with card {}.", "The card is {}.", "Card number {}, it is my own."),
    "IP": ("It says my address is {}.", "The log shows {}.", "We come from {} in the office."),
}
ANSWERED = {
    "EMAIL": ("we write to {}.", "copy sent to {}."),
    "PHONE": ("we call {}.", "we try {} again tomorrow."),
    "IBAN": ("the money goes to {}.", "we have {} on file."),
    "CARD": ("we see card {}.", "card {} is charged."),
    "IP": ("we see {} in the log.", "{} is open now."),
}
