"""What goes into a run, as the trainer's own collator hands it over: masks, end and begin tokens, lengths; the tokenizer."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

from evalharness.adapters.checked import Checked, must
from evalharness.encoding.encode import IGNORED, Encoded, Template
from evalharness.encoding.losses import answered
from evalharness.encoding.rows import PAIR, ends_well
from evalharness.models.base_facts import keeps_turns
from evalharness.models.chat import THOUGHT, Chat
from train.outline import units
from train.proofs.subject import Trial, Underway
from train.sft import probes

ENOUGH = 1_000  # rows, about, that are taken through the collator


class Handed(NamedTuple):
    """A row as the model gets it."""

    ids: tuple[int, ...]
    trained: tuple[bool, ...]  # where the loss looks; of a reward model where the score is read


def handed(run: Underway) -> list[Handed]:
    """Rows of the trainer through its own collator, one by one: all, or about ENOUGH of them, evenly taken."""
    trainer, data, found = run.built.trainer, run.built.trainer.train_dataset, []
    for at in range(0, len(data), -(-len(data) // ENOUGH)):
        batch = trainer.data_collator([data[at]])
        for key in (each for each in batch if each.endswith("input_ids") and "KL_" not in each):
            kind = key.removesuffix("input_ids")
            seen = batch.get(f"{kind}attention_mask", batch[key] == batch[key])
            if run.recipe.objective == "reward":
                looks = seen.cumsum(1) == seen.sum(1, keepdim=True)
            elif f"{kind}labels" in batch:
                looks = batch[f"{kind}labels"] != IGNORED
            else:
                looks = batch["completion_mask"]
            for ids, on, there in zip(batch[key], looks.bool(), seen.bool(), strict=True):
                found.append(Handed(tuple(ids[there].tolist()), tuple(on[there].tolist())))
    return found


def _ids(run: Underway, row: Encoded) -> tuple[int, ...]:
    """Of a row as the trainer holds it: an answer of a pair ends where its end token does."""
    return answered(row) if run.recipe.pairs else row.ids


def _none(name: str, compared: str, wrong: Sequence[str]) -> Checked:
    """The check that nothing is wrong, of which the first is named."""
    first = f" (first {wrong[0]})" if wrong else ""
    return must(name, f"{compared}{first}", len(wrong), "equal", 0)


def masks(run: Underway) -> Checked:
    """Where the loss looks, by the collator, must be where the second way to the mask says: prefix difference."""
    wanted, places = set(), {}
    for row in run.rows:
        ids = _ids(run, row)
        second = tuple(map(bool, row.second))[: len(ids)]
        if run.recipe.objective == "reward":
            second = (*[False] * (len(ids) - 1), True)
        wanted.add(Handed(ids, second))
        places[ids] = row.where
    rows = handed(run)
    wrong = [places.get(row.ids, "of other tokens") for row in rows if row not in wanted]
    ways, trained = Template(Chat(run.loaded), run.recipe.turns).ways, sum(sum(row.trained) for row in rows)
    compared = f"{ways}, {trained:,} trained tokens of {len(rows):,} rows as the collator hands them over: rows that differ"
    return _none("mask oracle", compared, wrong)


def answers_decode(trial: Trial) -> Checked:
    """The trained tokens as text, end tokens aside, must be the assistant's own words: a third way to the mask.

    White space does not count, nor does a block of reasoning; rows that call tools are left out.
    """
    given, tokenizer = trial.given, trial.given.template.tokenizer
    wanted = {row["example_id"]: row for row in given.examples.iter_rows(named=True)}

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
        if said != own and not (row.cut and own.startswith(said)):
            wrong.append(row.where)
    compared = f"of {looked:,} rows, those whose trained tokens do not read as their answers"
    return _none("mask oracle, as text", compared, wrong)


def ends(run: Underway) -> Checked:
    """Each stretch that the loss looks at must stop at an end token, but in rows that were cut, by name."""
    places = {row.ids: row.where for row in run.rows}
    cut = {_ids(run, row) for row in run.rows if row.cut}
    rows, stops = handed(run), Chat(run.loaded).stops
    bad = (row.ids for row in rows if row.ids not in cut and not ends_well(*row, stops))
    compared = f"of {len(rows):,} rows, those with a trained turn whose end token the loss does not see"
    return _none("end token", compared, [places.get(ids, "one of a pair") for ids in bad])


def begins(run: Underway) -> Checked | str:
    """At most one begin token, and as many where the model is asked as where it is trained."""
    begin, chat = run.loaded.tokenizer.bos_token_id, Chat(run.loaded)
    if begin is None:
        return "the tokenizer has no begin token"
    prompt = chat.ids(chat.prompt([{"role": "user", "content": "a"}]))
    rows = (prompt, *(row.ids for row in handed(run)))
    asked, *counts = (sum(1 for _ in takewhile(begin.__eq__, ids)) for ids in rows)
    wrong = sum(count > 1 or count != asked for count in counts)
    compared = f"of {len(counts):,} rows those with two begin tokens, or not as many as a prompt of the harness ({asked})"
    return must("one begin token", compared, wrong, "equal", 0)


def turns_kept(run: Underway) -> Checked | str:
    """Where a row trains several answers, the template must tell earlier turns as they were."""
    answers = (sum(on > before for before, on in pairwise([False, *row.trained])) for row in run.rows)
    several = sum(count > 1 for count in answers)
    if not several:
        return "each row trains one answer"
    kept = keeps_turns(Chat(run.loaded))
    compared = f"{several:,} rows train several answers: conversations whose beginning the template retells"
    return must("template keeps turns", compared, float(not kept), "equal", 0)


def lengths(run: Underway) -> Checked:
    """The trainer must hold all rows, and hand over the longest whole: TRL drops and cuts in silence."""
    trainer, pairs = run.built.trainer, run.recipe.pairs
    data, count = trainer.train_dataset, units(len(run.rows), run.recipe)
    size = max(len(_ids(run, row)) for row in run.rows)
    longest = max(data, key=_size)
    batch = trainer.data_collator([longest, longest])
    width = max(value.shape[-1] for key, value in batch.items() if key.endswith("input_ids"))
    whole = 2 * size if getattr(trainer.data_collator, "padding_free", False) else size
    lost = abs(count - len(data)) + max(0, whole - width)
    if not pairs:
        lost += sum(sum(row.trained) for row in run.rows)
        lost -= sum(label != IGNORED for labels in data["labels"] for label in labels)
    compared = f"rows and trained tokens that the trainer does not hold of {count:,} rows, the longest of {size:,} tokens"
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
    compared = f"chat template, special tokens, texts and {len(own):,} of {known:,} tokens, saved and read back: those that differ"
    return _none("tokenizer kept", compared, [name for name, differs in differ.items() if differs])
