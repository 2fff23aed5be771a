"""The command `declare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curate.answer import Answer
from curate.errors import ConfigError

if TYPE_CHECKING:
    from evalharness.deciding.comparison import Declared, Limits, Prices

DATASET = Annotated[str | None, typer.Argument(help="name or digest; by default the one named last")]
PRIMARY = Annotated[str | None, typer.Option(help="the metric that decides: accuracy, or rougeL")]
MARGIN = Annotated[float | None, typer.Option(help="a gain up to this fraction is no gain: .01")]
ALPHA = Annotated[float | None, typer.Option(help="one-sided error rate of the verdict: .05")]
PRICE_IN = Annotated[str | None, typer.Option(metavar="BASE[,TUNED]", help="of a million tokens read")]
PRICE_OUT = Annotated[str | None, typer.Option(metavar="BASE[,TUNED]", help="of a million tokens written")]
MAX = Annotated[
    list[str] | None,
    typer.Option(
        "--max",
        metavar="NAME=VALUE",
        help="seconds, tokens, cost, format, forgetting, held-out-loss, red-team; may be repeated",
    ),
]
WAIVE = Annotated[
    list[str] | None,
    typer.Option(help='at an endpoint not required: forgetting, "held-out loss"'),
]


def declare(
    dataset: DATASET = None,
    primary: PRIMARY = None,
    margin: MARGIN = None,
    alpha: ALPHA = None,
    most: MAX = None,
    price_in: PRICE_IN = None,
    price_out: PRICE_OUT = None,
    waive: WAIVE = None,
    seed: Annotated[int | None, typer.Option(help="of resampling: 0")] = None,
    endpoint: Annotated[str | None, typer.Option(help="the judge's, where --primary is judge:NAME")] = None,
    model: Annotated[str, typer.Option(help="the judge's name there")] = "",
    format_regex: Annotated[str | None, typer.Option(help="the form of an answer, as for score")] = None,
    format_schema: Annotated[Path | None, typer.Option(help="or a file with its JSON Schema")] = None,
) -> Answer:
    """Say what will decide, before anything answers the test; without options, what was said."""
    from curate.workspace import Workspace
    from evalharness.deciding.compare import ALPHA, MARGIN
    from evalharness.deciding.content import content_of
    from evalharness.deciding.declared import declare as record
    from evalharness.deciding.declared import declared_of
    from evalharness.metrics.form import form_of

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    limits, prices = limits_of(most or ()), prices_of(price_in, price_out)
    form = form_of(format_regex, format_schema)
    asked = any(value is not None for value in (primary, margin, alpha, seed, form, prices, waive)) or limits
    if asked:
        decides, content = content_of(primary, endpoint, model)
        record(
            workspace,
            digest,
            primary=decides,
            margin=MARGIN if margin is None else margin,
            alpha=ALPHA if alpha is None else alpha,
            limits=limits,
            seed=seed or 0,
            content=content,
            form=form,
            prices=prices,
            waived=waive or (),
        )
    found = declared_of(workspace, digest)
    title = f"{workspace.name_of(digest) or digest[:8]}, test rows"
    lines = [title, *_lines(found, asked=bool(asked))]
    return Answer(lines, {"dataset": digest, "declared": found})


def limits_of(words: list[str] | tuple[()]) -> Limits:
    """`NAME=VALUE` as limits; ConfigError for a name that is none, or a value that is no number."""
    from evalharness.deciding.comparison import Limits
    from evalharness.deciding.declared import LIMITS

    names = {name.replace("_", "-"): name for name in LIMITS}
    found = Limits()
    for word in words:
        name, _, value = word.partition("=")
        if name.replace(" ", "-") not in names:
            raise ConfigError(f"--max {word}", hint=f"NAME=VALUE; the names are {', '.join(names)}")
        try:
            found[names[name.replace(" ", "-")]] = float(value)  # type: ignore[literal-required]
        except ValueError as error:
            raise ConfigError(f"--max {word}: a number is needed", hint="as --max seconds=2") from error
    return found


def prices_of(read: str | None, written: str | None) -> Prices | None:
    """Prices of a million tokens as `--price-in` and `--price-out` tell them; both or neither (ConfigError)."""
    from evalharness.deciding.comparison import Prices

    if read is None and written is None:
        return None
    if read is None or written is None:
        raise ConfigError("--price-in and --price-out go together", hint="0 where one of them is free")
    first, second = _pair("--price-in", read), _pair("--price-out", written)
    return Prices(read=first[0], written=second[0], tuned_read=first[1], tuned_written=second[1])


def _pair(option: str, text: str) -> tuple[float, float]:
    """(base, fine-tune); one number is both."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"{option} {text}: a number, or two", hint="as .5, or .5,1.2") from error
    if len(values) > 2 or not all(0 <= value < float("inf") for value in values):
        raise ConfigError(f"{option} {text}: a number from 0 on, or two", hint="as .5, or .5,1.2")
    return values[0], values[-1]


def _lines(found: Declared, *, asked: bool) -> list[str]:
    """A line or two for each declaration."""
    from evalharness.deciding.declared import said_of

    bound = found["binding"]
    lines = []
    for each in found["all"]:
        mark = "binds" if bound and each["run_id"] == bound["run_id"] else "does not bind"
        when = "before any answer" if each["before"] else "after the first answer"
        lines.append(f"  {each['declared_at'][:16].replace('T', ' ')}  {each['digest'][:8]}  {mark}, {when}")
        lines.append(f"                              {said_of(each)}")
    if not found["all"]:
        lines.append("  nothing is declared: the first seatrial predict on the test declares the defaults")
    late = asked and found["all"] and not found["all"][-1]["before"]
    if late:
        lines.append(
            "these rows were answered before: it is recorded and does not bind; fresh test rows would let it"
        )
    return lines
