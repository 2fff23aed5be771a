"""Over- and undersampling of the training part by label; validation and test are never touched.

A dataset version holds each row once, whatever is repeated: a row that training should meet more often
carries `repeat` in its layout, so no check takes it for a duplicate and no retrieval finds it twice.
`repeated` writes the copies out, for export and training. A row that is left out of training loses its
split, and stays in the version.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.dividing.together import ranks
from curate.errors import ConfigError
from curate.example import digest

TRAIN = "train"
MARK = "repeat"  # key of the layout; how many times the row stands in the training file
METHODS = ("none", "oversample", "undersample", "both")
CAP = 10.0


@dataclass(frozen=True)
class Balance:
    """How the labels of the training part are evened out.

    `oversample` repeats rows of the smaller labels, `undersample` leaves out rows of the larger ones,
    `both` does either, so that about as many rows remain. Aimed at are rows in proportion to
    n ** (1 / temperature): 1 leaves all as it is, infinity makes all labels equal. `cap` is the most by
    which a label's rows are multiplied or divided.
    """

    method: str = "none"
    temperature: float = math.inf
    cap: float = CAP

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"balance is `{self.method}`", hint=f"one of {', '.join(METHODS)}")
        if not self.temperature >= 1:
            raise ConfigError(f"temperature is {self.temperature}", hint="1 (as it is) or more, or inf")
        if not 1 <= self.cap < math.inf:
            raise ConfigError(f"cap is {self.cap}", hint="1 or more")


@dataclass(frozen=True)
class Balanced:
    """What was done to the training part, in rows."""

    method: str
    temperature: float | str
    cap: float
    before: int
    after: int  # rows that training meets, copies counted
    copies: int
    left_out: int
    labels: dict[str, dict[str, int]]  # label to rows before, after and wanted; the largest SHOWN
    capped: int  # labels that the cap kept from what was wanted

    def as_json(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person."""
        said = (
            f"  {self.method}: training meets {self.after:,} rows ({self.before:,} + {self.copies:,} copies"
        )
        lines = [f"{said} - {self.left_out:,} left out); validation and test as they were"]
        if self.capped:
            lines.append(
                f"  warning: {self.capped:,} labels would need a cap above {self.cap:g} to be as even as asked"
            )
        return lines


SHOWN = 200


def balance(examples: pl.DataFrame, how: Balance, *, seed: int = 0) -> tuple[pl.DataFrame, Balanced | None]:
    """(the examples with copies marked and rows left out, what was done); None for the method `none`.

    Rows without a label are left as they are. Which rows are repeated or left out depends on their ids
    and the seed only. Earlier marks are taken away first.
    """
    examples = unmarked(examples)
    if how.method == "none":
        return examples, None
    table = examples.select("example_id", "label", "split").with_row_index("row")
    train = table.filter((pl.col("split") == TRAIN) & pl.col("label").is_not_null())
    if train.is_empty():
        raise ConfigError("no training row has a label to balance by", hint="import with --label, and split")
    counts = train.group_by("label").len("rows").sort("label")
    rows = counts["rows"].to_numpy().astype(float)
    wanted = _wanted(rows, how)
    allowed = np.clip(wanted, np.ceil(rows / how.cap), np.floor(rows * how.cap)).round().astype(np.int64)
    ranked = train.with_columns(rank=pl.Series(ranks(train["example_id"], seed, "balance")))
    ranked = ranked.join(counts.with_columns(allowed=pl.Series(allowed)), on="label")
    place = ranked.select(pl.col("rank").rank("ordinal").over("label") - 1).to_series()
    times = ranked["allowed"] // ranked["rows"] + (place < ranked["allowed"] % ranked["rows"]).cast(pl.Int64)
    marks = pl.DataFrame({"row": ranked["row"], MARK: times})
    told = Balanced(
        how.method,
        how.temperature if math.isfinite(how.temperature) else "inf",
        how.cap,
        int((examples["split"] == TRAIN).sum()),
        int((examples["split"] == TRAIN).sum() + allowed.sum() - rows.sum()),
        int((times - 1).clip(0).sum()),
        int((times == 0).sum()),
        _by_label(counts["label"].to_list(), rows, allowed, wanted),
        int((np.abs(allowed - wanted) > 1).sum()),
    )
    return _marked(examples, marks), told


def _wanted(rows: NDArray[np.float64], how: Balance) -> NDArray[np.float64]:
    """How many rows each label should have."""
    shape = (rows / rows.max()) ** (1 / how.temperature)
    scale = {
        "oversample": rows.max(),
        "undersample": (rows / shape).min(),
        "both": rows.sum() / shape.sum(),
    }
    return np.asarray(shape * scale[how.method], dtype=np.float64)


def _by_label(
    labels: Sequence[str], rows: NDArray[np.float64], after: NDArray[np.int64], wanted: NDArray[np.float64]
) -> dict[str, dict[str, int]]:
    order = sorted(range(len(labels)), key=lambda n: (-rows[n], labels[n]))[:SHOWN]
    return {
        labels[n]: {"before": int(rows[n]), "after": int(after[n]), "wanted": round(float(wanted[n]))}
        for n in order
    }


def _marked(examples: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """The examples with `repeat` in the layout of rows that stand more than once, and no split where never."""
    layouts, splits = examples["layout"].to_list(), examples["split"].to_list()
    for row, times in marks.filter(pl.col(MARK) != 1).iter_rows():
        if times == 0:
            splits[row] = None
        else:
            layouts[row] = _text({**json.loads(layouts[row] or "{}"), MARK: times})
    return examples.with_columns(
        pl.Series("layout", layouts, dtype=pl.String), pl.Series("split", splits, dtype=pl.String)
    )


def unmarked(examples: pl.DataFrame) -> pl.DataFrame:
    """The examples without marks of an earlier balance."""
    return (
        examples.with_columns(
            pl.when(_has_mark())
            .then(pl.col("layout").map_elements(_without, return_dtype=pl.String))
            .otherwise("layout")
            .alias("layout")
        )
        if examples.select(_has_mark().any()).item()
        else examples
    )


def _has_mark() -> pl.Expr:
    return pl.col("layout").str.contains(f'"{MARK}":', literal=True).fill_null(value=False)


def _without(layout: str) -> str:
    known = json.loads(layout)
    return _text({key: value for key, value in known.items() if key != MARK})


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def times_of(examples: pl.DataFrame) -> pl.Series:
    """How many times each row stands in the training file: 1, or what its mark says; only of training rows."""
    marked = examples.select((_has_mark() & (pl.col("split") == TRAIN)).fill_null(value=False)).to_series()
    times = pl.Series(MARK, [1] * examples.height, dtype=pl.Int64)
    if not marked.any():
        return times
    at = marked.arg_true()
    return times.scatter(at, [int(json.loads(text).get(MARK, 1)) for text in examples["layout"].gather(at)])


def repeated(examples: pl.DataFrame) -> pl.DataFrame:
    """The examples with each copy as a row of its own, after its original, under an id of its own."""
    times = times_of(examples)
    if not (times > 1).any():
        return examples
    number = pl.Series([n for count in times for n in range(count)], dtype=pl.Int64)
    rows = examples[np.repeat(np.arange(examples.height), times.to_numpy())]
    ids = [
        name if not n else digest(name, "copy", str(n))
        for name, n in zip(rows["example_id"], number, strict=True)
    ]
    return rows.with_columns(pl.Series("example_id", ids, dtype=pl.String))
