"""The biography of one row: where it came from, and every check, score, person and run that touched it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from curate.changing.purge import instead_of, purged
from curate.changing.redact import Replacer, Span, cut
from curate.errors import NotFoundError
from curate.workspace import Workspace
from curate.workspace.differences import answer_of
from curate.workspace.store import TABLE

SHOWN = 600  # characters of one message in a biography


class Event(NamedTuple):
    """One thing that happened to a row."""

    at: str  # UTC, ISO 8601
    kind: str  # import, finding, decision, change, split, export, train, prediction, score ...
    words: str
    data: dict[str, object]


@dataclass(frozen=True)
class Biography:
    """All that happened to one row, in the order in which it happened."""

    example_id: str | None  # None for a row that was rejected on import
    source: str
    row: int
    events: list[Event]
    present: str  # where it is now, in words
    text: list[tuple[str, str]] = field(default_factory=list)  # (role, what is said), as it now stands
    masked: int = 0  # values in `text` that a kind stands for, though the row itself still holds them


def biography(workspace: Workspace, reference: str) -> Biography:
    """The biography of the row that `reference` names: an example id's beginning, or FILE:LINE.

    Raises NotFoundError where no import knows it, or several rows fit.
    """
    place = re.fullmatch(r"(.+):(\d+)", reference)
    rows = _named_rows(workspace, place, reference)
    if len(rows) > 1:
        raise NotFoundError(
            f"`{reference}` fits {len(rows)} rows, the first {min(rows)[:12]}",
            hint="give more of the id, or FILE:LINE",
        )
    if not rows:
        rejected = _rejected(workspace, place)
        if rejected is not None:
            return rejected
        raise NotFoundError(
            f"no row is known as `{reference}`",
            hint="ROW is FILE:LINE as imported (tickets.jsonl:118), or at least 4 digits of an example id",
        )
    ((example_id, (source, row)),) = rows.items()
    events = sorted(_events(workspace, example_id, source), key=lambda event: event.at)
    present, text, masked = _now(workspace, example_id, events)
    return Biography(example_id, source, row, events, present, text, masked)


def _runs(workspace: Workspace, kind: str | None = None) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(run id, kind, when it ended, settings) of the runs that succeeded, oldest first."""
    query = """select run.run_id, kind, ended_at, params from run join run_end using (run_id)
               where error is null and (? is null or kind = ?) order by ended_at"""
    found = workspace.ledger.rows(query, kind, kind)
    return [(r["run_id"], r["kind"], r["ended_at"], json.loads(r["params"])) for r in found]


def _named_rows(
    workspace: Workspace, place: re.Match[str] | None, reference: str
) -> dict[str, tuple[str, int]]:
    """Example id to (source, row) for what the reference fits, newest import first."""
    if place is None and len(reference) < 4:
        raise NotFoundError(
            f"`{reference}` is too short", hint="at least 4 digits of an example id, or FILE:LINE"
        )
    wanted = (
        pl.col("example_id").str.starts_with(reference)
        if place is None
        else (pl.col("source") == place[1]) & (pl.col("source_row") == int(place[2]))
    )
    found: dict[str, tuple[str, int]] = {}
    for digest in _versions(workspace):
        rows = (
            workspace.scan_examples(digest)
            .filter(wanted)
            .select("example_id", "source", "source_row")
            .collect()
        )
        found |= {example_id: (source, row) for example_id, source, row in rows.iter_rows()}
        if found and place is not None:
            break  # the file may have changed between imports: the newest counts
    return found


def _versions(workspace: Workspace) -> Iterator[str]:
    """The versions that imports made, newest first; where a purge erased some, then all that are left."""
    imported = list(dict.fromkeys(reversed(list(_imported(workspace, "dataset")))))
    yield from (digest for digest in imported if _there(workspace, digest))
    if any(not _there(workspace, digest) for digest in imported):
        query = "select digest from artifact where kind = 'dataset' order by added_at desc"
        yield from (
            str(row["digest"])
            for row in workspace.ledger.rows(query)
            if _there(workspace, str(row["digest"])) and row["digest"] not in imported
        )


def _imported(workspace: Workspace, role: str) -> Iterator[str]:
    for run_id, *_ in _runs(workspace, "import"):
        outputs = workspace.ledger.run_artifacts(run_id, "out")
        if role in outputs:
            yield outputs[role]


def _rejected(workspace: Workspace, place: re.Match[str] | None) -> Biography | None:
    """The short life of a row that could not be read."""
    if place is None:
        return None
    wanted = (pl.col("source") == place[1]) & (pl.col("row") == int(place[2]))
    for run_id, _, at, _ in reversed(_runs(workspace, "import")):
        digest = workspace.ledger.run_artifacts(run_id, "out").get("rejects")
        digest = instead_of(workspace).get(digest, digest) if digest else None
        rows = workspace.table(digest).filter(wanted).to_dicts() if digest else []
        if rows:
            words = f"rejected: {rows[0]['reason']}"
            event = Event(at, "rejected", words, {"run": run_id, "reason": rows[0]["reason"]})
            return Biography(None, place[1], int(place[2]), [event], "rejected on import, so in no version")
    return None


def _events(workspace: Workspace, example_id: str, source: str) -> Iterator[Event]:
    """All that the runs and decisions say of one row."""
    known: set[str] = set()
    gone = purged(workspace)
    for run_id, kind, at, params in _runs(workspace):
        inputs = workspace.ledger.run_artifacts(run_id, "in")
        outputs = workspace.ledger.run_artifacts(run_id, "out")
        data: dict[str, object] = {"run": run_id}
        before = _row(workspace, inputs.get("dataset"), example_id)
        after = _row(workspace, outputs.get("dataset"), example_id)
        erased = outputs.get("dataset") in gone and source in params.get("source", ())
        event = _of_run(kind, at, params, (before, after), f"from {source}" if erased else "", data)
        if event:
            yield event
        new = 0
        for role, digest in outputs.items():
            for event in _in_table(workspace, digest, role, example_id, at, run_id):
                finding = str(event.data.get("finding_id", ""))
                if event.kind == "finding":
                    if finding in known:
                        continue  # a later scan found the same again
                    known.add(finding)
                    new += 1
                    event.data["of"] = before["content_hash"] if before else None
                yield event
        if kind == "scan" and before and not new:
            by = _checks(params)
            words = f"looked at by {by}: nothing new" if by else "a scan could not look: no check ran"
            yield Event(at, "scan", words, data)
    query = "select * from annotation where example_id = ? and key like 'label:%' order by annotated_at, uid"
    for word in workspace.ledger.rows(query, example_id):
        task = word["key"].partition(":")[2]
        said = (
            f"answered {task}: {_short(answer_of(word['value']), 120)}"
            if word["value"]
            else f"answer to {task} taken back"
        )
        yield Event(word["annotated_at"], "answer", f"{said} by {word['reviewer']}", {"key": word["key"]})
    yield from _notes(workspace, example_id)
    query = "select * from decision where example_id = ? order by decided_at, uid"
    for word in workspace.ledger.rows(query, example_id):
        said = f"decided: {word['action']}" if word["action"] else "decision taken back"
        note = f" ({word['note']})" if word["note"] else ""
        settled = ", settling what people differed on" if word["settles"] else ""
        words = f"{said} by {word['reviewer']}{note}, about finding {word['finding_id'][:8]}{settled}"
        yield Event(
            word["decided_at"],
            "decision",
            words,
            {"finding_id": word["finding_id"], "action": word["action"]},
        )


def _notes(workspace: Workspace, example_id: str) -> Iterator[Event]:
    """What people wrote beside findings on the row."""
    query = "select * from annotation where example_id = ? and key like 'note:%' order by annotated_at, uid"
    for word in workspace.ledger.rows(query, example_id):
        finding = word["key"].partition(":")[2]
        said = (
            f"noted by {word['reviewer']}: {word['value']}"
            if word["value"]
            else f"note taken back by {word['reviewer']}"
        )
        yield Event(
            word["annotated_at"], "note", f"{said}, about finding {finding[:8]}", {"finding_id": finding}
        )


def _of_run(
    kind: str,
    at: str,
    params: dict[str, Any],
    rows: tuple[dict[str, object] | None, dict[str, object] | None],
    erased: str,
    data: dict[str, object],
) -> Event | None:
    """What a run did with the row as it was before and after; `erased` says where a purged import read it."""
    before, after = rows
    words = ""
    if kind == "purge" and before:
        words = "the raw versions of it were purged: erased, their digests kept"
    elif kind == "import" and (after or erased):
        where = f"from {after['source']}:{after['source_row']}" if after else erased
        words = f"imported {where} as {params.get('format')}" + ("" if after else "; purged since")
    elif kind == "split" and after:
        where = f"put into {after['split']}" if after["split"] else "set aside, in no split"
        words = where + (" (random split)" if params.get("random") else "")
    elif kind == "train" and before:
        part = before["split"] or "no split"
        use = "trained on" if part == "train" else f"held out of training ({part})"
        words = f"{use} in run {data['run']}"
    elif kind == "export" and before:
        words = f"exported in run {data['run']}" + (f", as {before['split']}" if before["split"] else "")
    return Event(at, kind, words, data) if words else None


def _checks(params: dict[str, Any]) -> str:
    """The checks of a scan that could look; of a version made by a split, only the one that looked again."""
    if "carried_from" in params:
        return "leak (the other checks' findings were carried over)"
    not_run = params.get("not_run", {})
    return ", ".join(name for name in params if name != "not_run" and name not in not_run)


def _there(workspace: Workspace, digest: str) -> bool:
    """Whether an artifact can be read; NotFoundError says so elsewhere unless a purge erased it."""
    return (workspace.store.root / digest).is_dir() or digest not in purged(workspace)


def _row(workspace: Workspace, digest: str | None, example_id: str) -> dict[str, object] | None:
    """The row in a dataset version, or None."""
    if digest is None or not _there(workspace, digest):
        return None
    rows = workspace.scan_examples(digest).filter(pl.col("example_id") == example_id).collect()
    return rows.row(0, named=True) if rows.height else None


def _in_table(
    workspace: Workspace, digest: str, role: str, example_id: str, at: str, run_id: str
) -> Iterator[Event]:
    """What an output table says of the row; outputs that are no table with example ids say nothing."""
    if not _there(workspace, digest):
        return
    path = workspace.store.path(digest) / TABLE
    if not path.is_file():
        return
    table = pl.scan_parquet(path)
    columns = table.collect_schema().names()
    if "example_id" not in columns:
        return
    named = pl.col("example_id") == example_id
    if "other_id" in columns:
        named |= pl.col("other_id") == example_id
    rows = table.filter(named).collect().to_dicts()
    if "metric" in columns:
        yield from _scores(rows, at, run_id)
        return
    for row in rows:
        if "finding_id" in columns and "change" not in columns:
            yield _finding(row, example_id, at, run_id)
        elif "change" in columns:
            yield _change(row, at, run_id)
        elif {"task", "people"} <= set(columns):
            words = f"{row['task']}: {_short(row['answer'], 120)}, by {', '.join(json.loads(row['people']))}"
            now = "; the row said something else before" if row["changed"] else ""
            yield Event(at, "label", words + now, {"run": run_id, **row})
        elif "answer" in columns:
            said = row.get("choice") or row["answer"] or row.get("error") or ""
            yield Event(
                at,
                "prediction",
                f"answered by {row['arm']}: {_short(str(said), 120)}",
                {"run": run_id, **row},
            )
        elif role != "judgements" or row.get("score") is not None:  # a score that is none stands in scores
            yield Event(at, role, f"named in {role} of run {run_id}", {"run": run_id, **row})


def _finding(row: dict[str, object], example_id: str, at: str, run_id: str) -> Event:
    other = row["other_id"] if row["example_id"] == example_id else row["example_id"]
    with_ = f", with {str(other)[:12]}" if other else ""
    message = f"message {row['message']} " if row["message"] is not None else ""
    where = (
        f", at {message}{row['field']}"
        + (f" {row['start']}-{row['end']}" if row["start"] is not None else "")
        if row["field"]
        else ""
    )
    words = (
        f"{row['check']}: {row['label']}, score {row['score']:.2f}{with_}{where}; proposes {row['action']}"
    )
    return Event(at, "finding", f"{words} (finding {str(row['finding_id'])[:8]})", {"run": run_id, **row})


def _change(row: dict[str, object], at: str, run_id: str) -> Event:
    done = {"drop": "dropped", "redact": "redacted", "edit": "edited", "keep": "kept after all"}
    detail = json.loads(str(row["detail"]))
    place = f" in {detail['field']}" if detail.get("field") else ""
    place += f"; {detail['other'][:12]} stays" if detail.get("other") else ""
    place += f"; {detail['reason']}" if detail.get("reason") else ""
    word = done.get(str(row["change"]), f"decision {row['change']}")
    words = f"{word}{place}: {row['check']}/{row['label']}, decided by {row['reviewer']}"
    return Event(at, "change", words, {"run": run_id, **row})


def _scores(rows: list[dict[str, object]], at: str, run_id: str) -> Iterator[Event]:
    """One event an arm."""
    arms: dict[str, list[str]] = {}
    for row in rows:
        value = row["value"]
        said = (
            f"{row['metric']} {value:.3g}"
            if value is not None
            else f"{row['metric']} not scored ({row['reason']})"
        )
        arms.setdefault(str(row["arm"]), []).append(said)
    for arm, values in arms.items():
        yield Event(
            at,
            "score",
            f"scores of {arm}: {', '.join(values)}",
            {"run": run_id, "arm": arm, "scores": values},
        )


_Said = tuple[list[tuple[str, str]], int]


def _now(
    workspace: Workspace, example_id: str, events: list[Event]
) -> tuple[str, list[tuple[str, str]], int]:
    """Where the row is now, what it says there or where it last was, and how many values are masked in that."""
    query = """select name, digest from latest_name join artifact using (digest) where kind = 'dataset'
               order by name_id desc"""
    places: list[str] = []
    said: _Said | None = None
    for name, digest in ((row["name"], row["digest"]) for row in workspace.ledger.rows(query)):
        row = _row(workspace, digest, example_id)
        if row:
            places.append(f"{name} ({digest[:8]}{', ' + str(row['split']) if row['split'] else ''})")
            said = said or _said(row, events)
    if said is not None:
        return f"in {', '.join(places)}", *said
    dropped = [event for event in events if event.kind == "change" and event.data["change"] == "drop"]
    words = f"not in any named version: {dropped[-1].words}" if dropped else "not in any named version"
    last = workspace.ledger.rows("select digest from artifact where kind = 'dataset' order by added_at desc")
    for digest in (str(row["digest"]) for row in last):
        row = _row(workspace, digest, example_id)
        if row:
            return words, *_said(row, events)
    return words, [], 0


def _said(row: dict[str, object], events: list[Event]) -> _Said:
    """Role and text of each message, without the values found in this very text, and how many those are."""
    spans: dict[int, list[Span]] = {}
    found = [event.data for event in events if event.kind == "finding"]
    for each in found:
        if each["action"] == "redact" and each["field"] == "content" and each["of"] == row["content_hash"]:
            span = Span(int(str(each["start"])), int(str(each["end"])), str(each["label"]))
            spans.setdefault(int(str(each["message"])), []).append(span)
    messages = row["messages"]
    if not isinstance(messages, list):
        return [], 0
    texts = [(m["role"], m["content"] or m["tool_calls"] or "") for m in messages]
    told = [
        (role, _short(cut(text, spans.get(i, ()), Replacer()), SHOWN)) for i, (role, text) in enumerate(texts)
    ]
    return told, sum(len(set(each)) for each in spans.values())


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}... ({len(text):,} characters)"
