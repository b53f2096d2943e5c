"""BIDS validator (legacy) issue 292: both codes 0, and each reader guesses left and right."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench
from datasets import scene

SPACING = np.diag([0.5, 0.6, 0.8, 1])


def write(path: Path, code: int, side: int) -> Path:
    """Write vessels about the origin, so that a mirrored volume fills the same place."""
    image = nib.Nifti1Image(scene()[1].astype(np.uint8), None)
    affine = SPACING @ np.diag([side, 1, 1, 1])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(image.shape) - 1) / 2
    image.header.set_zooms((0.5, 0.6, 0.8))
    image.header.set_xyzt_units("mm")
    image.set_sform(affine if code else None, code=code)
    image.set_qform(affine if code else None, code=code)
    nib.save(image, path)
    return path


@pytest.mark.parametrize(("side", "code"), [(1, 2), (-1, 0)])
def test_a_label_that_does_not_say_how_it_lies_is_not_mirrored_silently(
    tmp_path: Path, side: int, code: int
) -> None:
    truth = write(tmp_path / "t.nii.gz", 1, side)
    pred = write(tmp_path / "p.nii.gz", 0, side)
    answer = vbench("score", "--pred", pred, "--truth", truth, "--metric", "dsc")
    assert answer.code == code
    assert code == 0 or "p.nii.gz: its header does not say how it lies" in answer.err
    assert code == 2 or "1" in answer.out
