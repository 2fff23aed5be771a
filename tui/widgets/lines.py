"""The one-line parts of each screen: the heading, the running job, the keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from textual import events
from textual.app import RenderResult
from textual.binding import ActiveBinding, Binding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from tui.terminal.display_text import display_text

if TYPE_CHECKING:
    from tui.jobs import Job

MOST_KEYS = 6
BAR = 12  # cells of a progress bar


class Heading(Widget):
    """Where one is, on the left; how much there is, on the right."""

    DEFAULT_CSS = "Heading { height: 1; background: $panel; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.path: list[str] = []
        self.count = ""

    def say(self, path: list[str], count: str = "") -> None:
        """Show where one is and how much there is."""
        if (path, count) != (self.path, self.count):
            self.path, self.count = path, count
            self.refresh()

    def render(self) -> RenderResult:
        """The line: names apart by ›, the last of them bold; the count gives way last."""
        width = self.size.width
        right = display_text(self.count, lines=False)
        room = max(width - cell_len(right) - 2, 0)
        words = [display_text(part, lines=False) for part in self.path]
        while len(words) > 1 and cell_len(" › ".join(words)) > room:
            words.pop(0)
        left = Content.assemble(
            *((word + " › ", "dim") for word in words[:-1]),
            (words[-1] if words else "", "bold $primary"),
        ).truncate(room, ellipsis=True)
        gap = max(width - left.cell_length - cell_len(right), 1)
        return Content.assemble(left, " " * gap, (right, "dim"))


class JobLine(Widget):
    """The running job with its progress, on whichever screen one is; gone when nothing runs."""

    DEFAULT_CSS = "JobLine { height: 1; background: $surface; padding: 0 1; display: none; }"

    def on_mount(self) -> None:
        """Follow the job from here."""
        signal: Any = getattr(self.app, "job_told", None)
        if signal is not None:
            signal.subscribe(self, self.told)
            self.told(getattr(self.app, "job", None))
            # a stage that has not begun to count still shows that time goes by
            self.set_interval(1, self.tick)

    def tick(self) -> None:
        """A second has gone by."""
        if self.display:
            self.refresh()

    def told(self, job: Job | None) -> None:
        """The job has got on, has ended, or there is none."""
        self.display = job is not None and job.running
        self.screen.set_class(self.display, "-working")
        self.refresh()

    def render(self) -> RenderResult:
        """Command, bar, how far, time left, and the key that stops it."""
        job: Job | None = getattr(self.app, "job", None)
        if job is None:
            return Content("")
        bar = ""
        if job.total:
            full = min(BAR, job.done * BAR // job.total)
            bar = "━" * full + "─" * (BAR - full) + "  "
        key = keyed(self.screen, "{app.stop}")
        stop = f"  {key} stops it" if self.size.width >= 60 else f"  {key.replace('ctrl+', '^')} stops"
        room = max(self.size.width - len(stop), 0)
        line = display_text(job.line(), lines=False)
        # how far it is matters more than of what, and that more than the bar
        command = display_text(" ".join(job.words[:2]), lines=False)
        if cell_len(f"● {command}  {bar}{line}") > room:
            command = job.words[0]
        if cell_len(f"● {command}  {bar}{line}") > room:
            bar = ""
        words = Content.assemble(
            ("● ", "$accent"), (command, "bold"), "  ", (bar, "$accent"), line
        ).truncate(room, ellipsis=True)  # fmt: skip
        gap = " " * max(self.size.width - words.cell_length - len(stop), 0)
        return Content.assemble(words, gap, (stop, "dim"))


def keyed(screen: Screen[Any], text: str, *others: type[Screen[Any]]) -> str:
    """The text with keys, which may be one's own, in the places of their ids: `{queue.back} goes back`.

    They are keys of the screen, of the app or of `others`.
    """
    app: Any = screen.app
    named = (each for part in (type(app), type(screen), *others) for each in part.BINDINGS)
    keys = {each.id: each.key for each in named if isinstance(each, Binding)} | app.settings.keys

    def shown(found: re.Match[str]) -> str:
        first = keys[found[1]].partition(",")[0]
        return first if first.startswith("ctrl+") else str(app.get_key_display(Binding(first, "")))

    return re.sub(r"\{([\w.-]+)\}", shown, text)


def in_order(screen: Screen[Any]) -> list[ActiveBinding]:
    """The bindings that are alive as their parts name them; a key of one's own changes no place."""
    named = (each for part in (*screen.focus_chain, screen, screen.app) for each in type(part).BINDINGS)
    places = {each.id: place for place, each in enumerate(named) if isinstance(each, Binding) and each.id}
    return sorted(
        screen.active_bindings.values(),
        key=lambda active: places.get(active.binding.id or "", len(places)),
    )


class KeyLine(Widget):
    """What the most useful keys do here: at most six, and only as many as fit whole."""

    DEFAULT_CSS = "KeyLine { height: 1; background: $panel; padding: 0 1; dock: bottom; }"

    def __init__(self) -> None:
        super().__init__()
        self.resting: frozenset[str] = frozenset()  # actions that are not named here for now

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self.changed)

    def changed(self, screen: Screen[Any]) -> None:
        """Another part has the focus now, and with it other keys."""
        self.refresh()

    def renew(self) -> None:
        """Draw the keys again where the screen names others by now."""
        resting: frozenset[str] = getattr(self.screen, "resting", frozenset())
        if resting != self.resting:
            self.resting = resting
            self.refresh()

    def keys(self) -> list[tuple[str, str, str]]:
        """(key, what it does, action) of those that are to be shown, in their order."""
        found: dict[str, tuple[str, str, str]] = {}
        own = {each.key: each for each in type(self.screen).BINDINGS if isinstance(each, Binding)}
        for active in in_order(self.screen):
            # a line to type takes Enter itself, in its turn behind what was typed, and names no key
            binding = active.binding
            if binding.action == "submit":
                binding = own.get(binding.key, binding)
            named = binding.show and active.enabled and binding.action not in self.resting
            if named and binding.action not in found:
                found[binding.action] = (
                    self.app.get_key_display(binding),
                    binding.description,
                    binding.action,
                )
        ordered = sorted(found.values(), key=lambda key: key[2] == "help")
        return ordered[: MOST_KEYS - 1] + ordered[-1:] if len(ordered) > MOST_KEYS else ordered

    @property
    def gap(self) -> int:
        """Cells between two keys."""
        return 3 if self.size.width >= 60 else 2

    def places(self) -> list[tuple[int, int, str, str, str]]:
        """(first cell, cell after the last, key, what it does, action) of the keys that fit."""
        found = []
        at = 0
        for key, words, action in self.keys():
            end = at + cell_len(f"{key} {words}")
            if end > self.size.width:
                break
            found.append((at, end, key, words, action))
            at = end + self.gap
        return found

    def render(self) -> RenderResult:
        """The keys that fit, in order."""
        parts = [
            Content.assemble((display_text(key), "bold $accent"), " ", (words, "dim"))
            for _, _, key, words, _ in self.places()
        ]
        return Content(" " * self.gap).join(parts)

    async def on_click(self, event: events.Click) -> None:
        """A click on a key does what the key does."""
        cell = event.get_content_offset_capture(self).x
        for start, end, _, _, action in self.places():
            if start <= cell < end:
                owner = next(
                    a.node for a in self.screen.active_bindings.values() if a.binding.action == action
                )
                await self.app.run_action(action, owner)
