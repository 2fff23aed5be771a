"""A merged adapter as a GGUF file by llama.cpp's own converter, and whether llama.cpp answers as the model does."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from curate.errors import ConfigError, GateError, ResourceError
from curate.workspace import Workspace
from evalharness.adapters.merging import Moved, merge, rows_here, turns_of
from evalharness.adapters.registry import Adapter
from evalharness.asking.task import Solved
from evalharness.models.chat import Chat
from evalharness.models.generation import generate
from evalharness.models.loaded import LoadedModel, load_model

CONVERTER, SERVER = "convert_hf_to_gguf.py", "llama-server"
TYPES = {"bfloat16": "bf16", "float16": "f16", "float32": "f32"}
TEMPLATE, EOS = "tokenizer.chat_template", "tokenizer.ggml.eos_token_id"
PROMPTS, TOKENS = 8, 48  # of the parity test
SAME = 0.9  # share of answers that must be the same: another order of sums may turn a near tie
EXACT = ("-ngl", "0", "-ctk", "f32", "-ctv", "f32")  # on the processor, its cache in full precision
PATIENCE = 120.0  # seconds for the server to load the file
READ = """
import json, sys
from gguf import GGUFReader
fields = GGUFReader(sys.argv[1]).fields
print(json.dumps({name: fields[name].contents() for name in sys.argv[2:] if name in fields}))
"""


def convert(model: Path, to: Path, llama_cpp: Path | None, dtype: str) -> list[str]:
    """Write a model's folder as the file `to`; what was looked at in it, in words.

    ConfigError where llama.cpp is not there or does not know the model; GateError where the file lost the
    chat template or ends its answers otherwise: such a model never stops, or answers gibberish.
    """
    script = need(llama_cpp) / CONVERTER
    done = _run([sys.executable, str(script), str(model), "--outfile", str(to), "--outtype", TYPES[dtype]])
    if done.returncode or not to.is_file():
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        absent = "No module named" in last
        raise ConfigError(
            f"llama.cpp's converter failed: {last[:300]}",
            hint=f"pip install what {llama_cpp}/requirements asks for"
            if absent
            else "it knows the models and tokenizers that its documentation lists",
        )
    read = _run([sys.executable, "-c", READ, str(to), TEMPLATE, EOS], path=script.parent / "gguf-py")
    if read.returncode:
        raise ResourceError(f"{to.name} cannot be read again: {read.stderr.strip().splitlines()[-1][:300]}")
    found = json.loads(read.stdout)
    loaded = load_model(str(model), quantization="none")
    stops = Chat(loaded).stops
    if found.get(TEMPLATE) != loaded.tokenizer.chat_template:
        raise GateError(f"{to.name}: its chat template is not the model's", hint="use a newer llama.cpp")
    if found.get(EOS) not in stops:
        raise GateError(
            f"{to.name}: it would end answers at token {found.get(EOS)}, the model at {sorted(stops)}"
        )
    return [
        "checked: the chat template in the file is the model's",
        f"checked: it ends answers at token {found[EOS]}, as the model does",
    ]


def need(llama_cpp: Path | None) -> Path:
    """The folder of llama.cpp, if its converter is in it; else ConfigError."""
    if llama_cpp is None or not (llama_cpp / CONVERTER).is_file():
        where = f"{llama_cpp}: no {CONVERTER} in it" if llama_cpp else "llama.cpp is needed to write GGUF"
        raise ConfigError(
            where,
            hint="--llama-cpp names a folder of llama.cpp's source (github.com/ggml-org/llama.cpp); "
            "or seatrial adapters merge, and convert the merged folder where it is",
        )
    return llama_cpp


def _run(command: Sequence[str], path: Path | None = None) -> subprocess.CompletedProcess[str]:
    more = {"PYTHONPATH": str(path)} if path else {}
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **more})


def server_of(llama_cpp: Path) -> Path | None:
    """llama.cpp's server, where it was built or installed."""
    places = [llama_cpp / "build" / "bin" / SERVER, llama_cpp / SERVER, llama_cpp / "bin" / SERVER]
    installed = shutil.which(SERVER)
    return next(
        (place for place in [*places, *([Path(installed)] if installed else [])] if place.is_file()), None
    )


@contextmanager
def served(server: Path, file: Path) -> Iterator[Any]:
    """An HTTP client of llama.cpp's server with the file loaded; ResourceError where it does not start."""
    import httpx

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(server),
        "-m",
        str(file),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--jinja",
        "-ngl",
        "0",
    ]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False
            ) as client:
                until = time.monotonic() + PATIENCE
                while not _ready(client):
                    if process.poll() is not None or time.monotonic() > until:
                        said.seek(0)
                        last = said.read().decode(errors="replace").strip().splitlines()[-1:]
                        raise ResourceError(f"{server.name} did not start: {' '.join(last)[:300]}")
                    time.sleep(0.2)
                yield client
        finally:
            process.terminate()
            process.wait(timeout=30)


def _ready(client: Any) -> bool:  # noqa: ANN401  an httpx.Client
    import httpx

    try:
        return bool(client.get("/health").status_code == httpx.codes.OK)
    except httpx.TransportError:
        return False


def parity(server: Path, file: Path, model: LoadedModel, asked: Sequence[Solved]) -> list[str]:
    """Ask llama.cpp and the model the same; GateError where prompts, tokens or answers are not the same."""
    chat = Chat(model)
    turns = [turns_of(each) for each in asked]
    prompts = [chat.prompt(each) for each in turns]
    ids = [chat.ids(prompt) for prompt in prompts]
    ours = [each.ids for each in generate(model, ids, stops=chat.stops, max_new_tokens=TOKENS)]
    with served(server, file) as client:
        told = [_post(client, "/apply-template", messages=each)["prompt"] for each in turns]
        # as its chat does: with the begin token that it takes out of the template's text
        read = [
            _post(client, "/tokenize", content=each, parse_special=True, add_special=True)["tokens"]
            for each in told
        ]
        said = [
            _post(
                client,
                "/completion",
                prompt=each,
                n_predict=TOKENS,
                temperature=0,
                return_tokens=True,
                cache_prompt=False,
            )["tokens"]
            for each in ids
        ]
    same = [_same(one, list(other), chat.stops) for one, other in zip(said, ours, strict=True)]
    counts = {
        "conversations as tokens": sum(one == other for one, other in zip(read, ids, strict=True)),
        "greedy answers": sum(same),
    }
    lines = [
        f"checked: llama.cpp against the model, {what}: {count} of {len(asked)} the same"
        for what, count in counts.items()
    ]
    prompts_same, answers = counts.values()
    if prompts_same < len(asked) or answers < SAME * len(asked):
        raise GateError(
            f"llama.cpp does not answer as the model: {'; '.join(lines)}",
            hint="use a newer llama.cpp, or --dtype float32",
        )
    return lines


def _same(one: list[int], other: list[int], stops: frozenset[int]) -> bool:
    """Whether two answers are the same tokens, whichever of them shows the token that ended it."""
    return [token for token in one if token not in stops] == [token for token in other if token not in stops]


def _post(client: Any, path: str, **body: Any) -> Any:  # noqa: ANN401
    reply = client.post(path, json=body)
    if reply.is_error:
        raise ResourceError(f"llama.cpp's server refused {path}: {reply.text[:300]}")
    return reply.json()


def gguf(
    workspace: Workspace,
    each: Adapter,
    to: Path,
    llama_cpp: Path | None,
    *,
    onto: str,
    dtype: str,
    dataset: str | None,
    anyway: bool,
) -> dict[str, Any]:
    """Merge, convert and try; the file appears only if all of it held. Returns the record, with `lines`."""
    folder = need(llama_cpp)
    if to.exists():
        raise ConfigError(f"{to} is there already", hint="--to names a file that is not there yet")
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".gguf-") as place:
        model, draft = Path(place) / "model", Path(place) / to.name
        told = merge(workspace, each, model, onto=onto, dtype=dtype, dataset=dataset, anyway=anyway)
        moved = Moved(told["kl"], told["agree"], told["tokens"], told["rows"])
        lines = [f"merged onto the base as {onto}, {dtype}: {moved.line()}"]
        lines += convert(model, draft, folder, dtype)
        server = server_of(folder)
        _, asked = rows_here(workspace, each, dataset, PROMPTS)
        if server is None:
            lines.append(
                f"not checked: whether llama.cpp answers as the model does: there is no {SERVER} in its folder"
            )
        else:
            lines += parity(server, draft, load_model(str(model), quantization="none"), asked)
        draft.replace(to)
    return {**told, "file": str(to), "lines": lines}
