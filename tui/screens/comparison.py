"""The newest comparison: the verdict with its evidence, and the arms side by side, regressions first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from curate.deciding.flags import flag, flagged
from curate.errors import NotFoundError
from curate.workspace import Workspace
from evalharness.deciding.wording import fraction, headline, span
from tui.messages import Failed, Ready
from tui.terminal.display_text import display_text, excerpt, plain
from tui.terminal.faults import told
from tui.widgets.lines import Heading, JobLine, KeyLine, keyed
from tui.widgets.rows import Block, Cell, Column, Rows

if TYPE_CHECKING:
    from evalharness.deciding.comparison import ArmAnswer, Comparison, ExampleRow, PeopleRow
    from evalharness.report.nearest import Near, Nearest
    from tui.app import Seatrial

SIGNS = {"lost": ("▼", "bad"), "won": ("▲", "good"), "none right": ("✗", "warn"), "alike": ("=", "quiet")}
NONE_YET = "No comparison yet.\n\nIt takes a split, an adapter, answers and scores:\n{comparison.steps} shows the steps that are left, each with its command."
NEAR = 3  # training rows named beside an example


class ComparisonScreen(Screen[None]):
    """What the figures say, and the rows behind them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "kind", "One kind", id="comparison.kind"),
        Binding("s", "send", "To curation", id="comparison.send"),
        Binding("p", "rate", "Rate", id="comparison.rate"),
        Binding("v", "verdict", "Verdict", id="comparison.verdict"),
        Binding("S", "send_all", "Send all that are shown to curation", show=False, id="comparison.send-all"),
        Binding(
            "N",
            "send_near",
            "Send the nearest training rows to curation",
            show=False,
            id="comparison.send-near",
        ),
        Binding("E", "steps", "The steps to a verdict", show=False, id="comparison.steps"),
        Binding("c", "copy", "Copy the id", show=False, id="comparison.copy"),
        Binding("R", "report", "Write the report", show=False, id="comparison.report"),
        Binding("q,escape", "back", "Back", id="comparison.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.comparison: Comparison | None = None
        self.block_lines: list[str] = []
        self.rows: list[ExampleRow] = []
        self.kind: str | None = None
        self.flagged: set[str] = set()
        self.nearest: Nearest | None = None
        self.near: dict[str, list[Near]] = {}  # by example

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """Verdict, list of examples, the chosen one's answers."""
        yield Heading()
        yield Static(id="verdict")
        columns = [Column("", 1), Column("", 10), Column("label", 12, from_width=60), Column("question")]
        yield Rows(columns, id="arms")
        with VerticalScroll(id="answers", can_focus=False):
            yield Static(id="answer-text")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Read in the background."""
        self.query_one(Heading).say(["seatrial", "comparison"])
        self.query_one(Rows).focus()
        self.renew()

    def renew(self) -> None:
        """Read the newest comparison."""
        workspace = self.seatrial.here
        self.seatrial.read(self, "comparison", lambda: read(workspace))

    @told
    def on_ready(self, message: Ready) -> None:
        """Show it, or the training rows near to an example."""
        if message.what == "nearest":
            self.nearest, example_id, found = cast("tuple[Nearest, str, list[Near]]", message.value)
            self.near[example_id] = found
            self.tell()
            return
        self.comparison, self.block_lines = cast("tuple[Comparison, list[str]]", message.value)
        self.query_one("#verdict", Static).update(self._headline(self.comparison))
        self.flagged = flagged(self.seatrial.here)
        self.show()

    @told
    def on_screen_resume(self) -> None:
        """People may have rated meanwhile."""
        if self.comparison is not None:
            self.renew()

    def on_failed(self, message: Failed) -> None:
        """There is none, or it cannot be read."""
        if message.what == "nearest":  # named only where it is cheap: without, the rest is as good
            self.near = {row["example_id"]: [] for row in self.rows}
            self.seatrial.say(f"no training rows are named: {message.error}", "warning")
            return
        rows = self.query_one(Rows)
        rows.empty = keyed(self, NONE_YET)
        rows.show(0, self.block)
        if not isinstance(message.error, NotFoundError):
            self.seatrial.complain(message.error)

    def _headline(self, found: Comparison) -> Content:
        verdict = found["verdict"]
        tone = "$success" if verdict["exit_code"] == 0 else "$warning"
        # what is missing stands with the outcome, what was found below it
        lines = [
            plain(headline(found), f"bold {tone}", lines=False),
            plain(verdict["reason"], lines=False),
        ]
        primary = found["settings"]["primary"]
        for row in found["metrics"]:
            if row["metric"] == primary and row["mean"] is not None:
                doubt = (
                    f" ({row['low']:.2f} to {row['high']:.2f}, n = {row['n']})"
                    if row["low"] is not None and row["high"] is not None
                    else f" (n = {row['n']})"
                )
                here = row["arm"] == found["candidate"]
                lines.append(
                    Content.assemble(
                        (f"{row['arm']:<10}", "bold" if here else ""), (f" {primary} {row['mean']:.2f}", "bold" if here else ""),
                        (doubt, "dim"),
                    )
                )  # fmt: skip
        for people in found.get("people", []):
            lines.append(plain(_preferred(people, found["candidate"]), lines=False))
        return Content("\n").join(lines)

    def show(self) -> None:
        """The examples of the chosen kind."""
        if self.comparison is None:
            return
        examples = self.comparison["examples"]
        rows = self.query_one(Rows)
        before = self.rows[rows.cursor]["example_id"] if rows.cursor < len(self.rows) else None
        self.rows = [row for row in examples["rows"] if self.kind in (None, row["kind"])]
        kinds = " · ".join(f"{count:,} {kind}" for kind, count in examples["kinds"].items())
        self.query_one(Heading).say(
            ["seatrial", "comparison"], f"{len(self.rows):,} of {examples['total']:,} shown · {kinds}"
        )
        rows.empty = f"No example is of the kind `{self.kind}`.\n\no goes on to the next kind."
        # back from the rating, or among others: where one was
        ids = [row["example_id"] for row in self.rows]
        rows.show(len(self.rows), self.block, cursor=ids.index(before) if before in ids else 0)
        self.tell()

    def block(self, start: int, stop: int) -> Block:
        """The cells of some examples."""
        return [
            [
                Cell(*SIGNS.get(row["kind"], ("", ""))),
                Cell(row["kind"], SIGNS.get(row["kind"], ("", ""))[1]),
                Cell(row["label"] or "", "quiet"),
                Cell(("⚑ " if row["example_id"] in self.flagged else "") + excerpt(row["question"])),
            ]
            for row in self.rows[start:stop]
        ]

    @told
    def on_rows_moved(self) -> None:
        """Another example's answers."""
        self.tell()

    def tell(self) -> None:
        """The question, the reference, and what each arm said."""
        if not self.rows or self.comparison is None:
            self.query_one("#answer-text", Static).update("")
            return
        row = self.rows[self.query_one(Rows).cursor]
        parts = [
            _text("question", row["question"], row["question_characters"]),
            _text("reference", row["reference"], row["reference_characters"]),
        ]
        arms = [
            self.comparison["candidate"],
            *(a for a in self.comparison["arms"] if a != self.comparison["candidate"]),
        ]
        parts += [_answer(arm, row["arms"][arm]) for arm in arms if arm in row["arms"]]
        parts += self._near(row)
        self.query_one("#answer-text", Static).update(Content("\n").join(parts))

    def _near(self, row: ExampleRow) -> list[Content]:
        """The training rows that are nearest, once they have been looked for."""
        if row["example_id"] not in self.near:
            self.look(row)
            return []
        return [
            Content.assemble(
                ("in train  " if not number else " " * 10, "bold $secondary"),
                (" ⚑ " if near.example_id in self.flagged else " "),
                (f"[{display_text(near.label, lines=False)}] " if near.label else "", "dim"),
                plain(excerpt(near.question, max(self.size.width - 32, 20)), "dim", lines=False),
            )
            for number, near in enumerate(self.near[row["example_id"]])
        ]

    def look(self, row: ExampleRow) -> None:
        """Look for training rows near to an example, in the background."""
        assert self.comparison is not None
        workspace, dataset, known = self.seatrial.here, self.comparison["subject"]["dataset"], self.nearest
        self.near[row["example_id"]] = []  # asked for

        def work() -> Message:
            from evalharness.report.nearest import Nearest

            found = known or Nearest(workspace, dataset)
            return Ready("nearest", (found, row["example_id"], found.to(row["question"], NEAR)))

        self.seatrial.read(self, "nearest", work)

    # to curation

    def action_send(self) -> None:
        """Flag the chosen example, or take its flag off."""
        if self.rows:
            example_id = self.rows[self.query_one(Rows).cursor]["example_id"]
            self.send([example_id], on=example_id not in self.flagged)

    def action_send_near(self) -> None:
        """Flag the training rows that are named below: they are what the adapter learnt from."""
        if self.rows:
            near = self.near.get(self.rows[self.query_one(Rows).cursor]["example_id"], [])
            self.send([each.example_id for each in near])

    async def action_send_all(self) -> None:
        """Flag all that are shown, once that is confirmed."""
        from tui.screens.dialogs import Confirm

        ids = [row["example_id"] for row in self.rows if row["example_id"] not in self.flagged]
        if not ids:
            self.seatrial.say("all that are shown are flagged")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.send(ids)

        kind = f" of the kind `{self.kind}`" if self.kind else ""
        question = f"Flag {len(ids):,} examples{kind} for curation?"
        await self.app.push_screen(Confirm(question, "Flag them", "Leave them"), answered)

    def send(self, ids: list[str], *, on: bool = True) -> None:
        """Set or take off flags; the queue of a version can be filtered by them."""
        if self.comparison is None:
            return
        workspace, dataset = self.seatrial.here, self.comparison["subject"]["dataset"]
        changed = flag(workspace, dataset, ids, self.seatrial.reviewer, on=on)
        self.flagged = flagged(workspace)
        self.query_one(Rows).renew()
        self.tell()
        done = "flagged for curation" if on else "no longer flagged"
        self.seatrial.say(f"{changed:,} {done}" + ("; in the queue : flagged" if on else ""))

    async def action_rate(self) -> None:
        """Rate the arms' answers without knowing whose they are."""
        from tui.screens.rating import RatingScreen

        if self.comparison is not None:
            await self.app.push_screen(RatingScreen(self.comparison["subject"]["dataset"]))

    async def action_steps(self) -> None:
        """What is left to do up to a verdict."""
        from tui.screens.steps import StepsScreen

        dataset = self.comparison["subject"]["dataset"] if self.comparison else self.seatrial.here.dataset()
        await self.app.push_screen(StepsScreen(dataset))

    def action_kind(self) -> None:
        """Only what was lost, only what was won, ..., all again."""
        kinds = [None, *SIGNS]
        self.kind = kinds[(kinds.index(self.kind) + 1) % len(kinds)]
        self.show()

    async def action_verdict(self) -> None:
        """The whole verdict block, to read and copy."""
        from tui.screens.dialogs import Panel

        if self.block_lines:
            await self.app.push_screen(Panel("Verdict", "\n".join(self.block_lines), fault=False))

    def action_copy(self) -> None:
        """Put the chosen example's id on the clipboard; `seatrial why` takes it."""
        if self.rows:
            self.seatrial.copy(self.rows[self.query_one(Rows).cursor]["example_id"])

    async def action_report(self) -> None:
        """Write the report; the folder can be changed first."""
        await self.seatrial.ask_command("report --to report")

    def action_back(self) -> None:
        """To the versions."""
        self.dismiss()


def read(workspace: Workspace) -> Message:
    """The newest comparison and its verdict in words."""
    from evalharness.deciding.reading import read_comparison
    from evalharness.deciding.verdict import verdict_block
    from evalharness.judging.people import with_people

    found = with_people(workspace, read_comparison(workspace, None))
    return Ready("comparison", (found, verdict_block(found)))


def _preferred(row: PeopleRow, candidate: str) -> str:
    """What people prefer, on one line; the whole verdict has the rest."""
    between = span(row["low"], row["high"])
    doubt = f"{between}, n = {row['n']:,}" if between else f"n = {row['n']:,}"
    who = "1 person" if row["people"] == 1 else f"{row['people']:,} people"
    out = f"; {strange:,} left out" if (strange := row.get("strange", 0)) else ""
    return f"{who}, blind: {candidate} over {row['baseline']} {fraction(row['rate'])} ({doubt}{out})"


def _text(title: str, text: str, characters: int) -> Content:
    more = f"  … {characters - len(text):,} characters more" if characters > len(text) else ""
    return Content.assemble((f"{title:<10}", "bold $secondary"), " ", plain(text, lines=False), (more, "dim"))


def _answer(arm: str, said: ArmAnswer) -> Content:
    value = said["value"]
    sign, style = ("?", "dim") if value is None else ("✓", "$success") if value >= 1 else ("✗", "$error")
    label = f"[{display_text(said['label'], lines=False)}] " if said["label"] else ""
    more = f"  … {said['characters'] - len(said['answer'] or ''):,} characters more"
    return Content.assemble(
        (f"{display_text(arm, lines=False):<10}", "bold"), (f" {sign} ", f"bold {style}"), (label, "dim"),
        plain(said["answer"] or "(no answer)", lines=False),
        (more if said["characters"] > len(said["answer"] or "") else "", "dim"),
    )  # fmt: skip
