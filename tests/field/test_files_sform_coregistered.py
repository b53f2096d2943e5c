"""TorchIO issue 567: SPM's coregistration changes the sform alone, and tools disagree."""

from pathlib import Path

import nibabel as nib
from command_line import vbench
from datasets import AFFINE, save, scene


def test_an_sform_that_was_moved_alone_is_refused(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    image = nib.load(path)
    affine = AFFINE.copy()
    affine[:3, 3] += 3
    image.set_sform(affine, code=2)
    nib.save(image, path)
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "fslorient -copysform2qform" in answer.err
    assert len(answer.err.splitlines()) == 1
