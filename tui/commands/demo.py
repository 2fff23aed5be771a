"""`seatrial demo`: the whole job on shipped tickets, with the public commands, each printed as it runs."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer

from curate.answer import Answer
from curate.progress import duration
from tui.commands.demo_walk import Walk, begun
from tui.demo_data import TICKETS
from tui.terminal import render

DATA = TICKETS.parent


def import_tickets(walk: Walk) -> None:
    """The messy file comes in; broken rows are kept apart, with their lines."""
    for name in ("tickets.jsonl", "golden.jsonl"):
        shutil.copy(DATA / name, walk.folder / name)
    walk.begin("What came in")
    walk.run("import", "tickets.jsonl", "--label", "queue", "--group", "customer", "--allow-rejects")


# 4,000 characters: the toy's context is 1,024 tokens; a model with room for more needs no such setting
SCAN = ("scan", "tickets", "--protect", "golden.jsonl", "--set", "structure.max_characters=4000")

FINDING_WORDS = {
    "pii": "hold personal data: {n} values, redacted when you say so",
    "exact-duplicate": "are copies of another, to the letter or but for case and punctuation",
    "near-duplicate": "are nearly another ticket, word for word",
    "contradiction": "are in contradictions: the same question, another queue",
    "wrong-label": "are in a queue that the tickets like them contradict",
    "semantic-duplicate": "say what another ticket says, in other words",
    "quality": "are cut off, garbled, or hold what is no part of a ticket",
    "leak": "repeat a golden ticket, on which you would have measured yourself",
    "structure": "cannot be trained on as they are",
}


def what_is_wrong(data: dict[str, Any], findings: Any) -> list[str]:  # noqa: ANN401  a polars frame
    """One line a check: how many tickets, and the command that opens them."""
    lines = []
    for check, words in FINDING_WORDS.items():
        found = findings.filter(findings["check"] == check)
        concerned = found.filter(found["action"] != "keep")
        if check == "contradiction":
            tickets = len(set(concerned["example_id"]) | set(concerned["other_id"]))
        else:
            tickets = concerned["example_id"].n_unique()
        if tickets:
            said = words.format(n=f"{found.height:,}")
            lines.append(f"{tickets:>4} {said}")
            lines.append(f"{'':>9}look: seatrial review {data['name']} --check {check}")
    return lines


def scan_tickets(walk: Walk) -> dict[str, Any]:
    """All checks; one line for each, and how to open it."""
    from curate.workspace import Workspace

    walk.begin("What is wrong with it")

    def show(answer: Answer) -> list[str]:
        found = Workspace.open().table(str(answer.data["findings"]))
        rows = answer.data["rows"]
        return [f"of {rows:,} tickets", *what_is_wrong(dict(answer.data), found)]

    return walk.run(*SCAN, show=show)


def clean_and_split(walk: Walk) -> dict[str, Any]:
    """Safe proposals are applied until the gate is quiet; then the split."""
    walk.begin("Apply what is safe, leave what is doubtful")
    walk.run("apply", "tickets", "--safe")
    for _ in range(5):  # redaction can make new duplicates: the clean version is scanned again
        scanned = walk.run(*SCAN)
        if scanned["blocking"] and not scanned["safe"]:
            # what says a golden ticket in other words is for a person to judge; here the careful choice
            walk.run("review", "tickets", "--check", "leak", "--open", "--accept-all", "--action", "drop")
            walk.run("apply", "tickets")
        elif scanned["safe"]:
            walk.run("apply", "tickets", "--safe")
        else:
            break
    walk.begin("Split without leaks")
    return walk.run("split", "tickets", "--sizes", "60,10,30")


# candidates for a context of 1,024 tokens, by words alone: the same whether or not an encoder is installed
TRIED = ("--shots", "4,8", "--neighbours", "3,6", "--retriever", "bm25")


def what_was_chosen(told: Answer) -> list[str]:
    """Of a tuning, how much was tried for each baseline, and what was chosen of it."""
    return [line for line in told.lines[:-1] if not line.startswith("    ") or "  chosen" in line]


def train_and_answer(walk: Walk) -> dict[str, Any]:
    """The adapter, the baselines tuned, and the four arms on the sealed test; returns the comparison's data."""
    model = ("--base", walk.base, "--quantization", "nf4")
    walk.begin("Fine-tune")
    walk.run("train", "tickets", *model)
    walk.begin("Give the baselines their chance")
    walk.run("tune", "tickets", *model, *TRIED, show=what_was_chosen)
    walk.begin("Answer the test with four arms")
    walk.run("predict", "tickets", *model)
    walk.run("score", "tickets")
    walk.begin("What did it lose?")
    walk.run("probe", "tickets", *model)
    walk.begin("Is it clearly better?")
    return walk.run("compare", "tickets")


def what_one_would_have_believed(walk: Walk) -> dict[str, Any]:
    """The same training without curation: what its own random test says, and what the clean test says."""
    walk.begin("What one would have believed")
    words = ["import", "tickets.jsonl", "--label", "queue", "--group", "customer", "--allow-rejects"]
    walk.run(*words, "--as", "uncurated", show=lambda answer: answer.lines[:1])
    render.narrate(
        ["  split at random, away from the clean test, so that the clean test can tell the truth about it:"]
    )
    walk.run(
        "split", "uncurated", "--random", "--allow-blocking", "--sizes", "60,10,30", "--away-from", "tickets"
    )
    uncurated = "uncurated-random"
    model = ["--base", walk.base, "--quantization", "nf4"]
    broken = ["--set", "unusable=drop", "--set", "over_long=drop"]
    walk.run("train", uncurated, *model, "--allow-unclean", *broken, show=lambda answer: answer.lines[:2])
    tuned = ["--arm", "tuned", "--adapter", f"{uncurated}-adapter", *model]
    walk.run("predict", uncurated, *tuned, show=lambda answer: answer.lines[1:2])
    walk.run("predict", "tickets", *tuned, show=lambda answer: answer.lines[1:2])
    return walk.run("compare", "tickets", "--believed", uncurated, show=only_believed)


def only_believed(told: Answer) -> list[str]:
    """Of a comparison, what one would have believed; the verdict was shown before and stands at the end."""
    from evalharness.deciding.wording import believed_words

    return textwrap.wrap(believed_words(told.data["comparison"]["believed"]), 76)  # type: ignore[index]


def one_row(walk: Walk) -> str:
    """A row worth telling of: a test row that the fine-tune got wrong and a baseline right, or any test row."""
    from curate.workspace import Workspace

    workspace = Workspace.open()
    rows = workspace.examples(workspace.dataset("tickets"))
    changed = workspace.table(workspace.artifact("changes"))["example_id"].to_list()
    test = rows.filter(rows["split"] == "test")
    touched = test.filter(test["example_id"].is_in(changed))
    chosen = (touched if touched.height else test).row(0, named=True)
    return f"{chosen['source']}:{chosen['source_row']}"


def demo(
    to: Annotated[
        Path | None, typer.Option(help="folder for the files; seatrial-demo here by default")
    ] = None,
    base: Annotated[str, typer.Option(help="`tiny` (shipped), a path or a hub id")] = "tiny",
) -> Answer:
    """Go the whole way on shipped tickets: import, scan, apply, split, train, tune, predict, compare, report.

    Everything happens in one folder, with the public commands, each printed as it runs; nothing leaves
    this machine. Exit code 0 whatever the verdict (`seatrial verdict` has the exit code). Takes about
    4 minutes on 2 cores. Killed, it goes on where it stopped when it is started again in the same place.
    """
    walk = begun(to, base)
    home, words = Path.cwd(), sys.argv
    os.chdir(walk.folder)
    before = os.environ.get("SEATRIAL_HOME")
    os.environ["SEATRIAL_HOME"] = str(walk.folder / ".seatrial")
    try:
        return answer(walk)
    finally:
        os.chdir(home)
        sys.argv = words
        if before is None:
            del os.environ["SEATRIAL_HOME"]
        else:
            os.environ["SEATRIAL_HOME"] = before


def answer(walk: Walk) -> Answer:
    """Walk the stages in order; the answer holds what the benchmark and `--json` want."""
    toy = "The base model is a toy of 2 million parameters: it proves the loop, not the quality of anything."
    render.narrate([f"Seatrial's demo, in {walk.folder}. Nothing leaves this machine.", toy])
    import_tickets(walk)
    scanned = scan_tickets(walk)
    divided = clean_and_split(walk)
    train_and_answer(walk)
    compared = what_one_would_have_believed(walk)
    walk.begin("Where a row came from")
    walk.run("why", one_row(walk))
    walk.run("report", "--to", "report")
    walk.finish()
    took = duration(walk.clock - walk.began)
    comparison = compared["comparison"]
    lines = [
        "",
        *verdict_lines(comparison),
        "",
        f"Done in {took}. The report: {walk.folder / 'report' / 'report.html'}",
        f"Look around:         cd {walk.folder.name} && seatrial",
        "With your own file:  seatrial import FILE --label COLUMN, then seatrial scan",
    ]
    return Answer(lines, figures(walk, scanned, divided, comparison))


def verdict_lines(comparison: dict[str, Any]) -> list[str]:
    """The verdict block of the comparison."""
    from typing import cast

    from evalharness.deciding.comparison import Comparison
    from evalharness.deciding.verdict import verdict_block

    return verdict_block(cast("Comparison", comparison))


def figures(
    walk: Walk, scanned: dict[str, Any], divided: dict[str, Any], comparison: dict[str, Any]
) -> dict[str, Any]:
    """What was measured, for `--json`."""
    accuracy = {
        row["arm"].replace("-", ""): row["mean"]
        for row in comparison["metrics"]
        if row["metric"] == "accuracy"
    }
    believed = comparison["believed"]
    return {
        "folder": str(walk.folder),
        "seconds": round(walk.clock - walk.began, 1),
        "stage_seconds": {name: round(seconds, 1) for name, seconds in walk.seconds.items()},
        "rows": scanned["rows"],
        "test_rows": divided["report"]["rows"]["test"],
        "accuracy": {
            **accuracy,
            "tuned_uncurated": believed["true"]["value"],
            "tuned_uncurated_believed": believed["believed"]["value"],
        },
        "verdict": comparison["verdict"],
        "verdict_block": verdict_lines(comparison),
        "believed": believed,
    }
