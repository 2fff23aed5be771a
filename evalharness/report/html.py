"""The report as one HTML file: no script, nothing fetched, all text from data escaped and made visible."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from curate.visible import visible
from evalharness import wording
from evalharness.comparison import Comparison
from evalharness.report.forest import believed_plot, forest
from evalharness.report.tables import metric_lines, right_word
from evalharness.sidebyside import KINDS
from evalharness.verdict import verdict_block

if TYPE_CHECKING:
    from jinja2 import Environment

OUTCOMES = {"SHIP": "ship", "DO NOT SHIP": "no", "NOT SHOWN": "open"}
KIND_WORDS = {
    "lost": ("Regressions", "Regression", "a baseline did better than the fine-tune"),
    "won": ("Gains", "Gain", "the fine-tune did better than every baseline"),
    "none right": ("None right", "None right", "no arm got it right"),
    "alike": ("No difference", "No difference", "the best baseline did as well as the fine-tune"),
}


def _shown(value: object) -> object:
    """What an expression of the template becomes before it is escaped."""
    from markupsafe import Markup

    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def typographic(text: str) -> str:
    """Text whose figures have a true minus sign and do not part from their units."""
    return wording.unbroken(re.sub(r"(?<![\w.])-(?=[\d.])", "\N{MINUS SIGN}", text))


def short(digest: str) -> str:
    """The beginning of a digest, enough to name it."""
    return digest[:12]


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "fraction": wording.fraction,
        "strange_words": wording.strange_words,
        "signed": lambda value: typographic(wording.signed(value)),
        "plain": wording.plain,
        "points": wording.points,
        "probability": wording.probability,
        "typographic": typographic,
        "short": short,
        "listed": wording.listed,
    }
    environment.globals |= {
        "span": wording.span,
        "signed_span": lambda low, high: typographic(wording.signed_span(low, high)),
        "right_word": right_word,
    }
    return environment


def html(comparison: Comparison) -> str:
    """The whole report; to be read without script, in light, dark and print."""
    believed = comparison["believed"]
    shown = {kind: sum(row["kind"] == kind for row in comparison["examples"]["rows"]) for kind in KINDS}
    return _environment().get_template("report.html").render(
        c=comparison,
        tone=OUTCOMES[comparison["verdict"]["outcome"]],
        headline=wording.headline(comparison),
        block="\n".join(verdict_block(comparison)),
        forest=forest(comparison),
        believed_plot=believed_plot(believed) if believed else None,
        believed_words=wording.believed_words(believed) if believed else None,
        lines=metric_lines(comparison),
        kinds=[(kind, *KIND_WORDS[kind]) for kind in KINDS],
        places={kind: place for place, kind in enumerate(KINDS, start=1)},
        shown=shown,
        first=next((kind for kind in ("lost", "won") if shown[kind]), None),
        rows_words=wording.rows_words(comparison),
        readings_words=wording.readings_words(comparison),
        toy_words=wording.TOY,
        commands=list(dict.fromkeys(step["command"] for step in comparison["lineage"])),
        settings=json.dumps(comparison["settings"], indent=1, sort_keys=True),
        date=comparison["subject"]["scored_at"][:10],
    )  # fmt: skip
