"""What a finding is, as columns; its shape; and the digest that names it."""

from __future__ import annotations

import polars as pl

from curate.example import digests

FINDINGS = pl.Schema(
    {
        "finding_id": pl.String,  # the same claim about the same text at the same place keeps its id
        "check": pl.String,
        "version": pl.Int32,  # of the check that made the claim
        "label": pl.String,  # which kind: EMAIL, exact, train/test ...
        "example_id": pl.String,
        "other_id": pl.String,  # the counterpart of a pair; in a cluster the keeper (null on the keeper)
        "cluster_id": pl.String,
        "message": pl.Int32,  # index of the message; null for the whole example
        "field": pl.String,  # place within it, as `curate.example.strings` names them
        "start": pl.Int32,  # characters (not bytes), half open
        "end": pl.Int32,
        "score": pl.Float64,  # 0 to 1, higher is surer
        "action": pl.String,  # proposed: keep, drop, redact, edit or review
        "blocking": pl.Boolean,  # split and export refuse while it is open
        "evidence": pl.String,  # a small JSON object for the reader; never a raw personal value
    }
)

ACTIONS = ("keep", "drop", "redact", "edit", "review")

SHAPE = (
    pl.when(pl.col("cluster_id").is_not_null())
    .then(pl.lit("cluster"))
    .when(pl.col("other_id").is_not_null())
    .then(pl.lit("pair"))
    .when(pl.col("start").is_not_null())
    .then(pl.lit("span"))
    .otherwise(pl.lit("example"))
    .alias("shape")
)

ORDER = ("check", "label", "cluster_id", "example_id", "message", "field", "start", "other_id")


PERHAPS = "perhaps"  # in the evidence of a person who may be none: what it may be


def perhaps_nobody() -> pl.Expr:
    """Of findings: whether it is a name that is perhaps a product, a company or a label (`curate.names.spread`)."""
    return (pl.col("check") == "pii") & pl.col("evidence").str.contains(f'"{PERHAPS}": "', literal=True)


def empty() -> pl.DataFrame:
    """A table of no findings."""
    return pl.DataFrame(schema=FINDINGS)


def complete(findings: pl.DataFrame) -> pl.DataFrame:
    """Findings with each column of FINDINGS in its order and type; absent is null."""
    return findings.select(
        (pl.col(name) if name in findings.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in FINDINGS.items()
    )


def stamp(findings: pl.DataFrame, hashes: dict[str, str], *, check: str, version: int) -> pl.DataFrame:
    """The findings of one check with check, version and id, in their one order.

    `hashes` maps the id of each example named, on either side, to its content hash. The id does not
    depend on score, settings or version: a decision outlives a new scan and ends with an edit.
    """
    known = complete(findings)
    named = {*known["example_id"], *known["other_id"].drop_nulls()}
    hashes = {name: hashes[name] for name in named if name in hashes}
    missing = set(known["example_id"]) - hashes.keys()
    if missing:
        raise KeyError(min(missing))
    said = known.select(
        pl.lit(check),
        "example_id",
        pl.col("example_id").replace_strict(hashes, return_dtype=pl.String).alias("hash"),
        "other_id",
        pl.col("other_id").replace_strict(hashes, default=None, return_dtype=pl.String).alias("other_hash"),
        *(pl.col(name).cast(pl.String) for name in ("label", "message", "field", "start", "end")),
    )
    ids = digests(said)
    stamped = known.with_columns(
        pl.Series("finding_id", ids, dtype=pl.String),
        check=pl.lit(check),
        version=pl.lit(version, dtype=pl.Int32),
        blocking=pl.col("blocking").fill_null(value=False),
        score=pl.col("score").fill_null(1.0),
        action=pl.col("action").fill_null("review"),
        evidence=pl.col("evidence").fill_null("{}"),
    )
    return stamped.unique("finding_id", keep="first", maintain_order=True).sort(
        *ORDER, "finding_id", nulls_last=False
    )
