"""`seatrial leaks`: one report of all that stands on two sides where it must not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer
from curate.commands.called import called
from curate.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from curate.workspace import Workspace

WORST = 3  # findings of a kind that are shown, the surest first


def leaks(
    dataset: Annotated[str | None, typer.Argument(help="a name, a digest or its beginning")] = None,
    between: Annotated[
        str, typer.Option(metavar="SPLIT,SPLIT", help="only these two: train,test or train,protected")
    ] = "",
    protect: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="a benchmark that must not be learned from")
    ] = None,
    encoder: Annotated[
        str, typer.Option(metavar="MODEL", help="what compares meaning: a hub id, a folder, auto or none")
    ] = "",
    again: Annotated[bool, typer.Option(help="compute again what was computed before")] = False,
) -> Answer:
    """Show what leaks from one split into another, or from a benchmark into the data.

    Equal, near, contained and rephrased questions, groups on both sides, prompts that hold their answer.
    Looks first where the leak check has not. Exit code 1 says that a blocking leak is open.
    """
    from curate.checks.leak import Leak
    from curate.deciding.review import RUN, looked, review
    from curate.runs.steps import scan_version
    from curate.workspace import Workspace

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    wanted = _between(between)
    _must_have_two_sides(workspace, digest, given=bool(protect))
    if protect or encoder or again or looked(workspace, digest)[Leak.name] != RUN:
        scan_version(
            workspace, digest, names=[Leak.name], protect=protect or [], encoder=encoder, again=again
        )
    table = review(workspace, digest).filter(check=Leak.name)
    report = report_of(workspace, digest, table, wanted)
    name = called(workspace, digest)
    blocking = sum(int(row["blocking"]) for row in report["leaks"])
    lines = [f"{name}: {report['rows']:,} rows", *table_lines(report)]
    if blocking:
        lines.append(
            f"next: seatrial review {name} --check leak --open, where {blocking:,} block split and export"
        )
    elif report["leaks"]:
        lines.append(f"next: seatrial review {name} --check leak --open; none of them blocks")
    data = {"name": workspace.name_of(digest) or digest[:8], "dataset": digest, **report}
    return Answer(lines, data, int(blocking > 0))


def _must_have_two_sides(workspace: Workspace, digest: str, *, given: bool) -> None:
    """ConfigError where there is nothing to compare, before a scan that could find nothing is recorded."""
    from curate.checks.leak import Leak
    from curate.deciding.review import RUN, looked

    splits = workspace.scan_examples(digest).select("split").collect()
    if given or looked(workspace, digest)[Leak.name] == RUN or not Leak().obstacle(splits):
        return
    name = called(workspace, digest)
    raise ConfigError(
        f"{name}: nothing to compare: the rows are in fewer than two splits, and no benchmark was given",
        hint=f"seatrial split {name} first, or seatrial leaks {name} --protect FILE",
    )


def _between(words: str) -> str:
    """`train,test` as the label of the pair; empty for all. Raises ConfigError for a pair that is none."""
    from curate.checks.leak import PROTECTED, SIDES

    if not words:
        return ""
    asked = {word.strip() for word in words.split(",")}
    if PROTECTED in asked:
        return PROTECTED
    for goes, stays in SIDES:
        if asked == {goes, stays}:
            return f"{goes}/{stays}"
    pairs = ", ".join(f"{goes},{stays}" for goes, stays in SIDES)
    raise ConfigError(f"--between {words}", hint=f"two of the splits: {pairs}, or train,{PROTECTED}")


def report_of(workspace: Workspace, digest: str, table: pl.DataFrame, wanted: str) -> dict[str, Any]:
    """Leaks by sides and kind, remarks, and what was not looked for; JSON values."""
    import polars as pl

    from curate.checks.leak.sides import GIVEN

    examples = (
        workspace.scan_examples(digest)
        .select("example_id", "split", "group", "source", "source_row")
        .collect()
    )
    places = {
        row[0]: f"{row[1]}:{row[2]}"
        for row in examples.select("example_id", "source", "source_row").iter_rows()
    }
    sizes = {split or "": count for split, count in examples["split"].value_counts().iter_rows()}
    found = table.with_columns(
        sides=pl.col("label").str.extract(r"^(protected|\w+/\w+)"),
        kind=pl.when(pl.col("label") == GIVEN).then(pl.lit(GIVEN))
        .otherwise(pl.col("label").str.replace(r"^(?:protected|\w+/\w+)-?", "")),
    )  # fmt: skip
    if wanted:
        found = found.filter((pl.col("sides") == wanted) | pl.col("sides").is_null())
    pairs = found.filter(pl.col("action") != "keep")
    rows = []
    for (sides, kind), part in sorted(
        pairs.with_columns(kind=_worded(pairs)).group_by("sides", "kind"), key=lambda each: str(each[0])
    ):
        rows.append(_row(str(sides or ""), str(kind), part, sizes, examples.height, places))
    remarks = [_remark(row) for row in found.filter(action="keep").sort("label").iter_rows(named=True)]
    return {
        "rows": examples.height,
        "leaks": rows,
        "remarks": remarks,
        "not_looked": not_looked(workspace, digest, examples),
    }


def _worded(pairs: pl.DataFrame) -> pl.Series:
    """The kind, for pairs by wording as the evidence has it: equal, near or contained."""
    import polars as pl

    said = pl.col("evidence").str.json_path_match("$.question")
    return pairs.select(pl.when(pl.col("kind") == "").then(said).otherwise("kind")).to_series()


def _row(
    sides: str,
    kind: str,
    part: pl.DataFrame,
    sizes: Mapping[str, int],
    height: int,
    places: Mapping[str, str],
) -> dict[str, Any]:
    """One line of the table."""
    from curate.deciding.review import OPEN

    goes = sides.partition("/")[0]
    of = sizes.get(goes, height) if "/" in sides else height
    count = part["example_id"].n_unique()
    worst = part.sort("score", "example_id", descending=[True, False]).head(WORST)
    shown = [
        {
            "example_id": row["example_id"],
            "place": places.get(row["example_id"], ""),
            "other_id": row["other_id"],
            "other_place": places.get(row["other_id"] or "", ""),
            "score": round(row["score"], 4),
        }
        for row in worst.iter_rows(named=True)
    ]
    return {
        "sides": sides, "kind": kind, "rows": count, "of": of, "share": count / of if of else 0.0,
        "items": part["other_id"].drop_nulls().n_unique(),
        "lowest": part["score"].min(), "highest": part["score"].max(),
        "open": part.filter(OPEN).height, "blocking": part.filter(OPEN & part["blocking"]).height,
        "worst": shown,
    }  # fmt: skip


def _remark(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of two sides as a whole."""
    import json

    return {"sides": row["sides"], "kind": row["kind"], **json.loads(row["evidence"])}


def not_looked(workspace: Workspace, digest: str, examples: pl.DataFrame) -> list[dict[str, str]]:
    """What could not be looked for, and why; it never reads as clean."""
    from curate.checks.leak import Leak
    from curate.deciding.review import RUN, looked

    said = looked(workspace, digest)[Leak.name]
    if said != RUN:
        return [{"kind": "all", "why": said}]
    standing = [each.scan for each in workspace.standing(digest) if Leak.name in each.checks]
    told = []
    for scan in standing[:1]:
        for check, why in scan.not_run.items():
            if check.startswith(f"{Leak.name} "):
                told.append({"kind": "rephrased", "why": why})
    if not any(scan.protected for scan in standing):
        told.append({"kind": "protected", "why": "no benchmark was given (--protect FILE)"})
    if examples["group"].null_count() == examples.height:
        told.append({"kind": "group", "why": "no row names a group (seatrial import --group COLUMN)"})
    splits = set(examples["split"].drop_nulls())
    if len(splits) < 2:
        told.append({"kind": "splits", "why": "the rows are in fewer than two splits"})
    return told


def table_lines(report: Mapping[str, Any]) -> list[str]:
    """The report for a person."""
    rows: Sequence[Mapping[str, Any]] = report["leaks"]
    lines = []
    if rows:
        lines.append(
            f"  {'between':<17} {'kind':<16} {'rows':>8} {'share':>7} {'items':>7}  {'measure':<11} blocks"
        )
    for row in rows:
        measure = f"{row['lowest']:.2f}-{row['highest']:.2f}"
        lines.append(
            f"  {row['sides'] or 'one row':<17} {row['kind']:<16} {row['rows']:>8,} {row['share']:>7.2%} "
            f"{row['items']:>7,}  {measure:<11} {row['blocking']:,}"
        )
        for one in row["worst"]:
            other = one["other_place"] or (str(one["other_id"])[:8] if one["other_id"] else "")
            lines.append(f"      {one['score']:.2f}  {one['place']}" + (f" with {other}" if other else ""))
    if not rows and not any(each["kind"] in ("all", "splits") for each in report["not_looked"]):
        lines.append("  none found of what was looked for")
    lines += [f"  {remark_line(each)}" for each in report["remarks"]]
    lines += [f"  not looked: {each['kind']}: {each['why']}" for each in report["not_looked"]]
    return lines


def remark_line(told: Mapping[str, Any]) -> str:
    """What is said of two sides as a whole, in words."""
    sides = told["sides"]
    if told["kind"] == "uncovered":
        return (
            f"not covered: {sides}: {told['rows']:,} of {told['of_rows']:,} rows and {told['items']:,} of "
            f"{told['of_items']:,} items are in {', '.join(told['languages'])}, and the encoder reads "
            f"{', '.join(told['encoder_covers'])}: rephrased questions were not looked for there"
        )
    if told["kind"] == "column":
        return (
            f"look twice: {sides}: {told['rows']:,} rows share one of {told['values']:,} values of "
            f"`{told['column']}` with the other side; import with --group {told['column']} if that is who they are from"
        )
    if told["kind"] == "template":
        return f"{sides}: {told['rows']:,} rows follow {told['templates']:,} templates of the other side, as instructions do"
    if told["kind"] == "time":
        return (
            f"{sides}: not divided by time: {told['rows']:,} of {told['of_rows_with_a_time']:,} rows with a time are "
            "later than the first of the other side"
        )
    return (
        f"{sides}: {told['crowded_items']:,} of {told['of_items']:,} items have rows near to them by nature "
        f"({told['rows']:,} rows); only twins were listed"
    )
