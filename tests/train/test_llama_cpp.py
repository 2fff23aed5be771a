"""GGUF by llama.cpp's converter: what is asked of the file, and that nothing is left where it does not hold."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from curate.errors import ConfigError, GateError, ResourceError
from evalharness.adapters import llama_cpp
from evalharness.models.chat import Chat
from evalharness.models.loaded import load_model
from train import cli_adapters

# a converter that writes what the file's readers ask for, and no weights
CONVERTER = """
import json, sys
from pathlib import Path

model, out = Path(sys.argv[1]), Path(sys.argv[sys.argv.index("--outfile") + 1])
template = (model / "chat_template.jinja").read_text(encoding="utf-8")
eos = json.loads((model / "config.json").read_text())["eos_token_id"]
out.write_text(json.dumps({"tokenizer.chat_template": template, "tokenizer.ggml.eos_token_id": eos}))
"""
READER = """
import json

class Field:
    def __init__(self, value):
        self.value = value
    def contents(self):
        return self.value

class GGUFReader:
    def __init__(self, path):
        self.fields = {name: Field(value) for name, value in json.load(open(path)).items()}
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with the two programs that are called, standing in for llama.cpp's."""
    place = tmp_path / "llama.cpp"
    (place / "gguf-py" / "gguf").mkdir(parents=True)
    (place / llama_cpp.CONVERTER).write_text(CONVERTER)
    (place / "gguf-py" / "gguf" / "__init__.py").write_text(READER)
    return place


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch):
    """A server on this machine's path would be asked."""
    monkeypatch.setattr(llama_cpp.shutil, "which", lambda name: None)


def convert(folder, to, **more):
    return cli_adapters.adapters("gguf", "one", to=to, llama_cpp=folder, dtype="float32", **more)


def test_a_file_with_the_models_template_and_end_is_kept(two, workspace, tmp_path, folder):
    answer = convert(folder, tmp_path / "one.gguf")
    assert (tmp_path / "one.gguf").is_file()
    text = "\n".join(answer.lines)
    assert "the chat template in the file is the model's" in text and "ends answers at token 5" in text
    assert "not checked: whether llama.cpp answers as the model does" in text
    with pytest.raises(ConfigError, match="is there already"):
        convert(folder, tmp_path / "one.gguf")


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (('template = (model / "chat_template.jinja").read_text(encoding="utf-8")', "template = 'chatml'"), GateError, "its chat template is not the model's"),
        (('["eos_token_id"]', '["pad_token_id"]'), GateError, "it would end answers at token 0"),
        (("import json, sys", "import sentencepiece_of_theirs"), ConfigError, "No module named"),
        (("import json, sys", "raise NotImplementedError('unknown pre-tokenizer')"), ConfigError, "unknown pre-tokenizer"),
        (("out.write_text", "(lambda text: None)"), ConfigError, "converter failed"),
    ],
)  # fmt: skip
def test_what_does_not_hold_leaves_nothing(two, workspace, tmp_path, folder, change, error, said):
    script = folder / llama_cpp.CONVERTER
    script.write_text(script.read_text().replace(*change))
    with pytest.raises(error, match=said):
        convert(folder, tmp_path / "one.gguf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "llama.cpp"]


def test_without_llama_cpp_it_says_what_to_do(two, workspace, tmp_path):
    with pytest.raises(ConfigError, match=r"llama\.cpp is needed") as error:
        convert(None, tmp_path / "one.gguf")
    assert "seatrial adapters merge" in error.value.hint
    with pytest.raises(ConfigError, match=r"no convert_hf_to_gguf\.py"):
        convert(tmp_path, tmp_path / "one.gguf")


# a server that answers from a table: what the model itself says, or something else
SERVER = """#!{python}
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

told = json.load(open({table!r}))

class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass
    def reply(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.reply({{"status": "ok"}})
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/apply-template":
            self.reply({{"prompt": json.dumps(asked["messages"])}})
        elif self.path == "/tokenize":
            self.reply({{"tokens": told["ids"][asked["content"]]}})
        else:
            self.reply({{"tokens": told["answers"][json.dumps(asked["prompt"])]}})

HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


@pytest.fixture
def told(base, tickets):
    """The model, questions, and what a server that is the model would answer to them."""
    from evalharness.adapters.merging import turns_of
    from evalharness.asking.task import queries
    from evalharness.models.generation import generate

    model = load_model(str(base), quantization="none", device="cpu", threads=1)
    chat = Chat(model)
    asked = list(queries(tickets.head(4)))
    turns = [turns_of(each) for each in asked]
    ids = [chat.ids(chat.prompt(each)) for each in turns]
    answers = generate(model, ids, stops=chat.stops, max_new_tokens=llama_cpp.TOKENS)
    table = {
        "ids": {json.dumps(each): row for each, row in zip(turns, ids, strict=True)},
        "answers": {json.dumps(row): [*each.ids, 5] for row, each in zip(ids, answers, strict=True)},
    }
    return model, asked, table


def serve(tmp_path, table) -> Path:
    (tmp_path / "table.json").write_text(json.dumps(table))
    server = tmp_path / "llama-server"
    server.write_text(SERVER.format(python=sys.executable, table=str(tmp_path / "table.json")))
    server.chmod(0o755)
    return server


def test_a_server_that_answers_alike_passes_and_others_do_not(tmp_path, told):
    model, asked, table = told
    lines = llama_cpp.parity(serve(tmp_path, table), tmp_path / "x.gguf", model, asked)
    assert [line.rpartition(": ")[2] for line in lines] == ["4 of 4 the same"] * 2
    other = json.loads(json.dumps(table))
    key = next(iter(other["answers"]))
    other["answers"][key] = [9, 9, 9]
    with pytest.raises(GateError, match="greedy answers: 3 of 4"):
        llama_cpp.parity(serve(tmp_path, other), tmp_path / "x.gguf", model, asked)
    other = json.loads(json.dumps(table))
    other["ids"][next(iter(other["ids"]))][0] = 1  # the begin token lost
    with pytest.raises(GateError, match="conversations as tokens: 3 of 4"):
        llama_cpp.parity(serve(tmp_path, other), tmp_path / "x.gguf", model, asked)


def test_a_server_that_does_not_start_is_said(tmp_path, told):
    model, asked, _ = told
    server = tmp_path / "llama-server"
    server.write_text("#!/bin/sh\necho 'unknown model architecture'\nexit 1\n")
    server.chmod(0o755)
    with pytest.raises(ResourceError, match="did not start: unknown model architecture"):
        llama_cpp.parity(server, tmp_path / "x.gguf", model, asked)


def test_the_server_is_found_where_it_was_built(tmp_path):
    assert llama_cpp.server_of(tmp_path) is None
    built = tmp_path / "build" / "bin" / llama_cpp.SERVER
    built.parent.mkdir(parents=True)
    built.write_text("")
    assert llama_cpp.server_of(tmp_path) == built


@pytest.mark.skipif("SEATRIAL_LLAMA_CPP" not in os.environ, reason="SEATRIAL_LLAMA_CPP names no llama.cpp")
def test_the_real_converter_takes_a_model(tmp_path):
    """A model's folder of a kind that llama.cpp knows, named by SEATRIAL_LLAMA_MODEL."""
    lines = llama_cpp.convert(
        Path(os.environ["SEATRIAL_LLAMA_MODEL"]),
        tmp_path / "x.gguf",
        Path(os.environ["SEATRIAL_LLAMA_CPP"]),
        "float32",
    )
    assert len(lines) == 2 and (tmp_path / "x.gguf").stat().st_size > 1000
