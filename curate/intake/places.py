"""Where rows are: files, folders, saved `datasets`, the hub, standard input; each a piece that is read."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.errors import MissingExtraError, ResourceError, SourceError
from curate.formats.files import Opened, open_file, open_stream
from curate.formats.tables import any_rows, table_rows

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
PACKED = ("", ".gz", ".zst", ".zstd")
HUB = re.compile(r"(hf:)?(?P<id>[\w.-]+/[\w.-]+)(:(?P<config>[\w.-]+))?")


class Piece(NamedTuple):
    """A file, or a split of a saved dataset, that is being read."""

    source: str
    split: str | None
    open: AbstractContextManager[Opened]


def split_name(name: object) -> str | None:
    """Train, validation or test for a split's usual names (`val`, `dev`, `train_sft` ...), else null."""
    word = str(name).lower()
    for ours, starts in (("train", ("train",)), ("validation", ("val", "dev", "eval")), ("test", ("test",))):
        if word.startswith(starts):
            return ours
    return None


def _saved(path: Path, source: str) -> list[Piece]:
    """The splits of a folder that `save_to_disk` wrote."""
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("datasets", "all") from error
    try:
        loaded = datasets.load_from_disk(str(path))
    except (OSError, ValueError, KeyError, datasets.exceptions.DatasetsError) as error:
        raise SourceError(
            f"{path} cannot be read as a saved dataset: {error}", hint="was it saved whole?"
        ) from error
    return pieces_of(loaded, source)


def pieces_of(loaded: Any, source: str) -> list[Piece]:  # noqa: ANN401
    """A piece for each split of a `datasets` object; class numbers become their names."""
    parts = loaded.items() if hasattr(loaded, "items") else [("", loaded)]
    pieces = []
    for name, part in parts:
        names = {column: kind.names for column, kind in part.features.items() if hasattr(kind, "names")}
        opened = Opened(table_rows(_with_names(part, names)), "datasets")
        pieces.append(Piece(f"{source}/{name}" if name else source, split_name(name), nullcontext(opened)))
    return pieces


def pieces_in_memory(rows: Any, name: str) -> list[Piece]:  # noqa: ANN401
    """What is to be read of a frame, a `datasets` object or an iterable. Raises SourceError for what is no rows."""
    if isinstance(rows, pl.LazyFrame):
        rows = rows.collect()
    if isinstance(rows, pl.DataFrame):
        records = table_rows(rows.iter_rows(named=True))
    elif hasattr(rows, "itertuples") and hasattr(rows, "notna"):
        records = table_rows(_of_pandas(rows))
    elif hasattr(rows, "features") or _splits(rows):
        return pieces_of(rows, name)
    elif isinstance(rows, Mapping) or not hasattr(rows, "__iter__"):
        raise SourceError(
            f"what was given is of type {type(rows).__name__}, and no rows",
            hint="give a list of mappings, a polars or pandas frame, a `datasets` object, or a path",
        )
    else:
        records = any_rows(rows)
    return [Piece(name, None, nullcontext(Opened(records, "datasets")))]


def _splits(rows: object) -> bool:
    """Whether these are the splits of a `datasets` object, by name."""
    return (
        isinstance(rows, Mapping) and bool(rows) and all(hasattr(part, "features") for part in rows.values())
    )


def _of_pandas(rows: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """The rows of a pandas frame as Python has them; what is missing is null."""
    whole = rows.astype(object)
    for row in whole.where(rows.notna(), None).to_dict("records"):
        # arrays and numbers of numpy, which stand in cells of their own
        yield {key: value.tolist() if hasattr(value, "tolist") else value for key, value in row.items()}


def _with_names(rows: Any, names: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    for row in rows:
        for column, words in names.items():
            number = row[column]
            if isinstance(number, int):
                row[column] = words[number] if 0 <= number < len(words) else None
        yield row


def _from_hub(place: str) -> list[Piece]:
    """The splits of a dataset on the Hugging Face hub. Runs no code from it."""
    match = HUB.fullmatch(place)
    if match is None:
        raise SourceError(f"`{place}` is not a hub id", hint="a hub id is org/name, or org/name:config")
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("datasets", "all") from error
    try:
        loaded = datasets.load_dataset(match["id"], match["config"])
    except (ConnectionError, datasets.exceptions.DatasetNotFoundError) as error:
        raise ResourceError(
            f"the hub's `{match['id']}` could not be had: {str(error)[:300]}",
            hint="check the id and the connection (HF_HUB_OFFLINE must not be set); a file on disk needs neither",
        ) from error
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise SourceError(f"the hub's `{match['id']}` cannot be read: {str(error)[:500]}") from error
    return pieces_of(loaded, match["id"])


def _in_folder(folder: Path, encoding: str) -> tuple[list[Piece], str]:
    """A piece for each file of rows in a folder and below, by path, and what was passed by."""
    if folder.resolve() == Path(folder.resolve().anchor):
        raise SourceError(
            f"{folder} is the whole disk", hint="name the file, or the folder that holds the rows"
        )
    try:
        files = sorted(
            path
            for path in folder.rglob("*")
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        )
    except OSError as error:
        raise SourceError(
            f"{folder} cannot be looked through: {error.filename}: {error.strerror}",
            hint="name the files themselves, or a folder that is yours to read",
        ) from error
    endings = tuple(ending + packed for ending in ENDINGS for packed in PACKED)
    chosen = [
        path for path in files if path.name.lower().endswith(endings) and path.name != "dataset_info.json"
    ]
    if not chosen:
        raise SourceError(f"{folder} holds no file of rows", hint=f"endings looked for: {', '.join(ENDINGS)}")
    passed = [path.name for path in files if path not in chosen]
    pieces = []
    for path in chosen:
        name = path.relative_to(folder).as_posix()
        pieces.append(Piece(name, split_name(path.name), open_file(path, str(path), encoding)))
    note = f"passed by: {', '.join(passed[:5])}" + (f" and {len(passed) - 5} more" if len(passed) > 5 else "")
    return pieces, note if passed else ""


def pieces_at(place: str, *, hub: bool, encoding: str = "") -> tuple[list[Piece], str]:
    """What is to be read, and what is to be said of it; `encoding` of text files, empty for UTF-8 or their mark."""
    if place == "-":
        if sys.stdin is None:
            raise SourceError(
                "standard input is closed", hint="send the rows to it: seatrial import - < FILE"
            )
        return [Piece("stdin", None, open_stream(sys.stdin.buffer, "stdin", encoding))], ""  # type: ignore[arg-type]
    path = Path(place)
    if place.startswith("hf:") or (hub and not path.exists()):
        return _from_hub(place), ""
    if path.is_dir():
        if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
            return _saved(path, path.resolve().name), ""
        return _in_folder(path, encoding)
    if not path.exists():
        looks = HUB.fullmatch(place) and not path.suffix
        hint = f"to fetch it from the Hugging Face hub: hf:{place}" if looks else "check the path"
        raise SourceError(f"there is no file or folder {place}", hint=hint)
    return [Piece(path.name, None, open_file(path, place, encoding))], ""
