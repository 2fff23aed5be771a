"""Dates, ages, telephone numbers, and numbers that are no one's."""

from __future__ import annotations

from random import Random

from curate.names.text.lists import KNOWN

_PHONES = (
    "(###) ###-####", "###-###-####", "### ### ####", "###.###.####", "+1 ###-###-####", "+1 (###) ###-####",
    "1-###-###-####", "##########", "(###)###-####", "+44 #### ######", "0## #### ####", "07### ######", "(0####) ######", "0#### ######",
    "+49 ### #######", "0### #######", "0## ########", "0#### / #####", "+33 # ## ## ## ##", "0# ## ## ## ##",
    "+34 ### ### ###", "### ## ## ##", "### ### ###", "## ## ## ##", "##-##-##-##", "+45 ## ## ## ##", "+36 ## ### ####",
    "(##) ###-###", "(##) ####-####", "+55 ## #####-####", "+39 ### #######", "0### ######", "+91 ##### #####",
    "##### #####", "+46 ##-### ## ##", "0##-### ## ##", "0###-######", "+61 # #### ####", "(0#) #### ####", "## #### ####", "+86 ### #### ####",
    "+81 ##-####-####", "+31 # ########", "06-########", "0##-#######", "+48 ### ### ###", "+420 ### ### ###",
    "### ### ## ##", "### ####", "###-####", "## ### ## ##", "(##) ### ## ##", "+## ### ### ###", "+### ## ### ###", "00## ### ######", "##-#### ####", "+##########", "+###########", "###-###-#### x###", "001-###-###-####x####", "(###) ###-#### ext. ##", "0### ### ###", "0## ### ####", "0##/#######", "#### ####", "0### ### ## ##", "0(###) ### ## ##",
)  # fmt: skip


def phone(rng: Random) -> str:
    """A telephone number as written in some country."""
    return filled(rng.choice(_PHONES), rng)


def filled(form: str, rng: Random) -> str:
    """The form with a digit for `#`, a letter for `@` and a hexadecimal digit for `~`."""
    made = []
    for char in form:
        if char == "#":
            made.append(rng.choice("0123456789"))
        elif char == "@":
            made.append(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ"))
        else:
            made.append(rng.choice("0123456789abcdef") if char == "~" else char)
    return "".join(made)


def _clock(rng: Random, hour: int, minute: int, second: int) -> str:
    """A time of day, in one of the usual forms."""
    return rng.choice(
        (
            f"{hour:02}:{minute:02}",
            f"{hour:02}:{minute:02}:{second:02}",
            f"{hour % 12 + 1}:{minute:02} {rng.choice(('am', 'pm', 'AM', 'PM', 'p.m.'))}",
        )
    )


def date(rng: Random) -> str:
    """A date or a moment, in one of the usual forms."""
    day, month, year = (
        rng.randrange(1, 29),
        rng.randrange(1, 13),
        rng.choice((rng.randrange(1930, 2031), rng.randrange(1995, 2027), rng.randrange(2015, 2027))),
    )
    name = rng.choice(
        (
            KNOWN["full_months"][month - 1],
            KNOWN["full_months"][month - 1],
            KNOWN["full_months"][month - 1][:3],
        )
    )
    nth = f"{day}{'th' if 10 <= day <= 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
    hour, minute, second = rng.randrange(24), rng.randrange(60), rng.randrange(60)
    clock = _clock(rng, hour, minute, second)
    numeric = rng.choice(
        (
            f"{year}-{month:02}-{day:02}",
            f"{month:02}/{day:02}/{year}",
            f"{day:02}.{month:02}.{year}",
            f"{month}/{day}/{year % 100:02}",
            f"{day}/{month}/{year}",
            f"{day}-{month}-{year}",
            f"{year}/{month:02}/{day:02}",
        )
    )
    foreign = rng.choice(KNOWN["foreign_months"])
    written = rng.choice(
        (
            f"{name} {day}, {year}",
            f"{day} {name} {year}",
            f"{name} {nth}",
            f"{nth} of {name}",
            f"{name} {year}",
            f"{nth} {name} {year}",
            f"{name} {day}",
            f"{day} {name}",
            f"{day}-{name[:3]}-{year}",
            f"{name} {nth}, {year}",
            f"{day} de {foreign} de {year}",
            f"{day}. {foreign} {year}",
            f"{day} {foreign} {year}",
        )
    )
    return rng.choices(
        (
            numeric,
            written,
            str(year),
            f"{numeric} {clock}",
            f"{numeric}T{hour:02}:{minute:02}:{second:02}Z",
            clock,
            f"{written} at {clock}",
        ),
        (36, 34, 12, 6, 2, 6, 3),
    )[0]


def year(rng: Random) -> str:
    """A year alone."""
    return str(rng.choice((rng.randrange(1850, 2027), rng.randrange(1960, 2027))))


def age(rng: Random) -> str:
    """A person's age in digits, now and then in words."""
    if rng.random() < 0.06:
        return rng.choice(
            [
                "six",
                "seven",
                "eight",
                "nine",
                "twelve",
                "fifteen",
                "eighteen",
                "thirty-two",
                "forty",
                "fifty-five",
                "sixty",
                "seventy-one",
            ]
        )
    return str(rng.choice((rng.randrange(1, 100), rng.randrange(18, 90))))


def identifier(rng: Random) -> str:
    """A number of a thing: order, ticket, case, tracking; never a person's telephone."""
    return filled(
        rng.choice(
            (
                "######",
                "#####",
                "########",
                "#########",
                "@@-######",
                "@@@-####",
                "INV-#####",
                "#-####",
                "TKT-#######",
                "@#######",
                "####-####",
                "~~~~~~~~",
                "@@######",
                "##########",
                "####",
                "RMA#####",
                "~~~~~~~~-~~~~-~~~~",
                "v#.##.#",
                "#.#.#",
                "1Z###@##########",
                "######-##",
            )
        ),
        rng,
    )


def amount(rng: Random) -> str:
    """A sum, a count or a measure."""
    count = rng.choice((rng.randrange(2, 20), rng.randrange(2, 100), rng.randrange(100, 5000)))
    return rng.choice(
        (
            f"${count}",
            f"${count:,}.{rng.randrange(100):02}",
            f"€{count}",
            f"{count} EUR",
            f"£{count}",
            f"{count}%",
            f"{count}",
            f"{count} hours",
            f"{count} kg",
            f"{count} minutes",
            f"{count / 10:.1f}",
            f"{count} items",
            f"{count} mg",
            f"{count} miles",
            f"{count} pages",
            f"{count} days",
            f"{count},{rng.randrange(100, 999)}",
            f"{count} USD",
            f"{count}°C",
            f"{count} per cent",
            f"{count}x{count}",
            f"{count} km",
            f"{count} years",
            f"{count}th",
        )
    )


def bank(rng: Random) -> str:
    """A card, account or social number: other recognisers' part, and no telephone."""
    return filled(
        rng.choice(
            (
                "#### #### #### ####",
                "################",
                "###############",
                "#### ###### #####",
                "###-##-####",
                "DE## #### #### #### #### ##",
                "GB##@@@@##############",
                "FR##########~~~~~~~~~~~##",
                "####-####-####-####",
                "#########",
                "@@######@",
                "@####-#####-#####",
            )
        ),
        rng,
    )
