"""Source: found in review of vbench. validate called data sound that 'data check' refused."""

from pathlib import Path

import numpy as np
import pytest
from command_line import vbench
from datasets import nnunet, save, scene

SPEC = """
[benchmark]
name = "m"
seeds = [0]
[data.source]
plugin = "nnunet"
path = "data"
split = { train = 1, val = 1, test = 1 }
[patches]
size = [8, 8, 8]
per_subject = 4
[segmenter]
plugin = "threshold"
[regimes]
baseline = true
real = true
synthetic = false
[metrics]
segmentation = ["dsc"]
"""
LABEL, IMAGE = "labelsTr/case3.nii.gz", "imagesTr/case3_0000.nii.gz"
FAULTS = {
    "sound": (LABEL, scene(3)[1]),
    "mirrored": (LABEL, scene(3)[1][::-1]),
    "inverted": (LABEL, ~scene(3)[1]),
    "constant": (IMAGE, np.zeros_like(scene(3)[0])),
    "twin": (IMAGE, scene(1)[0]),
    "label as image": (IMAGE, scene(3)[1]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_data_set_has_one_verdict(tmp_path: Path, fault: str) -> None:
    folder = nnunet(tmp_path / "data", n=4)
    file, array = FAULTS[fault]
    save(folder / file, array)
    (tmp_path / "spec.toml").write_text(SPEC)
    expected = 0 if fault == "sound" else 2
    checked = vbench("data", "check", folder)
    validated = vbench("validate", tmp_path / "spec.toml")
    assert (checked.code, validated.code) == (expected, expected), validated.err
    if expected:
        ran = vbench("run", tmp_path / "spec.toml", "--out", tmp_path / "out")
        assert ran.code == 2
        assert len(ran.err.strip().splitlines()) == 1
        assert "case3" in ran.err
        assert "case3" in validated.err
