"""SimpleITK issue 1433: "only supports orthonormal direction cosines"; other readers go on."""

from pathlib import Path

import numpy as np
from command_line import vbench
from datasets import AFFINE, scene

from vbench.data import write_volume


def test_a_sheared_grid_is_refused_with_its_angle(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    for degrees, code in ((0.5, 0), (5, 2), (20, 2)):
        shear = np.eye(4)
        shear[0, 1] = np.tan(np.radians(degrees))
        write_volume(path, scene()[1], shear @ AFFINE)
        answer = vbench("score", "--pred", path, "--truth", path, "--metric", "dsc")
        assert answer.code == code
        assert code == 0 or f"sheared: two of its axes meet at {90 - degrees}°" in answer.err
