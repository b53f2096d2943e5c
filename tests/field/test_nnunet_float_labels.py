"""nnU-Net issue 2868: labels are stored as floating-point numbers, ``14.0`` for 14."""

from pathlib import Path

import numpy as np
import pytest
from command_line import vbench
from datasets import save, scene


@pytest.mark.parametrize(("factor", "code"), [(14.0, 0), (14.0000005, 0), (0.5, 2), (-1.0, 2)])
def test_whole_numbers_are_labels_whatever_their_type(
    tmp_path: Path, factor: float, code: int
) -> None:
    path = save(tmp_path / "a.nii.gz", scene()[1] * np.float64(factor))
    answer = vbench("score", "--pred", path, "--truth", path, "--metric", "dsc")
    assert answer.code == code
    assert code == 0 or f"{path}: " in answer.err
