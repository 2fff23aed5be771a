"""Findings joined to the latest decisions: the one table that everyone reads, and how decisions are made.

A decision is made by a function here that returns `Decision`s, and is recorded by `record`. Machines
propose; the record says who decided: a person's name, `seatrial:safe`, or a recipe's name.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping

import polars as pl

from curate.changing.apply import Edit
from curate.changing.redact import parses
from curate.checks import CHECKS
from curate.deciding import byhand
from curate.deciding.lastword import last_words
from curate.deciding.pending import with_apart
from curate.errors import ConfigError, NotFoundError
from curate.finding import FINDINGS, SHAPE, empty, perhaps_nobody
from curate.workspace import Decision, Workspace, reviewer
from curate.workspace.store import TABLE

SAFE_REVIEWER = "seatrial:safe"
RUN = "run"  # what `looked` says of a check that has looked
EDIT_KIND = "raw-edit"  # an edit's text is raw until a scan has looked at it

RANKED = ("wrong-label", "contradiction")  # checks whose findings are read from the top
# of wrong-label, the surest first
BANDS = {"wrong": 0, "doubtful": 1, "same-label": 2, "rare-label": 3, "unclear-labels": 3}

REVIEW = pl.Schema(
    [
        *FINDINGS.items(),
        ("content_hash", pl.String),  # of the example, when it was scanned
        ("other_hash", pl.String),  # of the other side; null where that is not of this version
        ("shape", pl.String),  # example, span, pair or cluster
        ("decided", pl.String),  # the action decided; null while open
        ("target", pl.String),  # the example that the decision acts on: one of a pair's two sides
        ("edit", pl.String),
        ("reviewer", pl.String),
        ("note", pl.String),
        ("decided_at", pl.String),
        ("differ", pl.Boolean),  # whether people differ on it: then it is open, and nobody's word counts
        ("people", pl.String),  # what each of them says; null where they do not differ
    ]
)

# Safe to carry out unattended: of a check the action that must be proposed, and the labels that qualify
# (None: all). What is not in here stays for a person.
SAFE: dict[tuple[str, str], frozenset[str] | None] = {
    ("structure", "drop"): None,
    ("structure", "edit"): None,
    ("label-spelling", "edit"): None,
    ("exact-duplicate", "drop"): None,
    ("near-duplicate", "drop"): None,
    ("leak", "drop"): None,
    ("pii", "redact"): None,
    # what no reader sees, or was put there by a wrong encoding or a template
    ("quality", "edit"): frozenset(
        {"mojibake", "control-character", "invisible-character", "placeholder-input"}
    ),
}


def review(workspace: Workspace, dataset: str) -> pl.DataFrame:
    """The findings that stand on a dataset version with the last word on each; columns of REVIEW.

    Of each check those of the newest scan that ran it count (`Workspace.findings`). What was made by hand together with a decision stands while anyone stands by it (`byhand.STANDS`). A version that was never scanned has an empty review: ask `workspace.findings` to tell the two.
    """
    return with_apart(workspace, ranked(as_decided(workspace, dataset)))


def ranked(table: pl.DataFrame) -> pl.DataFrame:
    """The same, of the kinds that are read from the top the worst first: what blocks, `wrong` before `doubtful`, then the surest."""
    here = pl.col("check").is_in(RANKED)
    band = pl.col("label").replace_strict(BANDS, default=0, return_dtype=pl.Int8)
    return table.sort(
        "check",
        pl.when(here).then(~pl.col("blocking")),
        pl.when(here).then(band),
        pl.when(here).then(-pl.col("score")),
        maintain_order=True,
    )


def as_decided(workspace: Workspace, dataset: str) -> pl.DataFrame:
    """The same where edits of one text that were made apart are shown as decided, each as it was said."""
    findings = workspace.findings(dataset)
    found = empty() if findings is None else findings
    table = joined(found, _hashes(workspace, dataset, found), last_words(workspace))
    return table.filter(byhand.STANDS)


def as_decided_on(workspace: Workspace, dataset: str, example_ids: Collection[str]) -> pl.DataFrame:
    """`as_decided` of some examples alone, without a look at the others."""
    ids = list(example_ids)
    here = pl.col("example_id").is_in(ids) | pl.col("other_id").is_in(ids)
    parts = [
        pl.scan_parquet(workspace.store.path(each.scan.findings) / TABLE)
        .filter(here & pl.col("check").is_in(list(each.checks)))
        .collect()
        for each in workspace.standing(dataset)
    ]
    found = pl.concat([empty(), *parts]).unique("finding_id", keep="first", maintain_order=True)
    words = last_words(workspace, found["finding_id"].to_list())
    table = joined(found, _hashes(workspace, dataset, found), words)
    return table.filter(byhand.STANDS)


def _hashes(workspace: Workspace, dataset: str, findings: pl.DataFrame) -> pl.DataFrame:
    """(example_id, content_hash) of the rows that findings name."""
    rows = workspace.scan_examples(dataset).select("example_id", "content_hash")
    sides = pl.concat([findings["example_id"], findings["other_id"].drop_nulls()]).unique()
    return rows.filter(pl.col("example_id").is_in(sides.implode())).collect()


def looked(workspace: Workspace, dataset: str) -> dict[str, str]:
    """For each check, in their one order: `run` if any scan of the version ran it, else why it was not run."""
    said: dict[str, str] = {}
    for scan in reversed(workspace.scans(dataset)):
        said |= scan.not_run
    for stands in workspace.standing(dataset):
        said |= dict.fromkeys(stands.checks, RUN)
    return {check: said.get(check, "no scan asked for it") for check in CHECKS}


def joined(findings: pl.DataFrame, hashes: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Findings, the version's (example_id, content_hash) and the decisions as one table; order is kept."""
    others = hashes.select(other_id="example_id", other_hash="content_hash")
    table = (
        findings.join(hashes, on="example_id", how="left", maintain_order="left")
        .join(others, on="other_id", how="left", maintain_order="left")
        .join(decisions, on="finding_id", how="left", maintain_order="left")
        .with_columns(SHAPE)
    )
    if "differ" not in table.columns:
        table = table.with_columns(differ=pl.lit(value=False), people=pl.lit(None, dtype=pl.String))
    table = table.with_columns(pl.col("differ").fill_null(value=False))
    return table.select(REVIEW.names()).cast(REVIEW)


# reading it

# what people differ on is open until one of them, or a third, has seen the words and settles it
OPEN = (pl.col("decided").is_null() & (pl.col("action") != "keep")) | pl.col("differ")
# on the version that it was said of: what was decided to change and still stands there unchanged
UNAPPLIED = pl.col("decided").is_not_null() & (pl.col("decided") != "keep")


def open_findings(table: pl.DataFrame) -> pl.DataFrame:
    """What waits for a decision. A proposal to keep (a cluster's keeper) waits only where people differ."""
    return table.filter(OPEN)


def open_blocking(table: pl.DataFrame) -> pl.DataFrame:
    """What waits for a decision and stops `split` and `export` until then."""
    return table.filter(OPEN & pl.col("blocking"))


def summary(table: pl.DataFrame) -> pl.DataFrame:
    """Rows (check, label, action, found, open, blocking, perhaps), sorted; the last two count open ones only.

    `perhaps` are names that are rather a product or a company (`curate.names.spread`). Proposals to keep are left out: they are the other half of a cluster, not a finding of their own.
    """
    return (
        table.filter(pl.col("action") != "keep")
        .group_by("check", "label", "action")
        .agg(
            found=pl.len(),
            open=OPEN.sum(),
            blocking=(OPEN & pl.col("blocking")).sum(),
            perhaps=(OPEN & perhaps_nobody()).sum(),
        )
        .cast(dict.fromkeys(("found", "open", "blocking", "perhaps"), pl.Int64))
        .select("check", "label", "action", "found", "open", "blocking", "perhaps")
        .sort("check", "label", "action")
    )


def chosen(
    table: pl.DataFrame,
    *,
    check: str | None = None,
    label: str | None = None,
    score: float | None = None,
    undecided: bool = False,
    differ: bool | None = None,
) -> pl.DataFrame:
    """The rows of one check, of one label, with at least this score, still open; None asks nothing.

    `differ` chooses those on which people differ, or the others.
    """
    wanted = pl.lit(value=True)
    for column, value in (("check", check), ("label", label)):
        if value is not None:
            wanted &= pl.col(column) == value
    if score is not None:
        wanted &= pl.col("score") >= score
    if undecided:
        wanted &= OPEN
    if differ is not None:
        wanted &= pl.col("differ") == differ
    return table.filter(wanted)


def by_ids(table: pl.DataFrame, ids: Iterable[str]) -> pl.DataFrame:
    """The rows with these finding ids or unique beginnings of them; NotFoundError names the first stranger."""
    found: list[str] = []
    for reference in ids:
        rows = table.filter(pl.col("finding_id").str.starts_with(reference))["finding_id"]
        if len(rows) != 1 or len(reference) < 4:
            raise NotFoundError(
                f"{len(rows)} findings on this version start with `{reference}`",
                hint="seatrial review lists the ids; give at least 4 characters, enough to tell them apart",
            )
        found.append(rows[0])
    return table.filter(pl.col("finding_id").is_in(found))


# deciding

DECIDABLE = ("keep", "drop", "redact", "edit")


def decide(
    rows: pl.DataFrame,
    action: str | None = None,
    *,
    by: str | None = None,
    note: str = "",
    target: str | None = None,
) -> list[Decision]:
    """One decision for each row of a review: `action`, or each row's own proposal when None.

    `target` names the side of a pair that the decision acts on (by default `example_id`). Raises
    ConfigError where the proposal is no more than "look at it" and no action is given, or where there
    is no place to redact.
    """
    if action is not None and action not in DECIDABLE:
        raise ConfigError(f"no action `{action}`", hint=f"one of {', '.join(DECIDABLE)}")
    decisions: list[Decision] = []
    by = by or reviewer()
    columns = ("finding_id", "example_id", "other_id", "action", "field", "evidence")
    for row in rows.select(columns).iter_rows(named=True):
        word = action or row["action"]
        if word not in DECIDABLE:
            raise ConfigError(
                f"finding {row['finding_id'][:8]} proposes `{word}`: someone must say what to do",
                hint="--action keep, --action drop or --action redact; of a label --label-to LABEL or --label-to-suggested",
            )
        if word == "edit" and "edit" not in json.loads(row["evidence"] or "{}"):
            raise ConfigError(
                f"finding {row['finding_id'][:8]} proposes no new text",
                hint="keep it, drop it, say its label (--label-to LABEL), or edit it in the screens",
            )
        if word == "redact" and row["field"] is None:
            raise ConfigError(
                f"finding {row['finding_id'][:8]} names no place to redact", hint="keep or drop it"
            )
        if target is not None and target not in (row["example_id"], row["other_id"]):
            raise ConfigError(f"{target} is no side of finding {row['finding_id'][:8]}")
        decisions.append(Decision(row["finding_id"], target or row["example_id"], word, by, note))
    return decisions


def decide_cluster(
    table: pl.DataFrame, cluster_id: str, keep: Collection[str], *, by: str | None = None, note: str = ""
) -> list[Decision]:
    """One decision for each member of a cluster: those in `keep` stay, the others are dropped.

    Nothing dangles when the cluster grows: a new member is a new finding, and open.
    """
    members = table.filter(pl.col("cluster_id") == cluster_id)
    if members.is_empty():
        raise NotFoundError(f"no cluster {cluster_id} in this review")
    strangers = set(keep) - set(members["example_id"])
    if strangers:
        raise NotFoundError(f"{sorted(strangers)[0]} is no member of cluster {cluster_id}")
    by = by or reviewer()
    ids = members.select("finding_id", "example_id").iter_rows()
    return [Decision(f, e, "keep" if e in keep else "drop", by, note) for f, e in ids]


def decide_edit(
    workspace: Workspace, finding: dict[str, object], edit: Edit, *, by: str | None = None, note: str = ""
) -> Decision:
    """A decision that gives a field a new text; the text is kept as an artifact named as raw."""
    must_fit(finding, edit)
    digest = workspace.put_json(EDIT_KIND, edit.said())
    return Decision(str(finding["finding_id"]), edit.example_id, "edit", by or reviewer(), note, digest)


def must_fit(finding: Mapping[str, object], edit: Edit) -> None:
    """Raise ConfigError where an edit is of no side of the finding, or would break its field."""
    if edit.field == "tool_calls" and not parses(edit.text):
        raise ConfigError("tool calls must be JSON", hint="an array of objects, as it came")
    if edit.example_id not in (finding["example_id"], finding["other_id"]):
        raise ConfigError(f"{edit.example_id} is no side of finding {str(finding['finding_id'])[:8]}")


def edits_of(workspace: Workspace, table: pl.DataFrame) -> dict[str, Edit]:
    """The texts that the decisions of a review put in place, by digest."""
    texts: dict[str, Edit] = {}
    for digest in table["edit"].drop_nulls().unique(maintain_order=True).to_list():
        if not (workspace.store.root / digest).is_dir():
            who = table.filter(pl.col("edit") == digest)["reviewer"][0]
            raise NotFoundError(
                f"{who} edited a text, and the new one is not in this workspace",
                hint="seatrial journal export --with-edits where it was typed, then seatrial journal merge here",
            )
        value = workspace.json(digest)
        if not isinstance(value, dict):
            raise NotFoundError(f"artifact {digest} is no edit", hint="seatrial verify")
        texts[digest] = Edit.of(value)
    return texts


def record(workspace: Workspace, decisions: Collection[Decision]) -> int:
    """Write decisions; on return they are on the disk, all or none. Returns how many."""
    if decisions:
        workspace.ledger.decide(decisions)
    return len(decisions)


# what a machine may decide


def safe(table: pl.DataFrame, also: Collection[str] = ()) -> pl.DataFrame:
    """The open findings whose proposal may be carried out unattended; `also` are more, asked for.

    Each of `also` is a check or CHECK/LABEL; what these propose (drop, redact, edit) is taken too, but for
    names that are perhaps a product, a company or a label: of such a word somebody says once what it is.

    One rule: the finding's own check proposes it, and it loses nothing that a person could want back
    without knowing. That holds for
    - `structure`, drop: the row cannot be trained on at all; edit: what a user says that nothing answers;
    - `exact-duplicate`, drop: the same text and the same label stay in the keeper;
    - `near-duplicate`, drop: the check proposes to drop only where the labels are equal and the exact
      Jaccard similarity reaches its threshold;
    - `leak`, drop: the protected side stays;
    - `pii`, redact of what has a form (it blocks); not of names, which only a tagger says;
    - `quality`, edit of characters that say nothing, of a wrong encoding and of placeholders;
    - `label-spelling`, edit: the label stays the same but for case, Unicode form and blanks around.
    Contradictions, and whatever proposes `review` or something else than above, stay for a person. A
    cluster's keeper (`keep`) is settled with the last of its members.
    """
    fits = pl.lit(value=False)
    for (check, action), labels in SAFE.items():
        one = (pl.col("check") == check) & (pl.col("action") == action)
        one &= pl.col("blocking") if check == "pii" else pl.lit(value=True)
        fits |= one if labels is None else one & pl.col("label").is_in(list(labels))
    for asked in also:
        fits |= _asked(asked) & pl.col("action").is_in(["drop", "redact", "edit"]) & ~perhaps_nobody()
    agreed = ~pl.col("differ").fill_null(value=False)
    undecided = pl.col("decided").is_null() & agreed
    fits &= agreed
    settled = (
        (fits | pl.col("decided").is_not_null() | (pl.col("action") == "keep"))
        .all()
        .over("check", "cluster_id")
    )
    keeper = (pl.col("action") == "keep") & pl.col("cluster_id").is_not_null() & settled
    placed = (pl.col("action") != "redact") | pl.col("field").is_not_null()
    return table.filter(undecided & (fits | keeper) & placed)


def _asked(word: str) -> pl.Expr:
    """Rows of a check, or of one label of it."""
    check, _, label = word.partition("/")
    if check not in CHECKS:
        raise ConfigError(f"there is no check `{check}`", hint=f"there are: {', '.join(CHECKS)}")
    return (pl.col("check") == check) & (pl.col("label") == label if label else pl.lit(value=True))


def proposals(table: pl.DataFrame) -> pl.DataFrame:
    """The rows without those that only propose to keep: what is counted when proposals are."""
    return table.filter(pl.col("action") != "keep")


def accept_safe(
    table: pl.DataFrame, *, also: Collection[str] = (), by: str = SAFE_REVIEWER
) -> list[Decision]:
    """Decisions for all that `safe` lets through, each by its own proposal."""
    return decide(safe(table, also), by=by, note="safe proposal")


def as_rows(table: pl.DataFrame) -> list[dict[str, object]]:
    """The review as plain rows for JSON, with `evidence` as the object it is."""
    return [{**row, "evidence": json.loads(row["evidence"] or "{}")} for row in table.iter_rows(named=True)]
