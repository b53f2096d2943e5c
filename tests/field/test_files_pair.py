"""nibabel issue 1004: OASIS comes as ``.img`` and ``.hdr``, and how to open them is unclear."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench
from datasets import AFFINE, scene


@pytest.mark.parametrize("suffix", [".img", ".hdr"])
def test_half_of_a_pair_is_to_be_converted(tmp_path: Path, suffix: str) -> None:
    nib.save(nib.Nifti1Pair(scene()[1].astype(np.uint8), AFFINE), tmp_path / "a.img")
    path = tmp_path / f"a{suffix}"
    answer = vbench("score", "--pred", path, "--truth", path)
    assert answer.code == 2
    assert "half of a pair of .hdr and .img; convert both to one file" in answer.err
