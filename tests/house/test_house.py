"""The house keeps its rules: layers, sizes, and what must not stand in it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("curate", "evalharness", "train", "tui")
LONGEST_FILE, LONGEST_FUNCTION = 400, 60


def sources() -> list[Path]:
    """All Python files of the four packages."""
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_the_layers_hold() -> None:
    """Tui -> train -> evalharness -> curate, and nothing below tui draws on a terminal."""
    command = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_top_level_is_what_it_should_be() -> None:
    """A newcomer sees the same few folders."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    top = {name.partition("/")[0] for name in listed if name}
    expected = {
        "pyproject.toml",
        "curate",
        "evalharness",
        "train",
        "tui",
        "tests",
        "README.md",
        "benchmarks",
        "docs",
    }
    expected |= {
        ".ci",
        ".gitignore",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Makefile",
        "constraints.txt",
    }
    assert top <= expected


def readable(text: str, tree: ast.Module) -> None:
    """No file over 400 lines, no function over 60; tables of words excepted."""
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


def nothing_swallowed_or_left(text: str, tree: ast.Module) -> None:
    """No bare or empty except, no marks of unfinished work, no pickle, no eval."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            silent = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
            assert node.type is not None, f"line {node.lineno}: catches everything"
            assert not silent, f"line {node.lineno}: swallows"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec"), f"line {node.lineno}"
        if isinstance(node, ast.Import):
            assert all(name.name not in ("pickle", "dill", "joblib") for name in node.names)
    assert not [word for word in ("TODO", "FIXME", "NotImplementedError") if word in text.split()]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_keeps_the_rules(path: Path) -> None:
    """Each file is read and understood once, for all that is asked of it."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    readable(text, tree)
    nothing_swallowed_or_left(text, tree)
