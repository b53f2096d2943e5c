"""Source: found by `make fuzz`. An unknown key with a bracket, or a type's name: a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import vbench

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("key", ["int", "a[b", "[", "Split", "PluginUse"])
@pytest.mark.parametrize("table", ["", "benchmark", "patches"])
def test_an_unknown_key_is_named(tmp_path: Path, table: str, key: str) -> None:
    text = (ROOT / "benchmarks" / "smoke.toml").read_text("utf-8")
    line = f'"{key}" = 1\n'
    text = text.replace(f"[{table}]\n", f"[{table}]\n{line}", 1) if table else line + text
    (tmp_path / "s.toml").write_text(text, "utf-8")
    for command in ("plan", "validate"):
        answer = vbench(command, tmp_path / "s.toml")
        assert answer.code == 2
        assert f"{table}.{key}: unknown key".lstrip(".") in answer.err
