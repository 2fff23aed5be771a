"""What the label card shows: the row, the answers to choose from, what is proposed and what was said."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from curate.labelling.answers import Suggestion, judged
from curate.labelling.tasks import Option, Task, Value
from curate.labelling.work import ORDERS, Work, told
from tui.desk.examples import Example, Examples
from tui.reading.card_text import conversation
from tui.terminal.display_text import excerpt, fit, plain
from tui.widgets.page import Leaf, Page, lines_of

WIDEST = 34  # cells of an option's name
SHORTEST = 8  # cells that a name is cut to, so that all have room
GAP = 3
Look = tuple[object, ...]

AHEAD = 32  # rows read at once, while there are fewer than half as many to come


def shown(task: Task, example: dict[str, Any]) -> Content:
    """The row as it is judged: what was asked, or all of it."""
    return conversation({**example, **judged(task, example)}, {})


def coming(work: Work, position: int, count: int) -> list[str]:
    """The ids of the rows at `position` and after it, in the order of the work."""
    return work.rows["example_id"].gather(work.ids[position : position + count]).to_list()


def row_at(work: Work, examples: Examples, position: int) -> Example:
    """The row at a position of the order; where it is not held some that come after it are read with it."""
    name = work.rows["example_id"][int(work.ids[position])]
    if name not in examples.held:
        examples.get(coming(work, position, AHEAD // 2))
    return examples.get([name])[name]


def one_order(work: Work, *, training: bool) -> str:
    """Why the rows can be put in no other order yet."""
    why = "a model is being trained, which orders them" if training else work.model_told()
    return f"no other order yet; people differ on nothing\n{why}"


def look(example: Example, page: Page) -> Look:
    """What the lines of a row on a page depend on."""
    return example["example_id"], page.room, page.app.theme


def ahead(work: Work, examples: Examples, position: int, page: Page) -> tuple[Look, Leaf] | None:
    """The lines of the row that comes after an answer, made before it is shown; those after it are read.

    None where no row is left.
    """
    following = work.next_open(position)
    if following is None:
        return None
    example = row_at(work, examples, following)
    leaf = Leaf([], lines_of(page.lines, shown(work.task, example), page.room[0]))
    examples.read_ahead(coming(work, following, AHEAD))
    return look(example, page), leaf


def points(task: Task) -> tuple[Option, ...]:
    """What may be chosen by a digit: the options, or the points of a scale."""
    if task.kind == "scale":
        return tuple(Option(str(point), str(point)) for point in range(task.low, task.high + 1))
    return task.options


def names_in(value: Value | None) -> set[str]:
    """The options that an answer names."""
    if value is None:
        return set()
    return set(value) if isinstance(value, list) else {str(value)}


def choices(
    task: Task, chosen: Collection[str], suggestion: Suggestion | None, width: int, height: int
) -> Content:
    """The options with their keys, in as many columns as fit; ◆ is what is suggested, ✓ what is chosen.

    Where there is room each has a line with its description. What does not fit `height` lines is counted.
    """
    proposed = names_in(suggestion.value) if suggestion is not None else set()
    options = points(task)
    described = any(option.description for option in options)
    if described and len(options) <= height and width >= 60:
        return Content("\n").join(_described(o, chosen, proposed, width) for o in options)
    cells = min(max(cell_len(option.name) for option in options), WIDEST) if task.kind != "scale" else 0
    columns = max(1, (width + GAP) // (cells + 4 + GAP))
    while columns * height < len(options) and (width + GAP) // (columns + 1) - 4 - GAP >= SHORTEST:
        columns += 1  # rather a name cut off than an answer not shown
        cells = (width + GAP) // columns - 4 - GAP
    columns = -(-len(options) // -(-len(options) // columns))  # as many in each line
    lines: list[Content] = []
    for start in range(0, len(options), columns):
        row = [_option(option, chosen, proposed, cells) for option in options[start : start + columns]]
        lines.append(Content(" " * GAP).join(row))
    if len(lines) > height:
        left = len(options) - (height - 1) * columns
        lines = [*lines[: height - 1], Content.styled(f"and {left} more: / chooses by name", "dim")]
    return Content("\n").join(lines)


def _option(option: Option, chosen: Collection[str], proposed: Collection[str], cells: int) -> Content:
    sign = "✓" if option.name in chosen else "◆" if option.name in proposed else " "
    style = "bold" if sign != " " else ""
    return Content.assemble(
        (option.key or "/", "bold $accent"), " ", (sign, "$success" if sign == "✓" else "$warning"), " ",
        (fit("" if option.name == option.key else option.name, cells), style),
    )  # fmt: skip


def _described(option: Option, chosen: Collection[str], proposed: Collection[str], width: int) -> Content:
    name = min(WIDEST, width // 3)
    line = _option(option, chosen, proposed, name)
    return Content.assemble(line, "  ", (fit(option.description, max(width - name - 7, 0)).rstrip(), "dim"))


def word(
    work: Work, place: int, suggestion: Suggestion | None, *, flagged: bool, note: str, narrow: bool
) -> Content:
    """What stands answered, what is suggested, and by whom; `narrow` leaves out the words that explain."""
    parts: list[Content | tuple[str, str] | str] = []
    if flagged:
        parts.append(("⚑ " if narrow else "⚑ flagged  ", "bold $warning"))
    people = work.people(place)
    if people:
        parts += [("≠ people differ  ", "$warning"), plain(people, "bold", lines=False)]
        parts.append(("  your answer settles it", "dim"))
    elif place in work.own:
        parts += [("✓ ", "$success"), plain(excerpt(told(work.own[place]), 60), "bold", lines=False)]
    else:
        parts.append(("○ open", "$warning"))
    if suggestion is not None and not people:
        sure = "" if suggestion.probability is None else f" {suggestion.probability:.0%}"
        whose = "the model's" if suggestion.origin == "model" else "as labelled"
        parts += [
            "  ◆ " if narrow else "  ◆ suggested ",
            plain(excerpt(told(suggestion.value), 40), "bold", lines=False),
        ]
        parts.append((sure if narrow else f"{sure} ({whose})", "dim"))
    if note:
        parts.append(plain(f"  note: {excerpt(note, 60)}", "italic", lines=False))
    return Content.assemble(*parts)


def how_far(work: Work, position: int, width: int) -> str:
    """Where one is, how many are open, and in which order they come."""
    if width < 60:
        return f"{position + 1:,}/{len(work.ids):,} · {work.open:,} open"
    at = f"{position + 1:,} of {len(work.ids):,}"
    if len(work.ids) < work.rows.height:
        at += f", {work.rows.height:,} in all"
    return f"{at} · {work.open:,} open" + (f" · {ORDERS[work.order]}" if width >= 76 else "")


def pace(work: Work, *, gold: bool, training: bool, width: int) -> Content:
    """The line of figures: how fast, how right, what came before, what the model knows."""
    told_: list[str] = []
    if work.pace is not None:
        told_.append(f"median {work.pace:.1f} s")
    if gold:
        right, asked = work.gold_score
        told_.append(f"gold {right} of {asked} right" if asked else "no gold row answered yet")
    told_.append("training a model ..." if training else work.model_told())
    if work.recent and width >= 60:
        told_.append("before: " + " ".join(excerpt(each, 16) for each in work.recent))
    return plain(" · ".join(told_), "dim", lines=False)
