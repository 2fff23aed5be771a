"""The report as one HTML file: no script, nothing fetched, all text from data escaped and made visible."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from curate.visible import visible
from evalharness.deciding import wording
from evalharness.deciding.comparison import ArmAnswer, Check, Comparison, ExampleRow, Examples
from evalharness.deciding.declared import said_of
from evalharness.deciding.verdict import verdict_block
from evalharness.report.forest import believed_plot, forest
from evalharness.report.tables import matrices, metric_lines, right_word, slices_by, worse_words
from evalharness.report.worddiff import marked

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

OUTCOMES = {"SHIP": "ship", "DO NOT SHIP": "no", "NOT SHOWN": "open"}
KIND_WORDS = {"lost": "Regression", "won": "Gain", "none right": "None right", "alike": "No difference"}
# key, word, meaning; a key is a kind or a mark of `sidebyside`
FILTERS = (
    ("lost", "Regressions", "a baseline did better than the fine-tune"),
    ("won", "Gains", "the fine-tune did better than every baseline"),
    ("fixed", "Fixed", "the fine-tune did better than the base"),
    ("none", "All fail", "no arm got it right"),
    ("flip", "Flips", "the fine-tune’s result is another than the base’s, either way"),
    ("error", "Errors", "some arm gave no answer"),
    ("alike", "No difference", "the best baseline did as well as the fine-tune"),
)
# conditions that have a panel of their own below, "What was lost": where they passed, the list only names them
PANEL = ("forgetting", "held-out loss", "red team", "instrument")
KEYS = {"lost": "lost", "won": "won", "none right": "none", "alike": "alike"}


@dataclass(frozen=True)
class Filter:
    """One choice of which examples to show."""

    key: str
    word: str
    meaning: str
    shown: int
    total: int | None  # in the whole comparison, where that is known


def keys_of(row: ExampleRow) -> list[str]:
    """The filters under which an example stands."""
    return [KEYS[row["kind"]], *row.get("marks", [])]


def filters(examples: Examples) -> list[Filter]:
    """The filters with how many examples each would show."""
    counts: dict[str, int] = {}
    for row in examples["rows"]:
        for key in keys_of(row):
            counts[key] = counts.get(key, 0) + 1
    totals = {KEYS[kind]: count for kind, count in examples["kinds"].items()}
    return [Filter(key, word, meaning, counts.get(key, 0), totals.get(key)) for key, word, meaning in FILTERS]


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


def figure(value: float | None, unit: str) -> str:
    """A measured value or its limit."""
    return "n/a" if value is None else typographic(wording.measured(value, unit))


def _text(value: str | None, characters: int, reference: str) -> Markup:
    """One text of an example, with what the reference lacks marked; how much of it is shown, if not all."""
    from markupsafe import Markup

    if not value:
        return Markup('<p class="none">no answer</p>' if value is None else '<p class="none">empty</p>')
    shown = Markup(f"<p>{marked(value, reference)}</p>")  # escaped by `marked`
    if characters > len(value):
        shown += Markup(f'<p class="note">{len(value):,} of {characters:,} characters shown</p>')
    return shown


def apart(said: ArmAnswer) -> bool:
    """Whether the label that an arm picked is worth saying: its answer does not begin with it."""
    return said["label"] is not None and not (said["answer"] or "").startswith(said["label"])


def _rightly(primary: str) -> Callable[[float | None], Markup]:
    """How one answer did, as the page shows it."""
    from markupsafe import Markup, escape

    @cache
    def word(value: float | None) -> Markup:
        kind = "right" if value == 1 else "wrong" if value == 0 else "part"
        return Markup(f'<span class="{kind}">{escape(right_word(value, primary))}</span>')  # escaped

    return word


def troubles_first(checks: Sequence[Check]) -> list[Check]:
    """The conditions with those first that stand in the way of a SHIP, and what only informs last."""
    rank = {"fail": 0, "not measured": 1, "pass": 2}
    return sorted(checks, key=lambda check: rank[check["state"]] if check["required"] else 3)


@cache
def _style() -> str:
    return (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")


@cache
def style_hash() -> str:
    """The style sheet's hash, as a content policy names it: no other style acts in the page."""
    return "sha256-" + b64encode(sha256(_style().encode()).digest()).decode()


@cache
def environment() -> Environment:
    """The templates, with autoescape and every text made harmless before it is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "shown": wording.shown_words,
        "fraction": wording.fraction,
        "figure": figure,
        "said_of": said_of,
        "strange_words": wording.strange_words,
        "signed": lambda value: typographic(wording.signed(value)),
        "plain": wording.plain,
        "points": wording.points,
        "probability": wording.probability,
        "typographic": typographic,
        "short": short,
        "listed": wording.listed,
        "seconds": lambda value: "n/a" if value is None else f"{value:.3f}",
    }
    made.globals |= {
        "span": wording.span,
        "signed_span": lambda low, high: typographic(wording.signed_span(low, high)),
        "text": _text,
        "apart": apart,
        "own": Markup(' class="own"'),
        "style": Markup(_style()),  # our own file
        "style_hash": style_hash(),
        "classes": lambda row: " ".join(f"x-{key}" for key in keys_of(row)),
        "kind_word": KIND_WORDS,
    }
    return made


def html(comparison: Comparison, page: Examples | None = None, sends: Sequence[str] = ()) -> str:
    """The whole report; to be read without script, in light, dark and print.

    `page` are the examples to show, by default those that the comparison holds; `sends` the commands that
    send them to curation.
    """
    believed = comparison["believed"]
    examples = page or comparison["examples"]
    choices = filters(examples)
    first = next((each.key for each in choices if each.key in ("lost", "won") and each.shown), None)
    plotted = forest(comparison)
    left = comparison.get("slices_left", {})
    return environment().get_template("report.html").render(
        c=comparison,
        e=examples,
        rightly=_rightly(comparison["settings"]["primary"]),
        tone=OUTCOMES[comparison["verdict"]["outcome"]],
        headline=wording.headline(comparison),
        block="\n".join(verdict_block(comparison)),
        forest=plotted,
        detectable=any(bar.detectable is not None for bar in plotted.bars),
        believed_plot=believed_plot(believed) if believed else None,
        believed_words=wording.believed_words(believed) if believed else None,
        lines=metric_lines(comparison),
        tuned_baselines=any(row["candidates"] for row in comparison.get("fair_chance", [])),
        slices=slices_by(comparison),
        worse=worse_words(comparison),
        slices_left="; ".join(f"{by} ({why})" for by, why in left.items()),
        confusion=matrices(comparison),
        filters=choices,
        first=first,
        sends="\n".join(sends),
        rows_words=wording.rows_words(comparison),
        readings_words=wording.readings_words(comparison),
        read_words=re.split("(?=, and|; )", wording.read_words(comparison["readings"]), maxsplit=1),
        check_words=wording.check_words(comparison["checks"]),
        beaten_words=wording.beaten_words(comparison),
        checks=troubles_first(comparison["checks"]),
        panel=PANEL,
        instrument=wording.instrument_words(comparison),
        prices=wording.cost_words(comparison),
        again=wording.again_words(comparison),
        toy_words=wording.TOY,
        commands=list(dict.fromkeys(step["command"] for step in comparison["lineage"])),
        settings=json.dumps(comparison["settings"], indent=1, sort_keys=True),
        date=comparison["subject"]["scored_at"][:10],
    )  # fmt: skip
