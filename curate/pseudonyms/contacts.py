"""Ways to reach someone, from the ranges that are kept for examples and fiction."""

from __future__ import annotations

import re
from ipaddress import ip_address

from curate.pseudonyms.key import Draw
from curate.pseudonyms.numbers import laid_on, shaped
from curate.pseudonyms.words import ascii_letters, pools

FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "yahoo.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "icloud.com",
        "me.com",
        "aol.com",
        "gmx.de",
        "gmx.net",
        "web.de",
        "t-online.de",
        "mail.ru",
        "yandex.ru",
        "orange.fr",
        "free.fr",
        "wanadoo.fr",
        "libero.it",
        "qq.com",
        "163.com",
        "126.com",
        "proton.me",
        "protonmail.com",
    ]
)
ROLES = frozenset(
    [
        "info",
        "support",
        "sales",
        "admin",
        "contact",
        "kontakt",
        "office",
        "team",
        "hr",
        "jobs",
        "help",
        "hello",
        "service",
        "billing",
        "noreply",
        "no",
        "reply",
        "mail",
        "webmaster",
        "postmaster",
        "press",
        "marketing",
        "newsletter",
        "abuse",
        "security",
    ]
)
# numbers for drama, by country code: X stands for any digit. NANP: its own rule below.
DRAMA: dict[str, tuple[str, ...]] = {
    "44": ("7700900XXX", "2079460XXX", "1134960XXX", "1314960XXX", "1614960XXX", "1214960XXX", "1632960XXX", "8081570XXX"),
    "49": ("3023125XXX", "6990009XXX", "4066969XXX", "2214710XXX", "8999998XXX", "17139200XX", "17604069XXX", "1525459XXXX"),
    "33": ("199000XXX", "19900XXXX", "26191XXXX", "35301XXXX", "46571XXXX", "53649XXXX", "63998XXXX"),
    "61": ("255500XXX", "25550XXXX", "35550XXXX", "75550XXXX", "85550XXXX", "4915701XX", "491570XXX"),
    "46": ("3139006XX", "406280400", "84650040X", "9803192XX", "701740605", "7017406XX"),
    "353": ("2091XXXX", "20910XXXX"),
}  # fmt: skip
TWO_DIGIT_CODES = frozenset("20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98".split())  # noqa: SIM905  # fmt: skip


def domain(name: str, draw: Draw) -> str:
    """A host of example.org and its like; a well-known provider of mail becomes one of these alone."""
    top = draw.pick(("org", "com", "net"))
    if name.casefold() in FREE_MAIL:
        return f"example.{top}"
    return f"{ascii_letters(draw.pick(pools()['en']['last']))}{draw.digits(2)}.example.{top}"


def host(name: str, draw: Draw) -> str:
    """The same, with a port as it was."""
    bare, colon, port = name.partition(":")
    return domain(bare, draw) + colon + port


def url(value: str, draw: Draw) -> str:
    """An address of the same scheme and form on an example host."""
    found = re.match(r"(?P<scheme>[A-Za-z][\w+.-]*://)?(?P<host>[^/?#]*)(?P<rest>.*)\Z", value, re.DOTALL)
    if found is None:
        return shaped(value, draw)
    _, at, name = found["host"].rpartition("@")
    user = shaped(found["host"][: -len(name) - 1], draw) if at else ""
    return f"{found['scheme'] or ''}{user}{at}{host(name, draw)}{shaped(found['rest'], draw)}"


def phone(value: str, draw: Draw) -> str:
    """A number in the same writing: of a range for fiction where the country has one, else of the same area."""
    main, extension, rest = re.match(r"(.*?)((?: ?x| ?ext\.? ?)\d{1,6})?(\s*)\Z", value, re.DOTALL | re.IGNORECASE).groups()  # type: ignore[union-attr]  # fmt: skip
    digits = "".join(each for each in main if each.isdigit())
    code, national = _parts(main, digits)
    trunk = len(national) - len(national.lstrip("0")) if code != "1" else 0
    core = national[trunk:]
    number = _drama(code, core, draw) or _same_area(core, draw)
    lead = digits[: len(digits) - len(core)]
    return (
        laid_on(main, lead + number)
        + re.sub(r"\d+", lambda found: draw.digits(len(found[0])), extension or "")
        + rest
    )


def _parts(main: str, digits: str) -> tuple[str, str]:
    """(country code or what is likely, the national number with its 0)."""
    plus = main.lstrip(" (").startswith("+")
    if plus or digits.startswith("00"):
        body = digits if plus else digits[2:]
        size = 1 if body[:1] in "17" else 2 if body[:2] in TWO_DIGIT_CODES else 3
        return body[:size], body[size:]
    if len(digits) == 11 and digits[0] == "1":
        return "1", digits[1:]
    if len(digits) in (7, 10) and digits[:1] in "23456789":
        return "1", digits
    if digits.startswith("07") and len(digits) == 11:
        return "44", digits
    if re.match(r"0[1-9](?:[ .-]?\d\d){4}\Z", main.strip()):
        return "33", digits
    return ("49" if digits.startswith("0") else ""), digits


def _drama(code: str, core: str, draw: Draw) -> str:
    """A number of the same length that is given to nobody; empty where the country keeps none."""
    if code == "1" and len(core) == 10:
        area = f"{2 + draw.below(8)}{draw.below(9)}{draw.below(10)}"
        area = area if area[1:] != "11" else f"{area[0]}12"
        return f"{area}55501{draw.digits(2)}"
    if code == "1" and len(core) == 7:
        return f"55501{draw.digits(2)}"
    fitting = [form for form in DRAMA.get(code, ()) if len(form) == len(core)]
    mobile = [form for form in fitting if form[:1] == core[:1]]
    if not fitting:
        return ""
    return re.sub("X", lambda _: draw.digits(1), draw.pick(mobile or fitting))


def _same_area(core: str, draw: Draw) -> str:
    """The area or network as it was, the rest by chance."""
    kept = 3 if len(core) > 8 else 2 if len(core) > 6 else 1
    return core[:kept] + draw.digits(len(core) - kept)


def ip(value: str, draw: Draw) -> str:
    """An address of the ranges for documentation; what follows it (port, mask) stays."""
    found = re.match(r"[0-9a-fA-F:.]*[0-9a-fA-F]", value)
    text = found[0] if found else value
    port = ""
    if text.count(".") == 3 and ":" in text:
        text, _, port = text.partition(":")
        port = ":" + port
    rest = value[len(text) + len(port) :]
    try:
        version = ip_address(text).version
    except ValueError:
        return shaped(value, draw)
    if version == 6:
        groups = ":".join(f"{draw.below(1 << 16):x}" for _ in range(4))
        return f"2001:db8::{groups}{rest}"
    block = draw.pick(("192.0.2", "198.51.100", "203.0.113", "198.18", "198.19"))
    tail = [str(1 + draw.below(254)) for _ in range(4 - len(block.split(".")))]
    return ".".join([block, *tail]) + port + rest


def mac(value: str, draw: Draw) -> str:
    """An address of a locally administered card, in the same writing."""
    made = "02" + "".join(f"{draw.below(16):x}" for _ in range(10))
    waiting = iter(made)
    written = "".join(next(waiting, "0") if each.isalnum() else each for each in value)
    return written.upper() if value.upper() == value else written
