"""`seatrial review`: findings listed, and decided on."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from curate.answer import Answer, counted
from curate.commands.called import called
from curate.commands.finding_lines import detail_lines, finding_line, summary_lines, with_labels
from curate.commands.spellings import rare_lines
from curate.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from curate.workspace import Decision, Workspace

Ids = list[str] | None
Word = str | None


class Filters(NamedTuple):
    """What is listed, exported or decided on."""

    check: str | None
    label: str | None
    score: float | None
    open: bool
    differ: bool
    ids: frozenset[str] | None = None  # the findings at whose place the value stands, where one was asked for

    def of(self, table: pl.DataFrame) -> pl.DataFrame:
        """What they choose."""
        from curate.deciding.review import chosen

        return chosen(
            table.filter(table["finding_id"].is_in(list(self.ids))) if self.ids is not None else table,
            check=self.check,
            label=self.label,
            score=self.score,
            undecided=self.open,
            differ=self.differ or None,
        )

    def of_all(self, table: pl.DataFrame) -> pl.DataFrame:
        """What is decided in one: what people differ on only where it was asked for."""
        found = self.of(table)
        return found if self.differ else found.filter(~found["differ"])


def review(
    dataset: Annotated[str | None, typer.Argument(help="a name, a digest or its beginning")] = None,
    check: Annotated[str | None, typer.Option(help="only findings of this check")] = None,
    label: Annotated[str | None, typer.Option(help="only findings with this label")] = None,
    score: Annotated[float | None, typer.Option(min=0, max=1, help="only findings this sure")] = None,
    value: Annotated[
        Word, typer.Option(metavar="TEXT", help="only findings of this text, in any case")
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="only what waits for a decision")] = False,
    differ: Annotated[bool, typer.Option("--differ", help="only what people differ on")] = False,
    limit: Annotated[int, typer.Option(min=0, help="how many to list")] = 20,
    accept: Annotated[
        Ids, typer.Option(metavar="FINDING_ID", help="do as it proposes; may be repeated")
    ] = None,
    reject: Annotated[Ids, typer.Option(metavar="FINDING_ID", help="leave the row; may be repeated")] = None,
    undo: Annotated[
        Ids, typer.Option(metavar="FINDING_ID", help="take your last word back; may be repeated")
    ] = None,
    accept_safe: Annotated[bool, typer.Option("--accept-safe", help="accept every safe proposal")] = False,
    accept_all: Annotated[bool, typer.Option("--accept-all", help="accept what the filters choose")] = False,
    reject_all: Annotated[bool, typer.Option("--reject-all", help="reject what the filters choose")] = False,
    action: Annotated[
        Word, typer.Option(help="when accepting: keep, drop, redact or edit, not the proposal")
    ] = None,
    label_to: Annotated[
        Word, typer.Option(metavar="LABEL", help="when accepting: give the rows this label")
    ] = None,
    new_label: Annotated[bool, typer.Option("--new-label", help="LABEL may be one that no row has")] = False,
    side: Annotated[
        Word, typer.Option(metavar="EXAMPLE_ID", help="with --accept: which side of a pair")
    ] = None,
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
    _must_be_one_choice(asked, accept_all=accept_all, reject_all=reject_all)
    _must_be_known(check)
    _must_have_rows(label_to, action, new_label=new_label, accepts=bool(accept or accept_all))
    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    _must_be_scanned(workspace, digest, differ=differ)
    table = core.review(workspace, digest)
    if value is not None:
        asked = asked._replace(ids=of_value(workspace, digest, table, value))
    decisions: list[Decision] = []
    if accept_safe:
        decisions += core.accept_safe(asked._replace(open=False, differ=False).of(table))
    words: list[Decision] = []
    lines: list[str] = []
    taken = asked.of_all(table) if accept_all or reject_all else table.head(0)
    if label_to is not None:
        accepted = [taken] if accept_all else []
        accepted += [core.by_ids(table, accept)] if accept else []
        words, lines = _relabelled(workspace, digest, accepted, label_to, note, _side(table, side), new_label)
    elif accept_all or reject_all:
        words += core.decide(taken, action if accept_all else "keep", note=note)
    if label_to is None:
        target = _side(table, side)
        words += core.decide(core.by_ids(table, accept or []), action, note=note, target=target)
    words += core.decide(core.by_ids(table, reject or []), "keep", note=note)
    decisions += _in_sight(workspace, table, words)
    decisions += _taken_back(workspace, core.by_ids(table, undo or []))
    if core.record(workspace, decisions):
        table = core.review(workspace, digest)
    # what was decided in one is shown, though it may not be open any more
    shown = table.filter(table["finding_id"].is_in(taken["finding_id"].to_list())) if taken.height else None
    fitting = asked.of(table) if shown is None else shown
    return _answer(workspace, digest, table, asked, fitting, decisions, lines, limit, export)


def _must_have_rows(label_to: str | None, action: str | None, *, new_label: bool, accepts: bool) -> None:
    """Refuse --label-to where nothing is accepted, or where something else is decided."""
    if label_to is None:
        if new_label:
            raise ConfigError("--new-label goes with --label-to LABEL")
        return
    if not accepts:
        raise ConfigError(
            f"--label-to {label_to}: for which findings?",
            hint=f"--accept FINDING_ID --label-to {label_to}, or filters with --accept-all",
        )
    if action not in (None, "edit"):
        raise ConfigError(f"--label-to and --action {action} exclude each other")


def _relabelled(
    workspace: Workspace,
    digest: str,
    findings: list[pl.DataFrame],
    label: str,
    note: str,
    target: str | None,
    new_label: bool,
) -> tuple[list[Decision], list[str]]:
    """The decisions that give the rows a label, and what is to be said of them."""
    import polars as pl

    from curate.deciding.relabelling import relabelled

    known = workspace.scan_examples(digest).select(pl.col("label").drop_nulls().unique()).collect()["label"]
    if label not in set(known) and not new_label:
        near = get_close_matches(label, known, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(
            f"no row is labelled `{label}`", hint=f"{meant}--new-label takes one that no row has"
        )
    rows = pl.concat(findings).unique("finding_id", maintain_order=True)
    done = relabelled(workspace, digest, rows, label, note=note, target=target)
    lines = []
    if done.already:
        lines.append(f"  {counted(done.already, 'finding')} left as it is: the row is labelled so already")
    if done.still_said:
        count = len(done.still_said)
        whose = "answer still says" if count == 1 else "answers still say"
        lines.append(f"  {count:,} {whose} the old label; the screens edit it (E on the card)")
    return done.decisions, lines


def _in_sight(workspace: Workspace, table: pl.DataFrame, words: list[Decision]) -> list[Decision]:
    """The words as ones that settle what people differ on, which the listing shows."""
    from curate.deciding.pending import differences_in
    from curate.people.differences import settling

    return settling(words, differences_in(workspace, table) if words else {})


def _taken_back(workspace: Workspace, rows: pl.DataFrame) -> list[Decision]:
    """The words that --undo records. Raises ConfigError where one of the findings has nothing to take back."""
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
    return decisions


def _must_be_one_choice(asked: Filters, *, accept_all: bool, reject_all: bool) -> None:
    """Refuse to decide on all without a filter, or in two ways at once."""
    if accept_all and reject_all:
        raise ConfigError("--accept-all and --reject-all exclude each other")
    filtered = asked != Filters(None, None, None, open=False, differ=False)
    if (accept_all or reject_all) and not filtered:
        raise ConfigError(
            "--accept-all and --reject-all need a filter",
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
    from curate.deciding import review as core
    from curate.scanning.excerpts import texts_of

    name = called(workspace, digest)
    shown = fitting.head(limit)
    lines = []
    if decisions:
        lines.append(f"{counted(len(decisions), 'decision')} recorded as {decisions[0].reviewer}")
    if export is not None:
        _write(workspace, digest, fitting, export)
        lines.append(f"{counted(fitting.height, 'finding')} written to {export}, with the texts")
    lines += said
    lines += summary_lines(core.chosen(table, check=asked.check, label=asked.label))
    if asked.check in (None, "wrong-label"):
        lines += rare_lines(table, workspace.scan_examples(digest))
    listed = with_labels(workspace, digest, shown)
    texts = texts_of(workspace.scan_examples(digest), shown)
    for row in listed.iter_rows(named=True):
        lines += [finding_line(row), *detail_lines(row, texts)]
    lines.append(f"{shown.height:,} of {fitting.height:,} findings shown, {table.height:,} in all")
    waiting, ready = core.open_findings(table).height, core.proposals(core.safe(table)).height
    acting = table.filter(table["decided"].is_in(["drop", "redact", "edit"])).height
    if ready:
        lines.append(f"next: seatrial review {name} --accept-safe takes {ready:,} of {waiting:,} open ones")
    elif acting:
        what, stay = counted(acting, "decision"), "stays" if waiting == 1 else "stay"
        lines.append(f"next: seatrial apply {name} carries out {what}; {waiting:,} {stay} open")
    elif waiting:
        to = " --label-to LABEL" if asked.check == "wrong-label" else ""
        lines.append(
            f"next: seatrial review {name} --accept ID{to}, --reject ID; or decide in the screens: seatrial"
        )
    else:
        lines.append(f"next: seatrial split {name}")
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


def _write(workspace: Workspace, digest: str, findings: pl.DataFrame, to: Path) -> None:
    """Findings as JSONL, each with the text at its place, or all that its row says, and the other side's."""
    from curate.deciding.review import as_rows
    from curate.scanning.excerpts import texts_of

    texts = texts_of(workspace.scan_examples(digest), findings)
    rows = [
        {**row, "text": texts.text(row), "other_text": texts.text(row, "other_id")}
        for row in as_rows(findings)
    ]
    try:
        to.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{to}: {error.strerror}", hint="--export FILE.jsonl in a folder that is there"
        ) from error
