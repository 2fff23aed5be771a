"""The judge behind a real server: `transformers serve`, with the shipped toy and with a model made by hand.

Needs what `transformers serve` needs (transformers[serving]); skipped without.
"""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import polars as pl
import pytest

from evalharness.asking.endpoint import Endpoint
from evalharness.judging import asking
from evalharness.judging.card import as_json, card_of
from evalharness.judging.judge import Judge
from evalharness.judging.pairwise import PairJudge, merged
from evalharness.judging.rating import Item, Pairing
from evalharness.judging.rubric import Rubric

ABSENT = [name for name in ("fastapi", "uvicorn", "openai") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(ABSENT), reason=f"transformers serve needs {', '.join(ABSENT)}"),
]
TOY = Path(__file__).parents[3] / "evalharness" / "tinybase"
VERDICT = '{"reason": "it stands first", "settles": "first", "right": "first"}'
SERVE = "from transformers.cli.transformers import main; main()"
STARTED_IN = 120.0  # seconds, on a busy machine


def save_one_word_model(folder: Path, word: str) -> None:
    """A Llama whose weights are set by hand so that it says one word and stops, whatever it is asked.

    Attention and layers are nothing; each token's vector passes through. After the word comes the end,
    after any other token the word.
    """
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {"<pad>": 0, "<s>": 1, "<e>": 2, "<unk>": 3, "<a>": 4, word: 5}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", eos_token="<e>", unk_token="<unk>"
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }} {% endfor %}<a>"
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=6, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
        num_key_value_heads=1, max_position_embeddings=8192, tie_word_embeddings=False,
        bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights.fill_(1.0 if "norm" in name else 0.0)
        model.model.embed_tokens.weight[:, 0] = 1.0
        model.model.embed_tokens.weight[5] = torch.eye(8)[1]
        model.lm_head.weight[5, 0] = model.lm_head.weight[2, 1] = 9.0
    model.save_pretrained(folder)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a server, and the folder of the model that says VERDICT."""
    folder = tmp_path_factory.mktemp("served")
    save_one_word_model(folder / "one-word", VERDICT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        SERVE,
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--device",
        "cpu",
    ]
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "HF_HOME": str(folder / "home"),
    }
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        until = time.monotonic() + STARTED_IN
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            except (URLError, OSError):
                assert server.poll() is None and time.monotonic() < until, (folder / "log").read_text()[
                    -2000:
                ]
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1", str(folder / "one-word")
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def test_a_real_model_that_always_says_first_is_seen_through(served, tmp_path):
    """Both orders, read, merged: nothing but flips, so the win rate is a half and the habit is told."""
    url, model = served
    asked = [{"role": "user", "content": "where is my parcel?"}]
    items = [
        Item(str(n), str(n), asked, "on its way", None, {"tuned": f"soon {n}", "rag": f"late {n}"})
        for n in range(3)
    ]
    pair = Pairing("d", "test", "tuned", "rag", items, 0, 0)
    judge = PairJudge(Rubric.find("helpful"), Endpoint(url, model), tmp_path)
    told = merged(judge.judge(pair))
    card = card_of(pair, told.preferences, {}, metric="helpful", model=model, told=told)
    assert card.wins.rate == 0.5 and card.orders.flips == card.orders.n == 3 and card.orders.first == 1
    assert as_json(card)["status"] == "advisory only"
    kept = [json.loads(line) for line in next(tmp_path.glob("*.jsonl")).read_text().splitlines()]
    assert len(kept) == 6 and {reply[1] for reply in kept} == {VERDICT}


def test_the_toy_cannot_judge_and_is_not_believed(served, tmp_path, monkeypatch):
    """It answers, and what it says is no verdict: asked once for a repair, then not judged."""
    monkeypatch.setattr(asking, "ENOUGH", 16)
    row = {"example_id": "1", "arm": "base", "answer": "soon", "error": None}
    row |= {"question": "user: where is my parcel?", "reference": "on its way"}
    table = pl.DataFrame([row], schema_overrides={"error": pl.String})
    judge = Judge(Rubric.find("tone"), Endpoint(served[0], str(TOY)), tmp_path)
    found = judge.judge(table)
    assert found["score"].to_list() == [None] and found["repaired"].to_list() == [True]
    assert "not JSON" in found["failure"][0]
    assert len(next(tmp_path.glob("*.jsonl")).read_text().splitlines()) == 2
