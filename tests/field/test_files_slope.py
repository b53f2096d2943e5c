"""fMRIPrep issue 2531, NIfTI.jl issue 14: a mask with a slope of NaN or 0 becomes empty."""

import gzip
import struct
from pathlib import Path

import pytest
from datasets import save, scene

import vbench


@pytest.mark.parametrize("slope", [0.0, float("nan")])
def test_a_slope_that_is_not_set_does_not_scale(tmp_path: Path, slope: float) -> None:
    truth = save(tmp_path / "t.nii.gz", scene()[1])
    path = save(tmp_path / "p.nii.gz", scene()[1])
    raw = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into("<2f", raw, 112, slope, float("nan"))
    path.write_bytes(gzip.compress(bytes(raw)))
    assert vbench.score(path, truth, metrics=["dsc"]) == {"dsc": 1.0}
