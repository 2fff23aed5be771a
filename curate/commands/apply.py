"""`seatrial apply`: decisions carried out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer, counted

if TYPE_CHECKING:
    import polars as pl

    from curate.runs.steps import AppliedVersion
    from curate.workspace import Workspace

Dataset = Annotated[
    str | None, typer.Argument(help="a name, a digest or its beginning; the version named last if left out")
]


def apply(
    dataset: Dataset = None,
    safe: Annotated[bool, typer.Option("--safe", help="accept the safe proposals first")] = False,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="CHECK/LABEL", help="with --safe, accept these too: pii/PERSON, quality"),
    ] = None,
    style: Annotated[
        str, typer.Option(help="how values are redacted: placeholder, mask, remove, hash or pseudonym")
    ] = "placeholder",
    numbered: Annotated[
        bool, typer.Option(help="number placeholders, equal values alike: [EMAIL_ADDRESS_1]")
    ] = False,
    scope: Annotated[
        str, typer.Option(help="where one value has one pseudonym: conversation, group or dataset")
    ] = "conversation",
    key_file: Annotated[
        str,
        typer.Option(metavar="FILE", help="the key of hash and pseudonym; `seatrial vault key` makes one"),
    ] = "",
    key_env: Annotated[str, typer.Option(metavar="NAME", help="a variable that holds that key")] = "",
    vault: Annotated[
        str,
        typer.Option(metavar="FILE", help="keep the originals there, encrypted; else nothing is reversible"),
    ] = "",
    vault_key: Annotated[str, typer.Option(metavar="FILE", help="the vault's key file")] = "",
    vault_env: Annotated[
        str, typer.Option(metavar="NAME", help="a variable that holds the vault's passphrase")
    ] = "",
) -> Answer:
    """Make the clean version from the decisions; the name moves on to it, and the old one stays.

    With --safe, what may be decided unattended is decided first; the rest stays in the queue. Of a key
    no more than a fingerprint is recorded.
    """
    from curate.changing.keys import opened
    from curate.deciding.asked import check_asked
    from curate.errors import ConfigError
    from curate.runs.steps import apply_decisions, check_scope, check_style
    from curate.workspace import Workspace

    if also and not safe:
        raise ConfigError("--also says what to accept with --safe", hint="--safe --also pii/PERSON")
    check_asked(also or ())
    ways = opened(
        style=check_style(style),
        numbered=numbered,
        scope=check_scope(scope),
        key_file=key_file,
        key_env=key_env,
        vault=vault,
        vault_key=vault_key,
        vault_env=vault_env,
    )
    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    name = workspace.name_of(digest) or digest[:8]
    accepted = accept(workspace, digest, also or ()) if safe else None
    done = apply_decisions(workspace, digest, **ways)
    return applied_answer(workspace, digest, name, done, accepted, keeps=bool(vault))


def accept(workspace: Workspace, digest: str, also: Sequence[str]) -> int:
    """Decide what may be decided unattended, and what was asked for beside it; how many proposals that were."""
    from curate.deciding.review import accept_safe, proposals, record, review, safe

    taken = review(workspace, digest)
    record(workspace, accept_safe(taken, also=also))
    return proposals(safe(taken, also)).height


def applied_answer(
    workspace: Workspace, digest: str, name: str, done: AppliedVersion, accepted: int | None, *, keeps: bool
) -> Answer:
    """What applying made; `accepted` are the safe proposals taken first, None where none were asked for."""
    from curate.deciding.review import open_findings, review
    from curate.runs.job import alarms_of

    table = review(workspace, digest)
    left = open_findings(table).height
    still, words = _still_open(workspace, digest, done.made.outputs["dataset"], name)
    differ = int(table["differ"].sum())
    changes = count_by(done.changes, "change")
    clean = done.made.outputs["dataset"]
    lines = [f"{name}: {accepted:,} safe proposals accepted"] if accepted is not None else []
    lines.append(
        f"{name}: {done.rows_in:,} rows in = {done.rows_out:,} out + {changes.get('drop', 0):,} dropped"
    )
    lines += change_lines(done.changes)
    alarms = alarms_of(workspace.examples(digest), table, 0.2, 0.5)
    lines += [f"  look twice: {alarm}" for alarm in alarms]
    if keeps:
        lines.append("  the originals are in the vault, and in the raw version until seatrial purge")
    lines += words
    if differ:
        one = (
            "people differ on 1 finding, which was"
            if differ == 1
            else f"people differ on {differ:,} findings, which were"
        )
        lines.append(f"  {one} left alone: seatrial review {digest[:8]} --differ")
    lines.append(f"next: seatrial scan {name} (the clean version, {clean[:8]})")
    data = {
        "name": name,
        "dataset": clean,
        "from": digest,
        "changes": done.made.outputs["changes"],
        "rows_in": done.rows_in,
        "rows_out": done.rows_out,
        "accepted": accepted or 0,
        "by_change": changes,
        "open": left,
        "still_open": still,
        "differ": differ,
        "alarms": alarms,
        "run": done.made.run_id,
    }
    return Answer(lines, data)


def _still_open(
    workspace: Workspace, before: str, clean: str, name: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """(rows of `review.summary` with what is open on the rows that stay, the same in words).

    By the clean version's own scan; where it has none, by what was found on the version before.
    """
    import polars as pl

    from curate.commands.finding_lines import perhaps_lines
    from curate.commands.waiting import open_lines
    from curate.deciding.review import open_findings, review, summary

    scanned = bool(workspace.scans(clean))
    table = review(workspace, clean if scanned else before)
    stays = workspace.scan_examples(clean).select("example_id", turns=pl.col("messages").list.len()).collect()
    listed = open_findings(table).height
    # a turn that was taken off holds nothing any more
    there = pl.col("message").is_null() | (pl.col("message") < pl.col("turns"))
    table = table.join(stays, on="example_id", how="inner", maintain_order="left").filter(there).drop("turns")
    left = open_findings(table).height
    still = summary(table).filter(pl.col("open") > 0).to_dicts()
    at = name if scanned else before[:8]
    first = "" if scanned else f"seatrial scan {name}, then "
    lines = open_lines(still, f"{first}seatrial apply {name} --safe --also {{kind}}", perhaps=False)
    lines += perhaps_lines(workspace, clean if scanned else before, table, at)
    verb = "stays" if left == 1 else "stay"
    place = f"on the clean version: seatrial review {name} --open"
    place = place if scanned else f"on the version before: seatrial review {before[:8]} --open"
    gone = f" (it lists {listed - left:,} more, of what went)" if listed > left else ""
    return still, [*lines, f"  {counted(left, 'finding')} {verb} open" + (f", {place}{gone}" if left else "")]


def change_lines(changes: pl.DataFrame) -> list[str]:
    """A log of changes, counted for a person."""
    drops = changes.filter(changes["change"] == "drop")
    lines = [f"  dropped {count:>7,}  {reason}" for reason, count in count_by(drops, "check").items()]
    counts = count_by(changes, "change")
    words = {
        "redact": "values redacted",
        "keep": "rows kept after all: the copy that was to stay is dropped as well",
        "ignored": "decisions ignored: the text changed after them",
    }
    edited = edit_lines(changes.filter(changes["change"] == "edit"))
    return lines + edited + [f"  {counts[kind]:,} {said}" for kind, said in words.items() if kind in counts]


def edit_lines(edits: pl.DataFrame) -> list[str]:
    """Edits counted by what they change: rows that got another label, in their answer too; then other texts, each once; then ends that went."""
    from curate.deciding.relabelling import of_label

    labelled: set[str] = set()
    shorter: set[str] = set()
    texts: dict[
        tuple[str, int | None, str], bool
    ] = {}  # whether a finding on the row's label was answered so
    for row in edits.select("example_id", "check", "label", "detail").iter_rows(named=True):
        place = json.loads(row["detail"])
        if "turns" in place:
            shorter.add(row["example_id"])
            continue
        if place["field"] == "label":
            labelled.add(row["example_id"])
            continue
        key = (row["example_id"], place.get("message"), place["field"])
        texts[key] = texts.get(key, False) or of_label({**row, "field": None})
    beside = {key for key, of_labels in texts.items() if of_labels and key[0] in labelled}
    lines = []
    if labelled:
        too = f", {len(beside):,} of them in the answer too" if beside else ""
        lines.append(f"  {counted(len(labelled), 'row')} relabelled{too}")
    if rest := len(texts) - len(beside):
        lines.append(f"  {counted(rest, 'text')} edited")
    if shorter:
        lines.append(
            f"  {counted(len(shorter), 'row')} cut behind the last answer: nothing answered the user there"
        )
    return lines


def count_by(table: pl.DataFrame, column: str) -> dict[str, int]:
    """How often each value occurs, most frequent first."""
    counts = table[column].value_counts(sort=True, name="n").sort("n", column, descending=[True, False])
    return dict(counts.iter_rows())
