"""Which tokens of a row a run trains on, as the trainer's own collator hands them to the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from curate.errors import NotFoundError
from evalharness.encoding.encode import IGNORED, Template
from evalharness.encoding.rows import encode_rows, places
from evalharness.models.loaded import import_peft


@dataclass(frozen=True)
class Masked:
    """One row; without tokens where it cannot be trained on, and then `why`."""

    where: str
    tokens: tuple[str, ...] = ()
    trained: tuple[bool, ...] = ()
    why: str = ""

    def lines(self, ways: str) -> list[str]:
        """For a person: its tokens in order, the trained ones marked by a word; `ways` by which they were found."""
        if self.why:
            return [self.why]
        count = f"{sum(self.trained)} of {len(self.tokens)} tokens are trained on"
        lines = [f"{self.where}: {count} ({ways} agree)"]
        for index, (name, on) in enumerate(zip(self.tokens, self.trained, strict=True)):
            plain = "".join(each if each.isprintable() else repr(each)[1:-1] for each in name)
            lines.append(f"{index:6}  {'train' if on else '     '}  {plain}")
        return lines


class Masks:
    """The training and validation rows of a version, by position.

    `policies` go to `encode_rows`; `template` reads the base's tokenizer, and is asked at the first row.
    """

    def __init__(
        self, examples: pl.DataFrame, policies: Mapping[str, Any], template: Callable[[], Template]
    ) -> None:
        self.policies, self._template = policies, template
        self.rows = pl.concat([examples.filter(pl.col("split") == part) for part in ("train", "validation")])
        if self.rows.is_empty():
            raise NotFoundError("this version has no training and no validation rows", hint="seatrial split")

    def __len__(self) -> int:
        return self.rows.height

    @cached_property
    def template(self) -> Template:
        """The base's."""
        return self._template()

    @cached_property
    def _collator(self) -> Any:  # noqa: ANN401  one of TRL's
        import_peft()  # first: with it comes bitsandbytes, and quietly
        from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

        return DataCollatorForLanguageModeling(pad_token_id=self.template.tokenizer.pad_token_id or 0)

    def find(self, reference: str) -> int:
        """The position of a row by `file:row`, its id or the beginning of that; NotFoundError where it is not one."""
        wheres = places(self.rows)
        chosen = [
            index
            for index, (example_id, where) in enumerate(zip(self.rows["example_id"], wheres, strict=True))
            if where == reference or (len(reference) >= 4 and example_id.startswith(reference))
        ]
        if len(chosen) != 1:
            raise NotFoundError(
                f"{len(chosen) or 'no'} training and validation rows are called `{reference}`",
                hint=f"an example's id, its beginning, or file:row, such as {wheres[0]}",
            )
        return chosen[0]

    def row(self, position: int) -> list[Masked]:
        """The row at a position, from 0; of a pair its chosen and its rejected answer."""
        one = self.rows[position]
        found, out = encode_rows(self.template, one, **{**self.policies, "unusable": "drop"})
        told = [Masked(places(one)[0], why=why) for why in out]
        for row in found:
            batch = self._collator([{"input_ids": list(row.ids), "labels": row.labels}])
            names = self.template.tokenizer.convert_ids_to_tokens(batch["input_ids"][0].tolist())
            trained = tuple(label != IGNORED for label in batch["labels"][0].tolist())
            told.append(Masked(row.where, tuple(names), trained))
        return told
