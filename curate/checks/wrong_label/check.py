"""Rows whose label disagrees with what alike rows carry and what models of the labels say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import polars as pl

from curate.checks.wording import check_compare, normalise, wordings
from curate.checks.wrong_label.alike import alike, as_one, groups, told
from curate.checks.wrong_label.noise import by_lot
from curate.checks.wrong_label.opinions import (
    Codes,
    Table,
    Vectors,
    balanced,
    calibrated,
    explained,
    folds,
    joined,
    neighbours_say,
    regression_says,
    words_say,
)
from curate.errors import ConfigError
from curate.scanning.confident import confident_errors, find_label_issues
from curate.scanning.embedding import AUTO, Units
from curate.scanning.terms import terms_of, topics_of

FEWEST = 5  # different texts of a label, below which nothing can be said of it
MOST_LABELS = 1_000  # a column with more values is no class
SURE = 0.999_999  # a score is never 1
TOLD = ("rare-label", "unclear-labels")  # what was not looked at
LIKELY = 0.95  # 19 to 1 against the label
LOT = 0.5  # probability of a label given without regard to the text, from which on it is called wrong
SUSPECTS = pl.Schema(
    {
        "example_id": pl.String,
        "other_id": pl.String,
        "label": pl.String,
        "score": pl.Float64,
        "evidence": pl.String,
    }
)


class Labelled(NamedTuple):
    """The rows that can be judged, and the labels that have too few rows for that."""

    rows: pl.DataFrame  # with `code` (0 ...) beside `label`
    names: list[str]  # by code
    rare: pl.DataFrame  # label, rows, example_id (the first)


@dataclass(frozen=True)
class WrongLabel:
    """Order the labelled rows by how much speaks against the label, and show the worst.

    Three opinions that never saw the row's own label (see opinions.py) are joined; the score is the
    probability of the best other label against that of the given one: at least `least`. Confident
    learning says how many labels are wrong: reported are at most twice so many rows, and never more
    than the share `most` of all. As many of the surest as it counts with confidence are labelled `wrong`
    where the odds are 19 to 1 and the label was rather given by lot than in a place where classes overlap
    (see noise.py), the others `doubtful`. `same-label` is a row whose label is hardly told apart from one of
    more rows (see alike.py): such labels count as one. `rare-label` says once for each label with fewer than
    5 different texts that it was not looked at, `unclear-labels` that none was, where the opinions tell the
    labels no better than chance.

    Without an encoder the vectors are made of the words themselves. Above 50,000 rows models are fitted
    on so many, and neighbours looked for among so many. Labels of answers ("spam" as the whole answer)
    are not looked at, only the column `label`.
    """

    name: ClassVar[str] = "wrong-label"
    version: ClassVar[int] = 5
    unseen: ClassVar[str] = "labels are judged by words and characters, not by meaning"
    encoder: str = AUTO
    compare: str = "prompt"
    least: float = 0.6
    most: float = 0.2

    def __post_init__(self) -> None:
        check_compare(self.compare)
        if not 0.5 <= self.least < 1:
            raise ConfigError(f"wrong-label.least is {self.least}", hint="it is from 0.5 to below 1")
        if not 0 < self.most <= 1:
            raise ConfigError(f"wrong-label.most is {self.most}", hint="it is a share of the rows, 0 to 1")

    def obstacle(self, examples: pl.DataFrame) -> str:
        """It needs two labels with rows enough, and labels that are classes."""
        counts = examples["label"].drop_nulls().value_counts()
        if counts.is_empty():
            return "no row has a label"
        enough = counts.filter(pl.col("count") >= FEWEST).height
        if enough < 2:
            return f"fewer than two labels have {FEWEST} rows"
        if enough > MOST_LABELS:
            return f"{enough:,} labels have {FEWEST} rows or more; with above {MOST_LABELS:,} they are no classes"
        return ""

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The label and the text it is about; the whole where there is no such part."""
        texts = []
        for wording in wordings(batch):
            part = "\n".join(wording.parts(self.compare)).strip()
            texts.append([part or "\n".join(wording.parts("whole")).strip()])
        return batch.select(
            "example_id", "label", texts=pl.Series(texts, dtype=pl.List(pl.String))
        ).with_columns(label=pl.when(pl.col("texts").list.first() != "").then("label"))

    def relate(self, sketches: pl.DataFrame, units: Units | None) -> pl.DataFrame:
        """The suspects, with their score and evidence."""
        labelled = _labelled(sketches)
        if len(labelled.names) < 2:
            return pl.concat([SUSPECTS.to_frame(), _told(labelled.rare)])
        codes = labelled.rows["code"].to_numpy().astype(np.int64)
        texts = labelled.rows["text"].to_list()
        terms = terms_of(texts)
        vectors = _vectors(labelled.rows, units) if units is not None else topics_of(terms)
        fold = folds(texts, codes)
        near, neighbours = neighbours_say(vectors, texts, codes, fold)
        opinions = [near, regression_says(vectors, codes, fold), words_say(terms, codes, fold)]
        table = joined(opinions)
        if (share := explained(table, codes)) <= 0:
            return pl.concat([_unclear(labelled, codes, table, share), _told(labelled.rare)])
        pairs = alike(table, codes)
        group = groups(pairs, codes, len(labelled.names))
        ids = labelled.rows["example_id"].to_list()
        same = told(pairs, group, codes, ids, SUSPECTS)
        if pairs:  # a label is not doubted for another name of it
            table, *opinions = (as_one(each, group) for each in (table, *opinions))
            codes = np.searchsorted(np.unique(group), group[codes])
        if table.shape[1] < 2:
            return pl.concat([same, _told(labelled.rare)])
        found = self._suspects(ids, codes, balanced(table, codes), neighbours, opinions)
        return pl.concat([found, same, _told(labelled.rare)])

    def _suspects(
        self,
        ids: Sequence[str],
        codes: Codes,
        table: Table,
        neighbours: Codes,
        opinions: Sequence[Table],
    ) -> pl.DataFrame:
        """The rows to report, the surest first; `neighbours` has the row numbers of each row's."""
        rows = np.arange(len(codes))
        table, lot = calibrated(table, codes), by_lot(opinions, codes)
        others = table.copy()
        others[rows, codes] = 0
        likelier = others.argmax(axis=1)
        score = others[rows, likelier] / (others[rows, likelier] + table[rows, codes])
        counted = find_label_issues(codes, table)
        sure = confident_errors(codes, table)
        limit = min(2 * len(counted), int(self.most * len(codes)))
        order = np.argsort(-score, kind="stable")[:limit]
        found = []
        for place, at in enumerate(order[score[order] >= self.least]):
            given, other = codes[at], likelier[at]
            around = codes[neighbours[at]]
            evidence = {
                # by a row that carries it: a label may be somebody's name, and evidence outlives the rows
                "looks_like": ids[_witness(neighbours[at], codes, other)],
                "neighbours": len(around),
                "with_this_label": int((around == given).sum()),
                "with_the_other": int((around == other).sum()),
                "probability": round(float(table[at, given]), 4),
                "of_the_other": round(float(table[at, other]), 4),
                "opinions_against": sum(int(said[at, other] > said[at, given]) for said in opinions),
                "by_lot": round(float(lot[at]), 3),
                "by": "meaning" if self.encoder != "none" else "words",
            }
            kind = "wrong" if place < sure and score[at] >= LIKELY and lot[at] >= LOT else "doubtful"
            found.append((ids[int(at)], None, kind, min(float(score[at]), SURE), json.dumps(evidence)))
        return pl.DataFrame(found, schema=SUSPECTS, orient="row")

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """The suspects as findings."""
        del texts  # they were read when the suspects were looked for
        looked = pl.when(pl.col("label").is_in(TOLD)).then(pl.lit("keep")).otherwise(pl.lit("review"))
        return pairs.select(*SUSPECTS, looked.alias("action"))


def _labelled(sketches: pl.DataFrame) -> Labelled:
    """The rows whose label has enough of them, with codes in the order of the labels' names."""
    rows = sketches.drop_nulls("label")
    texts = [normalise(text) for text in rows["texts"].list.first()]
    rows = rows.with_columns(text=pl.Series(texts, dtype=pl.String)).with_columns(
        pl.len().over("label").alias("rows"), pl.col("text").n_unique().over("label").alias("different")
    )
    enough = rows.filter(pl.col("different") >= FEWEST)
    names = sorted(enough["label"].unique())
    code = pl.DataFrame(
        {"label": names, "code": range(len(names))}, schema={"label": pl.String, "code": pl.Int64}
    )
    rare = (
        rows.filter(pl.col("different") < FEWEST)
        .group_by("label", maintain_order=True)
        .agg(pl.col("example_id").first(), pl.len().alias("rows"))
    )
    return Labelled(enough.join(code, on="label", maintain_order="left"), names, rare)


def _told(rare: pl.DataFrame) -> pl.DataFrame:
    """One finding for each label that could not be judged, at its first row."""
    evidence = [
        json.dumps({"rows": rows, "why": f"fewer than {FEWEST} different texts: not looked at"})
        for rows in rare["rows"]
    ]
    return pl.DataFrame(
        {
            "example_id": rare["example_id"],
            "other_id": [None] * rare.height,
            "label": ["rare-label"] * rare.height,
            "score": [0.0] * rare.height,
            "evidence": evidence,
        },
        schema=SUSPECTS,
    )


def _unclear(labelled: Labelled, codes: Codes, table: Table, share: float) -> pl.DataFrame:
    """One finding at the first row: the labels cannot be told from the texts, so nothing is said of any."""
    evidence = {
        "rows": len(codes),
        "why": "the labels cannot be told from the texts better than by chance: none was judged",
        "told_right": round(float((table.argmax(axis=1) == codes).mean()), 3),
        "commonest": round(float(np.bincount(codes).max() / len(codes)), 3),
        "explained": round(share, 3),
    }
    first = labelled.rows["example_id"][0]
    return pl.DataFrame(
        [(first, None, "unclear-labels", 0.0, json.dumps(evidence))], schema=SUSPECTS, orient="row"
    )


def _witness(neighbours: Codes, codes: Codes, label: int) -> int:
    """The row number of a row with that label: the nearest of the neighbours, else the first of all."""
    near = neighbours[codes[neighbours] == label]
    return int(near[0] if len(near) else np.flatnonzero(codes == label)[0])


def _vectors(rows: pl.DataFrame, units: Units) -> Vectors:
    """(row, dimension): the vector of each row's text."""
    places = rows["units"].list.first().to_numpy().astype(np.int64)
    return np.asarray(units.vectors[places], dtype=np.float32)
