"""What is asked of a trained model at the end of a run: a few answers, and a general text that it should still know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalharness.asking.task import Task
from evalharness.encoding import diagnosis
from evalharness.encoding.encode import Encoded
from evalharness.encoding.questions import answers
from evalharness.models.likelihood import general_loss
from evalharness.models.loaded import LoadedModel

SAMPLED = 4  # validation rows that are answered
LONGEST = 64  # tokens of such an answer


def diagnosed(
    trained: LoadedModel,
    rows: Sequence[Encoded],
    log: Sequence[dict[str, Any]],
    *,
    best_by: str,
    kept: int | None,
    answering: bool,
) -> dict[str, Any]:
    """The diagnosis of a finished run, with what was asked for it.

    `rows` are validation rows, `kept` is the step whose weights are kept; not `answering` is a reward model.
    """
    said: tuple[tuple[int, ...], ...] = ()
    unfinished, general = 0, None
    if answering:
        mode = trained.model.training
        trained.model.eval()
        general = _general(trained)
        few = sorted(rows, key=lambda row: row.example_id)[:SAMPLED]
        if few:
            found = answers(trained, few, Task(), longest=LONGEST)
            said = tuple(tuple(each.ids) for each in found)
            unfinished = sum(each.finish_reason == "length" for each in found)
        trained.model.train(mode)
    facts = diagnosis.Facts(best_by, kept, general, said, unfinished)
    told: dict[str, Any] = {"diagnosis": diagnosis.record(diagnosis.diagnose(log, facts))}
    if general:
        told["general_loss"] = {"base": round(general[0], 4), "trained": round(general[1], 4)}
    return told


def _general(loaded: LoadedModel) -> tuple[float, float] | None:
    """Mean loss a token on general text, of the base and of the trained model.

    None where all weights are trained, since the base is no longer there to ask, and where the tokenizer
    does not know the text.
    """
    if not hasattr(loaded.model, "disable_adapter"):
        return None
    asked = (loaded.model, loaded.tokenizer, loaded.context, loaded.device)
    with loaded.without_adapter():
        base = general_loss(*asked)
    now = general_loss(*asked)
    return None if base is None or now is None else (base, now)
