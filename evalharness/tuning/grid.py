"""What is tried for each baseline, the plainest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from evalharness.asking.arms import BASE, FEW_SHOT, RAG, Arm, Base, FewShot, Rag
from evalharness.asking.instructions import OWN, Instruction
from evalharness.asking.pool import Choice, How, Retrieval

SHOTS = (4, 8, 16)
NEIGHBOURS = (3, 6, 12)


@dataclass(frozen=True)
class Grid:
    """The settings to try; those that `predict` takes untuned are always among them."""

    prompts: tuple[Instruction | None, ...] = (None,)
    shots: tuple[int, ...] = SHOTS
    neighbours: tuple[int, ...] = NEIGHBOURS
    retrieval: tuple[How, ...] = ("bm25",)
    encoder: str | None = None
    documents: bool = False

    def arms(self, name: str, prompts: Sequence[Instruction | None]) -> list[Arm]:
        """What is tried for one baseline, of the examples' arms under each of these prompts."""
        if name == BASE:
            return self.prompted()
        return self.few_shot(prompts) if name == FEW_SHOT else self.rag(prompts)

    def prompted(self) -> list[Arm]:
        """The base arm under each prompt."""
        return [Base(instruction=prompt) for prompt in dict.fromkeys((None, *self.prompts))]

    def few_shot(self, prompts: Sequence[Instruction | None]) -> list[Arm]:
        """Shots of each number, drawn and nearest, under each of these prompts; the untuned one first."""
        found: list[Arm] = [FewShot()]
        for prompt in prompts:
            for choice in get_args(Choice):
                for count in self.shots:
                    found.append(FewShot(count, choice=choice, instruction=prompt))
        return list(dict.fromkeys(found))

    def rag(self, prompts: Sequence[Instruction | None]) -> list[Arm]:
        """So many neighbours by each retriever, under each of these prompts; the untuned one first."""
        source = "documents" if self.documents else "rows"
        plain = Rag(source=source)  # type: ignore[arg-type]
        found: list[Arm] = [plain]
        for prompt in prompts:
            for by in self.retrieval:
                how = Retrieval(by, encoder=None if by == "bm25" else self.encoder)
                found += [
                    replace(plain, neighbours=count, retrieval=how, instruction=prompt)
                    for count in self.neighbours
                ]
        return list(dict.fromkeys(found))


def words_of(arm: Arm) -> str:
    """An arm's settings as a person reads them."""
    prompt = f"prompt `{arm.instruction.name if arm.instruction else OWN}`"
    if isinstance(arm, FewShot):
        return f"{arm.shots} {arm.choice} shots, {prompt}"
    if isinstance(arm, Rag):
        of = "passages" if arm.source == "documents" else "neighbours"
        return f"{arm.neighbours} {of} by {arm.retrieval.by}, {prompt}"
    return prompt


def to_json(arm: Arm) -> dict[str, Any]:
    """All that `from_json` needs to make the arm again."""
    prompt = arm.instruction
    told: dict[str, Any] = {
        "arm": arm.name,
        "prompt": {"name": prompt.name, "text": prompt.text, "mode": prompt.mode} if prompt else None,
    }
    if isinstance(arm, FewShot):
        told |= {"shots": arm.shots, "choice": arm.choice, "seed": arm.seed}
    if isinstance(arm, Rag):
        how = arm.retrieval
        told |= {"neighbours": arm.neighbours, "source": arm.source}
        told |= {"by": how.by, "max_df": how.max_df, "encoder": how.encoder}
    return told


def from_json(told: dict[str, Any]) -> Arm:
    """The arm that `to_json` told."""
    prompt = Instruction(**told["prompt"]) if told["prompt"] else None
    if told["arm"] == FEW_SHOT:
        return FewShot(told["shots"], told["seed"], told["choice"], prompt)
    if told["arm"] == RAG:
        how = Retrieval(told["by"], told["max_df"], told["encoder"])
        return Rag(told["neighbours"], how, told["source"], prompt)
    return Base(instruction=prompt)
