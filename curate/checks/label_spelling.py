"""One label in several spellings, a class that a model would have to learn twice; and labels that are missing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from curate.checks.spelling import case_of, plain_spelling, spelt, tidy, unmarked
from curate.finding import FINDINGS

PAIRS = pl.Schema(
    {"example_id": pl.String, "other_id": pl.String, "rows": pl.Int64, "of": pl.Int64, "spellings": pl.Int64}
)


@dataclass(frozen=True)
class LabelSpelling:
    """Find labels that are others but for case, Unicode form (NFKC: width, ligatures) and blanks around.

    The most frequent spelling is proposed for the rows of the others (of equally frequent ones the first
    by name), without blanks around. Where the whole of an answer is such a label, the same is proposed
    for it. Labels that differ in a letter (`refnd`) are not looked at: they may be two classes.

    Labels that differ in what parts their words (`app_crash`, `app-crash`, `app crash`) are for review
    (`marks-differ`), each row of the rarer ones, with a row of the most frequent one as what it looks like.

    A row without a label, where others have one, is for review (`no-label`): each such row while they are
    not more than those with a label, else one finding at one of them, for most are yet to be labelled.
    """

    name: ClassVar[str] = "label-spelling"
    version: ClassVar[int] = 3

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Each row's label."""
        return batch.select("example_id", "label")

    def link(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """The rows to be changed, each with the first row that has the most frequent spelling; and those without a label."""
        labels = (
            sketches.drop_nulls("label")
            .group_by("label", maintain_order=True)
            .agg(pl.col("example_id").min().alias("other_id"), pl.len().cast(pl.Int64).alias("rows"))
        )
        plain = pl.Series("plain", [plain_spelling(label) for label in labels["label"]], dtype=pl.String)
        several = (
            labels.with_columns(plain)
            .filter((pl.col("plain") != "") & (pl.len().over("plain") > 1))
            .sort("rows", "label", descending=[True, False])
        )
        best = several.group_by("plain", maintain_order=True).agg(
            pl.col("other_id").first(),
            pl.col("label").first().alias("best"),
            pl.col("rows").first().alias("of"),
            pl.len().cast(pl.Int64).alias("spellings"),
        )
        wanted = pl.Series("wanted", [tidy(label) for label in best["best"]], dtype=pl.String)
        others = (
            several.drop("other_id")
            .join(best.with_columns(wanted), on="plain")
            .filter(pl.col("label") != pl.col("wanted"))
        )
        spelt_else = (
            sketches.join(others, on="label", maintain_order="left").select(PAIRS.names()).sort("example_id")
        )
        apart = labels.with_columns(
            plain, pl.Series("bare", [unmarked(label) for label in labels["label"]], dtype=pl.String)
        )
        return pl.concat([spelt_else, _marked_else(sketches, apart), _unlabelled(sketches)])

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """A finding for the label, and one for an answer that is nothing but the label."""
        known = dict(texts.select("example_id", pl.struct("label", "messages")).iter_rows())
        rows: list[tuple[object, ...]] = []
        for example_id, other_id, count, of, spellings in pairs.select(PAIRS.names()).iter_rows():
            if other_id is None:
                missing = json.dumps({"rows_without": count, "rows_with": of})
                rows.append((example_id, None, None, "no-label", "review", 0.5, missing))
                continue
            row, wanted = known[example_id], tidy(known[other_id]["label"])
            if plain_spelling(row["label"]) != plain_spelling(wanted):
                marks = json.dumps({"rows": count, "of_the_most_frequent": of, "looks_like": other_id})
                rows.append((example_id, None, "label", "marks-differ", "review", 0.5, marks))
                continue
            # no label in it: one may be somebody's name, and evidence outlives the rows
            evidence = {"rows": count, "of_the_most_frequent": of, "spellings": spellings}
            rows.append((example_id, None, "label", *_proposal(row["label"], wanted, evidence)))
            for at, message in enumerate(row["messages"] or ()):
                said = message["content"] or ""
                if message["role"] != "assistant" or said == wanted:
                    continue
                if plain_spelling(said) == plain_spelling(wanted):
                    rows.append((example_id, at, "content", *_proposal(said, wanted, evidence)))
        columns = ("example_id", "message", "field", "label", "action", "score", "evidence")
        return pl.DataFrame(rows, schema={name: FINDINGS[name] for name in columns}, orient="row")


def _marked_else(sketches: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """The rows whose label is another but for what parts its words, each with a row of the most frequent one."""
    spellings = (
        labels.sort("rows", "label", descending=[True, False])
        .group_by("bare", "plain", maintain_order=True)
        .agg(pl.col("label"), pl.col("other_id").first(), pl.col("rows").sum())
        .filter((pl.col("bare") != "") & (pl.len().over("bare") > 1))
        .sort("rows", "plain", descending=[True, False])
    )
    best = spellings.group_by("bare", maintain_order=True).agg(
        pl.col("plain").first().alias("best"),
        pl.col("other_id").first(),
        pl.col("rows").first().alias("of"),
        pl.len().cast(pl.Int64).alias("spellings"),
    )
    others = (
        spellings.drop("other_id")
        .join(best, on="bare")
        .filter(pl.col("plain") != pl.col("best"))
        .explode("label")
    )
    return sketches.join(others, on="label", maintain_order="left").select(PAIRS.names()).sort("example_id")


def _unlabelled(sketches: pl.DataFrame) -> pl.DataFrame:
    """The rows without a label, where others have one; one of them alone where they are more than the others."""
    bare = sketches.filter(pl.col("label").is_null()).sort("example_id")
    labelled = sketches.height - bare.height
    told = bare.head(1 if bare.height > labelled else bare.height) if labelled else bare.head(0)
    return told.select(
        "example_id",
        pl.lit(None, dtype=pl.String).alias("other_id"),
        pl.lit(bare.height, dtype=pl.Int64).alias("rows"),
        pl.lit(labelled, dtype=pl.Int64).alias("of"),
        pl.lit(0, dtype=pl.Int64).alias("spellings"),
    ).cast(PAIRS)


def _proposal(text: str, wanted: str, evidence: dict[str, int]) -> tuple[str, str, float, str]:
    """(label, action, score, evidence): an edit where the text can be spelt so, else for review."""
    case = case_of(wanted)
    if case is not None and spelt(text, case) == wanted:
        return "label-spelling", "edit", 1.0, json.dumps({**evidence, "edit": {"spelling": case}})
    return "label-spelling", "review", 0.5, json.dumps(evidence)
