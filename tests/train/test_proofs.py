"""The table of checks, and each check of what goes into a run seen to fail on what it guards."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from curate.errors import ResourceError
from evalharness import checked
from evalharness.encoding import encode as batches
from evalharness.encoding.rows import encode_rows
from evalharness.models import load_model
from tests.train.conftest import MARKED, ticket, version
from train import proofs
from train.arguments import arguments
from train.outline import outline
from train.proofs import entering
from train.proofs.subject import Given, Trial
from train.recipe import Recipe, parse, resolve

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


def changed(given: Given, place: int, **fields: object) -> Given:
    """The same with another training row at a place."""
    rows = list(given.rows)
    rows[place] = replace(rows[place], **fields)
    return replace(given, rows=rows)


def test_each_check_of_the_table_stands_in_the_docs():
    text = Path("docs/train.md").read_text(encoding="utf-8")
    section = text.partition("## What a run proves")[2].partition("\n## ")[0]
    told = set(re.findall(r"^\| `?(c\d+b?)`? \| ([^|]+?) \|", section, re.MULTILINE))
    assert told == {(proof.key, proof.name) for proof in proofs.PROOFS}
    keys = {f"c{number}" for number in range(1, 19)} | {"c6b"}
    assert {proof.key for proof in proofs.PROOFS} == keys


def test_sound_rows_pass_and_what_does_not_apply_is_not_counted(given):
    found = proofs.held(proofs.GIVEN, given)
    told = checked.record(found)
    assert [each["key"] for each in told["checks"]] == ["c1", "c2", "c3"]
    assert [each["key"] for each in told["does_not_apply"]] == ["c5"]
    assert checked.summary(told) == [
        "3 checks held", "does not apply: template keeps turns: each row trains one answer",
    ]  # fmt: skip
    assert entering.answers_decode(Trial(given, Path(), lambda: given.loaded)).value == 0


def test_a_mask_that_is_off_by_one_token_is_found(given, tmp_path):
    trained = given.rows[3].trained
    wrong = changed(given, 3, trained=(*trained[1:], trained[-1]))
    with pytest.raises(
        ResourceError, match=r"oracle, as text failed: of 72 rows.*tickets\.jsonl:4\): 1 is not"
    ):
        entering.answers_decode(Trial(wrong, tmp_path, lambda: given.loaded))


def test_a_trained_turn_without_its_end_token_is_found(given):
    row = given.rows[5]
    last = len(row.ids) - row.trained[::-1].index(True) - 1
    trained = tuple(on and at != last for at, on in enumerate(row.trained))
    wrong = changed(given, 5, trained=trained)
    with pytest.raises(ResourceError, match=r"C2: end token failed.*first tickets\.jsonl:6\): 1 is not"):
        proofs.held(proofs.GIVEN, wrong)
    assert entering.ends(replace(wrong, cut=frozenset(["tickets.jsonl:6"]))).value == 0


@pytest.mark.parametrize("begins", [2, 0])
def test_begin_tokens_that_are_too_many_or_not_those_of_a_prompt_are_found(given, begins):
    """Two of them; or none, where the harness asks with one."""
    ids, begin = given.rows[0].ids, given.template.tokenizer.bos_token_id
    assert ids[0] == begin
    row = given.rows[0]
    wrong = changed(given, 0, ids=(begin,) * begins + ids[1:], trained=(False,) * begins + row.trained[1:])
    with pytest.raises(ResourceError, match="C3: one begin token failed"):
        proofs.held(proofs.GIVEN, wrong)


RETOLD = MARKED.replace("m.content + eos_token", "(m.content if loop.last else 'oak') + eos_token")


def test_a_template_that_retells_earlier_turns_is_found(given):
    rows = [replace(row, trained=(True, False, *row.trained[2:])) for row in given.rows]
    several = replace(given, rows=rows)
    assert entering.turns_kept(several).value == 0
    given.template.tokenizer.chat_template = RETOLD
    with pytest.raises(ResourceError, match="template keeps turns failed: 48 rows"):
        entering.turns_kept(several)


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
    monkeypatch.setattr("train.run.arguments", lambda *a, **k: {**arguments(*a, **k), "max_length": 24})
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


def test_wrong_scales_of_one_shape_are_found(underway, monkeypatch):
    """As some kernels read them where a layer's width is no multiple of the block: nothing crashes."""
    from bitsandbytes import functional

    whole = functional.dequantize_4bit

    def misreads(packed, state=None, **more):
        found = whole(packed, state, **more)
        return found * (1.25 if found.shape[1] == 128 else 1.0)

    monkeypatch.setattr(functional, "dequantize_4bit", misreads)
    with pytest.raises(ResourceError, match=r"C6: NF4 round trip failed.*worst at 64 x 128"):
        proofs.held(proofs.BUILT, underway)


def test_rows_that_see_one_another_are_found(base, examples, tmp_path, monkeypatch):
    import transformers

    given = given_of(base, examples, "packing=on")
    underway = trial_of(given, tmp_path).short(given.rows, "run", max_steps=2)
    assert {each.key for each in proofs.held(proofs.BUILT, underway)} == {
        "c4",
        "c16",
        "c11",
        "c6",
        "c6b",
        "c7",
    }
    monkeypatch.setattr(transformers.masking_utils, "find_packed_sequence_indices", lambda places: None)
    with pytest.raises(ResourceError, match="C7: packing equals unpacked failed"):
        proofs.held(proofs.BUILT, underway)
