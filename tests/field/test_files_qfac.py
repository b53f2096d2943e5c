"""nibabel issue 1394, surfa issue 4: ``pixdim[0]`` is 0, or 1 where the qform needs -1."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from command_line import vbench
from datasets import AFFINE, save, scene

MIRROR = np.diag([-1, 1, 1, 1])


@pytest.mark.parametrize(("side", "qfac", "code"), [(1, 0, 0), (1, -1, 2), (-1, -1, 0), (-1, 1, 2)])
def test_qfac_is_read_as_nifti_says(tmp_path: Path, side: int, qfac: int, code: int) -> None:
    affine = AFFINE if side > 0 else MIRROR @ AFFINE
    truth = save(tmp_path / "t.nii.gz", scene()[1], affine)
    path = save(tmp_path / "p.nii.gz", scene()[1], affine)
    raw = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into("<f", raw, 76, qfac)
    path.write_bytes(gzip.compress(bytes(raw)))
    answer = vbench("score", "--pred", path, "--truth", truth, "--metric", "dsc")
    assert answer.code == code
    assert code == 0 or "qform and sform differ" in answer.err
    assert code == 0 or "mirrored" in answer.err
