"""What `seatrial review` says and refuses where rows get another label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from curate.answer import counted
from curate.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from curate.commands.said import Said
    from curate.deciding.relabelling import Relabelled
    from curate.workspace import Workspace

SHOWN = 12  # pairs of labels that are told, those of most rows first


def relabelled_lines(done: Relabelled) -> list[str]:
    """What became of the rows that were to get another label."""
    lines = []
    if done.already:
        lines.append(f"  {counted(done.already, 'finding')} left as it is: the row is labelled so already")
    if done.still_said:
        count = len(done.still_said)
        whose = "answer still says" if count == 1 else "answers still say"
        lines.append(f"  {count:,} {whose} the old label; the screens edit it (E on the card)")
    return lines


def must_be_a_label(workspace: Workspace, digest: str, label: str) -> None:
    """Refuse a label that no row has: rather a slip than a new class."""
    import polars as pl

    known = workspace.scan_examples(digest).select(pl.col("label").drop_nulls().unique()).collect()["label"]
    if label not in set(known):
        near = get_close_matches(label, known, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(
            f"no row is labelled `{label}`", hint=f"{meant}--new-label takes one that no row has"
        )


def must_have_rows(said: Said, *, new_label: bool) -> None:
    """Refuse --label-to where nothing is accepted, or where something else is decided."""
    if said.suggested:
        if said.label_to is not None or said.action not in (None, "edit"):
            raise ConfigError("--label-to-suggested takes neither --label-to nor --action")
        if said.side or said.reject or said.reject_all:
            raise ConfigError("--label-to-suggested goes with --accept or --accept-all alone")
    elif said.label_to is None:
        if new_label:
            raise ConfigError("--new-label goes with --label-to LABEL")
    elif not said.accept and not said.accept_all:
        raise ConfigError(
            f"--label-to {said.label_to}: for which findings?",
            hint=f"--accept FINDING_ID --label-to {said.label_to}, or filters with --accept-all",
        )
    elif said.action not in (None, "edit"):
        raise ConfigError(f"--label-to and --action {said.action} exclude each other")


def suggested_lines(
    workspace: Workspace, digest: str, findings: pl.DataFrame, labels: Mapping[str, str], *, recorded: bool
) -> list[str]:
    """Which labels rows get, or would get, from which to which; and of how many nothing is proposed."""
    import polars as pl

    here = findings.filter(pl.col("finding_id").is_in(list(labels)))
    ids = here["example_id"].unique().implode()
    rows = workspace.scan_examples(digest).filter(pl.col("example_id").is_in(ids))
    said = dict(rows.select("example_id", "label").collect().iter_rows())
    ways = Counter(
        (said.get(example) or "(none)", labels[finding])
        for finding, example in here.unique("example_id", keep="first", maintain_order=True)
        .select("finding_id", "example_id")
        .iter_rows()
    )
    count = sum(ways.values())
    head = "get" if recorded else "would get"
    lines = [f"  {counted(count, 'row')} {head} the label of the row that the finding says they look like:"]
    lines += [f"    {rows:>6,}  {old} -> {new}" for (old, new), rows in ways.most_common(SHOWN)]
    if len(ways) > SHOWN:
        lines.append(f"    and {len(ways) - SHOWN:,} pairs of labels more")
    if none := findings.height - here.height:
        lines.append(
            f"  {counted(none, 'finding')} propose no label: left as it was"
            if none == 1
            else f"  {none:,} findings propose no label: left as they were"
        )
    return lines if count or none else ["  no finding here proposes a label"]
