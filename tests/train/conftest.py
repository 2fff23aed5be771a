"""A tiny random base, and a split version of invented tickets in a workspace."""

from __future__ import annotations

import gc
import json
import random
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from curate.example import frame, with_ids
from curate.finding import FINDINGS, stamp
from curate.workspace import Workspace
from evalharness.models.loaded import import_peft

SPECIALS = ["<pad>", "<unk>", "<s>", "<u>", "<a>", "<e>", "<n>"]
QUEUES = {"oak": "mug", "sierra": "login", "viola": "invoice", "vale": "parcel"}
FILLERS = ["hello", "again", "still", "my", "is", "wrong", "please", "for", "days", "order"]
WORDS = [*QUEUES, *QUEUES.values(), *FILLERS, "queues", "sorry", "about", "the", "we", "look", ":", ",", "."]
MARKED = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'assistant' %}{{ '<a>' }}{% generation %}{{ m.content + eos_token }}{% endgeneration %}"
    "{% elif m.role == 'user' %}{{ '<u>' + m.content }}"
    "{% else %}{{ m.content }}{% endif %}{{ '<n>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<a>' }}{% endif %}"
)


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    """A random Llama of 100,000 parameters whose layers suit NF4, with a tokenizer of whole words."""
    torch = pytest.importorskip("torch")
    for package in ("bitsandbytes", "peft", "trl"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    import_peft()  # first: with it comes bitsandbytes, and quietly
    from trl import DPOTrainer, SFTTrainer  # noqa: F401
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling  # noqa: F401

    # accelerate collects garbage after each training: a third of a short one's time goes through what
    # these imports left, unless it is set aside
    gc.collect()
    gc.freeze()
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    words = Tokenizer(models.WordLevel({w: i for i, w in enumerate([*SPECIALS, *WORDS])}, unk_token="<unk>"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        bos_token="<s>",
        eos_token="<e>",
        pad_token="<pad>",
        unk_token="<unk>",
        additional_special_tokens=["<u>", "<a>", "<n>"],
    )
    tokenizer.chat_template = MARKED
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
        initializer_range=0.2,  # wide enough that frozen random weights can still be steered
        bos_token_id=2,
        eos_token_id=5,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def ticket(number: int) -> dict[str, object]:
    """One invented ticket; the queue follows from its thing."""
    queue = sorted(QUEUES)[number % len(QUEUES)]
    filler = random.Random(number).choices(FILLERS, k=4 + number % 4)
    messages = [
        {"role": "system", "content": "queues : oak , sierra , viola , vale ."},
        {"role": "user", "content": f"{' '.join(filler)} {QUEUES[queue]}"},
        {"role": "assistant", "content": f"{queue} : sorry about the {QUEUES[queue]} ."},
    ]
    return {
        "messages": messages,
        "label": queue,
        "source": "tickets.jsonl",
        "source_row": number + 1,
        "meta": "{}",
    }


def version(rows: list[dict[str, object]], *, train: int, validation: int) -> pl.DataFrame:
    """Rows as a split version: first the training rows, then validation, then test."""
    for index, row in enumerate(rows):
        row["split"] = "train" if index < train else "validation" if index < train + validation else "test"
    return with_ids(frame(rows), [json.dumps([index, row["messages"]]) for index, row in enumerate(rows)])


@pytest.fixture
def tickets() -> pl.DataFrame:
    """24 training rows, 4 validation rows, 4 test rows."""
    return version([ticket(number) for number in range(32)], train=24, validation=4)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """An empty workspace that commands find."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    opened = Workspace.open(create=True)
    yield opened
    opened.close()


@pytest.fixture
def keep(workspace):
    """Put a version into the workspace under the name `tickets`, scanned with these findings (None: not)."""

    def put(examples: pl.DataFrame, findings: list[dict[str, object]] | None = ()) -> str:
        digest = workspace.put_dataset(examples)
        workspace.ledger.set_name("tickets", digest)
        if findings is not None:
            hashes = dict(examples.select("example_id", "content_hash").iter_rows())
            table = stamp(pl.DataFrame(list(findings), schema=FINDINGS), hashes, check="pii", version=1)
            with workspace.run("scan", {}, {"dataset": digest}) as run:
                run.outputs["findings"] = workspace.put_table("findings", table)
        return digest

    return put


QUICK_WORDS = (
    "quantization=nf4",
    "threads=1",
    "rank=4",
    "epochs=2",
    "batch_size=8",
    "accumulate=1",
    "warmup=0",
    "dropout=0.0",
    "log_every=1",
    "report_to=none",
)


@pytest.fixture(scope="session")
def made(base, tmp_path_factory):
    """Two adapters' folders, trained on the same rows with two learning rates."""
    from train import cli

    folders = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEATRIAL_HOME", str(tmp_path_factory.mktemp("made") / "home"))
        patch.setattr("curate.workspace.code_version", lambda: "tested")
        workspace = Workspace.open(create=True)
        examples = version([ticket(number) for number in range(32)], train=24, validation=4)
        digest = workspace.put_dataset(examples)
        workspace.ledger.set_name("tickets", digest)
        with workspace.run("scan", {}, {"dataset": digest}) as run:
            table = stamp(pl.DataFrame([], schema=FINDINGS), {}, check="pii", version=1)
            run.outputs["findings"] = workspace.put_table("findings", table)
        for name, rate in (("one", "5e-3"), ("two", "1e-2")):
            words = [*QUICK_WORDS, f"learning_rate={rate}"]
            found = cli.train("tickets", base=str(base), name=name, setting=words)
            folders.append(workspace.files(found.data["adapter"]))
        workspace.close()
    return folders


@pytest.fixture
def two(made, keep, tickets, workspace):
    """A workspace with the data and both adapters, called one and two; their digests."""
    keep(tickets)
    digests = [workspace.put_files("adapter", folder) for folder in made]
    for name, digest in zip(("one", "two"), digests, strict=True):
        workspace.ledger.set_name(name, digest)
    return digests


@pytest.fixture
def pairs() -> pl.DataFrame:
    """The tickets, each with a chosen answer and one of another queue."""
    rows = []
    for number in range(32):
        row = ticket(number)
        messages = row["messages"]
        assert isinstance(messages, list)
        other = sorted(QUEUES)[(number + 1) % len(QUEUES)]
        answers = {
            "chosen": messages.pop()["content"],
            "rejected": f"{other} : sorry about the {QUEUES[other]} .",
        }
        rows.append(row | answers)
    return version(rows, train=24, validation=4)
