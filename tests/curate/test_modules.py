"""Modules know one another by public names only."""

from __future__ import annotations

import ast
from pathlib import Path

import curate


def test_no_module_takes_a_private_name_of_another():
    root = Path(curate.__file__).parent
    found = [
        f"{path.relative_to(root)}: {node.module}.{name.name}"
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("curate", "")
        for name in node.names
        if name.name.startswith("_") and not name.name.startswith("__")
    ]
    assert found == []
