"""What lies on a reviewer's desk: one version's findings, which are shown, and the last word on each.

It decides through `curate.deciding.review` and the ledger, and holds no rule of curation of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from curate.changing.apply import Edit
from curate.deciding import byhand
from curate.deciding.alike import Similar, similar
from curate.deciding.flags import flagged
from curate.deciding.notes import note, noted, told
from curate.deciding.pending import apart_among, differences_in
from curate.deciding.review import OPEN, decide, decide_edit, joined, record, review
from curate.workspace import Annotation, Decision, Workspace
from curate.workspace.differences import said_on, settling
from tui.desk.examples import Example, Examples
from tui.desk.filter import compile_filter, kinds, names_in
from tui.desk.history import History, Turned, spoken
from tui.desk.rowfile import KINDS, MADE, named

Ids = npt.NDArray[np.uint32]
Finding = dict[str, Any]

# what a filter may say of the example that a finding is about, beside the finding's own columns
OF_EXAMPLE = {
    "row_label": "label", "group": "group", "split": "split", "source": "source", "source_row": "source_row",
    "meta": "meta", "chosen": "chosen", "rejected": "rejected",
}  # fmt: skip
EXAMPLE_KINDS = {name: KINDS[column] for name, column in OF_EXAMPLE.items()} | {n: KINDS[n] for n in MADE}
ORDERS = {
    "blocking": "blocking first",
    "check": "by check",
    "-score": "surest first",
    "score": "least sure first",
    "doubt": "nearest to the threshold first",
    "similar": "most similar first",
    "example_id": "by row",
}
WORD = ("finding_id", "decided", "target", "edit", "reviewer", "note", "decided_at")
AHEAD = 32  # findings whose rows are read ahead
LOOKED_AT = 4096  # findings looked at in one go for one that is open
MIDDLE = 0.5  # the doubtful score of a check that has no threshold


def thresholds(workspace: Workspace, dataset: str) -> dict[str, float]:
    """The threshold with which each check last ran, for those that have one."""
    found: dict[str, float] = {}
    for stands in reversed(workspace.standing(dataset)):
        for check in stands.checks:
            limit = stands.scan.settings.get(check, {}).get("threshold")
            if isinstance(limit, int | float):
                found[check] = float(limit)
    return found


class Desk:
    """One version's findings under one reviewer's hands."""

    def __init__(self, workspace: Workspace, dataset: str, name: str, reviewer: str) -> None:
        self.workspace, self.dataset, self.name, self.reviewer = workspace, dataset, name, reviewer
        self.rows: pl.DataFrame = review(workspace, dataset)
        self.examples = Examples(workspace, dataset)
        self.history = History(workspace, reviewer)
        # a proposal to keep is the other half of a cluster: it does not wait for anyone
        self.waits = ((self.rows["action"] != "keep") | self.rows["differ"]).to_numpy().copy()
        self.seen = differences_in(workspace, self.rows)  # what people differ on, as it is shown
        self.begun: dict[int, tuple[str, ...]] = {}  # edits on top of which the text that was given out is
        self.decided = self.rows["decided"].is_not_null().to_numpy().copy()
        self.words: dict[int, Finding] = {}  # what was decided since `rows` was read
        self.taken_back: set[int] = set()  # places of what was made by a decision that is undone
        self.ids: Ids = np.arange(self.rows.height, dtype=np.uint32)
        self.filter, self.search, self.order, self.only_open = "", "", "check", False
        self.places: dict[str, int] | None = None
        self.near: Similar | None = None  # how similar each row is to one that was asked about
        self.thresholds = thresholds(workspace, dataset)

    # choice and order

    def choose(self, *, filter: str, search: str, order: str, only_open: bool) -> Ids:
        """The places in `rows` of what is to be shown, in order; changes nothing. Raises ConfigError."""
        rows = self.current().with_row_index("place").filter(byhand.STANDS)
        names = names_in(filter) & set(EXAMPLE_KINDS)
        if names:
            also = self.examples.rows.filter(
                pl.col("example_id").is_in(rows["example_id"].unique().implode())
            ).select(
                "example_id",
                *(pl.col(c).alias(n) for n, c in OF_EXAMPLE.items() if n in names),
                *named(names),
            )
            rows = rows.join(also.collect(), on="example_id", how="left", maintain_order="left")
        if filter.strip():
            known = kinds(rows.drop("place").schema) | EXAMPLE_KINDS
            rows = rows.filter(compile_filter(filter, known))
        if only_open:
            rows = rows.filter(OPEN)
        if search.strip():
            rows = rows.filter(pl.col("example_id").is_in(self.examples.mentioning(search).implode()))
        if order == "similar" and self.near is not None:
            rows = rows.join(self.near.rows, on="example_id", how="left", maintain_order="left")
            rows = rows.sort("similarity", descending=True, nulls_last=True, maintain_order=True)
        elif order == "doubt":
            limit = pl.col("check").replace_strict(self.thresholds, default=MIDDLE, return_dtype=pl.Float64)
            rows = rows.sort((pl.col("score") - limit).abs(), maintain_order=True)
        elif order == "blocking":
            rows = rows.sort(~(OPEN & pl.col("blocking")), maintain_order=True)
        elif order not in ("check", "similar"):
            rows = rows.sort(order.removeprefix("-"), descending=order.startswith("-"), maintain_order=True)
        return rows["place"].to_numpy().astype(np.uint32)

    def like(self, place: int) -> Similar:
        """How similar the findings' rows are to the row of one finding; changes nothing."""
        rows = self.examples.rows
        ids = self.rows["example_id"].unique()
        if len(ids) * 2 < int(rows.select(pl.len()).collect().item()):
            rows = rows.filter(pl.col("example_id").is_in(ids.implode())).collect().lazy()
        return similar(rows, self.rows.item(place, "example_id"), self.workspace.vectors)

    def take(self, ids: Ids, *, filter: str, search: str, order: str, only_open: bool) -> None:
        """Show what `choose` chose."""
        self.ids = ids
        self.filter, self.search, self.order, self.only_open = filter, search, order, only_open

    def current(self) -> pl.DataFrame:
        """`rows` with what was decided since they were read."""
        if self.words:
            names = ("decided", "target", "edit", "note", "reviewer", "differ", "people")
            said = pl.DataFrame(
                [(place, *(word[n] for n in names)) for place, word in self.words.items()],
                schema={"place": pl.UInt32, **{f"new_{n}": self.rows.schema[n] for n in names}},
                orient="row",
            )
            joined = self.rows.with_row_index("place").join(
                said, on="place", how="left", maintain_order="left"
            )
            new = pl.col("place").is_in(said["place"].implode())
            self.rows = joined.with_columns(
                pl.when(new).then(pl.col(f"new_{n}")).otherwise(pl.col(n)).alias(n) for n in names
            ).select(self.rows.columns)
            self.words = {}
        return self.rows

    @property
    def total(self) -> int:
        """How many findings stand on the version."""
        return self.rows.height - len(self.taken_back)

    @property
    def open(self) -> int:
        """How many of all its findings nobody has decided on."""
        return int((self.waits & ~self.decided).sum())

    @property
    def unshown(self) -> str:
        """Why not all findings are shown, where only the open ones are; empty where all are, or by a filter."""
        if not self.only_open or self.filter or self.search:
            return ""
        hidden = np.ones(self.rows.height, dtype=bool)
        hidden[self.ids] = False
        decided = int(np.count_nonzero(hidden & self.waits & self.decided))
        kept = max(self.total - len(self.ids) - decided, 0)
        parts = [f"{decided:,} decided"] if decided else []
        parts += [f"{kept:,} on rows that stay"] if kept else []
        return "not shown: " + ", ".join(parts) if parts else ""

    def take_in(self, findings: pl.DataFrame) -> None:
        """Findings that were made since the rows were read stand beside the others, at the end."""
        known = self.rows["finding_id"].implode()
        new = findings.filter(~pl.col("finding_id").is_in(known))
        if not new.height:
            return
        ids = pl.concat([new["example_id"], new["other_id"].drop_nulls()]).unique().implode()
        hashes = self.examples.rows.filter(pl.col("example_id").is_in(ids))
        unsaid = pl.DataFrame(schema=dict.fromkeys(WORD, pl.String))
        rows = joined(new, hashes.select("example_id", "content_hash").collect(), unsaid)
        self.rows = pl.concat([self.current(), rows])
        self.waits = np.append(self.waits, (rows["action"] != "keep").to_numpy())
        self.decided = np.append(self.decided, np.zeros(rows.height, dtype=bool))
        self.places = None

    def unseen_flags(self) -> list[str]:
        """The rows of this version that are flagged, and about which nothing was found."""
        flags = pl.Series(sorted(flagged(self.workspace)), dtype=pl.String)
        flags = flags.filter(~flags.is_in(self.current().filter(byhand.STANDS)["example_id"].implode()))
        if flags.is_empty():
            return []
        here = self.examples.rows.filter(pl.col("example_id").is_in(flags.implode()))
        return list(here.select("example_id").collect()["example_id"])

    def bring_in_flagged(self) -> int:
        """A finding by hand, which waits, for each flagged row about which nothing was found; how many."""
        ids = self.unseen_flags()
        if ids:
            table = pl.DataFrame({"example_id": ids}).with_columns(
                label=pl.lit("flagged"), action=pl.lit("review"), score=pl.lit(1.0)
            )
            self.take_in(byhand.add(self.workspace, self.dataset, table).findings)
        return len(ids)

    # one finding

    def finding(self, place: int) -> Finding:
        """The finding at a place of `rows`, with the last word on it."""
        row = self.rows.row(place, named=True)
        row.update(self.words.get(place, {}))
        row["note"] = spoken(row["note"])
        return row

    def read_ahead(self, position: int) -> None:
        """Read the rows of the findings from `position` on, in the background, long before they are shown."""
        coming = self.rows[self.ids[position : position + AHEAD].tolist()]
        rows = coming.select("example_id", "other_id").iter_rows()
        self.examples.read_ahead(list(dict.fromkeys(i for row in rows for i in row if i)))

    def cluster(self, finding: Finding) -> list[int]:
        """The places of all findings of the same cluster, by the same check, keeper first."""
        same = (pl.col("cluster_id") == finding["cluster_id"]) & (pl.col("check") == finding["check"])
        rows = self.rows.with_row_index("place").filter(same)
        return list(rows.sort(pl.col("other_id").is_not_null(), maintain_order=True)["place"])

    def spans(self, finding: Finding) -> list[int]:
        """The places of the findings that mark spans in the same example, in reading order."""
        same = (pl.col("example_id") == finding["example_id"]) & pl.col("start").is_not_null()
        rows = self.rows.with_row_index("place").filter(same & (pl.col("shape") == "span"))
        ordered = rows.sort("message", "field", "start", nulls_last=True)["place"]
        return [place for place in ordered if place not in self.taken_back]

    def next_open(self, position: int) -> int | None:
        """The position in `ids` of the next finding to decide, after `position`, else from the top."""
        count = len(self.ids)
        for first, last in ((position + 1, count), (0, min(position + 1, count))):
            for start in range(first, last, LOOKED_AT):
                part = self.ids[start : min(start + LOOKED_AT, last)]
                open_ = self.waits[part] & ~self.decided[part]
                if open_.any():
                    return start + int(open_.argmax())
        return None

    def position(self, place: int) -> int | None:
        """Where in `ids` a finding stands; None if it is not shown."""
        found = np.flatnonzero(self.ids == place)
        return int(found[0]) if len(found) else None

    def where(self, finding_id: str) -> int | None:
        """The place of a finding in `rows`; None if this version has no such finding."""
        if self.places is None:
            self.places = {i: n for n, i in enumerate(self.rows["finding_id"])}
        return self.places.get(finding_id)

    def remember(self, findings: Iterable[str]) -> None:
        """What was decided elsewhere on these findings, by id, counts here too."""
        places = [self.where(finding) for finding in findings]
        self._remember([place for place in places if place is not None])

    # decisions: on return they are in the ledger's file

    def decide(
        self,
        places: Sequence[int],
        action: str | None,
        *,
        note: str = "",
        target: str | None = None,
        also: Sequence[Decision] = (),
    ) -> None:
        """Decide `action` on the findings, or each one's own proposal where it is None, as one act.

        `target` is the side of a pair that the decision acts on; `also` are decisions on findings that
        were made since the rows were read, which belong to the same act. Raises ConfigError, and decides
        nothing, where a finding has no proposal to take or no place to redact.
        """
        words = decide(self.rows[list(places)], action, by=self.reviewer, note=note, target=target)
        decisions = settling(words, self.seen)
        record(self.workspace, [*decisions, *also])
        self._remember(places)
        self.remember(decision.finding_id for decision in also)

    def edit(self, place: int, edit: Edit) -> None:
        """Decide that a field of the example is to say something else."""
        edit = edit if edit.over else edit._replace(over=self.begun.get(place, ()))
        said = decide_edit(self.workspace, self.finding(place), edit, by=self.reviewer)
        decisions = settling([said], self.seen)
        record(self.workspace, decisions)
        self._remember([place])

    def annotate(self, place: int, text: str) -> None:
        """Write the reviewer's note on a finding, in place of their last one; it decides nothing."""
        note(self.workspace, self.finding(place), text, self.reviewer)
        self._remember([place])

    def edited(self, finding: Finding) -> Edit | None:
        """The new text that a finding's decision puts in place, if it is an edit."""
        if finding["decided"] != "edit" or not finding["edit"]:
            return None
        value = self.workspace.json(finding["edit"])
        return Edit.of(value) if isinstance(value, dict) else None

    def undo(self) -> tuple[Turned | None, list[int]]:
        """Take the newest act back: what came of it, and the places of its findings here."""
        return self._turned(self.history.undo())

    def redo(self) -> tuple[Turned | None, list[int]]:
        """Do the newest undone act again: what came of it, and the places of its findings here."""
        return self._turned(self.history.redo())

    def _turned(self, turned: Turned | None) -> tuple[Turned | None, list[int]]:
        places = [self.where(d.finding_id) for d in turned.written] if turned else []
        here = [place for place in places if place is not None]
        self._remember(here)
        left = self.ids[~np.isin(self.ids, list(self.taken_back))]
        self.ids = left if len(left) else self.ids
        return turned, here

    def after_turn(self, places: Sequence[int], place: int, position: int) -> int:
        """Where to stand after undo or redo: on what it was about; where that stands no more, where one was.

        `place` is where one was, at `position` of what is shown. What was made by deciding is no card to
        go to unless it is shown.
        """
        made = [p for p in places if self._made_by_deciding(p) and self.position(p) is None]
        there = [p for p in places if p not in self.taken_back and p not in made]
        if there or place not in self.taken_back or not len(self.ids):
            return there[0] if there else place
        return int(self.ids[min(position, len(self.ids) - 1)])

    def _remember(self, places: Iterable[int]) -> None:
        """Read again what counts on these findings; with an edit, on all that edit the same rows."""
        here = {self.rows.item(place, "finding_id"): place for place in places}
        ledger = self.workspace.ledger
        said = said_on(ledger, here)
        if any(word.said == "edit" for word in said.words.values()) or any(
            finding in self.seen or self.finding(place)["decided"] == "edit"
            for finding, place in here.items()
        ):
            here |= self._beside(list(here.values()))
            said = said_on(ledger, here)
            said.differ.update(apart_among(self.workspace, said.words))
        notes = noted(ledger, [self.rows.item(place, "example_id") for place in here.values()])
        self.seen = {i: d for i, d in self.seen.items() if i not in here} | said.differ
        for finding, place in here.items():
            differ = said.differ.get(finding)
            word = None if differ else said.words.get(finding)
            self.decided[place] = word is not None
            gone = word is None and differ is None and self._made_by_deciding(place)
            (self.taken_back.add if gone else self.taken_back.discard)(place)
            self.waits[place] = differ is not None or (self.rows.item(place, "action") != "keep" and not gone)
            self.words[place] = {
                "decided": word and word.said,
                "target": word and word.target,
                "edit": word and word.edit,
                "note": told(notes.get(finding, {}), word and word.reviewer, word and word.note),
                "reviewer": word and word.reviewer,
                "differ": differ is not None,
                "people": differ and differ.told,
            }

    def _made_by_deciding(self, place: int) -> bool:
        """Whether a finding came with a decision, so that without one it stands no longer."""
        made = str(self.rows.item(place, "evidence") or "").startswith(byhand.MADE_BY_DECIDING)
        return made and self.rows.item(place, "check") == byhand.NAME

    def _beside(self, places: Sequence[int]) -> dict[str, int]:
        """The findings of the same rows, by id: others may have edited on them since they were read."""
        ids = (
            self.rows[list(places)].select("example_id", "other_id").unpivot()["value"].drop_nulls().unique()
        )
        of_row = pl.col("example_id").is_in(ids.implode()) | pl.col("other_id").is_in(ids.implode())
        found = self.rows.with_row_index("place").filter(of_row)
        return dict(found.select("finding_id", "place").iter_rows())

    # flags

    def flag(self, example: Example) -> bool:
        """Set a flag on an example, or take it off; returns whether it is set now."""
        flagged = not self.flagged(example)
        word = Annotation(
            example["example_id"],
            example["content_hash"],
            "flag",
            "yes" if flagged else None,
            self.reviewer,
        )
        self.workspace.ledger.annotate([word])
        return flagged

    def flagged(self, example: Example) -> bool:
        """Whether anyone's last word on this example's flag is that it is set."""
        query = """select value from annotation where example_id = ? and key = 'flag'
                   order by annotated_at desc, uid desc limit 1"""
        found = self.workspace.ledger.rows(query, example["example_id"])
        return bool(found and found[0]["value"])
