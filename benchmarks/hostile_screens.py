"""Every screen with hostile rows on it, by the keys that a person would press."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from pathlib import Path

from benchmarks.hostile_session import PROGRAM, Place, Session

ENTER, HOME, END, PAGE, UP, DOWN = "\r", "\x1b[H", "\x1b[F", "\x1b[6~", "\x1b[A", "\x1b[B"
ROW = r"\brow \d\d\d\b"
CARDS = {
    "card: example": ("structure", "  example"),
    "card: span": ("pii", "  span"),
    "card: pair": ("contradiction", "  pair"),
    "card: cluster": ("near-duplicate", "cluster of"),
}
CLIPBOARD = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)(?:\x07|\x1b\\)")
RUNS = 30  # looked at for the training one


LINE = "esc Leave"  # what stands below a line to type


def ask(session: Session, key: str, text: str) -> None:
    """Open a line to type, replace what is in it, and enter it."""
    session.press(key)
    session.until(LINE)  # what is typed before the line is there would be keys of the screen below
    session.press("\x15")
    session.press(text)
    session.press(ENTER)
    session.settle(first=0.4)


def head(session: Session) -> str:
    """Where one is, by the first line."""
    return session.grid.text().split("\n", 1)[0]


def back(session: Session, to: str) -> None:
    """Leave screens until the first line says where one is."""
    for _ in range(6):
        if to in head(session):
            return
        session.press("q" if "esc" not in session.grid.text().split("\n")[-1].split("?")[0] else "\x1b")
        session.settle(first=0.4)
    session.places[-1].crashed.append(f"no way back to {to!r}: {session.grid.text()[:1500]}")


def overlays(session: Session, rows: int) -> None:
    """The palette and the help, over the list of versions."""
    session.at("palette")
    session.press("\x10")
    session.walk(DOWN, 12)
    session.press("\x1b")
    session.settle(first=0.5)
    session.at("help")
    session.press("?")
    session.until("Keys here")
    session.press("q")


def dialogs(session: Session, rows: int) -> None:
    """What is typed wrongly is told in a toast, on the line and in a panel, with the words as they were."""
    session.at("line: a command")
    ask(session, "!", "import '[/foo] [@click=app.quit]x.jsonl'")
    session.at("panel: a failed job")
    session.until("did not work")
    session.press("q")
    session.at("toast")
    ask(session, "!", "[/foo]")
    session.settle(first=0.4)


def distributions(session: Session, rows: int) -> None:
    """Labels, sources, groups, lengths, findings; lineage; data card."""
    session.at("distributions")
    session.press("D")
    session.until("LABELS")
    session.walk(" ", 8)
    session.at("data card")
    session.press("d")
    session.until("Sources")
    session.walk(" ", 12)
    session.press("q")


def browser(session: Session, rows: int) -> None:
    """The list of rows, page by page, in each order; one row after the other, read whole."""
    place = session.at("rows")
    session.press("v")
    session.until("as imported")
    session.settle(first=0.5)
    seen = session.walk(PAGE, rows // 30 + 2, ROW)
    session.press(HOME)
    session.walk("s", 5)
    place.told = f"{len(seen)} rows seen"
    session.at("rows: filter and search")
    ask(session, ":", 'label == "[/foo] [/] [/bold]" and "[@click" in text')
    ask(session, ":", "label ==== [/foo]")
    session.until("✗")
    session.press("\x1b")
    session.until(": label ==", gone=LINE)
    ask(session, "/", "[@click=app.quit]")
    session.press("w")
    place = session.at("row, whole")
    session.press(HOME)
    session.press(ENTER)
    session.until("row 1 ")
    place.told = f"{len(session.walk(']', rows, ROW))} rows seen"
    session.walk(PAGE, 3)
    session.press("q")
    session.press("q")


def queue(session: Session, rows: int) -> None:
    """The findings, page by page, in each order."""
    session.at("queue")
    session.press(ENTER)
    session.until(" shown ·")
    session.walk(PAGE, 4 * rows // 30 + 2)
    session.walk("s", 5)
    session.press("o")
    session.press("m")
    session.settle(first=1)


def cards(session: Session, rows: int) -> None:
    """A card of each shape over every row, and what a card opens."""
    session.at("queue")
    session.press(ENTER)
    if not session.until(" shown ·"):
        return
    for name, (check, words) in CARDS.items():
        place = session.at(name)
        ask(session, ":", f'check == "{check}"')
        session.until(f': check == "{check}"')
        session.press(HOME)
        session.press(ENTER)
        session.until(words)
        place.told = f"{len(session.walk(']', rows, ROW))} rows seen"
        if check == "contradiction":
            session.at("card: one above the other")
            session.press("d")
            session.walk("[", rows // 4)
            session.press("d")
        if check == "near-duplicate":
            session.at("threshold")
            session.press("t")
            session.until("BY LABEL")
            session.walk(DOWN, 6)
            session.press("q")
        if check == "structure":
            edited(session)
        back(session, " shown ·")


def edited(session: Session) -> None:
    """What may be edited in place is; the text before and after; the same elsewhere; a note; the last word."""
    session.at("card: a note")
    session.press("n")
    session.press("a [/foo] [@click=app.quit]note[/]" + ENTER)
    session.press("f")
    place = session.at("card: copy")
    copied(session, place)
    session.at("card: edit in place")
    back(session, " shown ·")
    ask(session, ":", 'check == "structure" and "The parcel" in text')
    session.until('"The parcel" in text')
    session.press(HOME)
    session.press(ENTER)
    session.press("e")
    session.until("Save")
    session.press("[/foo] [bold]")
    session.press("\x13")
    session.settle(first=0.6)
    session.at("card: before and after")
    session.press("[")
    session.press("]")
    session.at("the same elsewhere")
    session.press("p")
    session.settle(first=0.6)
    session.walk(DOWN, 5)
    back(session, "findings")


def copied(session: Session, place: Place) -> None:
    """A copy is the one OSC 52 that the screens send: its content is base64, and nothing else is with it."""
    os.write(session.handle, b"c")
    raw = ""
    for _ in range(30):
        raw += session._read(0.1)
        if CLIPBOARD.search(raw):
            break
    found = CLIPBOARD.findall(raw)
    if len(found) != 1 or not base64.b64decode(found[0], validate=True):
        place.crashed.append(f"{len(found)} texts went to the clipboard")
    session.take(CLIPBOARD.sub("", raw))
    session.settle()


def comparison(session: Session, rows: int) -> None:
    """The arms side by side, example by example; the verdict; the ratings."""
    session.at("comparison")
    session.press("m")
    session.until("accuracy")
    session.settle(first=1)
    session.walk(DOWN, rows)
    session.walk("o", 5)
    session.at("verdict")
    session.press("v")
    session.settle(first=0.5)
    session.walk(PAGE, 2)
    session.press("q")
    place = session.at("rating")
    session.press("p")
    session.until("› rat")
    session.settle(first=1)
    session.press("r")
    place.told = f"{len(session.walk(']', rows, ROW))} rows seen"
    session.press("1")
    session.press("t")
    session.at("rating: results")
    session.press("v")
    session.settle(first=1)


def labelling(session: Session, rows: int) -> None:
    """The label card over every row, options and instructions hostile; one chosen by name; a note."""
    place = session.at("label")
    session.press("L")
    session.until("› label")
    session.settle(first=1)
    place.told = f"{len(session.walk(']', rows, ROW))} rows seen"
    session.press("1")
    session.press("n")
    session.press("a [/foo] note" + ENTER)
    session.at("label: choose by name")
    session.press("/")
    session.press("[/foo]")
    session.press(ENTER)
    session.settle(first=0.5)
    session.press("\x1b")
    session.settle(first=0.5)
    session.press("q")


def runs(session: Session, rows: int) -> None:
    """What was run, with hostile settings and errors; one in full; curves; the steps."""
    session.at("runs")
    session.press("r")
    session.until("runs")
    session.settle(first=0.6)
    session.walk(DOWN, rows)
    session.at("run, whole")
    session.press(ENTER)
    session.settle(first=0.5)
    session.walk(PAGE, 2)
    session.press("q")
    session.at("training")
    session.press(HOME)
    for _ in range(RUNS):  # the newest runs are of what was done on the way here; one was a training
        session.press("v")
        session.settle(first=0.5)
        if "LOSS" in session.grid.text():
            break
        session.press(DOWN)
    session.until("LOSS")
    session.press("q")
    session.press("q")
    session.at("steps")
    session.press("E")
    session.until("steps")
    session.settle(first=0.6)
    session.walk(DOWN, 6)
    session.press(ENTER)
    session.settle(first=0.5)
    session.press("\x1b")
    session.settle(first=0.5)
    session.press("q")


def welcome(session: Session, rows: int) -> None:
    """The first screen, with a person's hostile name on it."""
    session.at("welcome")
    session.until("Begin with")


JOURNEYS: tuple[Callable[[Session, int], None], ...] = (
    overlays, dialogs, distributions, browser, queue, cards, labelling, comparison, runs,
)  # fmt: skip


def screens(folder: Path, environment: dict[str, str], rows: int, quick: bool) -> list[Place]:
    """All screens: one session through them, one in an empty folder, one in which they fail."""
    session = Session(PROGRAM, folder, environment)
    session.at("versions")
    session.until("LABELS")
    session.press(DOWN)  # to the version that has findings
    session.until("blocking")
    for journey in (browser,) if quick else JOURNEYS:
        journey(session, rows)
        back(session, "› versions")
    places = session.end()
    empty = {**environment, "SEATRIAL_HOME": str(folder / "none")}
    first = Session(PROGRAM, folder, empty)
    welcome(first, rows)
    return _together([*places, *first.end()])


def _together(places: list[Place]) -> list[Place]:
    """One place for each name."""
    found: dict[str, Place] = {}
    for place in places:
        one = found.setdefault(place.name, Place(place.name))
        one.acted += place.acted
        one.crashed += place.crashed
        one.shifted += place.shifted
        one.looked += place.looked
        one.told = place.told or one.told
    return list(found.values())
