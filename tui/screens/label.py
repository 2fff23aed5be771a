"""Labelling: one row a screen, an answer by one key, the next row at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static, TextArea

from curate.errors import ConfigError
from curate.labelling.answers import Pace, Suggestion
from curate.labelling.suggestions import Proposed
from curate.labelling.tasks import Value
from curate.labelling.work import ORDERS, Work
from tui.desk.drafts import Drafts, close_area, open_area
from tui.desk.examples import Examples
from tui.jobs import Job
from tui.messages import Failed, Ready
from tui.reading import label_view as view
from tui.screens.editing import harmless_to_edit
from tui.screens.label_asks import ask_note, choose_by_name
from tui.screens.label_keys import ANSWERED, LABEL_KEYS, UNREAD, alive, resting
from tui.teacher import Teacher
from tui.terminal.display_text import plain
from tui.terminal.faults import told
from tui.widgets.lines import Heading, JobLine, KeyLine, keyed
from tui.widgets.page import Leaf, Page, lines_of

if TYPE_CHECKING:
    from tui.app import Seatrial


class LabelScreen(Screen[None]):
    """A row, what may be answered, and the keys that answer it."""

    BINDINGS: ClassVar[list[BindingType]] = LABEL_KEYS

    def __init__(
        self, open_work: Callable[[], Work], name: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self.open_work, self.title_name = open_work, name
        self.work: Work | None = None
        self.examples: Examples | None = None
        self.position = 0
        self.example: dict[str, Any] = {}
        self.suggestion: Suggestion | None = None
        self.chosen: set[str] = set()
        self.stopwatch = Pace(clock)
        self.teacher = Teacher()
        self.asked_at = 0  # answers there were when a training was last begun
        self.gold_told = False
        self.writing = False
        self.drafts = Drafts()
        self.drawn: dict[str, Content] = {}
        self.ahead: tuple[view.Look, Leaf] | None = None  # the next row's lines, made before

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    @property
    def here(self) -> Work:
        """The work; it is there whenever a key that needs it is alive."""
        if self.work is None:
            raise ConfigError("the rows are being read")
        return self.work

    @property
    def page(self) -> Page:
        """Where the row stands."""
        return self.query_one("#row", Page)

    @property
    def place(self) -> int:
        """The row on the card, by its place in the version."""
        return int(self.here.ids[self.position])

    def compose(self) -> ComposeResult:
        """What is asked; the row; the answers; what stands; figures; keys."""
        yield Heading()
        yield Static(id="ask-what")
        yield Page(id="row")
        yield TextArea(id="answer", soft_wrap=True, tab_behavior="focus", disabled=True)
        yield Static(id="choices")
        yield Static(id="said")
        yield Static(id="pace")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Read the rows and answers in the background; the screen is there at once."""
        self.query_one(Heading).say([self.title_name, "label"])
        self._text(Content("reading ..."))
        self.action_reread()

    def action_reread(self) -> None:
        """Read the answers from the disk again: others may have given some."""
        self.seatrial.read(self, "work", lambda: Ready("work", self.open_work()))

    @told
    def on_ready(self, message: Ready) -> None:
        """What was read in the background is there."""
        if isinstance(message.value, Work):
            before = self.work
            self.work = work = message.value
            self.asked_at = max(self.asked_at, work.model.trained_on if work.model else 0)
            if before is None or before.dataset != work.dataset:
                self.examples = Examples(work.workspace, work.dataset, work.rows["example_id"])
            if not len(work.ids):
                self._text(Content.styled("no row of this version is yours to answer", "dim"))
                return
            self._put("ask-what", plain(work.task.instructions, lines=False))
            self.set_class(not work.task.instructions, "-unasked")
            self.show(work.next_open(-1) or 0)
            self._go_on()
        elif isinstance(message.value, Proposed) and self.work is not None:
            place = self.place
            self.work.take_model(message.value, place)
            self.position = self.here.position(place) or 0
            self.refresh_card()

    def on_failed(self, message: Failed) -> None:
        """The rows or the model could not be read."""
        self.seatrial.complain(message.error)
        if message.what == "work" and self.work is None:
            self._text(Content.styled(keyed(self, UNREAD), "dim"))

    # showing

    def show(self, position: int) -> None:
        """Put one row on the card, and start its clock."""
        self.position = position
        work, place = self.here, self.place
        assert self.examples is not None
        self.example = view.row_at(work, self.examples, position)
        self.suggestion = work.suggestion(place)
        standing: Value | None = work.own.get(place)
        if standing is None and self.suggestion is not None and work.task.kind == "several":
            standing = self.suggestion.value
        self.chosen = view.names_in(standing)
        known = self.ahead[1] if self.ahead and self.ahead[0] == view.look(self.example, self.page) else None
        self._text(view.shown(work.task, self.example), known)
        self.refresh_card()
        self.stopwatch.start()
        self.call_after_refresh(self._make_ahead)

    @told
    def _make_ahead(self) -> None:
        """While one looks at this row: make what its answer and the next row need, and read those after it."""
        self.here.prepare(self.example)
        if self.examples is not None and self.is_current:
            self.ahead = view.ahead(self.here, self.examples, self.position, self.page)

    def refresh_card(self) -> None:
        """Draw all but the row again: answers, suggestion, figures."""
        work, place, task = self.here, self.place, self.here.task
        if task.kind != "text":
            room = max(1, min(10, self.size.height // 3))
            self._put("choices", view.choices(task, self.chosen, self.suggestion, self.size.width - 4, room))
        self.query_one("#choices").display = task.kind != "text"
        flagged, note = work.flagged(self.example), work.note(self.example)
        narrow = self.size.width < 60
        self._put("said", view.word(work, place, self.suggestion, flagged=flagged, note=note, narrow=narrow))
        self.tell()

    def tell(self) -> None:
        """The heading and the figures."""
        work = self.here
        far = view.how_far(work, self.position, self.size.width)
        self.query_one(Heading).say([self.title_name, "label", work.task.name], far)
        figures = view.pace(work, gold=self.gold_told, training=self.teacher.running, width=self.size.width)
        self._put("pace", figures)
        self.query_one(KeyLine).renew()

    def _text(self, content: Content, leaf: Leaf | None = None) -> None:
        """Put a text on the page; `leaf` is what it makes there, where that is known."""
        self.page.show(lambda width, _: Leaf([], lines_of(self.page.lines, content, width)), leaf)

    def _put(self, name: str, content: Content) -> None:
        """Draw a part of the card again, but only where it says something else now."""
        before = self.drawn.get(name)
        if before is None or not before.is_same(content):
            self.drawn[name] = content
            # as many lines as before: nothing else on the screen moves
            moves = before is None or before.plain.count("\n") != content.plain.count("\n")
            self.query_one(f"#{name}", Static).update(content, layout=moves)

    def on_resize(self) -> None:
        """The answers stand in other columns."""
        if self.work is not None and len(self.work.ids):
            self.refresh_card()

    renew = on_resize  # also when a job has ended

    def on_key(self, _: events.Key) -> None:
        """Whoever types is there: the time counts."""
        self.stopwatch.beat()

    # answering

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a text is written the keys that answer rest; without rows nearly all do."""
        rows = self.work is not None and bool(len(self.work.ids))
        return alive(action, self.here.task.kind if rows else None, writing=self.writing)

    @property
    def resting(self) -> frozenset[str]:
        """What is not named at the foot."""
        return resting(self.here.task.kind if self.work else None, suggested=self.suggestion is not None)

    def answer(self, value: Value) -> None:
        """Answer the row on the card; on return it is in the ledger's file. Then the next one."""
        self.here.answer(self.place, self.example, value, self.stopwatch.seconds(), self.suggestion)
        if self.here.due(self.asked_at) and not self.teacher.running:
            self.action_train()
        following = self.here.next_open(self.position)
        if following is None:
            self.show(self.position)
            self.seatrial.say(keyed(self, ANSWERED))
        else:
            self.show(following)
            self._go_on()

    def _go_on(self) -> None:
        """A free text is written at once; after undo, or a look at another row, e writes it."""
        if self.here.task.kind == "text":
            self.action_write()

    def action_choose(self, key: str) -> None:
        """A digit: the answer, or where several may be chosen, one of them on or off."""
        option = next((each for each in view.points(self.here.task) if each.key == key), None)
        if option is None:
            raise ConfigError(f"no answer has the key {key}", hint=self.here.task.asks())
        self._choose(option.name)

    def _choose(self, name: str) -> None:
        if self.here.task.kind == "several":
            self.chosen ^= {name}
            self.refresh_card()
        else:
            self.answer(int(name) if self.here.task.kind == "scale" else name)

    def action_accept(self) -> None:
        """Answer what is suggested."""
        if self.suggestion is None:
            raise ConfigError("nothing is suggested here", hint=self.here.model_told())
        self.answer(self.suggestion.value)

    def action_submit(self) -> None:
        """Answer with what is chosen; in a free text go on writing."""
        if self.here.task.kind == "text":
            self.action_write()
        else:
            self.answer([name for name in self.here.task.names if name in self.chosen])

    async def action_find(self) -> None:
        """Choose by name, for answers that have no key."""
        await choose_by_name(self.app, [option.name for option in view.points(self.here.task)], self._choose)

    def action_skip(self) -> None:
        """Leave it open and go on; it comes again at the end."""
        following = self.here.next_open(self.position)
        if following is None or following == self.position:
            self.action_step(1)
        else:
            self.show(following)

    def action_undo(self) -> None:
        """Take the last answer back, and show its row."""
        self._turned(*self.here.undo(), said="undone", nothing="nothing to undo in this version")

    def action_redo(self) -> None:
        """Give the last undone answer again."""
        self._turned(*self.here.redo(), said="done again", nothing="nothing to do again in this version")

    def _turned(self, turn: object, place: int | None, *, said: str, nothing: str) -> None:
        position = self.here.position(place) if place is not None else None
        if turn is None:
            self.seatrial.say(nothing)
        elif position is None:
            self.seatrial.say(f"an answer {said}, to a row that is not shown here")
        self.show(self.position if position is None else position)

    async def action_note(self) -> None:
        """Write a note on this row."""
        example = self.example

        def noted(text: str) -> None:
            self.here.annotate(example, text)
            self.refresh_card()

        await ask_note(self.app, self.here.note(example), noted)

    def action_flag(self) -> None:
        """Set a flag on this row for a second look, or take it off."""
        self.here.flag(self.example)
        self.refresh_card()

    def action_gold(self) -> None:
        """Say on the status line how many gold rows were answered right, or stop saying it."""
        self.gold_told = not self.gold_told
        self.tell()

    # moving

    def action_step(self, by: int) -> None:
        """The row before or after, answered or not."""
        self.show((self.position + by) % len(self.here.ids))

    def action_order(self) -> None:
        """The next order that there is: as in the file, least sure first, where people differ."""
        work, place = self.here, self.place
        following = work.following_order()
        if following is None:
            self.seatrial.say(view.one_order(work, training=self.teacher.running))
            return
        work.arrange(following, place)
        self.show(work.next_open(-1) or 0)
        self.seatrial.say(ORDERS[following])

    def action_scroll(self, by: int) -> None:
        """Move a long text; whoever reads on is there."""
        self.stopwatch.beat()
        self.page.scroll_by(by)

    def action_copy(self) -> None:
        """Copy the row's text."""
        self.seatrial.copy(view.shown(self.here.task, self.example).plain)

    def action_back(self) -> None:
        """To the versions; where a text is not saved, only when asked twice."""
        warning = self.drafts.warns()
        if warning:
            self.seatrial.say(warning, "warning")
        else:
            self.dismiss()

    # writing

    @property
    def unsaved(self) -> bool:
        """Whether a text was written that is no answer yet."""
        return self.drafts.unsaved(self.query_one("#answer", TextArea).text if self.writing else None)

    def action_write(self) -> None:
        """Write a free answer; the keys that answer rest until it is saved or left."""
        own = self.here.own.get(self.place)
        text = str(own if own is not None else self.suggestion.value if self.suggestion else "")
        if not harmless_to_edit(text):
            self.seatrial.say("what stands there holds control characters; it is not filled in", "warning")
            text = ""
        self.writing = True
        self.add_class("-writing")
        text = self.drafts.begin(self.place, text)
        open_area(self.query_one("#answer", TextArea), "ctrl+s saves and goes on, escape rests", text)
        self.refresh_bindings()

    def action_save(self) -> None:
        """The text is the answer."""
        value = self.here.checked(self.query_one("#answer", TextArea).text)
        self.action_leave()
        self.drafts.kept.pop(self.place, None)
        self.answer(value)

    def action_leave(self) -> None:
        """Leave the text, which is kept while one is here; the keys mean what they mean elsewhere."""
        self.writing = False
        self.remove_class("-writing")
        area = self.query_one("#answer", TextArea)
        self.drafts.rest(area.text)
        close_area(area)

    # the model

    def action_train(self) -> None:
        """Train a model on the answers so far, in the background."""
        if self.teacher.running:
            self.seatrial.say("a model is being trained")
            return
        self.asked_at = self.here.total_answers
        self.teacher.start(self.here, self._taught)
        self.tell()

    def _taught(self, job: Job) -> None:
        """The training has ended: take what it found, or say why there is nothing."""
        if not self.is_attached or self.work is None:
            return
        if job.exit_code == 0:
            self.seatrial.read(self, "model", lambda: Ready("model", self.here.newer_model()))
        elif job.exit_code != 1:  # 1: too little to learn from, which the status line says
            self.seatrial.say(f"no model: {job.answer.get('error') or 'the training failed'}", "warning")
        self.call_after_refresh(self.tell)
