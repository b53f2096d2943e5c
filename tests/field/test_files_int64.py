"""SimpleITK issue 398, AFNI issue 336: labels of 64 bits are written wrongly, or not read."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench
from datasets import AFFINE, scene


@pytest.mark.parametrize("kind", ["i8", "u8", "u4", "f8"])
def test_ids_beyond_32_bits_are_told_apart(tmp_path: Path, kind: str) -> None:
    first = 2**31 if kind == "u4" else 2**40
    label = scene()[1].astype(kind) * np.array(first, dtype=kind)
    label[10:][label[10:] > 0] += np.array(1, dtype=kind)
    image = nib.Nifti1Image(label, AFFINE, dtype=label.dtype)
    image.header.set_xyzt_units("mm")
    nib.save(image, tmp_path / "a.nii.gz")
    pair = ["--pred", tmp_path / "a.nii.gz", "--truth", tmp_path / "a.nii.gz"]
    answer = vbench("score", *pair, "--metric", "dsc", "--classes", "--json")
    assert answer.code == 0
    cases = json.loads(answer.out)["cases"]
    assert [case["class"] for case in cases] == [first, first + 1]
