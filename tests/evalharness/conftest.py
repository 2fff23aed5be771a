"""A random Llama of the shape that the harness is made for, small enough to build in a second."""

import json
from pathlib import Path

import polars as pl
import pytest

from curate.example import frame, with_ids
from curate.workspace import Workspace

TEMPLATE = (
    "{{ '<s>' }}{% for m in messages %}"
    "{% if m.role == 'system' %}{{ m.content }}"
    "{% elif m.role == 'user' %}{{ '<u>' + m.content }}"
    "{% else %}{{ '<a>' }}{% generation %}{{ m.content + '<e>' }}{% endgeneration %}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<a>' }}{% endif %}"
)
WORDS = [
    "hello",
    "my",
    "mug",
    "lamp",
    "kettle",
    "arrived",
    "broken",
    "late",
    "lost",
    "refund",
    "invoice",
    "card",
    "parcel",
    "please",
    "thanks",
    "oak",
    "sierra",
    "viola",
    "sorry",
    "about",
    "the",
    "we",
    "will",
    "send",
    "a",
    "new",
    "one",
    "queues",
    "keystone",
    "arrival",
    "payment",
]


def save_tokenizer(folder: Path, *, template: str | None = TEMPLATE) -> None:
    """A lower-casing WordPiece tokenizer with letters, so that any ASCII word can be spelled."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = ["<pad>", "<s>", "<u>", "<a>", "<e>", "<unk>", *WORDS]
    pieces += [*letters, *(f"##{letter}" for letter in letters), *".,:;!?_-'/()[]{}\"@"]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    inner = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>", max_input_chars_per_word=60))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<s>",
        eos_token="<e>",
        pad_token="<pad>",
        unk_token="<unk>",
        additional_special_tokens=["<u>", "<a>"],
        model_max_length=512,
    )
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)


def save_model(folder: Path, *, hidden: int = 64, seed: int = 0) -> None:
    """A random Llama with a vocabulary of 256; every in_features is `hidden` or twice it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=256,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        max_position_embeddings=512,
        initializer_range=0.3,  # wide, so that the logits of a random model differ clearly
        bos_token_id=1,
        eos_token_id=4,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """One thread, no hub."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    """The folder of a random model with its tokenizer."""
    folder = tmp_path_factory.mktemp("base")
    save_model(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture(scope="session")
def adapter(base, tmp_path_factory) -> Path:
    """The folder of a LoRA adapter on `base` that changes its answers."""
    import torch
    from peft import LoraConfig, get_peft_model

    from evalharness.models.loaded import load_model

    loaded = load_model(str(base), quantization="none")
    torch.manual_seed(1)
    model = get_peft_model(loaded.model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weights in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.5)
    folder = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    notes = {"quantization": "none", "base_digest": loaded.facts["base_digest"]}
    (folder / "training.json").write_text(json.dumps(notes))
    return folder


def ticket(number: int, label: str, split: str, reply: str | None = None) -> dict[str, object]:
    """One row of the demo's shape."""
    product = ("mug", "lamp", "kettle")[number % 3]
    words = f"hello, my {product} arrived broken, parcel {number}"
    answer = reply if reply is not None else f"{label}: sorry about the {product}"
    turns = [
        ("system", "keystone queues: oak, sierra, viola."),
        ("user", words),
        ("assistant", answer),
    ]
    return {
        "messages": [{"role": role, "content": content} for role, content in turns],
        "label": label,
        "split": split,
        "source": "t.jsonl",
        "source_row": number,
        "meta": "{}",
        "layout": "{}",
    }


def tickets(train: int = 30, test: int = 12) -> pl.DataFrame:
    """Train and test tickets over three queues."""
    labels = ("oak", "sierra", "viola")
    rows = [ticket(n, labels[n % 3], "train") for n in range(train)]
    rows += [ticket(1000 + n, labels[n % 3], "test") for n in range(test)]
    return with_ids(frame(rows), [json.dumps(row) for row in rows])


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace with one dataset called tickets, split."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    space = Workspace.open(create=True)
    digest = space.put_dataset(tickets())
    space.ledger.set_name("tickets", digest)
    yield space
    space.close()


@pytest.fixture
def chat_server():
    """Starts an OpenAI-compatible server on the loopback: give it `reply(body, number)`, get its address.

    A reply is (status, text) or (status, text, headers); text with status 200 is the answer, or the
    whole response if it is bytes. `chat_server.requests` keeps the bodies.
    """
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    servers = []

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # as many may knock at once as are ever in flight

    def start(reply):
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    start.requests.append(body)
                    start.headers.append(dict(self.headers))
                    number = len(start.requests)
                status, text, *more = reply(body, number)
                data = text if isinstance(text, bytes) else text.encode()
                if status == 200 and not isinstance(text, bytes):
                    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                    usage = {"prompt_tokens": 7, "completion_tokens": 3}
                    data = json.dumps({"choices": [choice], "usage": usage}).encode()
                self.send_response(status)
                for key, value in (more[0] if more else {}).items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/v1"

    start.requests, start.headers = [], []
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
