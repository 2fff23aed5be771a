"""How one comes to each screen: a name, the workspace that it needs, and the keys that lead there."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, cast

import polars as pl
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from curate.labelling.tasks import FILE
from curate.workspace import Workspace
from tests.tui.walking import settle
from tui.screens.threshold import ThresholdScreen

ARMS = {"base": 2, "few-shot": 3, "rag": 4, "tuned": 7}  # every so many rows is answered wrongly
PREDICTIONS = {
    "example_id": pl.String, "arm": pl.String, "answer": pl.String, "choice": pl.String,
    "finish_reason": pl.String, "prompt_tokens": pl.Int32, "answer_tokens": pl.Int32,
    "seconds": pl.Float64, "prompt_hash": pl.String, "error": pl.String,
}  # fmt: skip
LABELS = {
    "choice": 'instructions = "Whose is it?"\noptions = [{name = "oak", description = "Furniture and wood"}, {name = "sierra", description = "Tents, boots, maps"}, {name = "viola", description = "Strings and bows"}]\n',
    "several": 'kind = "several"\ninstructions = "What is it about?"\ncolumn = "meta:tags"\noptions = ["urgent", "angry", "money", "damage", "delay", "address"]\n',
    "scale": 'kind = "scale"\ninstructions = "How friendly is it?"\ncolumn = "meta:mood"\n',
    "text": 'kind = "text"\ninstructions = "Sum it up in one line."\ncolumn = "meta:line"\n',
}

Walk = Callable[[Pilot[Any]], Awaitable[None]]


class State(NamedTuple):
    """A screen to look at: what the workspace holds, and the way to it."""

    prepare: Callable[[Workspace], None] | None
    walk: Walk | None
    evil: bool = False


def keys(*pressed: str) -> Walk:
    """Press keys, each when the one before has been dealt with."""

    async def walk(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        for key in pressed:
            await pilot.press(key)
            await settle(pilot)

    return walk


def card(filter: str, *pressed: str) -> Walk:
    """The first card of what a filter chooses, then keys."""

    async def walk(pilot: Pilot[Any]) -> None:
        await keys("enter", "colon")(pilot)
        pilot.app.screen.query_one(Input).value = filter
        await keys("enter", "enter", *pressed)(pilot)

    return walk


async def thresholds(pilot: Pilot[Any]) -> None:
    """What other thresholds would change, once it is measured."""
    await card('check == "near-duplicate"', "t")(pilot)
    while not cast("ThresholdScreen", pilot.app.screen).effects:
        await pilot.pause(0.05)
    await settle(pilot)


def edited(*pressed: str) -> Walk:
    """A span's text changed and saved, then keys."""

    async def walk(pilot: Pilot[Any]) -> None:
        await card('check == "pii"', "e")(pilot)
        area = pilot.app.screen.query_one("#text", TextArea)
        area.load_text(area.text.replace("arrived broken", "came late"))
        await keys("ctrl+s", *pressed)(pilot)
        pilot.app.clear_notifications()
        await settle(pilot)

    return walk


def labels(kind: str) -> Callable[[Workspace], None]:
    """A label set of one task."""

    def prepare(workspace: Workspace) -> None:
        (workspace.root / FILE).write_text(f"[tasks.{kind}]\nretrain = 0\n{LABELS[kind]}", encoding="utf-8")

    return prepare


def answered(workspace: Workspace) -> None:
    """Answers and scores of four arms on every row of a version whose rows are all of the test."""
    from evalharness.report.comparing import compare_dataset

    examples = workspace.examples(workspace.dataset("tickets")).with_columns(split=pl.lit("test"))
    dataset = workspace.put_dataset(examples)
    workspace.ledger.set_name("divided", dataset)
    answers, scores = [], []
    for arm, every in ARMS.items():
        for number, (example_id, label) in enumerate(examples.select("example_id", "label").iter_rows()):
            said = label if number % every else "lotus"
            text = f"{said}: we are sorry, a new one is on its way." if arm == "tuned" else f"{said}: noted."
            answers.append((example_id, arm, text, said, "stop", 70, 14, 0.1, f"h{number}", None))
            scores.append((example_id, arm, "accuracy", float(said == label), None, said))
    predictions = workspace.put_table("predictions", pl.DataFrame(answers, schema=PREDICTIONS, orient="row"))
    with workspace.run("predict", {"arm": "base", "split": "test"}, {"dataset": dataset}) as run:
        run.outputs["predictions"] = predictions
    table = pl.DataFrame(answers, schema=PREDICTIONS, orient="row")
    for arm in ARMS:
        with workspace.run("predict", {"arm": arm, "split": "test"}, {"dataset": dataset}) as run:
            run.outputs["predictions"] = workspace.put_table(
                "predictions", table.filter(pl.col("arm") == arm)
            )
    names = ["example_id", "arm", "metric", "value", "reason", "label"]
    table = pl.DataFrame(scores, schema=names, orient="row", schema_overrides={"reason": pl.String})
    with workspace.run("score", {}, {"dataset": dataset, "predictions": predictions}) as run:
        run.outputs["scores"] = workspace.put_table("scores", table)
    compare_dataset(workspace, dataset)


def trained(workspace: Workspace) -> None:
    """A training run that has ended, with its curves."""
    recipe = {"recipe": {"epochs": 2}}
    inputs = {"dataset": workspace.dataset("tickets")}
    run_id = workspace.ledger.start("train", recipe, "c0de", inputs)
    adapter = workspace.root.parent / "adapter"
    adapter.mkdir()
    lines: list[dict[str, float]] = []
    for step in range(1, 41):
        lines.append({"step": step, "loss": 0.4 + 2.2 / (1 + step / 6) + 0.05 * (step % 3), "learning_rate": 2e-4 * (1 - step / 41), "memory": 7e8 + 1e6 * step})  # fmt: skip
        if step % 10 == 0:
            lines.append({"step": step, "eval_loss": 0.6 + 2.0 / (1 + step / 7), "epoch": step / 20})
    (adapter / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (adapter / "training.json").write_text('{"steps": 40, "seconds": 65.0, "peak_memory_bytes": 900000000}')
    workspace.ledger.end(run_id, {"adapter": workspace.put_files("adapter", adapter)}, None)


def differing(workspace: Workspace) -> None:
    """Two people's words on one finding."""
    from curate.deciding.review import review
    from curate.workspace import Decision

    found = review(workspace, workspace.dataset()).filter(shape="span").row(0, named=True)
    for who, said in (("anna", "drop"), ("ben", "keep")):
        workspace.ledger.decide([Decision(found["finding_id"], found["example_id"], said, who)])


async def to_rating(pilot: Pilot[Any]) -> None:
    """Two arms' answers, blind."""
    from tui.screens.rating import RatingScreen

    await settle(pilot)
    await pilot.app.push_screen(RatingScreen(pilot.app.here.dataset("divided"), split="test"))
    await settle(pilot)


def imported(workspace: Workspace) -> None:
    """A version that came out of a file, one of whose rows could not be read."""
    from curate.runs.steps import Reading, import_files

    path = workspace.root.parent / "shop.jsonl"
    rows = [{"question": f"Where is parcel {n}?", "answer": "On its way.", "queue": "oak"} for n in range(6)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\n")
    import_files(workspace, [str(path)], Reading(label="queue"), name="shop")


async def rated(pilot: Pilot[Any]) -> None:
    """What came of four ratings."""
    await to_rating(pilot)
    await keys("1", "2", "t", "b", "v")(pilot)


STATES: dict[str, State] = {
    "welcome": State(None, None),
    "versions": State(answered, keys()),
    "queue": State(None, keys("enter"), evil=True),
    "queue-all": State(None, keys("enter", "o", "s")),
    "together": State(None, keys("enter", "B")),
    "card-example": State(None, card('check == "structure"'), evil=True),
    "card-span": State(None, card('check == "pii"', "right_square_bracket"), evil=True),
    "card-pair": State(None, card('check == "contradiction"')),
    "card-pair-hostile": State(None, card('check == "contradiction"'), evil=True),
    "card-cluster": State(None, card('check == "near-duplicate"', "a"), evil=True),
    "card-edited": State(None, edited()),
    "card-editing": State(None, card('check == "pii"', "e")),
    "alike": State(None, edited("p", "a", "x")),
    "threshold": State(None, thresholds),
    "rows": State(None, keys("v", "down", "down"), evil=True),
    "row": State(None, keys("v", "enter")),
    "distributions": State(None, keys("D")),
    "data-card": State(imported, keys("D", "d")),
    "label-choice": State(labels("choice"), keys("L", "1", "3")),
    "label-several": State(labels("several"), keys("L", "1", "4")),
    "label-scale": State(labels("scale"), keys("L", "4")),
    "label-text": State(labels("text"), keys("L", *"late")),
    "rating": State(answered, to_rating),
    "rating-results": State(answered, rated),
    "comparison": State(answered, keys("m")),
    "runs": State(trained, keys("r")),
    "training": State(trained, keys("r", "v")),
    "steps": State(None, keys("E")),
    "help": State(None, keys("enter", "enter", "question_mark")),
    "filter": State(None, keys("enter", "colon", *"score >")),
    "card-differ": State(differing, card("differ")),
    "card-label": State(None, card('check == "contradiction"', "e")),
    "run": State(trained, keys("r", "enter")),
    "command": State(None, keys("exclamation_mark", *"export")),
    "unsaved": State(None, card('check == "pii"', "e", "z", "ctrl+q")),
}
