"""Source: found by `make fuzz`. Arrays of another shape in a store: a traceback from a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import vbench
from fabricate import fabricate

from vbench.data.prepare import open_volume
from vbench.errors import DataError
from vbench.files import read_json, write_json

ONE = {"real": 0.9, "synthetic/dcgan": 0.8}


@pytest.mark.parametrize(
    ("pattern", "array"),
    [
        ("mip/*.npy", np.zeros((4, 2, 8, 8), np.float16)),
        ("mip/*.npy", np.zeros((3, 8, 8), np.float32)),
        ("mip/*.npy", np.zeros((3, 0, 8), np.uint8)),
        ("samples-*.npy", np.zeros((3, 8, 8), np.uint8)),
        ("samples-*.npy", np.full((4, 2, 8, 8), np.nan)),
        ("samples-*.npy", np.full((4, 2, 8, 8), 1e9)),
        ("samples-*.npy", np.full((4, 2, 8, 8), -1.0)),
        ("samples-*.npy", np.array(["x"])),
    ],
)
def test_an_array_of_another_shape_is_named(tmp_path: Path, pattern: str, array: Any) -> None:
    made = fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1, n_test=2, artifacts=True)
    there = sorted((tmp_path / "store").glob(f"*/{pattern}"))
    for path in there:
        np.save(path, array)
    for command in ("report", "pack"):
        more = ("--to", tmp_path / "p.zip") if command == "pack" else ()
        answer = vbench(command, made.folder.name, "--out", tmp_path, *more)
        assert answer.code == 2, answer.err
        assert answer.err.count("\n") == 1
        assert ".npy: an array" in answer.err
        assert any(str(path) in answer.err for path in there)
    assert not (tmp_path / "p.zip").exists()


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("image", np.zeros((8, 8), np.float16)),
        ("image", np.zeros((2, 8, 8, 8), np.float16)),
        ("label", np.zeros((8, 8, 7), np.uint8)),
        ("mask", np.zeros((8, 8, 8), np.float32)),
        ("affine", [1, 2]),
        ("native_affine", [[1] * 4] * 3),
        ("spacing", [1, "x", 2]),
        ("labels", ["a", "b"]),
    ],
)
def test_a_prepared_volume_whose_parts_do_not_fit_is_refused(
    tmp_path: Path, what: str, value: Any
) -> None:
    fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1, n_test=2, artifacts=True)
    folder = next((tmp_path / "store").glob("*/volume.json")).parent
    open_volume(folder)
    if isinstance(value, np.ndarray):
        np.save(folder / f"{what}.npy", value)
    else:
        write_json(folder / "volume.json", read_json(folder / "volume.json") | {what: value})
    with pytest.raises(DataError, match="no prepared volume") as refused:
        open_volume(folder)
    assert "\n" not in str(refused.value)
    assert vbench("report", "demo", "--out", tmp_path).code == 0
