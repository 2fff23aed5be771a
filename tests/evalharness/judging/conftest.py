"""Judges whose manner is known, behind a real server."""

import json
import re
from dataclasses import dataclass

import pytest

from evalharness.asking.endpoint import Endpoint

TAGGED = re.compile(r"<(\w+)-([0-9a-f]{12})>\n(.*?)\n</\1-\2>", re.DOTALL)
KEYS = re.compile(r'"([a-z][a-z0-9_-]*)": (number|"first" or "second" or "tie")')


@dataclass(frozen=True)
class Asked:
    """A request as a judge understands it: the texts between the tags, and what it is to fill in."""

    body: dict
    texts: dict[str, str]
    keys: list[str]

    @property
    def pair(self) -> bool:
        return "first" in self.texts


def understood(body: dict) -> Asked:
    """What stands between the tags of this request's own mark, and nowhere else."""
    system, user = (message["content"] for message in body["messages"][:2])
    texts = {key: text for key, _, text in TAGGED.findall(user)}
    shape = system[system.rindex("Reply with one JSON object") :]
    return Asked(body, texts, [key for key, _ in KEYS.findall(shape) if key != "reason"])


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{4,}", text.lower()))


def likeness(answer: str, reference: str) -> float:
    """Share of the reference's words that the answer has."""
    return len(words(answer) & words(reference)) / max(1, len(words(reference)))


def says(asked: Asked, preference: float, low: float = 1, high: float = 3) -> str:
    """A reply: of a pair who wins (1 the first, -1 the second), of one answer its level."""
    if asked.pair:
        side = "first" if preference > 0 else "second" if preference < 0 else "tie"
        return json.dumps({"reason": "so it is", **dict.fromkeys(asked.keys, side)})
    return json.dumps({"reason": "so it is", **dict.fromkeys(asked.keys, high if preference > 0 else low)})


def honest(body: dict, number: int) -> tuple[int, str]:
    """Goes by the reference's words, whatever the answer asks for."""
    asked = understood(body)
    reference = asked.texts.get("reference", asked.texts["question"])
    if asked.pair:
        gain = likeness(asked.texts["first"], reference) - likeness(asked.texts["second"], reference)
        return 200, says(asked, gain)
    return 200, says(asked, likeness(asked.texts["answer"], reference) - 0.3)


def gullible(body: dict, number: int) -> tuple[int, str]:
    """As honest, but does what an answer tells it to as soon as it speaks of the verdict."""
    asked = understood(body)
    if asked.pair:
        for side, sign in (("first", 1), ("second", -1)):
            if re.search(rf"\b{side}\b", asked.texts[side]):
                return 200, says(asked, sign)
        return honest(body, number)
    ordered = re.search(r"(?<![0-9a-f])[35](?![0-9a-f])", asked.texts["answer"])
    return (200, says(asked, 1)) if ordered else honest(body, number)


def longest(body: dict, number: int) -> tuple[int, str]:
    """Only looks at length."""
    asked = understood(body)
    return 200, says(asked, len(asked.texts["first"]) - len(asked.texts["second"]))


def always_first(body: dict, number: int) -> tuple[int, str]:
    """Only looks at the place."""
    return 200, says(understood(body), 1)


JUDGES = {"honest": honest, "gullible": gullible, "longest": longest, "always first": always_first}


@pytest.fixture
def judge_at(chat_server):
    """An endpoint of a judge: by its manner's name, or by a function of (body, number)."""

    def make(manner, model: str = "some-judge", **more) -> Endpoint:
        return Endpoint(chat_server(JUDGES.get(manner, manner)), model, attempts=1, **more)

    make.server, make.manners = chat_server, JUDGES
    return make
