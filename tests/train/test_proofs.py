"""The table of checks, and each check of what goes into a run seen to fail on what it guards."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from curate.errors import ResourceError
from evalharness.adapters import checked
from evalharness.encoding import encode as batches
from evalharness.encoding.rows import encode_rows
from evalharness.models.loaded import load_model
from tests.train.conftest import MARKED, ticket, version
from train import proofs
from train.outline import outline
from train.proofs import entering, trained
from train.proofs.subject import Given, Trial
from train.recipe import Recipe, parse, resolve
from train.trainer import arguments

SETTINGS = (
    "threads=1",
    "rank=4",
    "epochs=4",
    "batch_size=8",
    "accumulate=1",
    "learning_rate=5e-3",
    "packing=off",
)


def given_of(base, rows: pl.DataFrame, *words: str) -> Given:
    """Rows of a version as a run takes them in."""
    recipe: Recipe = resolve(parse([f"base={base}", *SETTINGS, *words])).recipe
    loaded = outline(recipe)
    template = batches.template_of(loaded, recipe.turns)
    training, validation = (
        encode_rows(template, rows.filter(pl.col("split") == part), pairs=recipe.pairs)[0]
        for part in ("train", "validation")
    )
    return Given(recipe, template, loaded, rows, training, validation)


def trial_of(given: Given, work: Path) -> Trial:
    """Short trainings on a base that is loaded each time."""
    recipe = given.recipe

    def load():
        return load_model(
            recipe.base, quantization=recipe.quantization, threads=1, for_training=True,
            scores=recipe.objective == "reward",
        )  # fmt: skip

    return Trial(given, work, load)


@pytest.fixture(scope="module")
def examples() -> pl.DataFrame:
    """48 training rows, 24 validation rows."""
    return version([ticket(number) for number in range(74)], train=48, validation=24)


@pytest.fixture
def given(base, examples) -> Given:
    return given_of(base, examples)


def test_each_check_of_the_table_stands_in_the_docs():
    text = Path("docs/train.md").read_text(encoding="utf-8")
    section = text.partition("## What a run proves")[2].partition("\n## ")[0]
    told = set(re.findall(r"^\| `?(c\d+b?)`? \| ([^|]+?) \|", section, re.MULTILINE))
    assert told == {(proof.key, proof.name) for proof in proofs.PROOFS}
    keys = {f"c{number}" for number in range(1, 19)} | {"c6b"}
    assert {proof.key for proof in proofs.PROOFS} == keys


@pytest.fixture(scope="module")
def sound(base, examples, tmp_path_factory):
    """A run whose trainer is built; what a test breaks in it, it mends."""
    given = given_of(base, examples, "quantization=nf4")
    return trial_of(given, tmp_path_factory.mktemp("sound")).short(given.rows, "run", max_steps=2)


def built(run) -> list[checked.Outcome]:
    return proofs.held(proofs.BUILT, run)


def test_a_sound_run_passes_and_what_does_not_apply_is_not_counted(sound, given):
    told = checked.record(built(sound))
    assert [each["key"] for each in told["checks"]] == ["c4", "c1", "c2", "c3", "c16", "c11", "c6", "c6b"]
    assert [each["key"] for each in told["does_not_apply"]] == ["c5", "c7"]
    assert checked.summary(told)[:2] == [
        "8 checks held", "does not apply: template keeps turns: each row trains one answer",
    ]  # fmt: skip
    assert entering.answers_decode(Trial(given, Path(), lambda: given.loaded)).value == 0
    assert 0.05 < next(each["value"] for each in told["checks"] if each["key"] == "c6") < 0.12


def test_a_mask_that_does_not_read_as_the_answer_is_found(given, tmp_path):
    rows = list(given.rows)
    rows[3] = replace(rows[3], trained=(*rows[3].trained[1:], rows[3].trained[-1]))
    wrong = Trial(replace(given, rows=rows), tmp_path, lambda: given.loaded)
    with pytest.raises(ResourceError, match=r"as text failed: of 72 rows.*tickets\.jsonl:4\): 1 is not"):
        entering.answers_decode(wrong)


def through(run, monkeypatch, change) -> None:
    """The trainer's collator, with what it hands over changed."""
    collate = run.built.trainer.data_collator
    monkeypatch.setattr(run.built.trainer, "data_collator", lambda rows: change(collate(rows)))


def test_a_collator_that_moves_the_mask_is_found(sound, monkeypatch):
    """By one token, or to where the loss sees nothing: not what the second way says of the row."""

    def moves(batch):
        return {**batch, "labels": batch["labels"].roll(1, 1)}

    with monkeypatch.context() as patch:
        through(sound, patch, moves)
        with pytest.raises(
            ResourceError, match=r"C1: mask oracle failed.*first tickets\.jsonl:1\): 48 is not"
        ):
            built(sound)
    with monkeypatch.context() as patch:
        patch.setattr(sound, "rows", [replace(row, second=b"") for row in sound.rows])
        with pytest.raises(
            ResourceError, match="C1: mask oracle failed"
        ):  # what was not compared is not held
            built(sound)


def test_a_collator_that_hides_the_end_token_is_found(sound, monkeypatch):
    """As one does that takes the end token for padding: the model would learn never to stop."""
    end = sound.loaded.tokenizer.eos_token_id

    def hides(batch):
        return {**batch, "labels": batch["labels"].masked_fill(batch["input_ids"] == end, -100)}

    through(sound, monkeypatch, hides)
    with pytest.raises(ResourceError, match=r"end token failed.*first tickets\.jsonl:1\): 48 is not"):
        entering.ends(sound)
    monkeypatch.setattr(sound, "rows", [replace(row, cut=True) for row in sound.rows])
    assert entering.ends(sound).value == 0


@pytest.mark.parametrize("begins", [2, 0])
def test_begin_tokens_that_are_too_many_or_not_those_of_a_prompt_are_found(sound, monkeypatch, begins):
    """Two of them; or none, where the harness asks with one."""
    begin = sound.loaded.tokenizer.bos_token_id

    def changes(batch):
        ids = [begin] * begins + batch["input_ids"][0].tolist()[1:]
        found = {key: value[:, :1].expand(1, len(ids)).clone() for key, value in batch.items()}
        return {**found, "input_ids": found["input_ids"].new_tensor([ids])}

    through(sound, monkeypatch, changes)
    with pytest.raises(ResourceError, match=r"one begin token failed.*: 48 is not"):
        entering.begins(sound)


RETOLD = MARKED.replace("m.content + eos_token", "(m.content if loop.last else 'oak') + eos_token")


def test_a_template_that_retells_earlier_turns_is_found(sound, monkeypatch):
    rows = [replace(row, trained=(True, False, *row.trained[2:])) for row in sound.rows]
    monkeypatch.setattr(sound, "rows", rows)
    assert entering.turns_kept(sound).value == 0
    monkeypatch.setattr(sound.loaded.tokenizer, "chat_template", RETOLD)
    with pytest.raises(ResourceError, match="template keeps turns failed: 48 rows"):
        entering.turns_kept(sound)


@pytest.mark.parametrize("objective", ["dpo", "kto", "orpo", "reward"])
def test_what_the_collators_of_pairs_hand_over_is_looked_at(base, pairs, tmp_path, objective, monkeypatch):
    """Both answers with their masks; of a reward model the token that its score is read at."""
    given = given_of(base, pairs, f"objective={objective}", "batch_size=2")
    run = trial_of(given, tmp_path).short(given.rows, "run", max_steps=2)
    for check in (entering.lengths, entering.masks, entering.ends, entering.begins):
        assert check(run).value == 0
    assert len(entering.handed(run)) == len(given.rows) == 48

    def loses_the_end(batch):
        return {key: value[:, :-1] if value.dim() == 2 else value for key, value in batch.items()}

    through(run, monkeypatch, loses_the_end)
    for check in (entering.lengths, entering.masks, entering.ends):
        with pytest.raises(ResourceError, match="failed"):
            check(run)


@pytest.fixture
def underway(given, tmp_path):
    """A run whose trainer is built."""
    return trial_of(given, tmp_path).short(given.rows, "run", max_steps=2)


def test_a_trainer_that_cuts_or_drops_in_silence_is_found(underway, given, tmp_path, monkeypatch):
    assert entering.lengths(underway).value == 0
    trainer = underway.built.trainer
    trainer.train_dataset = trainer.train_dataset.select(range(47))
    with pytest.raises(ResourceError, match="lengths failed"):
        entering.lengths(underway)
    monkeypatch.setattr("train.trainer.arguments", lambda *a, **k: {**arguments(*a, **k), "max_length": 24})
    cut = trial_of(given, tmp_path).short(given.rows, "cut", max_steps=2)
    with pytest.raises(ResourceError, match="lengths failed"):  # by TRL, as it does by default
        entering.lengths(cut)


def test_a_tokenizer_that_is_saved_otherwise_is_found(underway, monkeypatch):
    tokenizer = underway.loaded.tokenizer
    assert entering.tokenizer_kept(underway).value == 0
    save = tokenizer.save_pretrained

    def loses_template(folder, **more):
        kept, tokenizer.chat_template = tokenizer.chat_template, MARKED.replace("<u>", "<a>")
        save(folder, **more)
        tokenizer.chat_template = kept

    monkeypatch.setattr(tokenizer, "save_pretrained", loses_template, raising=False)
    with pytest.raises(ResourceError, match=r"tokenizer kept failed.*\(first chat template\)"):
        entering.tokenizer_kept(underway)


def test_wrong_scales_of_one_shape_are_found(sound, monkeypatch):
    """As some kernels read them where a layer's width is no multiple of the block: nothing crashes."""
    from bitsandbytes import functional

    whole = functional.dequantize_4bit

    def misreads(packed, state=None, **more):
        found = whole(packed, state, **more)
        return found * (1.25 if found.shape[1] == 128 else 1.0)

    monkeypatch.setattr(functional, "dequantize_4bit", misreads)
    with pytest.raises(ResourceError, match=r"C6: NF4 round trip failed.*worst at 64 x 128"):
        built(sound)


def test_weights_that_are_not_those_of_the_base_are_found(sound, monkeypatch):
    """As after a move that takes packed weights for plain ones: the kernels are right, what they read is not."""
    layer = next(
        each
        for each in sound.model.modules()
        if type(each).__name__ == "Linear4bit" and hasattr(each, "quant_state")
    )
    monkeypatch.setattr(layer.weight, "data", layer.weight.data.flip(0))
    with pytest.raises(ResourceError, match="NF4 round trip failed"):
        trained.held_in_nf4(sound)


def test_rows_that_see_one_another_are_found(base, examples, tmp_path, monkeypatch):
    import transformers

    given = given_of(base, examples, "packing=on")
    underway = trial_of(given, tmp_path).short(given.rows, "run", max_steps=2)
    assert "c7" in {each["key"] for each in checked.record(built(underway))["checks"]}
    monkeypatch.setattr(transformers.masking_utils, "find_packed_sequence_indices", lambda places: None)
    with pytest.raises(ResourceError, match="C7: packing equals unpacked failed"):
        built(underway)
