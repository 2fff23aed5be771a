"""Which drops stand where rules meet: no content vanishes because two rules dropped each other's keeper."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypedDict

import polars as pl


class Row(TypedDict):
    """One decision with what it is about: the columns of a review that matter when it is carried out."""

    finding_id: str
    check: str
    label: str | None
    example_id: str
    other_id: str | None
    cluster_id: str | None
    message: int | None
    field: str | None
    start: int | None
    end: int | None
    decided: str
    target: str  # the example that the decision acts on: `example_id`, or the other side of a pair
    edit: str | None
    evidence: str | None
    reviewer: str


NEEDED = tuple(Row.__annotations__)

Place = tuple[str, str]  # what a drop rests on: ("cluster CHECK", cluster id) or ("row", example id)


def settle(
    examples: pl.DataFrame, review: pl.DataFrame, drops: Sequence[Row]
) -> tuple[dict[str, list[Row]], dict[str, Row]]:
    """(what is dropped, with every reason; what is not dropped after all, with the reason it was to be).

    A drop is *founded* when it claims that the same content stands elsewhere: in the cluster, or in
    the row that it leaks into. Other drops stand whatever happens. A founded drop stands only if one
    can go from it, over rows that stand for one another, to a row that stays. Where no such row is
    left, since two rules met (each dropped the other's keeper, or the keeper went for a reason of its
    own), rows are taken back, the protected side of a leak first, then in the order of the dataset,
    until every founded drop has its row. A cluster of which every member was decided to go by its own
    findings goes as a whole: that is one decision, not two that met.
    """
    founded = _foundations(review, drops)
    reasons: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(drops, key=lambda r: (r["finding_id"] in founded, r["check"], r["finding_id"])):
        reasons[row["target"]].append(row)
    firm = {row["target"] for row in drops if row["finding_id"] not in founded}

    rests: dict[Place, list[str]] = defaultdict(list)
    for row in drops:
        if row["finding_id"] in founded and row["target"] not in firm:
            rests[founded[row["finding_id"]]].append(row["target"])
    bears: dict[str, list[Place]] = defaultdict(list)
    for place, rows in _members(review, set(rests)).items():
        for member in rows:
            bears[member].append(place)
    order = {example_id: position for position, example_id in enumerate(examples["example_id"])}
    stood_for: set[str] = set()
    _follow([row for row in bears if row not in reasons or row not in order], bears, rests, stood_for)

    guarded = {row["other_id"] for row in drops if row["cluster_id"] is None}
    rescued: dict[str, Row] = {}
    loose = [target for target in reasons if target not in firm]
    for target in sorted(loose, key=lambda i: (i not in guarded, order[i])):
        if target not in stood_for:
            rescued[target] = reasons.pop(target)[0]
            _follow([target], bears, rests, stood_for)
    return dict(reasons), rescued


def _follow(
    rows: Sequence[str], bears: dict[str, list[Place]], rests: dict[Place, list[str]], stood_for: set[str]
) -> None:
    """Add to `stood_for` what rests on a place of `rows`, and so on from there.

    What was followed is taken out of `bears` and `rests`, so that each is followed once in all.
    """
    waiting = list(rows)
    while waiting:
        for place in bears.pop(waiting.pop(), ()):
            new = [row for row in rests.pop(place, ()) if row not in stood_for]
            stood_for.update(new)
            waiting += new


def _place(row: Row) -> Place | None:
    """What a finding rests on: its cluster, or for a leak the row on the other side; else nothing."""
    if row["cluster_id"] is not None:
        return f"cluster {row['check']}", row["cluster_id"]
    if row["check"] == "leak" and row["other_id"] is not None and row["other_id"] != row["target"]:
        return "row", row["other_id"]
    return None


def _foundations(review: pl.DataFrame, drops: Sequence[Row]) -> Mapping[str, Place]:
    """Finding id to the place that its drop rests on; clusters decided to go as a whole are left out."""
    gone = (pl.col("decided") == "drop").fill_null(value=False).all()
    listed = pl.col("other_id").drop_nulls().is_in(pl.col("example_id").implode()).all()
    clusters = review.filter(pl.col("cluster_id").is_not_null()).group_by("check", "cluster_id")
    whole = {(check, cluster) for check, cluster, gone_ in clusters.agg(gone & listed).iter_rows() if gone_}
    places = ((row, _place(row)) for row in drops if (row["check"], row["cluster_id"]) not in whole)
    return {row["finding_id"]: place for row, place in places if place is not None}


def _members(review: pl.DataFrame, places: set[Place]) -> dict[Place, set[str]]:
    """The rows of each place."""
    members: dict[Place, set[str]] = {place: {place[1]} for place in places if place[0] == "row"}
    clustered = review.filter(pl.col("cluster_id").is_not_null())
    columns = clustered.select("check", "cluster_id", "example_id", "other_id")
    for check, cluster_id, *rows in columns.iter_rows():
        place = (f"cluster {check}", cluster_id)
        if place in places:
            members.setdefault(place, set()).update(row for row in rows if row is not None)
    return members
