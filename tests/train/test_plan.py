"""What a plan says beside rows and lengths: the base, headroom, caps, one measured step, and whether the test is sealed."""

from __future__ import annotations

import json
import time

import polars as pl
import pytest

from evalharness.answerers import Local
from evalharness.arms import Base
from evalharness.predict import Asking, predict
from tests.train.conftest import MARKED, ticket, version
from tests.train.test_train import train  # noqa: F401  # the fixture
from train import batches, measured, preflight
from train.outline import caps, estimate, headroom, outline
from train.recipe import parse, resolve


def row(length: int, trained: int) -> batches.Encoded:
    """A row whose last tokens are trained on."""
    mask = tuple(place >= length - trained for place in range(length))
    return batches.Encoded(f"id{length}", f"rows.jsonl:{length}", tuple(range(length)), mask)


def recipe_for(base, *words):
    return resolve(parse([f"base={base}", *words])).recipe


def test_the_base_is_told_by_its_own_files(base, tmp_path):
    """Licence by the card, then by a licence file, then not said; tuned by name and template."""
    template = batches.template_of(outline(recipe_for(base)), "assistant")
    assert "not said" in preflight.licence(tmp_path)
    (tmp_path / "LICENSE").write_text("\n  Some Model Licence 2\nterms\n")
    assert preflight.licence(tmp_path) == "Some Model Licence 2 (LICENSE)"
    (tmp_path / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# x\nlicense: no\n")
    assert preflight.licence(tmp_path) == "apache-2.0 (its README.md)"
    told = preflight.facts(tmp_path, "org/Some-0.5B-Instruct", template)
    assert "its name (Some-0.5B-Instruct)" in told["instruction-tuned"]
    assert "its name" not in preflight.facts(tmp_path, "org/Unit-0.5B", template)["instruction-tuned"]
    assert "with generation marks; keeps earlier turns as they were" in told["template"]


@pytest.mark.parametrize(
    ("template", "kept"),
    [
        (MARKED, True),
        (MARKED.replace("m.content + eos_token", "(m.content if loop.last else '') + eos_token"), False),
        ("{{ raise_exception('no') }}", None),
    ],
)
def test_a_template_that_retells_turns_is_found(base, template, kept):
    made = batches.template_of(outline(recipe_for(base)), "assistant")
    made.tokenizer.chat_template = template
    assert preflight.keeps_turns(made) is kept


def test_caps_count_exactly_what_is_lost():
    found = {each["cap"]: each for each in caps([row(20, 5), row(50, 10), row(100, 30)], 60)}
    assert set(found) == {32, 60, 64}
    assert found[60] == {"cap": 60, "rows": 1, "drop": 30, "truncate": 30}  # its answer begins at 70
    assert found[32] == {"cap": 32, "rows": 2, "drop": 40, "truncate": 40}
    one = next(each for each in caps([row(100, 60)], 64) if each["cap"] == 64)
    assert one == {"cap": 64, "rows": 1, "drop": 60, "truncate": 36}


@pytest.mark.parametrize(
    ("free", "chosen"),
    [
        (1 << 34, ("none", "off")),
        (0, None),
    ],
)
def test_headroom_chooses_the_quickest_that_fits(base, free, chosen):
    found = headroom(outline(recipe_for(base)), recipe_for(base), 64, free)
    assert len(found["ways"]) == 4
    if chosen:
        assert f"quantization={chosen[0]} gradient_checkpointing={chosen[1]}" in found["told"]
    else:
        assert "none of them fits" in found["told"]


def test_headroom_turns_to_checkpointing_before_nf4(base):
    """With room for less than full precision without checkpointing, the next way that fits is taken."""
    loaded, recipe = outline(recipe_for(base)), recipe_for(base)
    ways = headroom(loaded, recipe, 64, 0)["ways"]
    sizes = [way["memory"] for way in ways]
    assert sizes[1] < sizes[0] and sizes[3] < sizes[2] and sizes[2] < sizes[0]
    room = int((sizes[1] + 1) / 0.8) + 1
    assert "quantization=none gradient_checkpointing=on" in headroom(loaded, recipe, 64, room)["told"]
    for method in ("full",):
        assert len(headroom(loaded, recipe_for(base, f"method={method}"), 64, 0)["ways"]) == 2


@pytest.mark.parametrize("method", ["lora", "dora", "vera", "adalora", "prompt", "prefix", "full"])
def test_the_trainable_share_is_that_of_the_run(base, method):
    """The formula, and the parameters that PEFT really makes trainable."""
    from evalharness.models import load_model
    from train.methods import peft_config

    recipe = recipe_for(base, f"method={method}", "quantization=none")
    size = estimate(outline(recipe), recipe, 64)
    model = load_model(str(base), quantization="none", threads=1, for_training=True).model
    if method != "full":
        from peft import get_peft_model

        model = get_peft_model(model, peft_config(recipe))
    else:
        model.requires_grad_(True)
    assert size.trainable == sum(each.numel() for each in model.parameters() if each.requires_grad)


def test_a_step_is_measured_and_priced(train, keep, tickets, workspace):  # noqa: F811
    """Nothing is left of it; without --measure no weights are loaded and nothing is said of time."""
    keep(tickets)
    answer = train(plan=True, measure=True, price_per_hour=2.0)
    text = "\n".join(answer.lines)
    assert "measured" in text and "tokens/s" in text and "at 2.00 an hour" in text and answer.exit_code == 0
    assert workspace.ledger.rows("select * from run where kind = 'train'") == []
    assert "measured" not in "\n".join(train(plan=True).lines)


def test_the_longest_step_has_the_longest_rows():
    rows = [row(length, 2) for length in (5, 30, 10, 20)]
    assert [len(each.ids) for each in measured.longest(rows, recipe_for("tiny", "batch_size=2"))] == [30, 20]
    pairs = recipe_for("tiny", "batch_size=1", "objective=dpo")
    assert [len(each.ids) for each in measured.longest(rows, pairs)] == [5, 30]
    told = measured.told(measured.Measured(2.0, 100, 1 << 30), tokens=1000, steps=30, price=3600.0)
    assert "about 20 s by tokens, at most 1 min 00 s" in told["time"] and "about 20.00" in told["cost"]


def test_a_test_that_was_read_is_told(train, keep, tickets, workspace, base):  # noqa: F811
    digest = keep(tickets)
    assert "sealed: no model has answered its rows" in "\n".join(train(plan=True).lines)
    local = Local(str(base), device="cpu", threads=1)
    predict(workspace, digest, [Base()], local, Asking(limit=1))
    answer = train(plan=True)
    assert "not sealed: answered 1 times" in "\n".join(answer.lines)
    assert answer.data["test_readings"] == 1 and json.dumps(answer.data)


def test_a_plan_of_many_rows_is_quick(train, keep):  # noqa: F811
    """2,000 rows in 5 seconds of this process's time at most; the issue asks that of 10,000 on the tiny base."""
    many = version([ticket(number) for number in range(2_000)], train=1_900, validation=50)
    keep(many.unique("content_hash", maintain_order=True).with_columns(pl.col("split")))
    train(plan=True)  # imports and caches
    began = time.process_time()
    train(plan=True)
    assert time.process_time() - began < 5
