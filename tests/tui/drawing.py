"""A screen as a small SVG: one line of it for each line of the screen, so that a difference can be read."""

from __future__ import annotations

from html import escape
from typing import Any

from rich.cells import cell_len
from rich.color import ColorTriplet
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.app import App
from textual.strip import Strip

WIDE, HIGH = 10, 20  # a cell in the picture
THEME = TerminalTheme((18, 22, 27), (215, 220, 226), [(0, 0, 0)] * 8)


def _hex(color: ColorTriplet) -> str:
    return color.hex


def _look(style: Style | None) -> tuple[str, str]:
    """(how the letters look, the colour behind them) of a style."""
    style = style or Style.null()
    front = style.color.get_truecolor(THEME, foreground=True) if style.color else THEME.foreground_color
    back = style.bgcolor.get_truecolor(THEME, foreground=False) if style.bgcolor else THEME.background_color
    if style.reverse:
        front, back = back, front
    words = [f"fill:{_hex(front)}"]
    words += ["font-weight:bold"] if style.bold else []
    words += ["font-style:italic"] if style.italic else []
    words += ["text-decoration:underline"] if style.underline else []
    return ";".join(words), _hex(back)


def svg(app: App[Any]) -> str:
    """What the terminal would show now."""
    compositor = app.screen._compositor
    update = compositor.render_update(full=True, screen_stack=app._background_screens)
    strips = [Strip.join(line) for line in update.strips]
    looks: dict[str, str] = {}
    behind: list[str] = []
    written: list[str] = []
    width, height = app.size
    counts: dict[str, int] = {}
    for strip in strips:
        for segment in strip:
            back = _look(segment.style)[1]
            counts[back] = counts.get(back, 0) + cell_len(segment.text)
    ground = max(counts, key=lambda color: counts[color])
    for y, strip in enumerate(strips):
        x, runs, blocks = 0, "", ""
        for segment in strip:
            cells = cell_len(segment.text)
            look, back = _look(segment.style)
            if back != ground:
                blocks += f'<rect x="{x * WIDE}" y="{y * HIGH}" width="{cells * WIDE}" height="{HIGH}" fill="{back}"/>'
            if segment.text.strip():
                name = looks.setdefault(look, f"s{len(looks)}")
                runs += f'<tspan x="{x * WIDE}" class="{name}">{escape(segment.text.rstrip(), quote=False)}</tspan>'
            x += cells
        behind += [blocks] if blocks else []
        written += [f'<text y="{y * HIGH + 15}">{runs}</text>'] if runs else []
    rules = "".join(f".{name}{{{look}}}" for look, name in looks.items())
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width * WIDE} {height * HIGH}">',
            f"<style>text{{font:16.6px monospace;white-space:pre}}{rules}</style>",
            f'<rect width="100%" height="100%" fill="{ground}"/>',
            *behind, *written, "</svg>", "",
        ]
    )  # fmt: skip
