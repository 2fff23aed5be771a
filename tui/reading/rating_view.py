"""What the rating screen shows: read from the workspace, and drawn without a name in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from textual.content import Content

from curate.workspace import Workspace
from tui.messages import Ready
from tui.terminal.display_text import excerpt, plain

if TYPE_CHECKING:
    from curate.people.agreement import Kappa
    from evalharness.deciding.comparison import PeopleRow
    from evalharness.judging.rating import Pairing

SHOWN = 20_000  # characters of one answer


class Opened(NamedTuple):
    """What the screen shows: a pairing, what else could be rated, and how two people agree."""

    pair: Pairing
    arms: list[str]  # that have answered, beside the candidate
    splits: list[str]
    agreement: list[Kappa]


class Summed(NamedTuple):
    """The ratings so far, for whoever asks."""

    row: PeopleRow
    words: str


def open_rating(workspace: Workspace, dataset: str, baseline: str | None, split: str) -> Ready:
    """The answers of two arms, for the screen."""
    from curate.workspace import reviewer
    from evalharness.judging.rating import open_pairing
    from evalharness.scoring.score import newest, splits_answered

    pair = open_pairing(workspace, dataset, baseline=baseline, split=split)
    arms = [arm for arm in newest(workspace, dataset, split) if arm != pair.candidate]
    kappas = agreement(workspace, pair, reviewer())
    return Ready("rating", Opened(pair, arms, splits_answered(workspace, dataset), kappas))


def agreement(workspace: Workspace, pair: Pairing, reviewer: str) -> list[Kappa]:
    """How this person agrees with each other one, over what both rated on their own; the most first."""
    from curate.people.agreement import pairs
    from evalharness.judging.rating import standing

    units = [
        {word.reviewer: word.said for word in words}
        for words in standing(workspace, pair, alone=True).values()
    ]
    return sorted((each for each in pairs(units) if reviewer in each.raters), key=lambda each: -each.n)


def agreed(found: Kappa, reviewer: str) -> str:
    """How far two people agree, in a few words."""
    other = next((name for name in found.raters if name != reviewer), "")
    kappa = "" if found.kappa is None else f", kappa {found.kappa:.2f}"
    return f"agrees with {other} in {found.agreement:.0%}{kappa} (n = {found.n:,})"


def summed(workspace: Workspace, pair: Pairing) -> Ready:
    """The win rate so far."""
    from evalharness.judging.people import people_row

    row = people_row(workspace, pair)
    return Ready("results", Summed(row, "\n".join(results(row, pair.candidate))))


def results(row: PeopleRow, candidate: str) -> list[str]:
    """What came of the ratings, a line for each thing that one may want to know."""
    from evalharness.deciding.wording import fraction, span, strange_words

    who = "1 person has" if row["people"] == 1 else f"{row['people']:,} people have"
    lines = [f"{who} rated {row['n']:,} of {row['n'] + row['open']:,} examples, blind."]
    if row["n"]:
        between = span(row["low"], row["high"])
        doubt = f"95 % {between}, n = {row['n']:,}" if between else f"n = {row['n']:,}, {row['reason']}"
        counts = " · ".join(f"{count:,} {name}" for name, count in row["answers"].items())
        lines += [
            "",
            f"{candidate} over {row['baseline']}: {fraction(row['rate'])} ({doubt})",
            f"{counts}; a tie or both bad counts a half",
        ]
    if row["alpha_n"]:
        alpha = "undefined, all say the same" if row["alpha"] is None else fraction(row["alpha"])
        lines.append(f"agreement, alpha: {alpha} (n = {row['alpha_n']:,} that two or more rated)")
    if row["alike"]:
        lines += ["", f"To {row['alike']:,} more both say the same: nobody is asked."]
    if strange := row.get("strange", 0):
        lines.append(f"Left out: {strange_words(strange)}.")
    return lines


def asked(messages: list[dict[str, Any]], reference: str | None, *, system: bool) -> Content:
    """What was asked; the system prompt, which is often the same, in short or not at all."""
    parts = []
    for message in messages:
        text = message["content"] or message["tool_calls"] or ""
        role = str(message["role"])
        if role == "system" and not system:
            continue
        if role == "system":
            parts.append(
                Content.assemble((f"{role}  ", "bold dim"), plain(excerpt(text), "dim", lines=False))
            )
        else:
            parts.append(Content.assemble((f"{role}  ", "bold $secondary"), plain(text[:SHOWN])))
    if reference is not None:
        parts.append(Content.assemble(("reference  ", "bold $accent"), plain(reference[:SHOWN] or "(none)")))
    return Content("\n").join(parts)


def answer(name: str, text: str, *, chosen: bool) -> Content:
    """One answer under its number; what was chosen has a mark."""
    more = f"\n… {len(text) - SHOWN:,} characters more" if len(text) > SHOWN else ""
    head = (f"{name}  ✓ better", "bold $success") if chosen else (name, "bold $primary")
    return Content.assemble(head, "\n", plain(text[:SHOWN] or "(empty)"), (more, "dim"))
