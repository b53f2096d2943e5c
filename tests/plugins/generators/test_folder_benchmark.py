"""``folder`` in a benchmark: a bad set is found before any work, one without vessels is marked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import vbench
from datasets import AFFINE, save, scene
from patients import patients
from share_sets import arrays, pairs
from toml_text import write_toml
from toy_benchmark import toy_table


def _moved(path: Path) -> None:
    away = AFFINE.copy()
    away[:3, 3] += 40
    save(path / "labels" / "case1.nii", scene(1)[1], affine=away)


BLOCK = (8, 8, 8)
WHOLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "spacing": (lambda p: None, r"spacing 0\.5 × 0\.6 × 0\.8 mm, that of the real data 1 × 1 × 2"),
    "affine": (_moved, r"case1\.nii: its affine places it"),
    "grid": (
        lambda p: save(p / "labels" / "case1.nii", scene(1)[1][:-1]),
        r"case1\.nii: shape .* resample it to the grid",
    ),
    "probabilities": (
        lambda p: save(p / "labels" / "case1.nii", scene(1)[1] * np.float32(0.5)),
        "not whole numbers",
    ),
    "negative": (
        lambda p: save(p / "labels" / "case1.nii", -scene(1)[1].astype(np.int16)),
        "negative values",
    ),
    "not finite": (
        lambda p: save(p / "images" / "case1.nii", np.full_like(scene(1)[0], np.inf)),
        "NaN or infinite",
    ),
    "constant": (
        lambda p: save(p / "images" / "case1.nii", np.full_like(scene(1)[0], 7)),
        "case1: the image is constant",
    ),
}
ARRAYS = {
    "labels": "threshold probabilities",
    "images": r"the images are constant \(0\.5\), nothing can be learned; save",
}


def _benchmark(path: Path, spec: Path, **params: Any) -> Path:
    """Write a benchmark of toys with the set at ``path`` as its generator."""
    made = {"plugin": "folder", "name": "made", "params": {"path": str(path), **params}}
    table = toy_table(
        data={"source": {"plugin": "blobs", "split": {"train": 2, "val": 1, "test": 1}}},
        generators=[made],
        patches={"size": list(BLOCK), "per_subject": 8},
    )
    return write_toml(spec, table)


@pytest.mark.parametrize("fault", [*WHOLE, *ARRAYS])
def test_a_bad_set_is_found_before_anything_is_written(fault: str, tmp_path: Path) -> None:
    if fault in WHOLE:
        spoil, says = WHOLE[fault]
        path = pairs(tmp_path / "set")
        spoil(path)
    else:
        path, says = arrays(tmp_path / "set", patients(2, 15, seed=3, size=BLOCK)), ARRAYS[fault]
        np.save(path / f"{fault}.npy", np.full((30, *BLOCK), 0.5))
    spec = _benchmark(path, tmp_path / "s.toml", any_spacing=fault != "spacing")
    checked = vbench("validate", spec)
    assert checked.code == 2
    line, count = checked.err.splitlines()
    assert line.startswith(f"generators.0.params: generator 'folder': {path}")
    assert re.search(says, line), line
    assert count.startswith("1 fault")
    run = vbench("run", spec, "--out", tmp_path / "out", "--no-tracking")
    assert run.code == 2
    assert run.err.splitlines() == [f"vbench: {line}"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("whole", [True, False])
def test_a_set_without_any_vessel_is_remarked_and_marked(whole: bool, tmp_path: Path) -> None:
    path = tmp_path / "set"
    if whole:
        pairs(path, 1, empty=0)
    else:
        arrays(path, patients(2, 15, seed=3, size=BLOCK))
        np.save(path / "labels.npy", np.zeros((30, *BLOCK), np.uint8))
    spec = _benchmark(path, tmp_path / "s.toml", any_spacing=True)
    said = f"generator 'folder': {path}: no label has a vessel"
    checked = vbench("validate", spec)
    assert checked.code == 0
    assert said in checked.out
    run = vbench("run", spec, "--out", tmp_path / "out", "--no-tracking")
    assert run.code == 0
    assert said in run.err
    assert "∅ made collapsed" in run.out
    again = vbench("run", spec, "--out", tmp_path / "out", "--no-tracking")
    assert said not in again.err  # nothing is read again
