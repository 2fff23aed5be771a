"""`seatrial review`: findings listed, and decided on."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curate.answer import LISTED, Answer, counted
from curate.commands.called import called
from curate.commands.carried import carried_lines, carried_out
from curate.commands.finding_lines import detail_lines, finding_line, summary_lines, with_labels
from curate.commands.relabels import must_be_a_label, must_have_rows, relabelled_lines, suggested_lines
from curate.commands.said import Filters, Said
from curate.commands.spellings import rare_lines
from curate.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from curate.workspace import Decision, Workspace

Ids = list[str] | None
Word = str | None

Value = Annotated[Word, typer.Option(metavar="TEXT", help="only findings of this text, in any case")]
Accept = Annotated[Ids, typer.Option(metavar="FINDING_ID", help="do as it proposes; may be repeated")]
Undo = Annotated[Ids, typer.Option(metavar="FINDING_ID", help="take your last word back; may be repeated")]
Action = Annotated[Word, typer.Option(help="when accepting: keep, drop, redact or edit, not the proposal")]
Suggested = Annotated[
    bool,
    typer.Option("--label-to-suggested", help="say, or when accepting give, the label each finding proposes"),
]
LabelTo = Annotated[Word, typer.Option(metavar="LABEL", help="when accepting: give the rows this label")]
Side = Annotated[Word, typer.Option(metavar="EXAMPLE_ID", help="with --accept: which side of a pair")]


WRONG_LABEL = "wrong-label"


def review(
    dataset: Annotated[str | None, typer.Argument(help="a name, a digest or its beginning")] = None,
    check: Annotated[str | None, typer.Option(help="only findings of this check")] = None,
    label: Annotated[str | None, typer.Option(help="only findings with this label")] = None,
    score: Annotated[float | None, typer.Option(min=0, max=1, help="only findings this sure")] = None,
    value: Value = None,
    open: Annotated[bool, typer.Option("--open", help="only what waits for a decision")] = False,
    differ: Annotated[bool, typer.Option("--differ", help="only what people differ on")] = False,
    limit: Annotated[int, typer.Option(min=0, max=LISTED, help="how many to list")] = 20,
    accept: Accept = None,
    reject: Annotated[Ids, typer.Option(metavar="FINDING_ID", help="leave the row; may be repeated")] = None,
    undo: Undo = None,
    accept_safe: Annotated[bool, typer.Option("--accept-safe", help="accept every safe proposal")] = False,
    accept_all: Annotated[bool, typer.Option("--accept-all", help="accept what the filters choose")] = False,
    reject_all: Annotated[bool, typer.Option("--reject-all", help="reject what the filters choose")] = False,
    undo_all: Annotated[
        bool, typer.Option("--undo-all", help="take your last words on what the filters choose back")
    ] = False,
    action: Action = None,
    label_to: LabelTo = None,
    label_to_suggested: Suggested = False,
    new_label: Annotated[bool, typer.Option("--new-label", help="LABEL may be one that no row has")] = False,
    side: Side = None,
    note: Annotated[str, typer.Option(help="why, kept with the decision")] = "",
    export: Annotated[Path | None, typer.Option(metavar="FILE.jsonl", help="write what fits")] = None,
) -> Answer:
    """List findings and decide on them.

    Filters (--check, --label, --score, --value, --open, --differ) choose what is listed, exported, or
    decided with --accept-all and --reject-all, which leave alone what people differ on unless --differ asks
    for it. Decisions change no row before `seatrial apply`.
    """
    from curate.deciding import review as core
    from curate.deciding.values import of_value
    from curate.workspace import Workspace

    asked = Filters(check, label, score, open, differ, None if value is None else frozenset())
    said = Said(
        accept or [], reject or [], undo or [], accept_safe, accept_all, reject_all, action, label_to,
        label_to_suggested, undo_all, side, note,
    )  # fmt: skip
    _must_be_one_choice(asked, said)
    _must_be_known(check)
    must_have_rows(said, new_label=new_label)
    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    _must_be_scanned(workspace, digest, differ=differ)
    if label_to is not None and not new_label:
        must_be_a_label(workspace, digest, label_to)
    table = core.review(workspace, digest)
    if value is not None:
        asked = asked._replace(ids=of_value(workspace, digest, table, value))
    many = accept_all or reject_all or undo_all
    taken = asked.of_all(table)["finding_id"].to_list() if many else []
    decisions, lines = _decisions(workspace, digest, table, asked, said)
    if core.record(workspace, decisions):
        table = core.review(workspace, digest)
    # what was decided in one is shown, though it may not be open any more
    fitting = table.filter(table["finding_id"].is_in(taken)) if taken else asked.of(table)
    return _answer(workspace, digest, table, asked, fitting, decisions, lines, limit, export)


def _decisions(
    workspace: Workspace, digest: str, table: pl.DataFrame, asked: Filters, said: Said
) -> tuple[list[Decision], list[str]]:
    """The decisions that were asked for, not recorded yet, and what is to be said of them."""
    import polars as pl

    from curate.deciding import review as core
    from curate.deciding.lastword import undo
    from curate.deciding.relabelling import beside, of_label, relabelled, suggested

    decisions: list[Decision] = []
    lines: list[str] = []
    if said.accept_safe:
        decisions += core.accept_safe(asked._replace(open=False, differ=False).of(table))
    bulk = asked.of_all(table) if said.accept_all or said.reject_all else table.head(0)
    single, target = core.by_ids(table, said.accept), _side(table, said.side)
    if said.label_to is not None or said.suggested:
        fits = pl.Series([of_label(row) for row in bulk.iter_rows(named=True)], dtype=pl.Boolean)
        of_labels = bulk.filter(fits) if said.accept_all else bulk.head(0)
        rows = pl.concat([of_labels, single]).unique("finding_id", maintain_order=True)
        if said.suggested:
            doing = bool(said.accept or said.accept_all)
            rows = rows if doing else asked.of_all(table).filter(pl.col("check") == WRONG_LABEL)
            labels = suggested(workspace, digest, rows)
            lines = suggested_lines(workspace, digest, rows, labels, recorded=doing)
            rows = rows.filter(pl.col("finding_id").is_in(list(labels))) if doing else rows.head(0)
            done = relabelled(workspace, digest, rows, labels, note=said.note)
        else:
            done = relabelled(workspace, digest, rows, said.label_to or "", note=said.note, target=target)
        words, lines = done.decisions, [*lines, *relabelled_lines(done)]
        bulk = bulk.head(0) if said.accept_all else bulk
    else:
        words = core.decide(single, said.action, note=said.note, target=target)
    words += core.decide(bulk, said.action if said.accept_all else "keep", note=said.note)
    rejected = core.by_ids(table, said.reject)
    words += core.decide(pl.concat([rejected, _decided(beside(table, rejected))]), "keep", note=said.note)
    decisions += _in_sight(workspace, table, words)
    undone = core.by_ids(table, said.undo)
    decisions += _taken_back(workspace, undone, _decided(beside(table, undone)))
    if said.undo_all:
        mine = _decided(asked._replace(open=False).of_all(table))
        decisions += undo(
            workspace,
            pl.concat([mine, _decided(beside(table, mine))]).unique("finding_id", maintain_order=True)[
                "finding_id"
            ],
        )
    return decisions, lines


def _decided(rows: pl.DataFrame) -> pl.DataFrame:
    """Those of which something stands."""
    return rows.filter(rows["decided"].is_not_null())


def _in_sight(workspace: Workspace, table: pl.DataFrame, words: list[Decision]) -> list[Decision]:
    """The words as ones that settle what people differ on, which the listing shows."""
    from curate.deciding.pending import differences_in
    from curate.workspace.differences import settling

    return settling(words, differences_in(workspace, table) if words else {})


def _taken_back(workspace: Workspace, rows: pl.DataFrame, more: pl.DataFrame) -> list[Decision]:
    """The words that --undo records; those on `more` go with them, where they are one's own. Raises ConfigError where one of the findings has nothing to take back."""
    from curate.deciding.lastword import undo
    from curate.workspace import reviewer

    decisions = undo(workspace, rows["finding_id"])
    found = {each.finding_id for each in decisions}
    for finding_id in rows["finding_id"]:
        if finding_id not in found:
            raise ConfigError(
                f"{reviewer()} has said nothing of finding {finding_id[:8]}, so there is nothing to undo",
                hint="what others said is theirs: --accept or --reject says what you think of it",
            )
    return decisions + undo(workspace, more["finding_id"])


def _must_be_one_choice(asked: Filters, said: Said) -> None:
    """Refuse to decide on all without a filter, or in two ways at once."""
    if said.accept_all + said.reject_all + said.undo_all > 1:
        raise ConfigError("--accept-all, --reject-all and --undo-all exclude each other")
    filtered = asked != Filters(None, None, None, open=False, differ=False)
    if (said.accept_all or said.reject_all or said.undo_all) and not filtered:
        raise ConfigError(
            "--accept-all, --reject-all and --undo-all need a filter",
            hint="--check, --label, --score, --value, --open or --differ say what; --accept-safe takes what is safe",
        )


def _must_be_known(check: str | None) -> None:
    """Refuse a misspelt check: no findings would read as nothing found."""
    from curate.checks import CHECKS

    if check is not None and check not in CHECKS:
        near = get_close_matches(check, CHECKS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(CHECKS)}"
        raise ConfigError(f"there is no check `{check}`", hint=hint)


def _must_be_scanned(workspace: Workspace, digest: str, *, differ: bool) -> None:
    """Refuse a version without a scan; where an earlier one has what is asked for, say how to reach it."""
    from curate.deciding.before import scanned_before

    if workspace.findings(digest) is not None:
        return
    name = called(workspace, digest)
    before = scanned_before(workspace, digest)
    hint = f"seatrial scan {name}"
    if before is not None:
        more = " --differ" if differ else ""
        hint += f"; what was found and said before it was made: seatrial review {before[:8]}{more}"
    raise ConfigError(f"{name} was never scanned", hint=hint)


def _side(table: pl.DataFrame, reference: str | None) -> str | None:
    """The one example id of this review that starts so."""
    if reference is None:
        return None
    ids = {i for i in (*table["example_id"], *table["other_id"].drop_nulls()) if i.startswith(reference)}
    if len(ids) != 1:
        raise ConfigError(f"{len(ids)} examples start with `{reference}`", hint="give more of the id")
    return str(ids.pop())


def _answer(
    workspace: Workspace,
    digest: str,
    table: pl.DataFrame,
    asked: Filters,
    fitting: pl.DataFrame,
    decisions: list[Decision],
    said: list[str],
    limit: int,
    export: Path | None,
) -> Answer:
    import polars as pl

    from curate.deciding import review as core
    from curate.deciding.protected import both_sides
    from curate.scanning.excerpts import texts_of

    shown = fitting.head(limit)
    lines = []
    if decisions:
        lines.append(f"{counted(len(decisions), 'decision')} recorded as {decisions[0].reviewer}")
    if export is not None:
        _write(workspace, digest, fitting, export)
        lines.append(f"{counted(fitting.height, 'finding')} written to {export}, with the texts")
    lines += said
    told = core.chosen(table, check=asked.check, label=asked.label, differ=asked.differ or None)
    lines += summary_lines(told)
    kept = told.filter(pl.col("action") == "keep").height
    if kept:
        lines.append(
            f"  {kept:>7,}  more propose to keep a row (of a cluster the copy that stays): nothing to decide"
        )
    if asked.check in (None, "wrong-label"):
        lines += rare_lines(table, workspace.scan_examples(digest))
    listed = with_labels(workspace, digest, shown)
    texts = texts_of(both_sides(workspace, digest, shown), shown)
    for row in listed.iter_rows(named=True):
        lines += [finding_line(row), *detail_lines(row, texts)]
    lines.append(f"{shown.height:,} of {fitting.height:,} findings shown, {table.height:,} in all")
    waiting, ready = core.open_findings(table).height, core.proposals(core.safe(table)).height
    lines += _next_lines(workspace, digest, table, asked, core.open_findings(fitting), ready)
    data = {
        "name": workspace.name_of(digest) or digest[:8],
        "dataset": digest,
        "decided": len(decisions),
        "total": table.height,
        "fitting": fitting.height,
        "shown": shown.height,
        "open": waiting,
        "blocking": core.open_blocking(table).height,
        "differ": int(table["differ"].sum()),
        "safe": ready,
        "summary": core.summary(table).to_dicts(),
        "findings": core.as_rows(listed),
    }
    return Answer(lines, data)


def _next_lines(
    workspace: Workspace, digest: str, table: pl.DataFrame, asked: Filters, listed: pl.DataFrame, ready: int
) -> list[str]:
    """What can be done next: `listed` are the open findings of those asked for, `ready` how many are safe."""
    from curate.deciding import review as core

    name, waiting = called(workspace, digest), core.open_findings(table).height
    lines: list[str] = []
    acting = table.filter(table["decided"].is_in(["drop", "redact", "edit"])).height
    clean = carried_out(workspace, digest, table) if acting else None
    if clean is not None:
        lines += carried_lines(workspace, clean, waiting)
    elif ready:
        lines.append(f"next: seatrial review {name} --accept-safe takes {ready:,} of {waiting:,} open ones")
    elif acting:
        what, stay = counted(acting, "decision"), "stays" if waiting == 1 else "stay"
        lines.append(f"next: seatrial apply {name} carries out {what}; {waiting:,} {stay} open")
    elif waiting:
        to = " --label-to LABEL" if asked.check == WRONG_LABEL else ""
        lines.append(
            f"next: seatrial review {name} --accept ID{to}, --reject ID; or decide in the screens: seatrial"
        )
    else:
        lines.append(f"next: seatrial split {name}")
    if clean is None and asked.check == WRONG_LABEL:
        lines[-1:-1] = _suggesting(name, asked, listed)
    return lines


def _suggesting(name: str, asked: Filters, waiting: pl.DataFrame) -> list[str]:
    """How the labels that open findings propose are seen, and taken."""
    from curate.deciding.relabelling import looks_like

    if not any(map(looks_like, waiting["evidence"])):
        return []
    label = f" --label {asked.label}" if asked.label else ""
    return [
        f"next: seatrial review {name} --check {WRONG_LABEL}{label} --open --label-to-suggested says which labels they "
        "propose; with --accept-all it takes them, and --undo-all instead takes that back"
    ]


def _write(workspace: Workspace, digest: str, findings: pl.DataFrame, to: Path) -> None:
    """Findings as JSONL, each with the text at its place, or all that its row says, and the other side's."""
    from curate.deciding.protected import both_sides
    from curate.deciding.review import as_rows
    from curate.scanning.excerpts import texts_of

    texts = texts_of(both_sides(workspace, digest, findings), findings)
    rows = [
        {**row, "text": texts.text(row), "other_text": texts.text(row, "other_id")}
        for row in as_rows(with_labels(workspace, digest, findings))
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        to.write_bytes(
            text.encode("utf-8", "backslashreplace")
        )  # half of a surrogate pair as JSON escapes it
    except OSError as error:
        raise ConfigError(
            f"{to}: {error.strerror}", hint="--export FILE.jsonl in a folder that is there"
        ) from error
