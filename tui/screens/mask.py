"""The tokens of one row, those that a run trains on marked, row after row."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen

from evalharness.encoding.shown import Masked, Masks
from train.job import masks_of, recipe_of
from tui.messages import Failed, Ready
from tui.reading.lineage import RunRow
from tui.terminal.display_text import plain
from tui.terminal.faults import told
from tui.widgets.lines import Heading, JobLine, KeyLine
from tui.widgets.reading import Reading, reading_keys

if TYPE_CHECKING:
    from tui.app import Seatrial

TRAINED, REST = "$success reverse", "dim"


class MaskScreen(Screen[None]):
    """Rows of a training run as the model gets them."""

    BINDINGS: ClassVar[list[BindingType]] = [*reading_keys("mask")]

    def __init__(self, run: RunRow) -> None:
        super().__init__()
        self.run, self.position = run, 0
        self.masks: Masks | None = None
        self.text = ""

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """What is known of the row, and its tokens."""
        yield Heading()
        yield Reading()
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Read the first row."""
        self.query_one(Heading).say(["seatrial", "runs", self.run.run_id, "mask"], "reading ...")
        self.show()

    def show(self) -> None:
        """Read the row at the position, in the background; the first takes the tokenizer's time."""
        workspace, run, position = self.seatrial.here, self.run, self.position

        def read() -> Ready:
            if self.masks is None:
                dataset = workspace.ledger.run_artifacts(run.run_id, "in")["dataset"]
                self.masks = masks_of(workspace.examples(dataset), recipe_of(run.params))
            return Ready("mask", (position, len(self.masks), self.masks.row(position)[0]))

        self.seatrial.read(self, "mask", read)

    @told
    def on_ready(self, message: Ready) -> None:
        """Draw it."""
        position, total, row = cast("tuple[int, int, Masked]", message.value)
        if position != self.position:
            return
        self.query_one(Heading).say(
            ["seatrial", "runs", self.run.run_id, "mask"], f"row {position + 1:,} of {total:,}"
        )
        count = f"{sum(row.trained):,} of {len(row.tokens):,} tokens are trained on"
        facts = f"{row.where} · {count}" if row.tokens else f"cannot be trained on: {row.why}"
        self.text = "\n".join(
            f"{'train' if on else '     '}  {name}" for name, on in zip(row.tokens, row.trained, strict=True)
        )
        self.query_one(Reading).show(plain(facts, lines=False), drawn(row))

    def on_failed(self, message: Failed) -> None:
        """It cannot be read: said."""
        self.query_one(Heading).say(["seatrial", "runs", self.run.run_id, "mask"], "cannot be read")
        self.seatrial.complain(message.error)

    def action_step(self, by: int) -> None:
        """The row before or after."""
        if self.masks is not None and len(self.masks):
            self.position = (self.position + by) % len(self.masks)
            self.show()

    def action_scroll(self, by: int) -> None:
        """Move a long row."""
        self.query_one(Reading).scroll_text(by)

    def action_copy(self) -> None:
        """Copy the tokens, a line each."""
        self.seatrial.copy(self.text)

    def action_back(self) -> None:
        """To the curves."""
        self.dismiss()


def drawn(row: Masked) -> Content:
    """The tokens with a blank between them, the trained ones marked."""
    parts = [
        plain(name, TRAINED if on else REST, lines=False)
        for name, on in zip(row.tokens, row.trained, strict=True)
    ]
    return Content(" ").join(parts)
