"""cornerstone-nifti-image-loader issue 14: volumes of RGB24 end in an error about a type."""

from pathlib import Path

import nibabel as nib
import numpy as np
from command_line import vbench
from datasets import AFFINE


def test_colours_are_named(tmp_path: Path) -> None:
    colours = np.zeros((6, 5, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(colours, AFFINE), tmp_path / "a.nii.gz")
    answer = vbench("score", "--pred", tmp_path / "a.nii.gz", "--truth", tmp_path / "a.nii.gz")
    assert answer.code == 2
    assert "voxels of type 128 (RGB24), expected real numbers; convert them" in answer.err
