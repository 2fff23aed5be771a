"""A sample of deployment inputs compared with the training part: what is missing, what has shifted. Pure.

Three questions, each with its doubt: which inputs lie farther from every training row than training rows
lie from one another; whether labels, lengths and languages are mixed otherwise; and how well a classifier
can tell the two apart.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.checks.wording import wordings
from curate.dividing.strata import languages
from curate.dividing.together import ranks
from curate.errors import ConfigError
from curate.inputs.regions import Region, regions_of
from curate.inputs.shift import Shift, distinguished, drift_of, mix_of
from curate.scanning.embedding import Vectors

Rows = NDArray[np.float32]

MOST_TRAIN = 50_000  # distinct training texts that are compared with; more are sampled, which is said
MOST_INPUTS = 5_000
LEVEL = 0.95  # the distance that so many of the training rows lie within, of their nearest other
LEAST = 20  # rows on either side; fewer show nothing
WORDS = "words (TF-IDF)"
CLEAR = 0.001  # a p below it is called a difference


@dataclass(frozen=True)
class Limits:
    """From where the two are called clearly different: the lower ends of the two intervals."""

    missing: float = 0.10  # share of inputs in no region of the training part; 0.05 is what chance gives
    auc: float = 0.70  # of the classifier that tells the two apart; 0.5 is chance
    language: float = 0.20  # Cramer's V of the languages, where chance alone would hardly give it


@dataclass(frozen=True)
class Coverage:
    """What came of the comparison. Shares and AUC come with 95 % intervals."""

    compared_by: str  # the encoder, or words
    train_rows: int  # distinct texts compared, of the training part
    input_rows: int
    train_total: int
    input_total: int
    distance: float  # within which LEVEL of the training rows have their nearest other
    missing: int
    missing_share: float
    missing_low: float
    missing_high: float
    regions: list[Region]
    mix: list[dict[str, Any]]  # label: share of train, estimated share of the inputs, low, high
    drift: list[Shift]  # length, language
    auc: float
    auc_low: float
    auc_high: float
    limits: Limits
    different: bool
    notes: list[str] = field(default_factory=list)

    def as_json(self, *, words: bool = True) -> dict[str, Any]:
        """As plain values; without `words` no region says a word of the inputs."""
        said = asdict(self)
        if not words:
            said["regions"] = [
                {name: value for name, value in region.items() if name != "words"}
                for region in said["regions"]
            ]
        return said


def coverage(
    train: pl.DataFrame, inputs: pl.DataFrame, vectors: Vectors | None = None, limits: Limits | None = None
) -> Coverage:
    """Compare examples that are learned from with inputs that will be met (both columns of EXAMPLES).

    Compared are the questions; where a row has none, all that it says. With `vectors` by cosine of
    meaning, else by the words. Raises ConfigError for fewer than LEAST distinct texts on a side.
    """
    limits = limits or Limits()
    known, met = _texts(train, MOST_TRAIN), _texts(inputs, MOST_INPUTS)
    for what, table in (("training", known), ("input", met)):
        if table.height < LEAST:
            raise ConfigError(
                f"{table.height} distinct {what} texts", hint=f"it takes {LEAST} of each to compare anything"
            )
    base, asked = _points(known["text"].to_list(), met["text"].to_list(), vectors)
    distance = float(np.quantile(1 - _nearest_other(base), LEVEL))
    away = 1 - _nearest(asked, base)
    # distances are of single precision: equal ones must not differ by rounding
    missing = np.flatnonzero(away > distance + 1e-6)
    low, high = wilson(len(missing), met.height)
    auc, auc_low, auc_high = distinguished(base, asked)
    spoken = drift_of("language", languages(known["text"]), languages(met["text"]))
    notes = [
        f"{total:,} {what} rows: {table.height:,} distinct texts compared"
        for what, total, table in (("training", train.height, known), ("input", inputs.height, met))
        if total != table.height
    ]
    return Coverage(
        compared_by=vectors.encoder.told if vectors else WORDS,
        train_rows=known.height,
        input_rows=met.height,
        train_total=train.height,
        input_total=inputs.height,
        distance=round(distance, 4),
        missing=len(missing),
        missing_share=round(len(missing) / met.height, 4),
        missing_low=round(low, 4),
        missing_high=round(high, 4),
        regions=regions_of(met, missing, asked, known),
        mix=mix_of(base, known["label"], asked),
        drift=[
            drift_of("length in characters", known["text"].str.len_chars(), met["text"].str.len_chars()),
            spoken,
        ],
        auc=round(auc, 4),
        auc_low=round(auc_low, 4),
        auc_high=round(auc_high, 4),
        limits=limits,
        different=low > limits.missing or auc_low > limits.auc or _tongues_differ(spoken, limits),
        notes=notes,
    )


def _tongues_differ(spoken: Shift, limits: Limits) -> bool:
    """Whether the languages are mixed otherwise: neither chance nor a trifle."""
    return spoken.p < CLEAR and spoken.effect > limits.language


def _texts(examples: pl.DataFrame, most: int) -> pl.DataFrame:
    """`text`, `label`, `place`: each distinct text once; at most so many, chosen by their ids."""
    said = [(w.question or "\n".join(w.parts("whole"))).strip() for w in wordings(examples)]
    place = pl.concat_str("source", pl.lit(":"), pl.col("source_row").cast(pl.String), ignore_nulls=True)
    table = examples.select("example_id", "label", place=place, text=pl.Series(said, dtype=pl.String))
    table = table.filter(pl.col("text") != "")
    ordered = table.with_columns(rank=pl.Series(ranks(table["example_id"], 0, "coverage"))).sort("rank")
    return ordered.unique("text", keep="first", maintain_order=True).head(most)


def _points(known: list[str], met: list[str], vectors: Vectors | None) -> tuple[Any, Any]:
    """Unit rows for both, dense by an encoder, sparse by words."""
    if vectors is not None:
        return vectors.of(known), vectors.of(met)
    from sklearn.feature_extraction.text import TfidfVectorizer

    make = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, min_df=1, token_pattern=r"(?u)\w+", dtype=np.float32
    )
    # learned on both, so that words which only the inputs have push them away from the training rows
    make.fit([*known, *met])
    return make.transform(known), make.transform(met)


BLOCK = 1_024


def _nearest(queries: Any, base: Any) -> Rows:  # noqa: ANN401 - dense or sparse
    """The cosine of each query's nearest row of `base`."""
    turned = base.T
    best = [_dense(queries[at : at + BLOCK] @ turned).max(axis=1) for at in range(0, queries.shape[0], BLOCK)]
    return np.concatenate(best)


def _nearest_other(base: Any) -> Rows:  # noqa: ANN401
    """The cosine of the nearest other row, of at most MOST_INPUTS rows."""
    turned, best = base.T, []
    few = min(base.shape[0], MOST_INPUTS)
    for at in range(0, few, BLOCK):
        found = _dense(base[at : min(at + BLOCK, few)] @ turned)
        found[np.arange(len(found)), np.arange(at, at + len(found))] = -1
        best.append(found.max(axis=1))
    return np.concatenate(best)


def _dense(product: Any) -> Rows:  # noqa: ANN401
    return np.asarray(product.toarray() if hasattr(product, "toarray") else product, dtype=np.float32)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    z, share = 1.959964, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))
