"""What a plan says beside rows and lengths: the base, headroom, caps, one measured step, and whether the test is sealed."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache

import polars as pl
import pytest

from benchmarks import train_memory
from curate.errors import ConfigError
from curate.progress import Progress
from evalharness.asking.answerers import Local
from evalharness.asking.arms import Base
from evalharness.asking.predict import Asking, predict
from evalharness.encoding import encode as batches
from evalharness.encoding.lengths import caps
from evalharness.models import base_facts
from evalharness.models.shape import shape_of
from tests.train.conftest import MARKED, ticket, version
from tests.train.test_train import told_of, train  # noqa: F401  # the fixture
from train.outline import outline, settled
from train.plan import Measured, longest, measured_lines
from train.recipe import parse, resolve
from train.sizes import estimate


def row(length: int, trained: int) -> batches.Encoded:
    """A row whose last tokens are trained on."""
    mask = tuple(place >= length - trained for place in range(length))
    return batches.Encoded(f"id{length}", f"rows.jsonl:{length}", tuple(range(length)), mask)


def recipe_for(base, *words):
    return resolve(parse([f"base={base}", *words])).recipe


def test_the_base_is_told_by_its_own_files(base, tmp_path):
    """Licence by the card, then by a licence file, then not said; tuned by name and template."""
    template = batches.template_of(outline(recipe_for(base)), "assistant")
    assert "not said" in base_facts.licence(tmp_path)
    (tmp_path / "LICENSE").write_text("\n  Some Model Licence 2\nterms\n")
    assert base_facts.licence(tmp_path) == "Some Model Licence 2 (LICENSE)"
    (tmp_path / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# x\nlicense: no\n")
    assert base_facts.licence(tmp_path) == "apache-2.0 (its README.md)"
    told = base_facts.facts(tmp_path, "org/Some-0.5B-Instruct", template.chat)
    assert "its name (Some-0.5B-Instruct)" in told["instruction-tuned"]
    assert "its name" not in base_facts.facts(tmp_path, "org/Unit-0.5B", template.chat)["instruction-tuned"]
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
    assert base_facts.keeps_turns(made.chat) is kept


def test_caps_count_exactly_what_is_lost():
    found = {each["cap"]: each for each in caps([row(20, 5), row(50, 10), row(100, 30)], 60)}
    assert set(found) == {32, 60, 64}
    assert found[60] == {"cap": 60, "rows": 1, "drop": 30, "truncate": 30}  # its answer begins at 70
    assert found[32] == {"cap": 32, "rows": 2, "drop": 40, "truncate": 40}
    one = next(each for each in caps([row(100, 60)], 64) if each["cap"] == 64)
    assert one == {"cap": 64, "rows": 1, "drop": 60, "truncate": 36}


def test_the_quickest_way_that_fits_the_device_is_chosen(base):
    """Full precision, then with checkpointing, then NF4 without and with; and where nothing fits the smallest."""
    recipe, loaded = recipe_for(base), outline(recipe_for(base))
    ways = settled(loaded, recipe, 64, 0).ways
    sizes = {(way["quantization"], way["gradient_checkpointing"]): way["memory"] for way in ways}
    assert list(sizes) == [("none", "off"), ("none", "on"), ("nf4", "off"), ("nf4", "on")]
    chosen = {}
    for way, size in sizes.items():
        found = settled(loaded, recipe, 64, int(size / 0.8) + 2)
        chosen[way] = found.quantization, found.recipe.gradient_checkpointing
        assert "is the quickest that fits into 80% of it" in found.why
    assert chosen["none", "off"] == ("none", "off") and chosen["nf4", "on"] == ("nf4", "on")
    assert chosen["none", "on"] == ("none", "on")
    nothing = settled(loaded, recipe, 64, 0)
    assert (nothing.quantization, nothing.recipe.gradient_checkpointing) == ("nf4", "on")
    assert "none fits into 80% of it" in nothing.why


@pytest.mark.parametrize(
    ("words", "ways"),
    [
        (["quantization=nf4"], [("nf4", "off"), ("nf4", "on")]),
        (["gradient_checkpointing=off"], [("none", "off"), ("nf4", "off")]),
        (["quantization=none", "gradient_checkpointing=on"], [("none", "on")]),
        (["method=full"], [("none", "off"), ("none", "on")]),
    ],
)
def test_what_the_recipe_says_is_not_weighed(base, words, ways):
    recipe = recipe_for(base, *words)
    found = settled(outline(recipe), recipe, 64).ways
    assert [(way["quantization"], way["gradient_checkpointing"]) for way in found] == ways


def test_the_tiny_base_is_held_as_it_was_measured():
    recipe = recipe_for("tiny")
    found = settled(outline(recipe), recipe, 64)
    assert (found.quantization, found.recipe.gradient_checkpointing) == ("nf4", "off")
    assert found.recipe.quantization == "auto"  # loading measures the round trip, and has the last word


def test_a_run_is_held_as_the_device_lets_it_and_says_why(train, keep, tickets, workspace, monkeypatch):  # noqa: F811
    """On a device too small for anything else: NF4 with checkpointing; plan and record say so."""
    monkeypatch.setattr("train.outline.device_memory", lambda _: 100_000)
    keep(tickets)
    auto = {"gradient_checkpointing": "auto", "evaluate": False, "epochs": 1}
    text = "\n".join(train(auto, plan=True).lines)
    assert "nf4 on cpu" in text and "none fits into 80% of it" in text
    train(auto)
    told = told_of(workspace)
    assert told["quantization"] == "nf4" and told["gradient_checkpointing"] is True
    assert "none fits into 80% of it" in told["headroom"] == told["quantization_reason"]
    monkeypatch.setattr("train.outline.device_memory", lambda _: 1 << 40)
    train(auto, again=True)
    told = told_of(workspace)
    assert told["quantization"] == "none" and told["gradient_checkpointing"] is False
    assert "full precision without checkpointing is the quickest" in told["headroom"].lower()


def test_a_run_does_not_go_on_with_the_base_held_otherwise(train, keep, tickets, monkeypatch):  # noqa: F811
    """Stopped, and gone on with on a machine with less memory."""
    step = Progress.step

    def falls(self, count=1, note=""):
        step(self, count, note)
        if self.stage == "train" and self.done == 4:  # in its second epoch
            raise KeyboardInterrupt

    keep(tickets)
    monkeypatch.setattr(Progress, "step", falls)
    with pytest.raises(KeyboardInterrupt):
        train({"evaluate": False})
    monkeypatch.setattr(Progress, "step", step)
    monkeypatch.setattr("train.outline.device_memory", lambda _: 100_000)
    with pytest.raises(ConfigError, match="quantization was none, is nf4"):
        train({"evaluate": False})
    monkeypatch.setattr("train.outline.device_memory", lambda _: 1 << 40)
    assert train({"evaluate": False}).data["resumed_at_step"] == 3


def test_a_base_is_the_same_by_its_files_and_by_the_model_itself(base):
    from evalharness.models.loaded import load_config
    from evalharness.models.model_files import find_base, shapes
    from train import outline as module

    for name in ("tiny", str(base)):
        folder = find_base(name)
        config = load_config(folder, name)
        by_files, by_model = (shape_of(each, config) for each in (shapes(folder), module._by_model(config)))
        assert sorted(by_files.linears) == sorted(by_model.linears) and len(by_files.linears) >= 14
        assert replace(by_files, linears=()) == replace(by_model, linears=())


def test_a_plan_imports_no_pytorch(base, keep, tickets, workspace):
    """The tokenizer and small files are enough; the masks are those of the trainer's own collator."""
    keep(tickets)
    code = (
        "import sys; from train import cli; cli.train('tickets', base=sys.argv[1], plan=True);"
        "print([name for name in ('torch', 'trl', 'peft', 'datasets', 'bitsandbytes') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code, str(base)], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("method", ["lora", "dora", "vera", "adalora", "prompt", "prefix", "full"])
def test_the_trainable_share_is_that_of_the_run(base, method):
    """The formula, and the parameters that PEFT really makes trainable."""
    from evalharness.models.loaded import load_model
    from train.methods import peft_config

    recipe = recipe_for(base, f"method={method}", "quantization=none")
    size = estimate(outline(recipe).facts["shape"], recipe, 64, quantization="none", device="cpu")
    model = load_model(str(base), quantization="none", threads=1, for_training=True).model
    if method != "full":
        from peft import get_peft_model

        model = get_peft_model(model, peft_config(recipe))
    else:
        model.requires_grad_(True)
    assert size.trainable == sum(each.numel() for each in model.parameters() if each.requires_grad)


@pytest.fixture(scope="module")
def shaped(tmp_path_factory):
    """Makes a random base of the shape of a kind, with two or three million parameters; each kind once."""
    pytest.importorskip("torch")
    return cache(lambda kind: train_memory.base(tmp_path_factory.mktemp("shaped"), kind, num_hidden_layers=2))


@pytest.mark.slow(25)
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("qwen3", "method=lora dropout=0.1 precision=bf16"),
        ("qwen3", "method=dora quantization=nf4 objective=reward"),
        ("qwen3", "method=full objective=dpo"),
        ("qwen3", "method=lora objective=orpo gradient_checkpointing=on"),
        ("gemma2", "method=lora dropout=0.1 objective=reward"),
    ],
)
def test_the_formula_is_what_torch_holds(shaped, kind, words):
    """Of a whole step, by the allocator's own count: within 10 %."""
    held, said = train_memory.both(shaped(kind), words, length=120 if kind == "gemma2" else 60)
    assert 0.9 < said / held < 1.1


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
    assert [len(each.ids) for each in longest(rows, recipe_for("tiny", "batch_size=2"))] == [30, 20]
    pairs = recipe_for("tiny", "batch_size=1", "objective=dpo")
    assert [len(each.ids) for each in longest(rows, pairs)] == [5, 30]
    told = measured_lines(Measured(2.0, 100, 1 << 30), 1000, 30, 3600.0)
    assert "about 20 s by tokens, at most 1 min 00 s" in told["time"] and "about 20.00" in told["cost"]


@pytest.mark.parametrize(
    ("objective", "steps"),
    [("sft", 0), ("sft", 11), ("dpo", 0), ("kto", 0), ("kto", 17), ("orpo", 0), ("reward", 0)],
)
def test_a_run_does_what_its_plan_says(train, keep, tickets, pairs, workspace, monkeypatch, objective, steps):  # noqa: F811
    """Rows, steps and tokens, where rows (of pairs: one answer) are over-long, and with more steps than epochs."""
    from train import run

    examples = tickets if objective == "sft" else pairs
    if objective == "sft":
        told = examples["messages"].to_list()
        for at in (2, 3, 10):
            told[at][1]["content"] += " hello" * 30
        examples = examples.with_columns(messages=pl.Series(told, dtype=examples.schema["messages"]))
    else:
        examples = examples.with_columns(
            rejected=pl.when(pl.col("source_row").is_in([3, 4, 11]))
            .then(pl.col("rejected") + " sorry" * 30)
            .otherwise("rejected")
        )
    keep(examples)
    seen = []
    build = run.build

    def counted(*given):
        built = build(*given)
        step = built.trainer.training_step

        def counting(model, inputs, *rest):
            masks = [v for k, v in inputs.items() if k.endswith("attention_mask") and "KL" not in k]
            seen.append(sum(int(each.sum()) for each in masks))
            return step(model, inputs, *rest)

        built.trainer.training_step = counting
        return built

    settings = {"objective": objective, "over_long": "drop", "max_steps": steps, "context": 40, "batch_size": 7, "evaluate": False}  # fmt: skip
    plan = train(settings, plan=True).data
    monkeypatch.setattr(run, "build", counted)
    train(settings)
    told = told_of(workspace)
    assert plan["steps"] == told["steps"] and plan["tokens"] == told["rows"]["train"]
    assert plan["tokens"]["rows"] == (21 if objective == "sft" else 42)
    assert plan["tokens_of_all_epochs"] == pytest.approx(sum(seen), rel=0.02 if steps else 1e-9)
    assert len(told["losses"]) == math.ceil(plan["epochs"])


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
