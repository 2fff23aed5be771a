"""What goes into a run: masks, end and begin tokens, lengths, the chat template, the tokenizer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import pairwise, takewhile
from typing import Any

from curate.errors import SourceError
from evalharness.base_facts import keeps_turns
from evalharness.chat import THOUGHT
from evalharness.checked import Checked, must
from evalharness.encoding.encode import IGNORED, Encoded
from evalharness.encoding.losses import answered
from evalharness.encoding.rows import PAIR, token_counts
from evalharness.task import queries
from train.proofs.subject import Given, Trial, Underway
from train.sft import probes

ASKED = 8  # rows whose prompt is made by the harness too


def masks(given: Given) -> Checked:
    """For the record: encoding stops at the first row whose two masks differ."""
    rows = [*given.rows, *given.validation]
    compared = f"{given.template.ways}, {token_counts(rows)['trained']:,} trained tokens of {len(rows):,} rows: rows that differ"
    return must("mask oracle", compared, 0, "equal", 0)


def answers_decode(trial: Trial) -> Checked:
    """The trained tokens as text, end tokens aside, must be the assistant's own words: a third way to the mask.

    White space does not count, nor does a block of reasoning; rows that call tools are left out.
    """
    given, tokenizer = trial.given, trial.given.template.tokenizer
    wanted = {
        row["example_id"]: row
        for row in given.examples.select("example_id", "messages", "chosen", "rejected").iter_rows(named=True)
    }

    def plain(ids: Any) -> str:  # noqa: ANN401
        words = tokenizer.decode([token for token in ids if token not in given.template.end_ids])
        return "".join(THOUGHT.sub("", words).split())

    wrong, looked = [], 0
    for row in [*given.rows, *given.validation]:
        example = wanted[row.example_id]
        turns = [turn for turn in example["messages"] if turn["role"] == "assistant"]
        if any(turn["tool_calls"] for turn in turns):
            continue
        texts = [turn["content"] or "" for turn in turns]
        if given.recipe.pairs:
            texts = [example["rejected" if row.where.endswith(PAIR[1]) else "chosen"]]
        elif given.recipe.turns == "last":
            texts = texts[-1:]
        own = "".join(plain(tokenizer(text, add_special_tokens=False).input_ids) for text in texts)
        said = plain(token for token, on in zip(row.ids, row.trained, strict=True) if on)
        looked += 1
        if said != own and not (row.where in given.cut and own.startswith(said)):
            wrong.append(row.where)
    compared = f"of {looked:,} rows, those whose trained tokens do not read as their answers{_first(wrong)}"
    return must("mask oracle, as text", compared, len(wrong), "equal", 0)


def ends(given: Given) -> Checked:
    """Each stretch of trained tokens must stop at an end token, but in rows that were cut, by name."""
    known, rows = given.template.end_ids, [*given.rows, *given.validation]

    def last(row: Encoded) -> Iterator[int]:
        marked = zip(row.ids, pairwise([*row.trained, False]), strict=True)
        return (token for token, (on, following) in marked if on and not following)

    wrong = [row.where for row in rows if not known.issuperset(last(row)) and row.where not in given.cut]
    compared = f"of {len(rows):,} rows, those with a trained turn without its end token{_first(wrong)}"
    return must("end token", compared, len(wrong), "equal", 0)


def begins(given: Given) -> Checked | str:
    """At most one begin token, and as many when the harness asks as when a row is trained on."""
    begin = given.template.tokenizer.bos_token_id
    if begin is None:
        return "the tokenizer has no begin token"
    rows = [*given.rows, *given.validation]
    count = {row.example_id: _leading(row.ids, begin) for row in rows}
    wrong = [row.where for row in rows if count[row.example_id] > 1]
    chat, asked = given.template.chat, 0
    for solved in queries(given.examples.head(ASKED)):
        system = [{"role": "system", "content": solved.query.system}] if solved.query.system else []
        try:
            prompt = chat.ids(chat.prompt([*system, *solved.query.turns]))
        except SourceError:  # a row that spells a control token: it is trained on if that was allowed
            continue
        asked += 1
        if count.get(solved.query.example_id, _leading(prompt, begin)) != _leading(prompt, begin):
            wrong.append(solved.query.example_id)
    compared = f"of {len(rows):,} rows those with two begin tokens, and of {asked} prompts those that begin otherwise{_first(wrong)}"
    return must("one begin token", compared, len(wrong), "equal", 0)


def _leading(ids: Any, begin: int) -> int:  # noqa: ANN401
    return sum(1 for _ in takewhile(lambda token: token == begin, ids))


def turns_kept(given: Given) -> Checked | str:
    """Where a row trains several answers, the template must tell earlier turns as they were."""
    several = sum(
        sum(on and not before for before, on in pairwise([False, *row.trained])) > 1 for row in given.rows
    )
    if not several:
        return "each row trains one answer"
    kept = keeps_turns(given.template.chat)
    compared = f"{several:,} rows train several answers: conversations whose beginning the template retells"
    return must("template keeps turns", compared, float(not kept), "equal", 0)


def lengths(run: Underway) -> Checked:
    """The trainer must hold all rows, and hand over the longest whole: TRL drops and cuts in silence."""
    trainer, pairs = run.built.trainer, run.recipe.pairs
    data, units = trainer.train_dataset, len(run.rows)
    if pairs and run.recipe.objective != "kto":
        units //= 2
    size = max(len(answered(row)) if pairs else len(row.ids) for row in run.rows)
    longest = max(range(len(data)), key=lambda at: _size(data[at]))
    batch = trainer.data_collator([data[longest], data[longest]])
    widths = [value.shape[-1] for key, value in batch.items() if key.endswith("input_ids")]
    whole = 2 * size if getattr(trainer.data_collator, "padding_free", False) else size
    lost = abs(units - len(data)) + max(0, whole - max(widths))
    if not pairs:
        lost += sum(sum(row.trained) for row in run.rows)
        lost -= sum(label != IGNORED for labels in data["labels"] for label in labels)
    compared = f"rows and trained tokens that the trainer does not hold of {units:,} rows, the longest of {size:,} tokens"
    return must("lengths", compared, lost, "equal", 0)


def _size(example: dict[str, Any]) -> int:
    """Tokens of an example in the columns of any of TRL's trainers."""
    parts = {key: len(value) for key, value in example.items() if key.endswith("_ids") and "KL_" not in key}
    return parts.pop("prompt_ids", 0) + max(parts.values())


def tokenizer_kept(run: Underway) -> Checked:
    """The tokenizer as it is saved must read back as the one that made the tokens, and the base must know them all."""
    from transformers import AutoTokenizer

    own = run.loaded.tokenizer
    with tempfile.TemporaryDirectory() as folder:
        own.save_pretrained(folder)
        saved = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    known = int(run.model.get_input_embeddings().weight.shape[0])
    texts = [own.decode(list(row.ids)) for row in probes(run.rows)]
    differ = {
        "chat template": own.chat_template != saved.chat_template,
        "special tokens": own.all_special_ids != saved.all_special_ids,
        "tokens of a text": any(own(text).input_ids != saved(text).input_ids for text in texts),
        "tokens that the base does not know": len(own) > known,
    }
    wrong = [name for name, differs in differ.items() if differs]
    compared = f"chat template, special tokens, texts and {len(own):,} of {known:,} tokens, saved and read back: those that differ{_first(wrong)}"
    return must("tokenizer kept", compared, len(wrong), "equal", 0)


def _first(wrong: list[str]) -> str:
    return f" (first {wrong[0]})" if wrong else ""
