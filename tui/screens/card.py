"""One decision a screen, by the shape of the finding: example, span, pair or cluster."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static, TextArea

from curate.changing.apply import Edit
from curate.deciding.relabelling import of_label
from curate.errors import ConfigError
from tui.desk.desk import Desk
from tui.desk.drafts import close_area, open_area
from tui.desk.history import Turned
from tui.desk.mending import Offer, edit_beside, offer, redact_instead
from tui.messages import Failed, Ready
from tui.reading.card_leaf import TWO_SIDES, Ahead, Look, ahead, fitting, leaf
from tui.reading.card_text import proposed_edit, proposes
from tui.reading.card_view import Card, card, choices, counted, word
from tui.screens import card_ways as ways
from tui.screens.card_keys import KEYS, turned_says
from tui.screens.editing import Edited, Place, harmless_to_edit, in_editor, moved, place_to_edit
from tui.screens.relabel import choose_label
from tui.screens.working import at_length, turn
from tui.terminal.display_text import display_text
from tui.terminal.faults import told
from tui.widgets.lines import Heading, JobLine, KeyLine, keyed
from tui.widgets.page import NARROW, SHORT, Page

if TYPE_CHECKING:
    from tui.app import Seatrial

RECENT = 4  # last decisions named on the last line


class CardScreen(Screen[int]):
    """A finding, and the keys that decide on it. The list is not shown while one decides."""

    BINDINGS: ClassVar[list[BindingType]] = KEYS

    def __init__(self, desk: Desk, position: int) -> None:
        super().__init__()
        self.desk = desk
        self.position = position
        self.place = int(desk.ids[position])
        self.card: Card | None = None
        self.recent: list[str] = []
        self.stacked = False
        self.after = False  # whether the text before and after a proposed edit is shown
        self.ahead: Ahead | None = None
        self.editing: Edited | None = None
        self.asked_to_leave = False
        self.span: tuple[int, int] | None = None  # the span with its ends moved, until it is decided
        self.offer: tuple[Offer, str] | None = None  # what the last edit leads to, and of which finding

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """What was found; the text or texts; the last word; the keys."""
        yield Heading()
        yield Page(id="card")
        yield TextArea(
            id="text", soft_wrap=True, tab_behavior="focus", show_line_numbers=False, disabled=True
        )
        yield Static(id="word")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Show the first finding; where it cannot be read, that is told on the list."""
        try:
            self.show(self.place)
        except Exception as error:
            self.dismiss(self.position)
            self.app.call_later(self.seatrial.complain, error)

    @property
    def resting(self) -> frozenset[str]:
        """What is not named at the foot: to accept what no check proposes."""
        return frozenset() if proposes(self.desk.finding(self.place)) else frozenset({"accept"})

    @property
    def unsaved(self) -> bool:
        """Whether a text is being written that is not what it was."""
        return self.editing is not None and self.query_one("#text", TextArea).text != self.editing.before

    def on_resize(self) -> None:
        """With another room a card says more, or less."""
        if self.card is not None:
            self.show(self.place)

    # showing

    @property
    def page(self) -> Page:
        """Where the texts stand."""
        return self.query_one("#card", Page)

    @property
    def narrow(self) -> bool:
        """Whether there is little room for words."""
        return self.size.width < NARROW

    def look(self, width: int, height: int) -> Look:
        """What the lines of a card depend on; two texts stand side by side only where there is room."""
        stacked = self.stacked or self.size.width < TWO_SIDES
        return Look(width, height, stacked, self.narrow or self.size.height < SHORT)

    def show(self, place: int) -> None:
        """Put one finding on the card."""
        desk = self.desk
        if place != self.place:
            self.span, self.after = None, False
        self.place = place
        position = desk.position(place)
        if position is not None:
            self.position = position
        finding = desk.finding(place)
        if self.span is not None:
            finding |= {"start": self.span[0], "end": self.span[1], "decided": None}
        known = None if self.after else fitting(self.ahead, place, finding, self.look(*self.page.room))
        made = known.card if known else card(desk, place, finding, narrow=self.narrow, after=self.after)
        self.card = made
        lines = self.page.lines
        self.page.show(lambda *room: leaf(lines, made, self.look(*room)), known and known.leaf)
        self.tell()
        self.call_after_refresh(self._make_ahead)

    @told
    def _make_ahead(self) -> None:
        """While one reads this card: make the one that comes after the next decision."""
        self.ahead = None
        following = self.desk.next_open(self.position)
        if following is not None and following != self.position and self.is_current:
            place = int(self.desk.ids[following])
            self.ahead = ahead(
                self.desk, place, self.page.lines, self.look(*self.page.room), narrow=self.narrow
            )
            self.desk.read_ahead(following)

    def tell(self) -> None:
        """The lines around the card: how many are left, and the last word."""
        desk = self.desk
        at = counted(desk, self.position, narrow=self.narrow)
        self.query_one(Heading).say([desk.name, "findings", "card"], f"{at} · {desk.open:,} open")
        finding = desk.finding(self.place)
        flagged = self.card is not None and bool(self.card.example) and desk.flagged(self.card.example or {})
        recent = self.recent[-RECENT:] if self.size.width >= TWO_SIDES else ()
        line = word(finding, flagged=flagged, narrow=self.narrow, recent=recent)
        # of one line whatever it says: nothing around it moves
        self.query_one("#word", Static).update(line, layout=False)
        self.query_one(KeyLine).renew()

    renew = tell  # a job has ended; what lies here is the same version still

    # deciding

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a text is edited, the keys that decide rest."""
        typing = self.editing is not None
        if action in ("save", "leave"):
            return typing
        return not typing or action in ("quit", "command_palette", "help", "stop_job", "focus_next")

    def _decided(self, said: str) -> None:
        self.recent.append(said)
        self.app.clear_notifications()
        following = self.desk.next_open(self.position)
        if following is None:
            self.tell()
            words = (
                "everything shown here is decided; {card.back} goes back, {card.undo} takes the last one back"
            )
            self.seatrial.say(keyed(self, words))
            return
        self.show(int(self.desk.ids[following]))

    def action_accept(self) -> None:
        """Do what the check proposes."""
        finding = self.desk.finding(self.place)
        if not proposes(finding):
            raise ConfigError("the check leaves this to you", hint=" · ".join(choices(finding)))
        self.action_decide(finding["action"])

    def action_reject(self) -> None:
        """The check is wrong here: the row stays as it is."""
        if self.desk.finding(self.place)["action"] == "keep":
            raise ConfigError("it is proposed to keep this row", hint="2 drops it · a keeps it")
        self.action_decide("keep")

    def action_decide(self, action: str) -> None:
        """Decide one action; on return it is in the ledger's file."""
        if action == "redact" and self.span is not None:
            redact_instead(self.desk, self.place, *self.span)
            self.span = None
        else:
            self.desk.decide([self.place], action)
        self._decided(action)

    def action_span(self, start: int, end: int) -> None:
        """Move an end of the span by characters; `a` or `3` then redacts what is marked."""
        self.span = moved(self.desk, self.place, self.span, start, end)
        self.show(self.place)

    def action_drop_other(self) -> None:
        """Drop the row on the right, and keep this one."""
        finding = self.desk.finding(self.place)
        if not finding["other_id"]:
            raise ConfigError("there is no other row here")
        self.desk.decide([self.place], "drop", target=finding["other_id"])
        self._decided("drop other")

    async def action_cluster(self) -> None:
        """Accept what is proposed for each member of the cluster, or for all labels spelt so, as one act."""
        places, said = ways.as_a_whole(self.desk, self.place)
        words = f"{len(places):,} are written ..."
        work = partial(self.desk.decide, places, None)
        await at_length(self.seatrial, len(places), words, work, lambda _: self._decided(said))

    async def action_everywhere(self) -> None:
        """Decide on all findings of this kind on the same text, as one act."""
        await ways.decide_everywhere(self.seatrial, self.desk, self.place, self._decided)

    def action_skip(self) -> None:
        """Leave it open and go on."""
        following = self.desk.next_open(self.position)
        if following is None or following == self.position:
            self.action_step(1)
        else:
            self.show(int(self.desk.ids[following]))

    async def action_undo(self) -> None:
        """Take the last act back, and show what it was about."""
        await turn(self.seatrial, self.desk, "undo", self._turned)

    async def action_redo(self) -> None:
        """Do the last undone act again."""
        await turn(self.seatrial, self.desk, "redo", self._turned)

    def _turned(self, turned: Turned | None, places: list[int], word: str, nothing: str) -> None:
        for line, severity in turned_says(turned, places, word=word, nothing=nothing):
            self.seatrial.say(line, severity)
        if turned is None:
            return
        self.recent.append(word)
        at = self.desk.after_turn(places, self.place, self.position)
        if places and at not in places:
            self.seatrial.say(f"{len(turned.written)} {word}")
        self.show(at)

    async def action_note(self) -> None:
        """Write a note beside the last word on this finding."""
        await ways.write_note(self.seatrial, self.desk, self.place, self.tell)

    def action_flag(self) -> None:
        """Set a flag on this row for a second look, or take it off."""
        if self.card is not None and self.card.example is not None:
            self.desk.flag(self.card.example)
            self.tell()

    # moving

    def action_step(self, by: int) -> None:
        """The finding before or after, decided or not."""
        self.show(int(self.desk.ids[(self.position + by) % len(self.desk.ids)]))

    def action_sibling(self, by: int) -> None:
        """The next span of this row, or the next member of this cluster."""
        self.show(ways.sibling(self.desk, self.place, by))

    def action_scroll(self, by: int) -> None:
        """Move a long text."""
        self.page.scroll_by(by)

    def action_stack(self) -> None:
        """Two texts side by side, or one above the other; where an edit is proposed, before and after it."""
        finding = self.desk.finding(self.place)
        if proposed_edit(finding) is not None and finding["decided"] is None:
            self.after = not self.after
            self.show(self.place)
            return
        self.stacked = not self.stacked
        self.page.lay()

    def action_copy(self) -> None:
        """Copy the text at the finding's place, as it is in the data but harmless."""
        if self.card is not None:
            self.seatrial.copy(self.card.left.plain)

    def action_back(self) -> None:
        """To the list."""
        self.dismiss(self.position)

    # editing

    async def action_edit(self) -> None:
        """Change the text in place, or the label; the keys that decide rest until it is saved or left."""
        if of_label(self.desk.finding(self.place)):
            await choose_label(self.seatrial, self.desk, self.place, lambda: self._decided("label"))
            return
        place, text = place_to_edit(self.desk, self.place)
        if not harmless_to_edit(text):
            raise ConfigError("this text holds control characters", hint="E opens it in your editor")
        self._write(Edited(place, text))

    async def action_turn(self) -> None:
        """Change another text of the row; the finding itself stays as it is."""
        await ways.edit_another(self.seatrial, self.desk, self.place, self._write_beside)

    def _write_beside(self, place: Place, text: str, over: tuple[str, ...]) -> None:
        if harmless_to_edit(text):
            self._write(Edited(place, text, over))
        else:
            self._save(Edited(place, text, over), in_editor(self.app, text))

    def _write(self, edited: Edited) -> None:
        self.editing, self.asked_to_leave = edited, False
        place, text = edited.place, edited.before
        self.add_class("-editing")
        title = display_text(f"{place[1]}: ctrl+s saves, escape leaves", lines=False)
        open_area(self.query_one("#text", TextArea), title, text)
        self.refresh_bindings()

    def action_save(self) -> None:
        """Keep the new text as the decision on this finding."""
        if self.editing is None:
            return
        edited, text = self.editing, self.query_one("#text", TextArea).text
        self._stop_editing()
        self._save(edited, text)

    def _save(self, edited: Edited, text: str) -> None:
        place, before = edited.place, edited.before
        if text == before:
            self.seatrial.say("the text is as it was; nothing was decided")
            return
        finding = self.desk.finding(self.place)
        edit = Edit(finding["example_id"], place[0], place[1], text, edited.over or ())
        if edited.over is None:
            self.desk.edit(self.place, edit)
        else:
            edit_beside(self.desk, self.place, edit)
            self.seatrial.say("that turn is edited, as a finding by hand; this one stays as it is")
        self.recent.append("edit")
        like = finding["finding_id"]
        self.offer = None
        self.seatrial.read(self, "alike", lambda: Ready("alike", (offer(self.desk, edit, before), like)))
        self.show(self.place)  # what it says now, beside what it said: look before you go on

    @told
    def on_ready(self, message: Ready) -> None:
        """The rows in which the edit just made fits too are known."""
        self.offer = cast("tuple[Offer, str]", message.value)
        if self.offer[0].proposals:
            self.seatrial.say(
                f"{len(self.offer[0].proposals):,} other rows hold the same words; p proposes the change there"
            )

    def on_failed(self, message: Failed) -> None:
        """What was asked for in the background could not be read."""
        self.seatrial.complain(message.error)

    async def action_alike(self) -> None:
        """Propose the change just made for the rows in which it fits too."""
        await ways.propose_alike(self.seatrial, self.desk, self.offer, self._mended)

    def _mended(self, count: int) -> None:
        self.recent.append(f"{count} alike")
        self.tell()

    async def action_threshold(self) -> None:
        """See what another threshold of this check would change."""
        await ways.try_thresholds(self.seatrial, self.desk, self.place)

    def action_leave(self) -> None:
        """Leave the text as it was; where it was changed, only when asked twice."""
        if self.editing is None:
            return
        if self.unsaved and not self.asked_to_leave:
            self.asked_to_leave = True
            self.seatrial.say("escape again leaves the text as it was; ctrl+s saves it", "warning")
            return
        self._stop_editing()

    def _stop_editing(self) -> None:
        self.editing = None
        self.remove_class("-editing")
        close_area(self.query_one("#text", TextArea))

    def action_editor(self) -> None:
        """Change the text in $EDITOR."""
        place, text = place_to_edit(self.desk, self.place)
        self._save(Edited(place, text), in_editor(self.app, text))
