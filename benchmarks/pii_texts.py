"""Texts for the measurement of personal-data checks: read from a folder, or made; and spliced ones."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

KINDS = ("chat", "dense", "code")  # `code` is digits and code

WORDS = """the of a to and in is you that it he was for on are with as his they be at one have this from or had
by hot but some what there we can out other were all your when up use how said each she which do their time if will
way about many then them would write like so these her long make thing see him two has look more day could go come
did my sound no most number who over know water than call first people may down side been now find any new work part
take get place made live where after back little only round man year came show every good me give our under""".split()  # noqa: SIM905 - a list of words reads best as words
NAMES = "Mia Tom Ana Lars Chen Priya Omar Eva Luis Kofi".split()  # noqa: SIM905
HOSTS = ("mail.example", "post.example.org", "firm.co.uk", "studio.de", "uni.edu")
ODD = (
    "\u0130", "\u0131", "\u017f", "\u212a", "\u0301", "\r\n", "\x1c", "\x85", "\xa0", "\u3000", "\u200b",
    "\U0001f600", "\U0001f469\u200d\U0001f467", "\u00b2", "\u0663", "\uff11", "\uff1a", "\uff20", "\x00", "\t",
    "e\u0301", ":", "x):us", "us:", " ext. ", " x ", "#", " int ", "+", "\uff0b", "(", "[", "%", "$", "/", ".", "-",
    "_", "=", '"', "00", "011", "+49 ", " phone ", " number: ", " us ", " bank ", " card ", "ssn ", "date ", ".com",
    "@", "a@b.co", "http://", "192.168.1.9", "::1", "00:1a:2b:3c:4d:5e", "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00", "212-555-0199", "9" * 40, "1 " * 30, "12-" * 12, " " * 70, "\n\n", "be ",
    ":)", "U.S.", "A1B2C3", "123-45-6789", "12/12/2020", "2020-01-01T10:10:10Z", " 08:30", "4900948022576220",
)  # fmt: skip


def _digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choice("0123456789") for _ in range(count))


def _sentence(draw: random.Random) -> str:
    words = draw.choices(WORDS, k=draw.randint(6, 18))
    return " ".join(words).capitalize() + draw.choice(".....?!")


def _chat(draw: random.Random) -> str:
    told = [_sentence(draw) for _ in range(draw.randint(3, 9))]
    if draw.random() < 0.12:
        told.insert(draw.randrange(len(told)), f"See www.{draw.choice(HOSTS)}/{draw.choice(WORDS)} for more.")
    return draw.choice((" ", " ", "\n")).join(told)


def _value(draw: random.Random) -> str:
    """A short sentence with something personal in it."""
    name, day = draw.choice(NAMES), f"{draw.randint(1, 12)}/{draw.randint(1, 28)}/{draw.randint(1950, 2020)}"
    forms = (
        f"Write to {name.lower()}.{draw.choice(WORDS)}{draw.randint(1, 99)}@{draw.choice(HOSTS)}",
        f"Call {name} on +{draw.choice((1, 44, 49, 33, 34))} {_digits(draw, 3)} {_digits(draw, 7)}",
        f"My phone number is ({_digits(draw, 3)}) {_digits(draw, 3)}-{_digits(draw, 4)}",
        f"{name} paid with card {draw.choice('45')}{_digits(draw, 3)} {_digits(draw, 4)} {_digits(draw, 4)} {_digits(draw, 4)}",
        f"SSN {_digits(draw, 3)}-{_digits(draw, 2)}-{_digits(draw, 4)}, born {day}",
        f"Please send it to {_digits(draw, 4)} {draw.choice(WORDS).title()} Street, {_digits(draw, 5)}",
        f"The host {draw.randint(1, 223)}.{draw.randint(0, 255)}.{draw.randint(0, 255)}.{draw.randint(1, 254)} is down",
        f"Driver license {draw.choice('ABCD')}{_digits(draw, 7)} of {name}",
        f"Account {_digits(draw, 10)} at the bank",
        f"{name} said that {draw.choice(WORDS)} is {draw.choice(WORDS)}",
        f"How do I change my address to {draw.choice(WORDS).title()} {_digits(draw, 2)}?",
    )
    return draw.choice(forms)


def _dense(draw: random.Random) -> str:
    return ". ".join(_value(draw) for _ in range(draw.randint(1, 2)))


def _code(draw: random.Random) -> str:
    lines = []
    for _ in range(draw.randint(4, 14)):
        a, b = draw.randint(1, 9000), draw.randint(1, 900)
        name = draw.choice(WORDS)
        lines.append(
            draw.choice(
                (
                    f"{draw.choice(NAMES)} has {a} apples and {b} pears, so {a} + {b} = {a + b}.",
                    f"{a} * {b} = <<{a}*{b}={a * b}>>{a * b} dollars, or ${a}.{b % 100:02d} each",
                    f"def {name}_{draw.choice(WORDS)}(values: list[int], limit: int = {a}) -> int:",
                    f"    return sum({name}[i] for i in range({b})) // {a}  # {_sentence(draw)}",
                    f"    assert {name}([{a}, {b}, {a - b}]) == {a * 3}",
                    f"In {draw.randint(1900, 2030)} it was {b}.{draw.randint(0, 99)}% of {a},{_digits(draw, 3)}.",
                )
            )
        )
    return "\n".join(lines)


def made(kind: str, characters: int, seed: int = 7) -> list[str]:
    """Texts of one kind with about so many characters."""
    draw = random.Random(f"{kind} {seed}")
    make = {"chat": _chat, "dense": _dense, "code": _code}[kind]
    texts: list[str] = []
    size = 0
    while size < characters:
        texts.append(make(draw))
        size += len(texts[-1])
    return texts


def read(folder: Path, kind: str) -> list[str]:
    """Texts of one kind from a folder of real data sets, in a fixed random order."""
    sets = {
        "chat": ("gpteacher_dedup_levels",),
        "dense": ("presidio_synth_v2",),
        "code": ("gsm8k", "humaneval"),
    }
    texts = [
        text
        for name in sets[kind]
        for file in sorted((folder / name).iterdir())
        if file.name.endswith((".json", ".jsonl", ".json.gz", ".jsonl.gz"))
        for text in _rows(file)
    ]
    unique = sorted(set(texts))
    random.Random(kind).shuffle(unique)
    return unique


def _rows(file: Path) -> Iterator[str]:
    """The strings of each row of a file, one below the other; offsets and solutions of models stay out."""
    raw = file.read_bytes()
    text = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()
    rows = json.loads(text) if ".jsonl" not in file.name else [json.loads(line) for line in text.splitlines()]
    for row in rows:
        if isinstance(row, dict):
            told = row.get("full_text") or "\n".join(
                value for value in row.values() if isinstance(value, str)
            )
            if told:
                yield told


def spliced(texts: list[str], count: int, seed: int = 11) -> Iterator[str]:
    """Texts put together from pieces of others, with odd characters and halves of values between them."""
    draw = random.Random(seed)
    for _ in range(count):
        parts = []
        for _ in range(draw.randint(1, 5)):
            text = draw.choice(texts)
            at = draw.randrange(len(text))
            parts += [text[at : at + draw.randint(1, 200)], draw.choice(ODD) if draw.random() < 0.7 else ""]
        whole = "".join(parts)
        if draw.random() < 0.2:
            letters = "0123456789.-:@/ aAxX+()"
            whole = "".join(char if draw.random() > 0.02 else draw.choice(letters) for char in whole)
        yield whole
