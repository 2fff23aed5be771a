"""A metric by what `--metric` says: a name of ours, `evaluate:NAME`, or a Python file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from curate.errors import ConfigError
from evalharness.metrics.custom import custom
from evalharness.metrics.described import Latency, Length, Refusal, Repetition, Throughput
from evalharness.metrics.from_evaluate import PREFIX, from_evaluate
from evalharness.metrics.metric import Metric
from evalharness.metrics.text import ExactMatch, RougeF, TokenF1
from evalharness.metrics.translation import Bleu, Chrf

ROUGE = re.compile(r"rouge([1-9]|L|Lsum)(:stem)?")
PLAIN: dict[str, Callable[[], Metric]] = {
    "exact-match": ExactMatch,
    "token-f1": TokenF1,
    "bleu": Bleu,
    "chrf": Chrf,
    "refusal": Refusal,
    "repetition": Repetition,
    "length": Length,
    "tokens": lambda: Length("tokens"),
    "seconds": Latency,
    "first-token-seconds": lambda: Latency("first-token-seconds"),
    "tokens-a-second": Throughput,
}


def asked_metric(name: str) -> Metric:
    """The metric of a name or file; ConfigError for one that is not known."""
    if name.startswith(PREFIX):
        return from_evaluate(name)
    if name.endswith(".py"):
        return custom(Path(name))
    if ROUGE.fullmatch(name):
        return RougeF(name)
    if name.startswith("bleu:"):
        return Bleu(name.partition(":")[2], name)
    if name in PLAIN:
        return PLAIN[name]()
    raise ConfigError(
        f"--metric {name}: no such metric",
        hint=f"{', '.join(PLAIN)}, rouge1 to rouge9, rougeL, rougeLsum (each also with :stem), bleu:TOKENIZER, "
        "evaluate:NAME, or a Python file",
    )
