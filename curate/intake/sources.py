"""Files in: JSONL, JSON, CSV, TSV, Parquet, saved `datasets` folders and hub ids become examples."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.errors import AccountError, ConfigError, SourceError
from curate.example import EXAMPLES, frame, with_ids
from curate.formats import MIXED, Format, fits, named, read_row, recognise, recognise_alone, write_row
from curate.formats.encodings import UTF8, checked_encoding
from curate.formats.files import Opened
from curate.formats.numbers import lift
from curate.formats.records import Record
from curate.formats.rows import as_text
from curate.formats.turns import dump
from curate.intake.places import Piece, pieces_at, pieces_in_memory, split_name
from curate.progress import Progress

REJECTS = pl.Schema(
    {
        "source": pl.String,  # file name, as in EXAMPLES
        "row": pl.UInt32,  # line of a text file, else 1-based row
        "reason": pl.String,
        "text": pl.String,  # the row as it stood, at most 2,000 characters
    }
)
LOOKED_AT = 50  # first rows that tell the format
KEPT = 2_000  # characters of a rejected row
TOLD_EVERY = 5_000  # rows between two estimates of how many there are
OPEN = re.compile(r"0x\w\w|\d+|`[^`]*`")  # of a reason: what is of one row
BATCH = 10_000  # rows turned into a table at once


class Imported(NamedTuple):
    """What was read."""

    examples: pl.DataFrame  # EXAMPLES, with ids
    rejects: pl.DataFrame  # REJECTS
    format: str  # of curate.formats; several joined by ", "
    why: str  # how the format was recognised, in words


@dataclass(frozen=True)
class Reading:
    """What the reader was told; see `read_source`."""

    format: Format | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    label: str | None = None
    group: str | None = None
    split: str | None = None


@dataclass
class Taken:
    """What has been read so far: whole batches as tables, the last rows as they are."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    rejects: list[tuple[str, int, str, str]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)  # of the columns asked for
    columns: list[str] = field(default_factory=list)  # of the first row
    read: int = 0

    def add(self, row: dict[str, object], origin: str) -> None:
        """An example; its origin is kept as a digest, not as a copy of the text."""
        self.rows.append(row)
        self.origins.append(blake2b(origin.encode(), digest_size=16).hexdigest())
        if len(self.rows) == BATCH:
            self.pack()

    def pack(self) -> None:
        """Turn the last rows into a table."""
        if self.rows:
            self.frames.append(frame(self.rows))
            self.rows = []


# rows to examples


def _example(
    record: Record, piece: Piece, container: str, known: Format, told: Reading, taken: Taken
) -> tuple[dict[str, object], str]:
    """(example, its origin) of a row. Raises SourceError where it is not in the format."""
    row = record.value or {}
    taken.seen.update(name for name in (told.label, told.group, told.split) if name in row)
    lifted: dict[str, str] = {}
    if len(row) > 1 and all(value == name for name, value in row.items()):
        raise SourceError("is the header once more")
    try:
        try:
            origin = dump(row)
        except ValueError:
            row = lift(row, "", lifted)
            origin = dump(row)
        origin.encode()
        draft = read_row(row, known, columns=told.columns, roles=told.roles, label=told.label)
        back = write_row(draft)
        if back != row or (dump(back) != origin and _sorted(back) != _sorted(row)):
            raise SourceError("would not come back from export as it is; please report this row's shape")
    except UnicodeEncodeError as error:
        raise SourceError("holds half of a surrogate pair, which is no text") from error
    except RecursionError as error:
        raise SourceError("is nested too deeply") from error
    if lifted:
        draft.layout["nan"] = lifted
        origin += dump(lifted)
    split = split_name(row.get(told.split)) if told.split else piece.split
    return {
        "messages": draft.messages,
        "chosen": draft.chosen,
        "rejected": draft.rejected,
        "label": draft.label,
        "group": as_text(row.get(told.group)) if told.group else None,
        "split": split,
        "source": piece.source,
        "source_row": record.row,
        "meta": dump(draft.meta),
        "layout": dump({**draft.layout, "as": container}),
    }, origin


def _sorted(value: object) -> str:
    """A JSON value with its keys in order: true and 1 are told apart, as `==` does not."""
    import json

    return json.dumps(value, sort_keys=True)


def _known(first: list[Record], told: Reading, piece: Piece, *, alone: bool) -> tuple[Format | None, str]:
    """The format of a piece, and why. Null where a folder's file is in none: its rows are rejected one by one."""
    rows = [record.value for record in first if record.value is not None]
    if told.format is not None:
        return told.format, f"{told.format.name}: as told"
    if not rows:
        return None, "no row could be read"
    try:
        return recognise(rows, told.columns)
    except SourceError as error:
        if alone:
            columns = list(dict.fromkeys(name for row in rows for name in row))
            _columns_there(told, set(columns), columns, piece.source)
            raise SourceError(f"{piece.source}: {error.message}", hint=error.hint) from error
        return None, error.message


def _take(
    piece: Piece, opened: Opened, told: Reading, taken: Taken, progress: Progress, *, alone: bool
) -> tuple[str | None, str]:
    """Read one piece to its end; the format's name and why."""
    records = opened.records
    first = []
    good = 0
    for record in records:
        first.append(record)
        good += record.value is not None
        if good == LOOKED_AT:
            break
    known, why = _known(first, told, piece, alone=alone)
    others: Counter[Format] = Counter()
    for record in itertools.chain(first, records):
        taken.read += 1
        if opened.share is not None and taken.read % TOLD_EVERY == 0:
            progress.total = round(taken.read / max(opened.share(), 1e-9)) if alone else 0
        progress.step()
        reason, text = record.reason, record.text
        if record.value is not None:
            taken.columns = taken.columns or list(record.value)
            try:
                if known is None:
                    raise SourceError(why)
                theirs = known if told.format else _own(record.value, known, told)
                taken.add(*_example(record, piece, opened.container, theirs, told, taken))
                if theirs is not known:
                    others[theirs] += 1
                continue
            except SourceError as error:
                reason, text = error.message, _shown(record.value)
        taken.rejects.append((piece.source, record.row, reason, text[:KEPT]))
    why += "".join(f"; {count:,} rows have {other.words}" for other, count in others.items())
    said = "; ".join(each for each in (opened.note, *opened.remarks) if each)
    note = f" ({said})" if said else ""
    return ", ".join([known.name, *(other.name for other in others)]) if known else None, why + note


def _own(row: dict[str, Any], known: Format, told: Reading) -> Format:
    """The format of a row among rows that are mostly in `known`: files are put together from several."""
    if known.name not in MIXED or fits(known, row, told.columns):
        return known
    return recognise_alone(row, told.columns) or known


def _shown(row: dict[str, Any]) -> str:
    """A row as text that a table can hold."""
    try:
        return str(row if len(row) > 1000 else _sorted(row)).encode("utf-8", "replace").decode()
    except RecursionError:
        return "(nested too deeply to be shown)"


def _checked(taken: Taken, told: Reading, place: str) -> None:
    """All rows accounted for, at least one of them an example, and each column that was asked for was there."""
    examples = len(taken.origins)
    if taken.read != examples + len(taken.rejects):
        raise AccountError(f"{taken.read} rows read, {examples} examples and {len(taken.rejects)} rejected")
    if not taken.read:
        raise SourceError(f"{place} holds no rows", hint="was the download or the export cut off?")
    if taken.columns:
        _columns_there(told, taken.seen, taken.columns, place)
    if not examples:
        raise _none_read(taken, place)


def _columns_there(told: Reading, seen: Set[str], columns: Sequence[str], place: str) -> None:
    """ConfigError for a column that was asked for and is in no row."""
    for option, name in (("label", told.label), ("group", told.group), ("split-column", told.split)):
        if name is not None and name not in seen:
            raise ConfigError(
                f"{place} has no column `{name}` (--{option})",
                hint=f"its columns are: {', '.join(columns[:20])}",
            )


HINTS = (  # by what a reason says, the first that fits
    ("is not UTF-8", "--encoding NAME says what the file is in; or save it as UTF-8"),
    (" has no meaning there", "--encoding with another name"),
    ("is not JSON", "JSONL is one JSON object a line; other endings: .csv, .tsv, .json, .parquet"),
    ("not a mapping", "give a list of mappings, a polars or pandas frame, a `datasets` object, or a path"),
    ("not an object", 'each row is a JSON object, as {"prompt": ..., "completion": ...}'),
    ("cells, the header has", "quote cells that hold the delimiter, or save the file again"),
    ("has role `", "--role THEIRS=OURS says what a role means: --role bot=assistant"),
    ("no known format", "--column PART=NAME says which column holds what: --column prompt=question"),
    ("has no `", "--column PART=NAME says which column holds what; --format NAME what the rows are"),
)


def _none_read(taken: Taken, place: str) -> SourceError:
    """The error where every row was rejected: the commonest reason, and a hint that fits it."""
    shapes = Counter(OPEN.sub("…", reason) for _, _, reason, _ in taken.rejects)
    common, count = shapes.most_common(1)[0]
    source, row, reason, _ = next(r for r in taken.rejects if OPEN.sub("…", r[2]) == common)
    hint = next((says for part, says in HINTS if part in reason), "--format NAME says what the rows are")
    if "; looks like " in reason:
        reason, _, hint = reason.partition("; looks like ")
        hint = f"it looks like {hint}; or save the file as UTF-8"
    none = "the one row cannot be read" if taken.read == 1 else f"none of the {taken.read:,} rows can be read"
    told = f"{count:,} for this reason: " if taken.read > 1 else ""
    return SourceError(f"{place}: {none}; {told}{source}:{row}: {reason}", hint=hint)


def read_source(
    place: str | Path,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    label: str | None = None,
    group: str | None = None,
    split: str | None = None,
    roles: Mapping[str, str] | None = None,
    encoding: str | None = None,
    hub: bool = False,
) -> Imported:
    """Read a file, a folder, `-` (stdin) or, when `hub` or `hf:org/name` asks so, a hub id.

    `columns` maps a part of the format to the source's column (`{"prompt": "question"}`), `roles` an
    unknown role to a known one (`{"bot": "assistant"}`). `label`, `group`, `split` name columns whose
    value is copied, as text, into the example's column of that name. `encoding` is that of text files;
    without it they are UTF-8, UTF-16 where a byte order mark says so, or Windows-1252 where a file that is no
    UTF-8 looks like it, which `why` says; `utf-8` takes no guess.
    Raises SourceError where nothing can be read, ConfigError for a format, role or column that is not
    there, MissingExtraError or ResourceError for the hub.
    """
    told = _told(format, columns, label, group, split, roles)
    asked = checked_encoding(encoding or "") or (UTF8 if encoding else "")
    pieces, note = pieces_at(str(place), hub=hub, encoding=asked)
    return _read(pieces, note, told, str(place))


def read_rows(
    rows: object,
    name: str,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    label: str | None = None,
    group: str | None = None,
    split: str | None = None,
    roles: Mapping[str, str] | None = None,
) -> Imported:
    """Rows that are in memory: a polars or pandas frame, a `datasets` object, or any iterable of mappings.

    As `read_source`; `name` stands for the file's, and rows are counted from 1. What is missing in a
    pandas frame (NaN, NaT, NA) is null; an item that is no mapping is a reject.
    """
    told = _told(format, columns, label, group, split, roles)
    return _read(pieces_in_memory(rows, name), "", told, name)


def _told(
    format: str | None,
    columns: Mapping[str, str] | None,
    label: str | None,
    group: str | None,
    split: str | None,
    roles: Mapping[str, str] | None,
) -> Reading:
    """What the reader is told, checked."""
    parts = dict(columns or {})
    if label is not None:
        parts.setdefault("label", label)
    for theirs, ours in (roles or {}).items():
        if ours not in ("system", "user", "assistant", "tool"):
            raise ConfigError(
                f"role `{theirs}` cannot mean `{ours}`", hint="roles: system, user, assistant, tool"
            )
    return Reading(named(format) if format else None, parts, roles or {}, label, group, split)


def _read(pieces: list[Piece], note: str, told: Reading, place: str) -> Imported:
    """All rows of the pieces."""
    taken = Taken()
    reasons: dict[str, list[str]] = {}
    names: dict[str, None] = {}
    with Progress("import") as progress:
        for piece in pieces:
            with piece.open as opened:
                name, why = _take(piece, opened, told, taken, progress, alone=len(pieces) == 1)
            reasons.setdefault(why, []).append(piece.source)
            names |= dict.fromkeys(name.split(", ") if name else [])
    _checked(taken, told, place)
    taken.pack()
    examples = with_ids(
        pl.concat(taken.frames) if taken.frames else pl.DataFrame(schema=EXAMPLES), taken.origins
    )
    said = [why if len(pieces) == 1 else f"{', '.join(sources)}: {why}" for why, sources in reasons.items()]
    return Imported(
        examples.select(list(EXAMPLES)),
        pl.DataFrame(taken.rejects, schema=REJECTS, orient="row"),
        ", ".join(names),
        "; ".join([*said, note] if note else said),
    )
