"""Examples as files: a writer for each export format. It fills a draft folder and says what it wrote there."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.errors import ConfigError, GateError, MissingExtraError, SourceError
from curate.formats import outward
from curate.formats.rows import Draft, write_row
from curate.formats.tables import guarded
from curate.parquet import write_parquet

Row = dict[str, Any]
INFO = "dataset_info.json"


class Part(NamedTuple):
    """The examples of one split; `stem` is the name of their file without its ending."""

    stem: str
    split: str | None
    examples: pl.DataFrame


def original(example: Row) -> Row:
    """The row as its source had it, with what the example says now."""
    draft = Draft(
        example["messages"],
        example["chosen"],
        example["rejected"],
        example["label"],
        json.loads(example["meta"]),
        json.loads(example["layout"]),
    )
    return write_row(draft)


CONVERT: dict[str, Callable[[Row], Row]] = {
    "original": original,
    "openai": outward.openai,
    "trl": outward.trl,
    "axolotl": outward.axolotl,
    "llamafactory": outward.llamafactory,
    "alpaca": outward.alpaca,
    "sharegpt": outward.sharegpt,
    "csv": outward.labelled,
    "datasets": outward.trl,
}


def rows_for(examples: pl.DataFrame, format: str) -> Iterator[Row]:
    """The examples as rows of a format, in their order; GateError if there is one that it cannot hold."""
    convert = CONVERT[format]
    refused: list[tuple[str, str]] = []
    for example in examples.iter_rows(named=True):
        try:
            row = convert(example)
        except SourceError as error:
            refused.append((f"{example['source']}:{example['source_row']}", error.message))
            continue
        if not refused:
            yield row
    if refused:
        _refuse(refused, examples, format)


def _refuse(refused: list[tuple[str, str]], examples: pl.DataFrame, format: str) -> None:
    splits = examples["split"].unique().to_list()
    part = f" of the {splits[0]} part" if len(splits) == 1 and splits[0] else ""
    reasons = Counter(reason for _, reason in refused).most_common(3)
    first = {reason: next(place for place, why in refused if why == reason) for reason, _ in reasons}
    words = "; ".join(f"{reason}: {count:,}, the first is {first[reason]}" for reason, count in reasons)
    raise GateError(
        f"{len(refused):,} of {examples.height:,} rows{part} cannot be written as {format}, and nothing was written ({words})",
        hint="drop or edit those rows, or choose another format: original holds every row",
    )


def one_kind(examples: pl.DataFrame, format: str) -> str:
    """The kind that all examples are of (see `outward.kind_of`); ConfigError where they are of several."""
    columns = examples.select("chosen", "rejected", "layout")
    kinds = Counter(outward.kind_of(example) for example in columns.iter_rows(named=True))
    if len(kinds) > 1:
        listed = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
        raise ConfigError(
            f"the rows are of several kinds ({listed}); one {format} file holds one",
            hint="import the sources apart and export each, or choose the format original",
        )
    return next(iter(kinds), "messages")


Writer = Callable[[list[Part], Path, str], list[tuple[str, int]]]


def _line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False)


def _jsonl(path: Path, rows: Iterator[Row]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(_line(row) + "\n")
            count += 1
    return count


def _array(path: Path, rows: Iterator[Row]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        for count, row in enumerate(rows, start=1):
            file.write(("," if count > 1 else "") + "\n  " + _line(row))
        file.write("\n]\n")
    return count


def _separated(path: Path, rows: Iterator[Row], delimiter: str) -> int:
    """CSV or TSV with the columns of the first row; a null is an empty cell."""
    first = next(rows, None)
    with path.open("w", encoding="utf-8", newline="") as file:
        if first is None:
            return 0
        header = list(first)
        file.write(_record([guarded(name) for name in header], delimiter))
        count = 0
        for count, row in enumerate(_chained(first, rows), start=1):
            if list(row) != header:
                raise ConfigError(
                    f"row {count} has the columns {', '.join(row)}, the first has {', '.join(header)}",
                    hint="export these rows as JSONL: import the sources apart",
                )
            file.write(_record([guarded(_cell(value)) for value in row.values()], delimiter))
    return count


def _record(cells: list[str], delimiter: str) -> str:
    """One line of CSV. Python's own writer leaves a carriage return bare, and readers end the row there."""
    marks = {delimiter, '"', "\n", "\r"}
    said = ['"' + cell.replace('"', '""') + '"' if marks & set(cell) else cell for cell in cells]
    return (delimiter.join(said) if said != [""] else '""') + "\n"


def _chained(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _cell(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _frame(rows: list[Row]) -> pl.DataFrame:
    """Rows as a table: a column has one type, and a key that a row lacks is null."""
    try:
        return pl.DataFrame(rows, infer_schema_length=None)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
        raise ConfigError(
            f"the rows do not fit a table: {str(error)[:300]}", hint="choose a format that is written as JSON"
        ) from error


def _table(path: Path, rows: Iterator[Row]) -> int:
    table = _frame(list(rows))
    write_parquet(table, path)
    return table.height


def _tables(parts: list[Part], format: str) -> list[tuple[Part, pl.DataFrame]]:
    """Each part as a table; all have the same columns and types.

    `tools` is JSON text there, since the schemas of two tools seldom have one type.
    """
    rows = [
        {**row, "tools": _line(row["tools"])} if "tools" in row else row
        for part in parts
        for row in rows_for(part.examples, format)
    ]
    whole = _frame(rows)
    tables, at = [], 0
    for part in parts:
        tables.append((part, whole.slice(at, part.examples.height)))
        at += part.examples.height
    return tables


CONTAINERS: dict[str, tuple[str, Callable[[Path, Iterator[Row]], int]]] = {
    "json": (".json", _array),
    "jsonl": (".jsonl", _jsonl),
    "csv": (".csv", lambda path, rows: _separated(path, rows, ",")),
    "tsv": (".tsv", lambda path, rows: _separated(path, rows, "\t")),
    "parquet": (".parquet", _table),
    "datasets": (".parquet", _table),
}


def _original(parts: list[Part], draft: Path, name: str) -> list[tuple[str, int]]:
    """Each part in the container its rows came in; JSONL where they came in several."""
    written = []
    for part in parts:
        found = {json.loads(layout).get("as", "jsonl") for layout in part.examples["layout"]}
        ending, write = CONTAINERS[found.pop() if len(found) == 1 else "jsonl"]
        file = part.stem + ending
        written.append((file, write(draft / file, rows_for(part.examples, "original"))))
    return written


def _plain(format: str, ending: str, write: Callable[[Path, Iterator[Row]], int]) -> Writer:
    def writer(parts: list[Part], draft: Path, name: str) -> list[tuple[str, int]]:
        return [
            (p.stem + ending, write(draft / (p.stem + ending), rows_for(p.examples, format))) for p in parts
        ]

    return writer


def _trl(parts: list[Part], draft: Path, name: str) -> list[tuple[str, int]]:
    """JSONL and Parquet of the same rows."""
    one_kind(pl.concat([part.examples for part in parts]), "trl")
    written = []
    for part, table in _tables(parts, "trl"):
        lines, columns = part.stem + ".jsonl", part.stem + ".parquet"
        written.append((lines, _jsonl(draft / lines, rows_for(part.examples, "trl"))))
        write_parquet(table, draft / columns)
        written.append((columns, table.height))
    return written


def _axolotl(parts: list[Part], draft: Path, name: str) -> list[tuple[str, int]]:
    """JSONL, and the part of Axolotl's configuration that reads it."""
    kind = one_kind(pl.concat([part.examples for part in parts]), "axolotl")
    if kind == "kto":
        raise ConfigError("Axolotl's chat_template has no KTO data", hint="export it as trl or llamafactory")
    written = []
    for part in parts:
        file = part.stem + ".jsonl"
        written.append((file, _jsonl(draft / file, rows_for(part.examples, "axolotl"))))
    lines = {
        "text": ["    type: completion", "    field: text"],
        "messages": ["    type: chat_template", "    field_messages: messages"],
        "preference": [
            "    type: chat_template.default",
            "    field_messages: messages",
            "    field_chosen: chosen",
            "    field_rejected: rejected",
        ],
    }[kind]
    if kind != "text":
        lines += ["    message_property_mappings:", "      role: role", "      content: content"]
    text = "rl: dpo\n" if kind == "preference" else ""
    for heading, splits in (("datasets", ("train", None)), ("test_datasets", ("validation",))):
        files = [part.stem for part in parts if part.split in splits]
        if files:
            text += f"{heading}:\n"
        for stem in files:
            # Axolotl reads one file as the split called train, whatever it holds
            text += (
                "\n".join(
                    [
                        f"  - path: {json.dumps(stem + '.jsonl', ensure_ascii=False)}",
                        "    ds_type: json",
                        "    split: train",
                        *lines,
                    ]
                )
                + "\n"
            )
    (draft / f"{name}.axolotl.yaml").write_text(text, encoding="utf-8")
    return [*written, (f"{name}.axolotl.yaml", 0)]


def _llamafactory(parts: list[Part], draft: Path, name: str) -> list[tuple[str, int]]:
    """ShareGPT files and their entries in dataset_info.json, where other entries are kept."""
    kind = one_kind(pl.concat([part.examples for part in parts]), "llamafactory")
    written = []
    entries: dict[str, Row] = {}
    for part in parts:
        file = part.stem + ".json"
        columns = {"messages": "conversations"}
        seen: set[str] = set()

        def noted(rows: Iterator[Row], seen: set[str] = seen) -> Iterator[Row]:
            for row in rows:
                seen.update(row)
                yield row

        written.append((file, _array(draft / file, noted(rows_for(part.examples, "llamafactory")))))
        columns |= {name: name for name in ("system", "tools", "chosen", "rejected") if name in seen}
        entry: Row = {"file_name": file, "formatting": "sharegpt", "columns": columns}
        if kind == "preference":
            entry["ranking"] = True
        if kind == "kto":
            columns["kto_tag"] = "label"
        entries[part.stem] = {"file_name": file, "columns": {"prompt": "text"}} if kind == "text" else entry
    (draft / INFO).write_text(json.dumps(entries, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return [*written, (INFO, 0)]


def _csv(parts: list[Part], draft: Path, name: str) -> list[tuple[str, int]]:
    """Text and label; the columns answer and system only where some row has one."""
    written = []
    for part in parts:
        rows = list(rows_for(part.examples, "csv"))
        used = [key for key in ("answer", "system") if any(row[key] is not None for row in rows)]
        kept = ({key: row[key] for key in ("text", "label", *used)} for row in rows)
        file = part.stem + ".csv"
        written.append((file, _separated(draft / file, kept, ",")))
    return written


def _datasets(parts: list[Part], draft: Path, name: str) -> list[tuple[str, int]]:
    """A folder as `save_to_disk` writes it: a Dataset, or a DatasetDict where splits are set."""
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("datasets", "all") from error
    one_kind(pl.concat([part.examples for part in parts]), "datasets")
    saved = {}
    count = 0
    for part, table in _tables(parts, "datasets"):
        count += table.height
        made = datasets.Dataset.from_polars(table)
        # of the rows, so that it is the same from one run to the next
        made._fingerprint = hashlib.sha256(table.write_ndjson().encode()).hexdigest()[:16]
        saved[part.split or ""] = made
    whole = saved[""] if "" in saved else datasets.DatasetDict(saved)
    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        whole.save_to_disk(str(draft / name))
    finally:
        if shown:
            datasets.enable_progress_bars()
    return [(name, count)]


def _parquet(parts: list[Part], draft: Path, name: str) -> list[tuple[str, int]]:
    """The columns of EXAMPLES, as the workspace keeps them."""
    for part in parts:
        write_parquet(part.examples, draft / f"{part.stem}.parquet")
    return [(f"{part.stem}.parquet", part.examples.height) for part in parts]


WRITERS: dict[str, Writer] = {
    "original": _original,
    "openai": _plain("openai", ".jsonl", _jsonl),
    "trl": _trl,
    "axolotl": _axolotl,
    "llamafactory": _llamafactory,
    "alpaca": _plain("alpaca", ".json", _array),
    "sharegpt": _plain("sharegpt", ".json", _array),
    "csv": _csv,
    "datasets": _datasets,
    "parquet": _parquet,
}
