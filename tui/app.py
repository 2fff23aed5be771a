"""The workbench: one app that owns the workspace, the running job and the way between screens."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.actions import ActionParseResult
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.driver import Driver
from textual.message import Message
from textual.screen import Screen
from textual.signal import Signal

from curate.errors import ConfigError, SeatrialError
from curate.workspace import Workspace, reviewer
from tui.completing import completed
from tui.jobs import TYPED, Job, failure, taken_apart, unquoted
from tui.messages import Failed
from tui.reading.run_detail import in_brief, warned
from tui.synced import Synced
from tui.terminal import clipboard, ending
from tui.terminal.display_text import display_text
from tui.terminal.early_keys import EarlyKeys
from tui.terminal.faults import Words, in_words, leave_record
from tui.terminal.keymap import Preferences, preferences
from tui.terminal.last_gate import NoColour, NothingActs, guarded
from tui.terminal.themes import DARK, THEMES
from tui.terminal.typed_ahead import TypedAhead
from tui.widgets.lines import keyed
from tui.widgets.rows import Rows


class Seatrial(App[int]):
    """The screens over one workspace, or over none yet."""

    TITLE = "seatrial"
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = [
        f"screens/{name}.tcss" for name in ("app", "card", "label", "dialogs")
    ]
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (the library declares it so)
        (0, "-narrow"),
        (60, "-normal"),
        (100, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, id="app.quit", priority=True),
        Binding("ctrl+c", "copy_or_quit", "Copy", show=False, id="app.copy"),
        Binding("ctrl+t", "stop_job", "Stop the running job", show=False, id="app.stop"),
        Binding("exclamation_mark", "command", "Run a command", show=False, id="app.command"),
        Binding("C", "copied_to_file", "What was copied, to a file", show=False, id="app.copied"),
        Binding("question_mark", "help", "Help", id="app.help"),
    ]  # fmt: skip

    def __init__(
        self,
        workspace: Workspace | None,
        first: Callable[[Workspace | None], Screen[None]],
        *,
        settings: Preferences | None = None,
    ) -> None:
        super().__init__()
        self.workspace, self.first = workspace, first
        self.reviewer = reviewer()
        self.job: Job | None = None
        self.job_told: Signal[Job | None] = Signal(self, "job")
        self.job_task: asyncio.Task[None] | None = None
        self.settings = settings or preferences(workspace.root if workspace else None)
        self.typed_ahead = TypedAhead(self.settings.keys.get("app.quit", "ctrl+q").split(","))
        self.early = EarlyKeys(self.typed_ahead.leaving)
        self.animation_level = "none"
        for theme in THEMES:
            self.register_theme(theme)
        # an ANSI theme with NO_COLOR draws black on black in Textual 8.2
        wanted = DARK.name if self.no_color else self.settings.theme
        self.theme = wanted if wanted in self.available_themes else DARK.name
        self._filters += [NothingActs(), NoColour()] if self.no_color else [NothingActs()]
        self.set_keymap(self.settings.keys)

    def _build_driver(
        self, headless: bool, inline: bool, mouse: bool, size: tuple[int, int] | None
    ) -> Driver:
        # the one place where all that is written to the terminal passes
        driver = guarded(super()._build_driver(headless, inline, mouse, size), self)
        return self.typed_ahead.heard_by(driver)

    def on_mount(self) -> None:
        """Open the first screen."""
        ending.watch(self)
        sys.setswitchinterval(0.001)  # seconds that a thread that reads ahead may hold up the one that paints
        if self.workspace is not None:
            self._sync(self.workspace)
        self.screen_change_signal.subscribe(self, lambda _: self.clear_notifications(), immediate=True)
        self.open_first()
        if self.workspace is not None and self.workspace.ledger.only_read:
            self.say("this workspace can only be read: look at all of it, decisions are refused", "warning")
        for complaint in self.settings.complaints:
            self.say(complaint, "warning")

    def open_first(self) -> None:
        """Show the screen that one begins with, in place of the one that is open."""
        screen = self.first(self.workspace)
        if len(self.screen_stack) > 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def _sync(self, workspace: Workspace) -> None:
        Synced(workspace.ledger, lambda error: self.call_later(self.complain, error))

    @property
    def here(self) -> Workspace:
        """The workspace; ConfigError where there is none yet."""
        if self.workspace is None:
            raise ConfigError("there is no workspace yet", hint="import a file first")
        return self.workspace

    # words to the person

    def say(self, text: str, severity: str = "information", *, seconds: float = 4) -> None:
        """A toast, in place of one that says the same; whatever is in the text is text."""
        level: Any = severity
        for shown in list(self._notifications):
            if shown.message == display_text(text):
                self._unnotify(shown, refresh=False)
        self.notify(display_text(text), severity=level, timeout=seconds, markup=False)

    def complain(self, error: Exception) -> None:
        """Say what went wrong: a toast where it can be mended here, a panel to copy from where not."""
        words = in_words(error)
        if words is not None and len(words.message) < 200:
            self.say(words.message + (f"\n{words.hint}" if words.hint else ""), "error", seconds=8)
            return
        from tui.screens.dialogs import Panel

        if words is None:
            kept = leave_record(self.workspace.root if self.workspace else None, error)
            words = Words(
                f"{type(error).__name__}: {error}", f"every decision is kept; {kept}please report it"
            )
        shown = self.screen_stack[-1]
        if not (isinstance(shown, Panel) and shown.message == words.message):  # what is asked for twice
            self.push_screen(Panel("That did not work", *words))

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key asks; what goes wrong in it is told and ends nothing."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as error:
            self.complain(error)
            return True

    async def on_event(self, event: events.Event) -> None:
        """Take a key where it arrives, unless it is typed into a text.

        By default a key travels to the focused part and back up before its binding is looked for; a
        key that follows at once could then meet a screen that is not there yet, and be lost.
        """
        if isinstance(event, events.Key) and not event.is_forwarded:
            if event.key == "ctrl+j" and self._direct:  # Enter, pressed before the terminal was the program's
                event = events.Key("enter", "\r")
            if self._exit or self.typed_ahead.drops(event) or self.early.keeps(self, event):
                return
            if await self._taken(event):
                return
        await super().on_event(event)

    @property
    def _direct(self) -> bool:
        """Whether no text is typed."""
        return self.focused is None or isinstance(self.focused, Rows)

    async def _taken(self, event: events.Key) -> bool:
        return self._direct and (
            await self._check_bindings(event.key, priority=True) or await self._check_bindings(event.key)
        )

    async def on_rows_arrived(self) -> None:
        """A list has been read: do what was asked of it meanwhile."""
        for event in self.early.arrived(self):
            if not self.early.keeps(self, event) and not await self._taken(event):
                await super().on_event(event)

    def _handle_exception(self, error: Exception) -> None:
        # beyond a key's action Textual can only end the app: with words, not with a traceback
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        where = leave_record(self.workspace.root if self.workspace else None, error)
        words = f"error: the screens failed ({type(error).__name__}: {error})\n\nhint: every decision is kept; {where}please report it"
        self.exit(return_code=3, message=Text(display_text(words)))

    # reading in the background

    def read(self, screen: Screen[Any], what: str, work: Callable[[], Message]) -> None:
        """Do `work` in a thread and post what it returns to the screen; it may touch no widget."""

        def body() -> None:
            try:
                message = work()
            except Exception as error:
                message = Failed(what, error)
            screen.post_message(message)

        screen.run_worker(body, thread=True, group=what, exit_on_error=False)

    # long work

    def start(self, words: list[str], then: Callable[[Job], None] | None = None) -> None:
        """Run a command in a child process; one at a time."""
        if self.job is not None and self.job.running:
            raise ConfigError(
                f"`{self.job.command}` is still running", hint=keyed(self.screen, "{app.stop} stops it")
            )
        home = self.workspace.root.resolve() if self.workspace else None
        job = Job(words, home, told=lambda job: self.job_told.publish(job))
        self.job = job
        self.job_told.publish(job)
        self.job_task = asyncio.create_task(self._run(job, then))

    async def _run(self, job: Job, then: Callable[[Job], None] | None) -> None:
        try:
            await job.run()
            self.job_told.publish(job)
            self._after(job)
            if then is not None:
                then(job)
        except Exception as error:
            self.complain(error)

    def _after(self, job: Job) -> None:
        name = f"seatrial {job.words[0]}"
        if self.workspace is None:
            self._look_for_workspace()
        if job.cancelled:
            self.say(f"{name} was stopped; what was acknowledged is kept", "warning")
        elif job.exit_code in (0, 1) and "error" not in job.answer:
            told, well = warned(job.answer), job.exit_code == 0
            text = "\n".join([f"{name}: done", *in_brief(job.answer)])
            self.say(text, "information" if well and not told else "warning", seconds=6)
        else:
            from tui.screens.dialogs import Panel

            words, talk = failure(job)
            again = shlex.join(job.words)
            self.push_screen(Panel(f"{name} did not work", words, talk, again=again))
        for screen in self.screen_stack:
            renew = getattr(screen, "renew", None)
            if renew is not None:
                renew()

    def _look_for_workspace(self) -> None:
        from curate.errors import WorkspaceError

        try:
            self.workspace = Workspace.open()
        except WorkspaceError:
            return
        self._sync(self.workspace)
        self.open_first()

    def command(self, words: str) -> None:
        """Start what was typed at the `!` line. Raises ConfigError for what is no command here."""
        parts = taken_apart(words)
        parts = parts[1:] if parts[:1] == ["seatrial"] else parts
        if not parts or parts[0] not in TYPED:
            raise ConfigError(f"no command `{parts[0] if parts else ''}` here", hint=", ".join(TYPED))
        self.start(parts)

    async def ask_command(self, words: str, hint: str = "enter runs it, tab completes a name") -> None:
        """Show a command for the person to complete; Enter runs it."""
        from tui.screens.dialogs import Ask

        def checked(text: str) -> None:
            parts = taken_apart(text)
            if not parts:
                raise ConfigError("type a command", hint=", ".join(TYPED[:6]))
            unquoted(parts)

        def run(text: str | None) -> None:
            if text:
                try:
                    self.command(text)
                except SeatrialError as error:
                    self.complain(error)

        await self.push_screen(Ask("seatrial", words, hint, checked, complete=completed), run)

    # actions

    async def action_command(self) -> None:
        """Type any command."""
        await self.ask_command("")

    async def action_help(self) -> None:
        """Show what each key does where the focus is."""
        from tui.screens.dialogs import Help

        if not isinstance(self.screen, Help):
            await self.push_screen(Help(self.screen))

    async def action_stop_job(self) -> None:
        """Stop the running child, and only it."""
        if self.job is None or not self.job.running:
            self.say("nothing that was started here is running")
            return
        asyncio.create_task(self.job.cancel())  # noqa: RUF006 (the job holds its process)

    def action_copy_or_quit(self) -> None:
        """Copy what is selected with the mouse; say how to leave where nothing is."""
        selected = self.screen.get_selected_text()
        if selected:
            self.copy(selected)
        else:
            self.say(keyed(self.screen, "{app.quit} leaves"))

    def copy(self, text: str) -> None:
        """Put text on the clipboard of the terminal that one sits at (OSC 52: it works over SSH)."""
        text = text.encode("utf-8", "replace").decode()
        if os.environ.get("TMUX") and clipboard.to_tmux(text):
            self._clipboard = text
            self.say(f"copied {len(text):,} characters to tmux, which passes them to its terminal")
            return
        self.copy_to_clipboard(text)
        said, sure = clipboard.sent(text, os.environ, self.get_key_display(Binding("C", "")))
        self.say(said, seconds=4 if sure else 8)

    def action_copied_to_file(self) -> None:
        """Write what was copied last to a file in the folder where the program was started."""
        if not self.clipboard:
            raise ConfigError("nothing was copied yet", hint="c copies what is on the screen")
        self.say(f"written to {clipboard.to_file(self.clipboard, Path.cwd())}", seconds=8)

    async def action_quit(self) -> None:
        """Leave; ask first while something runs, or a text that is being written would be lost."""
        told = self.typed_ahead.told()
        job = self.job if self.job is not None and self.job.running else None
        asks = [f"`{job.command}` is still running."] if job else []
        asks += ["The text being written is not saved."] if getattr(self.screen, "unsaved", False) else []
        if not asks:
            self.exit(0, message=told or None)
            return
        if told:
            self.say(told, "warning")
        from tui.screens.dialogs import Confirm, Leaving

        def answered(way: bool | str | None) -> None:
            if way is True or way == "leave":  # the child is in a session of its own, and goes on
                self.exit(0)
            elif way == "stop":
                self.run_worker(self._stop_and_leave(), exit_on_error=False)

        if job:
            self.push_screen(Leaving(" ".join(asks)), answered)
        else:
            self.push_screen(Confirm(" ".join(asks), "Leave without it", "Stay"), answered)

    async def _stop_and_leave(self) -> None:
        if self.job is not None:
            await self.job.cancel()
        self.exit(0)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: each thing that a key does here, then the app's own."""
        seen = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            noun = (binding.id or "rows").partition(".")[0]
            if binding.description and noun != "rows" and binding.action not in seen:
                seen.add(binding.action)
                namespace = active.node

                async def call(action: str = binding.action, node: DOMNode = namespace) -> None:
                    await self.run_action(action, node)

                key = self.get_key_display(binding)
                yield SystemCommand(f"{noun}: {binding.description.lower()}", f"key {key}", call)
        yield SystemCommand(
            "theme: choose", "light, dark, and the terminal's own colours", self.action_change_theme
        )
        yield SystemCommand(
            "picture: save", "an SVG of this screen", lambda: self.set_timer(0.1, self.deliver_screenshot)
        )
