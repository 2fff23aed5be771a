"""What goes into a run, as the trainer's own collator hands it over: masks, end and begin tokens, lengths; the tokenizer."""

from __future__ import annotations

import tempfile
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

from evalharness.adapters.checked import Checked, must
from evalharness.encoding.encode import IGNORED, Template
from evalharness.encoding.losses import answered
from evalharness.encoding.rows import PAIR
from evalharness.models.base_facts import keeps_turns
from evalharness.models.chat import THOUGHT, Chat
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
            else:
                looks = (
                    batch[f"{kind}labels"] != IGNORED
                    if f"{kind}labels" in batch
                    else batch["completion_mask"]
                )
            found += [
                Handed(tuple(ids[there].tolist()), tuple(on[there].bool().tolist()))
                for ids, on, there in zip(batch[key], looks, seen.bool(), strict=True)
            ]
    return found


def masks(run: Underway) -> Checked:
    """Where the loss looks, by the collator, must be where the second way to the mask says: prefix difference."""
    wanted, places = set(), {}
    for row in run.rows:
        ids, second = row.ids, tuple(map(bool, row.second))
        if run.recipe.pairs:
            ids = answered(row)
            second = second[: len(ids)]
        if run.recipe.objective == "reward":
            second = (*[False] * (len(ids) - 1), True)
        wanted.add(Handed(ids, second))
        places[ids] = row.where
    rows = handed(run)
    wrong = [places.get(row.ids, "of other tokens") for row in rows if row not in wanted]
    ways = Template(Chat(run.loaded), run.recipe.turns).ways
    trained = sum(sum(row.trained) for row in rows)
    compared = f"{ways}, {trained:,} trained tokens of {len(rows):,} rows as the collator hands them over: rows that differ{_first(wrong)}"
    return must("mask oracle", compared, len(wrong), "equal", 0)


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
        if said != own and not (row.cut and own.startswith(said)):
            wrong.append(row.where)
    compared = f"of {looked:,} rows, those whose trained tokens do not read as their answers{_first(wrong)}"
    return must("mask oracle, as text", compared, len(wrong), "equal", 0)


def ends(run: Underway) -> Checked:
    """Each stretch that the loss looks at must stop at an end token, but in rows that were cut, by name."""
    stops, places = Chat(run.loaded).stops, {row.ids: row.where for row in run.rows}
    cut = {answered(row) if run.recipe.pairs else row.ids for row in run.rows if row.cut}
    rows, wrong = handed(run), []
    for ids, trained in rows:
        lasts = {
            token
            for token, (on, more) in zip(ids, pairwise([*trained, False]), strict=True)
            if on and not more
        }
        if not lasts <= stops and ids not in cut:
            wrong.append(places.get(ids, "one of a pair"))
    compared = f"of {len(rows):,} rows, those with a trained turn whose end token the loss does not see{_first(wrong)}"
    return must("end token", compared, len(wrong), "equal", 0)


def begins(run: Underway) -> Checked | str:
    """At most one begin token, and as many where the model is asked as where it is trained."""
    begin, chat = run.loaded.tokenizer.bos_token_id, Chat(run.loaded)
    if begin is None:
        return "the tokenizer has no begin token"
    asked = _leading(chat.ids(chat.prompt([{"role": "user", "content": "a"}])), begin)
    counts = [_leading(row.ids, begin) for row in handed(run)]
    wrong = sum(count > 1 or count != asked for count in counts)
    compared = f"of {len(counts):,} rows those with two begin tokens, or not as many as a prompt of the harness ({asked})"
    return must("one begin token", compared, wrong, "equal", 0)


def _leading(ids: Any, begin: int) -> int:  # noqa: ANN401
    return sum(1 for _ in takewhile(lambda token: token == begin, ids))


def turns_kept(run: Underway) -> Checked | str:
    """Where a row trains several answers, the template must tell earlier turns as they were."""
    several = sum(
        sum(on and not before for before, on in pairwise([False, *row.trained])) > 1 for row in run.rows
    )
    if not several:
        return "each row trains one answer"
    kept = keeps_turns(Chat(run.loaded))
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
