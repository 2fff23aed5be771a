"""What active learning gains: accuracy on rows held out, after the same number of answers in two orders.

Answers are the true labels, given through the product's own labelling: in its order (least sure first,
trained again every few answers) and in an order by chance. What the model that `label suggest` trains
proposes for the held-out rows is compared with their labels; nobody answers those.
"""

from __future__ import annotations

import csv
import json
import random
import statistics
import tempfile
from pathlib import Path

from curate.labelling.suggest import suggest
from curate.labelling.tasks import Option, Task
from curate.labelling.work import Work
from curate.runs.steps import Reading, import_files
from curate.scanning.embedding import find_encoder
from curate.workspace import Workspace

NAME = "active"
HELP = "accuracy after 500 and 1,000 answers: least sure first against by chance, on words and on meaning"

EVERY = 50  # answers after which the model is trained again
AT = (500, 1_000)
SEEDS = (0, 1, 2)
THINGS = "card loan rent phone parcel ticket refund invoice lamp garden".split()  # noqa: SIM905
DEEDS = "lost broken late blocked charged renewed".split()  # noqa: SIM905
FILLING = "please could you tell me why my since monday again today now still really help".split()  # noqa: SIM905

Pair = tuple[str, str]  # text and label


def intents(data: Path | None, quick: bool) -> tuple[list[Pair], list[Pair]]:
    """(to be answered, held out): banking77, or made up."""
    if data is not None and not quick:
        parts = []
        for name in ("train", "test"):
            with (data / "banking77" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                parts.append([(row["text"], row["category"]) for row in csv.DictReader(file)])
        return parts[0], parts[1]
    draw = random.Random(0)
    made: list[Pair] = []
    for _ in range(300 if quick else 6_000):
        thing, deed = draw.choice(THINGS), draw.choice(DEEDS)
        words = [*draw.choices(FILLING, k=draw.randint(2, 6)), thing, deed, draw.choice(THINGS)]
        made.append((" ".join(words), deed if quick else f"{thing}_{deed}"))
    cut = len(made) * 3 // 4
    return made[:cut], made[cut:]


class Trial:
    """One workspace in which all rows stand, and answers are given to those that are not held out."""

    def __init__(self, folder: Path, train: list[Pair], held_out: list[Pair], encoder: str) -> None:
        file = folder / "rows.jsonl"
        rows = [{"prompt": text, "completion": "?", "label": ""} for text, _ in (*train, *held_out)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        (folder / ".seatrial").mkdir()
        self.workspace = Workspace(folder / ".seatrial")
        self.dataset = import_files(self.workspace, [str(file)], Reading()).made.outputs["dataset"]
        self.true = [label for _, label in (*train, *held_out)]
        self.open, self.encoder = len(train), encoder
        self.options = tuple(Option(name) for name in sorted(set(self.true)))
        self.examples = self.workspace.examples(self.dataset).to_dicts()

    def accuracy(self, name: str, at: tuple[int, ...], seed: int, *, by_chance: bool) -> list[float]:
        """The share of held-out rows that the model has right after so many answers."""
        task = Task(name, options=self.options, show="prompt", suggest="model")
        work = Work(self.workspace, self.dataset, "rows", task, "somebody")
        chance = random.Random(seed).sample(range(self.open), self.open)
        found = []
        for count in range(EVERY, at[-1] + 1, EVERY):
            order = chance if by_chance or work.model is None else work.ids.tolist()
            wanted = [place for place in order if place < self.open and place not in work.own][:EVERY]
            for place in wanted:
                work.answer(place, self.examples[place], self.true[place])
            if by_chance and count not in at:
                continue
            suggest(self.workspace, self.dataset, task, self.encoder)
            model = work.newer_model()
            if model is None:
                raise RuntimeError(f"no model after {count} answers")
            work.take_model(model)
            if count in at:
                said = model.rows["answer"].to_list()[self.open :]
                right = sum(
                    json.loads(one) == true for one, true in zip(said, self.true[self.open :], strict=True)
                )
                found.append(right / len(said))
        return found


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Both orders, on words and on meaning; the mean over seeds of what comes first."""
    train, held_out = intents(data, quick)
    at = (100, 150) if quick else AT
    encoders = {"words": "none", "meaning": "auto"}
    figures: dict[str, float | None] = {}
    why: dict[str, str] = {}
    for told, encoder in encoders.items():
        keys = [f"{told}_{order}_{count}" for count in AT for order in ("least_sure", "chance")]
        if encoder == "auto" and (quick or find_encoder("auto") is None):
            figures |= dict.fromkeys(keys)
            why |= dict.fromkeys(keys, "left out of --quick" if quick else "no encoder (extra [embed])")
            continue
        with tempfile.TemporaryDirectory() as folder:
            trial = Trial(Path(folder), train, held_out, encoder)
            for order in ("least_sure", "chance"):
                runs = [
                    trial.accuracy(f"{order}-{seed}", at, seed, by_chance=order == "chance")
                    for seed in (SEEDS[:1] if quick else SEEDS)
                ]
                for place, count in enumerate(AT):  # --quick asks less, under the same names
                    figures[f"{told}_{order}_{count}"] = statistics.mean(each[place] for each in runs)
            trial.workspace.close()
    return figures, why, {}, len(train)
