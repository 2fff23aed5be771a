"""A person's own keys and theme: `keys.toml` in the workspace's folder, else in ~/.config/seatrial.

theme = "seatrial-light"
[keys]
"card.accept" = "y"
"card.reject" = "n"
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

FILE = "keys.toml"
DEFAULT_THEME = "seatrial-dark"


@dataclass(frozen=True)
class Preferences:
    """Keys by binding id, the theme, and what in the file could not be used."""

    keys: dict[str, str] = field(default_factory=dict)
    theme: str = DEFAULT_THEME
    complaints: tuple[str, ...] = ()


def preferences(workspace: Path | None) -> Preferences:
    """What the nearest `keys.toml` says; a file that cannot be read is a complaint, never an end."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "seatrial"
    for folder in (workspace, home):
        path = folder / FILE if folder else None
        if path is not None and path.is_file():
            return read(path)
    return Preferences()


def read(path: Path) -> Preferences:
    """One file's keys and theme."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return Preferences(complaints=(f"{path.name}: {error}",))
    complaints = [f"{path.name}: no setting `{name}`" for name in values if name not in ("keys", "theme")]
    keys, theme = values.get("keys", {}), values.get("theme", DEFAULT_THEME)
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        complaints.append(f'{path.name}: [keys] holds lines such as "card.accept" = "y"')
        keys = {}
    if not isinstance(theme, str):
        complaints.append(f"{path.name}: theme is a name in quotes")
        theme = DEFAULT_THEME
    return Preferences(dict(keys), theme, tuple(complaints))
