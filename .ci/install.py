"""Install this project with all extras into the environment that runs this file.

The one thing that a plain `pip install` gets wrong is torch: on Linux the registry's build brings
almost 3 GB of CUDA libraries, GPU or not. So, where there is no NVIDIA driver and pip itself finds no
CPU build (a wheel folder in its configuration, say), torch comes from the CPU builds that PyTorch
publishes, whose address uv knows (`--torch-backend`). Where that fails, pip's choice is taken.
"""

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TORCH = "torch==2.13.0"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def run(*words: str) -> bool:
    """Run a command in the project's folder; whether it succeeded."""
    print("+", " ".join(words), flush=True)
    return subprocess.run(words, cwd=ROOT, check=False).returncode == 0


def torch_of_pip() -> str:
    """The version of torch that pip would install here, such as `2.13.0+cpu`; empty if it cannot tell."""
    print("asking pip which build of torch it would take ...", flush=True)
    words = [
        *PIP,
        "install",
        "--quiet",
        "--dry-run",
        "--no-deps",
        "--ignore-installed",
        "--report",
        "-",
        TORCH,
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return ""
    return str(json.loads(done.stdout)["install"][0]["metadata"]["version"])


def install_torch() -> None:
    """Put a CPU build of torch in place where CUDA libraries would be of no use."""
    cuda_useful = shutil.which("nvidia-smi") is not None
    if cuda_useful or platform.system() != "Linux" or "+cpu" in torch_of_pip():
        return
    print("no NVIDIA driver found: taking PyTorch's CPU build", flush=True)
    if not run(*PIP, "install", "--quiet", "uv") or not run(
        sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable, "--torch-backend=cpu", TORCH
    ):
        print(
            "PyTorch's CPU builds could not be reached; pip's own choice of torch follows (about 3 GB)",
            flush=True,
        )


def main() -> int:
    """Install; the exit code of the installation."""
    print(
        "installing Seatrial with all extras: this takes minutes, most of them for torch (200 MB or more)",
        flush=True,
    )
    install_torch()
    extras = "all,dev" if "--dev" in sys.argv else "all"
    print("now the rest of the packages; pip says nothing until it is done ...", flush=True)
    return 0 if run(*PIP, "install", "--quiet", "-c", "constraints.txt", "-e", f".[{extras}]") else 1


sys.exit(main())
