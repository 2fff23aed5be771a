"""`seatrial dedup`: a file without its near duplicates, outside of any workspace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from curate.answer import Answer

SHOWN = 10  # pairs


def dedup(
    file: Annotated[
        Path, typer.Argument(help="JSONL (also .gz, .zst), JSON or Parquet; CSV: import it, then scan")
    ],
    text: Annotated[
        str,
        typer.Option(help="field that is compared, of strings or of messages; of JSON several, by commas"),
    ] = "text",
    threshold: Annotated[float, typer.Option(help="Jaccard index of shingles, 0.3 to 1")] = 0.8,
    keep: Annotated[str, typer.Option(help="which stays: first, last, longest or shortest")] = "first",
    words: Annotated[int, typer.Option(help="words to a shingle")] = 5,
    characters: Annotated[int, typer.Option(help="characters to one where no spaces are set")] = 3,
    out: Annotated[Path | None, typer.Option(help="write the rows that stay here, as they stand")] = None,
    dropped: Annotated[
        Path | None, typer.Option(help="write what goes, for which row, as JSON lines")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="replace files that exist")] = False,
    threads: Annotated[int, typer.Option(min=0, help="0 is one a core")] = 0,
) -> Answer:
    """Find the near duplicates of a file: each row that goes is near to one that stays, exactly measured."""
    from curate.dedup import near_duplicates
    from curate.dedup.writing import check_out, write_dropped, write_kept

    for place in (out, dropped):
        check_out(file, place, overwrite=overwrite)
    with _without("scipy.linalg", "cffi"):
        _load_kernels()
    found = near_duplicates(
        file, text=text, threshold=threshold, keep=keep, words=words, characters=characters, threads=threads
    )
    if out is not None:
        write_kept(file, found.kept, out)
    if dropped is not None:
        write_dropped(found, dropped)
    gone = len(found.dropped)
    lines = [
        f"{found.rows:,} rows: {len(found.kept):,} stay, {gone:,} go"
        f" ({found.equal:,} equal in normal form, {gone - found.equal:,} near)"
    ]
    if found.empty:
        lines.append(f"{found.empty:,} rows say nothing and stay")
    pairs = list(zip(found.dropped[:SHOWN] + 1, found.stays[:SHOWN] + 1, found.score[:SHOWN], strict=True))
    lines += [f"  row {row:,} goes for row {other:,}: {score:.3f}" for row, other, score in pairs]
    if gone > SHOWN:
        lines.append(f"  {SHOWN} of {gone:,} shown")
    if out is None and dropped is None:
        lines.append("next: --out FILE writes what stays, --dropped FILE what goes and why")
    data = {
        "rows": found.rows,
        "kept": len(found.kept),
        "dropped": gone,
        "equal": found.equal,
        "near": gone - found.equal,
        "empty": found.empty,
        "candidates": found.candidates,
        "crowd": found.crowd,
        "threshold": threshold,
        "out": str(out) if out else None,
    }
    return Answer(lines, data)


@contextmanager
def _without(*modules: str) -> Iterator[None]:
    """Within, these modules cannot be imported, unless they were before.

    numba looks for scipy's BLAS and for cffi while it is imported: a fifth of a second, of no use to
    kernels that multiply no matrices and call no C. Only for a process that does nothing else: numba
    goes on to refuse `numpy.dot` and cffi's functions.
    """
    absent = [name for name in modules if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # so that an import of it fails
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def _load_kernels() -> None:
    """Import what numba would import at the first call of a kernel."""
    if find_spec("numba") is not None:
        import numba.np.arraymath  # noqa: F401
