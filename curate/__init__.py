"""Dataset curation: what the data is, what is wrong with it, what was decided, how it is divided.

    from curate import examine

`examine` runs the checks over a frame, a dataset or a file; see notebook.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curate.notebook import Examined, examine

__all__ = ["Examined", "examine"]


def __getattr__(name: str) -> object:
    """Load the interface when it is first asked for: the command's help must not wait for polars."""
    if name in __all__:
        from curate import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module `curate` has no attribute `{name}`")
