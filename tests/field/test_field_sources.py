"""Source: found in review of vbench. A test that names no report can be checked by no one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.glob("test_*.py"))
NAMED = re.compile(r"issues? #?\d+|discussions? #?\d+|pull requests? #?\d+|https?://|Source: ")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_names_its_source(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert NAMED.search(" ".join(text.split())), f"{path.name}: the docstring names no report"
