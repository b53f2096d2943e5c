"""ARCHITECTURE.md draws the layers that `make layers` holds, and they hold every module."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from documents import ROOT

PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
CONTRACTS = tomllib.loads(PYPROJECT)["tool"]["importlinter"]["contracts"]
(LAYERS,) = (contract for contract in CONTRACTS if contract["type"] == "layers")


def test_the_diagram_is_the_contract():
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition("\n## Layers\n")[2]
    drawn = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert drawn is not None
    held = [layer.split(" | ") for layer in LAYERS["layers"]]
    assert [line.split(" · ") for line in drawn[1].splitlines()] == held


def modules() -> list[str]:
    found = {path.stem for path in (ROOT / "vbench").glob("*.py")} - {"__init__"}
    return sorted(found | {path.parent.name for path in (ROOT / "vbench").glob("*/__init__.py")})


def test_every_module_is_in_one_layer():
    named = [name for layer in LAYERS["layers"] for name in layer.split(" | ")]
    assert sorted(named) == modules()
    assert (LAYERS["containers"], LAYERS["exhaustive"]) == (["vbench"], True)


def test_a_module_in_no_layer_is_refused(tmp_path: Path):
    """`make layers` itself says so, of a copy of the package's outline with one module more."""
    for name in (*modules(), "stray"):
        place = tmp_path / "vbench" / f"{name}.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text("")
    for package in ("vbench", "vbench_plugins"):
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / "__init__.py").write_text("")
    layers = PYPROJECT[PYPROJECT.index("[tool.importlinter]") :].partition('name = "The core')[0]
    layers = layers.rpartition("[[tool.importlinter.contracts]]")[0]
    (tmp_path / "pyproject.toml").write_text(layers)
    call = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(
        [*call, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "stray" in done.stdout
