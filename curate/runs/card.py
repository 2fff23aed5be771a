"""The data card: what a dataset version holds, where it came from and what was done to it, as Markdown.

It shows counts, names of columns' values that are labels, and settings; never a text of a row. What
comes from data is escaped, so that no label or file name acts as Markdown or HTML.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from curate.dividing.resample import TRAIN, times_of
from curate.errors import AccountError

LABELS_SHOWN = 40
REASONS_SHOWN = 12
LONGEST_SETTINGS = 4_000  # characters of one check's settings
LONGEST = 80  # characters of a value from data
ACTIVE = re.compile(r"([\\`*_{}\[\]<>|~&#$@!])")


def escaped(value: object, longest: int = LONGEST) -> str:
    """A value from data as one line of Markdown that shows it and does nothing else; at most so many characters."""
    text = str(value)
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    plain = "".join(
        " " if c in "\n\r\t" else "\ufffd" if unicodedata.category(c)[0] == "C" else c for c in text
    )
    # a bare address becomes a link by itself
    plain = ACTIVE.sub(r"\\\1", plain).replace("://", r"\://")
    plain = re.sub(r"(?i)\bwww\.", r"www\\.", plain)
    # an underscore within a word is only an underscore
    return re.sub(r"(?<=\w)\\_(?=\w)", "_", plain).strip() or "(empty)"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: int) -> list[str]:
    """A Markdown table; the last `numbers` columns are set to the right. Cells are escaped already."""
    marks = ["---"] * (len(header) - numbers) + ["---:"] * numbers
    lines = [header, marks, *rows]
    return ["| " + " | ".join(_number(cell) for cell in line) + " |" for line in lines] + [""]


def _number(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _sources(examples: pl.DataFrame, rejects: pl.DataFrame | None) -> list[str]:
    """Source x format, with its rows here and its rejected rows."""
    here: Counter[tuple[str, str]] = Counter()
    for source, layout in examples.select("source", "layout").iter_rows():
        here[source, json.loads(layout or "{}").get("format", "")] += 1
    refused: Counter[str] = Counter(rejects["source"].to_list()) if rejects is not None else Counter()
    rows: list[tuple[object, ...]] = [
        (escaped(source), escaped(known), count, refused.pop(source, 0))
        for (source, known), count in sorted(here.items())
    ]
    rows += [(escaped(source), "none", 0, count) for source, count in sorted(refused.items())]
    return ["## Sources", "", *_table(("source", "format", "rows here", "rejected"), rows, numbers=2)]


def _reason(text: str) -> str:
    """A reason without what it quotes from the data, and with numbers left open, so that like counts with like."""
    return re.sub(r"\d+", "N", re.sub(r"`[^`]*`", "…", text))


def _drops(changes: pl.DataFrame | None) -> Counter[tuple[str, str]]:
    """Dropped examples by (check, label): each example once, by the first of its reasons in order."""
    if changes is None or not changes.height:
        return Counter()
    drops = changes.filter(pl.col("change") == "drop").sort("example_id", "check", "label")
    first = drops.unique("example_id", keep="first", maintain_order=True)
    return Counter((check or "", label or "") for check, label in first.select("check", "label").iter_rows())


def _counts(
    out: int, drops: Counter[tuple[str, str]], rejects: pl.DataFrame | None, rows_in: int | None
) -> list[str]:
    """In, dropped by reason, rejected by reason, out; AccountError where they do not add up."""
    refused = Counter(_reason(reason) for reason in rejects["reason"]) if rejects is not None else Counter()
    dropped, rejected = drops.total(), refused.total()
    total = out + dropped + rejected if rows_in is None else rows_in
    if total != out + dropped + rejected:
        raise AccountError(f"{total} rows in, {out} out, {dropped} dropped and {rejected} rejected")
    rows: list[tuple[object, ...]] = [("rows in", "", total)]
    shown = refused.most_common(REASONS_SHOWN)
    rows += [("rejected", escaped(reason), count) for reason, count in shown]
    if (more := rejected - sum(count for _, count in shown)) > 0:
        rows.append(("rejected", f"{len(refused) - len(shown)} other reasons", more))
    rows += [
        ("dropped", escaped(f"{check}: {label}" if label else check), count)
        for (check, label), count in sorted(drops.items())
    ]
    rows.append(("rows out", "", out))
    return ["## Rows", "", *_table(("", "why", "rows"), rows, numbers=1)]


def _splits(examples: pl.DataFrame) -> list[str]:
    """Labels down, splits across; the rarer labels together where there are many."""
    known = ("train", "validation", "test")
    found = set(examples["split"].to_list())
    names = [name for name in known if name in found]
    names += sorted(name for name in found if name is not None and name not in known)
    columns: list[str | None] = [*names, *([None] if None in found else [])]
    heads = [escaped(name) if name is not None else "no split" for name in columns]
    count: Counter[tuple[str | None, str | None]] = Counter(examples.select("label", "split").iter_rows())
    labels: Counter[str | None] = Counter(examples["label"].to_list())
    order = sorted(labels, key=lambda label: (-labels[label], label or ""))
    rows: list[tuple[object, ...]] = [
        (
            escaped(label) if label is not None else "(no label)",
            *(count[label, split] for split in columns),
            labels[label],
        )
        for label in order[:LABELS_SHOWN]
    ]
    if rest := order[LABELS_SHOWN:]:
        sums = [sum(count[label, split] for label in rest) for split in columns]
        rows.append((f"{len(rest)} other labels", *sums, sum(sums)))
    if len(order) != 1:
        totals = [sum(count[label, split] for label in order) for split in columns]
        rows.append(("all", *totals, sum(totals)))
    table = _table(("label", *heads, "all"), rows, numbers=len(columns) + 1)
    return ["## Splits and labels", "", *table, *_copies(examples)]


def _copies(examples: pl.DataFrame) -> list[str]:
    """What a balanced split repeats, in one sentence; nothing where each row stands once."""
    times = times_of(examples)
    repeated = int((times > 1).sum())
    if not repeated:
        return []
    train = examples["split"] == TRAIN
    total = int(times.filter(train.fill_null(value=False)).sum())
    return [
        f"Each row is counted once here. Training rows repeated by a balanced split: {repeated:,}, so that "
        f"the training file has {total:,} rows, {int(times.sum()) - len(times):,} of them copies.",
        "",
    ]


def _lengths(examples: pl.DataFrame) -> list[str]:
    """Characters of an example's conversation, and of its last answer."""
    content = pl.element().struct.field("content").str.len_chars().fill_null(0)
    last = pl.col("messages").list.last().struct.field("content").str.len_chars()
    extra = [pl.col(name).str.len_chars().fill_null(0) for name in ("chosen", "rejected")]
    lengths = examples.select(
        whole=pl.col("messages").list.eval(content).list.sum().fill_null(0) + extra[0] + extra[1],
        answer=pl.coalesce(pl.col("chosen").str.len_chars(), last),
    )
    rows = []
    for name, column in (("whole example", "whole"), ("last answer", "answer")):
        series = lengths[column].drop_nulls()
        if series.len():
            quantiles = [series.quantile(share, "nearest") or 0 for share in (0.5, 0.95, 1.0)]
            rows.append((name, *(int(value) for value in quantiles)))
    return [
        "## Lengths, in characters",
        "",
        *_table(("", "median", "95 of 100 at most", "longest"), rows, numbers=3),
    ]


def _checks(
    checks: Mapping[str, Mapping[str, object]], not_run: Mapping[str, str], findings: pl.DataFrame | None
) -> list[str]:
    lines = ["## Checks", ""]
    if not checks and not not_run:
        return [*lines, "No check was run.", ""]
    open_by = Counter(findings["check"].to_list()) if findings is not None else Counter()
    rows: list[tuple[object, ...]] = []
    for name, settings in sorted(checks.items()):
        said = {key: value for key, value in sorted(settings.items()) if value not in ("", None, [], {})}
        words = ", ".join(f"{key} {value}" for key, value in said.items())
        count = open_by.pop(name, 0) if findings is not None else "not counted"
        rows.append((escaped(name), escaped(words, LONGEST_SETTINGS) if words else "", count))
    rows += [(escaped(name), "settings not known", count) for name, count in sorted(open_by.items())]
    lines += _table(("check", "settings", "open findings"), rows, numbers=1) if rows else []
    for name, reason in sorted(not_run.items()):
        lines.append(f"- **not run**: {escaped(name)} ({escaped(reason)})")
    return [*lines, ""] if not_run else lines


def _redacted(changes: pl.DataFrame | None) -> list[str]:
    """Places by kind; never what stood there."""
    lines = ["## Personal data redacted", ""]
    if changes is None:
        return [*lines, "Nothing was redacted.", ""]
    redacted = changes.filter(pl.col("change") == "redact")
    kinds = Counter(label or "" for label in redacted["label"])
    if not kinds:
        return [*lines, "Nothing was redacted.", ""]
    rows = [(escaped(kind), count) for kind, count in sorted(kinds.items())]
    return [*lines, *_table(("kind", "places"), rows, numbers=1)]


def _fenced(text: str) -> list[str]:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = "".join(c if c == "\n" or unicodedata.category(c)[0] != "C" else "\ufffd" for c in text)
    return [f"{fence}sh", shown, fence, ""]


def data_card(
    examples: pl.DataFrame,
    *,
    name: str,
    digest: str,
    command: str,
    rows_in: int | None = None,
    rejects: pl.DataFrame | None = None,
    changes: pl.DataFrame | None = None,
    open_findings: pl.DataFrame | None = None,
    checks: Mapping[str, Mapping[str, object]] | None = None,
    not_run: Mapping[str, str] | None = None,
) -> str:
    """The card of a dataset version.

    `rejects` (REJECTS), `changes` (the change logs of all its `apply` runs, joined) and
    `open_findings` (FINDINGS, those that nobody has decided) are null where there were none;
    `checks` maps each check that ran to its settings, `not_run` each that did not to the reason.
    Raises AccountError where `rows_in` is given and the rows do not add up.
    """
    lines = [f"# {escaped(name)}", "", f"Dataset version `{digest}`: {examples.height:,} rows.", ""]
    lines += _sources(examples, rejects)
    lines += _counts(examples.height, _drops(changes), rejects, rows_in)
    lines += _splits(examples)
    lines += _lengths(examples)
    lines += _checks(checks or {}, not_run or {}, open_findings)
    lines += _redacted(changes)
    lines += [
        "## Licence",
        "",
        "To be filled in by whoever passes this on: the licence of each source above.",
        "",
    ]
    lines += ["## Made by", "", *_fenced(command)]
    return "\n".join(lines).rstrip("\n") + "\n"
