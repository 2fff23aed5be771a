"""The findings of a version: filtered, searched, sorted, and opened one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from curate.deciding.alike import Similar
from curate.deciding.relabelling import looks_like
from curate.errors import ConfigError
from tui.desk.desk import EXAMPLE_KINDS, ORDERS, Desk, Ids
from tui.desk.filter import compile_filter, kinds, names_in
from tui.desk.history import Turned
from tui.desk.together import blocks, shown
from tui.messages import Failed, Ready
from tui.reading.queue_text import kind_of, row_words
from tui.screens.working import turn
from tui.terminal.display_text import display_text
from tui.terminal.faults import told
from tui.widgets.lines import Heading, JobLine, KeyLine, keyed
from tui.widgets.rows import Block, Cell, Column, Rows

if TYPE_CHECKING:
    from tui.app import Seatrial

COLUMNS = [
    Column("", 1),
    Column("kind", 20, from_width=50),
    Column("kind", 15, below=50),
    Column("score", 5, right=True, from_width=50),
    Column("action", 6, from_width=50),
    Column("row", 18, from_width=120),
    Column("text"),
]


class QueueScreen(Screen[None]):
    """A list of any length: only what is seen is read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Decide", id="queue.open"),
        Binding("colon", "filter", "Filter", id="queue.filter"),
        Binding("slash", "search", "Search", id="queue.search"),
        Binding("s", "sort", "Sort", id="queue.sort"),
        Binding("m", "like", "Similar rows first", show=False, id="queue.like"),
        Binding("B", "together", "Decide on all shown", id="queue.together"),
        Binding("o", "open_only", "Open, or decided too", show=False, id="queue.open-only"),
        Binding("F", "flagged", "Bring in flagged rows", show=False, id="queue.flagged"),
        Binding("w", "widen", "No filter, no search", show=False, id="queue.all"),
        Binding("u", "undo", "Undo", show=False, id="queue.undo"),
        Binding("U", "redo", "Redo", show=False, id="queue.redo"),
        Binding("ctrl+r", "reread", "Read again", show=False, id="queue.reread"),
        Binding("q,escape", "back", "Back", show=False, id="queue.back"),
    ]

    def __init__(self, open_desk: Callable[[], Desk], name: str) -> None:
        super().__init__()
        self.open_desk, self.title_name = open_desk, name
        self.desk: Desk | None = None
        self.asked = 0
        self.chosen_of = 0  # how many findings there were when one chose of them
        self.unseen = 0  # flagged rows about which nothing was found

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """What was chosen, then the list."""
        yield Heading()
        yield Static(id="choice")
        yield Rows(COLUMNS, id="queue")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Read the findings in the background; the screen is there at once."""
        self.query_one(Heading).say([self.title_name, "findings"])
        self.query_one(Rows).focus()
        self.action_reread()

    def action_reread(self) -> None:
        """Read the findings and decisions from the disk again."""
        self.seatrial.read(self, "desk", lambda: Ready("desk", self.open_desk()))

    def renew(self) -> None:
        """A job has ended: it may have been a scan of this version."""
        self.action_reread()

    @told
    def on_ready(self, message: Ready) -> None:
        """The findings, or a new choice of them, are there."""
        rows = self.query_one(Rows)
        if isinstance(message.value, Similar) and self.desk is not None:
            self.desk.near = message.value
            self.choose(order="similar")
            return
        if isinstance(message.value, Desk):
            before, self.desk = self.desk, message.value
            if before is None:
                self.choose(order="blocking" if blocks(self.desk) else "check", only_open=True)
            else:
                self.choose(
                    filter=before.filter, search=before.search, order=before.order, only_open=before.only_open
                )
            return
        number, ids, words, unseen, rest = cast("tuple[int, Ids, dict[str, object], int, int]", message.value)
        if self.desk is None or number != self.asked:
            return  # an older question's answer
        self.desk.take(ids, **words)  # type: ignore[arg-type]
        self.chosen_of = self.desk.total
        self.unseen = unseen
        from tui.screens.versions import VersionsScreen

        rows.empty = keyed(self, self._nothing(rest), VersionsScreen)
        rows.show(len(ids), self.block, cursor=rows.cursor if len(ids) > rows.total > 0 else 0)
        self.tell()

    def _nothing(self, rest: int) -> str:
        """What an empty list says; `rest` findings would fit that wait for nobody."""
        desk = self.desk
        if desk is None or not desk.total:
            return "Nothing was found in this version.\n\n{queue.back} goes back; {versions.apply} there applies, {versions.split} splits."
        if rest:
            nothing = (
                f"All {rest:,} that fit are decided, or need no decision.\n\n{{queue.open-only}} shows them"
            )
            return nothing + (
                "; {queue.all} takes filter and search away." if desk.filter or desk.search else "."
            )
        nothing = "Nothing is left to decide.\n\n"
        if desk.filter or desk.search:
            nothing = "No finding fits.\n\n"
            if "label" in names_in(desk.filter):
                nothing = "No finding fits.\n`label` is the finding's kind here; the row's label is `row_label`.\n\n"
        return (
            nothing
            + "{queue.all} takes filter and search away; {queue.filter} changes the filter; {queue.search} searches."
        )

    def on_failed(self, message: Failed) -> None:
        """Reading or choosing did not work; what was shown stays."""
        words = "This could not be read.\n\n{queue.reread} tries again; {queue.back} goes back."
        self.query_one(Rows).fail(keyed(self, words))
        self.seatrial.complain(message.error)

    def tell(self) -> None:
        """Counts and what was chosen."""
        desk = self.desk
        if desk is None:
            return
        count = f"{len(desk.ids):,} of {desk.total:,} shown · {desk.open:,} open"
        self.query_one(Heading).say([desk.name, "findings"], count)
        by = f" (by {desk.near.by})" if desk.order == "similar" and desk.near else ""
        parts: list[Content | tuple[str, str]] = [(ORDERS[desk.order] + by, "")]
        parts.insert(0, ("open  " if desk.only_open else "open and decided  ", "bold"))
        if desk.filter:
            parts.append((f"  : {display_text(desk.filter, lines=False)}", "bold $accent"))
        if desk.search:
            parts.append((f"  / {display_text(desk.search, lines=False)}", "bold $accent"))
        if desk.unshown:
            parts.append((keyed(self, f"  {desk.unshown} ({{queue.open-only}})"), "dim"))
        if self.unseen:
            parts.append(
                (
                    keyed(self, f"  ⚑ {{queue.flagged}} brings in {self.unseen:,} flagged without a finding"),
                    "$warning",
                )
            )
        self.query_one("#choice", Static).update(Content.assemble(*parts))

    def block(self, start: int, stop: int) -> Block:
        """The cells of some findings."""
        desk = self.desk
        if desk is None:
            return []
        findings = [desk.finding(int(place)) for place in desk.ids[start:stop]]
        examples = desk.examples.get(
            i for found in findings for i in (found["example_id"], looks_like(found["evidence"]))
        )
        block: Block = []
        for found in findings:
            example = examples.get(found["example_id"])
            done, keeper = found["decided"], found["action"] == "keep"
            block.append(
                [
                    Cell("✓", "good") if done else Cell("≠", "warn") if found["differ"] else Cell("★" if keeper else "■" if found["blocking"] else "○", "quiet" if keeper else "bad" if found["blocking"] else "warn"),
                    *[Cell(kind_of(found), "quiet" if done else "")] * 2,
                    Cell(f"{found['score']:.2f}", "quiet"),
                    Cell(done or found["action"], "good" if done else "strong"),
                    Cell(f"{example['source']}:{example['source_row']}" if example else "", "quiet"),
                    Cell(row_words(found, examples), "quiet" if done else ""),
                ]
            )  # fmt: skip
        return block

    # choosing

    def choose(
        self,
        *,
        filter: str | None = None,
        search: str | None = None,
        order: str | None = None,
        only_open: bool | None = None,
    ) -> None:
        """Ask for other findings or another order; what is not said stays as it is."""
        desk = self.desk
        if desk is None:
            return
        wanted: dict[str, object] = {
            "filter": desk.filter if filter is None else filter,
            "search": desk.search if search is None else search,
            "order": desk.order if order is None else order,
            "only_open": desk.only_open if only_open is None else only_open,
        }
        self.asked += 1
        number = self.asked
        desk.current()

        def work() -> Ready:
            ids = desk.choose(**wanted)  # type: ignore[arg-type]
            rest = 0
            if wanted["only_open"] and not len(ids):
                rest = len(desk.choose(**{**wanted, "only_open": False}))  # type: ignore[arg-type]
            return Ready("choice", (number, ids, wanted, len(desk.unseen_flags()), rest))

        self.seatrial.read(self, "choice", work)

    async def action_filter(self) -> None:
        """Type an expression over the findings' columns."""
        from tui.screens.dialogs import Ask

        desk = self.desk
        if desk is None:
            return
        known = kinds(desk.rows.schema) | EXAMPLE_KINDS

        def check(text: str) -> None:
            if text.strip():
                compile_filter(text, known)

        def typed(text: str | None) -> None:
            if text is not None:
                self.choose(filter=text.strip())

        hint = 'check == "pii" and score > 0.8 · decided is None · "refund" in evidence'
        await self.app.push_screen(Ask("filter", desk.filter, hint, check, anew=True), typed)

    async def action_search(self) -> None:
        """Type words that the rows must all hold."""
        from tui.screens.dialogs import Ask

        def typed(text: str | None) -> None:
            if text is not None:
                self.choose(search=text.strip())

        if self.desk is not None:
            await self.app.push_screen(
                Ask("search", self.desk.search, "rows with all of these words; none shows all", anew=True),
                typed,
            )

    def action_sort(self) -> None:
        """The next order that there is: what blocks, by check, surest or least sure or most doubtful first, by row."""
        desk = self.desk
        if desk is not None:
            there = {"similar": desk.near is not None, "blocking": blocks(desk) or desk.order == "blocking"}
            orders = [order for order in ORDERS if there.get(order, True)]
            self.choose(order=orders[(orders.index(desk.order) + 1) % len(orders)])

    def action_like(self) -> None:
        """Order by how similar the rows are to the one under the cursor."""
        desk = self.desk
        if desk is None or not len(desk.ids):
            return
        place = int(desk.ids[self.query_one(Rows).cursor])
        self.seatrial.say("looking for similar rows ...", seconds=2)
        self.seatrial.read(self, "similar", lambda: Ready("similar", desk.like(place)))

    def action_flagged(self) -> None:
        """Rows that were flagged, and about which nothing was found, come to be decided on too."""
        if self.desk is None:
            return
        count = self.desk.bring_in_flagged()
        self.seatrial.say(f"{count:,} flagged rows brought in" if count else "each flagged row is here")
        if count:
            self.choose(only_open=True)

    def action_open_only(self) -> None:
        """Only what waits for a decision, or all."""
        if self.desk is not None:
            self.choose(only_open=not self.desk.only_open)

    def action_widen(self) -> None:
        """No filter and no search any more; open ones only stay so."""
        self.choose(filter="", search="")

    # deciding

    async def on_rows_chosen(self) -> None:
        """Enter or a second click on a finding."""
        await self.seatrial.run_action("open", self)

    async def action_open(self) -> None:
        """Decide on the finding under the cursor, and go on from there."""
        from tui.screens.card import CardScreen

        rows = self.query_one(Rows)
        if self.desk is not None and len(self.desk.ids):
            await self.app.push_screen(CardScreen(self.desk, rows.cursor), self.back_at)

    async def action_together(self) -> None:
        """Accept or reject all that is shown, as one act, once it was asked."""
        from tui.screens.card_ways import decide_together

        desk = self.desk
        if desk is not None and len(desk.ids):
            await decide_together(self.seatrial, desk, lambda: shown(desk), lambda _: self.back_at(None))

    def back_at(self, position: int | None) -> None:
        """Back from a card, or from undo: the list stands where the card stood."""
        rows = self.query_one(Rows)
        if self.desk is not None and rows.total > len(self.desk.ids):  # what was taken back stands no more
            rows.show(len(self.desk.ids), self.block, cursor=min(rows.cursor, len(self.desk.ids) - 1))
        if position is not None and rows.total:
            rows.cursor = min(position, rows.total - 1)
        rows.renew()
        self.tell()
        if self.desk is not None and self.desk.total != self.chosen_of:
            self.choose()  # findings were made by hand meanwhile, or taken back: those that fit are shown

    async def action_undo(self) -> None:
        """Take the last act back."""
        if self.desk is not None:
            await turn(self.seatrial, self.desk, "undo", partial(self._turned, self.desk))

    async def action_redo(self) -> None:
        """Do the last undone act again."""
        if self.desk is not None:
            await turn(self.seatrial, self.desk, "redo", partial(self._turned, self.desk))

    def _turned(self, desk: Desk, turned: Turned | None, _: list[int], word: str, nothing: str) -> None:
        self.seatrial.say(f"{len(turned.written):,} {word}" if turned else nothing)
        self.back_at(None)
        if desk is not self.desk:  # read anew meanwhile, perhaps before it was written
            self.action_reread()

    def action_back(self) -> None:
        """To the versions."""
        self.dismiss()


async def open_queue(app: Seatrial, dataset: str, name: str) -> None:
    """The findings of a version. Raises ConfigError where it was not scanned yet."""
    workspace, who = app.here, app.reviewer
    if workspace.made_from(dataset, kind="scan", role="findings") is None:
        if app.job is not None and app.job.running and app.job.words[0] == "scan":
            raise ConfigError("the scan is not done yet", hint="its findings are shown when it is")
        raise ConfigError("this version was not scanned yet", hint="s scans it")
    await app.push_screen(QueueScreen(lambda: Desk(workspace, dataset, name, who), name))
