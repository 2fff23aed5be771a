"""Two answers to one question, side by side and without names, and which is better."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from curate.errors import ConfigError, NotFoundError, SeatrialError
from tui.messages import Failed, Ready
from tui.reading.rating_view import Opened, Summed, agreed, agreement, answer, asked, open_rating, summed
from tui.terminal.display_text import plain
from tui.terminal.faults import told
from tui.widgets.lines import Heading, JobLine, KeyLine

if TYPE_CHECKING:
    from curate.people.agreement import Kappa
    from curate.workspace.differences import Word
    from evalharness.judging.rating import Item, Rater
    from tui.app import Seatrial

IDLE = 60.0  # seconds; who looked longer than that was away
OFTEN = 2.0  # seconds after which agreement is reckoned again, where somebody has rated since
SIGNS = {"left": "◀ 1 is better", "right": "2 is better ▶", "tie": "= a tie", "both bad": "✗ both bad"}
NOTHING = (
    "There is nothing to rate.\n\n{}\n\nSeveral arms must have answered the same rows:\n! predict asks them."
)


class RatingScreen(Screen[None]):
    """One question a screen; the sides are drawn by chance and stay hidden."""

    CSS_PATH = "rating.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1,left", "rate('left')", "Left", id="rating.left"),
        Binding("2,right", "rate('right')", "Right", id="rating.right"),
        Binding("t", "rate('tie')", "Tie", id="rating.tie"),
        Binding("b", "rate('both bad')", "Both bad", id="rating.both-bad"),
        Binding("space", "skip", "Skip", id="rating.skip"),
        Binding("u", "undo", "Undo", show=False, id="rating.undo"),
        Binding("U", "redo", "Redo", show=False, id="rating.redo"),
        Binding("left_square_bracket", "go(-1)", "Previous", show=False, id="rating.previous"),
        Binding("right_square_bracket", "go(1)", "Next", show=False, id="rating.next"),
        Binding("r", "reference", "The reference answer, or not", show=False, id="rating.reference"),
        Binding("d", "differ", "Those on which people differ", show=False, id="rating.differ"),
        Binding("v", "results", "What came of it so far", show=False, id="rating.results"),
        Binding("B", "baseline", "Against another arm", show=False, id="rating.baseline"),
        Binding("S", "other_split", "Another split", show=False, id="rating.split"),
        Binding("X", "export", "Export preference pairs", show=False, id="rating.export"),
        Binding("down,j", "scroll(1)", "Down", show=False, id="rating.down"),
        Binding("up,k", "scroll(-1)", "Up", show=False, id="rating.up"),
        Binding("pagedown,ctrl+f", "scroll(10)", "Page down", show=False, id="rating.pagedown"),
        Binding("pageup,ctrl+b", "scroll(-10)", "Page up", show=False, id="rating.pageup"),
        Binding("q,escape", "back", "Back", show=False, id="rating.back"),
    ]

    def __init__(self, dataset: str, *, baseline: str | None = None, split: str = "test") -> None:
        super().__init__()
        self.dataset, self.baseline, self.split = dataset, baseline, split
        self.opened: Opened | None = None
        self.rater: Rater | None = None
        self.place = 0
        self.reference = False
        self.since = time.monotonic()
        self.seconds: list[float] = []  # of the ratings of this sitting
        self.agreement: list[Kappa] = []
        self.reckoned, self.reckoning = -1, False  # the newest word that agreement counts
        self.seen: dict[int, tuple[Word, ...]] = {}  # differences that are gone through

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """The question, the two answers, what was said of them."""
        yield Heading()
        with VerticalScroll(id="rate-body", can_focus=False):
            yield Static(id="rate-question")
            with Horizontal(id="rate-sides"):
                yield Static(id="rate-one")
                yield Static(id="rate-two")
        yield Static(id="rate-word")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Read the answers in the background; agreement follows what others say meanwhile."""
        self.query_one(Heading).say(["seatrial", "rating"])
        self.load()
        self.set_interval(OFTEN, self.look_at_agreement)

    def load(self) -> None:
        """Read the arms' answers."""
        workspace, dataset, baseline, split = self.seatrial.here, self.dataset, self.baseline, self.split
        self.seatrial.read(self, "rating", lambda: open_rating(workspace, dataset, baseline, split))

    @told
    def on_ready(self, message: Ready) -> None:
        """The answers, or a sum of the ratings, have been read."""
        if isinstance(message.value, Opened):
            self.take(message.value)
        elif isinstance(message.value, Summed):
            self.show_results(message.value)
        elif message.what == "agreement":
            self.agreement, self.reckoning = cast("list[Kappa]", message.value), False
            self.tell()

    def take(self, opened: Opened) -> None:
        """Go on where this person stopped."""
        from evalharness.judging.rating import Rater

        self.opened, self.baseline, self.agreement = opened, opened.pair.baseline, opened.agreement
        self.seen = {}
        self.rater = Rater(self.seatrial.here, opened.pair, self.seatrial.reviewer)
        self.go_to(self.rater.next_open(-1))

    def on_failed(self, message: Failed) -> None:
        """There are no answers, or they cannot be read."""
        self.reckoning = False
        if self.opened is None:
            words = str(message.error) if isinstance(message.error, SeatrialError) else ""
            self.query_one("#rate-question", Static).update(plain(NOTHING.format(words)))
        if not isinstance(message.error, NotFoundError):
            self.seatrial.complain(message.error)

    # showing

    def go_to(self, place: int | None) -> None:
        """Show an example; None: all are rated, so what came of it."""
        self.reference = False
        if place is None:
            if self.rater is not None and self.rater.pair.items:
                self.action_results()
            self.place = min(self.place, max(len(self.items) - 1, 0))
        else:
            self.place = place
        self.query_one("#rate-body", VerticalScroll).scroll_home(animate=False)
        self.show()
        self.since = time.monotonic()

    @property
    def items(self) -> list[Item]:
        """What is to be rated."""
        return self.rater.pair.items if self.rater is not None else []

    def show(self) -> None:
        """The example that one is at."""
        question, one, two = (self.query_one(f"#rate-{part}", Static) for part in ("question", "one", "two"))
        if self.rater is None or not self.items:
            pair = self.rater.pair if self.rater else None
            words = (
                f"To all {pair.alike:,} rows {pair.candidate} and {pair.baseline} say the same."
                if pair is not None and pair.alike
                else ""
            )
            question.update(plain(NOTHING.format(words)))
            one.update("")
            two.update("")
            self.tell()
            return
        item = self.items[self.place]
        left = self.rater.left(self.place)
        right = next(arm for arm in item.answers if arm != left)
        said = self.rater.side(self.place)
        question.update(
            asked(
                item.messages, item.reference if self.reference else None, system=self.app.size.height >= 18
            )
        )
        one.update(answer("1", item.answers[left], chosen=said == "left"))
        two.update(answer("2", item.answers[right], chosen=said == "right"))
        self.tell()

    def tell(self) -> None:
        """Where one is, what was said of it, and the pace."""
        if self.rater is None or self.opened is None:
            return
        pair, rated = self.rater.pair, len(self.rater.mine)
        self.query_one(Heading).say(
            ["seatrial", "rating", f"{pair.candidate} and {pair.baseline}, {pair.split} rows"],
            f"at {self.place + 1 if self.items else 0:,} · {rated:,} of {len(self.items):,} rated",
        )
        said = self.rater.side(self.place) if self.items else None
        parts = [SIGNS[said] if said else "not rated"] if self.items else []
        parts += [f"{w.reviewer}: {self._told(w.said)}" for w in self.seen.get(self.place, ())]
        parts += [f"median {median(self.seconds):.1f} s"] if self.seconds else []
        parts += [agreed(each, self.seatrial.reviewer) for each in self.agreement[:1]]
        self.query_one("#rate-word", Static).update(
            plain("  ·  ".join(parts), "" if said else "dim", lines=False)
        )

    def _told(self, said: str) -> str:
        """Somebody's answer by the sides as they stand here."""
        assert self.rater is not None
        return {"left": "1", "right": "2"}.get(side := self.rater.seen_as(self.place, said), side)

    def on_resize(self, event: events.Resize) -> None:
        """Answers stand side by side where there is room for two columns one can read."""
        self.set_class(event.size.width < 72, "-one-column")

    # rating

    def action_rate(self, said: str) -> None:
        """Record it and go on to the next that is not rated."""
        if self.rater is None or not self.items:
            return
        took = time.monotonic() - self.since
        known = took if took <= IDLE else None
        settles = self.seen.pop(self.place, ())
        self.rater.rate(self.place, said, seconds=known, reference=self.reference, settles=settles)
        if known is not None:
            self.seconds.append(known)
        if settles:
            self._next_difference()
        else:
            self.go_to(self.rater.next_open(self.place))

    @told
    def look_at_agreement(self) -> None:
        """Reckon again how this person agrees with others, in the background, where anybody has rated since."""
        workspace, opened = self.seatrial.here, self.opened
        if opened is None or self.reckoning:
            return
        query = "select max(annotation_id) as newest from annotation"
        newest = workspace.ledger.rows(query)[0]["newest"] or 0
        if newest != self.reckoned:
            self.reckoned, self.reckoning = newest, True
            self.seatrial.read(
                self,
                "agreement",
                lambda: Ready("agreement", agreement(workspace, opened.pair, self.seatrial.reviewer)),
            )

    def action_skip(self) -> None:
        """To the next that is not rated; this one comes again."""
        if self.place in self.seen:
            self._next_difference()
        elif self.rater is not None and self.items:
            following = self.rater.next_open(self.place)
            if following == self.place:
                self.seatrial.say("this is the only one that is left")
            self.go_to(following)

    def action_go(self, by: int) -> None:
        """To the one before or after, rated or not."""
        if self.items:
            self.go_to(max(0, min(self.place + by, len(self.items) - 1)))

    def action_differ(self) -> None:
        """Go through what people differ on: each one's word is told, and what is said now settles it."""
        if self.rater is None:
            return
        going = bool(self.seen)
        self.seen = {} if going else self.rater.differing()
        if going:
            self.go_to(self.rater.next_open(-1))
        elif self.seen:
            self.seatrial.say(f"people differ on {len(self.seen):,}; what you say now settles it, d leaves")
            self._next_difference()
        else:
            self.seatrial.say("people differ on none of these")

    def _next_difference(self) -> None:
        """The next after this one, or the first; when none is left, on to what is not rated."""
        assert self.rater is not None
        later = [place for place in self.seen if place > self.place]
        if self.seen:
            self.go_to(later[0] if later else next(iter(self.seen)))
        else:
            self.seatrial.say("all are settled")
            self.go_to(self.rater.next_open(-1))

    def action_undo(self) -> None:
        """Take the newest rating back and show it."""
        self._turn(lambda rater: rater.undo(), "nothing to undo")

    def action_redo(self) -> None:
        """Say the newest undone rating again and show it."""
        self._turn(lambda rater: rater.redo(), "nothing to redo")

    def _turn(self, turn: Callable[[Rater], int | None], nothing: str) -> None:
        if self.rater is None:
            return
        place = turn(self.rater)
        if place is None:
            self.seatrial.say(nothing)
        else:
            self.go_to(place)

    def action_reference(self) -> None:
        """Show the reference answer, or hide it; that it was looked at is recorded with the rating."""
        self.reference = not self.reference
        self.show()

    # beside it

    def action_results(self) -> None:
        """What came of it so far: the names are told, so whoever goes on is less blind."""
        workspace, opened = self.seatrial.here, self.opened
        if opened is not None:
            self.look_at_agreement()
            self.seatrial.read(self, "results", lambda: summed(workspace, opened.pair))

    def show_results(self, found: Summed) -> None:
        """A panel to read and copy."""
        from tui.screens.dialogs import Panel

        title = "All are rated" if not found.row["open"] else "Ratings so far"
        more = (
            "X exports the preference pairs; seatrial report has the win rate, seatrial agree the agreement."
        )
        self.app.push_screen(Panel(title, found.words, more, fault=False))

    def action_baseline(self) -> None:
        """The same candidate against the next arm that has answered."""
        self._other("baseline", self.opened.arms if self.opened else [], self.baseline)

    def action_other_split(self) -> None:
        """The same arms' answers to another split."""
        self._other("split", self.opened.splits if self.opened else [], self.split)

    def _other(self, name: str, there: list[str], now: str | None) -> None:
        if len(there) < 2 or now not in there:
            self.seatrial.say(f"no other {'arm' if name == 'baseline' else 'split'} has answers")
            return
        setattr(self, name, there[(there.index(now) + 1) % len(there)])
        self.load()

    async def action_export(self) -> None:
        """Write preference pairs; the command can be changed first."""
        pair = self.opened.pair if self.opened else None
        if pair is None:
            raise ConfigError("there are no ratings yet")
        dataset = self.seatrial.here.name_of(pair.dataset) or pair.dataset[:12]
        split = "" if pair.split == "test" else f" --split {pair.split}"
        await self.seatrial.ask_command(
            f"rate export {dataset} --baseline {pair.baseline}{split} --to preferences.jsonl"
        )

    def action_scroll(self, by: int) -> None:
        """Long answers: up and down."""
        self.query_one("#rate-body", VerticalScroll).scroll_relative(y=by, animate=False)

    def action_back(self) -> None:
        """To where one came from; everything said is kept."""
        self.dismiss()
