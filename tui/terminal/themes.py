"""The two colour themes of the screens; the terminal's own (ansi-dark, ansi-light) work as well."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="seatrial-dark",
    primary="#7cb7f2",
    secondary="#9aa7b8",
    accent="#e5b567",
    success="#8bcf8f",
    warning="#e5b567",
    error="#f27d84",
    foreground="#d7dce2",
    background="#12161b",
    surface="#181d24",
    panel="#212832",
    variables={"input-selection-background": "#7cb7f2 35%", "block-cursor-text-style": "none"},
)
LIGHT = Theme(
    name="seatrial-light",
    primary="#1f5fa8",
    secondary="#566273",
    accent="#8a5a00",
    success="#23743a",
    warning="#8a5a00",
    error="#b3263a",
    foreground="#1d2329",
    background="#fbfbf9",
    surface="#f1f1ee",
    panel="#e4e5e1",
    dark=False,
    variables={"input-selection-background": "#1f5fa8 25%", "block-cursor-text-style": "none"},
)
THEMES = (DARK, LIGHT)
