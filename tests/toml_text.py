"""Writes specs for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_toml(path: Path, table: dict[str, Any]) -> Path:
    """Write a table as TOML, everything inline."""
    path.write_text("".join(f"{key} = {_inline(value)}\n" for key, value in table.items()))
    return path


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value)
