"""Where the card leads: the same change in other rows, and other thresholds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from curate.errors import ConfigError
from tui.desk.desk import Desk
from tui.desk.mending import Offer

if TYPE_CHECKING:
    from tui.app import Seatrial


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
