"""The history of a dataset's comparisons as one HTML file and as Markdown."""

from __future__ import annotations

from evalharness.deciding import wording
from evalharness.report.forest import Axis, Bar, Plot, Tick, steps
from evalharness.report.history import History, Past
from evalharness.report.html import OUTCOMES, environment, typographic
from evalharness.report.markdown import escaped, table

PLOTTED = 40  # comparisons in the plot; all are in the table


def plotted(found: History) -> Plot:
    """The candidate's mean by the primary metric, a line a comparison, the newest first."""
    rows = [row for row in found["rows"][:PLOTTED] if row["mean"] is not None]
    known = [v for row in rows for v in (row["mean"], row["low"], row["high"]) if v is not None] or [0.0, 1.0]
    axis = Axis(min(known), max(known))
    bars = [
        Bar(
            name=f"{row['compared_at'][:16].replace('T', ' ')}  {row['outcome']}",
            text=f"{wording.fraction(row['mean'])} ({wording.span(row['low'], row['high'])})",
            note=f"n = {row['n']}",
            at=axis.at(row["mean"]),
            low=axis.at(row["low"]),
            high=axis.at(row["high"]),
            inner_low=None,
            inner_high=None,
        )
        for row in rows
    ]
    ticks = [Tick(axis.place(v), wording.fraction(v)) for v in steps(axis.low, axis.high)]
    said = "; ".join(f"{bar.name} {bar.text}" for bar in bars)
    return Plot(bars, ticks, axis.low, axis.low, f"The fine-tune by comparison, newest first: {said}.")


def history_html(found: History) -> str:
    """The page: a plot, and a table of every comparison."""
    return (
        environment()
        .get_template("history.html")
        .render(
            h=found,
            plot_of=plotted(found),
            tones=OUTCOMES,
            baselines=baselines(found),
            most=PLOTTED,
            gain=lambda row, baseline: [typographic(part) for part in gain(row, baseline)],
        )
    )


def baselines(found: History) -> list[str]:
    """Every baseline that some comparison has."""
    return list(dict.fromkeys(each["baseline"] for row in found["rows"] for each in row["against"]))


def gain(row: Past, baseline: str) -> tuple[str, str]:
    """The gain over one baseline in points, and its interval."""
    for each in row["against"]:
        if each["baseline"] == baseline:
            return wording.signed(each["difference"]), wording.signed_span(each["low"], each["high"])
    return "n/a", ""


def history_markdown(found: History) -> str:
    """The same table as Markdown."""
    names = baselines(found)
    rows = [
        (
            row["compared_at"][:16].replace("T", " "),
            row["outcome"],
            escaped(row["primary"]),
            f"{wording.fraction(row['mean'])} ({wording.span(row['low'], row['high'])})",
            str(row["n"]),
            *(
                " ".join([first, f"({between})" * bool(between)]).strip()
                for first, between in (gain(row, n) for n in names)
            ),
            f"`{(row['adapter'] or 'unknown')[:12]}`",
            escaped(", ".join(row["unlike"]) or "no"),
            f"`{row['comparison'][:12]}`",
        )
        for row in found["rows"]
    ]
    head = ("when", "verdict", "metric", "fine-tune (95 %)", "n", *(f"over {escaped(n)}, points" for n in names),
            "adapter", "other than the newest", "comparison")  # fmt: skip
    return "\n".join([f"# Comparisons of {escaped(found['name'])}", "", *table(head, rows)]) + "\n"
