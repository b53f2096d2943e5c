"""fMRIPrep issue 2281: sform and qform, both of code 1, give one scan different orientations."""

from pathlib import Path

import nibabel as nib
import numpy as np
from command_line import vbench
from datasets import AFFINE, save, scene


def test_forms_that_differ_are_refused_and_which_is_read_is_said(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    image = nib.load(path)
    image.set_qform(np.diag([-1, 1, -1, 1]) @ AFFINE, code=1)
    nib.save(image, path)
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "qform and sform differ by up to" in answer.err
    assert len(answer.err.splitlines()) == 1
    assert "(the sform would be read)" in answer.err
