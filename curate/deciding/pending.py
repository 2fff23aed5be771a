"""Edits that wait to be applied: what a text says by now, and which of them were made apart.

An edit gives a field a whole new text, so a second one is made on top of the first and says so (`over`):
it then has both changes. Of edits of one text that know nothing of each other, as of two people before
their journals were merged, neither has the other's change. To take one would silently bring back what the
other took out; so none of them counts until somebody decides one of the findings otherwise.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from curate.changing.rewriting import Edit, Place, newest, place_of, tips
from curate.deciding.byhand import heads
from curate.workspace import Workspace
from curate.workspace.differences import Difference, Word, differing, said_on, tell


class Draft(NamedTuple):
    """A text as it is decided by now, and the digests of the edits that made it so, the last one last."""

    text: str
    over: tuple[str, ...] = ()


def held(workspace: Workspace, digests: Iterable[str]) -> dict[str, Edit]:
    """Those of the edits whose text is here."""
    found: dict[str, Edit] = {}
    for digest in dict.fromkeys(digests):
        if (workspace.store.root / digest).is_dir() and isinstance(value := workspace.json(digest), dict):
            found[digest] = Edit.of(value)
    return found


@dataclass(frozen=True)
class Pending:
    """The edits and proposals that are decided on the findings of a review."""

    places: Mapping[Place, Sequence[Mapping[str, Any]]]  # rows of the review, by what they change
    texts: Mapping[str, Edit]  # of the edits, by digest

    @classmethod
    def of(cls, workspace: Workspace, table: pl.DataFrame) -> Pending:
        """Those of a review that shows edits made apart as decided (`as_decided`)."""
        said = table.filter(pl.col("decided") == "edit")
        texts = held(workspace, said["edit"].drop_nulls())
        places: dict[Place, list[Mapping[str, Any]]] = defaultdict(list)
        for row in said.iter_rows(named=True):
            if row["edit"] is None:
                place = Place(row["target"] or row["example_id"], row["message"], row["field"] or "content")
                places[place].append(row)
            elif row["edit"] in texts:
                places[place_of(texts[row["edit"]])].append(row)
        return cls(places, texts)

    def draft(self, place: Place, original: str) -> Draft | None:
        """What a text says by now; None where edits of it were made apart."""
        rows = self.places.get(place, ())
        made = {row["edit"]: self.texts[row["edit"]] for row in rows if row["edit"]}
        proposed = [json.loads(row["evidence"] or "{}") for row in rows if not row["edit"]]
        if made:
            last = newest(made)
            if last is None:
                return None
            below = dict.fromkeys([*made[last].over, *sorted(made)])
            below.pop(last)
            return Draft(made[last].text, (*below, last))
        if proposed:
            from curate.checks.quality import combined

            return Draft(combined(original, proposed))
        return Draft(original)


def apart(edits: Mapping[str, str], texts: Mapping[str, Edit]) -> set[str]:
    """Of findings, each with the digest of the edit decided on it, those whose edits were made apart."""
    by_place: dict[Place, dict[str, Edit]] = defaultdict(dict)
    for digest in edits.values():
        if digest in texts:
            by_place[place_of(texts[digest])][digest] = texts[digest]
    several = {place for place, made in by_place.items() if len({made[d].text for d in tips(made)}) > 1}
    return {
        finding for finding, digest in edits.items() if digest in texts and place_of(texts[digest]) in several
    }


def apart_among(workspace: Workspace, words: Mapping[str, Word]) -> dict[str, Difference]:
    """Of the words that count on findings, those whose edits were made apart, as differences."""
    edits = {finding: word.edit for finding, word in words.items() if word.said == "edit" and word.edit}
    found = apart(edits, held(workspace, edits.values()))
    return {
        i: Difference(i, words[i].target, (words[i],), _others(words[i], words.values()))
        for i in sorted(found)
    }


def apart_in(workspace: Workspace, table: pl.DataFrame) -> dict[str, Difference]:
    """The findings of a review whose edits were made apart."""
    said = table.filter((pl.col("decided") == "edit") & pl.col("edit").is_not_null())
    said = said.filter(pl.col("edit").n_unique().over("target") > 1)
    if said.is_empty():
        return {}
    return apart_among(workspace, said_on(workspace.ledger, said["finding_id"].to_list()).words)


def _others(word: Word, words: Iterable[Word]) -> tuple[str, ...]:
    """Whose edits of the same example there are beside a word."""
    found = {each.reviewer for each in words if each.target == word.target and each.edit != word.edit}
    return tuple(sorted(found))


def with_apart(workspace: Workspace, table: pl.DataFrame) -> pl.DataFrame:
    """A review in which edits that were made apart are open, as what people differ on is."""
    found = apart_in(workspace, table)
    if not found:
        return table
    here = pl.col("finding_id").is_in(list(found))
    told = pl.DataFrame({"finding_id": list(found), "told": [one.told for one in found.values()]})
    names = ("decided", "target", "edit", "reviewer", "decided_at")
    return (
        table.join(told, on="finding_id", how="left", maintain_order="left")
        .with_columns(
            *(pl.when(here).then(None).otherwise(pl.col(name)).alias(name) for name in names),
            differ=pl.col("differ") | here,
            people=pl.coalesce("told", "people"),
        )
        .select(table.columns)
    )


def differences_in(workspace: Workspace, table: pl.DataFrame) -> dict[str, Difference]:
    """What people differ on, and of a review the edits that were made apart, by finding."""
    found = differing(workspace.ledger)
    rest = [finding for finding in table.filter("differ")["finding_id"] if finding not in found]
    return {**found, **apart_among(workspace, said_on(workspace.ledger, rest).words)} if rest else found


def apart_here(workspace: Workspace) -> list[Difference]:
    """The edits that were made apart on the versions that a name means now, in the order of the findings."""
    query = "select distinct finding_id from decision where edit is not null"
    edited = [row["finding_id"] for row in workspace.ledger.rows(query)]
    found: dict[str, Difference] = {}
    for dataset in heads(workspace) if len(edited) > 1 else ():
        table = workspace.findings(dataset)
        ids = (
            [] if table is None else table.filter(pl.col("finding_id").is_in(edited))["finding_id"].to_list()
        )
        found |= apart_among(workspace, said_on(workspace.ledger, ids).words)
    return [found[finding] for finding in sorted(found)]


def told(workspace: Workspace) -> list[Difference]:
    """All differences of a workspace: of opinion, then edits that were made apart."""
    return [*tell(workspace), *apart_here(workspace)]
