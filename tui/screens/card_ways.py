"""Where the card leads: a cluster or a text as a whole, the same change in other rows, other thresholds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from curate.errors import ConfigError, SeatrialError
from tui.desk.desk import Desk
from tui.desk.mending import Offer, spelt_alike
from tui.desk.together import Many, of_its_value
from tui.reading.card_text import fields
from tui.reading.card_view import choices, left_to_people
from tui.screens.choosing import Choose
from tui.screens.editing import Place, draft_at, own_note, place_to_edit
from tui.screens.label_asks import ask_note
from tui.terminal.display_text import excerpt

if TYPE_CHECKING:
    from tui.app import Seatrial


async def decide_together(
    app: Seatrial, desk: Desk, find: Callable[[], Many], then: Callable[[str], None]
) -> None:
    """Ask once about many findings, and decide on them as one act; `then` is told what was said of how many."""
    from tui.screens.together import TogetherScreen

    def decided(said: tuple[str, int, int] | None) -> None:
        if said is not None:
            word, count, left = said
            then(f"{count:,} {word}")
            back = "; u takes them back" if count else ""
            since = f"; {left:,} left as they are: somebody has decided on them since" if left else ""
            app.say(f"{count:,} {word}{back}{since}")

    await app.push_screen(TogetherScreen(desk, find), decided)


async def decide_everywhere(app: Seatrial, desk: Desk, place: int, then: Callable[[str], None]) -> None:
    """The same for all findings of this kind at whose place the same text stands. Raises ConfigError."""
    if desk.finding(place)["start"] is None:
        raise ConfigError("this finding marks no text", hint="B in the list decides on all that it shows")
    await decide_together(app, desk, lambda: of_its_value(desk, place), then)


def as_a_whole(desk: Desk, place: int) -> tuple[list[int], str]:
    """The places of a finding's cluster, or of all labels that are spelt so, and a name for them. Raises ConfigError."""
    finding = desk.finding(place)
    cluster = finding["shape"] == "cluster"
    places = desk.cluster(finding) if cluster else spelt_alike(desk, place)
    if not cluster and len(places) == 1:
        everywhere = "; B decides on this text everywhere" if finding["start"] is not None else ""
        raise ConfigError("this finding is of no cluster", hint=f"a accepts it{everywhere}")
    if left_to_people(desk, places):
        raise ConfigError("the check leaves these rows to you", hint=" · ".join(choices(finding)))
    return places, f"cluster of {len(places)}" if cluster else f"{len(places)} labels"


async def edit_another(
    app: Seatrial, desk: Desk, place: int, then: Callable[[Place, str, tuple[str, ...]], None]
) -> None:
    """Ask which text of a finding's row; `then` is given its place, what it says by now, and on top of which edits.

    Raises ConfigError where the row has no other text than the finding's.
    """
    example_id = desk.finding(place)["example_id"]
    example = desk.examples.get([example_id])[example_id]
    own, _ = place_to_edit(desk, place)
    others = [(there, title, text) for there, title, text in fields(example) if there != own]
    if not others:
        raise ConfigError("this row has no other text", hint="e edits this one")
    names = [f"{title}: {excerpt(text, 200)} ({n})" for n, (_, title, text) in enumerate(others, 1)]

    def chosen(name: str | None) -> None:
        if name is not None:
            there = others[names.index(name)][0]
            try:
                draft = draft_at(desk, example_id, there)
                then(there, draft.text, draft.over)
            except SeatrialError as error:
                app.complain(error)

    await app.push_screen(Choose("turn", names, "which text of this row to edit"), chosen)


def sibling(desk: Desk, place: int, by: int) -> int:
    """The place of the next span of a finding's row, or of the next member of its cluster; its own where there is none."""
    finding = desk.finding(place)
    places = desk.cluster(finding) if finding["shape"] == "cluster" else desk.spans(finding)
    return places[(places.index(place) + by) % len(places)] if place in places else place


async def write_note(app: Seatrial, desk: Desk, place: int, then: Callable[[], None]) -> None:
    """Ask for the reviewer's note on a finding, and keep it."""

    def noted(text: str) -> None:
        desk.annotate(place, text)
        then()

    await ask_note(app, own_note(desk, place), noted)


async def propose_alike(
    app: Seatrial, desk: Desk, offer: tuple[Offer, str] | None, then: Callable[[int], None]
) -> None:
    """Propose a change just made, of a finding, for other rows; `then` is told how many were mended.

    Raises ConfigError where there is none.
    """
    from tui.screens.alike import AlikeScreen

    if offer is None or not offer[0].proposals:
        raise ConfigError(
            "there is no change to make elsewhere", hint="e edits words; then p proposes the same"
        )

    def mended(count: int | None) -> None:
        if count:
            app.say(f"{count:,} {'rows' if count > 1 else 'row'} mended alike; u takes it back")
            then(count)

    await app.push_screen(AlikeScreen(desk, *offer), mended)


async def try_thresholds(app: Seatrial, desk: Desk, place: int) -> None:
    """See what another threshold of a finding's check would change."""
    from tui.screens.threshold import ThresholdScreen

    check = desk.finding(place)["check"]
    await app.push_screen(ThresholdScreen(desk.workspace, desk.dataset, desk.name, check))
