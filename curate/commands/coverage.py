"""The command `seatrial coverage`, which tells whether the training part knows what will be asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curate.answer import Answer
from curate.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from curate.inputs.coverage import Coverage


def coverage(
    dataset: Annotated[str | None, typer.Argument(help="a name, a digest or its beginning")] = None,
    inputs: Annotated[
        str, typer.Option(metavar="FILE", help="a sample of what the model will be asked")
    ] = "",
    column: Annotated[
        str | None, typer.Option(help="the column of the inputs that holds the question")
    ] = None,
    encoder: Annotated[
        str, typer.Option(help="compares meaning: auto, none (words alone), a hub id or a path")
    ] = "auto",
    max_missing: Annotated[
        float, typer.Option(min=0, max=1, help="share of inputs that may lie far from all training rows")
    ] = 0.10,
    max_auc: Annotated[
        float, typer.Option(min=0.5, max=1, help="how well a classifier may tell the two apart")
    ] = 0.70,
    texts: Annotated[
        bool, typer.Option("--texts", help="show words and beginnings of inputs, not only where")
    ] = False,
) -> Answer:
    """Compare a sample of deployment inputs with the training part: what is missing, what has shifted.

    Exit code 1 where they clearly differ: the lower end of the 95 % interval of the share of missing
    inputs, or of the classifier's AUC, is above its limit, or their languages differ. A version that is not split is taken whole.
    """
    import polars as pl

    from curate.inputs.coverage import Limits
    from curate.inputs.coverage import coverage as compare
    from curate.intake.sources import read_source
    from curate.scanning.embedding import Vectors, find_encoder
    from curate.workspace import Workspace

    if not inputs:
        raise ConfigError("no inputs to compare with", hint="--inputs deployment.jsonl")
    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    examples = workspace.examples(digest)
    part = examples.filter(pl.col("split") == "train")
    met = read_source(inputs, columns={"prompt": column} if column else None)
    found = find_encoder(encoder)
    params = {"inputs": Path(inputs).name, "rows": met.examples.height, "max_missing": max_missing}
    params |= {"max_auc": max_auc, "encoder": found.told if found else "none"}
    with workspace.run("coverage", params, {"dataset": digest}) as run:
        vectors = Vectors(found, workspace.vectors / found.fingerprint) if found else None
        told = compare(
            examples if part.is_empty() else part, met.examples, vectors, Limits(max_missing, max_auc)
        )
        run.outputs["coverage"] = workspace.put_json("coverage", told.as_json())
    name = workspace.name_of(digest) or digest[:8]
    shown = _texts_at(met.examples) if texts else {}
    lines = [f"{name}: {'the training part' if part.height else 'all rows'} against {Path(inputs).name}"]
    lines += coverage_lines(told, shown if texts else None)
    data = {"name": name, "dataset": digest, "run": run.run_id, "coverage": told.as_json(words=texts)}
    return Answer(lines, data, exit_code=1 if told.different else 0)


def _texts_at(examples: pl.DataFrame) -> dict[str, str]:
    """The beginning of each input, by its place."""
    from curate.checks.wording import wordings

    said = [(w.question or "\n".join(w.parts("whole"))).split() for w in wordings(examples)]
    places = [f"{source}:{row}" for source, row in examples.select("source", "source_row").iter_rows()]
    return {place: " ".join(words)[:100] for place, words in zip(places, said, strict=True)}


def coverage_lines(told: Coverage, shown: dict[str, str] | None) -> list[str]:
    """The comparison for a person; `shown` maps the place of an input to what it says; None shows no word of any."""
    from curate.inputs.coverage import CLEAR

    lines = [
        f"  {told.train_rows:,} training texts, {told.input_rows:,} inputs, compared by {told.compared_by.partition('@')[0]}",
        f"  missing: {told.missing:,} inputs ({told.missing_share:.1%}, {told.missing_low:.1%} to {told.missing_high:.1%}) "
        f"are farther from every training row than 95 % of those are from one another; 5 % is chance",
    ]
    for number, region in enumerate(told.regions, 1):
        words = f": {', '.join(region.words) or 'no word in common'}" if shown is not None else ""
        lines.append(f"    region {number}: {region.rows:,} inputs ({region.share:.1%}){words}")
        for place in region.places:
            lines.append(f"      {place}" + (f"  {shown[place]}" if shown and place in shown else ""))
    if told.regions and shown is None:
        lines.append("    --texts shows their words; they are of inputs that nobody has cleaned")
    lines.append(
        f"  a classifier tells the two apart with AUC {told.auc:.2f} ({told.auc_low:.2f} to {told.auc_high:.2f}); 0.50 is chance"
    )
    for shift in told.drift:
        verdict = "differ" if shift.p < CLEAR else "no clear difference"
        lines.append(f"  {shift.what}: {verdict} ({shift.test}: effect {shift.effect:.2f}, p {shift.p:.2g})")
    moved = [row for row in told.mix if not row["low"] <= row["train"] <= row["high"]]
    if told.mix:
        lines.append(
            f"  labels, by estimate: {len(moved)} of the {len(told.mix)} that differ most are outside the interval"
        )
    for row in moved:
        lines.append(
            f"    {row['label']}: {row['train']:.1%} of train, {row['inputs']:.1%} of the inputs "
            f"({row['low']:.1%} to {row['high']:.1%})"
        )
    lines += [f"  {note}" for note in told.notes]
    limits = told.limits
    lines.append(
        f"  clearly different: {'yes' if told.different else 'no'} (limits: {limits.missing:.0%} missing, AUC {limits.auc:.2f}, "
        f"by the lower ends of the intervals; languages: effect {limits.language:.2f})"
    )
    return lines
