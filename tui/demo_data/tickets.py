"""`python -m tui.demo_data.tickets`: write the demo's export, its golden tickets and the answer key anew.

The same seed gives the same bytes. The answer key is for tests and benchmarks: nothing in the product
reads it.
"""

import json
import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tui.demo_data import GOLDEN, TICKETS, faults
from tui.demo_data.faults import Counter, Line, as_dict
from tui.demo_data.writing import Row, Writer

KEY = Path("tests/tinybase/tickets_key.jsonl")
SEED = 20260314


@dataclass(frozen=True)
class Plan:
    """How many lines of each kind; copies are lines of their own, the other kinds mark a fresh ticket."""

    plain: int = 338
    exact_originals: int = 26
    exact_copies: int = 30
    near_clusters: int = 25
    contradictions: int = 16
    wrong_labels: int = 30
    personal_data: int = 45
    over_long: int = 3
    broken: int = 12
    leaks: int = 14
    golden: int = 30


@dataclass(frozen=True)
class Export:
    """The lines of the three files, without their line ends."""

    tickets: list[str]
    golden: list[str]
    key: list[str]


def _key(lines: list[Line]) -> Iterable[str]:
    """One JSON object for each mark; `row` counts lines from 1, `partners` are the other rows of the cluster."""
    clusters: dict[str, list[int]] = {}
    for number, line in enumerate(lines, 1):
        for mark in line.marks:
            if mark.cluster:
                clusters.setdefault(mark.cluster, []).append(number)
    for number, line in enumerate(lines, 1):
        for mark in line.marks:
            facts = asdict(mark)
            partners = [other for other in clusters.get(mark.cluster or "", ()) if other != number]
            yield json.dumps(
                {"row": number, "kind": facts.pop("kind"), "partners": partners, **facts}, ensure_ascii=False
            )


def export(seed: int = SEED, plan: Plan | None = None) -> Export:
    """All three files as lines."""
    plan = plan or Plan()
    writer, rng = Writer(seed), random.Random(seed)
    counter = Counter(rng)
    products: dict[str, str | None] = {}

    def fresh(count: int, long: bool = False) -> list[Line]:
        made = []
        for _ in range(count):
            draft = writer.draft(long)
            products[draft.text] = draft.product
            made.append(Line(counter.stamp(writer.row(draft))))
        return made

    # Every other one long: a short ticket cannot be told in other words and still be like itself.
    golden = [fresh(1, long=place % 2 == 0)[0].row for place in range(plan.golden)]
    plain, copied, retold = (
        fresh(plan.plain),
        fresh(plan.exact_originals),
        fresh(plan.near_clusters, long=True),
    )
    disputed, wrong = fresh(plan.contradictions, long=True), fresh(plan.wrong_labels)
    private, long, broken = fresh(plan.personal_data), fresh(plan.over_long), fresh(plan.broken)
    made = [
        *faults.exact_duplicates(copied, counter, plan.exact_copies),
        *faults.near_duplicates(retold, counter),
        *faults.contradictions(disputed, counter, writer, products),
        *faults.leaks(golden, counter, plan.leaks),
    ]
    faults.wrong_labels(wrong, writer, products)
    faults.personal_data(private, rng)
    faults.over_long(long, rng)
    faults.broken(broken, writer.system)
    lines = [*plain, *copied, *retold, *disputed, *wrong, *private, *long, *broken, *made]
    rng.shuffle(lines)
    return Export(
        tickets=[line.text(writer.system) for line in lines],
        golden=[_plain(row, writer.system) for row in golden],
        key=list(_key(lines)),
    )


def _plain(row: Row, system: str) -> str:
    return json.dumps(as_dict(row, system), ensure_ascii=False)


def write(found: Export, tickets: Path = TICKETS, golden: Path = GOLDEN, key: Path = KEY) -> None:
    """Write the files; the key goes to the repository's tests, so the current folder is its top."""
    for path, lines in ((tickets, found.tickets), (golden, found.golden), (key, found.key)):
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(export())
